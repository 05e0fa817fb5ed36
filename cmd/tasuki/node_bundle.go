package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sync/errgroup"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/edge/publish/bundle"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
)

// bundleSource is the list as bundles are made from it.
type bundleSource struct{ *node }

// Hashes are stored hashes of the tree of a size.
func (n bundleSource) Hashes(ctx context.Context, size int64, indexes []int64) (out []tlog.Hash, err error) {
	err = n.db.View(ctx, func(tx *store.Tx) error {
		out, err = n.ledger.HashReader(ctx, tx, size).ReadHashes(indexes)
		return err
	})
	return out, err
}

// pieceOfBundle is how much one transaction reads: a slow disk at the other end must hold none open.
const pieceOfBundle = 4 << 20

// Each gives the leaves of a range with what stands beside them.
func (n bundleSource) Each(ctx context.Context, from, to int64, fn func(index int64, leaf []byte, mark byte, salt [16]byte, raw []byte) error) error {
	const rowsOfPiece = 64
	for from < to {
		var piece []ledger.Row
		err := n.db.View(ctx, func(tx *store.Tx) error {
			for size, next := 0, from; next < to && size < pieceOfBundle; {
				rows, err := n.ledger.Rows(ctx, tx, next, min(to, next+rowsOfPiece))
				if err != nil {
					return err
				}
				for _, r := range rows {
					if size += len(r.Leaf); r.Body != nil {
						size += len(r.Body.Packed)
					}
				}
				piece, next = append(piece, rows...), next+int64(len(rows))
			}
			return nil
		})
		if err != nil {
			return err
		}
		for i, r := range piece {
			if err := giveRow(r, fn); err != nil {
				return err
			}
			piece[i] = ledger.Row{}
		}
		from += int64(len(piece))
	}
	return nil
}

func giveRow(r ledger.Row, fn func(index int64, leaf []byte, mark byte, salt [16]byte, raw []byte) error) error {
	if r.Body == nil {
		mark, err := absentBody(r)
		if err != nil {
			return err
		}
		return fn(r.Index, r.Leaf, mark, [16]byte{}, nil)
	}
	raw, err := r.Body.Bytes()
	if err != nil {
		return err
	}
	return fn(r.Index, r.Leaf, ledger.BodyPresent, r.Body.Salt, raw)
}

