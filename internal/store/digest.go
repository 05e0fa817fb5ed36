package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
)

// Digest is a digest of the rows a query gives, the same on both engines and whatever order they come in: the SHA-256
// over the sorted SHA-256s of the rows. Columns may be text, bytes, integers or NULL.
func Digest(ctx context.Context, tx *Tx, q *Query, args ...any) ([32]byte, error) {
	rows, err := tx.Query(ctx, q, args...)
	if err != nil {
		return [32]byte{}, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	cols, err := rows.Columns()
	if err != nil {
		return [32]byte{}, err
	}
	values := make([]any, len(cols))
	into := make([]any, len(cols))
	for i := range values {
		into[i] = &values[i]
	}
	var sums [][32]byte
	var buf []byte
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return [32]byte{}, err
		}
		buf = buf[:0]
		for i, v := range values {
			if buf, err = appendValue(buf, v); err != nil {
				return [32]byte{}, fmt.Errorf("column %s: %w", cols[i], err)
			}
		}
		sums = append(sums, sha256.Sum256(buf))
	}
	if err := rows.Err(); err != nil {
		return [32]byte{}, err
	}
	slices.SortFunc(sums, func(a, b [32]byte) int { return slices.Compare(a[:], b[:]) })
	h := sha256.New()
	for _, s := range sums {
		h.Write(s[:])
	}
	return [32]byte(h.Sum(nil)), nil
}

// appendValue writes a column's value so that no two different rows write the same bytes. Text and bytes are alike:
// which of the two a driver returns for a column is its own business.
func appendValue(b []byte, v any) ([]byte, error) {
	text := func(s []byte) []byte {
		b = append(b, 't')
		b = binary.BigEndian.AppendUint64(b, uint64(len(s)))
		return append(b, s...)
	}
	switch v := v.(type) {
	case nil:
		return append(b, 'n'), nil
	case int64:
		b = append(b, 'i')
		return binary.BigEndian.AppendUint64(b, uint64(v)), nil
	case string:
		return text([]byte(v)), nil
	case []byte:
		return text(v), nil
	}
	return nil, fmt.Errorf("store: a digest of %T is not defined", v)
}
