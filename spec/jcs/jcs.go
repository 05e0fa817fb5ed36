// Package jcs is the restricted canonical JSON of Tasuki's log and charters: the subset of RFC 8785 (JCS) with keys
// [a-z0-9_]+ in sorted order, no white space, no null, no floats, integers |n| < 2^53, depth ≤ 8 and no duplicate
// keys. One meaning has one encoding, so a parser re-serialises and compares bytes.
//
// Four ways in and out: [Canonical] turns a Go value into bytes, [Writer] appends them by hand where speed matters,
// [Check] says whether bytes are exactly canonical (that is: whether parsing and serialising them again would change
// nothing), [Decode] and [Reader] read them. [FromJSON] brings ordinary JSON, as a person writes it, into the form.
//
// Strings follow RFC 8785 §3.2.2.2: the short escapes for backspace, tab, line feed, form feed, return, quote and
// backslash, \u00xx in lower case for the other characters below U+0020, everything else as UTF-8. Bytes that are not
// UTF-8, surrogates included, are refused. Keys are ASCII, so the UTF-16 order of RFC 8785 §3.2.3 is byte order.
package jcs

import (
	"errors"
	"fmt"
)

// MaxDepth is how many objects and arrays may lie inside each other; a bare scalar has depth 0.
const MaxDepth = 8

// MaxInt bounds integers: |n| ≤ MaxInt = 2^53−1, the range that every JSON implementation keeps exact (RFC 7493 §2.2).
const MaxInt = 1<<53 - 1

// A Rule names the clause of the restricted form that an input breaks.
type Rule string

// The rules, in the order in which a reader meets them.
const (
	RuleSize     Rule = "size"     // longer than the caller allows
	RuleSyntax   Rule = "syntax"   // not JSON at all, or cut short
	RuleSpace    Rule = "space"    // white space between tokens
	RuleTrailing Rule = "trailing" // bytes after the value
	RuleDepth    Rule = "depth"    // more than MaxDepth containers inside each other
	RuleKey      Rule = "key"      // a key outside [a-z0-9_]+
	RuleOrder    Rule = "order"    // a key not greater than the one before it: unsorted or duplicate
	RuleNull     Rule = "null"     // null
	RuleNumber   Rule = "number"   // a fraction, an exponent, −0, a leading zero, or |n| ≥ 2^53
	RuleString   Rule = "string"   // invalid UTF-8, or an escape that RFC 8785 would write otherwise
	RuleType     Rule = "type"     // well formed, but not what the reader or the Go type wants
)

// Error is the first offence in an input.
type Error struct {
	Rule    Rule
	Offset  int    // byte offset in the input; for Go values and the Writer, in the output so far
	Pointer string // RFC 6901 pointer to the offending value, "" for the whole
	Message string
}

func (e *Error) Error() string {
	at := e.Pointer
	if at == "" {
		at = "the document"
	}
	return fmt.Sprintf("jcs: %s at byte %d in %s: %s", e.Rule, e.Offset, at, e.Message)
}

// under moves an error one member outwards. Keys of the restricted form need no RFC 6901 escaping.
func under(err error, member string) error {
	var e *Error
	if errors.As(err, &e) {
		e.Pointer = "/" + member + e.Pointer
	}
	return err
}
