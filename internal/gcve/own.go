package gcve

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/spec/cve"
	"tasuki/spec/gcve"
)

// Allocation is an identifier that the list's own authority gave out. All of it is public: it belongs to the authority itself.
type Allocation struct {
	ID      gcve.ID
	State   cve.State // RESERVED, PUBLISHED, REJECTED
	Leaf    int64     // that gave it out
	Newest  int64     // newest leaf about it
	Hash    string    // event hash of its newest record, hex; "" where there is none
	Given   time.Time
	First   time.Time // when its first published record was written; zero where there is none
	Changed time.Time
}

var (
	idGet   = q.Get("id_get")
	idAfter = q.Get("id_after")
	idCount = q.Get("id_count")
)

// MaxAllocate is how many identifiers are given out at a time.
const MaxAllocate = 1000

// firstYear is the first year that vulnerabilities were numbered by; one may be numbered for a year that is gone.
const firstYear = 1999

// Get reads an identifier of the list's own authority, or ErrNotFound.
func Get(ctx context.Context, tx *store.Tx, id gcve.ID) (Allocation, error) {
	a := Allocation{ID: id}
	var year, num, given, first, changed int64
	err := tx.QueryRow(ctx, idGet, id.String()).Scan(&year, &num, &a.State, &a.Leaf, &a.Newest, &a.Hash, &given, &first, &changed)
	if errors.Is(err, sql.ErrNoRows) {
		return a, ErrNotFound
	}
	a.Given, a.First, a.Changed = moment(given), moment(first), moment(changed)
	return a, err
}

func (a Allocation) put(ctx context.Context, tx *store.Tx) error {
	year, num, _ := a.ID.Numbered()
	_, err := tx.Exec(ctx, idPut, a.ID.String(), int64(year), num, string(a.State), a.Leaf, a.Newest, a.Hash, millis(a.Given), millis(a.First), millis(a.Changed))
	return err
}

