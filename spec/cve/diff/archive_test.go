package diff

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// archive opens one of the big data sets beside the module; the test is skipped where there is none.
func archive(t testing.TB, name string) map[string]*zip.File {
	t.Helper()
	// The module's root is three folders up.
	path := filepath.Join("..", "..", "..", "..", "shared", "data", "cvelist", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the real data set %s is not on this machine", name)
	}
	zr, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { zr.Close() })
	files := map[string]*zip.File{}
	for _, f := range zr.File {
		if strings.HasSuffix(f.Name, ".json") {
			files[filepath.Base(f.Name)] = f
		}
	}
	return files
}

func unpack(t testing.TB, f *zip.File) []byte {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	raw, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// The archive and its newer extra have two versions of some records: real life between 2024 and 2026.
func TestLawsOnRealPairs(t *testing.T) {
	older, newer := archive(t, "vulnrichment-cve5.zip"), archive(t, "cve5-extra-newer.zip")
	pairs, differ, told := 0, 0, 0
	for name, f := range newer {
		before, ok := older[name]
		if !ok {
			continue
		}
		a, b := unpack(t, before), unpack(t, f)
		checkLaws(t, a, b)
		changes, err := Records(a, b)
		if err != nil {
			t.Fatal(err)
		}
		pairs++
		told += len(changes)
		if len(changes) > 0 {
			differ++
		}
		for _, line := range lines(changes) {
			t.Logf("%s: %s", name, line)
		}
	}
	if pairs == 0 || differ == 0 {
		t.Fatalf("%d pairs, %d differ", pairs, differ)
	}
	t.Logf("%d pairs, %d of them differ, in %d changes", pairs, differ, told)
}

// Neighbours in the sample have nothing in common but the format: every kind of part comes and goes.
func TestLawsOnStrangers(t *testing.T) {
	var last []byte
	n := 0
	for _, f := range archive(t, "cve5-sample-500.zip") {
		raw := unpack(t, f)
		if len(raw) > 1<<16 {
			continue // the check itself is slow
		}
		if last != nil {
			checkLaws(t, last, raw)
			n++
		}
		last = raw
		if n == 50 && testing.Short() || n == 150 {
			break // which ones differs from run to run
		}
	}
	t.Logf("%d pairs", n)
}

// The largest record has 4,868 versions; all of them changed is the worst that can be asked of the matching.
func TestLargestRecordIsQuick(t *testing.T) {
	raw := unpack(t, archive(t, "vulnrichment-cve5.zip")["CVE-2024-20433.json"])
	for _, test := range []struct {
		name     string
		old, new string
		least    int
	}{
		{"one changed", string(raw), strings.Replace(string(raw), `"status": "affected"`, `"status": "unknown"`, 1), 1},
		{"every version changed", string(raw), strings.ReplaceAll(string(raw), `"status": "affected"`, `"status": "unknown"`), 4868},
		{"against itself", string(raw), string(raw), 0},
	} {
		start := time.Now()
		changes, err := Records([]byte(test.old), []byte(test.new))
		took := time.Since(start)
		if err != nil || len(changes) < test.least {
			t.Errorf("%s: %d changes, %v", test.name, len(changes), err)
		}
		t.Logf("%s: %d changes in %v", test.name, len(changes), took)
		// The aim is well under 100 ms; the bound leaves room for a machine that is busy.
		if took > 500*time.Millisecond {
			t.Errorf("%s took %v", test.name, took)
		}
	}
}

func BenchmarkLargestRecord(b *testing.B) {
	raw := unpack(b, archive(b, "vulnrichment-cve5.zip")["CVE-2024-20433.json"])
	other := []byte(strings.ReplaceAll(string(raw), `"status": "affected"`, `"status": "unknown"`))
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := Records(raw, other); err != nil {
			b.Fatal(err)
		}
	}
}
