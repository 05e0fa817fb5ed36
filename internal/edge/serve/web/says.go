package web

import (
	"strings"

	"tasuki/spec/cve"
	"tasuki/web/i18n"
	"tasuki/web/record"
	"tasuki/web/severity"
)

// How much of a party's statement stands in its column: the rest is above, or in the raw record.
const (
	saidVersions = 4
	saidProducts = 4
)

// containers set the parties side by side, in the order of record.Rows.
func containers(l i18n.Lang, rec *cve.Record) (out []record.Container) {
	for _, p := range parties(rec) {
		c := record.Container{Source: p.source}
		if at, _, err := cve.ParseTime(p.Provider.DateUpdated); err == nil {
			c.Updated = at
		}
		var scored, attacked []string
		for i := range p.Metrics {
			for _, s := range scores(l, &p.Metrics[i]) {
				scored = append(scored, severity.Number(s.Value)+" "+l.T("severity."+s.Level)+" (CVSS "+s.Version+")")
			}
			for _, x := range exploitation(l, p.Metrics[i].Other) {
				attacked = append(attacked, x.name+": "+x.text)
			}
		}
		c.Cells = []record.Cell{
			line(p.Title, otherLanguage(l, p.Title)),
			described(l, p.Descriptions),
			{Lines: scored},
			{Lines: weaknessIDs(l, p)},
			{Lines: productNames(l, p)},
			{Lines: versionsSaid(l, p)},
			entries(l, len(p.References)),
			{Lines: attacked},
		}
		out = append(out, c)
	}
	return out
}

// exploited is one statement about attacks: by KEV or SSVC, and what it says.
type exploited struct{ name, text string }

// exploitation is what a metric says of attacks: an entry of KEV, SSVC's decision points.
func exploitation(l i18n.Lang, m *cve.OtherMetric) (out []exploited) {
	var seen record.View
	readOther(l, m, "", &seen)
	if seen.KEV != nil {
		out = append(out, exploited{"KEV", l.T("kev.since", seen.KEV.Added)})
	}
	if seen.SSVC != nil {
		var points []string
		for _, p := range seen.SSVC.Points {
			points = append(points, p.Name+" "+p.Value)
		}
		out = append(out, exploited{"SSVC", strings.Join(points, " · ")})
	}
	return out
}

func line(text, lang string) record.Cell {
	if text == "" {
		return record.Cell{}
	}
	return record.Cell{Lines: []string{text}, Lang: lang}
}

func entries(l i18n.Lang, n int) record.Cell {
	if n == 0 {
		return record.Cell{}
	}
	return line(l.N("says.entries", int64(n)), "")
}

func described(l i18n.Lang, texts []cve.Text) record.Cell {
	t, ok := cve.Pick(texts, string(l), "en", cve.Any)
	if !ok {
		return record.Cell{}
	}
	return line(firstSentence(t.Value), tagged(l, t.Lang))
}

func weaknessIDs(l i18n.Lang, p party) (out []string) {
	for _, w := range weaknesses(l, p) {
		if w.ID != "" {
			out = append(out, w.ID)
		}
	}
	return out
}

func productNames(l i18n.Lang, p party) (out []string) {
	more := 0
	for i := range p.Affected {
		prod, ok := product(l, &p.Affected[i], "")
		switch name := strings.TrimSpace(prod.Vendor + " " + prod.Name); {
		case !ok, containsFold(out, name):
		case len(out) < saidProducts:
			out = append(out, name)
		default:
			more++
		}
	}
	return andMore(l, out, more)
}

// versionsSaid are the affected ranges in words, each once.
func versionsSaid(l i18n.Lang, p party) (out []string) {
	more := 0
	for i := range p.Affected {
		for _, v := range p.Affected[i].Versions {
			r, ok := versionRange(l, v)
			if !ok || r.Status != "affected" {
				continue
			}
			switch said := rangeWords(l, r); {
			case containsFold(out, said):
			case len(out) < saidVersions:
				out = append(out, said)
			default:
				more++
			}
		}
	}
	return andMore(l, out, more)
}

// rangeWords says a range as short as a cell needs: "1.0 – before 2.3".
func rangeWords(l i18n.Lang, r record.Range) string {
	var to string
	switch {
	case r.Open:
		to = l.T("range.open")
	case r.To == "":
		return r.From
	case r.Inclusive:
		to = l.T("range.through", r.To)
	default:
		to = l.T("range.before", r.To)
	}
	if r.From == "" {
		return to
	}
	return r.From + " – " + to
}

func andMore(l i18n.Lang, said []string, more int) []string {
	if more > 0 {
		said = append(said, l.N("says.more", int64(more)))
	}
	return said
}

func containsFold(list []string, text string) bool {
	for _, s := range list {
		if strings.EqualFold(s, text) {
			return true
		}
	}
	return false
}

// differences puts into words where parties contradict each other, or where one alone says what a reader needs: scores,
// weaknesses.
func differences(l i18n.Lang, view *record.View, rec *cve.Record) []string {
	out := append([]string(nil), view.Disagree...)
	ps := parties(rec)
	scored := make(map[string]bool)
	for _, s := range view.Scores {
		scored[s.Source] = true
	}
	if len(scored) == 1 && !scored[ps[0].source] {
		out = append(out, l.T("differ.scored", view.Scores[0].Source, ps[0].source))
	}
	type naming struct{ source, ids string }
	var named []naming
	for _, p := range ps {
		if ids := weaknessIDs(l, p); len(ids) > 0 {
			named = append(named, naming{p.source, strings.Join(ids, l.T("list.comma"))})
		}
	}
	for i, b := range named {
		if i > 0 && b.ids != named[0].ids {
			out = append(out, l.T("differ.weakness", named[0].source, named[0].ids, b.source, b.ids))
		}
	}
	if len(named) == 1 && named[0].source != ps[0].source {
		out = append(out, l.T("differ.named", named[0].source, named[0].ids, ps[0].source))
	}
	return out
}
