package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
)

// Digest is a digest of the rows that queries give, the same on both engines and whatever order they come in: for each
// query in turn, the sorted SHA-256s of its rows. Columns may be text, bytes, integers or NULL.
func Digest(ctx context.Context, tx *Tx, queries ...*Query) ([32]byte, error) {
	return DigestOf(ctx, tx, nil, queries...)
}

// DigestOf is Digest over rows as read turns them: for columns whose bytes are an encoding (compression) of what they
// mean. read may be nil.
func DigestOf(ctx context.Context, tx *Tx, read func(values []any) error, queries ...*Query) ([32]byte, error) {
	h := sha256.New()
	for _, q := range queries {
		sums, err := rowSums(ctx, tx, read, q)
		if err != nil {
			return [32]byte{}, err
		}
		_ = binary.Write(h, binary.BigEndian, int64(len(sums))) // a hash takes every write
		for _, s := range sums {
			h.Write(s[:])
		}
	}
	return [32]byte(h.Sum(nil)), nil
}

func rowSums(ctx context.Context, tx *Tx, read func([]any) error, q *Query) ([][32]byte, error) {
	rows, err := tx.Query(ctx, q)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	cols, err := rows.Columns()
	if err != nil {
		return nil, err
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
			return nil, err
		}
		if read != nil {
			if err := read(values); err != nil {
				return nil, err
			}
		}
		buf = buf[:0]
		for i, v := range values {
			if buf, err = appendValue(buf, v); err != nil {
				return nil, fmt.Errorf("column %s: %w", cols[i], err)
			}
		}
		sums = append(sums, sha256.Sum256(buf))
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	slices.SortFunc(sums, func(a, b [32]byte) int { return slices.Compare(a[:], b[:]) })
	return sums, nil
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
