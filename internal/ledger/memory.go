package ledger

import (
	"context"

	"tasuki/internal/store"
)

// What a transaction that remembers knows of the log: newest leaves of subjects, and leaves that were read. Leaves never change, and
// Append is the only one that writes a subject.

type (
	newestKey string
	leafKey   int64
	spansKey  struct{}
)

// span is all subjects from first to last that had a leaf when they were read.
type span struct {
	first, last string
	ahead       *store.Ahead
	newest      map[string]int64
}

// Foresee says that Last will be asked about subjects from first to last (as bytes compare), few of which have a leaf. The answer
// travels with the next query. Where the transaction remembers nothing it does nothing.
func (l *Log) Foresee(ctx context.Context, tx *store.Tx, first, last string) error {
	spans, _ := store.Recall[[]*span](tx, spansKey{})
	for _, s := range spans {
		if s.first <= first && last <= s.last {
			return nil
		}
	}
	if !tx.Remembers() {
		return nil
	}
	s := &span{first: first, last: last, newest: map[string]int64{}}
	tx.Remember(spansKey{}, append(spans[:len(spans):len(spans)], s))
	var err error
	s.ahead, err = tx.Ahead(ctx, queries.Get("subject_span"), []any{first, last}, func(rows store.Rows) error {
		for rows.Next() {
			var subject string
			var idx int64
			if err := rows.Scan(&subject, &idx); err != nil {
				return err
			}
			s.newest[subject] = idx
		}
		return nil
	})
	return err
}

// foreseen is what Foresee read, or what was appended since.
func foreseen(ctx context.Context, tx *store.Tx, subject string) (idx int64, ok bool, err error) {
	if idx, ok := store.Recall[int64](tx, newestKey(subject)); ok {
		return idx, true, nil
	}
	spans, _ := store.Recall[[]*span](tx, spansKey{})
	for _, s := range spans {
		if subject < s.first || s.last < subject {
			continue
		}
		if err := s.ahead.Wait(ctx); err != nil {
			return 0, false, err
		}
		if idx, ok := s.newest[subject]; ok {
			return idx, true, nil
		}
		return -1, true, nil
	}
	return 0, false, nil
}
