package cvelist

import (
	"context"
	"maps"
	"testing"

	"github.com/klauspost/compress/zip"
)

// The whole published archive: nothing lost, the zip's order kept, a second import adds nothing, a newer one updates what is not older there.
func TestImportRealArchive(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 273 MB")
	}
	path := realArchive(t, "vulnrichment-cve5.zip")
	zr, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer zr.Close()
	var paths []string
	stats, err := Walk(t.Context(), path, Limits{}, func(f *File) error {
		if f.Refused != nil {
			t.Errorf("%s: %v", f.Path, f.Refused)
		}
		paths = append(paths, f.Path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if stats.Files != 42107 || len(zr.File) != 42107 {
		t.Fatalf("walked %d of %d files", stats.Files, len(zr.File))
	}
	for i, f := range zr.File {
		if paths[i] != f.Name {
			t.Fatalf("file %d is %s, the archive has %s there", i, paths[i], f.Name)
		}
	}
	l := newList()
	im := &Importer{Intake: l}
	for _, run := range []struct {
		source string
		want   map[string]int64
	}{
		{path, map[string]int64{"added": 42107}},
		{path, map[string]int64{"unchanged": 42107}},
		{realArchive(t, "cve5-extra-newer.zip"), map[string]int64{"added": 51, "updated": 12, "stale": 7}},
	} {
		sum, err := im.Run(t.Context(), nil, run.source)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %v in %v, batches %d", run.source, sum.Counts(), sum.Elapsed, len(l.batches))
		if got := sum.Counts(); !maps.Equal(got, run.want) {
			t.Errorf("%s: %v, expected %v", run.source, got, run.want)
		}
	}
	if len(l.noted) != 2 {
		t.Errorf("noted %d imports, expected the two that changed something", len(l.noted))
	}
}

// What the walk costs over the floor of inflating and hashing (architecture §8).
func BenchmarkWalkArchive(b *testing.B) {
	path := realArchive(b, "vulnrichment-cve5.zip")
	for name, work := range map[string]func(*File){"hash": func(*File) {}, "inspect": nil} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				w := newWalk(Limits{Workers: 1})
				if work != nil {
					w.work = work
				}
				stats, err := w.run(context.Background(), func() error { return w.path(path) }, func(*File) error { return nil })
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(stats.Bytes)
			}
		})
	}
}
