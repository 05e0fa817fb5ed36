package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/edge/feeds/cvelist"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/jobs"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
)

//go:embed sample/cve5-sample-500.zip
var sampleZip []byte

const sampleName = "cve5-sample-500.zip"

// importer is set up for one run that tells report how it goes.
func (n *node) importer(caller authority.Caller, every bool, report Reporter) *cvelist.Importer {
	var limits cvelist.Limits
	var target time.Duration
	switch {
	case n.serving.Load():
		limits.Workers = max(1, runtime.GOMAXPROCS(0)-1) // requests keep a core
	case n.db.Engine() == store.SQLite:
		target = 50 * time.Millisecond // nobody else can write here: fewer commits are quicker
	}
	return &cvelist.Importer{
		Limits: limits, Target: target,
		Intake: &intake{node: n, caller: caller}, Refusals: n.refusals, Now: n.now, Log: n.log,
		Progress: func(p cvelist.Progress) {
			report.Progress(Progress{Step: "import", Done: p.Files, Total: p.Total, Unit: "records"})
			text := fmt.Sprintf("%d of %d", p.Files, p.Total)
			n.importing.Store(&text)
		},
		Each: func(l cvelist.Line) {
			if every || l.Outcome == cvelist.Refused || l.Outcome == cvelist.Divergent {
				report.Item(Item{Outcome: string(l.Outcome), Name: l.Path, ID: l.ID, Code: string(l.Code), Reason: l.Reason, SHA256: l.SHA256})
			}
		},
	}
}

// Import takes in records.
func (n *node) Import(ctx context.Context, r ImportRequest, stdin io.Reader, report Reporter) (ImportSummary, error) {
	im := n.importer(authority.Caller{Role: authority.Operator, Name: "import"}, r.Every, report)
	im.DryRun = r.DryRun
	defer n.importing.Store(nil)
	if r.Sample {
		im.Intake.(*intake).sample = true
		sum, err := im.Stream(ctx, sampleName, bytes.NewReader(sampleZip))
		return n.summarise(ctx, sum, r.DryRun, err)
	}
	if r.History {
		sum, err := im.History(ctx, n.cursors, r.Paths...)
		return n.summarise(ctx, sum, r.DryRun, err)
	}
	sum, err := im.Run(ctx, stdin, r.Paths...)
	return n.summarise(ctx, sum, r.DryRun, err)
}

// summarise is an import's summary with the log's size after it. The summary holds beside an error too.
func (n *node) summarise(ctx context.Context, s cvelist.Summary, dry bool, err error) (ImportSummary, error) {
	out := ImportSummary{Files: s.Files, Added: s.Added, Updated: s.Updated, Unchanged: s.Unchanged, Stale: s.Stale, Divergent: s.Divergent,
		Refused: s.Refused, Took: Duration(s.Elapsed), DryRun: dry}
	if dry {
		out.Added = s.Ready // what would have been handed over; whether it is new only the gate could say
	}
	size, serr := n.size(context.WithoutCancel(ctx))
	out.Size = size
	return out, errors.Join(err, serr)
}

// Refused lists what imports refused and kept, tries it again, or forgets it.
func (n *node) Refused(ctx context.Context, r RefusedRequest, report Reporter) (RefusedSummary, error) {
	var out RefusedSummary
	if r.Retry {
		defer n.importing.Store(nil)
		sum, err := n.importer(authority.Caller{Role: authority.Operator, Name: "retry"}, true, report).Retry(ctx)
		got, err := n.summarise(ctx, sum, false, err)
		if err != nil {
			return out, err
		}
		out.Imported = &got
	}
	kept, err := n.refusals.List(ctx, cvelist.Feed)
	if err != nil {
		return out, err
	}
	if r.Clear {
		var gone []jobs.Key
		for _, k := range kept {
			gone = append(gone, k.Key)
		}
		return out, n.refusals.Change(ctx, cvelist.Feed, nil, gone)
	}
	out.Kept = int64(len(kept))
	if !r.Retry {
		for _, k := range kept {
			report.Item(Item{Outcome: "refused", Name: k.Source + ": " + k.Path, ID: k.Subject, Code: k.Code, Reason: k.Reason, SHA256: k.SHA256})
		}
	}
	return out, nil
}

// Replay folds the log again and compares.
func (n *node) Replay(ctx context.Context, r ReplayRequest, report Reporter) (ReplaySummary, error) {
	started := n.now()
	var out ReplaySummary
	got, err := n.gate.Replay(ctx, !r.CheckOnly, func(done, total int64) {
		out.Leaves = total
		report.Progress(Progress{Step: "replay", Done: done, Total: total, Unit: "leaves"})
	})
	for _, t := range got {
		out.Tables = append(out.Tables, TableCompare{Name: t.Projection, Before: hex.EncodeToString(t.Before[:]), After: hex.EncodeToString(t.After[:])})
	}
	if err == nil && !r.CheckOnly {
		err = n.catalogue.Reload(ctx)
	}
	out.Took = Duration(n.now().Sub(started))
	return out, err
}

// Fsck checks everything the store holds: leaves, bodies, tiles, checkpoints, and (unless quick) that the derived tables
// are what the log says.
func (n *node) Fsck(ctx context.Context, r FsckRequest, report Reporter) (FsckSummary, error) {
	started := n.now()
	var out FsckSummary
	problem := func(name, reason string) {
		out.Problems++
		report.Item(Item{Outcome: "problem", Name: name, Reason: reason})
	}
	err := n.db.View(ctx, func(tx *store.Tx) error {
		head, err := n.ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		root := head.Root()
		out.Leaves, out.Root = head.Size, hex.EncodeToString(root[:])
		return n.ledger.Fsck(ctx, tx, ledger.FsckOptions{Read: meaning, Keys: n.chain.Verifiers(), Private: n.keyed, Hashes: r.Quick,
			Progress: func(done, total int64) {
				report.Progress(Progress{Step: "check", Done: done, Total: total, Unit: "leaves"})
			}}, func(p ledger.Problem) {
			name := fmt.Sprintf("%s %d", p.Part, p.Index)
			if p.Part == "tile" {
				name = fmt.Sprintf("tile %d/%d", p.Level, p.Index)
			} else if p.Index < 0 {
				name = p.Part
			}
			problem(name, p.Message)
		})
	})
	if err != nil || r.Quick {
		out.Took = Duration(n.now().Sub(started))
		return out, err
	}
	if out.Problems == 0 { // folding a damaged log says nothing more
		got, err := n.Replay(ctx, ReplayRequest{CheckOnly: true}, report)
		for _, t := range got.Tables {
			if t.After != "" && t.Before != t.After {
				problem("derived tables of "+t.Name, "they are not what the log says; \"tasuki replay\" mends them")
			}
		}
		if err != nil && !errors.Is(err, gate.ErrDiffers) {
			return out, err
		}
	}
	out.Took = Duration(n.now().Sub(started))
	return out, nil
}

// meaning is what the ledger's check has to know of an event.
func meaning(raw []byte) (ledger.Meaning, error) {
	e, err := event.Parse(raw)
	if err != nil {
		return ledger.Meaning{}, err
	}
	m := ledger.Meaning{Subject: e.Subject(), Erases: -1}
	if e.Leaf != nil {
		m.Erases = *e.Leaf
	}
	return m, nil
}
