package catalogue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sort"
	"time"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

var (
	firstVersion = q.Get("first_version")
	pastLog      = q.Get("past_log")
	pastSource   = q.Get("past_source")
	pastGet      = q.Get("past_get")
	pastList     = q.Get("past_list")
	pastEntry    = q.Get("past_entry")
)

// A version of a record stands from one leaf until the next about it takes its place. By the log's clock it was current while
// leaf < size ≤ until; by the source's clock the newest one that the source held by a moment t was, which is the one with
// source ≤ t < thru. Both are one row of catalogue_past, or the row of catalogue_record, for which the end is open.

// version is one version of a record as the tables know it.
type version struct {
	id      string
	leaf    int64
	erased  int64 // leaf of the erasure of its body, or none
	changed int64
	logged  int64
	source  int64
	state   cve.State
	parts   string // as in the tables
	gone    bool   // its row has no entry: a body that it shows was erased
	// superseded says that another version took its place: its row is in catalogue_past.
	superseded bool
}

// none stands where there is no leaf.
const none = -1

// point is a moment as the tables are asked about it.
type point struct {
	clock Clock
	size  int64 // LogClock: the first so many leaves
	ms    int64 // SourceClock: Unix milliseconds
	blank bool  // the list knew no record by then, as far as the log's clock goes
}

// Resolve looks a moment up: which leaves it means, and what else there is to say about it. Errors wrap ErrAt.
func (s *Service) Resolve(ctx context.Context, at At) (Moment, error) {
	m, _, err := s.moment(ctx, at)
	return m, err
}

func (s *Service) moment(ctx context.Context, at At) (m Moment, p point, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		m, p, err = s.resolve(ctx, tx, at)
		return err
	})
	return m, p, err
}

func (s *Service) resolve(ctx context.Context, tx *store.Tx, at At) (Moment, point, error) {
	head, err := s.log.Head(ctx, tx)
	if err != nil {
		return Moment{}, point{}, err
	}
	m := Moment{At: at, Size: head.Size, Head: head.Size}
	p := point{clock: LogClock}
	switch {
	case at.Clock != "" && at.Clock != LogClock && at.Clock != SourceClock:
		return m, p, fmt.Errorf("%w: the clock %q is neither log nor source", ErrAt, at.Clock)
	case at.Size < 0 || at.Size > head.Size:
		return m, p, fmt.Errorf("%w: size %d, the log has %d leaves", ErrAt, at.Size, head.Size)
	case at.Size > 0:
		m.Size = at.Size // a size is of the log, whatever the clock
	case at.Time.IsZero():
	case at.Clock == SourceClock:
		p = point{clock: SourceClock, ms: at.Time.UnixMilli()}
	default:
		if m.Size, err = s.sizeAt(ctx, tx, at.Time.UnixMilli(), head.Size); err != nil {
			return m, p, err
		}
	}
	p.size = m.Size
	if m.Size > 0 {
		if m.Time, err = s.leafTime(ctx, tx, m.Size-1); err != nil {
			return m, p, err
		}
	}
	var first sql.NullInt64
	if err := tx.QueryRow(ctx, firstVersion).Scan(&first); err != nil {
		return m, p, err
	}
	if p.blank = !first.Valid || first.Int64 >= m.Size; first.Valid {
		m.First, err = s.leafTime(ctx, tx, first.Int64)
	}
	return m, p, err
}

// sizeAt is how many of the first size leaves the log had at a time. Times in the log never decrease.
func (s *Service) sizeAt(ctx context.Context, tx *store.Tx, ms, size int64) (int64, error) {
	var failed error
	n := sort.Search(int(size), func(i int) bool {
		if failed != nil {
			return true
		}
		var t time.Time
		if t, failed = s.leafTime(ctx, tx, int64(i)); failed != nil {
			return true
		}
		return t.UnixMilli() > ms
	})
	return int64(n), failed
}

func (s *Service) leafTime(ctx context.Context, tx *store.Tx, index int64) (time.Time, error) {
	raw, err := s.log.Leaf(ctx, tx, index)
	if err != nil {
		return time.Time{}, err
	}
	leaf, err := ledger.ParseLeaf(raw)
	if err != nil {
		return time.Time{}, fmt.Errorf("leaf %d: %w", index, err)
	}
	return time.UnixMilli(leaf.Stamp.Time).UTC(), nil
}

