package witness_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/edge/serve/witness"
	"tasuki/spec/c2sp"
)

// tree is a log of numbered leaves.
type tree struct {
	origin string
	signer note.Signer
	hashes hashes
	size   int64
}

type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = h[x]
	}
	return out, nil
}

func newTree(t testing.TB, origin string) (*tree, note.Verifier) {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return &tree{origin: origin, signer: signer}, v
}

func (l *tree) grow(t testing.TB, to int64, text string) {
	t.Helper()
	for ; l.size < to; l.size++ {
		stored, err := tlog.StoredHashes(l.size, []byte(text), l.hashes)
		if err != nil {
			t.Fatal(err)
		}
		l.hashes = append(l.hashes, stored...)
	}
}

func (l *tree) checkpoint(t testing.TB, size int64) []byte {
	t.Helper()
	root, err := tlog.TreeHash(size, l.hashes)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := note.Sign(&note.Note{Text: c2sp.Checkpoint{Origin: l.origin, Size: size, Root: root}.String()}, l.signer)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func (l *tree) request(t testing.TB, from, to int64) []byte {
	t.Helper()
	var proof tlog.TreeProof
	if from > 0 && from < to {
		var err error
		if proof, err = tlog.ProveTree(to, from, l.hashes); err != nil {
			t.Fatal(err)
		}
	}
	return c2sp.AddCheckpoint{Old: from, Proof: proof, Checkpoint: l.checkpoint(t, to)}.Append(nil)
}

type known map[string]note.Verifier

func (k known) Verifier(_ context.Context, origin string) (note.Verifier, bool, error) {
	v, ok := k[origin]
	return v, ok, nil
}

func newWitness(t testing.TB, logs known, dir string) (*witness.Witness, *c2sp.CosignatureVerifier) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c, err := c2sp.NewCosigner("witness.example/w1", key)
	if err != nil {
		t.Fatal(err)
	}
	state, err := witness.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	v, err := c2sp.NewCosignatureVerifier(c.VKey().String())
	if err != nil {
		t.Fatal(err)
	}
	return witness.New(witness.Options{Cosigner: c, Logs: logs, State: state, Now: time.Now, Log: slog.New(slog.DiscardHandler)}), v
}

func post(t testing.TB, w http.Handler, body []byte) *httptest.ResponseRecorder {
	t.Helper()
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, c2sp.AddCheckpointPath, bytes.NewReader(body)))
	return rec
}

// Each answer of the protocol, in the order of a log's life.
func TestAddCheckpoint(t *testing.T) {
	l, v := newTree(t, "log.example/1")
	stranger, _ := newTree(t, "stranger.example")
	fork, _ := newTree(t, "log.example/1")
	fork.signer = l.signer
	l.grow(t, 1000, "leaf")
	fork.grow(t, 7, "leaf")
	fork.grow(t, 1000, "another leaf")
	stranger.grow(t, 1, "leaf")
	impostor := *l
	other, _ := newTree(t, "log.example/1")
	impostor.signer = other.signer
	dir := t.TempDir()
	w, key := newWitness(t, known{l.origin: v}, dir)
	for _, c := range []struct {
		what    string
		body    []byte
		status  int
		size    string
		refresh bool
	}{
		{"not a request", []byte("hello"), 400, "", false},
		{"an unknown log", stranger.request(t, 0, 1), 404, "", false},
		{"another's signature", impostor.request(t, 0, 3), 403, "", false},
		{"never seen, but an old size is claimed", l.request(t, 3, 7), 409, "0\n", false},
		{"the first", l.request(t, 0, 7), 200, "", true},
		{"the first again", l.request(t, 0, 7), 409, "7\n", false},
		{"the same, from where it stands", l.request(t, 7, 7), 200, "", true},
		{"larger", l.request(t, 7, 300), 200, "", true},
		{"smaller", l.request(t, 7, 200), 409, "300\n", false},
		{"an old size above the new one", bytes.Replace(l.request(t, 0, 200), []byte("old 0"), []byte("old 300"), 1), 400, "", false},
		{"another history", fork.request(t, 300, 600), 422, "", false},
		{"another root for the size", fork.request(t, 300, 300), 409, "300\n", false},
		{"no proof", c2sp.AddCheckpoint{Old: 300, Checkpoint: l.checkpoint(t, 600)}.Append(nil), 422, "", false},
		{"the same and a proof too many", c2sp.AddCheckpoint{Old: 300, Proof: make([]tlog.Hash, 1), Checkpoint: l.checkpoint(t, 300)}.Append(nil), 422, "", false},
		{"it goes on", l.request(t, 300, 1000), 200, "", true},
	} {
		rec := post(t, w, c.body)
		if rec.Code != c.status || c.size != "" && (rec.Body.String() != c.size || rec.Header().Get("Content-Type") != c2sp.SizeContentType) {
			t.Fatalf("%s: %d %q, want %d %q", c.what, rec.Code, rec.Body, c.status, c.size)
		}
		if c.status != http.StatusOK {
			continue
		}
		lines, err := c2sp.ParseLines(rec.Body.Bytes())
		if err != nil || len(lines) != 1 {
			t.Fatalf("%s: %v %q", c.what, err, rec.Body)
		}
		_, cp, err := c2sp.ParseAddCheckpoint(c.body)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := key.Check(cp.String(), lines[0]); err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
	}
	// What it cosigned survives it.
	state, err := witness.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if cp, ok, err := state.Newest(l.origin); err != nil || !ok || cp.Size != 1000 {
		t.Errorf("remembered %+v %t %v", cp, ok, err)
	}
	if rec := post(t, w, make([]byte, witness.MaxRequest+1)); rec.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a huge request: %d", rec.Code)
	}
}

