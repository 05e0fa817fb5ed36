package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"

	"tasuki/internal/authority"
	"tasuki/internal/charter"
	"tasuki/internal/edge/feeds/cvelist"
	"tasuki/internal/edge/serve/page"
	"tasuki/internal/edge/serve/web"
	"tasuki/internal/jobs"
	"tasuki/internal/ledger"
	"tasuki/internal/registry"
	"tasuki/internal/store"
)

// webStatus is what every page says of the node.
type webStatus struct {
	*node

	mu      sync.Mutex
	looked  time.Time // when sources was read
	sources []page.Source
	checked ledger.Hash // root of the newest checkpoint whose signature was checked
}

// sourcesFor is how long what the pages say of the sources may lag: asking the store for every page would cost more than many
// a page does.
const sourcesFor = 2 * time.Second

// Status is asked for every page, so it asks the store for next to nothing.
func (n *webStatus) Status(ctx context.Context) (page.Node, error) {
	out := page.Node{ListID: n.chain.ListID(), Origin: n.chain.Opening().Origin(), Records: int64(n.catalogue.Len()), ReadOnly: n.sealed != "" && n.role == nil, Test: n.chain.Test()}
	if n.follower != nil {
		out.Hold = string(n.follower.Held().Why)
	}
	cp := n.checkpoint.Load()
	if cp != nil {
		out.Checkpoint = time.UnixMilli(cp.Time)
	}
	if s := n.importing.Load(); s != nil {
		out.Importing = *s
	}
	var err error
	if out.Size, err = n.size(ctx); err != nil {
		return out, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if cp != nil {
		if n.checked != cp.Root {
			if _, err := ledger.OpenCheckpoint(cp.Note, n.chain.Verifiers()); err != nil {
				return out, fmt.Errorf("newest checkpoint: %w", err)
			}
			n.checked = cp.Root
		}
		out.Verified = true
	}
	if now := n.now(); now.Sub(n.looked) >= sourcesFor || now.Before(n.looked) {
		if n.sources, err = n.followed(ctx); err == nil {
			n.looked = now
		}
	}
	out.Sources = n.sources
	return out, err
}

// followed is where data comes from: the feeds that the node follows by itself, or else what was imported last by hand.
func (n *webStatus) followed(ctx context.Context) (out []page.Source, err error) {
	intake := webIntake{n.node}
	list, err := intake.Jobs(ctx)
	if err != nil {
		return nil, err
	}
	for _, j := range list {
		// Late is who failed again and again, or should have run long ago.
		late := j.Failures > 2 || n.now().Sub(j.Next) > time.Hour && !j.Running
		out = append(out, page.Source{Name: j.Name, Checked: j.Last, Stale: late, Note: j.Failed})
	}
	if len(out) > 0 {
		return out, nil
	}
	imports, err := intake.Imports(ctx, 3)
	for _, i := range imports {
		out = append(out, page.Source{Name: i.Source, Checked: i.Time, Counts: i.Counts})
	}
	return out, err
}

// webLedger is the log as the pages show it.
type webLedger struct{ *node }

// Signed is the newest signed checkpoint, with whose signatures it bears.
func (n webLedger) Signed(ctx context.Context) (out web.Signed, err error) {
	err = logSource(n).view(ctx, func(_ *store.Tx, cp ledger.Checkpoint) error {
		out = web.Signed{Note: cp.Note, Origin: cp.Origin, Size: cp.Size, Root: cp.Root, Time: time.UnixMilli(cp.Time)}
		return nil
	})
	if err != nil {
		return out, err
	}
	opened, err := note.Open(out.Note, n.chain.Verifiers())
	if err != nil {
		return out, fmt.Errorf("newest checkpoint: %w", err)
	}
	for _, s := range opened.Sigs {
		out.Signers = append(out.Signers, web.Signer{Name: s.Name, Known: true})
	}
	for _, s := range opened.UnverifiedSigs {
		out.Signers = append(out.Signers, web.Signer{Name: s.Name})
	}
	return out, nil
}

// Leaves are leaves up to the end of the log, signed or not.
func (n webLedger) Leaves(ctx context.Context, before int64, count int) (leaves [][]byte, first, size int64, err error) {
	err = n.db.View(ctx, func(tx *store.Tx) error {
		head, err := n.ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		size = head.Size
		if before < 0 || before > size {
			before = size
		}
		first = max(0, before-int64(count))
		for index := first; index < before; index++ {
			leaf, err := n.ledger.Leaf(ctx, tx, index)
			if err != nil {
				return err
			}
			leaves = append(leaves, leaf)
		}
		return nil
	})
	return leaves, first, size, err
}

// HasBody says whether the body beside a leaf is there.
func (n webLedger) HasBody(ctx context.Context, index int64) (has bool, err error) {
	err = n.db.View(ctx, func(tx *store.Tx) error {
		_, err := n.ledger.Body(ctx, tx, index)
		if errors.Is(err, ledger.ErrNotFound) {
			return nil
		}
		has = err == nil
		return err
	})
	return has, err
}

// Prove is a proof file for one leaf that the newest checkpoint covers.
func (n webLedger) Prove(ctx context.Context, index int64) (file []byte, err error) {
	var charters [][]byte
	if err := logSource(n).Charters(ctx, func(_ string, doc []byte) error { charters = append(charters, doc); return nil }); err != nil {
		return nil, err
	}
	err = logSource(n).view(ctx, func(tx *store.Tx, cp ledger.Checkpoint) (err error) {
		file, err = n.ledger.BuildProof(ctx, tx, []ledger.Part{{Index: index, Role: "leaf"}}, cp, charters)
		return err
	})
	return file, err
}

// Charters are the chain's documents, oldest first.
func (n webLedger) Charters(lang string) []web.Charter {
	docs := n.chain.Documents()
	out := make([]web.Charter, len(docs))
	for i, d := range docs {
		c := d.Charter()
		issued, _ := time.Parse(time.RFC3339, c.Issued) // its form was checked when it was read
		out[i] = web.Charter{Version: c.V, Issued: issued, Origin: d.Origin(), Operator: c.Operator.Slug, Org: c.Operator.Org, Hash: d.Hash(),
			File: d.FileName(), Reason: c.Reason}
	}
	if len(out) > 0 {
		out[len(out)-1].Sentences = charter.Describe(n.chain.Head(), lang)
	}
	return out
}

// webIntake is how records come in, as the pages show it.
type webIntake struct{ *node }

// Imports are finished imports, newest first.
func (n webIntake) Imports(ctx context.Context, limit int) (out []web.Import, err error) {
	var noted []registry.Noted
	err = n.db.View(ctx, func(tx *store.Tx) (err error) {
		noted, err = registry.Imports(ctx, tx, limit)
		return err
	})
	for _, i := range noted {
		row := web.Import{Leaf: i.Leaf, Source: i.Source, Digest: i.Digest, Sample: i.Sample, Time: i.Time}
		if err := json.Unmarshal([]byte(i.Counts), &row.Counts); err != nil {
			return nil, fmt.Errorf("counts of the import in leaf %d: %w", i.Leaf, err)
		}
		out = append(out, row)
	}
	return out, err
}

// Refused are the files that imports could not take in.
func (n webIntake) Refused(ctx context.Context) ([]web.Refusal, error) {
	kept, err := n.refusals.List(ctx, cvelist.Feed)
	out := make([]web.Refusal, len(kept))
	for i, f := range kept {
		out[i] = web.Refusal{Source: f.Source, Path: f.Path, Subject: f.Subject, Code: f.Code, Reason: f.Reason, SHA256: f.SHA256, At: f.At}
	}
	return out, err
}

// Jobs are the feeds that the nodes of this store follow.
func (n webIntake) Jobs(ctx context.Context) ([]web.Job, error) {
	list, err := jobs.List(ctx, n.db)
	var out []web.Job
	for _, j := range list {
		if strings.HasPrefix(j.Name, following) {
			out = append(out, web.Job{Name: j.Name, Last: j.LastEnd, Next: j.Next, Note: j.LastNote, Failed: j.LastError, Failures: j.Failures,
				Running: j.Owner != "" && j.LeaseUntil.After(n.now())})
		}
	}
	return out, err
}

// orgName is the short name that an organisation has now. Names are only shown, so that a store that does not answer costs no more
// than them.
func (n *node) orgName(ctx context.Context, org string) (name string) {
	err := n.db.View(ctx, func(tx *store.Tx) error {
		o, err := authority.GetOrg(ctx, tx, n.now(), org)
		name = o.Short
		return err
	})
	if err != nil {
		return ""
	}
	return name
}
