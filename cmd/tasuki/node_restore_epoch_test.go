package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
)

// checkOpening looks at the leaf that opened epoch 2, at index size.
func checkOpening(t *testing.T, n *node, size int64) {
	t.Helper()
	var e *event.Entry
	highest := map[string]event.Skip{}
	err := n.db.View(t.Context(), func(tx *store.Tx) error {
		return n.ledger.Scan(t.Context(), tx, 0, func(index int64, leaf []byte, _ *ledger.Body) (err error) {
			e, err = event.Open(index, leaf, nil)
			if err != nil || index == size {
				return errors.Join(err, io.EOF)
			}
			var year string
			var number int64
			if c, _ := fmt.Sscanf(strings.ReplaceAll(e.ID, "-", " "), "CVE %s %d", &year, &number); c == 2 {
				h := highest[year]
				if number < 20_000 {
					h.Priority = max(h.Priority, number)
				} else {
					h.General = max(h.General, number)
				}
				highest[year] = h
			}
			return nil
		})
	})
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if e.Kind != event.EpochOpened || e.Epoch != 2 || e.Size != size || e.Charter != n.chain.Head().Hash() {
		t.Fatalf("leaf %d is %+v", size, e.Event)
	}
	if at := n.chain.Head().Charter().ContinueAt; at == nil || at.Size != size || at.Root != e.Root {
		t.Errorf("the charter continues at %+v, the leaf says %d, %s", at, e.Size, e.Root)
	}
	for year, h := range highest {
		got := e.Skips[year]
		if got.Priority < min(h.Priority+100, 20_000) || got.General < max(h.General, 19_999)+10_000 {
			t.Errorf("%s goes on at %+v, seen were %+v", year, got, h)
		}
	}
	this := time.Now().UTC().Year()
	for _, y := range []int{this, this + 1} {
		if e.Skips[fmt.Sprint(y)].General < 29_999 {
			t.Errorf("%d: %+v among %v", y, e.Skips[fmt.Sprint(y)], slices.Sorted(maps.Keys(e.Skips)))
		}
	}
}

// TestRestoreWithBoardKey restores and opens the epoch in one go, from a backup that has the old key in it.
func TestRestoreWithBoardKey(t *testing.T) {
	source := setupAt(t, "", "")
	old, _ := filled(t, source, few)
	file := filepath.Join(t.TempDir(), "backup")
	if _, err := old.Backup(t.Context(), BackupRequest{To: file, WithKey: true}, quiet{}); err != nil {
		t.Fatal(err)
	}
	oldKey, err := charter.ReadLogKey(filepath.Join(source.Dir.Path, logKeyFile))
	if err != nil {
		t.Fatal(err)
	}

	// Somebody else's board key is found out before anything is written.
	other := setupAt(t, "", "")
	_, done := opened(t, other)
	done()
	s := setupAt(t, "", "")
	_, err = restoreNode(t.Context(), s, RestoreRequest{Backup: file, BoardKey: filepath.Join(other.Dir.Path, boardKeyFile)}, quiet{})
	if _, serr := os.Lstat(s.dsn()); !errors.Is(err, errBoardKey) || !errors.Is(serr, fs.ErrNotExist) {
		t.Errorf("another list's board key: %v, store %v", err, serr)
	}

	// A high-water file of the lost directory speaks of leaves that the backup does not have.
	var root ledger.Hash
	root[0] = 1
	if err := os.WriteFile(s.highWater(), fmt.Appendf(nil, "%s\n9999\n%s\n", old.chain.Opening().Origin(), root), 0o600); err != nil {
		t.Fatal(err)
	}
	sum, err := restoreNode(t.Context(), s, RestoreRequest{Backup: file, BoardKey: filepath.Join(source.Dir.Path, boardKeyFile)}, quiet{})
	if err != nil || sum.Epoch != 2 || sum.ReadOnly {
		t.Fatalf("%+v, %v", sum, err)
	}
	n, _ := opened(t, s)
	checkSame(t, old, n)
	checkSound(t, n, anID(t, n))
	mark, err := ledger.ReadHighWater(s.highWater())
	if err != nil || mark.Origin != sum.Origin || mark.Size != sum.Size {
		t.Errorf("high-water file %+v, %v", mark, err)
	}

	// The old key is not here any more, and would not sign if it came back.
	now, err := charter.ReadLogKey(filepath.Join(s.Dir.Path, logKeyFile))
	if err != nil || now.Origin != sum.Origin || bytes.Equal(now.Public(), oldKey.Public()) {
		t.Errorf("log key of %v, %v", now, err)
	}
	for _, e := range dirEntries(t, s.Dir.Path) {
		raw, err := os.ReadFile(filepath.Join(s.Dir.Path, e))
		if err != nil || bytes.Contains(raw, oldKey.Private.Seed()) || strings.Contains(string(raw), "PRIVATE+KEY+"+oldKey.Origin) {
			t.Errorf("the old key is in %s, %v", e, err)
		}
	}
	checkZombie(t, n, oldKey)
}

