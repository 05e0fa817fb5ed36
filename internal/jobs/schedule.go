package jobs

import (
	"context"
	"fmt"
	"time"

	"tasuki/internal/store"
)

// Status is what the store knows of a job.
type Status struct {
	Name       string
	Next       time.Time // due then, or since
	Owner      string    // of the lease, "" when nobody runs it
	LeaseUntil time.Time
	LastStart  time.Time // zero when it never ran
	LastEnd    time.Time // zero when no run ended
	LastNode   string
	LastError  string // "" after a good run
	LastNote   string
	Failures   int64 // in a row
}

// List returns every job that was ever scheduled in this store, by name.
func (r *Runner) List(ctx context.Context) ([]Status, error) { return List(ctx, r.db) }

// List returns every job that was ever scheduled in db, by name.
func List(ctx context.Context, db *store.DB) (all []Status, err error) {
	err = db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Query(ctx, queries.Get("job_list"))
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // rows.Err below tells
		for rows.Next() {
			var s Status
			var next, until, start, end int64
			err := rows.Scan(&s.Name, &next, &s.Owner, &until, &start, &end, &s.LastNode, &s.LastError, &s.LastNote, &s.Failures)
			if err != nil {
				return err
			}
			s.Next, s.LeaseUntil, s.LastStart, s.LastEnd = instant(next), instant(until), instant(start), instant(end)
			all = append(all, s)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return all, nil
}

func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// Trigger makes a job due now, for whichever node looks first.
func (r *Runner) Trigger(ctx context.Context, name string) error {
	known, err := r.List(ctx)
	if err != nil {
		return err
	}
	for _, s := range known {
		if s.Name == name {
			now := r.o.Now().UnixMilli()
			_, err := r.change(ctx, "job_trigger", now, name, now)
			return err
		}
	}
	return fmt.Errorf("trigger %s: %w", name, ErrUnknown)
}

func (r *Runner) ensure(ctx context.Context, j Job, first time.Time) error {
	_, err := r.change(ctx, "job_ensure", j.Name, first.UnixMilli())
	return err
}

// take answers the lease, or "" when the job is not to be had.
func (r *Runner) take(ctx context.Context, j Job, now time.Time) (string, error) {
	lease, err := r.token()
	if err != nil {
		return "", err
	}
	ms := now.UnixMilli()
	n, err := r.change(ctx, "job_take", lease, now.Add(LeaseTTL).UnixMilli(), ms, r.o.Node, j.Name, ms, ms)
	if err != nil || n == 0 {
		return "", err
	}
	return lease, nil
}

func (r *Runner) extend(ctx context.Context, name, lease string) (kept bool, err error) {
	n, err := r.change(ctx, "job_renew", r.o.Now().Add(LeaseTTL).UnixMilli(), name, lease)
	return n > 0, err
}

func (r *Runner) done(ctx context.Context, name, lease string, end time.Time, fail, note string, failures int64, next time.Time) error {
	n, err := r.change(ctx, "job_done", end.UnixMilli(), storable(fail), storable(note), failures, next.UnixMilli(), name, lease)
	if err == nil && n == 0 {
		err = ErrLeaseLost
	}
	return err
}

// change runs one statement in a transaction of its own and answers how many rows it touched.
func (r *Runner) change(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = r.db.Update(ctx, func(tx *store.Tx) error {
		res, err := tx.Exec(ctx, queries.Get(query), args...)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, err
}
