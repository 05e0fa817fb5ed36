package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/charter"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// setupAt is a node's setup in a new directory (or an old one, when dir is given) over dsn; "" is SQLite in the directory.
func setupAt(t *testing.T, dir, dsn string) Setup {
	t.Helper()
	if dir == "" {
		dir = filepath.Join(t.TempDir(), "data")
	}
	d, err := openDataDir(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	c := defaultConfig()
	c.Store = dsn
	return Setup{Config: c, Dir: d, Create: true, Log: slog.New(slog.DiscardHandler), Now: time.Now, Rand: rand.Reader}
}

// later is s a minute later. What a closed node held in its store, such as the lease on signing, has run out by then.
func later(s Setup) Setup {
	now := s.Now
	s.Now = func() time.Time { return now().Add(time.Minute) }
	return s
}

// opened opens the node of s. It is closed at the test's end, or by the returned function before.
func opened(t *testing.T, s Setup) (*node, func()) {
	t.Helper()
	n, err := openNode(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	closed := false
	closeNode := func() {
		if !closed {
			closed = true
			if err := n.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
	}
	t.Cleanup(closeNode)
	return n, closeNode
}

// do carries a command out as the operator.
func do(n *node, decide func(ctx context.Context, t *gate.Turn) error) error {
	return n.gate.Do(context.Background(), authority.Caller{Role: authority.Operator, Name: "test"}, gate.Command{Action: authority.Govern, Decide: decide})
}

// heartbeat grows the log by a leaf.
func heartbeat(n *node) error {
	return do(n, func(ctx context.Context, t *gate.Turn) error {
		_, err := t.Emit(ctx, &event.Event{Kind: event.Heartbeat}, nil)
		return err
	})
}

// erase erases the body of a leaf, as the command of a later version will.
func erase(n *node, leaf int64) error {
	return do(n, func(ctx context.Context, t *gate.Turn) error {
		if _, err := t.Emit(ctx, &event.Event{Kind: event.BodyErased, Leaf: &leaf, Reason: "court"}, nil); err != nil {
			return err
		}
		return n.ledger.Erase(ctx, t.Tx, leaf)
	})
}

// filled is a list with the sample, two private facts of which one is erased, and two erased records.
func filled(t *testing.T, s Setup) (*node, func()) {
	t.Helper()
	n, done := opened(t, s)
	if _, err := n.Import(t.Context(), ImportRequest{Sample: true}, nil, quiet{}); err != nil {
		t.Fatal(err)
	}
	var private int64
	for _, text := range []string{`{"org":"8254265b-2729-46b6-b9e3-3dfca2d5bfca"}`, `{"user":"somebody"}`} {
		err := do(n, func(ctx context.Context, turn *gate.Turn) (err error) {
			private, err = turn.EmitPrivate(ctx, []byte(text))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, leaf := range []int64{private, 17} {
		if err := erase(n, leaf); err != nil {
			t.Fatal(err)
		}
	}
	refold(t, n)
	return n, done
}

// size of a filled list: the epoch, 520 records, the note of their import, two private facts, two erasures.
const filledSize = 526

// refold makes the tables what the log with its erasures says.
func refold(t *testing.T, n *node) {
	t.Helper()
	if _, err := n.Replay(t.Context(), ReplayRequest{}, quiet{}); err != nil {
		t.Fatal(err)
	}
}

// contents reads everything that a backup has to keep, as text to compare.
func contents(t *testing.T, n *node) (leaves, tables []string) {
	t.Helper()
	err := n.db.View(t.Context(), func(tx *store.Tx) error {
		err := n.ledger.Scan(t.Context(), tx, 0, func(index int64, leaf []byte, body *ledger.Body) error {
			line := fmt.Sprintf("%d %s", index, leaf)
			if body != nil {
				raw, err := body.Bytes()
				if err != nil {
					return err
				}
				line += fmt.Sprintf(" body %x %s", body.Salt, raw)
			}
			if p, err := n.ledger.Private(t.Context(), tx, index); err == nil {
				line += fmt.Sprintf(" private %x %s", p.Salt, p.Body)
			}
			leaves = append(leaves, line)
			return nil
		})
		for _, p := range projections() {
			d, derr := p.Digest(t.Context(), tx)
			tables = append(tables, fmt.Sprintf("%s %x", p.Name(), d))
			err = errors.Join(err, derr)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return leaves, tables
}

// checkSame compares two stores up to the size of the first.
func checkSame(t *testing.T, want, got *node) {
	t.Helper()
	wl, wt := contents(t, want)
	gl, gt := contents(t, got)
	if len(gl) < len(wl) {
		t.Fatalf("%d leaves of %d came back", len(gl), len(wl))
	}
	for i := range wl {
		if wl[i] != gl[i] {
			t.Fatalf("leaf %d came back as %.300s, was %.300s", i, gl[i], wl[i])
		}
	}
	if !slices.Equal(wt, gt) {
		t.Errorf("tables are %v, were %v", gt, wt)
	}
}

// checkSound lets fsck look at a node, and a proof speak for it.
func checkSound(t *testing.T, n *node, id string) *ledger.Verified {
	t.Helper()
	sum, err := n.Fsck(t.Context(), FsckRequest{}, failing{t})
	if err != nil || sum.Problems > 0 {
		t.Errorf("fsck: %d problems, %v", sum.Problems, err)
	}
	file, err := logSource{n}.Proof(t.Context(), id)
	if err != nil {
		t.Fatalf("proof of %s: %v", id, err)
	}
	v, err := n.catalogue.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := v.Raw()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ledger.VerifyProof(file, ledger.ProofOptions{Trust: trustChain, ListID: n.chain.ListID(), Bodies: [][]byte{raw}})
	if err != nil || !got.Parts[0].BodyOK {
		t.Fatalf("proof of %s: %v", id, err)
	}
	return got
}

// failing is a reporter to whom every item is an error.
type failing struct{ t *testing.T }

func (failing) Progress(Progress) {}
func (failing) Step(string)       {}
func (f failing) Item(i Item)     { f.t.Errorf("%s %s: %s", i.Outcome, i.Name, i.Reason) }

// watching is a reporter that calls back.
type watching struct {
	progress func(Progress)
	step     func(string)
}

func (w watching) Progress(p Progress) {
	if w.progress != nil {
		w.progress(p)
	}
}

func (w watching) Step(text string) {
	if w.step != nil {
		w.step(text)
	}
}

func (watching) Item(Item) {}

// anID is a record of the sample.
func anID(t *testing.T, n *node) string {
	t.Helper()
	page, err := func() (id string, err error) {
		err = n.db.View(t.Context(), func(tx *store.Tx) error {
			return n.ledger.Scan(t.Context(), tx, 100, func(index int64, leaf []byte, _ *ledger.Body) error {
				e, err := event.Open(index, leaf, nil)
				if err == nil && e.Kind == event.RecordImported {
					id, err = e.ID, io.EOF
				}
				return err
			})
		})
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return id, err
	}()
	if err != nil || page == "" {
		t.Fatalf("no record: %v", err)
	}
	return page
}

// TestRestore brings a list to every engine from every engine: all of it comes back, it can be read and proved, and nobody
// writes to it before the board has opened an epoch.
func TestRestore(t *testing.T) {
	for _, from := range []store.Engine{store.SQLite, store.Postgres} {
		for _, to := range []store.Engine{store.SQLite, store.Postgres} {
			if from == store.Postgres && to == store.Postgres {
				continue // both halves are tried by the others
			}
			t.Run(from.String()+" to "+to.String(), func(t *testing.T) {
				dsn := func(e store.Engine) string {
					if e == store.Postgres {
						return storetest.Postgres(t)
					}
					return ""
				}
				source := setupAt(t, "", dsn(from))
				old, _ := filled(t, source)
				id := anID(t, old)
				file := filepath.Join(t.TempDir(), "backup")
				made, err := old.Backup(t.Context(), BackupRequest{To: file}, quiet{})
				if err != nil {
					t.Fatal(err)
				}
				info, err := os.Stat(file)
				if err != nil || info.Size() != made.Bytes || made.Size != filledSize || info.Mode().Perm() != 0o600 {
					t.Errorf("summary %+v of a file of %d bytes with mode %v, %v", made, info.Size(), info.Mode(), err)
				}

				s := setupAt(t, "", dsn(to))
				sum, err := restoreNode(t.Context(), s, RestoreRequest{Backup: file}, quiet{})
				if err != nil {
					t.Fatal(err)
				}
				origin := old.chain.Opening().Origin()
				if want := (RestoreSummary{Size: made.Size, Epoch: 1, ReadOnly: true, Origin: origin}); sum != want {
					t.Errorf("summary %+v, want %+v", sum, want)
				}
				sealed, done := opened(t, s)
				checkSame(t, old, sealed)
				if got := checkSound(t, sealed, id); got.Parts[0].Checkpoint.Origin != origin {
					t.Errorf("proved under %s", got.Parts[0].Checkpoint.Origin)
				}
				if err := heartbeat(sealed); !errors.Is(err, authority.ErrSealed) {
					t.Errorf("write to a restored store: %v", err)
				}
				if sealed.keyed {
					t.Error("a restored store has a key")
				}
				done()

				sum, err = restoreNode(t.Context(), s, RestoreRequest{BoardKey: filepath.Join(source.Dir.Path, boardKeyFile)}, quiet{})
				if err != nil {
					t.Fatal(err)
				}
				if sum.Size != made.Size+1 || sum.Epoch != 2 || sum.ReadOnly || sum.Origin == origin {
					t.Errorf("summary %+v", sum)
				}
				next, _ := opened(t, s)
				if err := heartbeat(next); err != nil {
					t.Errorf("write in the new epoch: %v", err)
				}
				checkSame(t, old, next)
				if got := checkSound(t, next, id); got.Parts[0].Checkpoint.Origin != sum.Origin || got.ListID != old.chain.ListID() {
					t.Errorf("proved under %s of list %s", got.Parts[0].Checkpoint.Origin, got.ListID)
				}
				checkOpening(t, next, made.Size)
			})
		}
	}
}

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
	old, _ := filled(t, source)
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
	n, done := filled(t, s)
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
	n, done := filled(t, s)
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

// TestRestoreInterrupted stops an unpacking: the store is sealed, no epoch can be opened on the part, another backup is
// refused, and the same one goes on.
func TestRestoreInterrupted(t *testing.T) {
	source := setupAt(t, "", "")
	old, _ := filled(t, source)
	dir := t.TempDir()
	file, other := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	board := filepath.Join(source.Dir.Path, boardKeyFile)
	for _, f := range []string{file, other} {
		if _, err := old.Backup(t.Context(), BackupRequest{To: f, WithKey: true}, quiet{}); err != nil {
			t.Fatal(err)
		}
		if err := heartbeat(old); err != nil {
			t.Fatal(err)
		}
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		dsn := ""
		if db.Engine() == store.Postgres {
			dsn = storetest.Postgres(t)
		}
		s := setupAt(t, "", dsn)
		ctx, cancel := context.WithCancel(t.Context())
		_, err := restoreNode(ctx, s, RestoreRequest{Backup: file, BoardKey: board}, watching{progress: func(p Progress) {
			if p.Step == "restore" && p.Done > 0 {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("interrupted: %v", err)
		}
		half, done := opened(t, s)
		size, err := half.size(t.Context())
		if err != nil || size == 0 || size >= filledSize {
			t.Fatalf("%d leaves, %v: not interrupted in between", size, err)
		}
		if err := heartbeat(half); !errors.Is(err, authority.ErrSealed) {
			t.Errorf("write to half a store: %v", err)
		}
		if _, err := half.Backup(t.Context(), BackupRequest{To: filepath.Join(t.TempDir(), "half")}, quiet{}); !errors.Is(err, errUnfinished) {
			t.Errorf("backup of half a store: %v", err)
		}
		done()
		if _, err := restoreNode(t.Context(), s, RestoreRequest{BoardKey: board}, quiet{}); !errors.Is(err, errUnfinished) {
			t.Errorf("epoch on half a store: %v", err)
		}
		if _, err := restoreNode(t.Context(), s, RestoreRequest{Backup: other}, quiet{}); !errors.Is(err, errNotNew) {
			t.Errorf("another backup into half a store: %v", err)
		}
		sum, err := restoreNode(t.Context(), s, RestoreRequest{Backup: file, BoardKey: board}, quiet{})
		if err != nil || sum.Size != filledSize+1 {
			t.Fatalf("resumed: %+v, %v", sum, err)
		}
		n, _ := opened(t, s)
		leaves, _ := contents(t, n)
		want, _ := contents(t, old)
		if !slices.Equal(leaves[:filledSize], want[:filledSize]) {
			t.Error("a resumed restore has other leaves")
		}
		checkSound(t, n, anID(t, n))
		if _, err := restoreNode(t.Context(), s, RestoreRequest{Backup: file}, quiet{}); !errors.Is(err, errNotNew) {
			t.Errorf("restore over a list: %v", err)
		}
	})
}

// TestBackupRefuses names what a backup does not do, and what it leaves behind then: nothing.
func TestBackupRefuses(t *testing.T) {
	n, _ := filled(t, setupAt(t, "", ""))
	dir := t.TempDir()
	there := filepath.Join(dir, "there")
	if err := os.WriteFile(there, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Backup(t.Context(), BackupRequest{To: there}, quiet{}); !errors.Is(err, errBackupExists) {
		t.Errorf("over a file: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := n.Backup(ctx, BackupRequest{To: filepath.Join(dir, "stopped")}, watching{progress: func(Progress) { cancel() }}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	taken := filepath.Join(dir, "taken")
	_, err := n.Backup(t.Context(), BackupRequest{To: taken}, watching{progress: func(Progress) {
		if err := os.WriteFile(taken, []byte("meanwhile"), 0o600); err != nil {
			t.Error(err)
		}
	}})
	if !errors.Is(err, errBackupExists) {
		t.Errorf("over a file that came meanwhile: %v", err)
	}
	if got, want := dirEntries(t, dir), []string{"taken", "there"}; !slices.Equal(got, want) {
		t.Errorf("left behind are %q, want %q", got, want)
	}
	if raw, err := os.ReadFile(taken); err != nil || string(raw) != "meanwhile" {
		t.Errorf("it now has %.20q, %v", raw, err)
	}
	if err := os.Remove(filepath.Join(n.dir.Path, logKeyFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Backup(t.Context(), BackupRequest{To: filepath.Join(dir, "key"), WithKey: true}, quiet{}); !errors.Is(err, errNoKey) {
		t.Errorf("with a key that is not there: %v", err)
	}
}

// TestBackupWhileErasing erases a body when its leaf is about to be written: the file is begun again, has the erasure and not
// the body.
func TestBackupWhileErasing(t *testing.T) {
	n, _ := filled(t, setupAt(t, "", ""))
	file := filepath.Join(t.TempDir(), "backup")
	steps, erased := 0, false
	sum, err := n.Backup(t.Context(), BackupRequest{To: file}, watching{
		progress: func(p Progress) {
			if p.Done == p.Total && !erased { // the body is in the file by now
				erased = true
				if err := erase(n, 30); err != nil {
					t.Error(err)
				}
			}
		},
		step: func(string) { steps++ },
	})
	if err != nil || steps != 1 || sum.Size != filledSize+1 {
		t.Fatalf("%+v after %d steps, %v", sum, steps, err)
	}
	for _, s := range readAll(t, file) {
		if s.Index == 30 && s.Body != nil {
			t.Error("the erased body is in the backup")
		}
	}
}

// readAll reads the leaves of a backup.
func readAll(t *testing.T, file string) (all []gate.Stored) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, _, err := readBackup(f, quiet{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for {
		part, err := b.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, part...)
	}
}

// TestRestoreRefuses feeds files that are whole but say something else than the list did: each is found out and named.
func TestRestoreRefuses(t *testing.T) {
	old, _ := filled(t, setupAt(t, "", ""))
	dir := t.TempDir()
	file := filepath.Join(dir, "backup")
	var erased *ledger.Body
	err := old.db.View(t.Context(), func(tx *store.Tx) (err error) {
		erased, err = old.ledger.Body(t.Context(), tx, 40)
		return err
	})
	if err := errors.Join(err, erase(old, 40)); err != nil {
		t.Fatal(err)
	}
	if _, err := old.Backup(t.Context(), BackupRequest{To: file}, quiet{}); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, chain, err := readBackup(f, quiet{})
	if err != nil {
		t.Fatal(err)
	}
	leaves := readAll(t, file)
	withBody := slices.IndexFunc(leaves, func(s gate.Stored) bool { return s.Body != nil && s.Index > 200 })
	private := slices.IndexFunc(leaves, func(s gate.Stored) bool { return s.Private != nil })
	at := fmt.Sprintf("leaf %d", withBody)
	for _, tc := range []struct {
		name   string
		change func(m *backupManifest, all []gate.Stored)
		says   string
	}{
		{"another root", func(m *backupManifest, _ []gate.Stored) { m.Root = strings.Repeat("0", 64) }, "hash to"},
		{"a changed leaf", func(_ *backupManifest, all []gate.Stored) {
			all[withBody].Leaf = bytes.Replace(all[withBody].Leaf, []byte(`"state":"P`), []byte(`"state":"Q`), 1)
		}, ""},
		{"a changed body", func(_ *backupManifest, all []gate.Stored) {
			all[withBody].Body = leaves[withBody+1].Body
		}, at},
		{"a changed salt", func(_ *backupManifest, all []gate.Stored) {
			b := *all[withBody].Body
			b.Salt[3]++
			all[withBody].Body = &b
		}, at},
		{"an invented private body", func(_ *backupManifest, all []gate.Stored) {
			p := *all[private].Private
			p.Body = []byte(`{"org":"another"}`)
			all[private].Private = &p
		}, fmt.Sprintf("leaf %d", private)},
		{"an erased body", func(_ *backupManifest, all []gate.Stored) { all[40].Body = erased }, "leaf 40, which its own log says was erased"},
		{"a stranger's checkpoint", func(m *backupManifest, _ []gate.Stored) {
			m.Checkpoints[0].Note = strings.Replace(m.Checkpoints[0].Note, "\n527\n", "\n526\n", 1)
		}, "checkpoint"},
		{"another list", func(m *backupManifest, _ []gate.Stored) { m.List = strings.Repeat("a", 64) }, "another list"},
		{"another epoch", func(m *backupManifest, _ []gate.Stored) { m.Origin += "x" }, "epoch"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, all := b.Manifest, slices.Clone(leaves)
			m.Checkpoints = slices.Clone(m.Checkpoints)
			tc.change(&m, all)
			out := filepath.Join(t.TempDir(), "tampered")
			writeAll(t, out, m, chain, b.Dicts, all)
			s := setupAt(t, "", "")
			sum, err := restoreNode(t.Context(), s, RestoreRequest{Backup: out}, quiet{})
			if !errors.Is(err, errBackupDamaged) || !strings.Contains(fmt.Sprint(err), tc.says) {
				t.Errorf("%+v, %v", sum, err)
			}
		})
	}
}

// writeAll writes a backup by hand.
func writeAll(t *testing.T, file string, m backupManifest, chain *charter.Chain, dicts map[int64][]byte, all []gate.Stored) {
	t.Helper()
	var buf bytes.Buffer
	w, err := newBackupWriter(&buf, m)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range chain.Documents() {
		err = errors.Join(err, w.charter(d))
	}
	for _, id := range m.Dicts {
		err = errors.Join(err, w.file(dictName(id), dicts[id]))
	}
	for _, s := range all {
		err = errors.Join(err, w.leaf(s))
	}
	if err := errors.Join(err, w.close()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestFrontier compares the backup's tree with the ledger's.
func TestFrontier(t *testing.T) {
	n, _ := opened(t, setupAt(t, "", ""))
	var f frontier
	for size := int64(0); size < 70; size++ {
		var head ledger.Head
		err := n.db.View(t.Context(), func(tx *store.Tx) (err error) {
			if head, err = n.ledger.Head(t.Context(), tx); err != nil {
				return err
			}
			leaf, err := n.ledger.Leaf(t.Context(), tx, size)
			f.push(ledger.LeafHash(leaf))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := f.root(), head.Root(); f.size != head.Size || got != want {
			t.Fatalf("size %d: %s, want %s", f.size, hex.EncodeToString(got[:]), hex.EncodeToString(want[:]))
		}
		if err := heartbeat(n); err != nil {
			t.Fatal(err)
		}
	}
}
