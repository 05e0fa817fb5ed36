package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/charter"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
)

var (
	errBackupExists = errors.New("backup: there is such a file already, and a backup never replaces one")
	errErasing      = errors.New("backup: a body was erased while its leaf was being written")
)

// backupDicts lists every dictionary that a body of this store was ever packed with.
var backupDicts = store.Inline("backup_dictionaries", `SELECT id, bytes FROM ledger_dict ORDER BY id`)

// Backup writes everything that is fact into one file: charters, checkpoints, leaves, bodies, dictionaries. What is derived
// is folded again by a restore; what is operational (refused files, schedules, the audit of refusals) is left out. It works
// beside everything else the node does, in pages of its own, so that it holds nothing up; the file is of the moment at which
// it began, but for bodies erased since, which are not in it.
func (n *node) Backup(ctx context.Context, r BackupRequest, report Reporter) (BackupSummary, error) {
	if _, err := os.Lstat(r.To); err == nil {
		return BackupSummary{}, fmt.Errorf("%s: %w", r.To, errBackupExists)
	}
	if isUnfinished([]byte(n.sealed)) {
		return BackupSummary{}, fmt.Errorf("%s: %w", n.db.Name(), errUnfinished)
	}
	var key []byte
	if r.WithKey {
		k, err := readLogKey(n.dir.Path, n.chain)
		if err == nil {
			key, err = k.Marshal()
		}
		if err != nil {
			return BackupSummary{}, fmt.Errorf("include the log key: %w", err)
		}
	}
	if _, err := n.signed(ctx); err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return BackupSummary{}, err // a checkpoint over all that goes into the file, where this node signs
	}
	for attempt := 1; ; attempt++ {
		sum, err := n.backup(ctx, r.To, key, report)
		if errors.Is(err, errErasing) && attempt < 5 {
			report.Step("a record's content was erased meanwhile; writing the backup again without it")
			continue
		}
		return sum, err
	}
}

