package facet

import "tasuki/internal/store/token"

// Query asks for one page of documents. The zero value asks for the first none of all, and their total.
type Query struct {
	Where   Node     // nil is All
	Filters []Filter // all of them narrow Where
	Sort    Sort
	// After continues behind the document that a Result's Next names, whatever has been added or
	// removed since. Offset then counts from there.
	After         string
	Offset, Limit int
	Facets        []Facet
	Histograms    []Histogram
}

// Filter is a condition chosen in a facet's list.
type Filter struct {
	// Dim is the keyword whose facets ignore this filter when they are Sideways, so that a list of which
	// one value is chosen still shows the others.
	Dim  string
	Node Node
}

// Facet asks for the values of one keyword among the hits.
type Facet struct {
	Dim      string
	Top      int    // at most so many values; 0 is all
	Sideways bool   // count without the Filters on Dim
	Prefix   string // only values that begin so
	// Keep, unless nil, says which values are counted. It is called under the index's lock: it must not call the index.
	Keep func(value string) bool
}

// Histogram asks how the hits spread over a number: bin i holds those with Edges[i] ≤ number < Edges[i+1].
type Histogram struct {
	Num   string
	Edges []int64 // ascending
}

// Count is one value of a facet and the number of hits that have it.
type Count struct {
	Value string
	Count int
}

// Sort is an order of documents. The zero value is the natural order of keys.
type Sort struct {
	// By is a number of the schema; equal numbers are in natural order of keys.
	By string
	// Relevance orders by bm25 over the Text nodes of Where and Filters that are not negated. Words that
	// most documents have do not count.
	Relevance bool
	// Desc turns the whole order around, ties included. Relevance is always so.
	Desc bool
}

// Result is one page.
type Result struct {
	Total  int
	Keys   []string
	Next   string    // cursor behind the last of Keys; "" when there is nothing behind it
	Bins   [][]int   // per Query.Histograms; one less than there are edges
	Facets [][]Count // per Query.Facets: most frequent first, then by value; values without hits are left out
	Seq    int64     // the index had reached this
}

// Node is a condition on documents: All, And, Or, Not, Text, Any, Match, Range, Keys or KeyMatch.
type Node interface{ node() }

// All holds for every document.
type All struct{}

// And holds where all nodes hold; the empty And always.
type And []Node

// Or holds where any node holds; the empty Or never.
type Or []Node

// Not holds where Node does not.
type Not struct{ Node Node }

// Text holds where every term occurs in one of the zones (not necessarily all in the same zone).
// Without terms it holds for every document.
type Text struct {
	Terms []token.Term
	Zones []string // nil is all zones
}

// Any holds where the keyword has one of Values.
type Any struct {
	Dim    string
	Values []string
}

// Match holds where the keyword has a value for which Func reports true. Func is called once per distinct
// value in the index, under its lock: it must not call the index.
type Match struct {
	Dim  string
	Func func(value string) bool
}

// Range holds where Min ≤ number ≤ Max; never for documents without the number.
type Range struct {
	Num      string
	Min, Max int64
}

// Keys holds for the documents so named; unknown keys are no error.
type Keys []string

// KeyMatch holds for the documents whose key it reports true for. It is called under the index's lock, for every document
// that the conditions before it left: it must not call the index.
type KeyMatch func(key string) bool

func (All) node()   {}
func (And) node()   {}
func (Or) node()    {}
func (Not) node()   {}
func (Text) node()  {}
func (Any) node()   {}
func (Match) node() {}
func (Range) node() {}
func (Keys) node()  {}

func (KeyMatch) node() {}
