package registry

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"tasuki/internal/event"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// The blocks of a year, as CVE Services cut them: single identifiers come from the priority block, the others from the general
// one above it.
const (
	PriorityEnd = 20_000     // highest number of the priority block
	GeneralEnd  = 50_000_000 // highest number of the general block
)

var (
	rangeGet  = q.Get("range_get")
	rangePut  = q.Get("range_put")
	poolAdd   = q.Get("pool_add")
	poolList  = q.Get("pool_list")
	poolTake  = q.Get("pool_take")
	poolClear = q.Get("pool_clear")
)

// Errors of ranges and reservations.
var (
	// ErrRangeExists means a year that is open already.
	ErrRangeExists = errors.New("registry: the range of the year is open already")
	// ErrNoRange means a year whose identifiers cannot be reserved.
	ErrNoRange = errors.New("registry: the year has no range")
	// ErrRangeFull means that the numbers of a year are used up.
	ErrRangeFull = errors.New("registry: the range of the year is used up")
)

// Range is a year and how far its counters have come.
type Range struct {
	Year     int64
	Open     bool
	Last     int64 // highest number that may be given out
	Priority int64 // highest number given out of the priority block
	General  int64 // highest number given out, or set aside, of the general block
}

func getRange(ctx context.Context, tx *store.Tx, year int64) (Range, error) {
	if r, ok := store.HeldBack[Range](tx, rangeKey(year)); ok {
		return r, nil
	}
	return rangeOf(year).Ask(ctx, tx)
}

func rangeOf(year int64) store.Question[Range] {
	return store.Question[Range]{Key: rangeKey(year), Query: rangeGet, Args: []any{year}, Read: func(rows store.Rows) (Range, error) {
		r := Range{Year: year, Last: GeneralEnd, General: PriorityEnd}
		if !rows.Next() {
			return r, nil
		}
		var opened int64
		err := rows.Scan(&opened, &r.Last, &r.Priority, &r.General)
		r.Open = opened == 1
		return r, err
	}}
}

func (r Range) put(ctx context.Context, tx *store.Tx) error {
	store.Answer(tx, rangeKey(r.Year), r)
	return tx.Late(ctx, rangeKey(r.Year), r, func(ctx context.Context) error {
		_, err := tx.Exec(ctx, rangePut, r.Year, bit(r.Open), r.Last, r.Priority, r.General)
		return err
	})
}

// OpenRange lets identifiers of a year be given out, with the default blocks, or fails with ErrRangeExists. above is a number that
// the counters of the priority and of the general block start behind, 0 for their beginnings: what another list may have given
// out already.
func OpenRange(ctx context.Context, tx *store.Tx, t event.Turn, year int64, above event.Skip) error {
	r, err := getRange(ctx, tx, year)
	if err != nil {
		return err
	}
	if r.Open {
		return fmt.Errorf("%d: %w", year, ErrRangeExists)
	}
	e := &event.Event{Kind: event.RangeOpened, Year: year, Last: GeneralEnd}
	if above != (event.Skip{}) {
		e.Skips = map[string]event.Skip{strconv.FormatInt(year, 10): above}
	}
	_, err = t.Emit(ctx, e, nil)
	return err
}

