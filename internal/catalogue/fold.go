package catalogue

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/klauspost/compress/s2"

	"tasuki/internal/event"
	"tasuki/internal/store"
	"tasuki/internal/store/facet"
	"tasuki/spec/cve"
	"tasuki/spec/nvd"
)

// Projection folds the catalogue's tables: what the list says, and what it said before.
type Projection struct{}

// Name names the projection in reports.
func (Projection) Name() string { return "catalogue" }

// Version is of what Fold derives.
func (Projection) Version() int { return 4 }

// derived is what the catalogue computes from a record alone.
type derived struct {
	entry []byte
	last  int64 // the record's own last change, Unix milliseconds; 0 when it has no date
}

type derivedKey struct{}

func derive(doc *event.Doc) (derived, error) {
	return event.Memo(doc, derivedKey{}, func(d *event.Doc) (derived, error) {
		rec, err := d.Record()
		if err != nil {
			return derived{}, err
		}
		e := makeEntry(rec)
		out := derived{entry: e.pack()}
		if t := nvd.LastModified(rec); !t.IsZero() {
			out.last = t.UnixMilli()
		}
		return out, nil
	})
}

// Prepare derives the row of a record.
func (Projection) Prepare(kind event.Kind, doc *event.Doc) error {
	if kind != event.RecordImported {
		return nil
	}
	_, err := derive(doc)
	return err
}

// gone is the entry of a version whose body was erased. Its row stays, without a word of the record: who follows the table
// has to see that it is gone, and an older version must not take its place.
var gone = []byte{}

// Fold brings one event into the tables.
func (Projection) Fold(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	switch e.Kind {
	case event.RecordImported:
		return foldRecord(ctx, tx, e)
	case event.BodyErased:
		// All that a row says of the body from now on is of this event, so that a replay, which never sees the body, gives the same.
		if _, err := tx.Exec(ctx, recordErase, e.Index, e.Time.UnixMilli(), gone, *e.Leaf); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, pastErase, e.Index, gone, *e.Leaf)
		return err
	default:
		return nil
	}
}

func foldRecord(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	source := sourceTime(e)
	if e.Back >= 0 { // most records are new to the list, and pay nothing for the past
		if _, err := tx.Exec(ctx, pastThru, source, e.ID, source); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, pastPut, e.Index, source, e.ID); err != nil {
			return err
		}
	}
	changed, packed := e.Time.UnixMilli(), gone
	if e.Doc != nil {
		d, err := derive(e.Doc)
		if err != nil {
			return err
		}
		packed = d.entry
		// Clients that poll for changes must see what this list learnt after they last looked; only the list's own beginning
		// keeps the records' dates.
		if changed = d.last; !e.Base {
			changed = max(changed, e.Time.UnixMilli())
		}
	}
	_, err := tx.Exec(ctx, recordPut, e.ID, e.Index, e.Index, changed, e.Time.UnixMilli(), source, e.State, packed)
	return err
}

// sourceTime is since when the source held a version, Unix milliseconds: what a history import says, else the newest date that
// the document gives of itself, else when this list learnt it. It is read from the leaf, so that an erasure takes nothing of it.
func sourceTime(e *event.Entry) int64 {
	if !e.SourceTime.IsZero() {
		return e.SourceTime.UnixMilli()
	}
	for _, date := range []string{e.Dates.Updated, e.Dates.Rejected, e.Dates.Published, e.Dates.Reserved} {
		if t, _, err := cve.ParseTime(date); err == nil {
			return t.UnixMilli()
		}
	}
	return e.Time.UnixMilli()
}

// Reset empties the tables.
func (Projection) Reset(ctx context.Context, tx *store.Tx) error {
	_, err := tx.Exec(ctx, recordClear)
	if err == nil {
		_, err = tx.Exec(ctx, pastClear)
	}
	return err
}

// Digest is over both tables, entries unpacked: how they are compressed is not what they say.
func (Projection) Digest(ctx context.Context, tx *store.Tx) ([32]byte, error) {
	return store.DigestOf(ctx, tx, func(values []any) error {
		packed, ok := values[0].([]byte)
		if !ok {
			return fmt.Errorf("catalogue: entry is %T", values[0])
		}
		if len(packed) == 0 {
			return nil
		}
		raw, err := s2.Decode(nil, packed)
		values[0] = raw
		return err
	}, recordRows, pastRows)
}

// readEntry reads a row's entry; ErrErased means that there is none any more.
func readEntry(id string, packed []byte) (*entry, error) {
	if len(packed) == 0 {
		return nil, fmt.Errorf("%s: %w", id, ErrErased)
	}
	e, err := unpack(packed)
	if err != nil {
		return nil, fmt.Errorf("%s: stored catalogue entry: %w", id, err)
	}
	return e, nil
}

// doc is the entry as the index takes it.
func (e *entry) doc(r row) facet.Doc {
	d := facet.Doc{Key: r.id, Order: naturalOrder(r.id), Seq: r.leaf, Keywords: e.Keys, Numbers: make([]int64, numbers)}
	d.Numbers[nPublished], d.Numbers[nChanged] = e.Pub, r.changed
	d.Numbers[nLeaf], d.Numbers[nSource], d.Numbers[nUntil] = r.version, r.source, r.until
	d.Numbers[nUpdated], d.Numbers[nReserved] = e.Updated, e.Reserved
	d.Numbers[nKEVAdded], d.Numbers[nScore] = facet.Absent, facet.Absent
	if t, err := time.Parse(time.DateOnly, e.KEV); err == nil {
		d.Numbers[nKEVAdded] = t.UnixMilli()
	}
	if e.Score != nil {
		d.Numbers[nScore] = int64(math.Round(e.Score.Value * 10))
	}
	d.Keywords[kHas] = hasList(e.Has)
	for z, text := range e.Text {
		if text != "" {
			d.Text = append(d.Text, facet.ZoneText{Zone: z, Text: text})
		}
	}
	return d
}

func (e *entry) hit(id string, changed int64) Hit {
	h := Hit{ID: id, State: cve.State(e.State), Title: e.Title, Summary: e.Summary, Lang: e.Lang, Products: e.Products, Score: e.Score,
		CWE: e.Keys[kCWE], KEV: e.KEV, Assigner: e.Assigner, Changed: time.UnixMilli(changed).UTC()}
	if s := e.Keys[kSSVC]; len(s) > 0 {
		h.SSVC = s[0]
	}
	if e.Pub != math.MinInt64 {
		h.Published = time.UnixMilli(e.Pub).UTC()
	}
	return h
}

// naturalOrder places identifiers by year, then number.
func naturalOrder(id string) uint64 {
	c, err := cve.ParseID(id)
	if err != nil {
		return math.MaxUint64
	}
	return uint64(c.Year)<<48 | min(c.Number, 1<<48-1)
}
