package nvd

import (
	"slices"
	"strings"

	"tasuki/spec/cvss"
)

// VectorQuery asks for records with a CVSS vector that has all of some metric values.
type VectorQuery struct {
	Major byte   // '2', '3' or '4'
	Minor string // "3.0" or "3.1" when the request names it, else ""
	Parts []string
}

// readVector reads a vector, whole or in part, with or without its prefix.
func readVector(p *Params, name, value string) error {
	q := VectorQuery{Major: name[len("cvssV")]}
	version := map[byte]string{'2': cvss.V20, '3': cvss.V31, '4': cvss.V40}[q.Major]
	if len(value) > 5 && strings.EqualFold(value[:5], "CVSS:") {
		minor, rest, _ := strings.Cut(value[5:], "/")
		if minor[:min(1, len(minor))] != string(q.Major) || minor != cvss.V30 && minor != cvss.V31 && minor != cvss.V40 {
			return invalidValue(name)
		}
		if q.Major == '3' {
			q.Minor, version = minor, minor
		}
		value = rest
	}
	seen := map[string]bool{}
	for part := range strings.SplitSeq(value, "/") {
		metric, x, _ := strings.Cut(part, ":")
		metric, x, ok := cvss.Spell(version, metric, x)
		if !ok || seen[metric] {
			return invalidValue(name)
		}
		seen[metric] = true
		q.Parts = append(q.Parts, metric+":"+x)
	}
	p.Vector = &q
	return nil
}

// Match tells whether a vector, a valid one of the asked version, has every part. A metric that the
// vector leaves out is "not defined".
func (q *VectorQuery) Match(vector string) bool {
	if q.Minor != "" && !strings.HasPrefix(vector, "CVSS:"+q.Minor+"/") {
		return false
	}
	for _, part := range q.Parts {
		if !q.has(vector, part) {
			return false
		}
	}
	return true
}

func (q *VectorQuery) has(vector, part string) bool {
	metric, value, _ := strings.Cut(part, ":")
	undefined := value == "X" || value == "ND"
	for name, x := range cvss.Metrics(vector) {
		if name == metric {
			return x == value
		}
	}
	return undefined
}

// String is the query as a request writes it.
func (q *VectorQuery) String() string {
	s := strings.Join(q.Parts, "/")
	if q.Minor != "" {
		s = "CVSS:" + q.Minor + "/" + s
	}
	return s
}

func (q *VectorQuery) equal(o *VectorQuery) bool {
	if q == nil || o == nil {
		return q == o
	}
	return q.Major == o.Major && q.Minor == o.Minor && slices.Equal(q.Parts, o.Parts)
}
