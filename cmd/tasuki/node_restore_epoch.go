package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tasuki/internal/charter"
	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/spec/c2sp"
	"tasuki/spec/cve"
)

// mayOpenEpoch checks a board key before anything is written for it. nil asks for nothing.
func mayOpenEpoch(chain *charter.Chain, k *charter.BoardKey) error {
	if k == nil {
		return nil
	}
	if k.List != chain.ListID() {
		return fmt.Errorf("%w: the key is of list %.16s, the store of list %.16s", errBoardKey, k.List, chain.ListID())
	}
	board := chain.Head().Charter().Board
	want := charter.BoardSeat{ID: k.ID}
	if i := slices.IndexFunc(board.Keys, func(s charter.BoardSeat) bool { return s.ID == k.ID }); i >= 0 {
		want = board.Keys[i]
	}
	if want.Key != base64.StdEncoding.EncodeToString(k.Public()) {
		return fmt.Errorf("%w: the board has no such key as %s", errBoardKey, k.ID)
	}
	if board.K > 1 {
		return fmt.Errorf("%w: the board decides with %d keys: %w", errBoardKey, board.K, charter.ErrThreshold)
	}
	return nil
}

// openNextEpoch lets the list go on from where this store's tree ends, under a new origin and a new log key. The new key is
// on disk before the charter that names it is; the old one is destroyed after. What a crash between the two leaves is
// finished by the next run.
func (n *node) openNextEpoch(ctx context.Context, s Setup, board *charter.BoardKey, report Reporter) error {
	if err := mayOpenEpoch(n.chain, board); err != nil {
		return err
	}
	seal, err := n.cursors.Load(ctx, sealedCursor)
	if err != nil {
		return err
	}
	if isUnfinished(seal) {
		return fmt.Errorf("%s: %w", n.db.Name(), errUnfinished)
	}
	path := filepath.Join(n.dir.Path, logKeyFile+pending)
	k, err := charter.ReadLogKey(path)
	switch now := n.chain.Opening(); {
	case err == nil && k.Origin == now.Origin() && now.LogKey().Equal(k.Public()):
		return n.enterEpoch(ctx, s, report)
	case err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, charter.ErrKeyFile):
		return err
	}
	// Of an attempt that never reached the store: no charter names this key.
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	head, err := n.wholeTree(ctx, report)
	if err != nil {
		return err
	}
	skips, err := n.skips(ctx)
	if err != nil {
		return err
	}
	private, err := charter.NewKey(n.rand)
	if err != nil {
		return err
	}
	key := charter.LogKey{Private: private}
	doc, err := n.chain.OpenEpoch(n.now, charter.Epoch{Log: key.Public(), URL: s.Config.BaseURL, Size: head.Size, Root: head.Root(),
		Reason: "restore"})
	if err != nil {
		return err
	}
	doc.Sign(board.ID, board.Private)
	if err := n.chain.Extend(doc); err != nil {
		return err
	}
	key.Origin = doc.Origin()
	if err := key.WriteFile(path); err != nil {
		return err
	}
	// An error leaves the key where it is: whether the charter reached the store, the next run sees.
	if err := n.openEpoch(ctx, n.chain, head, skips, nil); err != nil {
		return err
	}
	return n.enterEpoch(ctx, s, report)
}

