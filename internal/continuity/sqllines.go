package continuity

import (
	"context"
	"fmt"

	"tasuki/internal/store"
	"tasuki/spec/c2sp"
)

// Forward keeps the lines of mirrors of the charter for the node of this store that signs: whoever a mirror asked may be another one. It answers ErrNote,
// ErrOrigin, and ErrUnsigned when no mirror's line verifies. Whether the log signed that tree is for the one who signs to say.
func (s *SQL) Forward(ctx context.Context, q *Quorum, n c2sp.Note) error {
	v := q.count(n)
	switch {
	case v.Err != nil:
		return v.Err
	case v.Counted == 0:
		return ErrUnsigned
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		for _, vote := range v.Mirrors {
			if vote.At.IsZero() {
				continue
			}
			if err := putLine(ctx, tx, v, vote.VKey, n.Bytes()); err != nil {
				return fmt.Errorf("keep a cosignature for the node that signs: %w", err)
			}
		}
		return nil
	})
}

func putLine(ctx context.Context, tx *store.Tx, v Verdict, mirror string, note []byte) error {
	origin := v.Checkpoint.Origin
	if _, err := tx.Exec(ctx, q.Get("line_put"), origin, v.Checkpoint.Size, mirror, note); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, q.Get("line_trim"), origin, mirror, origin, mirror, window)
	return err
}

// Forwarded are the notes that were kept for sizes above the published one, smallest first.
func (s *SQL) Forwarded(ctx context.Context, origin string, published int64) (notes [][]byte, err error) {
	return s.notes(ctx, q.Get("line_list"), origin, published)
}

// DropForwarded drops what was kept for sizes that are published.
func (s *SQL) DropForwarded(ctx context.Context, origin string, published int64) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, q.Get("line_drop"), origin, published)
		return err
	})
}
