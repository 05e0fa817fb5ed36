package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/charter"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
)

// The files that a founded list keeps beside its store.
const (
	logKeyFile   = "log.key"
	boardKeyFile = "board.key"
	pending      = ".new" // a key whose charter is not in the store yet
)

// sealedCursor keeps, in the store, why nothing may be written.
const sealedCursor = "node/sealed"

// features are the vocabularies that this program writes. A list whose charter lacks one gets it when an upgraded node opens it.
var features = []string{charter.FeatureEvents1, charter.FeatureEvents2, charter.FeatureEvents3}

var errNoKey = errors.New("the log key of this epoch is not in the data directory")

// found makes the genesis charter, its keys, and the first leaf. The keys are on disk, under names that mean nothing yet,
// before the charter that names them is; they get their names after. A crash between the two is mended at the next start.
func (n *node) found(ctx context.Context, s Setup) error {
	if err := n.refuseSecondList(ctx, s); err != nil {
		return err
	}
	for _, name := range []string{logKeyFile, boardKeyFile} {
		// Of a founding that never reached the store: no charter names these keys.
		if err := os.Remove(filepath.Join(n.dir.Path, name+pending)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	private, err := charter.NewKey(n.rand)
	if err != nil {
		return err
	}
	logKey := charter.LogKey{Private: private}
	doc, board, err := charter.Genesis(charter.Options{ListName: s.Config.List.Name, Slug: s.Config.List.Slug, URL: s.Config.BaseURL,
		Features: features, Log: logKey.Public(), Test: s.Seed != nil, Org: s.Seed.operator()}, n.rand, n.now)
	if err != nil {
		return err
	}
	logKey.Origin = doc.Origin()
	if err := logKey.WriteFile(filepath.Join(n.dir.Path, logKeyFile+pending)); err != nil {
		return err
	}
	if err := board.WriteFile(filepath.Join(n.dir.Path, boardKeyFile+pending)); err != nil {
		return err
	}
	chain, err := charter.NewChain(doc)
	if err != nil {
		return err
	}
	n.chain = chain
	if err := n.openEpoch(ctx, chain, ledger.Head{}, nil, nil); err != nil {
		if !errors.Is(err, charter.ErrSibling) {
			return err
		}
		// Another node founded the list in this store meanwhile: ours never was.
		err = errors.Join(os.Remove(filepath.Join(n.dir.Path, logKeyFile+pending)), os.Remove(filepath.Join(n.dir.Path, boardKeyFile+pending)))
		return errors.Join(err, n.load(ctx))
	}
	if err := settleKeys(n.dir.Path, chain); err != nil {
		return err
	}
	n.log.WarnContext(ctx, "a new list was founded; take its board key away to a safe place: with it, and only with it, the list outlives this machine",
		"list", chain.ListID(), "board_key", filepath.Join(n.dir.Path, boardKeyFile))
	return nil
}

// refuseSecondList stops the founding of a list where there are signs of a first one: its keys in the data directory (most
// likely --store is wrong), its high-water file beside it (the directory was removed, or is not mounted), or a restore that
// did not come to its end.
func (n *node) refuseSecondList(ctx context.Context, s Setup) error {
	for _, name := range []string{logKeyFile, boardKeyFile} {
		path := filepath.Join(n.dir.Path, name)
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("the store is empty, but here lies the key of a list: %s. Is --store right? To found a new list, move the key away", path)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if path := s.highWater(); path != "" {
		mark, err := ledger.ReadHighWater(path)
		if err == nil {
			return fmt.Errorf("the store is empty, but %s says that a list was signed here, up to %d leaves of %s. Is --data right? "+
				"To found a new list, remove that file", path, mark.Size, mark.Origin)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if seal, err := n.cursors.Load(ctx, sealedCursor); err != nil || isUnfinished(seal) {
		return errors.Join(err, errUnfinished)
	}
	return nil
}

// openEpoch stores the chain's new head and logs the leaf that opens its epoch, in one transaction. reports is the leaf's body, nil
// where nobody had to report.
func (n *node) openEpoch(ctx context.Context, chain *charter.Chain, at ledger.Head, skips map[string]event.Skip, reports []byte) error {
	head := chain.Head()
	op := head.Charter().Operator
	g := gate.New(gate.Config{DB: n.db, Log: n.ledger, List: chain.ListID(), Operator: op.Org, Projections: projections(), Now: n.now, ClockLeap: time.Duration(n.cfg.ClockLeap),
		Rand: n.rand, Logger: n.log})
	defer g.Close()
	return g.Do(ctx, authority.Caller{Role: authority.Operator, Name: "founding"}, gate.Command{Action: authority.Govern,
		Decide: func(ctx context.Context, t *gate.Turn) error {
			if t.Size() != at.Size {
				return fmt.Errorf("%w: the log has %d leaves, %d were expected", charter.ErrSibling, t.Size(), at.Size)
			}
			if err := charter.Save(ctx, t.Tx, chain); err != nil {
				return err
			}
			var body *event.Doc
			if reports != nil {
				var err error
				if body, err = t.Pack(event.EpochOpened, reports); err != nil {
					return err
				}
			}
			root := at.Root()
			_, err := t.Emit(ctx, &event.Event{Kind: event.EpochOpened, Charter: head.Hash(), Epoch: op.Epoch, Root: fmt.Sprintf("%x", root[:]),
				Size: at.Size, Skips: skips}, body)
			return err
		}})
}

// settleKeys gives the keys of the chain's epoch their names, and says errNoKey when there is no log key for it.
func settleKeys(dir string, chain *charter.Chain) error {
	final := filepath.Join(dir, logKeyFile)
	k, err := charter.ReadLogKey(final + pending)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case k.Origin == chain.Opening().Origin() && slices.Equal(k.Public(), chain.Opening().LogKey()):
		if err := os.Rename(final+pending, final); err != nil {
			return err
		}
	}
	board := filepath.Join(dir, boardKeyFile)
	if _, err := os.Stat(board + pending); err == nil {
		b, err := charter.ReadBoardKey(board + pending)
		if err != nil {
			return err
		}
		if b.List == chain.ListID() {
			// Linked, not renamed: a board key that lies there already must never be replaced.
			if err := os.Link(board+pending, board); errors.Is(err, fs.ErrExist) {
				// Linked by a start that died before the next line, or somebody else's.
				if have, rerr := charter.ReadBoardKey(board); rerr != nil || !have.Private.Equal(b.Private) {
					return errors.Join(err, rerr)
				}
			} else if err != nil {
				return err
			}
			// The new name is on the disk before the old one goes: this key cannot be had again.
			if err := syncDir(dir); err != nil {
				return err
			}
			return os.Remove(board + pending)
		}
	}
	return nil
}

// readLogKey reads the log key of the chain's epoch, or errNoKey.
func readLogKey(dir string, chain *charter.Chain) (*charter.LogKey, error) {
	if err := settleKeys(dir, chain); err != nil {
		return nil, err
	}
	k, err := charter.ReadLogKey(filepath.Join(dir, logKeyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoKey
	}
	if err != nil {
		return nil, err
	}
	if want := chain.Opening(); k.Origin != want.Origin() || !slices.Equal(k.Public(), want.LogKey()) {
		return nil, fmt.Errorf("%w: the key there is of %s", errNoKey, k.Origin)
	}
	return k, nil
}

// beat logs a heartbeat when the log has been silent for a day, so that silence can be told from absence.
func (n *node) beat(ctx context.Context) error {
	const silence = 23 * time.Hour
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		var last time.Time
		err := n.db.View(ctx, func(tx *store.Tx) error {
			h, err := n.ledger.Head(ctx, tx)
			last = time.UnixMilli(h.Time)
			return err
		})
		if err == nil && n.keyed && n.now().Sub(last) > silence {
			err = n.gate.Do(ctx, authority.Caller{Role: authority.Operator, Name: "heartbeat"}, gate.Command{Action: authority.Govern,
				Decide: func(ctx context.Context, t *gate.Turn) error {
					_, err := t.Emit(ctx, &event.Event{Kind: event.Heartbeat}, nil)
					return err
				}})
		}
		if err != nil && ctx.Err() == nil {
			n.log.WarnContext(ctx, "heartbeat", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
