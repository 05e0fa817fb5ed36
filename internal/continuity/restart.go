package continuity

import (
	"context"
	"fmt"

	"tasuki/internal/charter"
	"tasuki/internal/continuity/internal/mutant"
)

// Restart is the rule of an operator that starts (C.1): it signs nothing before it has heard enough of its mirrors to know that it
// holds whatever was published. A backup that was restored, or a disk that forgot, is behind them.
type Restart struct {
	quorum *Quorum
	heard  map[string]Tree // by verifier key
}

// NewRestart begins to ask the mirrors of the charter in force.
func (r Rules) NewRestart(d *charter.Document) (*Restart, error) {
	q, err := r.QuorumOf(d)
	if err != nil {
		return nil, err
	}
	return &Restart{q, map[string]Tree{}}, nil
}

// NewRestart begins under the rules of production.
func NewRestart(d *charter.Document) (*Restart, error) { return Rules{}.NewRestart(d) }

// Ask are the mirrors that were not heard yet.
func (r *Restart) Ask() (out []Party) {
	for _, m := range r.quorum.Mirrors() {
		if _, ok := r.heard[m.VKey]; !ok {
			out = append(out, m)
		}
	}
	return out
}

// Heard takes in the newest checkpoint of this log that a mirror of the charter has seen; nil for none. An operator that is a mirror
// of its own list is one of them, by what its own store has seen. It must bear the log's own
// signature (ErrUnsigned): a mirror cannot make up that the log went further than it did.
func (r *Restart) Heard(vkey string, signed []byte) error {
	if !r.quorum.listed(vkey) {
		return ErrNotListed
	}
	if signed == nil {
		r.heard[vkey] = Tree{}
		return nil
	}
	v := r.quorum.Check(signed)
	switch {
	case v.Err != nil:
		return v.Err
	case !v.LogSigned:
		return ErrUnsigned
	}
	r.heard[vkey] = v.Tree()
	return nil
}

// GiveUp leaves a mirror out that does not hand over the leaves that it has seen signed.
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
