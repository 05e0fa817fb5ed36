package cvss

// Metric is one metric of a version with the values that it can have, for those who choose a vector value by value.
type Metric struct {
	Abbr   string // AV
	Name   string // attackVector
	Group  Group
	Values []Value // in the specification's order; "not defined" where the version has it
}

// Value is a metric's value, short as in a vector and long as in FIRST's JSON schemas.
type Value struct{ Short, Long string }

// Group is what a metric belongs to.
type Group string

// The groups. The threat metrics of 4.0 are its Temporal ones; only 4.0 has supplemental metrics.
const (
	Base          Group = "base"
	Temporal      Group = "temporal"
	Environmental Group = "environmental"
	Supplemental  Group = "supplemental"
)

// Grammar lists the metrics of a version in the specification's order; nil for a version that there is not.
func Grammar(version string) []Metric {
	g := grammars[version]
	if g == nil {
		return nil
	}
	out := make([]Metric, len(g.metrics))
	for i, m := range g.metrics {
		out[i] = Metric{Abbr: m.abbr, Name: m.name, Group: [...]Group{Base, Temporal, Environmental, Supplemental}[m.group]}
		for j := 0; j < len(m.values); j += 2 {
			out[i].Values = append(out[i].Values, Value{m.values[j], m.values[j+1]})
		}
	}
	return out
}