// newest is the current version of id, or ErrNotFound.
func newest(ctx context.Context, tx *store.Tx, id string) (version, error) {
	v := version{id: id, erased: none}
	var leaf, entry int64
	err := tx.QueryRow(ctx, recordGet, id).Scan(&v.leaf, &leaf, &v.changed, &v.logged, &v.source, &v.state, &v.parts, &entry)
	if errors.Is(err, sql.ErrNoRows) {
		return v, fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	if leaf > v.leaf {
		v.erased = leaf
	}
	v.gone = entry == 0
	return v, err
}

// standing is the version of id that stood at p, or ErrNotFound.
func standing(ctx context.Context, tx *store.Tx, id string, p point) (version, error) {
	v, err := newest(ctx, tx, id)
	if err != nil {
		return v, err
	}
	var row store.Row
	if p.clock == SourceClock {
		if v.source <= p.ms {
			return v, nil
		}
		row = tx.QueryRow(ctx, pastSource, id, p.ms, p.ms)
	} else {
		if v.leaf < p.size {
			return v, nil
		}
		row = tx.QueryRow(ctx, pastLog, id, p.size, p.size)
	}
	return readPast(id, row)
}

// readPast reads a row of catalogue_past.
func readPast(id string, row interface{ Scan(...any) error }) (version, error) {
	v := version{id: id, superseded: true}
	var entry int64
	err := row.Scan(&v.leaf, &v.erased, &v.changed, &v.logged, &v.source, &v.state, &v.parts, &entry)
	v.gone = entry == 0
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	return v, err
}

// GetAt is Get of the record as it was known at a moment. What the list did not know by then is ErrNotFound; it is ErrBefore as
// well when the list knew nothing at all. A version whose body was erased since is ErrErased.
func (s *Service) GetAt(ctx context.Context, id string, at At) (*View, error) {
	return s.view(ctx, func(tx *store.Tx) (version, error) {
		_, p, err := s.resolve(ctx, tx, at)
		if err != nil {
			return version{}, err
		}
		v, err := standing(ctx, tx, id, p)
		if errors.Is(err, ErrNotFound) && p.blank {
			err = fmt.Errorf("%w: %w", err, ErrBefore)
		}
		return v, err
	})
}

// Version is the record as one of its versions has it: the one that the leaf index brought. A leaf that brought no version of
// id is ErrNotFound.
func (s *Service) Version(ctx context.Context, id string, index int64) (*View, error) {
	return s.view(ctx, func(tx *store.Tx) (version, error) {
		v, err := newest(ctx, tx, id)
		if err == nil && v.leaf != index {
			v, err = readPast(id, tx.QueryRow(ctx, pastGet, index, id))
		}
		return v, err
	})
}

// view reads the version that find chooses.
func (s *Service) view(ctx context.Context, find func(*store.Tx) (version, error)) (*View, error) {
	var v *View
	err := s.db.View(ctx, func(tx *store.Tx) error {
		which, err := find(tx)
		if err != nil {
			return err
		}
		v, err = s.open(ctx, tx, which)
		return err
	})
	if err == nil {
		err = v.decode()
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Versions lists every version of a record that this list has held, newest first.
func (s *Service) Versions(ctx context.Context, id string) ([]Version, error) {
	var out []Version
	err := s.db.View(ctx, func(tx *store.Tx) error {
		all, err := history(ctx, tx, id)
		if err != nil {
			return err
		}
		out = make([]Version, len(all))
		for i, v := range all {
			raw, err := s.log.Leaf(ctx, tx, v.leaf)
			if err != nil {
				return err
			}
			e, err := event.Open(v.leaf, raw, nil)
			if err != nil {
				return err
			}
			out[i] = Version{Index: v.leaf, Kind: string(e.Kind), State: string(v.state), Logged: time.UnixMilli(v.logged).UTC(),
				Source: time.UnixMilli(v.source).UTC(), Updated: e.Dates.Updated, By: e.By, Base: e.Base, Cont: e.Container(), Erased: v.gone}
			if !e.Kind.Whole() {
				out[i].Updated = cve.FormatTime(e.At)
			}
		}
		return nil
	})
	return out, err
}

// history is every version of id, newest first.
func history(ctx context.Context, tx *store.Tx, id string) ([]version, error) {
	v, err := newest(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	all := []version{v}
	rows, err := tx.Query(ctx, pastList, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	for rows.Next() {
		if v, err = readPast(id, rows); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}
