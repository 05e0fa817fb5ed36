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

// Projection folds the catalogue's table.
type Projection struct{}

// Name names the projection in reports.
func (Projection) Name() string { return "catalogue" }

// Version is of what Fold derives.
func (Projection) Version() int { return 3 }

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

var recordErase = q.Get("record_erase")

// gone is the entry of a record whose newest body was erased. Its row stays, without a word of the record: who follows the
// table has to see that it is gone, and an older version must not take its place.
var gone = []byte{}

// Fold brings one event into the table.
func (Projection) Fold(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	switch e.Kind {
	case event.RecordImported:
		return foldRecord(ctx, tx, e)
	case event.BodyErased:
		// All that the row says from now on is of this event, so that a replay, which never sees the body, gives the same.
		_, err := tx.Exec(ctx, recordErase, e.Index, e.Time.UnixMilli(), e.Time.UnixMilli(), gone, *e.Leaf)
		return err
	default:
		return nil
	}
}

func foldRecord(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	if e.Doc == nil {
		_, err := tx.Exec(ctx, recordPut, e.ID, e.Index, e.Time.UnixMilli(), e.Time.UnixMilli(), gone)
		return err
	}
	d, err := derive(e.Doc)
	if err != nil {
		return err
	}
	// Clients that poll for changes must see what this list learnt after they last looked; only the list's own beginning
	// keeps the records' dates.
	changed := d.last
	if !e.Base {
		changed = max(changed, e.Time.UnixMilli())
	}
	_, err = tx.Exec(ctx, recordPut, e.ID, e.Index, changed, e.Time.UnixMilli(), d.entry)
	return err
}

// Reset empties the table.
func (Projection) Reset(ctx context.Context, tx *store.Tx) error {
	_, err := tx.Exec(ctx, recordClear)
	return err
}

// Digest is over the whole table, entries unpacked: how they are compressed is not what they say.
func (Projection) Digest(ctx context.Context, tx *store.Tx) ([32]byte, error) {
	return store.DigestOf(ctx, tx, func(values []any) error {
		const entryColumn = 4
		packed, ok := values[entryColumn].([]byte)
		if !ok {
			return fmt.Errorf("catalogue: entry is %T", values[entryColumn])
		}
		if len(packed) == 0 {
			return nil
		}
		raw, err := s2.Decode(nil, packed)
		values[entryColumn] = raw
		return err
	}, recordRows)
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
func (e *entry) doc(id string, leaf, changed int64) facet.Doc {
	d := facet.Doc{Key: id, Order: naturalOrder(id), Seq: leaf, Keywords: e.Keys, Numbers: make([]int64, numbers)}
	d.Numbers[nPublished], d.Numbers[nChanged] = e.Pub, changed
	d.Numbers[nKEVAdded], d.Numbers[nScore] = facet.Absent, facet.Absent
	if t, err := time.Parse(time.DateOnly, e.KEV); err == nil {
		d.Numbers[nKEVAdded] = t.UnixMilli()
	}
	if e.Score != nil {
		d.Numbers[nScore] = int64(math.Round(e.Score.Value * 10))
	}
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
