// Package diff says how two versions of a CVE record differ, by meaning: metrics, version ranges and references are sets, and
// their order says nothing.
package diff

import "github.com/go-json-experiment/json/jsontext"

// Op is what happened to a part of the record.
type Op string

// The operations.
const (
	Added   Op = "added"
	Removed Op = "removed"
	Changed Op = "changed"
)

// Kind is what the part says.
type Kind string

// The kinds of parts. Other is whatever has no kind of its own, by pointer alone.
const (
	State       Kind = "state"
	Date        Kind = "date"
	Assigner    Kind = "assigner"
	Container   Kind = "container" // a whole ADP container came or went
	Provider    Kind = "provider"  // providerMetadata of a container
	Title       Kind = "title"
	Description Kind = "description"
	Rejection   Kind = "rejection" // a rejectedReasons entry
	Product     Kind = "product"   // an affected entry
	Range       Kind = "range"     // one of its versions
	Metric      Kind = "metric"    // a CVSS score or another metric
	KEV         Kind = "kev"
	SSVC        Kind = "ssvc"
	Weakness    Kind = "weakness"
	Reference   Kind = "reference"
	Text        Kind = "text" // workarounds, solutions, exploits, configurations, impacts, timeline, credits
	Tag         Kind = "tag"
	Other       Kind = "other"
)

// Change is one difference.
type Change struct {
	Op      Op
	Kind    Kind
	Pointer string // RFC 6901: into the newer version, for what was removed into the older one
	From    string // for Changed in a set: the pointer into the older version where it differs from Pointer
	Party   string // whose container: short name or UUID of its provider; "" outside of the containers
	CNA     bool   // the container is the CNA's
	Subject string // what it is about: "TeamCity", "CVSS 3.1", a URL, a language
	Before  string // short plain text, "" for what was added: "7.5", "< 2023.11.4"
	After   string
	Old     jsontext.Value // the part itself
	New     jsontext.Value
}
