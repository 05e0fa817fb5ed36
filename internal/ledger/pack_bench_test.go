package ledger

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// archive reads up to max records of an archive of the shared data folder, or skips the test without it.
func archive(t testing.TB, name string, max int) [][]byte {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for !exists(filepath.Join(dir, "go.mod")) {
		if dir == filepath.Dir(dir) {
			t.Skip("no module root above the test")
		}
		dir = filepath.Dir(dir)
	}
	z, err := zip.OpenReader(filepath.Join(dir, "..", "shared", "data", "cvelist", name))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("shared archive %s is not here", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var out [][]byte
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, ".json") || len(out) == max {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := io.Copy(&b, r); err != nil {
			t.Fatal(err)
		}
		r.Close()
		out = append(out, b.Bytes())
	}
	return out
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// TestPackArchive packs every record of the real archive, gets every byte back, and holds the size to the budget.
func TestPackArchive(t *testing.T) {
	if testing.Short() {
		t.Skip("packs 273 MB")
	}
	records := archive(t, "vulnrichment-cve5.zip", -1)
	var in, packed, raw, compacted int
	var took time.Duration
	for i, r := range records {
		start := time.Now()
		b, err := Pack(rand.Reader, r)
		took += time.Since(start)
		if err != nil {
			t.Fatal(err)
		}
		in += len(r)
		packed += len(b.Packed)
		if b.Enc == encRaw {
			raw++
		}
		if i%8 == 0 {
			got, err := b.Bytes()
			if err != nil || !bytes.Equal(got, r) {
				t.Fatalf("record %d does not come back: %v", i, err)
			}
		}
		compacted += len(compactOf(r))
	}
	t.Logf("%d records, %d bytes, compact %d, packed %d (%.1f MiB), %d not laid out as JSON; %.0f MB/s, %v each",
		len(records), in, compacted, packed, float64(packed)/(1<<20), raw,
		float64(in)/1e6/took.Seconds(), took/time.Duration(len(records)))
	if packed > 36<<20 {
		t.Errorf("packed to %d bytes, budget 36 MiB", packed)
	}
}

// compactOf is a record as Pack compresses it.
func compactOf(raw []byte) []byte {
	l, _ := guessLayout(raw)
	c, _ := l.compact(nil, raw)
	return c
}

func BenchmarkPack(b *testing.B) {
	records := archive(b, "cve5-sample-500.zip", -1)
	var n int64
	for _, r := range records {
		n += int64(len(r))
	}
	b.SetBytes(n / int64(len(records)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := Pack(rand.Reader, records[i%len(records)]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPackParts(b *testing.B) {
	records := archive(b, "cve5-sample-500.zip", -1)
	var compacts, packed [][]byte
	for _, r := range records {
		c := compactOf(r)
		p, _ := current.compress(c)
		compacts, packed = append(compacts, c), append(packed, p)
	}
	buf := make([]byte, 0, MaxBody)
	n := len(records)
	b.Run("compact", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			l, _ := guessLayout(records[i%n])
			l.compact(buf, records[i%n])
		}
	})
	b.Run("restore", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			layout(0).restore(buf, compacts[i%n], MaxBody)
		}
	})
	b.Run("hash", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			BodyHash([16]byte{}, records[i%n])
		}
	})
	b.Run("compress", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			current.compress(compacts[i%n])
		}
	})
	b.Run("decompress", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			current.decompress(packed[i%n], buf)
		}
	})
}