// enterEpoch does what follows from an epoch that the store has: the high-water file speaks of it, the old key ends, the
// seal is broken, and the first checkpoint is signed. Every step may be done again.
func (n *node) enterEpoch(ctx context.Context, s Setup, report Reporter) error {
	var head ledger.Head
	err := n.db.View(ctx, func(tx *store.Tx) (err error) {
		head, err = n.ledger.Head(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	now := n.chain.Opening()
	if path := s.highWater(); path != "" {
		if err := ledger.WriteHighWater(path, c2sp.Checkpoint{Origin: now.Origin(), Size: head.Size, Root: head.Root()}); err != nil {
			return err
		}
	}
	if err := n.cursors.Save(ctx, sealedCursor, []byte{}); err != nil {
		return err
	}
	// From here the pending key is all that tells this state from a finished one, so it is settled last.
	if err := wipe(filepath.Join(n.dir.Path, logKeyFile)); err != nil {
		return err
	}
	k, err := readLogKey(n.dir.Path, n.chain)
	if err != nil {
		return err
	}
	opened, err := n.continuity.Opening(ctx, now.Charter().Operator.Epoch)
	if err != nil {
		return err
	}
	report.Step(fmt.Sprintf("opened epoch %d at leaf %s, %s", now.Charter().Operator.Epoch, thousands(opened.Index), now.Origin()))
	return n.firstCheckpoint(ctx, s, k)
}

// firstCheckpoint signs under the new origin. A node that died lately may still hold the signing lease, for 5 s.
func (n *node) firstCheckpoint(ctx context.Context, s Setup, k *charter.LogKey) error {
	key, err := k.Signer()
	if err != nil {
		return err
	}
	signer := ledger.NewSigner(n.ledger, ledger.SignerOptions{Key: key, Holder: n.holder(), HighWater: s.highWater(), Lease: time.Nanosecond,
		Now: n.now, Log: n.log})
	for attempt := 0; ; attempt++ {
		_, _, err := signer.Sign(ctx)
		switch {
		case err == nil || errors.Is(err, ledger.ErrFork) || errors.Is(err, ledger.ErrBehind):
			return err
		case attempt == 12 || ctx.Err() != nil:
			// The epoch is open all the same; the node signs when it starts.
			n.log.WarnContext(ctx, "first checkpoint of the epoch not signed yet", "origin", k.Origin, "err", err)
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// wipe overwrites and removes a key that no longer signs. The medium may keep what was overwritten; nothing else would.
func wipe(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		_, err = f.Write(make([]byte, info.Size()))
	}
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Remove(path)
}

// wholeTree hashes every leaf again before the board vouches for their root.
func (n *node) wholeTree(ctx context.Context, report Reporter) (head ledger.Head, err error) {
	var first *ledger.Problem
	err = n.db.View(ctx, func(tx *store.Tx) (err error) {
		if head, err = n.ledger.Head(ctx, tx); err != nil {
			return err
		}
		return n.ledger.Fsck(ctx, tx, ledger.FsckOptions{Hashes: true, Keys: n.chain.Verifiers(), Progress: func(done, total int64) {
			report.Progress(Progress{Step: "check the tree", Done: done, Total: total, Unit: "leaves"})
		}}, func(p ledger.Problem) {
			report.Item(Item{Outcome: "problem", Name: p.Part, Reason: p.String()})
			if first == nil {
				first = &p
			}
		})
	})
	if err == nil && first != nil {
		err = fmt.Errorf("no epoch is opened on a damaged tree: %s", first)
	}
	return head, err
}

// The gaps that an unplanned epoch leaves (events.md §1), and where the two ranges of a year lie.
const (
	skipPriority = 100
	skipGeneral  = 10_000
	firstGeneral = 20_000
	firstYear    = 1999
	// Numbers beyond are no counter's. An imported record may have one, and would otherwise use up its year.
	lastCounted = 999_999_999_999
)

// skips says for each year where its counters go on, since nobody here can know which numbers were given out after the last
// leaf: so far above the highest number seen that none of them is given twice. The present year and the next have an entry
// even if nothing was seen of them.
func (n *node) skips(ctx context.Context) (map[string]event.Skip, error) {
	type highest struct{ priority, general int64 }
	years := map[int]highest{}
	this := n.now().UTC().Year()
	for _, y := range []int{this, this + 1} {
		years[y] = highest{0, firstGeneral - 1}
	}
	err := n.db.View(ctx, func(tx *store.Tx) error {
		return n.ledger.Scan(ctx, tx, 0, func(index int64, leaf []byte, _ *ledger.Body) error {
			e, err := event.Open(index, leaf, nil)
			if errors.Is(err, event.ErrUnknown) {
				return nil
			}
			if err != nil {
				return err
			}
			id, err := cve.ParseID(e.ID)
			if err != nil || id.Number > lastCounted || id.Year < firstYear || int(id.Year) > this+1 {
				return nil //nolint:nilerr // a leaf about something else than an identifier
			}
			h, ok := years[int(id.Year)]
			if !ok {
				h.general = firstGeneral - 1
			}
			if id.Number < firstGeneral {
				h.priority = max(h.priority, int64(id.Number))
			} else {
				h.general = max(h.general, int64(id.Number))
			}
			years[int(id.Year)] = h
			return nil
		})
	})
	out := map[string]event.Skip{}
	for y, h := range years {
		out[strconv.Itoa(y)] = event.Skip{Priority: min(h.priority+skipPriority, firstGeneral), General: h.general + skipGeneral}
	}
	return out, err
}

var errEpochOver = errors.New("the epoch of this log key is over")

// presentKey is a log key that stops signing when the store has a later epoch: of several nodes on one store, those that have
// not heard of it yet.
type presentKey struct {
	note.Signer
	db *store.DB
}

// Sign refuses with ErrFork, which ends the signer: this log goes on without it.
func (k presentKey) Sign(msg []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := k.db.View(ctx, func(tx *store.Tx) error {
		chain, err := charter.Load(ctx, tx)
		if err == nil && chain.Opening().Origin() != k.Name() {
			err = fmt.Errorf("%w: the store is in %s: %w", errEpochOver, chain.Opening().Origin(), ledger.ErrFork)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return k.Signer.Sign(msg)
}
