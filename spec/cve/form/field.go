package form

import (
	"slices"
	"strings"
	"time"

	"tasuki/spec/cve"
	"tasuki/spec/cvss"
	"tasuki/spec/cwe"
)

const (
	lessThan        = "lessThan"
	lessThanOrEqual = "lessThanOrEqual"
)

// Field is what the controls of a member hold.
type Field struct {
	Text string
	// Which is the other control of a Bound: lessThan or lessThanOrEqual.
	Which string
	// Chosen are a Tags field's tags out of its Options; the others are in Text, separated by commas.
	Chosen []string
	// Metrics are a Vector's choices, value by metric.
	Metrics map[string]string
	Version string // of a Vector: 3.1
}

// Moment is the form of a Time field, the one that browsers use for datetime-local with seconds.
const Moment = "2006-01-02T15:04:05"

// IsMoment tells whether a Time field's text can stand in a browser's control for moments; any other needs one for text.
func IsMoment(text string) bool {
	t, err := time.Parse(Moment, text)
	return err == nil && t.Year() > 0
}

// show is what the form shows of one member of the object v; odd when the member is no such thing.
func show(v *value, k *Shape, at string) (f Field, odd bool) {
	member := v.get(k.Name)
	switch k.Kind {
	case Tags:
		items, ok := texts(member, "")
		var others []string
		for _, tag := range items {
			if slices.Contains(k.Options, tag) {
				f.Chosen = append(f.Chosen, tag)
			} else {
				others = append(others, tag)
			}
		}
		f.Text = strings.Join(others, ", ")
		return f, member != nil && !ok
	case List:
		items, ok := texts(member, k.Item)
		for i, item := range items {
			items[i] = oneLine(item)
		}
		f.Text = strings.Join(items, "\n")
		return f, member != nil && !ok
	case Bound:
		f.Which = lessThan
		up, isUp := v.get(lessThan).str()
		to, isTo := v.get(lessThanOrEqual).str()
		odd = v.get(lessThan) != nil && !isUp || v.get(lessThanOrEqual) != nil && !isTo || isUp && isTo
		if isTo {
			up, f.Which = to, lessThanOrEqual
		}
		f.Text = up
		return f, odd
	case Vector:
		return showVector(member, k)
	case Time:
		s, ok := member.str()
		if t, _, err := cve.ParseTime(s); err == nil {
			s = t.Format(Moment)
		}
		f.Text = s
		return f, member != nil && !ok
	}
	s, ok := member.str()
	f.Text = s
	return f, member != nil && !ok
}

// texts are the elements of a list of strings, or of objects whose only member is a string.
func texts(v *value, item string) ([]string, bool) {
	if v == nil || v.kind != '[' {
		return nil, false
	}
	var out []string
	for _, kid := range v.kids {
		if item != "" {
			if kid.kind != '{' || len(kid.names) != 1 {
				return nil, false
			}
			kid = kid.get(item)
		}
		s, ok := kid.str()
		if !ok {
			return nil, false
		}
		out = append(out, s)
	}
	return out, true
}

// Typed is a text as a control gives it back: a browser ends lines with CR LF, a control of one line has no line ends, and
// the character U+0000 does not survive the page.
func Typed(s string, line bool) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	if line {
		s = strings.ReplaceAll(s, "\n", "")
	}
	return s
}

func oneLine(s string) string {
	return strings.ReplaceAll(Typed(s, false), "\n", " ")
}

// sameTyped tells whether what came back is what was shown.
func sameTyped(shown, came string, line bool) bool { return Typed(shown, line) == Typed(came, line) }

// Apply takes what came back of the form, by field names. What is not there, or is no field of this state, changes nothing;
// so does a field that comes back as it was shown.
func (s *State) Apply(values map[string][]string) {
	s.apply(s.root, &Container, "", values)
}

