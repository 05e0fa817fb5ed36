package nvd

import (
	"strings"

	"github.com/google/uuid"
)

// Configuration is one applicability statement: nodes combined by Operator (absent means OR).
type Configuration struct {
	Operator string `json:"operator,omitzero"`
	Negate   bool   `json:"negate,omitzero"`
	Nodes    []Node `json:"nodes"`
}

// Node combines match criteria.
type Node struct {
	Operator string     `json:"operator"`
	Negate   bool       `json:"negate"`
	CPEMatch []CPEMatch `json:"cpeMatch"`
}

// CPEMatch is a match criterion: a CPE 2.3 name used as a pattern and at most one bound at either end.
type CPEMatch struct {
	Vulnerable            bool   `json:"vulnerable"`
	Criteria              string `json:"criteria"`
	VersionStartIncluding string `json:"versionStartIncluding,omitzero"`
	VersionStartExcluding string `json:"versionStartExcluding,omitzero"`
	VersionEndIncluding   string `json:"versionEndIncluding,omitzero"`
	VersionEndExcluding   string `json:"versionEndExcluding,omitzero"`
	MatchCriteriaID       string `json:"matchCriteriaId"`
}

// matchNamespace is the UUIDv5 namespace of criteria ids. It must never change: clients store the ids.
var matchNamespace = uuid.MustParse("6f4be1c1-41c5-5d5b-9c08-3f4e7e4c2b1d")

// MatchCriteriaID is the id of a criterion: the same pattern and bounds have the same id across records
// and restarts. UUIDv5 over the criteria and the four bounds, upper case.
func MatchCriteriaID(m CPEMatch) string {
	name := strings.Join([]string{m.Criteria, m.VersionStartIncluding, m.VersionStartExcluding, m.VersionEndIncluding, m.VersionEndExcluding}, "\n")
	return strings.ToUpper(uuid.NewSHA1(matchNamespace, []byte(name)).String())
}
