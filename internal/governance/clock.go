package governance

import (
	"context"
	"fmt"
	"time"

	"tasuki/internal/store"
)

// Remedy is the rule pack's name of the time in which a reserved identifier that is cited in public is published.
const Remedy = "rbp.remedy"

// Clock is a deadline as the event that started it was stamped. Everything in it is public.
type Clock struct {
	Leaf    int64  // that started it
	What    string // the rule pack's name for it
	Case    string // "" for none
	CVE     string // identifier whose publication or rejection ends it, "" for none
	Org     string // who is to act, UUID; "" while that is not public
	Started time.Time
	Due     time.Time
	Ended   time.Time // zero while it runs
	Pack    string
}

// ID names a clock for good: the leaf, what it measures and, where one leaf starts several of a kind, the identifier.
func (k *Clock) ID() string {
	if k.Case != "" && k.CVE != "" {
		return fmt.Sprintf("%d.%s.%s", k.Leaf, k.What, k.CVE)
	}
	return fmt.Sprintf("%d.%s", k.Leaf, k.What)
}

// Overdue says that a running clock has run out.
func (k *Clock) Overdue(at time.Time) bool { return k.Ended.IsZero() && at.After(k.Due) }

// Met says that it was ended in time.
func (k *Clock) Met() bool { return !k.Ended.IsZero() && !k.Ended.Truncate(time.Second).After(k.Due) }

var (
	clockOpen     = q.Get("clock_open")
	clockCVEOpen  = q.Get("clock_cve_open")
	clockOrg      = q.Get("clock_org")
	paceOrg       = q.Get("pace_org")
	reminderPut   = q.Get("reminder_put")
	reminderCount = q.Get("reminder_has")
)

// Running are the clocks that run, in the order in which they are due; those that are due together in the order of the log.
func Running(ctx context.Context, tx *store.Tx) ([]Clock, error) {
	return scanClocks(ctx, tx, clockOpen)
}

func scanClocks(ctx context.Context, tx *store.Tx, query *store.Query, args ...any) (out []Clock, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	for rows.Next() {
		var k Clock
		var started, due, ended int64
		if err := rows.Scan(&k.Leaf, &k.What, &k.Case, &k.CVE, &k.Org, &started, &due, &ended, &k.Pack); err != nil {
			return nil, err
		}
		k.Started, k.Due, k.Ended = moment(started), moment(due), moment(ended)
		out = append(out, k)
	}
	return out, rows.Err()
}

// Sighted says whether a sighting of an identifier is open.
func Sighted(ctx context.Context, tx *store.Tx, id string) (bool, error) {
	var n int64
	err := tx.QueryRow(ctx, clockCVEOpen, id, Remedy).Scan(&n)
	return n > 0, err
}

// Timeliness is how an organisation keeps its deadlines, as far as that is public.
type Timeliness struct {
	Met, Missed int64 // of those that ended, or ran out
	Running     int64 // not yet due
	Overdue     int64 // of Missed: still running
	// Published is how many identifiers of this list it published, and Median how long the middle one took from reservation.
	Published int64
	Median    time.Duration
}

// TimelinessOf counts for one organisation (UUID).
func TimelinessOf(ctx context.Context, tx *store.Tx, at time.Time, org string) (out Timeliness, err error) {
	clocks, err := scanClocks(ctx, tx, clockOrg, org)
	if err != nil {
		return out, err
	}
	for _, k := range clocks {
		switch {
		case k.Met():
			out.Met++
		case k.Overdue(at):
			out.Overdue++
			out.Missed++
		case k.Ended.IsZero():
			out.Running++
		default:
			out.Missed++
		}
	}
	rows, err := tx.Query(ctx, paceOrg, org)
	if err != nil {
		return out, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	var took []int64
	for rows.Next() {
		var ms int64
		if err := rows.Scan(&ms); err != nil {
			return out, err
		}
		took = append(took, ms)
	}
	if n := len(took); n > 0 {
		out.Published, out.Median = int64(n), time.Duration(took[(n-1)/2])*time.Millisecond
	}
	return out, rows.Err()
}

// Reminded says whether a reminder of a stage was sent for a clock, and Remind that it was.
func Reminded(ctx context.Context, tx *store.Tx, clock, stage string) (bool, error) {
	var n int64
	err := tx.QueryRow(ctx, reminderCount, clock, stage).Scan(&n)
	return n > 0, err
}

// Remind writes down that a reminder was sent, so that nobody gets it twice.
func Remind(ctx context.Context, tx *store.Tx, clock, stage string, at time.Time) error {
	_, err := tx.Exec(ctx, reminderPut, clock, stage, at.UnixMilli())
	return err
}
