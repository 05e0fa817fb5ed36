package mirror

import (
	"context"
	"errors"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
)

// Decide lets people decide: fn chooses between successors, ends a hold or changes the policy. The store is told of the chain as it is then, and
// everything is looked at again.
func (f *Follower) Decide(ctx context.Context, fn func(*continuity.Mirror) error) error {
	var chain *charter.Chain
	err := f.rules(ctx, func(m *continuity.Mirror) error {
		err := fn(m)
		chain = m.Chain
		return err
	})
	if err != nil {
		return err
	}
	f.turned.Add(1)
	return f.o.Store.Chartered(ctx, chain)
}

// Held is the hold that this copy is in as far as anybody looked; the zero value: none. It asks nobody and may be asked for every answer.
func (f *Follower) Held() continuity.Hold {
	if h := f.held.Load(); h != nil {
		return *h
	}
	return continuity.Hold{}
}

// examine is a reader's judgement of a published checkpoint before anything of it is fetched. What contradicts the view makes it hold.
func (f *Follower) examine(ctx context.Context, signed []byte, t *tree, accepted continuity.Accepted) error {
	if 0 < accepted.Size && accepted.Size <= t.Size {
		// Fetched before the rules are taken.
		if _, err := t.RootAt(ctx, accepted.Size); err != nil {
			return err
		}
	}
	err := f.rules(ctx, func(m *continuity.Mirror) error { return m.Examine(ctx, signed, t) })
	if errors.Is(err, continuity.ErrStale) {
		return nil // looked at like any other, and not the view
	}
	return err
}
