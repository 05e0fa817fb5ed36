package catalogue

import (
	"context"
	"errors"
	"fmt"
	"math"

	"tasuki/internal/store"
)

var erasuresQuery = q.Get("erasures")

// Step is one record in which the list at one size differs from the list at another, for publications: they hold a file per record.
type Step struct {
	ID   string
	Leaf int64 // of the version that stood at the second size
	Gone bool  // its body was erased by the second size: there is no file any more
	Had  bool  // at the first size there was one
}

// stepsPage is how many rows of a span one transaction reads.
const stepsPage = 4096

// Steps lists what differs between the list at size from and at size to, in the order of the log. From 0 it is the whole list.
// Sizes that the log does not have, or in the wrong order, are ErrAt.
func (s *Service) Steps(ctx context.Context, from, to int64) ([]Step, error) {
	var out []Step
	if from < 0 || from > to {
		return nil, fmt.Errorf("%w: from size %d to size %d", ErrAt, from, to)
	}
	b := bounds{LogClock, from, to}
	for place := int64(0); ; {
		var rows []changeRow
		err := s.db.View(ctx, func(tx *store.Tx) error {
			head, err := s.log.Head(ctx, tx)
			if err != nil {
				return err
			}
			if to > head.Size {
				return fmt.Errorf("%w: size %d, the log has %d leaves", ErrAt, to, head.Size)
			}
			rows, err = b.rows(ctx, tx, place, stepsPage)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			c := r.change(b)
			out = append(out, Step{ID: r.id, Leaf: r.leaf, Gone: c.What == Erased, Had: c.Was != ""})
			place = r.place + 1
		}
		if len(rows) < stepsPage {
			return out, nil
		}
	}
}

// Ref names a version of a record: its identifier and the leaf that brought it.
type Ref struct {
	ID   string
	Leaf int64
}

// Originals gives fn the bytes of each version in the order of refs: of a whole document those that came, of a record put piece by
// piece, which nobody ever sent as a whole, compact JSON (made is true then). raw is nil for a version whose body was erased. It
// reads piece by piece, so that a slow receiver holds no transaction open.
func (s *Service) Originals(ctx context.Context, refs []Ref, fn func(i int, raw []byte, made bool) error) error {
	for next := 0; next < len(refs); {
		first, size := next, 0
		var views []*View
		err := s.db.View(ctx, func(tx *store.Tx) error {
			for ; next < len(refs) && size < pieceBytes && len(views) < pieceRecords; next++ {
				v, err := s.originalOf(ctx, tx, refs[next])
				if err != nil {
					return err
				}
				if v != nil {
					size += v.packed()
				}
				views = append(views, v)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for i, v := range views {
			var raw []byte
			made := v != nil && v.parts != nil
			switch {
			case v == nil:
			case made:
				raw, err = v.parts.assemble()
			default:
				raw, err = v.body.Bytes()
			}
			if err != nil {
				return fmt.Errorf("%s: %w", refs[first+i].ID, err)
			}
			if err := fn(first+i, raw, made); err != nil {
				return err
			}
			views[i] = nil // what was unpacked is not kept until the piece ends
		}
	}
	return nil
}

// originalOf fetches a version as it is stored; nil when its body was erased.
func (s *Service) originalOf(ctx context.Context, tx *store.Tx, ref Ref) (*View, error) {
	which, err := newest(ctx, tx, ref.ID)
	if err == nil && which.leaf != ref.Leaf {
		which, err = readPast(ref.ID, tx.QueryRow(ctx, pastGet, ref.Leaf, ref.ID))
	}
	if err != nil {
		return nil, err
	}
	v, err := s.open(ctx, tx, which)
	if errors.Is(err, ErrErased) {
		return nil, nil
	}
	return v, err
}

// Erasure is a version of a record whose body was erased.
type Erasure struct {
	Ref
	Until  int64 // leaf of the version that took its place; math.MaxInt64 while it is the newest
	Erased int64 // leaf that erased it
}

// Erasures lists the versions that the leaves from one size to another erased, in the order of the log.
func (s *Service) Erasures(ctx context.Context, from, to int64) ([]Erasure, error) {
	var out []Erasure
	err := s.db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Query(ctx, erasuresQuery, from, to, from, to)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // Err below says what went wrong
		for rows.Next() {
			var e Erasure
			if err := rows.Scan(&e.ID, &e.Leaf, &e.Until, &e.Erased); err != nil {
				return err
			}
			if e.Until < 0 {
				e.Until = math.MaxInt64
			}
			out = append(out, e)
		}
		return rows.Err()
	})
	return out, err
}
