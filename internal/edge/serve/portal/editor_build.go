package portal

import (
	"cmp"
	"slices"
	"strings"

	"tasuki/spec/cve"
	"tasuki/spec/cve/form"
	"tasuki/web/editor"
	"tasuki/web/i18n"
)

// How much the form shows: rows of one list, unless more are asked for, and controls altogether, so that a record with
// thousands of versions is still a page that comes back (net/url takes 10,000 parameters). The others are in the JSON and stay
// as they are.
const (
	fewRows      = 40
	mostRows     = 900
	mostControls = 6000
)

// builder draws a state as the view of the form.
type builder struct {
	l      i18n.Lang
	shown  []string
	drawn  int              // controls
	places map[string]place // where findings go, by name
}

// place is a field, row or list of the view.
type place struct {
	id, where string
	problems  *[]editor.Problem
	field     *editor.Field
	order     int // in which the form shows it
}

// at notes a place of the view.
func (b *builder) at(name, id, where string, problems *[]editor.Problem, field *editor.Field) {
	b.places[name] = place{id, where, problems, field, len(b.places)}
}

func (b *builder) sections(state *form.State) []editor.Section {
	parts := state.Parts()
	var out []editor.Section
	for _, s := range sections {
		sec := editor.Section{Key: s.key, Rule: s.rule, Optional: s.optional}
		where := b.l.T("edit.s." + s.key)
		for i := range parts {
			if p := &parts[i]; slices.Contains(s.members, p.Shape.Name) {
				sec.Items = append(sec.Items, b.items(p, where)...)
				sec.Open = sec.Open || filled(p)
			}
		}
		out = append(out, sec)
	}
	return out
}

// filled tells whether there is anything in a part.
func filled(p *form.Part) bool {
	return p.Odd != "" || len(p.Rows) > 0 || p.Field.Text != "" || len(p.Field.Chosen) > 0 ||
		slices.ContainsFunc(p.Parts, func(p form.Part) bool { return filled(&p) })
}

func (b *builder) items(p *form.Part, where string) []editor.Item {
	if p.Odd != "" {
		return []editor.Item{{Field: b.field(p, where, "")}}
	}
	switch p.Shape.Kind {
	case form.Rows:
		return []editor.Item{{Rows: b.list(p, where)}}
	case form.Group:
		var out []editor.Item
		for i := range p.Parts {
			out = append(out, b.items(&p.Parts[i], where)...)
		}
		return out
	case form.Vector:
		if p.Absent {
			return nil
		}
		return []editor.Item{{Calc: b.calculator(p, where)}}
	}
	return []editor.Item{{Field: b.field(p, where, "")}}
}

// list draws the rows of a list.
func (b *builder) list(p *form.Part, where string) *editor.Rows {
	x := &editor.Rows{Name: p.Name, ID: editor.ID(p.Name), Inner: strings.Contains(p.Path, ".")}
	if b.multiple(p.Path) {
		x.Label = b.l.T("edit.list." + p.Shape.Name)
	}
	if i18n.Has("edit.h." + p.Path) {
		x.Hint = b.l.T("edit.h." + p.Path)
	}
	limit := fewRows
	if slices.Contains(b.shown, p.Name) {
		limit = mostRows
	}
	for i := range p.Rows {
		if i == limit || i > 0 && b.drawn > mostControls {
			x.More = len(p.Rows) - i
			break
		}
		x.Rows = append(x.Rows, b.row(p, &p.Rows[i], i, where))
	}
	for i := range x.Rows {
		r := &x.Rows[i]
		b.at(r.Name, r.ID, where+" › "+r.Legend, &r.Problems, nil)
	}
	x.Adds = b.adds(p)
	b.at(p.Name, x.ID, where, &x.Problems, nil)
	return x
}

// multiple tells whether a list shares its section, or its row, with others and needs a name.
func (b *builder) multiple(path string) bool {
	switch path {
	case "solutions", "workarounds", "configurations", "exploits", "credits", "timeline", "affected.versions":
		return true
	}
	return false
}

func (b *builder) adds(p *form.Part) (out []editor.Choice) {
	switch {
	case p.Shape.Name == "metrics":
		for _, s := range form.Scores {
			out = append(out, editor.Choice{Label: b.l.T("edit.add.metrics", s.Version), Op: "add " + p.Name + " " + s.Member})
		}
	case isProse(p.Shape):
		for _, lang := range []string{"en", "ja"} {
			out = append(out, editor.Choice{Label: b.l.T("edit.add."+p.Path, languages[lang]), Op: "add " + p.Name + " " + lang})
		}
	default:
		out = append(out, editor.Choice{Label: b.l.T("edit.add." + p.Path), Op: "add " + p.Name})
	}
	return out
}

// isProse tells a list of texts in several languages.
func isProse(s *form.Shape) bool {
	return s.Kind == form.Rows && len(s.Kids) == 2 && s.Kids[0].Name == "lang" && s.Kids[1].Name == "value"
}

// folds are the parts of a row that most records do without, under the ends of glossary keys.
var folds = map[string][]struct {
	key     string
	members []string
}{
	"affected": {
		{"package", []string{"packageURL", "collectionURL", "packageName", "repo"}},
		{"parts", []string{"platforms", "modules", "programFiles", "programRoutines", "cpes"}},
	},
	"affected.versions": {{"changes", []string{"changes"}}},
	"metrics":           {{"scenarios", []string{"scenarios"}}},
	"credits":           {{"user", []string{"user"}}},
	"references":        {{"tags", []string{"tags"}}},
}

