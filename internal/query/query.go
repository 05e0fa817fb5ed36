// Package query is the query language: what a reader types becomes a tree with positions, or an error that points at the
// character that is wrong. It knows the fields and how their values are written, and nothing of how they are answered: the
// catalogue compiles the tree. The grammar is docs/query.md.
package query

import (
	"fmt"
	"time"
)

// Span is a part of the text, in bytes: Text[Start:End].
type Span struct{ Start, End int }

// Query is a parsed query.
type Query struct {
	Text string // as it was given
	Root Node   // nil when the text asks for nothing in particular: everything holds
}

// Node is And, Or, Not, Words or Cond.
type Node interface {
	Span() Span
	node()
}

// And holds where all nodes hold. It has at least two.
type And struct {
	Nodes []Node
	At    Span
}

// Or holds where one of the nodes holds. It has at least two.
type Or struct {
	Nodes []Node
	At    Span
}

// Not holds where Node does not.
type Not struct {
	Node Node
	At   Span
}

// Words is one word, a "phrase", or the beginning of a word (word*).
type Words struct {
	Text   string // without quotes and star
	Phrase bool   // was quoted: the words stand together, as given
	Prefix bool   // ended in a star
	At     Span
}

// Cond is a condition on one field: field:value, field:(a, b), field>=value, field:from..to.
type Cond struct {
	Field  *Field
	Op     Op
	Values []Value // Is: one or more, any of which may hold; the comparisons: one; Between: two, of which one may be open
	At     Span
}

// Op is how a condition compares.
type Op int

// The operators.
const (
	Is Op = iota
	Above
	AtLeast
	Below
	AtMost
	Between
)

// Value is one operand as it was written and as it was read. Which members mean something depends on the field's kind.
type Value struct {
	Text string // as written, without quotes; identifiers, words of a list (Enum, Flag) and weaknesses in their own spelling
	Open bool   // the missing side of a range
	Glob bool   // Text holds * that stand for any characters (keywords)
	Num  float64
	Date Date
	At   Span
}

// Date is a day, month, year or moment, an age counted back from now, or a day counted so.
type Date struct {
	From, To time.Time     // the first moment and the one after the last, UTC
	Ago      time.Duration // when From is zero: so long before now
	Day      bool          // when From is zero: the whole UTC day of that moment, as in "today"
}

// IsZero reports whether d is no date at all.
func (d Date) IsZero() bool { return d == Date{} }

// Relative reports whether the date depends on when it is asked.
func (d Date) Relative() bool { return d.From.IsZero() }

// Bounds are the first moment of the date and the one after its last, for a reader who asks at now. An age is a moment:
// both are the same.
func (d Date) Bounds(now time.Time) (from, to time.Time) {
	switch {
	case !d.From.IsZero():
		return d.From, d.To
	case d.Day:
		day := now.UTC().Add(-d.Ago).Truncate(24 * time.Hour)
		return day, day.Add(24 * time.Hour)
	}
	return now.Add(-d.Ago), now.Add(-d.Ago)
}

// Span is where the node stands in the text.
func (n *And) Span() Span   { return n.At }
func (n *Or) Span() Span    { return n.At }
func (n *Not) Span() Span   { return n.At }
func (n *Words) Span() Span { return n.At }
func (n *Cond) Span() Span  { return n.At }

func (*And) node()   {}
func (*Or) node()    {}
func (*Not) node()   {}
func (*Words) node() {}
func (*Cond) node()  {}

// Error is a query that cannot be read. Its span is never empty unless the query ends too early.
type Error struct {
	Span
	Column  int          // where the span begins, in characters from 1
	Code    string       // kebab-case: unknown-field, bad-date, …; docs/query.md lists them
	Args    []string     // what the message is about, for messages in other languages
	Message string       // English, without the position
	Suggest []Suggestion // what may have been meant, best first
}

// Suggestion is a text to put in the place of the error's span.
type Suggestion struct{ Text string }

// Error is the English message with the position, counted in characters from 1.
func (e *Error) Error() string { return fmt.Sprintf("query, character %d: %s", e.Column, e.Message) }