// backup makes one attempt. The file has another name until it is whole and on disk.
func (n *node) backup(ctx context.Context, to string, key []byte, report Reporter) (sum BackupSummary, err error) {
	f, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".*.unfinished") // 0600
	if err != nil {
		return sum, fmt.Errorf("backup: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	size, err := n.writeBackup(ctx, f, key, report)
	if err == nil {
		err = f.Sync()
	}
	info, serr := f.Stat()
	if err = errors.Join(err, serr, f.Close()); err != nil {
		return sum, err
	}
	if err := giveName(f.Name(), to); err != nil {
		return sum, err
	}
	n.keepBackupList(ctx, to, size)
	return BackupSummary{File: to, Bytes: info.Size(), Size: size}, nil
}

// giveName gives a finished file its name unless somebody else has taken it meanwhile, which a rename would not notice.
func giveName(from, to string) error {
	err := os.Link(from, to)
	switch {
	case errors.Is(err, os.ErrExist):
		return fmt.Errorf("%s: %w", to, errBackupExists)
	case err == nil:
		err = os.Remove(from)
	default: // a file system without links
		if _, serr := os.Lstat(to); serr == nil {
			return fmt.Errorf("%s: %w", to, errBackupExists)
		}
		err = os.Rename(from, to)
	}
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if runtime.GOOS == "windows" {
		return nil // has no call that makes a name durable
	}
	dir, err := os.Open(filepath.Dir(to))
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (n *node) writeBackup(ctx context.Context, f *os.File, key []byte, report Reporter) (int64, error) {
	var (
		m     backupManifest
		chain *charter.Chain
		dicts = map[int64][]byte{}
	)
	err := n.db.View(ctx, func(tx *store.Tx) (err error) {
		if chain, err = charter.Load(ctx, tx); err != nil {
			return err
		}
		m, err = n.manifest(ctx, tx, chain, dicts)
		return err
	})
	if err != nil {
		return 0, err
	}
	m.WithKey = key != nil
	w, err := newBackupWriter(f, m)
	if err != nil {
		return 0, err
	}
	err = n.fillBackup(ctx, w, m, chain, dicts, key, report)
	if err == nil {
		err = w.close()
	}
	if err != nil {
		w.abandon()
		return 0, fmt.Errorf("backup: %w", err)
	}
	return m.Size, nil
}

// manifest says what the backup will hold.
func (n *node) manifest(ctx context.Context, tx *store.Tx, chain *charter.Chain, dicts map[int64][]byte) (m backupManifest, err error) {
	head, err := n.ledger.Head(ctx, tx)
	if err != nil {
		return m, err
	}
	root := head.Root()
	m = backupManifest{Format: backupFormat, Program: version().Version, Made: n.now().UTC(), List: chain.ListID(),
		ListName: chain.Head().Charter().ListName, Origin: chain.Opening().Origin(), Epoch: chain.Head().Charter().Operator.Epoch,
		Size: head.Size, Root: hex.EncodeToString(root[:]), Charters: len(chain.Documents()), Dicts: []int64{}, Checkpoints: []backupCheckpoint{}}
	signed, err := n.ledger.Checkpoints(ctx, tx)
	if err != nil {
		return m, err
	}
	for _, c := range signed {
		m.Checkpoints = append(m.Checkpoints, backupCheckpoint{Origin: c.Origin, Size: c.Size, Time: c.Time, Note: string(c.Note)})
	}
	rows, err := tx.Query(ctx, backupDicts)
	if err != nil {
		return m, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var raw []byte
		if err := rows.Scan(&id, &raw); err != nil {
			return m, err
		}
		m.Dicts = append(m.Dicts, id)
		dicts[id] = raw
	}
	return m, rows.Err()
}

func (n *node) fillBackup(ctx context.Context, w *backupWriter, m backupManifest, chain *charter.Chain, dicts map[int64][]byte, key []byte, report Reporter) error {
	for _, d := range chain.Documents() {
		if err := w.charter(d); err != nil {
			return err
		}
	}
	for _, id := range m.Dicts {
		if err := w.file(dictName(id), dicts[id]); err != nil {
			return err
		}
	}
	if key != nil {
		if err := w.file(logKeyEntry, key); err != nil {
			return err
		}
	}
	var tree frontier
	missing := gaps{}
	for tree.size < m.Size {
		report.Progress(Progress{Step: "backup", Done: tree.size, Total: m.Size, Unit: "leaves"})
		if err := n.backupPage(ctx, w, &tree, missing, m.Size); err != nil {
			return err
		}
	}
	report.Progress(Progress{Step: "backup", Done: tree.size, Total: m.Size, Unit: "leaves"})
	if root := tree.root(); hex.EncodeToString(root[:]) != m.Root {
		return errors.New("the leaves do not hash to the log's head; \"tasuki fsck\" says where")
	}
	if err := n.erasedSince(ctx, m.Size); err != nil {
		return err
	}
	if err := missing.none(); err != nil {
		return fmt.Errorf("%w; \"tasuki fsck\" says more", err)
	}
	return nil
}

// errPage ends a scan after a page.
var errPage = errors.New("page full")

// backupPage writes the next leaves up to size, in a snapshot of its own: one snapshot over the whole log would keep SQLite
// from folding its write-ahead log back, and an erasure from being one.
func (n *node) backupPage(ctx context.Context, w *backupWriter, tree *frontier, missing gaps, size int64) error {
	page := make([]gate.Stored, 0, leavesPerEntry)
	end := min(size, tree.size+leavesPerEntry)
	err := n.db.View(ctx, func(tx *store.Tx) error {
		err := n.ledger.Scan(ctx, tx, tree.size, func(index int64, leaf []byte, body *ledger.Body) error {
			s := gate.Stored{Index: index, Leaf: leaf, Body: body}
			if body == nil {
				switch p, err := n.ledger.Private(ctx, tx, index); {
				case err == nil:
					s.Private = &p
				case !errors.Is(err, ledger.ErrNotFound):
					return err
				}
			}
			if page = append(page, s); index+1 >= end {
				return errPage
			}
			return nil
		})
		if errors.Is(err, errPage) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, s := range page {
		if s.Index != tree.size {
			break
		}
		if s.Body != nil {
			if err := s.Body.Check(); err != nil {
				return fmt.Errorf("body of leaf %d: %w; \"tasuki fsck\" says more", s.Index, err)
			}
		}
		if _, err := missing.see(s); err != nil {
			return err
		}
		if err := w.leaf(s); err != nil {
			return err
		}
		tree.push(ledger.LeafHash(s.Leaf))
	}
	if tree.size < end {
		return fmt.Errorf("leaf %d is not there; \"tasuki fsck\" says more", tree.size)
	}
	return nil
}

// erasedSince answers errErasing when a leaf from size on erased a body before it, which may stand in the file.
func (n *node) erasedSince(ctx context.Context, size int64) error {
	return n.db.View(ctx, func(tx *store.Tx) error {
		return n.ledger.Scan(ctx, tx, size, func(index int64, leaf []byte, body *ledger.Body) error {
			target, err := gaps{}.see(gate.Stored{Index: index, Leaf: leaf, Body: body})
			if err == nil && target >= 0 && target < size {
				err = fmt.Errorf("%w: leaf %d", errErasing, target)
			}
			return err
		})
	})
}

// gaps are the leaves without the body they name, until an event says that it was erased.
type gaps map[int64]bool

// see takes the next leaf and returns the one whose body it erased, or -1.
func (g gaps) see(s gate.Stored) (int64, error) {
	if s.Body != nil {
		return -1, nil // nothing is missing here, and no event with a body erases one
	}
	e, err := event.Open(s.Index, s.Leaf, nil)
	switch {
	case errors.Is(err, event.ErrUnknown):
		return -1, nil
	case err != nil:
		return -1, err
	case e.Kind == event.BodyErased:
		delete(g, *e.Leaf)
		return *e.Leaf, nil
	case e.Body != nil && e.Body.N >= 0:
		g[s.Index] = true
	}
	return -1, nil
}

// none is an error as long as there is a gap.
func (g gaps) none() error {
	if len(g) == 0 {
		return nil
	}
	return fmt.Errorf("leaf %d is without its body, and no event says that it was erased (of %d such leaves)", slices.Min(slices.Collect(maps.Keys(g))), len(g))
}

// frontier is a tree that grows leaf by leaf (RFC 6962 §2.1): the roots of its complete subtrees, largest first.
type frontier struct {
	size int64
	edge []tlog.Hash
}

func (f *frontier) push(h tlog.Hash) {
	for n := f.size; n&1 == 1; n >>= 1 {
		h = tlog.NodeHash(f.edge[len(f.edge)-1], h)
		f.edge = f.edge[:len(f.edge)-1]
	}
	f.edge = append(f.edge, h)
	f.size++
}

func (f *frontier) root() tlog.Hash {
	if f.size == 0 {
		return ledger.Head{}.Root()
	}
	h := f.edge[len(f.edge)-1]
	for i := len(f.edge) - 2; i >= 0; i-- {
		h = tlog.NodeHash(f.edge[i], h)
	}
	return h
}
