package portal

import (
	"slices"
	"strings"

	"tasuki/spec/cve/form"
	"tasuki/web/editor"
	"tasuki/web/i18n"
)

// field draws one control. lang is the language of what is written in the row.
func (b *builder) field(p *form.Part, where, lang string) *editor.Field {
	s := p.Shape
	b.drawn += max(1, len(p.Field.Chosen))
	f := &editor.Field{Name: p.Control(), ID: editor.ID(p.Control()), Label: b.l.T("edit.f." + s.Name), Value: p.Field.Text}
	if i18n.Has("edit.f." + p.Path) {
		f.Label = b.l.T("edit.f." + p.Path)
	}
	if i18n.Has("edit.h." + p.Path) {
		f.Hint = b.l.T("edit.h." + p.Path)
	}
	f.Needed = slices.Contains(needed, p.Path)
	f.Narrow = s.Kind == form.Choice || s.Kind == form.Time || s.Kind == form.Weak || p.Path == "problemTypes.descriptions.type"
	f.Wide = slices.Contains(wide, p.Path)
	if s.Kind == form.Line || s.Kind == form.Prose {
		if f.Mono = slices.Contains(mono, s.Name); !f.Mono && lang != "" && lang != string(b.l) {
			f.Lang = lang
		}
	}
	options := func(values []string, said func(string) string) {
		for _, v := range values {
			f.Options = append(f.Options, editor.Option{Value: v, Label: said(v), On: v == f.Value || slices.Contains(p.Field.Chosen, v)})
		}
	}
	words := func(v string) string { return label(b.l, v) }
	switch {
	case p.Odd != "":
		f.Kind, f.Odd = "odd", readable(p.Odd)
	case s.Kind == form.Choice && s.Name == "versionType":
		f.Kind, f.Mono = "free", true
		options(s.Options, words)
	case s.Kind == form.Choice:
		f.Kind = "choice"
		if s.Name == "lang" {
			words = languageName
		}
		values := s.Options
		if !slices.Contains(values, f.Value) {
			values = append([]string{f.Value}, values...)
		}
		if f.Value != "" && s.Name != "status" && s.Name != "lang" {
			values = append(slices.Clone(values), "")
		}
		options(values, func(v string) string {
			if v == "" {
				return b.l.T("edit.o.none")
			}
			return words(v)
		})
	case s.Kind == form.Bound:
		f.Kind, f.Which = "bound", strings.TrimSuffix(p.Name, "#to")+"#bound"
		for _, v := range []string{"lessThan", "lessThanOrEqual"} {
			f.Options = append(f.Options, editor.Option{Value: v, Label: words(v), On: v == p.Field.Which})
		}
	case s.Kind == form.Tags:
		f.Kind = "tags"
		options(s.Options, words)
	case s.Kind == form.List:
		f.Kind, f.Mono = "list", slices.Contains(mono, s.Name)
	case s.Kind == form.Time:
		f.Kind, f.Mono = "time", f.Value != "" && !form.IsMoment(f.Value)
	case s.Kind == form.Weak:
		f.Kind, f.Mono = "weak", true
	case s.Kind == form.Prose:
		f.Kind = "prose"
	default:
		f.Kind = "line"
	}
	b.at(p.Control(), f.ID, where+" › "+f.Label, &f.Problems, f)
	return f
}

// needed are the fields that no record does without.
var needed = []string{
	"descriptions.value", "affected.vendor", "affected.product", "affected.versions.version", "references.url", "problemTypes.descriptions.description",
}

// wide are the fields of a line that take most of it.
var wide = []string{"problemTypes.descriptions.description", "references.url", "timeline.value", "credits.value"}

// mono are what programs read: no language, no spelling.
var mono = []string{
	"version", "to", "at", "packageURL", "collectionURL", "packageName", "repo", "url", "capecId", "user", "cpes", "programFiles", "programRoutines",
}
