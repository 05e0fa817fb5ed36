package cvelist

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/klauspost/compress/zip"

	"tasuki/spec/cve"
)

// record makes a small well-formed record.
func record(id, updated string) []byte {
	return fmt.Appendf(nil, `{
  "dataType": "CVE_RECORD",
  "dataVersion": "5.1",
  "cveMetadata": {
    "cveId": %q,
    "assignerOrgId": "8254265b-2729-46b6-b9e3-3dfca2d5bfca",
    "state": "PUBLISHED",
    "dateUpdated": %q
  },
  "containers": {"cna": {"providerMetadata": {"orgId": "8254265b-2729-46b6-b9e3-3dfca2d5bfca"}}}
}
`, id, updated)
}

func pathOf(t testing.TB, id string) string {
	t.Helper()
	parsed, err := cve.ParseID(id)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Path()
}

// entry is a file of a zip in the making.
type entry struct {
	name  string
	raw   []byte
	store bool
}

func makeZip(_ testing.TB, entries ...entry) []byte {
	var buf bytes.Buffer
	zw := zip.NewWriter(&buf)
	for _, e := range entries {
		method := zip.Deflate
		if e.store {
			method = zip.Store
		}
		w, err := zw.CreateHeader(&zip.FileHeader{Name: e.name, Method: method})
		if err == nil {
			_, err = w.Write(e.raw)
		}
		if err != nil {
			panic(err)
		}
	}
	if err := zw.Close(); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

func writeFile(t testing.TB, name string, raw []byte) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// list is an Intake that keeps the current document of every identifier, with the rules of an imported list.
type list struct {
	mu      sync.Mutex
	docs    map[string][]byte
	updated map[string]string
	owned   map[string]bool
	noted   []Noted
	open    bool // records came in that no note follows
	batches []int
	fail    error // what Import answers
}

func newList() *list {
	return &list{docs: map[string][]byte{}, updated: map[string]string{}, owned: map[string]bool{}}
}

type doc struct {
	id, updated string
	raw         []byte
}

func (d doc) ID() string { return d.id }

func (l *list) Prepare(raw []byte, _ Meta) (Prepared, error) {
	rec, err := cve.Decode(raw)
	if err != nil {
		return nil, err
	}
	if r := Inspect(raw, ""); r != nil {
		return nil, fmt.Errorf("not for this list")
	}
	return doc{rec.Metadata.ID, rec.Metadata.DateUpdated, raw}, nil
}

func (l *list) Import(_ context.Context, batch []Prepared) ([]Outcome, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return nil, l.fail
	}
	l.batches = append(l.batches, len(batch))
	out := make([]Outcome, len(batch))
	for i, p := range batch {
		d := p.(doc)
		old, known := l.docs[d.id]
		o := Outcome{Verdict: Added, Index: int64(len(l.docs))}
		switch {
		case l.owned[d.id]:
			o = Outcome{Verdict: Divergent, Index: -1}
		case known && bytes.Equal(old, d.raw):
			o = Outcome{Verdict: Unchanged, Index: -1}
		case known && d.updated < l.updated[d.id]:
			o = Outcome{Verdict: Stale, Index: -1}
		case known:
			o.Verdict = Updated
		}
		if o.Index >= 0 {
			l.docs[d.id], l.updated[d.id], l.open = d.raw, d.updated, true
		}
		out[i] = o
	}
	return out, nil
}

func (l *list) Unchanged(_ context.Context, id string, sum Digest) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old, ok := l.docs[id]
	return ok && sha256.Sum256(old) == sum, nil
}

func (l *list) Note(_ context.Context, n Noted) error {
	l.noted = append(l.noted, n)
	l.open = false
	return nil
}

// realArchive is the path of a big archive beside the repository, or skips.
func realArchive(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		} else if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
	}
	p := filepath.Join(dir, "..", "shared", "data", "cvelist", name)
	if _, err := os.Stat(p); err != nil {
		t.Skipf("%s is not beside this checkout", name)
	}
	return p
}

func rewrite(t testing.TB, path string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (l *list) Unnoted(context.Context) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open, nil
}
