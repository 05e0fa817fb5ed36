// Package diff says how two versions of a CVE record differ, by meaning: metrics, version ranges and references are sets, and
// their order says nothing. What a part means is written down once, in rules.go; what has no rule there is compared as plain
// JSON, member by member, so that no difference is ever lost.
package diff

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

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
	Pointer string // RFC 6901, "" is the whole document: into the newer version, for what was removed into the older one
	From    string // for Changed in a set: the pointer into the older version where it differs from Pointer
	Party   string // whose container: short name or UUID of its provider; "" outside of the containers
	CNA     bool   // the container is the CNA's
	Subject string // what it is about: "TeamCity", "CVSS 3.1", a URL, a language; for Date and Text the member's name
	Before  string // short plain text, "" for what was added: "7.5", "< 2023.11.4"; cut at 240 characters, unlike Old and New
	After   string
	Old     jsontext.Value // the part itself, as the document has it
	New     jsontext.Value
}

// Records compares two versions of a record, JSON documents both. Either may be nil: the record appeared, or disappeared, which
// is one Change of the whole document. The most meaningful changes come first, and the order is always the same.
//
// There is no change if and only if the documents are equal as JSON values, numbers by value, once the arrays whose order says
// nothing are sorted. Records(new, old) is the mirror image. The error is the JSON library's, for a document that is no JSON or
// holds a name twice.
func Records(old, new []byte) ([]Change, error) {
	a, err := read(old)
	if err != nil {
		return nil, fmt.Errorf("diff: older version: %w", err)
	}
	b, err := read(new)
	if err != nil {
		return nil, fmt.Errorf("diff: newer version: %w", err)
	}
	var w walk
	w.compare(side{a, ""}, side{b, ""}, document, place{})
	slices.SortStableFunc(w.changes, func(x, y Change) int {
		return cmp.Or(cmp.Compare(rank(x.Kind), rank(y.Kind)), cmp.Compare(outsider(x), outsider(y)))
	})
	return w.changes, nil
}

// order is what a defender reads first.
var order = []Kind{
	State, Rejection, Metric, KEV, SSVC, Range, Product, Weakness, Title, Description, Reference, Container, Text, Tag, Assigner, Date, Provider, Other,
}

func rank(k Kind) int { return slices.Index(order, k) }

// outsider puts the CNA's statements before those of others.
func outsider(c Change) int {
	if c.CNA || c.Party == "" {
		return 0
	}
	return 1
}
