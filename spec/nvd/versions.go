package nvd

import (
	"cmp"
	"slices"
	"strings"

	"tasuki/spec/cve"
)

// span is a stretch of versions: one exact version, or everything between two bounds of which either
// may be missing. The zero span is every version.
type span struct {
	exact          string
	lo, hi         string
	loExcl, hiIncl bool
}

// Why an affected entry (or a version of it) yields no criterion, as x_unmapped says it.
const (
	noName      = "no CPE name"
	badName     = "unreadable CPE name"
	gitVersions = "versions are git commits"
	proseRange  = "version is prose"
	noVersion   = "version is not stated"
	badRange    = "range is empty"
	notAffected = "nothing is stated to be affected"
)

// affectedSpans reads the versions of an affected entry. The notes say what could not be turned into a span.
func affectedSpans(a *cve.Affected) (out []span, notes []string) {
	listed := false
	for i := range a.Versions {
		v := &a.Versions[i]
		listed = listed || v.Status == "affected" || slices.ContainsFunc(v.Changes, func(c cve.Change) bool { return c.Status == "affected" })
	}
	if !listed {
		if a.DefaultStatus == "affected" {
			return complement(a)
		}
		return nil, []string{notAffected}
	}
	for i := range a.Versions {
		spans, note := stretches(&a.Versions[i], "affected")
		out = append(out, spans...)
		if note != "" {
			notes = append(notes, note)
		}
	}
	return out, notes
}

// stretches gives the parts of one version entry that have a status.
func stretches(v *cve.Version, status string) ([]span, string) {
	if len(v.Changes) == 0 && v.Status != status {
		return nil, ""
	}
	if strings.EqualFold(v.VersionType, "git") || commit(v.Version) || commit(v.LessThan) || commit(v.LessThanOrEqual) {
		return nil, gitVersions
	}
	if v.LessThan == "" && v.LessThanOrEqual == "" && len(v.Changes) == 0 {
		return single(v.Version)
	}
	lo, ok := lowerBound(v.Version)
	if !ok {
		return nil, proseRange
	}
	whole := span{lo: lo}
	switch {
	case v.LessThan != "":
		if whole.hi, ok = upperBound(v.LessThan); !ok {
			return nil, proseRange
		}
	case v.LessThanOrEqual != "":
		if whole.hi, ok = upperBound(v.LessThanOrEqual); !ok {
			return nil, proseRange
		}
		whole.hiIncl = whole.hi == v.LessThanOrEqual
	}
	if whole.empty() {
		return nil, badRange
	}
	if len(v.Changes) == 0 {
		return []span{whole}, ""
	}
	return flip(whole, v, status)
}

// flip cuts a range at its changes and keeps the stretches that have the status.
func flip(whole span, v *cve.Version, status string) (out []span, note string) {
	changes := slices.Clone(v.Changes)
	for _, c := range changes {
		if !version(c.At) {
			return nil, proseRange
		}
	}
	slices.SortStableFunc(changes, func(a, b cve.Change) int { return compareVersions(a.At, b.At) })
	now, from := v.Status, whole.lo
	for _, c := range changes {
		if whole.hi != "" && compareVersions(c.At, whole.hi) >= 0 {
			break
		}
		part := span{lo: from, hi: c.At}
		if now == status && !part.empty() {
			out = append(out, part)
		}
		if c.Status != now {
			now, from = c.Status, c.At
		} else if now != status {
			from = c.At
		} else if len(out) > 0 && out[len(out)-1] == part {
			out = out[:len(out)-1] // the change changes nothing: the stretch goes on
		}
	}
	last := span{lo: from, hi: whole.hi, hiIncl: whole.hiIncl}
	if now == status && !last.empty() {
		out = append(out, last)
	}
	return out, ""
}

// complement is everything but the unaffected spans: what defaultStatus affected means for an entry
// that lists nothing affected. One unreadable unaffected range makes the whole unknowable.
func complement(a *cve.Affected) ([]span, []string) {
	var safe []span
	for i := range a.Versions {
		spans, note := stretches(&a.Versions[i], "unaffected")
		if note != "" {
			return nil, []string{note}
		}
		for _, s := range spans {
			if s.exact != "" {
				s = span{lo: s.exact, hi: s.exact, hiIncl: true}
			}
			safe = append(safe, s)
		}
	}
	slices.SortStableFunc(safe, func(a, b span) int {
		if a.lo == "" || b.lo == "" {
			return cmp.Compare(len(a.lo), len(b.lo))
		}
		return compareVersions(a.lo, b.lo)
	})
	var out []span
	rest := span{}
	for _, s := range safe {
		before := span{lo: rest.lo, loExcl: rest.loExcl, hi: s.lo}
		if s.lo != "" && !before.empty() {
			out = append(out, before)
		}
		if s.hi == "" {
			return out, nil
		}
		if rest.lo == "" || compareVersions(s.hi, rest.lo) > 0 {
			rest = span{lo: s.hi, loExcl: s.hiIncl}
		}
	}
	return append(out, rest), nil
}

