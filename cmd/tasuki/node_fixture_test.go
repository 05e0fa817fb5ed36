package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/catalogue"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
	"tasuki/internal/registry"
	"tasuki/internal/store"
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

// filled is a list with so many records of the sample (at most 520), two private facts of which one is erased, two erased
// records, and heartbeats enough for more than one entry of a backup.
func filled(t *testing.T, s Setup, records int) (*node, func()) {
	t.Helper()
	n, done := opened(t, s)
	if _, err := n.Import(t.Context(), ImportRequest{Paths: []string{sampleFiles(t, records)}}, nil, quiet{}); err != nil {
		t.Fatal(err)
	}
	var private int64
	err := do(n, func(ctx context.Context, turn *gate.Turn) (err error) {
		for range heartbeats {
			if _, err := turn.Emit(ctx, &event.Event{Kind: event.Heartbeat}, nil); err != nil {
				return err
			}
		}
		for _, text := range []string{`{"org":"8254265b-2729-46b6-b9e3-3dfca2d5bfca"}`, `{"user":"somebody"}`} {
			own, err := turn.EmitPrivate(ctx, []byte(text))
			if err != nil {
				return err
			}
			private = own.Index
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range []int64{private, 17} {
		if err := erase(n, leaf); err != nil {
			t.Fatal(err)
		}
	}
	refold(t, n)
	return n, done
}

const heartbeats = 300

// few are enough records for most tests, and filledSize is how long the log is then: the epoch, the records, the note of
// their import, heartbeats, two private facts, two erasures.
const (
	few        = 40
	filledSize = 1 + few + 1 + heartbeats + 2 + 2
)

// sampleFiles unpacks some records of the sample into a folder.
func sampleFiles(t *testing.T, records int) (dir string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(sampleZip), int64(len(sampleZip)))
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for _, f := range z.File {
		if records == 0 {
			break
		}
		if !strings.HasSuffix(f.Name, ".json") {
			continue
		}
		raw, err := fs.ReadFile(z, f.Name)
		name := filepath.Join(dir, filepath.Base(f.Name))
		if err = errors.Join(err, os.WriteFile(name, raw, 0o600)); err != nil {
			t.Fatal(err)
		}
		records--
	}
	return dir
}

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
	if len(gl) > len(wl) { // an epoch was opened since, which is noted as one, moved the registry's counters, and nothing else
		moved := func(table string) bool {
			return strings.HasPrefix(table, "registry ") || strings.HasPrefix(table, "continuity ")
		}
		wt, gt = slices.DeleteFunc(wt, moved), slices.DeleteFunc(gt, moved)
	}
	checkIdentifiers(t, want, got)
	if len(gt) == 0 || !slices.Equal(wt, gt) {
		t.Errorf("tables are %v, were %v", gt, wt)
	}
}

// checkIdentifiers compares what the registries of two stores know of imports and of every identifier.
func checkIdentifiers(t *testing.T, want, got *node) {
	t.Helper()
	known := func(n *node) string {
		var b strings.Builder
		err := n.catalogue.Each(t.Context(), func(v *catalogue.View) error {
			return n.db.View(t.Context(), func(tx *store.Tx) error {
				row, err := registry.Get(t.Context(), tx, v.ID)
				fmt.Fprintf(&b, "%s %+v\n", v.ID, row)
				return err
			})
		})
		if err == nil {
			err = n.db.View(t.Context(), func(tx *store.Tx) error {
				counts, err := registry.Counts(t.Context(), tx)
				if err != nil {
					return err
				}
				imports, err := registry.Imports(t.Context(), tx, 1000)
				fmt.Fprintf(&b, "%v\n%+v\n", counts, imports)
				return err
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if w, g := known(want), known(got); w != g {
		t.Errorf("the registry knows\n%s\nand knew\n%s", g, w)
	}
}

// checkSound lets fsck look at a node, and a proof speak for it.
func checkSound(t *testing.T, n *node, id string) *ledger.Verified {
	t.Helper()
	sum, err := n.Fsck(t.Context(), FsckRequest{}, failing{t})
	if err != nil || sum.Problems > 0 {
		t.Errorf("fsck: %d problems, %v", sum.Problems, err)
	}
	file, _, err := logSource{n}.Proof(t.Context(), id)
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
	got, err := ledger.VerifyProof(file, ledger.ProofOptions{Trust: AllowTest{}.trustChain, ListID: n.chain.ListID(), Bodies: [][]byte{raw}})
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
			return n.ledger.Scan(t.Context(), tx, 1, func(index int64, leaf []byte, _ *ledger.Body) error {
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
