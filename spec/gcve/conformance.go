package gcve

import (
	"fmt"
	"time"
)

// ConformanceValid is how long a conformance statement counts (BCP-06 1.1): it has to be renewed at least every 90 days.
const ConformanceValid = 90 * 24 * time.Hour

// Conformance is what a numbering authority says of itself (BCP-06 1.1 draft): public, under an open licence. Exactly one operational and one
// visibility model belong to an authority's number.
type Conformance struct {
	GNA       GNA    `json:"gna_id"`
	ShortName string `json:"short_name"`
	FullName  string `json:"full_name"`
	License   string `json:"license"`
	Generated string `json:"generated"`   // RFC 3339
	Expires   string `json:"valid_until"` // RFC 3339, at most 90 days later

	Governance      ConformanceGovernance      `json:"governance"`
	Disclosure      ConformanceDisclosure      `json:"disclosure_process"`
	Allocation      ConformanceAllocation      `json:"allocation_quality"`
	Interoperation  ConformanceInterop         `json:"interoperability"`
	Synchronization ConformanceSynchronization `json:"synchronization"`
	Evaluation      ConformanceEvaluation      `json:"evaluation_metadata"`
}

// ConformanceGovernance says who the authority is and how it works.
type ConformanceGovernance struct {
	OperationalModel string `json:"operational_model"` // vendor, coordinator, researcher, aggregator, community
	VisibilityModel  string `json:"visibility_model"`  // public or private
	Policy           string `json:"public_policy_url,omitzero"`
	Contact          string `json:"contact,omitzero"`
}

// ConformanceDisclosure says where its handling of vulnerabilities is described.
type ConformanceDisclosure struct {
	Policy string `json:"policy_url,omitzero"`
}

// ConformanceAllocation counts identifiers: the state of each allocated one is known to everybody.
type ConformanceAllocation struct {
	Allocated   int64  `json:"allocated"`
	Published   int64  `json:"published"`
	Rejected    int64  `json:"rejected"`
	Reserved    int64  `json:"reserved"`
	NeverReused bool   `json:"identifiers_never_reused"`
	States      string `json:"states_url,omitzero"`
}

// ConformanceInterop names formats.
type ConformanceInterop struct {
	RecordFormat string   `json:"record_format"`
	BCPs         []string `json:"bcps"`
}

// ConformanceSynchronization names the endpoints.
type ConformanceSynchronization struct {
	PullAPI  string `json:"gcve_pull_api,omitzero"`
	Dump     string `json:"gcve_dump,omitzero"`
	Manifest string `json:"manifest_url,omitzero"`
}

// ConformanceEvaluation says who checked all this, when and against what.
type ConformanceEvaluation struct {
	Method   string `json:"method"`
	Version  string `json:"bcp_06_version"`
	At       string `json:"evaluated_at"`
	Software string `json:"software,omitzero"`
}

// Valid says whether a statement counts at a moment. Errors say why not.
func (c Conformance) Valid(at time.Time) error {
	from, err := time.Parse(time.RFC3339, c.Generated)
	if err != nil {
		return fmt.Errorf("gcve: conformance: generated is no time: %w", err)
	}
	until, err := time.Parse(time.RFC3339, c.Expires)
	switch {
	case err != nil:
		return fmt.Errorf("gcve: conformance: valid_until is no time: %w", err)
	case until.Sub(from) > ConformanceValid:
		return fmt.Errorf("gcve: conformance: it claims to count for more than 90 days")
	case at.Before(from) || at.After(until):
		return fmt.Errorf("gcve: conformance: it does not count at %s", at.UTC().Format(time.RFC3339))
	case c.Governance.OperationalModel == "" || c.Governance.VisibilityModel == "":
		return fmt.Errorf("gcve: conformance: one operational and one visibility model are needed")
	}
	return nil
}
