package gcve

import (
	"context"
	"errors"

	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/spec/cve"
	"tasuki/spec/gcve"
)

// Service answers reads for whoever has no transaction of their own.
type Service struct {
	DB  *store.DB
	Log *ledger.Log
}

// Said is something that an authority said about an identifier.
type Said struct {
	Record
	Aliases []string
	Body    []byte // nil once it was erased
}

// body reads a document, nil once it was erased.
func (s *Service) body(ctx context.Context, tx *store.Tx, r Record) ([]byte, error) {
	raw, err := Body(ctx, tx, s.Log, r)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, nil
	}
	return raw, err
}

// Lookup is everything said under an identifier of any scheme, and under its aliases; none where nothing is known.
func (s *Service) Lookup(ctx context.Context, text string) (out []Said, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		found, err := Lookup(ctx, tx, text)
		if err != nil {
			return err
		}
		for _, r := range found {
			said := Said{Record: r}
			if said.Aliases, err = Aliases(ctx, tx, r); err != nil {
				return err
			}
			if said.Body, err = s.body(ctx, tx, r); err != nil {
				return err
			}
			out = append(out, said)
		}
		return nil
	})
	return out, err
}

// Page gives fn the records of one page of what an authority said, and returns how many there are in all. No transaction is open while fn
// runs; what is erased meanwhile is left out.
func (s *Service) Page(ctx context.Context, origin gcve.GNA, p gcve.Params, fn func(r Record, body []byte) error) (total int64, err error) {
	var page []Record
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		page, total, err = Page(ctx, tx, origin, p)
		return err
	})
	if err != nil {
		return 0, err
	}
	return total, s.each(ctx, page, fn)
}

func (s *Service) each(ctx context.Context, list []Record, fn func(r Record, body []byte) error) error {
	for _, r := range list {
		var raw []byte
		err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
			raw, err = s.body(ctx, tx, r)
			return err
		})
		if err == nil && raw != nil {
			err = fn(r, raw)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// dumpStep is how many records a dump looks up at a time.
const dumpStep = 256

// Each gives fn everything that an authority said, in the order of identifiers, as Page does.
func (s *Service) Each(ctx context.Context, origin gcve.GNA, fn func(r Record, body []byte) error) error {
	for key := ""; ; {
		var step []Record
		err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
			step, key, err = After(ctx, tx, origin, key, dumpStep)
			return err
		})
		if err != nil || len(step) == 0 {
			return err
		}
		if err := s.each(ctx, step, fn); err != nil {
			return err
		}
	}
}

// Line is an identifier of the list's own authority as a manifest tells it.
type Line struct {
	Allocation
	SHA256 string // of its record; "" where there is none, or it was erased
	Erased bool
}

// Manifest is the identifiers of the list's own authority in the order of the newest leaf about each, from after a leaf on, and the size of the
// log that it
// was read at.
func (s *Service) Manifest(ctx context.Context, after int64, limit int) (out []Line, size int64, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		head, err := s.Log.Head(ctx, tx)
		if err != nil {
			return err
		}
		size = head.Size
		list, err := Allocations(ctx, tx, after, limit)
		if err != nil {
			return err
		}
		for _, a := range list {
			line := Line{Allocation: a}
			if a.Hash != "" {
				r, err := record(ctx, tx, a.ID.Key(), a.ID.GNA())
				if err != nil {
					return err
				}
				line.SHA256, line.Erased = r.SHA256, r.Erased()
			}
			out = append(out, line)
		}
		return nil
	})
	return out, size, err
}

// Counts is how many identifiers of the list's own authority are in each state.
func (s *Service) Counts(ctx context.Context) (out map[cve.State]int64, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		out, err = Counts(ctx, tx)
		return err
	})
	return out, err
}

// Directory is the newest directory of authorities that the list holds, or ErrNotFound.
func (s *Service) Directory(ctx context.Context) (seen SeenDirectory, d *gcve.Directory, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		seen, d, err = Newest(ctx, tx, s.Log)
		return err
	})
	return seen, d, err
}

// Size is how many leaves the log has.
func (s *Service) Size(ctx context.Context) (size int64, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		h, err := s.Log.Head(ctx, tx)
		size = h.Size
		return err
	})
	return size, err
}