// foldRange moves the counters of years.
func foldRange(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	switch e.Kind {
	case event.RangeOpened:
		r, err := getRange(ctx, tx, e.Year)
		if err != nil {
			return err
		}
		if r.Open { // lifted: what was set aside below may have been given out elsewhere
			tx.Forget(poolKey(e.Year))
			if _, err := tx.Exec(ctx, poolOfYear, e.Year); err != nil {
				return err
			}
		}
		r.Open, r.Last = true, e.Last
		if err := r.put(ctx, tx); err != nil {
			return err
		}
	case event.PoolCarved:
		r, err := getRange(ctx, tx, e.Year)
		if err != nil {
			return err
		}
		r.General = max(r.General, e.Last)
		if err := r.put(ctx, tx); err != nil {
			return err
		}
		if err := poolWith(ctx, tx, e.Year, e.First, e.Last); err != nil {
			return err
		}
		for n := e.First; n <= e.Last; n++ {
			if _, err := tx.Exec(ctx, poolAdd, e.Year, n); err != nil {
				return err
			}
		}
		return nil
	case event.EpochOpened:
		if len(e.Skips) == 0 {
			return nil
		}
		// What a lost end of the log had set aside may have been given out there.
		tx.ForgetAll()
		if _, err := tx.Exec(ctx, poolClear); err != nil {
			return err
		}
	}
	for text, skip := range e.Skips {
		year, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("skip of year %q: %w", text, err)
		}
		r, err := getRange(ctx, tx, year)
		if err != nil {
			return err
		}
		r.Priority, r.General = max(r.Priority, skip.Priority), max(r.General, skip.General)
		if err := r.put(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// countReserved moves a year's counter to an identifier that was given out.
func countReserved(ctx context.Context, tx *store.Tx, id string) error {
	c, err := cve.ParseID(id)
	if err != nil {
		return err
	}
	year, n := int64(c.Year), int64(c.Number)
	r, err := getRange(ctx, tx, year)
	if err != nil {
		return err
	}
	switch {
	case n <= PriorityEnd && n > r.Priority:
		r.Priority = n
	case n > r.General:
		r.General = n
	default:
		if err := poolWithout(ctx, tx, year, n); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, poolTake, year, n)
		return err
	}
	return r.put(ctx, tx)
}

// Batch is how numbers are chosen.
type Batch string

// The batches.
const (
	Single        Batch = ""              // one identifier, of the priority block while that lasts
	Sequential    Batch = "sequential"    // numbers in a row, but for those that are taken
	NonSequential Batch = "nonsequential" // numbers that tell nobody how many were reserved
)

// Reservation asks for identifiers.
type Reservation struct {
	Year   int64
	Amount int
	Batch  Batch
	Owner  string // organisation, UUID
	ByOrg  string // who asks: organisation and user, UUIDs
	ByUser string
}

// Foresee says that a reservation is coming whose owner is likely this one.
func (r Reservation) Foresee(ctx context.Context, tx *store.Tx) error {
	err := errors.Join(rangeOf(r.Year).Foresee(ctx, tx), holdingOf(r.Owner).Foresee(ctx, tx))
	if err == nil && r.Batch == NonSequential {
		err = poolOf(r.Year).Foresee(ctx, tx)
	}
	return err
}

// Reserved is an identifier that was given out.
type Reserved struct {
	ID string
	At time.Time
}

// Reserve gives out identifiers, or fails with ErrNoRange or ErrRangeFull and gives out none. Quotas are the caller's business.
func Reserve(ctx context.Context, tx *store.Tx, t event.Turn, r Reservation) ([]Reserved, error) {
	rng, err := getRange(ctx, tx, r.Year)
	if err != nil {
		return nil, err
	}
	if !rng.Open {
		return nil, fmt.Errorf("%d: %w", r.Year, ErrNoRange)
	}
	numbers, err := choose(ctx, tx, t, rng, r)
	if err != nil {
		return nil, err
	}
	out := make([]Reserved, 0, len(numbers))
	for _, n := range numbers {
		id := format(r.Year, n)
		e, err := t.Emit(ctx, &event.Event{Kind: event.IDReserved, ID: id}, nil)
		if err != nil {
			return nil, err
		}
		for _, f := range []fact{{kind: ownerFact, id: id, org: r.Owner}, {kind: requesterFact, id: id, org: r.ByOrg, user: r.ByUser}} {
			if err := f.emit(ctx, t); err != nil {
				return nil, err
			}
		}
		out = append(out, Reserved{id, e.At})
	}
	return out, nil
}

func (f fact) emit(ctx context.Context, t event.Turn) error {
	body, err := f.marshal()
	if err != nil {
		return err
	}
	_, err = t.EmitPrivate(ctx, body)
	return err
}

func format(year, n int64) string { return fmt.Sprintf("CVE-%04d-%04d", year, n) }

// choose finds the numbers of a reservation.
func choose(ctx context.Context, tx *store.Tx, t event.Turn, rng Range, r Reservation) ([]int64, error) {
	switch r.Batch {
	case Single:
		end := min(rng.Last, PriorityEnd)
		numbers, err := inRow(ctx, tx, t, r.Year, rng.Priority, end, 1)
		if err != nil || len(numbers) == 1 {
			return numbers, err
		}
	case NonSequential:
		return fromPool(ctx, tx, t, rng, r.Amount)
	}
	numbers, err := inRow(ctx, tx, t, r.Year, rng.General, rng.Last, r.Amount)
	if err == nil && len(numbers) < r.Amount {
		err = fmt.Errorf("%d: %w", r.Year, ErrRangeFull)
	}
	return numbers, err
}

// inRow are the next n numbers above top that nobody has taken, up to end.
func inRow(ctx context.Context, tx *store.Tx, t event.Turn, year, top, end int64, n int) (numbers []int64, err error) {
	var w window
	for num := top + 1; num <= end && len(numbers) < n; num++ {
		if num > w.last {
			if w, err = windowAt(ctx, tx, t, year, num, end, n-len(numbers)); err != nil {
				return nil, err
			}
		}
		if !w.taken[num] {
			store.Answer(tx, idKey(format(year, num)), unheardOf)
			numbers = append(numbers, num)
		}
	}
	return numbers, nil
}

// Taken says whether an identifier may no longer be given out, and its state: whoever gave it out, or published it. Blocks are below
// the counters and need not be asked for.
func Taken(ctx context.Context, tx *store.Tx, id string) (cve.State, bool, error) {
	have, err := getID(ctx, tx, id)
	if errors.Is(err, ErrNotFound) {
		return "", false, nil
	}
	return have.State, err == nil, err
}