func (b *builder) row(list *form.Part, r *form.Row, n int, where string) editor.Row {
	out := editor.Row{Name: r.Name, ID: editor.ID(r.Name), First: n == 0, Kept: keptOf(r.Kept)}
	out.Legend = b.l.T("edit.row."+list.Path, itoa(n+1))
	if about := summary(r); about != "" {
		out.Legend += ": " + about
	}
	out.Line = isProse(list.Shape) || slices.Contains(inLine, list.Path)
	where += " › " + out.Legend
	lang := ""
	for i := range r.Parts {
		if r.Parts[i].Shape.Name == "lang" {
			lang = cve.Language(r.Parts[i].Field.Text)
		}
	}
	folded := map[string]bool{}
	for _, f := range folds[list.Path] {
		for _, m := range f.members {
			folded[m] = true
		}
	}
	for i := range r.Parts {
		p := &r.Parts[i]
		switch {
		case folded[p.Shape.Name]:
		case p.Shape.Name == "descriptions" && len(p.Rows) == 1:
			// One text is the rule: it stands in the row itself.
			inner := b.list(p, where)
			out.Items = append(out.Items, inner.Rows[0].Items...)
			out.Kept = append(out.Kept, inner.Rows[0].Kept...)
			inner.Rows = nil
			out.Items = append(out.Items, editor.Item{Rows: inner})
			b.at(p.Name+"/0", out.ID, where, &inner.Problems, nil)
		case isField(p):
			out.Items = append(out.Items, editor.Item{Field: b.field(p, where, lang)})
		default:
			out.Items = append(out.Items, b.items(p, where)...)
		}
	}
	for _, f := range folds[list.Path] {
		x := &editor.Fold{Label: b.l.T("edit.fold." + f.key)}
		for i := range r.Parts {
			if p := &r.Parts[i]; slices.Contains(f.members, p.Shape.Name) {
				x.Open = x.Open || filled(p) && f.key != "tags"
				if f.key == "tags" && len(p.Field.Chosen) > 0 {
					said := make([]string, len(p.Field.Chosen))
					for i, tag := range p.Field.Chosen {
						said[i] = label(b.l, tag)
					}
					x.Label += ": " + strings.Join(said, b.l.T("list.comma"))
				}
				x.Items = append(x.Items, b.items(p, where)...)
			}
		}
		out.Items = append(out.Items, editor.Item{Fold: x})
	}
	return out
}

// inLine are the lists whose rows have short fields, which stand beside each other where there is room.
var inLine = []string{
	"affected", "affected.versions", "affected.versions.changes", "problemTypes", "problemTypes.descriptions", "references", "timeline", "credits",
}

func isField(p *form.Part) bool {
	return p.Shape.Kind != form.Rows && p.Shape.Kind != form.Group && p.Shape.Kind != form.Vector
}

// summary is what a row is about, in a few words, for rows that hold many fields.
func summary(r *form.Row) string {
	var said []string
	for i := range r.Parts {
		switch p := &r.Parts[i]; p.Shape.Name {
		case "vendor", "product":
			if t := strings.TrimSpace(p.Field.Text); t != "" {
				said = append(said, t)
			}
		}
	}
	text := []rune(strings.Join(said, " "))
	if len(text) > 60 {
		return string(text[:60]) + "…"
	}
	return string(text)
}

// place puts findings where they belong and lists them in the order of the form; what no field shows is said of the JSON.
func (b *builder) place(state *form.State, at form.Places, found []cve.Finding) []editor.Problem {
	type placed struct {
		editor.Problem
		order int
	}
	var list []placed
	for _, f := range found {
		name := state.Locate(f, at)
		spot, ok := b.places[name]
		for !ok && name != "" {
			// What is not shown is said of what it lies in.
			name = name[:strings.LastIndexByte(name, '/')]
			spot, ok = b.places[name]
		}
		p := placed{editor.Problem{ID: spot.id, Where: spot.where, Text: words(b.l, f), Error: f.Severity == cve.SeverityError}, spot.order}
		if !ok {
			p.ID, p.Where, p.Text, p.order = "json", cmp.Or(f.Pointer, b.l.T("edit.json")), sentence(f.Message), len(b.places)
		} else {
			*spot.problems = append(*spot.problems, p.Problem)
		}
		list = append(list, p)
	}
	slices.SortStableFunc(list, func(a, b placed) int { return cmp.Compare(a.order, b.order) })
	var out []editor.Problem
	for _, p := range list {
		out = append(out, p.Problem)
	}
	return out
}

// open unfolds whatever holds a problem.
func (b *builder) open(list []editor.Section) {
	for i := range list {
		if unfold(list[i].Items) {
			list[i].Open = true
		}
	}
}

func unfold(items []editor.Item) (found bool) {
	for _, i := range items {
		here := false
		switch {
		case i.Field != nil:
			here = len(i.Field.Problems) > 0
		case i.Calc != nil:
			here = len(i.Calc.Field.Problems) > 0
		case i.Fold != nil:
			here = unfold(i.Fold.Items)
			i.Fold.Open = i.Fold.Open || here
		case i.Rows != nil:
			here = len(i.Rows.Problems) > 0
			for _, r := range i.Rows.Rows {
				here = unfold(r.Items) || len(r.Problems) > 0 || here
			}
		}
		found = found || here
	}
	return found
}

// calculators are those of the whole form.
func calculators(list []editor.Section) (out []*editor.Calc) {
	var walk func(items []editor.Item)
	walk = func(items []editor.Item) {
		for _, i := range items {
			switch {
			case i.Calc != nil:
				out = append(out, i.Calc)
			case i.Fold != nil:
				walk(i.Fold.Items)
			case i.Rows != nil:
				for _, r := range i.Rows.Rows {
					walk(r.Items)
				}
			}
		}
	}
	for _, s := range list {
		walk(s.Items)
	}
	return out
}