func (s *State) apply(v *value, shape *Shape, at string, values map[string][]string) {
	named := false // a description that was written here stays as it is
	for i := range shape.Kids {
		k := &shape.Kids[i]
		name, kid := at+"/"+k.Name, v.get(k.Name)
		switch k.Kind {
		case Rows:
			if kid == nil || kid.kind != '[' {
				continue
			}
			for n, row := range kid.kids {
				if row.kind == '{' {
					s.apply(row, k, rowName(name, n), values)
				}
			}
			continue
		case Group:
			switch {
			case kid == nil:
				kid = object()
				s.apply(kid, k, name, values)
				if len(kid.names) > 0 {
					v.set(k.Name, kid, shape.order())
				}
			case kid.kind == '{':
				had := len(kid.names)
				if s.apply(kid, k, name, values); had > 0 && len(kid.names) == 0 {
					v.drop(k.Name)
				}
			}
			continue
		}
		f, odd := show(v, k, at)
		if odd {
			continue
		}
		put := func(new *value) {
			if new == nil {
				v.drop(k.Name)
			} else {
				v.set(k.Name, new, shape.order())
			}
		}
		switch k.Kind {
		case Bound:
			setBound(v, shape, at, f, values)
		case Tags:
			if came, ok := values[name]; ok {
				setTags(v, k, f, came, values[name+"#other"], put)
			}
		case Vector:
			if kid != nil {
				setVector(kid, k, name, f, values)
			}
		case List:
			if came, ok := first(values, name); ok && !sameTyped(f.Text, came, false) {
				put(newList(kid, k, came))
			}
		case Time:
			if came, ok := first(values, name); ok && !sameMoment(f.Text, came) {
				put(newTime(came))
			}
		case Weak:
			if came, ok := first(values, name); ok && !sameTyped(f.Text, came, true) {
				named = nameWeakness(v, shape, f.Text, came, values[at+"/description"])
				put(newText(CWE(came), true))
			}
		default:
			if named && k.Name == "description" {
				continue
			}
			line := k.Kind != Prose
			if came, ok := first(values, name); ok && !sameTyped(f.Text, came, line) {
				put(newText(came, line))
			}
		}
	}
}

func first(values map[string][]string, name string) (string, bool) {
	if came := values[name]; len(came) > 0 {
		return came[0], true
	}
	return "", false
}

func newText(came string, line bool) *value {
	if came = strings.TrimSpace(Typed(came, line)); came == "" {
		return nil
	}
	return text(came)
}

// newList reads a text in each line. A line that is there already keeps its element, whatever else that holds.
func newList(old *value, k *Shape, came string) *value {
	had := map[string]*value{}
	if items, ok := texts(old, k.Item); ok {
		for i, item := range items {
			had[oneLine(item)] = old.kids[i]
		}
	}
	out := list()
	for line := range strings.SplitSeq(Typed(came, false), "\n") {
		if same := had[line]; same != nil {
			out.kids = append(out.kids, same)
			continue
		}
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		item := text(line)
		if k.Item != "" {
			item = &value{kind: '{', names: []string{k.Item}, kids: []*value{item}}
		}
		out.kids = append(out.kids, item)
	}
	if len(out.kids) == 0 {
		return nil
	}
	return out
}

// setTags keeps the order of the tags that stay; new ones follow in the order of the form.
func setTags(v *value, k *Shape, f Field, came, other []string, put func(*value)) {
	var wanted []string
	for _, option := range k.Options {
		if slices.Contains(came, option) {
			wanted = append(wanted, option)
		}
	}
	var others []string
	if len(other) == 0 || sameTyped(f.Text, other[0], true) {
		items, _ := texts(v.get(k.Name), "")
		for _, tag := range items {
			if !slices.Contains(k.Options, tag) {
				others = append(others, tag)
			}
		}
	} else {
		for tag := range strings.SplitSeq(Typed(other[0], true), ",") {
			if tag = strings.TrimSpace(tag); tag != "" && !slices.Contains(wanted, tag) && !slices.Contains(others, tag) {
				others = append(others, tag)
			}
		}
	}
	wanted = append(wanted, others...)
	had, _ := texts(v.get(k.Name), "")
	out := list()
	for _, tag := range had {
		if slices.Contains(wanted, tag) {
			out.kids = append(out.kids, text(tag))
		}
	}
	if len(out.kids) == len(had) && !slices.ContainsFunc(wanted, func(tag string) bool { return !slices.Contains(had, tag) }) {
		return
	}
	for _, tag := range wanted {
		if !slices.Contains(had, tag) {
			out.kids = append(out.kids, text(tag))
		}
	}
	if len(out.kids) == 0 {
		put(nil)
		return
	}
	put(out)
}

