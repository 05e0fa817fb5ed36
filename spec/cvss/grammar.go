package cvss

import (
	"fmt"
	"strings"
)

// The metric groups. 4.0's threat group is its temporal one.
const (
	groupBase uint8 = iota
	groupTemporal
	groupEnvironmental
	groupSupplemental
)

// metric is one metric of a version: its abbreviation, long name, and values short and long.
type metric struct {
	abbr, name string
	group      uint8
	values     []string // short, long, short, long, …
}

func (m *metric) knows(value string) bool {
	for i := 0; i < len(m.values); i += 2 {
		if m.values[i] == value {
			return true
		}
	}
	return false
}

func (m *metric) long(value string) string {
	for i := 0; i < len(m.values); i += 2 {
		if m.values[i] == value {
			return m.values[i+1]
		}
	}
	return "NOT_DEFINED"
}

func (m *metric) allowed() string {
	var b strings.Builder
	for i := 0; i < len(m.values); i += 2 {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(m.values[i])
	}
	return b.String()
}

// grammar is what a version's vectors look like.
type grammar struct {
	version   string
	prefix    string
	metrics   []metric // in the specification's order, base metrics first
	base      int      // how many of them are base metrics
	ordered   bool     // the order is binding
	undefined string   // the value that says nothing
}

func (g *grammar) index(abbr string) int {
	for i := range g.metrics {
		if g.metrics[i].abbr == abbr {
			return i
		}
	}
	return -1
}

// grammarOf picks the version by the prefix and returns what follows it.
func grammarOf(vector string) (*grammar, string, error) {
	for _, g := range []*grammar{grammar31, grammar40, grammar30} {
		if rest, ok := strings.CutPrefix(vector, g.prefix); ok {
			return g, rest, nil
		}
	}
	switch {
	case vector == "":
		return nil, "", &SyntaxError{vector, 0, "the vector is empty"}
	case vector[0] == '(':
		return nil, "", &SyntaxError{vector, 0, "the vector is in parentheses, which are not part of it"}
	case strings.TrimSpace(vector) != vector:
		return nil, "", &SyntaxError{vector, 0, "there is white space around the vector"}
	case strings.HasPrefix(vector, "CVSS:"):
		version, _, _ := strings.Cut(vector[len("CVSS:"):], "/")
		return nil, "", &SyntaxError{vector, len("CVSS:"), fmt.Sprintf("version %.20q is not 3.0, 3.1 or 4.0 (2.0 has no prefix)", version)}
	case len(vector) >= 5 && strings.EqualFold(vector[:5], "CVSS:"):
		return nil, "", &SyntaxError{vector, 0, "the prefix must be written CVSS: in upper case"}
	}
	return grammar20, vector, nil
}

// check walks the metrics of a vector and names the first offence.
func (g *grammar) check(vector, rest string) error {
	var seen uint64
	next := 0 // the first place in g.metrics that an ordered vector may still use
	offset := len(vector) - len(rest)
	for part := range strings.SplitSeq(rest, "/") {
		abbr, value, ok := strings.Cut(part, ":")
		if !ok {
			return &SyntaxError{vector, offset, fmt.Sprintf("%.20q is not metric:value", part)}
		}
		i := g.index(abbr)
		if i < 0 {
			return &SyntaxError{vector, offset, g.unknown(abbr)}
		}
		m := &g.metrics[i]
		switch {
		case !m.knows(value):
			return &SyntaxError{vector, offset, fmt.Sprintf("%s cannot be %.20q in CVSS %s, only one of %s", abbr, value, g.version, m.allowed())}
		case seen&(1<<i) != 0:
			return &SyntaxError{vector, offset, fmt.Sprintf("%s is given twice", abbr)}
		case g.ordered && i < next:
			return &SyntaxError{vector, offset, fmt.Sprintf("%s is out of order", abbr)}
		}
		seen |= 1 << i
		next = i + 1
		offset += len(part) + 1
	}
	for i := range g.metrics[:g.base] {
		if seen&(1<<i) == 0 {
			return &SyntaxError{vector, len(vector), fmt.Sprintf("the base metric %s is missing", g.metrics[i].abbr)}
		}
	}
	return nil
}

// unknown explains a metric that this version does not have.
func (g *grammar) unknown(abbr string) string {
	for i := range g.metrics {
		if strings.EqualFold(g.metrics[i].abbr, strings.TrimSpace(abbr)) {
			return fmt.Sprintf("%.20q must be written %s", abbr, g.metrics[i].abbr)
		}
	}
	if g == grammar20 && (grammar31.index(abbr) >= 0 || grammar40.index(abbr) >= 0) {
		return fmt.Sprintf("%s is not a metric of CVSS 2.0: is the prefix CVSS:3.x/ or CVSS:4.0/ missing?", abbr)
	}
	return fmt.Sprintf("%.20q is not a metric of CVSS %s", abbr, g.version)
}

// Spell finds a metric and value of a version whatever their case and gives them their proper spelling.
// ok is false when the version has no such metric or the metric no such value. It serves request
// parameters, whose case does not count.
func Spell(version, metric, value string) (properMetric, properValue string, ok bool) {
	g := grammars[version]
	if g == nil {
		return "", "", false
	}
	for i := range g.metrics {
		m := &g.metrics[i]
		if !strings.EqualFold(m.abbr, metric) {
			continue
		}
		for j := 0; j < len(m.values); j += 2 {
			if strings.EqualFold(m.values[j], value) {
				return m.abbr, m.values[j], true
			}
		}
	}
	return "", "", false
}

// Undefined is the value by which a version says that a metric is not defined: X, in 2.0 ND.
func Undefined(version string) string {
	if version == V20 {
		return "ND"
	}
	return "X"
}
