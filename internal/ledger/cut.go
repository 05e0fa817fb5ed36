package ledger

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/store"
)

// Cut drops every leaf from size on with all that stands beside it, as if they had never been appended. It is for a mirror whose list goes on from there
// with other leaves; whatever was folded from the log is folded again after. What a log key of this store signed beyond it goes too: it was
// the operator of an epoch that is over, and would never be able to sign in another. The transaction holds the head (Lock) and does nothing else.
func (l *Log) Cut(ctx context.Context, tx *store.Tx, size int64) error {
	head, err := l.Head(ctx, tx)
	if err != nil || size >= head.Size {
		return err
	}
	if size < 0 {
		return fmt.Errorf("cut to size %d: %w", size, ErrSize)
	}
	cut := Head{Size: size}
	if cut.Edge, err = l.edgeAt(ctx, tx, size); err != nil {
		return err
	}
	if size > 0 {
		raw, err := l.Leaf(ctx, tx, size-1)
		if err != nil {
			return err
		}
		last, err := splitLeaf(raw)
		if err != nil {
			return err
		}
		cut.Time = last.Stamp.Time
	}
	if err := l.cutSubjects(ctx, tx, size); err != nil {
		return err
	}
	for level, width := int64(0), int64(tileWidth); width <= head.Size; level, width = level+1, width*tileWidth {
		if _, err := tx.Exec(ctx, queries.Get("cut_tile"), level, size/width); err != nil {
			return fmt.Errorf("cut tiles of level %d: %w", level, err)
		}
	}
	for _, q := range []string{"cut_leaf", "cut_body", "cut_private", "cut_escrow", "cut_checkpoint"} {
		if _, err := tx.Exec(ctx, queries.Get(q), size); err != nil {
			return fmt.Errorf("cut to size %d: %w", size, err)
		}
	}
	tx.ForgetAll()
	return l.Save(ctx, tx, cut)
}

// edgeAt is the frontier of the tree of the first size leaves: the roots of its complete subtrees, largest first.
func (l *Log) edgeAt(ctx context.Context, tx *store.Tx, size int64) ([]Hash, error) {
	var at []int64
	for level, rest := 62, size; level >= 0; level-- {
		if rest>>level&1 == 1 {
			at = append(at, tlog.StoredHashIndex(level, (size>>(level+1))<<1))
		}
	}
	edge, err := l.HashReader(ctx, tx, size).ReadHashes(at)
	if err != nil {
		return nil, fmt.Errorf("edge at size %d: %w", size, err)
	}
	return edge, nil
}

// cutSubjects finds for each subject of a dropped leaf the newest one that stays, along the chain that the leaves themselves bear.
func (l *Log) cutSubjects(ctx context.Context, tx *store.Tx, size int64) error {
	newest := map[string]int64{}
	rows, err := tx.Query(ctx, queries.Get("cut_subjects"), size)
	if err != nil {
		return fmt.Errorf("subjects of dropped leaves: %w", err)
	}
	for rows.Next() {
		var subject string
		var idx int64
		if err := rows.Scan(&subject, &idx); err != nil {
			rows.Close()
			return fmt.Errorf("subjects of dropped leaves: %w", err)
		}
		newest[subject] = idx
	}
	if err := rows.Err(); err != nil {
		rows.Close()
		return fmt.Errorf("subjects of dropped leaves: %w", err)
	}
	if err := rows.Close(); err != nil {
		return fmt.Errorf("subjects of dropped leaves: %w", err)
	}
	for subject, idx := range newest {
		for idx >= size {
			raw, err := l.Leaf(ctx, tx, idx)
			if err != nil {
				return err
			}
			leaf, err := splitLeaf(raw)
			if err != nil {
				return err
			}
			idx = leaf.Stamp.Back
		}
		query, args := "cut_subject", []any{subject}
		if idx >= 0 {
			query, args = "subject_put", []any{subject, idx}
		}
		if _, err := tx.Exec(ctx, queries.Get(query), args...); err != nil {
			return fmt.Errorf("newest leaf about a subject after a cut: %w", err)
		}
	}
	return nil
}
