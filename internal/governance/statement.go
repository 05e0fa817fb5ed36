package governance

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"tasuki/internal/ledger"
	"tasuki/spec/jcs"
)

// Statement is what somebody says in a step of a case: a text and where its evidence is published.
type Statement struct {
	Evidence []string `json:"evidence,omitempty"` // web addresses
	Text     string   `json:"text,omitzero"`
}

// Bounds of a statement: a case is no place for files.
const (
	MaxText     = 20_000 // characters
	MaxEvidence = 50
	maxAddress  = 2000 // bytes
)

// Empty says that nothing is said.
func (s *Statement) Empty() bool { return s.Text == "" && len(s.Evidence) == 0 }

// Check holds a statement to its bounds; ErrStatement.
func (s *Statement) Check() error {
	switch {
	case !utf8.ValidString(s.Text) || strings.ContainsRune(s.Text, 0):
		return fmt.Errorf("%w: the text is not UTF-8, or holds U+0000", ErrStatement)
	case utf8.RuneCountInString(s.Text) > MaxText:
		return fmt.Errorf("%w: the text has more than %d characters", ErrStatement, MaxText)
	case len(s.Evidence) > MaxEvidence:
		return fmt.Errorf("%w: more than %d addresses", ErrStatement, MaxEvidence)
	}
	for i, address := range s.Evidence {
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || len(address) > maxAddress || !utf8.ValidString(address) {
			return fmt.Errorf("%w: evidence %d is no web address", ErrStatement, i)
		}
	}
	return nil
}

// canonical is the statement as bodies hold it.
func (s *Statement) canonical() ([]byte, error) {
	raw, err := jcs.Canonical(s)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStatement, err)
	}
	return raw, nil
}

// ParseStatement reads the public body of a step, canonical JSON.
func ParseStatement(raw []byte) (Statement, error) {
	var s Statement
	if err := jcs.Decode(raw, &s); err != nil {
		return Statement{}, fmt.Errorf("%w: %w", ErrStatement, err)
	}
	return s, s.Check()
}

// noteFact is the kind of this package's private bodies.
const noteFact = "case.note/1"

// Note is what a step of a hidden case does not say in public.
type Note struct {
	By        string    `json:"by,omitzero"` // organisation that took the step, UUID; as the next three
	Case      string    `json:"case"`
	From      string    `json:"from,omitzero"` // who began the case
	IDs       []string  `json:"ids,omitempty"` // of a step that has no public leaf
	Kind      string    `json:"kind"`
	Org       string    `json:"org,omitzero"` // who decides
	Statement Statement `json:"statement,omitzero"`
	Step      int64     `json:"step"`        // leaf of the step it belongs to; -1 for none
	To        string    `json:"to,omitzero"` // whom the case is with

	Leaf int64 `json:"-"` // of the note itself
}

// parseNote reads a private body; ok is false for one that is not of this package.
func parseNote(raw []byte) (n Note, ok bool, err error) {
	r, err := jcs.NewReader(raw, ledger.MaxBody)
	if err != nil {
		return n, false, fmt.Errorf("%w: %w", ErrFact, err)
	}
	kind := ""
	for r.Enter('{'); r.Next(); {
		if r.Key() == "kind" {
			kind = r.String()
		} else {
			r.Raw()
		}
	}
	if err := r.End(); err != nil || kind != noteFact {
		return n, false, nil // whose body it is says whether it is malformed
	}
	if err := jcs.Decode(raw, &n); err != nil {
		return n, false, fmt.Errorf("%w: %w", ErrFact, err)
	}
	if n.Case == "" || n.Step < -1 {
		return n, false, fmt.Errorf("%w: it does not say which case it is about", ErrFact)
	}
	return n, true, nil
}
