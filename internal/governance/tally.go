package governance

import (
	"context"
	"time"

	"tasuki/internal/store"
)

var (
	clockTally = q.Get("clock_tally")
	clockEnded = q.Get("clock_ended")
)

// Tallies counts every organisation's public clocks, by UUID. Published and Median, which take a read each, are left out: TimelinessOf
// has them.
func Tallies(ctx context.Context, tx *store.Tx, at time.Time) (map[string]Timeliness, error) {
	ms := at.UnixMilli()
	rows, err := tx.Query(ctx, clockTally, ms, ms)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	out := map[string]Timeliness{}
	for rows.Next() {
		var org string
		var t Timeliness
		var late int64 // ended, and too late
		if err := rows.Scan(&org, &t.Met, &late, &t.Running, &t.Overdue); err != nil {
			return nil, err
		}
		t.Missed = late + t.Overdue
		out[org] = t
	}
	return out, rows.Err()
}

// Ended are the clocks that ended since a time, at most limit, the newest first.
func Ended(ctx context.Context, tx *store.Tx, since time.Time, limit int) ([]Clock, error) {
	return scanClocks(ctx, tx, clockEnded, max(since.UnixMilli(), 1), limit)
}