// setBound writes where a range ends.
func setBound(v *value, shape *Shape, at string, f Field, values map[string][]string) {
	to, ok := first(values, at+"#to")
	if !ok {
		return
	}
	which, _ := first(values, at+"#bound")
	if which != lessThan && which != lessThanOrEqual {
		which = f.Which
	}
	if sameTyped(f.Text, to, true) && (which == f.Which || f.Text == "") {
		return
	}
	up := v.get(f.Which)
	if !sameTyped(f.Text, to, true) {
		up = newText(to, true)
	}
	v.drop(lessThan)
	v.drop(lessThanOrEqual)
	if up != nil {
		v.set(which, up, shape.order())
	}
}

// sameMoment compares what a Time field showed with what came back; browsers leave out seconds that are 0.
func sameMoment(shown, came string) bool {
	if sameTyped(shown, came, true) {
		return true
	}
	a, okA := moment(shown)
	b, okB := moment(came)
	return okA && okB && a.Equal(b)
}

// moment reads a time as a browser gives it, or as the record format writes it; without a zone it is UTC.
func moment(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	for _, layout := range []string{Moment, "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	t, _, err := cve.ParseTime(s)
	return t, err == nil
}

// newTime writes a moment as the CVE Program does; what is none stays as it was typed, for the checks to say so.
func newTime(came string) *value {
	if t, ok := moment(came); ok {
		return text(cve.FormatTime(t))
	}
	return newText(came, true)
}

// nameWeakness names the weakness of a changed CWE identifier in its description, unless somebody wrote one, and says so.
func nameWeakness(v *value, shape *Shape, shown, came string, described []string) bool {
	id := CWE(came)
	if _, ok := v.get("type").str(); !ok && id != "" {
		v.set("type", text("CWE"), shape.order())
	}
	said, _ := v.get("description").str()
	if len(described) > 0 {
		said = strings.TrimSpace(Typed(described[0], true))
	}
	if before, ok := cwe.Lookup(shown); said != "" && !(ok && said == Named(before)) {
		return false
	}
	entry, ok := cwe.Lookup(id)
	switch {
	case ok:
		v.set("description", text(Named(entry)), shape.order())
	case id == "":
		v.drop("description")
	default:
		return false
	}
	return true
}

// Named is how a problem type's description names a weakness.
func Named(e cwe.Entry) string { return e.String() + " " + e.Name }

// CWE is an identifier as the format wants it, for one as people type it: "79", "cwe-79", "CWE-79: Cross-site Scripting".
func CWE(typed string) string {
	s := strings.TrimSpace(Typed(typed, true))
	rest := s
	if len(s) > 4 && strings.EqualFold(s[:4], "CWE-") {
		rest = s[4:]
	}
	digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
	if digits == "" || len(digits) < len(rest) && !strings.ContainsAny(rest[len(digits):len(digits)+1], " :") {
		return s
	}
	if digits = strings.TrimLeft(digits, "0"); digits == "" {
		return s
	}
	return "CWE-" + digits
}

// showVector reads a CVSS object.
func showVector(member *value, k *Shape) (f Field, odd bool) {
	for _, s := range Scores {
		if s.Member == k.Name {
			f.Version = s.Version
		}
	}
	if member == nil {
		return f, false
	}
	s, ok := member.get("vectorString").str()
	f.Text = s
	f.Metrics = map[string]string{}
	for metric, value := range cvss.Metrics(s) {
		// What the version does not know has no control; it stays in the text until somebody chooses.
		if m, v, ok := cvss.Spell(f.Version, metric, value); ok && m == metric && v == value {
			f.Metrics[metric] = value
		}
	}
	return f, member.kind != '{' || member.get("vectorString") != nil && !ok
}
