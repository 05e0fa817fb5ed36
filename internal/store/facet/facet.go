// Package facet is the search engine: an index in memory over documents that have a key, text in
// zones, keywords and numbers. It answers boolean queries with exact totals, pages in the order of
// a number, of the keys or of relevance, and counts of keyword values over all hits.
//
// It is built from plain text that a derived table keeps, follows the log by sequence number, and is the
// same over either database engine because neither takes part (ADR 0004). It knows nothing of CVE.
//
// How it is made:
//
//   - Documents get ordinals in the order they arrive. Replacing one takes the old ordinal's live bit
//     and hands out a new one; compact.go throws dead ordinals away once they are a third of all.
//   - dict.go interns words; postings.go lists the ordinals per (zone, word) and per (keyword, value);
//     text.go keeps each document's words in order, for phrases and relevance.
//   - A query narrows a flat bit set of all live ordinals, node by node (narrow.go). The hits are
//     counted, sorted as far as the page needs (page.go), and tallied per facet (count.go).
//   - One writer at a time prepares its batch beside the readers and holds their lock only in short
//     turns (apply.go). A batch becomes visible at once, with its sequence number.
package facet

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"tasuki/internal/store/token"
)

// Absent is the value of a number that a document does not have. It sorts below every other and
// is in no range.
const Absent = math.MinInt64

// Errors of Search.
var (
	// ErrName is wrapped when a query names a zone, keyword or number that the schema has not.
	ErrName = errors.New("facet: no such field")
	// ErrCursor is wrapped when a cursor was not made by a query with the same sort.
	ErrCursor = errors.New("facet: cursor does not fit the query")
)

// Schema names the fields of an index. Documents give their values by position in these lists.
type Schema struct {
	Keywords []string // exact values, any number per document
	Numbers  []string // at most one value per document
	Zones    []Zone   // searchable text; at most 255
}

// Zone is one field of text. Texts that should be searched together and apart belong into zones of
// their own; a query names the zones it means.
type Zone struct {
	Name  string
	Boost float64 // weight of a word here for relevance, against 1; zero counts as 1
}

// Doc is one document. The index keeps no reference to it after Prepare.
type Doc struct {
	Key   string // identity: a Doc replaces the one with the same Key
	Order uint64 // place of Key in its natural order; equal places fall back to bytes of Key
	// Seq guards against replaying the past: a Doc below the Seq held for its Key is dropped.
	Seq      int64
	Keywords [][]string // by position in Schema.Keywords; may be shorter; duplicates count once
	Numbers  []int64    // by position in Schema.Numbers; may be shorter: the rest is Absent
	Text     []ZoneText
	Gone     bool // remove the document
}

// ZoneText is one text of a document. Phrases do not reach across two ZoneTexts.
type ZoneText struct {
	Zone int // position in Schema.Zones
	Text string
}

// Index is safe for use by many goroutines.
type Index struct {
	schema   Schema
	zones    map[string]int
	keywords map[string]int
	numbers  map[string]int

	writing sync.Mutex   // serialises writers; only its holder changes anything below
	mu      sync.RWMutex // readers hold it for a whole search, the writer in short turns
	words   vocabulary   // of parts
	wholes  dict
	values  []dict // per keyword
	keys    dict
	seg     *segment
	seq     int64
	moved   chan struct{} // closed and replaced when seq moves
	seen    seenLists     // the writer's own

	splitters sync.Pool
	sets      sync.Pool
}

// New returns an empty index at sequence number -1. It panics if two fields of one kind share a name.
func New(s Schema) *Index {
	x := &Index{
		schema:   s,
		zones:    map[string]int{},
		keywords: map[string]int{},
		numbers:  map[string]int{},
		values:   make([]dict, len(s.Keywords)),
		seq:      -1,
		moved:    make(chan struct{}),
	}
	name := func(m map[string]int, kind, name string, i int) {
		if _, ok := m[name]; ok {
			panic(fmt.Sprintf("facet: two %s called %q", kind, name))
		}
		m[name] = i
	}
	for i, z := range s.Zones {
		name(x.zones, "zones", z.Name, i)
	}
	for i, k := range s.Keywords {
		name(x.keywords, "keywords", k, i)
	}
	for i, n := range s.Numbers {
		name(x.numbers, "numbers", n, i)
	}
	if len(s.Zones) > 255 {
		panic("facet: more than 255 zones")
	}
	x.words.intern(nil) // word 0 is the gap between two texts
	x.seg = newSegment(s)
	x.splitters.New = func() any { return new(token.Splitter) }
	return x
}

// Seq returns the sequence number that the index has reached: -1 before the first Apply.
func (x *Index) Seq() int64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.seq
}

// Len returns the number of documents.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.seg.docs
}

// Wait returns when the index has reached seq, or with the context's error.
func (x *Index) Wait(ctx context.Context, seq int64) error {
	for {
		x.mu.RLock()
		reached, moved := x.seq >= seq, x.moved
		x.mu.RUnlock()
		if reached {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("wait for the index to reach %d: %w", seq, ctx.Err())
		}
	}
}