// A damaged memory stops the witness for that log: to begin anew would be to forget.
func TestDamagedMemory(t *testing.T) {
	l, v := newTree(t, "log.example/1")
	l.grow(t, 9, "leaf")
	dir := t.TempDir()
	w, _ := newWitness(t, known{l.origin: v}, dir)
	if rec := post(t, w, l.request(t, 0, 7)); rec.Code != http.StatusOK {
		t.Fatal(rec.Code)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.checkpoint"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	for _, damage := range []string{"", "log.example/1\n7\n", strings.Repeat("x", 50), "other.example\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"} {
		if err := os.WriteFile(files[0], []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		if rec := post(t, w, l.request(t, 0, 9)); rec.Code != http.StatusInternalServerError {
			t.Errorf("memory %q: %d", damage, rec.Code)
		}
	}
}

// failingState is a memory whose disk is full.
type failingState struct{ witness.State }

func (failingState) Remember(c2sp.Checkpoint) error { return errors.New("disk full") }

// Nothing is cosigned that is not remembered first.
func TestNothingWithoutMemory(t *testing.T) {
	l, v := newTree(t, "log.example/1")
	l.grow(t, 9, "leaf")
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c, err := c2sp.NewCosigner("w", key)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := witness.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := witness.New(witness.Options{Cosigner: c, Logs: known{l.origin: v}, State: failingState{dir}, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if rec := post(t, w, l.request(t, 0, 9)); rec.Code != http.StatusInternalServerError || strings.Contains(rec.Body.String(), "—") {
		t.Errorf("%d %q", rec.Code, rec.Body)
	}
}

// Of two histories offered at the same moment one is cosigned, never both.
func TestTwoHistoriesAtOnce(t *testing.T) {
	l, v := newTree(t, "log.example/1")
	fork, _ := newTree(t, "log.example/1")
	fork.signer = l.signer
	l.grow(t, 100, "leaf")
	fork.grow(t, 100, "another")
	w, _ := newWitness(t, known{l.origin: v}, t.TempDir())
	var asked sync.WaitGroup
	codes := make([]int, 16)
	for i := range codes {
		body := l.request(t, 0, int64(50+i))
		if i%2 == 1 {
			body = fork.request(t, 0, int64(50+i))
		}
		asked.Go(func() { codes[i] = post(t, w, body).Code })
	}
	asked.Wait()
	said := 0
	for _, c := range codes {
		if c == http.StatusOK {
			said++
		}
	}
	if said != 1 {
		t.Errorf("%d first checkpoints were cosigned: %v", said, codes)
	}
}
