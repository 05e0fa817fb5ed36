package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/spec/c2sp"
)

// leaves reads the first size leaves of a server's log.
func (d *drill) leaves(ctx context.Context, base string, size int64) (out [][]byte, err error) {
	for n := int64(0); n*c2sp.Width < size; n++ {
		width := int(min(c2sp.Width, size-n*c2sp.Width))
		raw, _, err := drillGet(ctx, d.http, base+"/"+c2sp.TilePath(c2sp.Entries, n, width))
		if err != nil && width < c2sp.Width {
			// A bundle that has become full since.
			raw, _, err = drillGet(ctx, d.http, base+"/"+c2sp.TilePath(c2sp.Entries, n, c2sp.Width))
		}
		if err != nil {
			return nil, err
		}
		entries, err := c2sp.ParseBundle(raw)
		if err != nil {
			return nil, err
		}
		if len(entries) < width {
			return nil, fmt.Errorf("bundle %d of %s: %w", n, base, c2sp.ErrBundle)
		}
		out = append(out, entries[:width]...)
	}
	return out, nil
}

// treeRoot is the root of a tree of these leaves.
func treeRoot(leaves [][]byte) (tlog.Hash, error) {
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) (out []tlog.Hash, err error) {
		for _, i := range indexes {
			out = append(out, stored[i])
		}
		return out, nil
	})
	for i, leaf := range leaves {
		hashes, err := tlog.StoredHashes(int64(i), leaf, read)
		if err != nil {
			return tlog.Hash{}, err
		}
		stored = append(stored, hashes...)
	}
	return tlog.TreeHash(int64(len(leaves)), read)
}

// finalLog is the successor's log as it stands when all is quiet, read by its tiles and held against its checkpoint.
type finalLog struct {
	events   []*event.Event
	byHash   map[string]int64   // first 12 digits
	reserved map[string]int64   // id.reserved leaves
	puts     map[string][]int64 // leaves that put a container
}

func (d *drill) readFinal(ctx context.Context) (*finalLog, error) {
	cp, counts := d.checkpointOf(ctx, d.http, d.successor.url())
	if !counts {
		return nil, errors.New("the successor's checkpoint does not count")
	}
	d.report.FinalSize = cp.Size
	leaves, err := d.leaves(ctx, d.successor.url(), cp.Size)
	if err != nil {
		return nil, err
	}
	root, err := treeRoot(leaves)
	if err != nil {
		return nil, err
	}
	if root != cp.Root {
		return nil, errors.New("the successor's leaves are not those of its checkpoint")
	}
	log := &finalLog{byHash: map[string]int64{}, reserved: map[string]int64{}, puts: map[string][]int64{}}
	for i, raw := range leaves {
		leaf, err := ledger.ParseLeaf(raw)
		if err != nil {
			return nil, err
		}
		e, err := event.Parse(leaf.Event)
		if err != nil {
			return nil, err
		}
		hash := ledger.EventHash(leaf.Event)
		log.events = append(log.events, e)
		log.byHash[eventName(hash)] = int64(i)
		switch e.Kind {
		case event.IDReserved:
			if _, twice := log.reserved[e.ID]; twice {
				d.drillTruth.duplicates = append(d.drillTruth.duplicates, e.ID+" is reserved twice in the log")
			}
			log.reserved[e.ID] = int64(i)
		case event.RecordPut:
			if len(log.puts[e.ID]) > 0 && e.Prev == "" {
				d.drillTruth.duplicates = append(d.drillTruth.duplicates, e.ID+" is published anew in the log")
			}
			log.puts[e.ID] = append(log.puts[e.ID], int64(i))
		}
	}
	return log, nil
}

// verify counts what was lost.
func (d *drill) verify(ctx context.Context) error {
	if err := d.quiet(ctx); err != nil {
		return err
	}
	log, err := d.readFinal(ctx)
	if err != nil {
		return err
	}
	for _, w := range d.acked {
		d.report.Acked++
		if !w.before {
			d.report.AckedAfter++
		}
		at, err := d.find(ctx, log, w)
		if err != nil {
			d.report.AckedLost++
			d.report.detail("lost: %s: %v", w.id, err)
			continue
		}
		if w.before {
			d.report.AckedLast = max(d.report.AckedLast, at)
			if at >= d.report.HandoverSize {
				d.report.HandoverLow++
			}
		}
	}
	for _, a := range d.authors {
		for name, id := range a.signed {
			d.report.Events++
			if at, ok := log.byHash[name]; !ok || log.events[at].ID != id {
				d.report.MissingAfterDrain++
				d.report.detail("missing: event %s about %s of %s", name, id, a.short)
			}
		}
	}
	for id, who := range d.assigned {
		if _, reserved := log.reserved[id]; reserved && who != d.classic.org {
			d.duplicates = append(d.duplicates, id+" by "+who+" and by the list")
		}
	}
	for _, text := range d.duplicates {
		d.report.detail("twice: %s", text)
	}
	d.report.Assigned, d.report.Duplicates = len(d.assigned), len(d.duplicates)
	d.report.Promised = d.promised.Load()
	d.report.Reads, d.report.ReadsFailed, d.report.ReadsUnverified = d.reads.Load(), d.failed.Load(), d.wrong.Load()
	d.report.Epoch1Last, d.report.Epoch1Quorum = d.drillTruth.signed.Load(), d.quorum.Load()
	if d.report.Epoch1Quorum > d.report.HandoverSize {
		d.report.HandoverLow++
		d.report.detail("a checkpoint of %d leaves was published, and the successor continues at %d", d.report.Epoch1Quorum, d.report.HandoverSize)
	}
	if err := d.clientHolds(ctx); err != nil {
		return err
	}
	d.report.ClientHolds = len(d.holds)
	for text := range d.holds {
		d.report.detail("HOLD at %s", text)
	}
	return d.states(ctx)
}