// Allocations are identifiers of the list's own authority in the order of the newest leaf about each, from after a leaf on.
func Allocations(ctx context.Context, tx *store.Tx, after int64, limit int) (out []Allocation, err error) {
	rows, err := tx.Query(ctx, idAfter, after, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	for rows.Next() {
		var a Allocation
		var id string
		var year, num, given, first, changed int64
		if err := rows.Scan(&id, &year, &num, &a.State, &a.Leaf, &a.Newest, &a.Hash, &given, &first, &changed); err != nil {
			return nil, err
		}
		if a.ID, err = gcve.ParseID(id); err != nil {
			return nil, err
		}
		a.Given, a.First, a.Changed = moment(given), moment(first), moment(changed)
		out = append(out, a)
	}
	return out, rows.Err()
}

// Counts is how many identifiers of the list's own authority are in each state.
func Counts(ctx context.Context, tx *store.Tx) (map[cve.State]int64, error) {
	rows, err := tx.Query(ctx, idCount)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	out := map[cve.State]int64{}
	for rows.Next() {
		var s cve.State
		var n int64
		if err := rows.Scan(&s, &n); err != nil {
			return nil, err
		}
		out[s] = n
	}
	return out, rows.Err()
}

// Allocate gives out the next n identifiers of a year. The first ones that a list gives out bind it to the authority: ErrOther for another
// one from then on.
func Allocate(ctx context.Context, tx *store.Tx, t event.Turn, g gcve.GNA, year, n int) (out []gcve.ID, err error) {
	own, ok, err := Own(ctx, tx)
	switch {
	case err != nil:
		return nil, err
	case ok && own != g:
		return nil, fmt.Errorf("%w: the list numbers for authority %s", ErrOther, own)
	case g == gcve.GNACVE:
		return nil, fmt.Errorf("%w: authority 0 is the CVE Program", ErrOther)
	case n < 1 || n > MaxAllocate:
		return nil, ErrAmount
	case year < firstYear || year > t.Now().Year()+1:
		return nil, ErrYear
	}
	top, err := highest(ctx, tx, int64(year))
	if err != nil {
		return nil, err
	}
	for i := range int64(n) {
		id := gcve.Issue(g, year, top+1+i)
		if _, err := t.Emit(ctx, &event.Event{Kind: event.GCVEAllocated, ID: id.String()}, nil); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}

// own reads an identifier of the list's authority for an act, or says why there is none.
func own(ctx context.Context, tx *store.Tx, id gcve.ID) (Allocation, error) {
	a, err := Get(ctx, tx, id)
	if !errors.Is(err, ErrNotFound) {
		return a, err
	}
	if g, ok, err := Own(ctx, tx); err != nil || !ok || g != id.GNA() {
		return a, errors.Join(ErrOther, err)
	}
	return a, ErrNotFound
}

// Put writes the record of an identifier of the list's authority: a whole document (BCP-05). The identifier, x_gcve and the dates are
// put into it, since they are the authority's to say; its state is PUBLISHED where it has none. Errors: ErrOther, ErrNotFound, ErrState, and
// ErrDocument with
// a *Faulty in it.
func Put(ctx context.Context, tx *store.Tx, t event.Turn, id gcve.ID, raw []byte) (*event.Entry, error) {
	a, err := own(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	if a.State == cve.Rejected && a.Hash == "" {
		return nil, fmt.Errorf("%w: it was rejected without a record", ErrState)
	}
	raw, f, err := a.complete(raw, t.Now())
	if err != nil {
		return nil, err
	}
	doc, err := t.Pack(event.GCVEPut, raw)
	if err != nil {
		return nil, err
	}
	return t.Emit(ctx, &event.Event{Kind: event.GCVEPut, ID: id.String(), State: string(f.Document.Metadata.State), Prev: a.Hash, Dates: datesOf(f)}, doc)
}

func datesOf(r *gcve.Record) event.Dates {
	m := r.Document.Metadata
	return event.Dates{Published: m.DatePublished, Rejected: m.DateRejected, Reserved: m.DateReserved, Updated: m.DateUpdated}
}

// Faulty is what is wrong with a document, place by place.
type Faulty struct{ Findings []cve.Finding }

func (f *Faulty) Error() string {
	if len(f.Findings) == 0 {
		return "nothing is wrong"
	}
	one := f.Findings[0]
	return fmt.Sprintf("%s: %s (%d in all)", one.Pointer, one.Message, len(f.Findings))
}

// complete makes a document the next record of the identifier at a moment.
func (a Allocation) complete(raw []byte, now time.Time) ([]byte, *gcve.Record, error) {
	var err error
	set := func(value string, path ...string) {
		if err == nil {
			var quoted jsontext.Value
			quoted, _ = jsontext.AppendQuote(nil, value) // our own texts are UTF-8
			raw, err = cve.Set(raw, quoted, path...)
		}
	}
	doc, _, derr := cve.DecodeLoose(raw)
	if derr != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrDocument, derr)
	}
	state := doc.Metadata.State
	if state == "" {
		state = cve.Published
	}
	at := cve.FormatTime(now)
	set("CVE_RECORD", "dataType")
	if doc.DataVersion == "" {
		set("5.2.0", "dataVersion")
	}
	set(string(state), "cveMetadata", "state")
	set(cve.FormatTime(a.Given), "cveMetadata", "dateReserved")
	switch {
	case state == cve.Rejected:
		set(at, "cveMetadata", "dateRejected")
	case a.First.IsZero():
		set(at, "cveMetadata", "datePublished")
	default:
		set(cve.FormatTime(a.First), "cveMetadata", "datePublished")
	}
	set(at, "cveMetadata", "dateUpdated")
	if err == nil {
		raw, err = gcve.Stamp(raw, a.ID)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	rec, err := gcve.Read(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	if found := rec.Check(); len(found) > 0 {
		return nil, nil, fmt.Errorf("%w: %w", ErrDocument, &Faulty{found})
	}
	return raw, rec, nil
}

// Reject ends an identifier that has no record and will have none.
func Reject(ctx context.Context, tx *store.Tx, t event.Turn, id gcve.ID, reason string) error {
	a, err := own(ctx, tx, id)
	if err != nil {
		return err
	}
	if a.State != cve.Reserved {
		return fmt.Errorf("%w: it has a record; write a rejected one, or it is rejected already", ErrState)
	}
	if reason == "" {
		return fmt.Errorf("%w: a rejection has a reason", ErrDocument)
	}
	_, err = t.Emit(ctx, &event.Event{Kind: event.GCVERejected, ID: id.String(), Reason: reason}, nil)
	return err
}

func eventHash(raw []byte) string {
	h := ledger.EventHash(raw)
	return hex.EncodeToString(h[:])
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
