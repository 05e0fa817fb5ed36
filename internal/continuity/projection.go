package continuity

import (
	"context"
	"fmt"

	"tasuki/internal/event"
	"tasuki/internal/store"
)

// Projection folds where each epoch was opened. Whether it was opened rightly is for CheckOpening to say.
type Projection struct{}

// Name names the projection in reports.
func (Projection) Name() string { return "continuity" }

// Version is of what Fold derives.
func (Projection) Version() int { return 1 }

// Prepare has nothing to compute.
func (Projection) Prepare(event.Kind, *event.Doc) error { return nil }

// Fold notes the leaf that opens an epoch. Epochs rise: one that is not above all before fails with ErrOpening, so that a copy which
// is given such a leaf stops there.
func (Projection) Fold(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	if e.Kind != event.EpochOpened {
		return nil
	}
	var newest int64
	if err := tx.QueryRow(ctx, q.Get("epoch_newest")).Scan(&newest); err != nil {
		return err
	}
	if e.Epoch <= newest {
		return fmt.Errorf("leaf %d: %w: epoch %d after epoch %d", e.Index, ErrOpening, e.Epoch, newest)
	}
	_, err := tx.Exec(ctx, q.Get("epoch_put"), e.Epoch, e.Index)
	return err
}

// Reset empties the table.
func (Projection) Reset(ctx context.Context, tx *store.Tx) error {
	_, err := tx.Exec(ctx, q.Get("epoch_clear"))
	return err
}

// Digest is over the table's rows.
func (Projection) Digest(ctx context.Context, tx *store.Tx) ([32]byte, error) {
	return store.Digest(ctx, tx, q.Get("epoch_rows"))
}
