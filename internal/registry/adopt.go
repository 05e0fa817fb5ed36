package registry

import (
	"context"
	"fmt"
	"strconv"

	"tasuki/internal/event"
	"tasuki/internal/store"
)

var (
	assignerList = q.Get("assigner_list")
	heightList   = q.Get("height_list")
	poolOfYear   = q.Get("pool_clear_year")
)

// Assigner is an organisation that imported documents name as their assigner.
type Assigner struct {
	Org     string // UUID, as the documents write it
	Records int64
	Newest  int64 // leaf of the document that was updated last: what the organisation is called now
	Adopted bool  // an organisation of this list already: it owns its identifiers
}

// Assigners lists the organisations that imported documents name, by UUID.
func Assigners(ctx context.Context, tx *store.Tx) (out []Assigner, err error) {
	rows, err := tx.Query(ctx, assignerList)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	for rows.Next() {
		var a Assigner
		var adopted int64
		if err := rows.Scan(&a.Org, &a.Records, &a.Newest, &adopted); err != nil {
			return nil, err
		}
		a.Adopted = adopted == 1
		out = append(out, a)
	}
	return out, rows.Err()
}

// Heights is the highest number that imported documents use in each block, by year. Numbers above the general block are no
// counter's and do not count.
func Heights(ctx context.Context, tx *store.Tx) (map[int64]event.Skip, error) {
	rows, err := tx.Query(ctx, heightList, PriorityEnd, PriorityEnd, GeneralEnd)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	out := map[int64]event.Skip{}
	for rows.Next() {
		var year int64
		var s event.Skip
		if err := rows.Scan(&year, &s.Priority, &s.General); err != nil {
			return nil, err
		}
		out[year] = s
	}
	return out, rows.Err()
}

// Margin is how far above the highest imported number a year's counters begin: the other list may have given out numbers that
// nobody has published yet.
type Margin struct{ Priority, General int64 }

// DefaultMargin is that of an unplanned epoch (events.md §1).
var DefaultMargin = Margin{Priority: 100, General: 10_000}

// Above is where the counters of a year begin over the numbers that are used there; a block that nobody used begins at its start.
func (m Margin) Above(used event.Skip) (s event.Skip) {
	if used.Priority > 0 {
		s.Priority = min(used.Priority+m.Priority, PriorityEnd)
	}
	if used.General > 0 {
		s.General = min(used.General+m.General, GeneralEnd)
	}
	return s
}

// EnsureRange opens a year above what is used there, or lifts the counters of one that is open but lags behind; numbers that were
// set aside below are given up with it. It says whether it changed anything.
func EnsureRange(ctx context.Context, tx *store.Tx, t event.Turn, year int64, above event.Skip) (bool, error) {
	r, err := getRange(ctx, tx, year)
	if err != nil {
		return false, err
	}
	if !r.Open {
		return true, OpenRange(ctx, tx, t, year, above)
	}
	if r.Priority >= above.Priority && r.General >= above.General {
		return false, nil
	}
	_, err = t.Emit(ctx, &event.Event{Kind: event.RangeOpened, Year: year, Last: r.Last,
		Skips: map[string]event.Skip{strconv.FormatInt(year, 10): above}}, nil)
	return err == nil, err
}

// GetRange reads a year; one that was never opened is not Open.
func GetRange(ctx context.Context, tx *store.Tx, year int64) (Range, error) {
	r, err := getRange(ctx, tx, year)
	if err != nil {
		return r, fmt.Errorf("range of %d: %w", year, err)
	}
	return r, nil
}
