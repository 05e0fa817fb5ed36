// Package cvss reads CVSS vector strings of versions 2.0, 3.0, 3.1 and 4.0: it checks them, scores
// them and expands them into the long names of FIRST's JSON schemas.
//
// The vector is the fact; score and severity are always computed from it, because the numbers that
// records carry beside it disagree with it now and then. The equations are those of
// github.com/pandatix/go-cvss; the grammar is checked here, so that an error names the offending
// metric and its place instead of only its class.
//
// Parse is strict. Vectors in parentheses, in lower case or without their prefix are refused with
// a reason that says so: guessing would turn one organisation's slip into our statement.
//
// BUG(tasuki): the 4.0 equation is computed in floating point, as FIRST's calculator does it. For about
// one vector in two hundred the exact score lies on x.x5 and other implementations round the other
// way, a tenth higher.
package cvss

import (
	"fmt"
	"iter"
	"math"
	"strings"

	gocvss20 "github.com/pandatix/go-cvss/20"
	gocvss30 "github.com/pandatix/go-cvss/30"
	gocvss31 "github.com/pandatix/go-cvss/31"
	gocvss40 "github.com/pandatix/go-cvss/40"
)

// The versions, as Vector.Version gives them.
const (
	V20 = "2.0"
	V30 = "3.0"
	V31 = "3.1"
	V40 = "4.0"
)

// Vector is one valid CVSS vector. The zero Vector is not valid; get one from Parse. Vectors are
// comparable values: equal vectors are spelled equally.
type Vector struct {
	version string
	raw     string
	v20     gocvss20.CVSS20
	v30     gocvss30.CVSS30
	v31     gocvss31.CVSS31
	v40     gocvss40.CVSS40
}

// SyntaxError says why a vector was refused, and where.
type SyntaxError struct {
	Vector string
	Offset int // byte offset of the offending metric in Vector
	Reason string
}

func (e *SyntaxError) Error() string {
	shown := e.Vector
	if len(shown) > 200 {
		shown = shown[:200] + "…"
	}
	return fmt.Sprintf("cvss: vector %q, offset %d: %s", shown, e.Offset, e.Reason)
}

// Parse reads a vector of any version. 3.0, 3.1 and 4.0 need their "CVSS:x.y/" prefix, 2.0 has
// none. Every base metric must be there, no metric twice. Order is free in 3.x (v3.1 §6), fixed in 2.0
// (v2 §2.4) and in 4.0 (v4.0 §7). In 2.0 a temporal or environmental group may be given in part, as
// FIRST's JSON schema allows; what is left out is ND.
// Errors are a *SyntaxError.
func Parse(vector string) (Vector, error) {
	g, rest, err := grammarOf(vector)
	if err != nil {
		return Vector{}, err
	}
	if err := g.check(vector, rest); err != nil {
		return Vector{}, err
	}
	v := Vector{version: g.version, raw: vector}
	var equations interface {
		Set(abbr, value string) error
	}
	switch g.version {
	case V20:
		equations = &v.v20
	case V30:
		equations = &v.v30
	case V31:
		equations = &v.v31
	default:
		equations = &v.v40
	}
	for abbr, value := range v.Metrics() {
		if err := equations.Set(abbr, value); err != nil {
			return Vector{}, &SyntaxError{vector, 0, err.Error()}
		}
	}
	return v, nil
}

// Version is "2.0", "3.0", "3.1" or "4.0".
func (v Vector) Version() string { return v.version }

// String is the vector exactly as it was parsed.
func (v Vector) String() string { return v.raw }

// Score is the base score, 0.0 to 10.0 with one decimal: temporal, threat and environmental metrics
// are left out of it (for 4.0 that is CVSS-B). It is what a CVSS object's baseScore means.
func (v Vector) Score() float64 {
	switch v.version {
	case V20:
		return v.v20.BaseScore()
	case V30:
		return v.v30.BaseScore()
	case V31:
		return v.v31.BaseScore()
	case V40:
		base := v.v40
		if v.v40.Nomenclature() != "CVSS-B" {
			base = gocvss40.CVSS40{}
			for _, m := range grammar40.metrics[:grammar40.base] {
				value, err := v.v40.Get(m.abbr)
				if err == nil {
					err = base.Set(m.abbr, value)
				}
				if err != nil {
					return 0 // unreachable: every base metric was set by Parse
				}
			}
		}
		return base.Score()
	}
	return 0
}