// empty tells a range that holds no version. Bounds that do not compare are given the benefit of the doubt.
func (s span) empty() bool {
	if s.lo == "" || s.hi == "" {
		return false
	}
	order := compareVersions(s.lo, s.hi)
	return order > 0 || order == 0 && (!s.hiIncl || s.loExcl)
}

// single reads a version entry without bounds.
func single(v string) ([]span, string) {
	switch strings.ToLower(strings.TrimSpace(v)) {
	case "*", "0":
		return []span{{}}, ""
	case "", "n/a", "unspecified", "-", "unknown":
		return nil, noVersion
	}
	if stem, ok := family(v); ok {
		return []span{{lo: stem, hi: next(stem)}}, ""
	}
	if !version(v) {
		return nil, proseRange
	}
	return []span{{exact: v}}, ""
}

// lowerBound reads the version where a range begins; "" is the beginning of time.
func lowerBound(v string) (string, bool) {
	switch strings.ToLower(strings.TrimSpace(v)) {
	case "0", "*", "n/a", "unspecified", "", "-":
		return "", true
	}
	if stem, ok := family(v); ok {
		return stem, true
	}
	return v, version(v)
}

// upperBound reads the version where a range ends; "" is no end. A family such as 4.* ends before its
// successor, so that such a bound is always exclusive.
func upperBound(v string) (string, bool) {
	if v == "*" {
		return "", true
	}
	if stem, ok := family(v); ok {
		return next(stem), true
	}
	return v, version(v)
}

// family cuts 4.* or 4.x to 4.
func family(v string) (stem string, ok bool) {
	for _, suffix := range [...]string{".*", ".x", ".X"} {
		if stem, ok = strings.CutSuffix(v, suffix); ok {
			last := stem[strings.LastIndexByte(stem, '.')+1:]
			return stem, version(stem) && digitsOnly(last) && len(last) <= 9
		}
	}
	return "", false
}

// next is the first version after a family: 4 → 5, 4.9 → 4.10.
func next(stem string) string {
	i := strings.LastIndexByte(stem, '.') + 1
	n := 0
	for _, c := range []byte(stem[i:]) {
		n = n*10 + int(c-'0')
	}
	return stem[:i] + decimal(n+1)
}

func decimal(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return decimal(n/10) + string(rune('0'+n%10))
}

// version tells whether a text can be a version: printable ASCII with a digit, no spaces, none of the
// characters that ranges in prose are made of. Parentheses and slashes do occur in real versions.
func version(s string) bool {
	if s == "" || len(s) > 100 {
		return false
	}
	digit := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c <= ' ' || c > '~' || strings.IndexByte("<>=,;*?\\", c) >= 0 {
			return false
		}
		digit = digit || c >= '0' && c <= '9'
	}
	return digit
}

// commit tells a git object name: the full forty digits, or at least twelve that are not just a number or a word.
func commit(s string) bool {
	if len(s) < 12 || len(s) > 40 {
		return false
	}
	digit, letter := false, false
	for i := 0; i < len(s); i++ {
		if hexDigit(s[i]) < 0 {
			return false
		}
		digit = digit || s[i] <= '9'
		letter = letter || s[i] > '9'
	}
	return digit && letter || len(s) == 40
}

func digitsOnly(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return s != ""
}

// compareVersions orders two versions run by run: numbers by value, words by letters, a number after a
// word. When one is the beginning of the other the longer is later, unless it goes on with a word (2.0-beta before 2.0).
func compareVersions(a, b string) int {
	for {
		var x, y string
		x, a = run(a)
		y, b = run(b)
		switch {
		case x == "" && y == "":
			return 0
		case x == "":
			return -tail(y)
		case y == "":
			return tail(x)
		}
		nx, ny := digitsOnly(x), digitsOnly(y)
		order := 0
		switch {
		case nx && ny:
			x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
			if order = cmp.Compare(len(x), len(y)); order == 0 {
				order = strings.Compare(x, y)
			}
		case nx:
			return 1
		case ny:
			return -1
		default:
			order = strings.Compare(strings.ToLower(x), strings.ToLower(y))
		}
		if order != 0 {
			return order
		}
	}
}

func tail(run string) int {
	if digitsOnly(run) {
		return 1
	}
	return -1
}

// run cuts the next run of digits or of letters off a version, leaving punctuation out.
func run(s string) (string, string) {
	i := 0
	for i < len(s) && !alphanumeric(s[i]) {
		i++
	}
	s = s[i:]
	i = 0
	for i < len(s) && alphanumeric(s[i]) && (s[i] <= '9') == (s[0] <= '9') {
		i++
	}
	return s[:i], s[i:]
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