func dirEntries(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names
}

// checkZombie brings a former epoch's key back: as the file of a node that starts, and in the memory of one that runs.
func checkZombie(t *testing.T, n *node, former *charter.LogKey) {
	t.Helper()
	dir := t.TempDir()
	if err := former.WriteFile(filepath.Join(dir, logKeyFile)); err != nil {
		t.Fatal(err)
	}
	if k, err := readLogKey(dir, n.chain); !errors.Is(err, errNoKey) {
		t.Errorf("a node with the key of a former epoch gets %v, %v", k, err)
	}
	key, err := former.Signer()
	if err != nil {
		t.Fatal(err)
	}
	if err := heartbeat(n); err != nil {
		t.Fatal(err)
	}
	zombie := ledger.NewSigner(n.ledger, ledger.SignerOptions{Key: presentKey{key, n.db}, Holder: n.holder(), Now: func() time.Time { return time.Now().Add(time.Hour) }})
	if c, _, err := zombie.Sign(t.Context()); !errors.Is(err, ledger.ErrFork) || !errors.Is(err, errEpochOver) {
		t.Errorf("the key of a former epoch signed %+v, %v", c, err)
	}
}

// TestOlderDirectory copies a data directory back from an older day. The high-water file knows; opening a new epoch is the
// way out, and the only one.
func TestOlderDirectory(t *testing.T) {
	s := setupAt(t, "", "")
	n, done := filled(t, s, few)
	board := filepath.Join(s.Dir.Path, boardKeyFile)
	id := anID(t, n)
	done()
	old := map[string][]byte{}
	for _, name := range dirEntries(t, s.Dir.Path) {
		raw, err := os.ReadFile(filepath.Join(s.Dir.Path, name))
		if err != nil {
			t.Fatal(err)
		}
		old[name] = raw
	}
	formerKey, err := charter.ReadLogKey(filepath.Join(s.Dir.Path, logKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	s = later(s)
	n, done = opened(t, s)
	if err := heartbeat(n); err != nil {
		t.Fatal(err)
	}
	done()
	for name, raw := range old {
		if err := os.WriteFile(filepath.Join(s.Dir.Path, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := openNode(t.Context(), s); !errors.Is(err, ledger.ErrBehind) {
		t.Fatalf("an older directory opens: %v, %v", n, err)
	}
	s = later(s)
	sum, err := restoreNode(t.Context(), s, RestoreRequest{BoardKey: board}, quiet{})
	if err != nil || sum.Epoch != 2 || sum.Size != filledSize+1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	n, _ = opened(t, later(s))
	checkSound(t, n, id)
	checkOpening(t, n, filledSize)
	checkZombie(t, n, formerKey)
}

// TestEpochInterrupted stops an opening of an epoch behind its commit: the next run finishes it and opens no second one.
func TestEpochInterrupted(t *testing.T) {
	s := setupAt(t, "", "")
	n, done := filled(t, s, few)
	board := filepath.Join(s.Dir.Path, boardKeyFile)
	if err := n.cursors.Save(t.Context(), sealedCursor, []byte("restored")); err != nil {
		t.Fatal(err)
	}
	done()
	// The high-water file cannot be written: its folder is a file. That is the step behind the commit.
	broken := s
	broken.Config.HighWater = filepath.Join(s.Dir.Path, "format", "mark")
	if sum, err := restoreNode(t.Context(), broken, RestoreRequest{BoardKey: board}, quiet{}); err == nil {
		t.Fatalf("a high-water file inside a file: %+v", sum)
	}
	n, done = opened(t, s)
	if got := n.chain.Opening().Charter().Operator.Epoch; got != 2 || n.keyed {
		t.Fatalf("epoch %d, keyed %v: the failure came elsewhere", got, n.keyed)
	}
	done()
	for range 2 { // the second run is not a mending: it opens epoch 3
		s = later(s)
		sum, err := restoreNode(t.Context(), s, RestoreRequest{BoardKey: board}, quiet{})
		if err != nil {
			t.Fatal(err)
		}
		s = later(s)
		n, done = opened(t, s)
		if err := heartbeat(n); err != nil || !n.keyed || n.chain.Opening().Origin() != sum.Origin {
			t.Errorf("%+v: keyed %v, %v", sum, n.keyed, err)
		}
		checkSound(t, n, anID(t, n))
		done()
	}
	if got := n.chain.Opening().Charter().Operator.Epoch; got != 3 {
		t.Errorf("epoch %d after one mending and one opening", got)
	}
}