// Overall is the score with everything the vector says: 4.0 with threat and environmental metrics
// (CVSS-BTE), 3.x and 2.0 the environmental score where an environmental metric is given, else the
// temporal one. Without such metrics it equals Score. Some organisations write this number as
// baseScore of a 4.0 vector with E.
func (v Vector) Overall() float64 {
	switch v.version {
	case V20:
		if v.given(groupEnvironmental) {
			return v.v20.EnvironmentalScore()
		}
		return v.v20.TemporalScore()
	case V30:
		if v.given(groupEnvironmental) {
			return v.v30.EnvironmentalScore()
		}
		return v.v30.TemporalScore()
	case V31:
		if v.given(groupEnvironmental) {
			return v.v31.EnvironmentalScore()
		}
		return v.v31.TemporalScore()
	case V40:
		full := v.v40
		return full.Score()
	}
	return 0
}

// Severity is the rating of Score in upper case: NONE, LOW, MEDIUM, HIGH, CRITICAL; 2.0 knows only
// LOW, MEDIUM and HIGH (NVD's scale, as CVSS 2.0 defines none).
func (v Vector) Severity() string { return Severity(v.version, v.Score()) }

// Severity rates a score on the scale of a CVSS version (v3.1 §5, v4.0 §6; for 2.0 NVD's scale).
func Severity(version string, score float64) string {
	switch {
	case version == V20 && score < 4:
		return "LOW"
	case version == V20 && score < 7:
		return "MEDIUM"
	case version == V20:
		return "HIGH"
	case score <= 0:
		return "NONE"
	case score < 4:
		return "LOW"
	case score < 7:
		return "MEDIUM"
	case score < 9:
		return "HIGH"
	}
	return "CRITICAL"
}

// ExploitabilityScore is the exploitability sub-score of 2.0 and 3.x, rounded to one decimal. 4.0
// has none: 0.
func (v Vector) ExploitabilityScore() float64 {
	switch v.version {
	case V20:
		return tenths(v.v20.Exploitability())
	case V30:
		return tenths(v.v30.Exploitability())
	case V31:
		return tenths(v.v31.Exploitability())
	}
	return 0
}

// ImpactScore is the impact sub-score of 2.0 and 3.x, rounded to one decimal and never below 0.
// 4.0 has none: 0.
func (v Vector) ImpactScore() float64 {
	switch v.version {
	case V20:
		return tenths(v.v20.Impact())
	case V30:
		return tenths(v.v30.Impact())
	case V31:
		return tenths(v.v31.Impact())
	}
	return 0
}

// tenths rounds to one decimal. With changed scope and no impact the 3.x equation dips a hair below zero.
func tenths(x float64) float64 { return max(0, math.Round(x*10)/10) }

// Metrics yields the metrics that the vector gives, abbreviation and value, in its own order.
func (v Vector) Metrics() iter.Seq2[string, string] {
	return Metrics(v.raw)
}

// Metrics yields the metric:value pairs of a vector string without checking it, its CVSS prefix
// left out. It serves comparisons of strings that were parsed before.
func Metrics(vector string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		if strings.HasPrefix(vector, "CVSS:") {
			_, vector, _ = strings.Cut(vector, "/")
		}
		for part := range strings.SplitSeq(vector, "/") {
			name, value, ok := strings.Cut(part, ":")
			if ok && !yield(name, value) {
				return
			}
		}
	}
}

// Has tells whether the vector gives this metric this value. A metric left out counts as its
// version's "not defined" (X, in 2.0 ND).
func (v Vector) Has(metric, value string) bool {
	for m, x := range v.Metrics() {
		if m == metric {
			return x == value
		}
	}
	g := grammars[v.version]
	if g == nil || value != g.undefined {
		return false
	}
	for _, m := range g.metrics[g.base:] {
		if m.abbr == metric {
			return true
		}
	}
	return false
}

// Field is one metric under its long names.
type Field struct {
	Abbr  string // AV
	Name  string // attackVector
	Value string // NETWORK
	Base  bool   // a base metric
	Given bool   // the vector names it; false: Value is NOT_DEFINED
}

// Expand gives every metric of the vector's version with the names and values of FIRST's JSON
// schemas, in the order of the specification; what the vector does not give is NOT_DEFINED. Names
// of 4.0 are the schema's short ones (vulnConfidentialityImpact).
func (v Vector) Expand() []Field {
	g := grammars[v.version]
	if g == nil {
		return nil
	}
	out := make([]Field, len(g.metrics))
	for i := range g.metrics {
		m := &g.metrics[i]
		out[i] = Field{Abbr: m.abbr, Name: m.name, Value: "NOT_DEFINED", Base: i < g.base}
	}
	for abbr, value := range v.Metrics() {
		i := g.index(abbr)
		out[i].Value, out[i].Given = g.metrics[i].long(value), true
	}
	return out
}

// given tells whether any metric of a group has a value other than "not defined".
func (v Vector) given(group uint8) bool {
	g := grammars[v.version]
	for abbr, value := range v.Metrics() {
		if i := g.index(abbr); i >= 0 && g.metrics[i].group == group && value != g.undefined {
			return true
		}
	}
	return false
}
