package catalogue

import (
	"context"
	"errors"
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
func (Projection) Version() int { return 5 }

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
		return deriveRecord(rec), nil
	})
}

func deriveRecord(rec *cve.Record) derived {
	e := makeEntry(rec)
	out := derived{entry: e.pack()}
	if t := nvd.LastModified(rec); !t.IsZero() {
		out.last = t.UnixMilli()
	}
	return out
}

// Prepare derives the row of a whole document. Of a single container nothing is known before the others are read.
func (Projection) Prepare(kind event.Kind, doc *event.Doc) error {
	if !kind.Whole() {
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
	case event.RecordImported, event.RecordReplaced:
		return foldWhole(ctx, tx, e)
	case event.RecordPut, event.RecordRejected:
		return foldPart(ctx, tx, e)
	case event.BodyErased:
		return foldErasure(ctx, tx, e)
	case event.OrgRegistered, event.OrgAdopted:
		_, err := tx.Exec(ctx, orgPut, e.Org)
		return err
	default:
		return nil
	}
}

// foldWhole makes a document the record, whatever was put before.
func foldWhole(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	if e.Back >= 0 { // most records are new to the list, and pay nothing for the past
		if err := supersede(ctx, tx, e); err != nil {
			return err
		}
	}
	if e.Doc == nil {
		return write(ctx, tx, e, cve.State(e.State), "", nil)
	}
	d, err := derive(e.Doc)
	if err != nil {
		return err
	}
	return write(ctx, tx, e, cve.State(e.State), "", &d)
}

// foldPart assembles the record anew with the container in it. The log lets in nothing that cannot be assembled.
func foldPart(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	was, err := madeOf(e.ID).Ask(ctx, tx)
	if err != nil {
		return err
	}
	var p parts
	if was.there {
		if p, err = gather(ctx, e.Before, was.version, was.list); err != nil {
			return err
		}
		if err := supersede(ctx, tx, e); err != nil {
			return err
		}
	}
	p.puts = event.Needed(append(p.puts, e))
	state := cve.Published // an ADP's container is put to nothing else
	if e.Kind == event.RecordRejected {
		state = cve.Rejected
	}
	switch err := p.load(ctx, tx, e.Before); {
	case errors.Is(err, ErrErased):
		return write(ctx, tx, e, state, p.list(), nil)
	case err != nil:
		return err
	}
	raw, err := p.assemble()
	if err != nil {
		return err
	}
	rec, _, err := cve.DecodeLoose(raw)
	if err != nil {
		return err
	}
	d := deriveRecord(rec)
	return write(ctx, tx, e, state, p.list(), &d)
}

// made is what the current version of a record is made of.
type made struct {
	there   bool
	version int64
	list    string
}

type madeKey string // a record's identifier

func madeOf(id string) store.Question[made] {
	return store.Question[made]{Key: madeKey(id), Query: recordParts, Args: []any{id}, Read: func(rows store.Rows) (m made, err error) {
		if rows.Next() {
			m.there = true
			err = rows.Scan(&m.version, &m.list)
		}
		return m, err
	}}
}

// Foresee asks for what the fold of a container will need.
func (Projection) Foresee(ctx context.Context, tx *store.Tx, kind event.Kind, first, last string) error {
	if kind != event.RecordPut && kind != event.RecordRejected || first != last {
		return nil
	}
	return madeOf(first).Foresee(ctx, tx)
}

// supersede moves the current version, if there is one, to the past.
func supersede(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	source := sourceTime(e)
	_, err := tx.Exec(ctx, pastThru, source, e.ID, source)
	if err == nil {
		_, err = tx.Exec(ctx, pastPut, e.Index, source, e.ID)
	}
	return err
}

// write makes what e brought the current version. d is nil where a body is missing.
func write(ctx context.Context, tx *store.Tx, e *event.Entry, state cve.State, list string, d *derived) error {
	changed, packed := e.Time.UnixMilli(), gone
	if d != nil {
		packed = d.entry
		// Clients that poll for changes must see what this list learnt after they last looked; only the list's own beginning
		// keeps the records' dates.
		if changed = d.last; !e.Base {
			changed = max(changed, e.Time.UnixMilli())
		}
	}
	if tx.Remembers() {
		store.Answer(tx, madeKey(e.ID), made{true, e.Index, list})
	}
	_, err := tx.Exec(ctx, recordPut, e.ID, e.Index, e.Index, changed, e.Time.UnixMilli(), sourceTime(e), state, list, packed)
	return err
}

// foldErasure empties the rows of all versions that showed the body: from the one that its leaf brought until a later leaf took it
// out of the record. All that such a row says of the body from now on is of this event, so that a replay, which never sees the
// body, gives the same.
func foldErasure(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	target, err := e.Before.Leaf(ctx, *e.Leaf)
	if err != nil || !target.Kind.OfRecord() {
		return err
	}
	end, err := shownUntil(ctx, tx, e.Before, target)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, recordErase, e.Index, e.Time.UnixMilli(), gone, target.ID, target.Index, end); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, pastErase, e.Index, gone, target.ID, target.Index, end)
	return err
}

// shownUntil is the leaf that took the part out of its record; math.MaxInt64 while it is in.
func shownUntil(ctx context.Context, tx *store.Tx, log event.Reader, part *event.Entry) (int64, error) {
	rows, err := tx.Query(ctx, recordAfter, part.ID, part.Index, part.ID, part.Index)
	if err != nil {
		return 0, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	var later []int64
	for rows.Next() {
		var leaf int64
		if err := rows.Scan(&leaf); err != nil {
			return 0, err
		}
		later = append(later, leaf)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return 0, err
	}
	for _, leaf := range later {
		e, err := log.Leaf(ctx, leaf)
		if err != nil {
			return 0, err
		}
		if e.Replaces(part.Event) {
			return leaf, nil
		}
	}
	return math.MaxInt64, nil
}

// sourceTime is since when the source held a version, Unix milliseconds. Of a document from elsewhere that is what a history import
// says, else the newest date that the document gives of itself, else when this list learnt it; of what was put here, when it was. It
// is read from the leaf, so that an erasure takes nothing of it.
func sourceTime(e *event.Entry) int64 {
	if e.Kind != event.RecordImported {
		return e.At.UnixMilli()
	}
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
	tx.ForgetAll()
	for _, clear := range []*store.Query{recordClear, pastClear, orgClear} {
		if _, err := tx.Exec(ctx, clear); err != nil {
			return err
		}
	}
	return nil
}

// Digest is over all tables, entries unpacked: how they are compressed is not what they say.
func (Projection) Digest(ctx context.Context, tx *store.Tx) ([32]byte, error) {
	return store.DigestOf(ctx, tx, func(values []any) error {
		if len(values) == 1 {
			return nil // an organisation
		}
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
	}, recordRows, pastRows, orgList)
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
	d.Numbers[nUpdated], d.Numbers[nReserved], d.Numbers[nCNASaid] = e.Updated, e.Reserved, e.CNASaid
	d.Numbers[nCreated], d.Numbers[nText] = r.created, textOrder(r.id)
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
