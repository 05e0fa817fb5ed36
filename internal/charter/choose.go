package charter

import (
	"context"
	"errors"
	"fmt"

	"tasuki/internal/store"
)

var (
	replaceCharter = queries.Get("charter_replace")
	dropSibling    = queries.Get("sibling_drop")
)

// Choose puts a kept sibling of the newest charter into its place, and the newest among the siblings: what people decide who see
// two successors. It returns the other branch. A document that is no sibling of the head is refused.
func Choose(ctx context.Context, tx *store.Tx, d *Document) (*Chain, error) {
	c, err := Load(ctx, tx)
	if err != nil {
		return nil, err
	}
	head := c.Head()
	if err := c.Check(d); !errors.Is(err, ErrSibling) || d.charter.V != head.charter.V {
		return nil, fmt.Errorf("choose charter %d: %w: no sibling of the newest", d.charter.V, errors.Join(ErrGap, err))
	}
	next, err := c.With(d)
	if err != nil {
		return nil, err
	}
	raw, err := d.Bytes()
	if err != nil {
		return nil, err
	}
	old, err := head.Bytes()
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, replaceCharter, raw, d.charter.V); err != nil {
		return nil, fmt.Errorf("choose charter %d: %w", d.charter.V, err)
	}
	if _, err := tx.Exec(ctx, dropSibling, d.charter.V, d.hash); err != nil {
		return nil, fmt.Errorf("choose charter %d: %w", d.charter.V, err)
	}
	if _, err := tx.Exec(ctx, insertSibling, head.charter.V, head.hash, old); err != nil {
		return nil, fmt.Errorf("choose charter %d: %w", d.charter.V, err)
	}
	return next, nil
}
