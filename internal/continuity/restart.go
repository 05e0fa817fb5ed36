package continuity

import (
	"context"
	"errors"
	"fmt"

	"tasuki/internal/charter"
	"tasuki/internal/continuity/internal/mutant"
	"tasuki/spec/c2sp"
)

// Holding is a mirror's answer to an operator that starts: the newest checkpoint of the log that it has seen. Its text is frozen:
//
//	tasuki-holding/v1
//	<list id, 64 hex digits>
//	<origin>
//	<what the operator asked with, 64 hex digits>
//	<size of the newest checkpoint of this origin that was seen, decimal; 0 for none>
//	<its root, 64 hex digits>
//
// It is signed as a seal is.
type Holding struct {
	List, Origin, Nonce string
	Tree
}

const holdingHeader = "tasuki-holding/v1"

// ErrHolding means bytes that are not a holding, or not one that a mirror of the charter signed for this question.
var ErrHolding = errors.New("continuity: not a holding of a mirror")

// String is the text.
func (h Holding) String() string { return Seal{h.List, h.Origin, h.Nonce, h.Tree}.text(holdingHeader) }

// ParseHolding reads a holding's text. Errors wrap ErrHolding and do not repeat the text.
func ParseHolding(text string) (Holding, error) {
	s, err := parseStatement(holdingHeader, text)
	if err != nil {
		return Holding{}, fmt.Errorf("%w: %w", ErrHolding, err)
	}
	return Holding{s.List, s.Origin, s.Charter, s.Tree}, nil
}

// Holding answers an operator that asks with a nonce of 64 hex digits, and hands over the checkpoint itself (nil for none). A mirror
// that has no use of its key, as it lost its store, answers ErrNotListed: it does not know what it has seen.
func (m *Mirror) Holding(ctx context.Context, origin, nonce string) (statement, seen []byte, err error) {
	if m.key == nil {
		return nil, nil, ErrNotListed
	}
	s, _, err := m.disk.Heads(ctx, origin)
	if err != nil {
		return nil, nil, err
	}
	h := Holding{m.Chain.ListID(), origin, nonce, s.Tree}
	if _, err := ParseHolding(h.String()); err != nil {
		return nil, nil, err
	}
	statement, err = state(h.String(), m.key, m.now())
	return statement, s.Note, err
}

// Restart is the rule of an operator that starts (C.1): it signs nothing before it has heard enough of its mirrors to know that it
// holds whatever it signed before that anybody has seen. A backup that was restored, or a disk that forgot, is behind them.
type Restart struct {
	quorum *Quorum
	list   string
	nonce  string
	heard  map[string]Tree // by verifier key
}

// NewRestart begins to ask the mirrors of the charter in force. The nonce, 64 hex digits, is fresh: an answer of yesterday is none.
func (r Rules) NewRestart(d *charter.Document, nonce string) (*Restart, error) {
	q, err := r.QuorumOf(d)
	if err != nil {
		return nil, err
	}
	return &Restart{q, d.ListID(), nonce, map[string]Tree{}}, nil
}

// NewRestart begins under the rules of production.
func NewRestart(d *charter.Document, nonce string) (*Restart, error) {
	return Rules{}.NewRestart(d, nonce)
}

// Ask are the mirrors that were not heard yet.
func (r *Restart) Ask() (out []Party) {
	for _, m := range r.quorum.Mirrors() {
		if _, ok := r.heard[m.VKey]; !ok {
			out = append(out, m)
		}
	}
	return out
}

// Nonce is what mirrors are asked with.
func (r *Restart) Nonce() string { return r.nonce }

// Heard takes in a mirror's answer and returns its verifier key. What it has seen must bear the log's own signature (ErrUnsigned): a
// mirror cannot make up that the log went further than it did. An operator that is a mirror of its own list is one of them.
func (r *Restart) Heard(statement, seen []byte) (vkey string, err error) {
	n, err := c2sp.ParseNote(statement)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrHolding, err)
	}
	h, err := ParseHolding(n.Text)
	if err != nil {
		return "", err
	}
	if h.List != r.list || h.Origin != r.quorum.Origin() || h.Nonce != r.nonce {
		return "", fmt.Errorf("%w: of another list, origin or question", ErrHolding)
	}
	for _, vote := range votes(r.quorum.mirrors, n) {
		if !vote.At.IsZero() {
			vkey = vote.VKey
		}
	}
	if vkey == "" {
		return "", fmt.Errorf("%w: no line of a mirror of the charter verifies", ErrHolding)
	}
	if h.Size > 0 {
		v := r.quorum.Check(seen)
		switch {
		case v.Err != nil:
			return vkey, v.Err
		case !v.LogSigned || v.Tree() != h.Tree:
			return vkey, ErrUnsigned
		}
	}
	r.heard[vkey] = h.Tree
	return vkey, nil
}

// GiveUp leaves a mirror out that does not hand over the leaves that it has seen signed. When R others are not to be had, the leaves
// are lost and this origin cannot go on without contradicting itself: the board opens a new epoch, with the same operator or another.
func (r *Restart) GiveUp(vkey string) { delete(r.heard, vkey) }

// MaySign says nil when the log may sign: R mirrors were heard, so an honest one of every quorum is among them, and what each has
// seen is a prefix of the log. ErrUnheard asks on; ErrBehind and ErrFork name the mirror whose copy must be fetched first, or whose
// leaves this log does not continue.
func (r *Restart) MaySign(ctx context.Context, own Copy, size int64) error {
	if r.quorum.off == mutant.RestoredSigns {
		return nil
	}
	for _, m := range r.quorum.Mirrors() {
		t, ok := r.heard[m.VKey]
		switch {
		case !ok || t.Size == 0:
			continue
		case t.Size > size:
			return fmt.Errorf("%w: %s has seen %d, this log has %d", ErrBehind, m.Name, t.Size, size)
		}
		if err := prefixOf(ctx, own, size, t); err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	if len(r.heard) < r.quorum.R() {
		return fmt.Errorf("%w: %d of %d", ErrUnheard, len(r.heard), r.quorum.R())
	}
	return nil
}