// quiet waits until every copy shows all that the successor's log holds.
func (d *drill) quiet(ctx context.Context) error {
	return d.until(ctx, 2*drillStep, "the copies do not come to one size", func() (bool, error) {
		raw, _, err := drillGet(ctx, d.http, d.successor.url()+"/pending")
		if err != nil {
			return false, nil //nolint:nilerr // not yet
		}
		n, err := c2sp.ParseNote(raw)
		if err != nil {
			return false, err
		}
		pending, err := c2sp.ParseCheckpoint(n.Text)
		if err != nil {
			return false, err
		}
		for _, m := range d.copies() {
			if cp, counts := d.checkpointOf(ctx, d.http, m.url()); !counts || cp.Size != pending.Size || cp.Root != pending.Root {
				return false, nil
			}
		}
		return true, nil
	})
}

// copies are all who hold the list at the end.
func (d *drill) copies() (out []*drillPlace) {
	for _, m := range append([]*drillPlace{&d.spare, &d.client}, d.mirrors...) {
		if m != d.lost {
			out = append(out, m)
		}
	}
	return out
}

// find looks for an acknowledged write in the log and says where it is.
func (d *drill) find(ctx context.Context, log *finalLog, w drillWrite) (int64, error) {
	switch {
	case w.reservation:
		if at, ok := log.reserved[w.id]; ok {
			return at, nil
		}
		return 0, errors.New("no leaf reserves it")
	case w.event != "":
		at, ok := log.byHash[w.event]
		if !ok || log.events[at].ID != w.id || at != w.leaf {
			return 0, fmt.Errorf("event %s is not leaf %d", w.event, w.leaf)
		}
		return at, nil
	}
	for _, at := range log.puts[w.id] {
		if log.events[at].Body == nil {
			continue
		}
		h := log.events[at].Body.H
		name := hex.EncodeToString(h[:])
		body, _, err := drillGet(ctx, d.http, d.successor.url()+"/body/"+name[:2]+"/"+name)
		if err == nil && bytes.Contains(body, []byte(w.text)) {
			return at, nil
		}
	}
	return 0, fmt.Errorf("no container of it says %q", w.text)
}

// states ends everybody and compares their tables with the log and with each other.
func (d *drill) states(ctx context.Context) error {
	var end []func() error
	for _, m := range d.copies() {
		end = append(end, func() error { m.process.stop(); return nil })
	}
	if err := together(end...); err != nil {
		return err
	}
	d.report.StateEqual = true
	var first ReplaySummary
	for i, m := range d.copies() {
		out, err := d.tasuki(ctx, "--data", m.dir, "--log-level", "error", "replay", "--check-only", "--json")
		if err != nil {
			d.report.StateEqual = false
			d.report.detail("state of %s: %v", m.name, err)
			continue
		}
		got, err := readDrillJSON[ReplaySummary](out)
		if err != nil {
			return err
		}
		d.report.States = append(d.report.States, m.name)
		if i == 0 {
			first = got
			continue
		}
		d.alike(m.name, first, got)
	}
	return nil
}

// ofPrivateFacts are the tables that private facts go into, which a copy has none of: the operator's are held against its own log alone.
var ofPrivateFacts = []string{"authority", "registry"}

// alike compares what two copies derived from the log.
func (d *drill) alike(name string, a, b ReplaySummary) {
	if a.Leaves != b.Leaves || len(a.Tables) != len(b.Tables) {
		d.report.StateEqual = false
		d.report.detail("state of %s: %d leaves in %d tables, others have %d in %d", name, b.Leaves, len(b.Tables), a.Leaves, len(a.Tables))
		return
	}
	for i := range a.Tables {
		if a.Tables[i] != b.Tables[i] && (name != d.successor.name || !slices.Contains(ofPrivateFacts, a.Tables[i].Name)) {
			d.report.StateEqual = false
			d.report.detail("state of %s: %s differs", name, b.Tables[i].Name)
		}
	}
}
