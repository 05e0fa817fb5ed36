package web

import (
	"cmp"
	"slices"
	"strings"

	"tasuki/spec/cve"
	"tasuki/spec/cvss"
	"tasuki/spec/cwe"
	"tasuki/spec/kev"
	"tasuki/spec/ssvc"
	"tasuki/web/i18n"
	"tasuki/web/record"
	"tasuki/web/severity"
)

// describeSeverity fills how bad it is: scores, exploitation, decision points, weaknesses.
func describeSeverity(l i18n.Lang, rec *cve.Record, view *record.View) {
	for _, p := range parties(rec) {
		for i := range p.Metrics {
			m := &p.Metrics[i]
			for _, s := range scores(l, m) {
				s.Source = p.source
				view.Scores = append(view.Scores, s)
			}
			readOther(l, m.Other, p.source, view)
		}
		view.CWEs = append(view.CWEs, weaknesses(l, p)...)
	}
	slices.SortStableFunc(view.Scores, func(a, b record.Score) int { return cmp.Compare(rank(b), rank(a)) })
	view.Disagree = disagreements(l, view.Scores)
}

// rank orders scores as the catalogue does for the one that a list shows: what can be computed from its vector first, CVSS
// 3 or 4 before 2, the CNA's before an ADP's, the newer version before the older.
func rank(s record.Score) int {
	r := slices.Index([]string{"2.0", "3.0", "3.1", "4.0"}, s.Version)
	if s.Computed {
		r += 1000
	}
	if s.Version != "2.0" {
		r += 100
	}
	if strings.HasSuffix(s.Source, "(CNA)") {
		r += 10
	}
	return r
}

// scores reads a metric's CVSS members. The vector decides; where it cannot be read, what the author states stands.
func scores(l i18n.Lang, m *cve.Metric) (out []record.Score) {
	for _, c := range []struct {
		version string
		given   *cve.CVSS
	}{{"4.0", m.CVSSv40}, {"3.1", m.CVSSv31}, {"3.0", m.CVSSv30}, {"2.0", m.CVSSv20}} {
		if c.given == nil {
			continue
		}
		s := record.Score{Score: severity.Score{
			Version: c.version, Value: c.given.BaseScore, Level: severity.Level(c.given.BaseSeverity), Vector: c.given.VectorString,
		}}
		if v, err := cvss.Parse(c.given.VectorString); err == nil && v.Version() == c.version {
			s.Value, s.Level = v.Score(), severity.Level(v.Severity())
			s.Metrics, s.Computed = metrics(l, v), true
		} else if s.Level == "unscored" {
			s.Level = severity.Level(cvss.Severity(c.version, s.Value))
		}
		if len(m.Scenarios) > 0 && !strings.EqualFold(m.Scenarios[0].Value, "GENERAL") {
			s.Scenario = m.Scenarios[0].Value
		}
		out = append(out, s)
	}
	return out
}

// metrics are a vector's base metrics, each with its weight and a sentence. Others (threat, environment, supplemental)
// are left to the vector itself.
func metrics(l i18n.Lang, v cvss.Vector) (out []record.Metric) {
	major := "cvss" + v.Version()[:1] + "."
	for abbr, value := range v.Metrics() {
		key := major + abbr + "." + value
		if i18n.Has(key) {
			out = append(out, record.Metric{
				Abbr: abbr, Value: value, Weight: weight(abbr, value), Impact: impact(abbr), Name: l.T("metric." + abbr), Sentence: l.T(key),
			})
		}
	}
	return out
}

// impact reports whether a base metric says what is harmed: confidentiality, integrity or availability, in CVSS 4.0 those of
// the vulnerable (V…) and of other (S…) systems.
func impact(abbr string) bool {
	return slices.Contains([]string{"C", "I", "A", "VC", "VI", "VA", "SC", "SI", "SA"}, abbr)
}

// weight says how much a metric's value adds to the trouble, 0 to 3; it only tones the small picture of the vector.
func weight(abbr, value string) int {
	order := map[string]string{
		"AV": "PLAN", "AC": "HML", "AT": "PN", "PR": "HLN", "UI": "RAPN", "S": "UC", "Au": "MSN",
	}[abbr]
	if order == "" { // an impact
		switch value {
		case "H", "C":
			return 3
		case "L", "P":
			return 1
		}
		return 0
	}
	i := strings.Index(order, value)
	if i <= 0 {
		return 0
	}
	return min(3, 1+2*i/(len(order)-1))
}

// disagreements puts into words where two parties score the same version of CVSS differently, and in what.
func disagreements(l i18n.Lang, scores []record.Score) (out []string) {
	for i, a := range scores {
		for _, b := range scores[i+1:] {
			if a.Version != b.Version || a.Source == b.Source || a.Value == b.Value {
				continue
			}
			var in []string
			for _, m := range a.Metrics {
				at := slices.IndexFunc(b.Metrics, func(n record.Metric) bool { return n.Abbr == m.Abbr })
				if at >= 0 && b.Metrics[at].Value != m.Value && i18n.Has("metric."+m.Abbr) {
					in = append(in, l.T("metric."+m.Abbr))
				}
			}
			x, y := severity.Number(a.Value), severity.Number(b.Value)
			if len(in) == 0 {
				out = append(out, l.T("disagree.score", a.Source, x, b.Source, y))
			} else {
				out = append(out, l.T("disagree.scope", a.Source, x, b.Source, y, strings.Join(in, l.T("list.comma"))))
			}
		}
	}
	return out
}

// readOther reads the metrics outside CVSS that we know: KEV and SSVC. The first of each counts.
func readOther(l i18n.Lang, m *cve.OtherMetric, source string, view *record.View) {
	if m == nil {
		return
	}
	switch m.Type {
	case kev.Type:
		if k, ok := kev.Decode(m.Content); ok && view.KEV == nil {
			view.KEV = &record.KEV{Added: k.DateAdded, Source: source}
		}
	case ssvc.Type:
		s, ok := ssvc.Decode(m.Content)
		if !ok || view.SSVC != nil {
			return
		}
		view.SSVC = &record.SSVC{Source: source}
		for _, p := range []record.Point{{Name: "Exploitation", Value: s.Exploitation}, {Name: "Automatable", Value: s.Automatable}, {Name: "Technical Impact", Value: s.TechnicalImpact}} {
			if p.Value != "" {
				view.SSVC.Points = append(view.SSVC.Points, record.Point{Name: l.T("ssvc." + p.Name), Value: l.T("ssvc." + p.Value)})
			}
		}
		if at, _, err := cve.ParseTime(s.Timestamp); err == nil {
			view.SSVC.At = at
		}
	}
}

// weaknesses are a party's, by CWE id and name where it gave an id, else in its words; each once.
func weaknesses(l i18n.Lang, p party) (out []record.Weakness) {
	for _, pt := range p.ProblemTypes {
		for _, d := range pt.Descriptions {
			w := record.Weakness{ID: d.CWEID, Name: strings.TrimSpace(d.Description), Source: p.source}
			if e, ok := cwe.Lookup(d.CWEID); ok {
				w.Name = e.Name
			} else if _, ok := cwe.ParseID(d.CWEID); !ok {
				w.ID = ""
			}
			if w.ID == "" && (w.Name == "" || strings.EqualFold(w.Name, "n/a")) {
				continue
			}
			if w.ID == "" && cve.Language(d.Lang) != "en" && cve.Language(d.Lang) != string(l) {
				continue // the same in a language that is neither the page's nor the list's
			}
			if !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
	}
	return out
}
