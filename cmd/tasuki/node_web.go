package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"tasuki/internal/authority"
	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/edge/feeds/cvelist"
	"tasuki/internal/edge/serve/page"
	"tasuki/internal/edge/serve/web"
	"tasuki/internal/jobs"
	"tasuki/internal/ledger"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/spec/c2sp"
)

// webStatus is what every page says of the node.
type webStatus struct {
	*node

	mu      sync.Mutex
	looked  time.Time // when sources was read
	sources []page.Source
	checked ledger.Hash // root of the newest checkpoint whose signatures were checked
	stopped bool        // a mirror's, when sources was read

	mirrors, witnesses page.Signers // of that checkpoint
}

// sourcesFor is how long what the pages say of the sources may lag: asking the store for every page would cost more than many
// a page does.
const sourcesFor = 2 * time.Second

// Status is asked for every page, so it asks the store for next to nothing.
func (n *webStatus) Status(ctx context.Context) (page.Node, error) {
	out := page.Node{ListID: n.chain.ListID(), Origin: n.chain.Opening().Origin(), Records: int64(n.catalogue.Len()), ReadOnly: n.readOnly() != "" && n.role == nil, Test: n.chain.Test()}
	if n.former() {
		out.Successor = n.chain.Head().Charter().Operator.URL
	}
	cp := n.checkpoint.Load()
	if cp != nil {
		out.Checkpoint, out.Covered = time.UnixMilli(cp.Time), cp.Size
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
			n.mirrors, n.witnesses = n.signers()
		}
		out.Verified = true
		out.Mirrors, out.Witnesses = n.mirrors, n.witnesses
	}
	if now := n.now(); now.Sub(n.looked) >= sourcesFor || now.Before(n.looked) {
		if n.sources, err = n.followed(ctx); err == nil {
			n.looked = now
		}
		if n.follower != nil && err == nil {
			var stop *continuity.Stop
			stop, err = n.halted(ctx)
			n.stopped = stop != nil
		}
	}
	out.Sources = n.sources
	if n.follower != nil {
		state := n.follower.State()
		out.Hold = string(n.follower.Held().Why)
		out.Copy = &page.Copy{Operator: n.chain.Head().Charter().Operator.URL, Behind: max(0, max(state.Seen, state.Shown)-out.Size), Client: n.role.Reader, Stopped: n.stopped}
	}
	return out, err
}

// signers counts who has signed the newest checkpoint.
func (n *webStatus) signers() (mirrors, witnesses page.Signers) {
	m, w := n.keepers()
	if m != nil {
		mirrors = page.Signers{Signed: m.Signed, Listed: m.Listed}
	}
	if w != nil {
		witnesses = page.Signers{Signed: w.Signed, Listed: w.Listed}
	}
	return mirrors, witnesses
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

// Signed is the newest published checkpoint, with whose signatures it bears.
func (n webLedger) Signed(ctx context.Context) (out web.Signed, err error) {
	cp, err := n.published(ctx)
	if errors.Is(err, ledger.ErrNotFound) {
		return out, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	if err != nil {
		return out, err
	}
	out = web.Signed{Note: cp.Note, Origin: cp.Origin, Size: cp.Size, Root: cp.Root, Time: time.UnixMilli(cp.Time)}
	out.Signers, err = n.signersOf(out.Note, out.Origin)
	return out, err
}

// signersOf are the lines of a checkpoint, each with whose key of the epoch's charter verifies it.
func (n *node) signersOf(signed []byte, origin string) (out []web.Signer, err error) {
	docs := n.chain.Documents()
	i := slices.IndexFunc(docs, func(d *charter.Document) bool { return d.Origin() == origin })
	parsed, err := c2sp.ParseNote(signed)
	if err != nil || i < 0 {
		return nil, errors.Join(err, charter.ErrOrigin)
	}
	q, err := continuity.QuorumOf(docs[i])
	if err != nil {
		return nil, err
	}
	for _, line := range parsed.Lines {
		one := web.Signer{Name: line.Name}
		switch v := q.Check(c2sp.Note{Text: parsed.Text, Lines: []c2sp.Line{line}}.Bytes()); {
		case v.LogSigned:
			one.Role = "log"
		case v.Counted > 0:
			one.Role = "mirror"
		case slices.ContainsFunc(v.Witnesses, func(w continuity.Vote) bool { return !w.At.IsZero() }):
			one.Role = "witness"
		}
		out = append(out, one)
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

// Prove is a proof file for one leaf that the newest published checkpoint covers.
func (n webLedger) Prove(ctx context.Context, index int64) ([]byte, error) {
	return logSource(n).LeafProof(ctx, index)
}

// Operators are the organisations that have run the list, by their permanent identifiers.
func (n webLedger) Operators() map[string]string {
	out := map[string]string{}
	for _, d := range n.chain.Documents() {
		c := d.Charter()
		out[c.Operator.Org] = c.Operator.Slug
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
