package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/edge/feeds/cvelist"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// intake brings the feed's records to the gate. It is the only place where the feed and the registry meet.
type intake struct {
	node   *node
	caller authority.Caller
	sample bool

	asked   atomic.Int64 // calls of Unchanged
	reading sync.Once
	known   registry.Known // nil until read; documents that come in meanwhile are the gate's to recognise
	failed  error          // of reading known

	lookout lookout
}

// askEach is how many documents of an import are looked up one by one, so that a delta does not pay for the whole list.
const askEach = 256

// maxDate is longer than any timestamp that the format allows.
const maxDate = 64

var errNotRecord = errors.New("not the CVE record it should be")

// prepared is a record on its way in.
type prepared struct {
	id  string
	doc *event.Doc
	at  time.Time // when its source held it, of history imports; zero otherwise
	// seen are identifiers in it that were reserved here when the import began.
	seen []program.Seen
}

// ID is the record's identifier.
func (p *prepared) ID() string { return p.id }

// Prepare decodes, packs and projects one record.
func (i *intake) Prepare(raw []byte, meta cvelist.Meta) (cvelist.Prepared, error) {
	doc, err := event.Pack(i.node.rand, raw)
	if errors.Is(err, ledger.ErrTooBig) {
		return nil, &cvelist.Refusal{Code: cvelist.CodeBodyTooLarge, Text: err.Error()}
	}
	if err != nil {
		return nil, err
	}
	doc.SetSHA256(meta.SHA256)
	rec, err := doc.Record()
	if err != nil {
		return nil, err
	}
	// The importer words what is wrong (cvelist.Inspect); here it only has to be seen, quickly.
	m := rec.Metadata
	if _, err := cve.ParseID(m.ID); err != nil || rec.DataType != "CVE_RECORD" || (meta.Name != "" && meta.Name != m.ID) ||
		(m.State != cve.Published && m.State != cve.Rejected) {
		return nil, errNotRecord
	}
	// Dates stand in the leaf as they are written, so one that is no date at all must not decide how long a leaf gets.
	for name, date := range map[string]string{"dateReserved": m.DateReserved, "datePublished": m.DatePublished, "dateUpdated": m.DateUpdated,
		"dateRejected": m.DateRejected} {
		if len(date) > maxDate {
			return nil, &cvelist.Refusal{Code: cvelist.CodeNotRecord, Pointer: "/cveMetadata/" + name,
				Text: fmt.Sprintf("the date has %d bytes, at most %d are possible", len(date), maxDate)}
		}
	}
	if err := i.node.gate.Prepare(event.RecordImported, doc); err != nil {
		return nil, err
	}
	seen, err := i.lookout.look(i.node, raw, m.ID, meta)
	if err != nil {
		return nil, err
	}
	doc.Trim()
	return &prepared{id: m.ID, doc: doc, at: meta.Time, seen: seen}, nil
}

// Import hands a batch to the gate as one command.
func (i *intake) Import(ctx context.Context, batch []cvelist.Prepared) ([]cvelist.Outcome, error) {
	out := make([]cvelist.Outcome, len(batch))
	err := i.node.gate.Do(ctx, i.caller, gate.Command{Action: authority.Import, Bulk: true, Decide: func(ctx context.Context, t *gate.Turn) error {
		base, err := registry.Base(ctx, t.Tx)
		if err != nil {
			return err
		}
		for n, b := range batch {
			p := b.(*prepared)
			verdict, index, err := registry.Import(ctx, t.Tx, p.doc, base, p.at, t.Emit)
			if err != nil {
				return fmt.Errorf("%s: %w", p.id, err)
			}
			out[n] = cvelist.Outcome{Verdict: cvelist.Verdict(verdict), Index: index}
			if len(p.seen) == 0 {
				continue
			}
			if _, err := program.Sight(ctx, t.Tx, t, p.seen); err != nil {
				return fmt.Errorf("%s: %w", p.id, err)
			}
		}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Unchanged says whether the list holds this very document.
func (i *intake) Unchanged(ctx context.Context, id string, sum cvelist.Digest) (same bool, err error) {
	if i.asked.Add(1) > askEach {
		i.reading.Do(func() {
			i.failed = i.node.db.View(ctx, func(tx *store.Tx) (err error) {
				i.known, err = registry.ReadKnown(ctx, tx)
				return err
			})
		})
		if i.failed != nil || !i.known.Perhaps(sum) {
			return false, i.failed
		}
	}
	err = i.node.db.View(ctx, func(tx *store.Tx) (err error) {
		same, err = registry.Current(ctx, tx, id, sum)
		return err
	})
	return same, err
}

// Note logs a finished import.
func (i *intake) Note(ctx context.Context, n cvelist.Noted) error {
	return i.node.gate.Do(ctx, i.caller, gate.Command{Action: authority.Import, Decide: func(ctx context.Context, t *gate.Turn) error {
		return registry.NoteImport(ctx, n.Source, n.Digest, i.sample, n.Counts, t.Emit)
	}})
}

// Unnoted says whether records came in that no note follows: an import was stopped before its end.
func (i *intake) Unnoted(ctx context.Context) (open bool, err error) {
	err = i.node.db.View(ctx, func(tx *store.Tx) (err error) {
		open, err = registry.Unnoted(ctx, tx)
		return err
	})
	return open, err
}
