package ledger

import (
	"context"
	"fmt"

	"tasuki/internal/store"
)

// Row is a leaf with the public body beside it, nil when it has none or it was erased.
type Row struct {
	Index int64
	Leaf  []byte
	Body  *Body
}

// Leaves are the exact bytes of leaves [from, to), or ErrNotFound where one is missing.
func (l *Log) Leaves(ctx context.Context, tx *store.Tx, from, to int64) ([][]byte, error) {
	rows, err := tx.Query(ctx, queries.Get("leaves"), from, to)
	if err != nil {
		return nil, fmt.Errorf("leaves %d to %d: %w", from, to, err)
	}
	defer rows.Close()
	out := make([][]byte, 0, max(0, to-from))
	for rows.Next() {
		var idx int64
		var leaf []byte
		if err := rows.Scan(&idx, &leaf); err != nil {
			return nil, fmt.Errorf("leaves %d to %d: %w", from, to, err)
		}
		if idx != from+int64(len(out)) {
			break
		}
		out = append(out, leaf)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("leaves %d to %d: %w", from, to, err)
	}
	if int64(len(out)) != to-from {
		return nil, fmt.Errorf("leaf %d: %w", from+int64(len(out)), ErrNotFound)
	}
	return out, nil
}

// Rows are leaves [from, to) with their bodies, or ErrNotFound where a leaf is missing.
func (l *Log) Rows(ctx context.Context, tx *store.Tx, from, to int64) ([]Row, error) {
	rows, err := tx.Query(ctx, queries.Get("scan"), from, to)
	if err != nil {
		return nil, fmt.Errorf("leaves %d to %d: %w", from, to, err)
	}
	defer rows.Close()
	out := make([]Row, 0, max(0, to-from))
	for rows.Next() {
		var r Row
		var b bodyRow
		if err := rows.Scan(&r.Index, &r.Leaf, &b.salt, &b.hash, &b.n, &b.enc, &b.dict, &b.packed); err != nil {
			return nil, fmt.Errorf("leaves %d to %d: %w", from, to, err)
		}
		if r.Index != from+int64(len(out)) {
			break
		}
		if b.n.Valid {
			if r.Body, err = b.body(); err != nil {
				return nil, fmt.Errorf("body of leaf %d: %w", r.Index, err)
			}
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("leaves %d to %d: %w", from, to, err)
	}
	if int64(len(out)) != to-from {
		return nil, fmt.Errorf("leaf %d: %w", from+int64(len(out)), ErrNotFound)
	}
	for _, r := range out {
		if r.Body != nil {
			if err := l.resolve(ctx, tx, r.Body); err != nil {
				return nil, fmt.Errorf("body of leaf %d: %w", r.Index, err)
			}
		}
	}
	return out, nil
}
