package portal

import (
	"bytes"
	"context"
	"strings"

	"github.com/a-h/templ"

	"tasuki/spec/cve/form"
	"tasuki/spec/cvss"
	"tasuki/spec/cwe"
	"tasuki/web/editor"
	"tasuki/web/i18n"
	"tasuki/web/severity"
)

// calculator draws the choices of a CVSS vector and its score.
func (b *builder) calculator(p *form.Part, where string) *editor.Calc {
	c := &editor.Calc{Version: p.Field.Version}
	b.drawn += len(cvss.Grammar(p.Field.Version))
	name := p.Control()
	c.Field = editor.Field{
		Name: name, ID: editor.ID(name), Kind: "line", Mono: true, Value: p.Field.Text,
		Label: b.l.T("edit.f.vector", p.Field.Version), Hint: b.l.T("edit.h.vector"),
	}
	c.Score = score(p.Field.Version, p.Field.Text)
	for _, g := range []cvss.Group{cvss.Base, cvss.Temporal, cvss.Environmental, cvss.Supplemental} {
		group := editor.Group{}
		if g != cvss.Base {
			group.Label = b.l.T("edit.calc." + string(g))
			if g == cvss.Temporal && p.Field.Version == cvss.V40 {
				group.Label = b.l.T("edit.calc.threat")
			}
		}
		for _, m := range cvss.Grammar(p.Field.Version) {
			if m.Group != g {
				continue
			}
			chosen := p.Field.Metrics[m.Abbr]
			group.Open = group.Open || chosen != ""
			group.Metrics = append(group.Metrics, b.metric(name, p.Field.Version, m, chosen))
		}
		if len(group.Metrics) > 0 {
			c.Groups = append(c.Groups, group)
		}
	}
	b.at(name, c.Field.ID, where+" › "+c.Field.Label, &c.Field.Problems, &c.Field)
	return c
}

func (b *builder) metric(vector, version string, m cvss.Metric, chosen string) editor.Metric {
	out := editor.Metric{Name: vector + "#" + m.Abbr, Abbr: m.Abbr, Label: b.l.T("edit.m." + m.Name)}
	out.ID = editor.ID(out.Name)
	undefined := cvss.Undefined(version)
	if chosen == undefined {
		chosen = ""
	}
	for _, v := range m.Values {
		x := editor.MetricValue{Short: v.Short, Label: b.l.T("edit.v." + v.Long)}
		if v.Short == undefined {
			x.Short = ""
		}
		if key := "cvss" + version[:1] + "." + m.Abbr + "." + v.Short; i18n.Has(key) {
			x.Sentence = b.l.T(key)
		}
		x.On = x.Short == chosen && (chosen != "" || m.Group != cvss.Base)
		out.Values = append(out.Values, x)
	}
	return out
}

// score is a vector's, nil while it is none of the version.
func score(version, vector string) *severity.Score {
	v, err := cvss.Parse(strings.TrimSpace(vector))
	if err != nil || v.Version() != version {
		return nil
	}
	return &severity.Score{Version: version, Value: v.Score(), Level: severity.Level(v.Severity()), Vector: vector}
}

// scoreVector tells a script the score of a vector while it is being chosen.
func (s *server) scoreVector(v *visit) error {
	q := v.r.URL.Query()
	html, err := rendered(v.r.Context(), editor.Score(v.frame.Page.Lang, score(q.Get("version"), q.Get("vector"))))
	if err != nil {
		return err
	}
	return s.sendJSON(v, struct {
		HTML string `json:"html"`
	}{html})
}

func rendered(ctx context.Context, c templ.Component) (string, error) {
	var b bytes.Buffer
	err := c.Render(ctx, &b)
	return b.String(), err
}

// How many weaknesses a search offers: in a list below the field, and on the page.
const (
	fewWeaknesses  = 10
	manyWeaknesses = 25
)

func weaknesses(query string, n int) (out []editor.Weakness) {
	for _, e := range cwe.Search(query, n) {
		x := editor.Weakness{ID: e.String(), Name: e.Name}
		if e.Usage != "Allowed" {
			x.Usage = e.Usage
		}
		out = append(out, x)
	}
	return out
}

// searchWeaknesses offers a script what somebody may mean.
func (s *server) searchWeaknesses(v *visit) error {
	type option struct {
		ID    string `json:"id"`
		Name  string `json:"name"`
		Named string `json:"named"` // as a problem type's description says it
		Usage string `json:"usage,omitzero"`
	}
	out := struct {
		Title   string   `json:"title"`
		Options []option `json:"options"`
	}{v.frame.Page.Lang.T("edit.cwe.found"), []option{}}
	for _, w := range weaknesses(v.r.URL.Query().Get("q"), fewWeaknesses) {
		out.Options = append(out.Options, option{w.ID, w.Name, w.ID + " " + w.Name, w.Usage})
	}
	return s.sendJSON(v, out)
}
