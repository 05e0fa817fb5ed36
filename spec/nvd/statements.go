package nvd

import (
	"errors"
	"slices"
	"strings"

	"tasuki/spec/cve"
	"tasuki/spec/cvss"
	"tasuki/spec/kev"
)

// Scoring is one CVSS vector that a container states and that parses.
type Scoring struct {
	Org      string // who says so
	CNA      bool
	Vector   cvss.Vector
	Scenario bool // it holds for a stated scenario only, not in general
}

// Dropped is a vector that does not parse.
type Dropped struct {
	Org    string
	Vector string
	Reason string
}

// Scorings lists the vectors of a record, the CNA's first, in the order of the record except that of
// one organisation's vectors of one version the general ones come first. The vector decides the version,
// whichever member it stands in. Rejected records have none.
func Scorings(rec *cve.Record) (valid []Scoring, dropped []Dropped) {
	if rec.Metadata.State == cve.Rejected {
		return nil, nil
	}
	for i, c := range Containers(rec) {
		from := len(valid)
		for j := range c.Metrics {
			m := &c.Metrics[j]
			for _, v := range [...]*cve.CVSS{m.CVSSv40, m.CVSSv31, m.CVSSv30, m.CVSSv20} {
				if v == nil {
					continue
				}
				vector, err := cvss.Parse(v.VectorString)
				if err != nil {
					dropped = append(dropped, Dropped{Source(rec, c), v.VectorString, reason(err)})
					continue
				}
				valid = append(valid, Scoring{Source(rec, c), i < 0, vector, scenario(m)})
			}
		}
		slices.SortStableFunc(valid[from:], func(a, b Scoring) int {
			switch {
			case a.Scenario == b.Scenario:
				return 0
			case b.Scenario:
				return -1
			}
			return 1
		})
	}
	return valid, dropped
}

func reason(err error) string {
	if syntax := (*cvss.SyntaxError)(nil); errors.As(err, &syntax) {
		return syntax.Reason
	}
	return err.Error()
}

// scenario tells whether a metric is bound to a scenario. "GENERAL" is the record format's word for none.
func scenario(m *cve.Metric) bool {
	for i := range m.Scenarios {
		if v := m.Scenarios[i].Value; v != "" && !strings.EqualFold(v, "GENERAL") {
			return true
		}
	}
	return false
}

// Weaknesses lists the CWE names a container states, each once, in order: cweId, else what the text
// begins with ("CWE-79 Cross-Site Scripting").
func Weaknesses(c *cve.Container) []string {
	var out []string
	var names distinct[string]
	for i := range c.ProblemTypes {
		for j := range c.ProblemTypes[i].Descriptions {
			p := &c.ProblemTypes[i].Descriptions[j]
			name := leadingCWE(p.CWEID)
			if name == "" {
				name = leadingCWE(p.Description)
			}
			if name != "" {
				names.add(&out, name)
			}
		}
	}
	return out
}

// leadingCWE reads CWE-n at the start of a text, in any case and with leading zeros, and returns it in
// its canonical spelling, or "". The two names that only NVD uses are known too.
func leadingCWE(s string) string {
	s = strings.TrimSpace(s)
	for _, name := range []string{"NVD-CWE-Other", "NVD-CWE-noinfo"} {
		if len(s) >= len(name) && strings.EqualFold(s[:len(name)], name) {
			return name
		}
	}
	if len(s) < 5 || !strings.EqualFold(s[:4], "CWE-") {
		return ""
	}
	end := 4
	for end < len(s) && s[end]-'0' <= 9 {
		end++
	}
	digits := strings.TrimLeft(s[4:end], "0")
	if digits == "" || len(digits) > 7 {
		return ""
	}
	if len(digits) == end-4 && s[:4] == "CWE-" {
		return s[:end]
	}
	return "CWE-" + digits
}

// Statement is who marks a CVE as known to be exploited: CISA's catalogue, through an ADP container.
type Statement struct {
	Org       string
	DateAdded string // a calendar day
}

// KEV finds the mark of the KEV catalogue. ok is false when no container carries it.
func KEV(rec *cve.Record) (s Statement, ok bool) {
	if rec.Metadata.State == cve.Rejected {
		return Statement{}, false
	}
	for _, c := range Containers(rec) {
		for i := range c.Metrics {
			if o := c.Metrics[i].Other; o != nil && o.Type == kev.Type {
				if k, valid := kev.Decode(o.Content); valid {
					return Statement{Source(rec, c), k.DateAdded}, true
				}
			}
		}
	}
	return Statement{}, false
}

// referenceKinds are the three kinds of reference that have a request parameter each.
type referenceKinds struct{ alert, note, oval bool }

// see looks at one reference URL (hasCertAlerts, hasCertNotes, hasOval). Most URLs hold neither word
// and leave at once: this runs for every reference of an import.
func (k *referenceKinds) see(url string) {
	if !strings.Contains(url, "cert") && !strings.Contains(url, "oval") {
		return
	}
	host, path := splitURL(url)
	switch {
	case under(host, "us-cert.gov") || under(host, "us-cert.cisa.gov"):
		k.alert = k.alert || strings.Contains(path, "TA") || strings.Contains(path, "alerts")
	case under(host, "kb.cert.org"):
		k.note = true
	case under(host, "oval.mitre.org") || under(host, "oval.cisecurity.org"):
		k.oval = true
	}
}

// splitURL cuts a URL into its lower-case host name and what follows it.
func splitURL(url string) (host, path string) {
	_, rest, ok := strings.Cut(url, "://")
	if !ok {
		return "", ""
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest, path = rest[:i], rest[i:]
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	host, _, _ = strings.Cut(rest, ":")
	return strings.ToLower(host), path
}

func under(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, domain) && host[len(host)-len(domain)-1] == '.'
}
