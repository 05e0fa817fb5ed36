package cvelist

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/spec/cve"
)

// A manifest that is taken says the same when it is written again.
func FuzzManifest(f *testing.F) {
	m := &Manifest{Format: ManifestFormat, List: worldList, Tag: "cve_2026-11-21_0100Z", Time: "2026-11-21T01:00:00.000Z", Checkpoint: "x\n1\n", Head: 9,
		Files: []ArchiveFile{{Name: "a.zip", Kind: KindDelta, From: 2, To: 7, SHA256: strings.Repeat("a", 64), Content: strings.Repeat("b", 64),
			Deletions: []Deletion{{ID: "CVE-2026-0001", Leaf: 6}}}}}
	raw, err := m.bytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"format":"tasuki-publication/1","files":[{"name":"../a","kind":"delta"}]}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := ParseManifest(raw)
		if err != nil {
			if !errors.Is(err, ErrManifest) {
				t.Fatalf("%v", err)
			}
			return
		}
		again, err := m.bytes()
		if err != nil {
			t.Fatal(err)
		}
		n, err := ParseManifest(again)
		if err != nil {
			t.Fatalf("%v\n%s", err, again)
		}
		third, err := n.bytes()
		if err != nil || !bytes.Equal(again, third) {
			t.Fatalf("%v\n%s\n%s", err, again, third)
		}
		for _, file := range m.Files {
			if path.Base(file.Name) != file.Name && file.Name != ".." && file.Name != "." {
				t.Fatalf("a file called %q", file.Name)
			}
		}
	})
}

// A log of change sets that is taken goes on as JSON: the new one first, then the beginning of what was there.
func FuzzDeltaLog(f *testing.F) {
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	var log []byte
	for i := range 3 {
		d := newDelta(now.Add(time.Duration(i-40) * day))
		d.Deleted = []Item{{ID: "CVE-2026-0001"}}
		var err error
		if log, err = prepend(log, &d); err != nil {
			f.Fatal(err)
		}
		f.Add(log)
	}
	f.Add([]byte("[\n{\"fetchTime\":\"2026-11-20T00:00:00Z\"},\n\n]\n"))
	f.Fuzz(func(t *testing.T, log []byte) {
		d := newDelta(now)
		out, err := prepend(log, &d)
		if err != nil {
			if !errors.Is(err, ErrDelta) {
				t.Fatal(err)
			}
			return
		}
		var had [][]byte
		for line, err := range logLines(log) {
			if err != nil {
				t.Fatal(err)
			}
			had = append(had, line)
		}
		var have [][]byte
		for line, err := range logLines(out) {
			if err != nil {
				t.Fatal(err)
			}
			have = append(have, line)
		}
		if len(have) == 0 || len(have)-1 > len(had) || !slices.EqualFunc(have[1:], had[:len(have)-1], bytes.Equal) {
			t.Fatalf("%q\nafter\n%q", out, log)
		}
		first, err := json.Marshal(d)
		if err != nil || !bytes.Equal(have[0], first) {
			t.Fatalf("%q, %v", have[0], err)
		}
		// Where every element was JSON, the whole is.
		if !slices.ContainsFunc(had, func(l []byte) bool { return !jsontext.Value(l).IsValid() }) && !jsontext.Value(out).IsValid() {
			t.Fatalf("no JSON: %q", out)
		}
	})
}

// What is read of an archive that anybody may have made is what the standard library reads of it.
func FuzzArchive(f *testing.F) {
	zipped := func(files map[string]string) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for name, text := range files {
			w, err := z.Create(name)
			if err == nil {
				_, err = io.WriteString(w, text)
			}
			if err != nil {
				f.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			f.Fatal(err)
		}
		return b.Bytes()
	}
	plain := zipped(map[string]string{"cves/2026/0xxx/CVE-2026-0001.json": "{}", "deltaCves/CVE-2026-0002.json": "[]", "README.md": "x"})
	f.Add(plain)
	f.Add(zipped(map[string]string{innerName: string(plain)}))
	f.Add(zipped(map[string]string{"CVE-0.json": ""}))
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := content{}
		v := &Verification{}
		err := v.unzip(t.Context(), bytes.NewReader(raw), int64(len(raw)), 0, func(id cve.ID, _ string, r io.Reader) error {
			b, err := io.ReadAll(io.LimitReader(r, 1<<20))
			if err == nil && len(b) < 1<<20 {
				got[id] = sha256.Sum256(b)
			}
			return err
		})
		if err != nil {
			return // refused; that nothing worse happens is the law then
		}
		if !without(got, raw, 0) {
			return // the two differ in what they call damaged
		}
		if len(got) > 0 {
			t.Errorf("%d records that are not in the archive", len(got))
		}
	})
}

// without takes what the standard library reads of an archive, and of those in it, out of a content. It is false where that cannot read it.
func without(got content, raw []byte, depth int) bool {
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return false
	}
	for _, file := range z.File {
		base := path.Base(file.Name)
		id, iderr := cve.ParseID(strings.TrimSuffix(base, ".json"))
		inner := strings.HasSuffix(base, ".zip") && depth == 0
		if !inner && (iderr != nil || file.UncompressedSize64 >= 1<<20) {
			continue
		}
		r, err := file.Open()
		if err != nil {
			return false
		}
		b, err := io.ReadAll(io.LimitReader(r, 1<<24))
		switch {
		case err != nil:
			return false
		case inner:
			if !without(got, b, 1) {
				return false
			}
		case got[id] == sha256.Sum256(b):
			delete(got, id)
		}
	}
	return true
}