// Leaves gives the leaves of a range.
func (n bundleSource) Leaves(ctx context.Context, from, to int64, fn func(index int64, leaf []byte) error) error {
	const piece = 4096
	for from < to {
		var leaves [][]byte
		err := n.db.View(ctx, func(tx *store.Tx) error {
			for i := from; i < min(to, from+piece); i++ {
				leaf, err := n.ledger.Leaf(ctx, tx, i)
				if err != nil {
					return err
				}
				leaves = append(leaves, leaf)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, leaf := range leaves {
			if err := fn(from, leaf); err != nil {
				return err
			}
			from++
		}
	}
	return nil
}

// bundleExportRequest asks for a bundle. To 0 is everything that is published.
type bundleExportRequest struct {
	From, To int64
	Path     string // absolute; must not exist
}

// bundleExportAnswer says what was written.
type bundleExportAnswer struct {
	List   string `json:"list"`
	From   int64  `json:"from"`
	To     int64  `json:"to"`
	Size   int64  `json:"checkpoint"` // of the checkpoint
	Bodies int64  `json:"bodies"`
	Erased int64  `json:"erased"`
	Bytes  int64  `json:"bytes"` // of the file
}

func (n *node) exportBundle(ctx context.Context, q bundleExportRequest, report Reporter) (out bundleExportAnswer, err error) {
	if n.signer != nil {
		if _, err := n.signed(ctx); err != nil { // what is not signed yet is signed first
			return out, err
		}
	}
	cp, err := n.published(ctx)
	if errors.Is(err, ledger.ErrNotFound) {
		return out, errors.New("nothing is published yet, so there is nothing that a bundle could prove")
	}
	if err != nil {
		return out, err
	}
	h := bundle.Head{List: n.chain.ListID(), From: q.From, To: q.To, Tree: continuity.Tree{Size: cp.Size, Root: cp.Root}, Checkpoint: cp.Note, Charters: n.chain}
	if h.To == 0 {
		h.To = cp.Size
	}
	if h.From >= h.To && q.To == 0 {
		return out, fmt.Errorf("%w: %d leaves are published, and leaf %d is the first that is asked for", bundle.ErrRange, cp.Size, h.From)
	}
	f, err := os.OpenFile(q.Path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return out, err
	}
	wrote, err := bundle.Write(ctx, f, bundleSource{n}, h, func(done int64) {
		report.Progress(Progress{Step: "export", Done: done, Total: h.To - h.From, Unit: "leaves"})
	})
	if err == nil {
		err = f.Sync()
	}
	info, serr := f.Stat()
	if err = errors.Join(err, serr, f.Close()); err != nil {
		return out, errors.Join(err, os.Remove(q.Path)) // half a bundle is none
	}
	return bundleExportAnswer{h.List, h.From, h.To, h.Tree.Size, wrote.Bodies, wrote.Erased, info.Size()}, syncDir(filepath.Dir(q.Path))
}

// bundleTarget is this copy as bundles come into it.
type bundleTarget struct{ mirrorStore }

func (n bundleTarget) RootAt(ctx context.Context, size int64) (tlog.Hash, error) {
	return n.continuity.RootAt(ctx, size)
}

func (n bundleTarget) Opening(ctx context.Context, epoch int64) (continuity.Opening, error) {
	return n.continuity.Opening(ctx, epoch)
}

func (n bundleTarget) Hashes(ctx context.Context, size int64, indexes []int64) ([]tlog.Hash, error) {
	return bundleSource{n.node}.Hashes(ctx, size, indexes)
}

func (n bundleTarget) Charter(ctx context.Context, d *charter.Document) error {
	raw, err := d.Bytes()
	if err == nil {
		_, err = n.follower.Offer(ctx, raw)
	}
	if errors.Is(err, charter.ErrKnown) {
		return nil
	}
	return err
}

func (n bundleTarget) Consider(ctx context.Context, signed []byte, copy continuity.Copy) error {
	return n.follower.Rules(ctx, func(m *continuity.Mirror) error {
		_, err := m.Consider(ctx, signed, copy)
		return err
	})
}

func (n bundleTarget) Take(ctx context.Context, signed []byte, leaves []gate.Stored, to continuity.Tree) error {
	list := make([]*gate.Inspected, len(leaves))
	var beside errgroup.Group
	beside.SetLimit(runtime.GOMAXPROCS(0))
	for i, s := range leaves {
		beside.Go(func() (err error) {
			list[i], err = n.Inspect(s)
			return err
		})
	}
	if err := beside.Wait(); err != nil {
		return err
	}
	scrub := slices.ContainsFunc(list, func(i *gate.Inspected) bool { return i.Entry().Kind == event.BodyErased })
	err := n.Follow(ctx, list, to)
	var v *event.Violation
	if errors.As(err, &v) { // as when a server had sent it: nothing beyond it is taken in from anybody
		herr := n.follower.Rules(ctx, func(m *continuity.Mirror) error {
			return m.Violation(ctx, signed, v.Leaf, v.Rule+": "+v.Reason, nil) // who has the bundle has the leaf
		})
		return errors.Join(err, herr)
	}
	if err == nil && scrub {
		err = n.Scrub(ctx)
	}
	return err
}

func (n bundleTarget) Accept(ctx context.Context, signed []byte) error {
	var now continuity.Accepted
	err := n.follower.Rules(ctx, func(m *continuity.Mirror) error {
		err := m.Accept(ctx, signed)
		now = m.Accepted
		return err
	})
	if err != nil {
		return err
	}
	return n.Accepted(ctx, now)
}

// bundleImportRequest names one file.
type bundleImportRequest struct {
	Path string // absolute
	List string // pinned; "" where the copy knows it
}

// bundleImportAnswer says what came of a file.
type bundleImportAnswer struct {
	Name     string          `json:"name"`
	From     int64           `json:"from"`
	To       int64           `json:"to"`
	Before   int64           `json:"before"` // leaves stored
	After    int64           `json:"after"`
	Accepted bool            `json:"accepted"`         // its checkpoint is the copy's view now
	Events   []bundleOutcome `json:"events,omitempty"` // of a return file
}

// bundleOutcome is what became of a signed event that was brought.
type bundleOutcome struct {
	Event   string `json:"event"` // hash
	Outcome string `json:"outcome"`
	Leaf    int64  `json:"leaf,omitzero"`
	Reason  string `json:"reason,omitzero"`
}

func (a bundleImportAnswer) text() string {
	switch {
	case a.Events != nil:
		n := map[string]int{}
		for _, e := range a.Events {
			n[e.Outcome]++
		}
		return fmt.Sprintf("%s: %d events, %d accepted, %d known already, %d refused", a.Name, len(a.Events), n["accepted"], n["known"], n["refused"])
	case a.Before == a.After:
		return fmt.Sprintf("%s: leaves %d to %d are here already", a.Name, a.From, a.To-1)
	}
	text := fmt.Sprintf("%s: %d leaves, %d in all", a.Name, a.After-a.Before, a.After)
	if !a.Accepted {
		text += "; they count once the rest up to its checkpoint is here"
	}
	return text
}

func (n *node) importBundle(ctx context.Context, q bundleImportRequest, report Reporter) (out bundleImportAnswer, err error) {
	out.Name = filepath.Base(q.Path)
	open := func() (io.ReadCloser, error) { return os.Open(q.Path) }
	kind, err := bundle.KindOf(open)
	switch {
	case err != nil:
		return out, err
	case kind == bundle.Returned:
		out.Events, err = n.importReturn(ctx, open)
		return out, err
	case kind == bundle.Other:
		return out, bundle.ErrFormat
	case n.follower == nil:
		return out, errors.New("this data directory is a list's own: a bundle belongs into a copy of the list, in another directory")
	}
	pinned := n.chain.ListID()
	if q.List != "" && q.List != pinned {
		return out, fmt.Errorf("%w: this copy is of %s", bundle.ErrList, pinned)
	}
	err = n.follower.Aside(func() error {
		got, err := bundle.Import(ctx, open, pinned, bundleTarget{mirrorStore{n}}, func(done, total int64) {
			report.Progress(Progress{Step: "import", Done: done, Total: total, Unit: "leaves"})
		})
		out.From, out.To, out.Before, out.After, out.Accepted = got.From, got.To, got.Before, got.After, got.Accepted
		return err
	})
	return out, err
}

// importReturn hands in every event of a return file, by the same act as when its author had sent it. One that is refused keeps none of the others out.
func (n *node) importReturn(ctx context.Context, open bundle.File) (out []bundleOutcome, err error) {
	if n.sealed != "" {
		return nil, fmt.Errorf("nothing may be written here: %s", n.sealed)
	}
	f, err := open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	out = []bundleOutcome{}
	return out, bundle.ReadReturn(f, func(raw []byte) error {
		sub, _, err := event.ParseSubmission(raw)
		one := bundleOutcome{Outcome: "refused"}
		if err == nil {
			hash := sub.Hash()
			one.Event = fmt.Sprintf("%x", hash[:])
			got, serr := n.acts.SubmitEvent(ctx, raw)
			switch err = serr; {
			case err == nil && got.Known:
				one.Outcome, one.Leaf = "known", got.Leaf
			case err == nil:
				one.Outcome, one.Leaf = "accepted", got.Leaf
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			one.Reason = err.Error()
		}
		out = append(out, one)
		return nil
	})
}
