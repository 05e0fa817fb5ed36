package main

import (
	stdlib "archive/zip"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zip"

	"tasuki/internal/store"
)

// floor is inflating and hashing every entry of a zip on one core with one library: the least that an import must do.
type floor struct {
	library string
	took    time.Duration
	busy    time.Duration // processor time
	files   int
	bytes   int64
}

// inflateAndHash measures the floor: one goroutine, one buffer, the library's own pool of decompressors.
func inflateAndHash(tb testing.TB, path, library string) floor {
	tb.Helper()
	f := floor{library: library}
	buf := make([]byte, 1<<20)
	hash := func(r io.Reader, err error) {
		if err != nil {
			tb.Fatal(err)
		}
		h := sha256.New()
		n, err := io.CopyBuffer(struct{ io.Writer }{h}, r, buf)
		if err != nil {
			tb.Fatal(err)
		}
		f.files++
		f.bytes += n
	}
	began := time.Now()
	u0, s0 := processor()
	if library == "stdlib" {
		z, err := stdlib.OpenReader(path)
		if err != nil {
			tb.Fatal(err)
		}
		defer z.Close()
		for _, e := range z.File {
			r, err := e.Open()
			hash(r, err)
			r.Close()
		}
	} else {
		z, err := zip.OpenReader(path)
		if err != nil {
			tb.Fatal(err)
		}
		defer z.Close()
		for _, e := range z.File {
			r, err := e.Open()
			hash(r, err)
			r.Close()
		}
	}
	f.took = time.Since(began)
	u1, s1 := processor()
	f.busy = u1 - u0 + s1 - s0
	return f
}

// leastFloor is the faster of both libraries, and the least of both before.
func leastFloor(tb testing.TB, path string, before ...floor) floor {
	for _, library := range []string{"stdlib", "klauspost"} {
		runtime.GC()
		before = append(before, inflateAndHash(tb, path, library))
	}
	least := slices.MinFunc(before, func(a, b floor) int { return cmp.Compare(a.took, b.took) })
	for _, f := range before {
		least.busy = min(least.busy, f.busy)
	}
	return least
}

// row is the floor as a report has it.
func (f floor) row() []string {
	return []string{"floor, one core", seconds(f.took), f.library, fmt.Sprintf("%d files, %d MB, processor time %s", f.files, f.bytes/1e6, seconds(f.busy))}
}

// times says how many floors a duration is.
func (f floor) times(wall, busy time.Duration) string {
	if busy > 0 {
		return fmt.Sprintf("%.2f × the floor's", busy.Seconds()/f.busy.Seconds())
	}
	return fmt.Sprintf("%.2f × the floor", wall.Seconds()/f.took.Seconds())
}

// BenchmarkImport is "tasuki import cvelist" of the whole archive into a fresh store, as a process of its own: budget at most
// 4 times the floor, goal 3; peak memory below 1 GB.
func BenchmarkImport(b *testing.B) {
	zip := theList(b)
	least := leastFloor(b, zip)
	for b.Loop() {
		dir := filepath.Join(b.TempDir(), "data")
		cmd := self(b, "tasuki", "import", "cvelist", zip, "--data", dir)
		began := time.Now()
		out, err := cmd.Output()
		took := time.Since(began)
		if err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		least = leastFloor(b, zip, least)
		user, system := cmd.ProcessState.UserTime(), cmd.ProcessState.SystemTime()
		peak := peakOf(cmd.ProcessState)
		table(b, least.row(),
			[]string{"import", seconds(took), least.times(took, 0), "budget 4, goal 3"},
			[]string{"processor time", seconds(user + system), least.times(0, user+system), fmt.Sprintf("user %s, system %s", seconds(user), seconds(system))},
			[]string{"peak memory", fmt.Sprintf("%d MB", peak/1e6), "", "budget 1,000 MB"})
		b.ReportMetric(took.Seconds()/least.took.Seconds(), "×floor")
		b.ReportMetric((user + system).Seconds(), "cpu-s")
		b.ReportMetric(float64(peak)/1e6, "peak-MB")
		sizes(b, filepath.Join(dir, "tasuki.db"), zip)
	}
}

// BenchmarkImportServing is the same import inside a node that serves: it signs, and its search index follows. It ends when
// searches answer over the last record. Made for profiles (-cpuprofile), since it is one process.
func BenchmarkImportServing(b *testing.B) {
	zip := theList(b)
	least := leastFloor(b, zip)
	for b.Loop() {
		n := benchNode(b, filepath.Join(b.TempDir(), "data"))
		n.running(b)
		ctx := context.Background()
		runtime.GC()
		u0, s0 := processor()
		began := time.Now()
		got, err := n.Import(ctx, ImportRequest{Paths: []string{zip}}, nil, quiet{})
		if err != nil {
			b.Fatal(err)
		}
		imported := time.Since(began)
		if err := n.catalogue.Follow(ctx); err != nil {
			b.Fatal(err)
		}
		took := time.Since(began)
		u1, s1 := processor()
		busy := u1 - u0 + s1 - s0
		least = leastFloor(b, zip, least)
		table(b, least.row(),
			[]string{"import", seconds(imported), least.times(imported, 0), fmt.Sprintf("%d records", got.Added)},
			[]string{"and searchable", seconds(took), least.times(took, 0), fmt.Sprintf("%d in the index", n.catalogue.Len())},
			[]string{"processor time", seconds(busy), least.times(0, busy), fmt.Sprintf("user %s, system %s", seconds(u1-u0), seconds(s1-s0))})
		b.ReportMetric(took.Seconds()/least.took.Seconds(), "×floor")
		b.ReportMetric(busy.Seconds(), "cpu-s")
	}
}

// sizes lists what each table takes of the store: budget 1.7 times the compressed archive, the search tables apart.
func sizes(b *testing.B, path, zip string) {
	b.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, path, store.Options{ReadOnly: true})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	archive, err := os.Stat(zip)
	if err != nil {
		b.Fatal(err)
	}
	var whole, search int64
	rows := [][]string{{"table or index", "MB", "of the archive", "rows or cells"}}
	share := func(n int64) string { return fmt.Sprintf("%.3f", float64(n)/float64(archive.Size())) }
	mb := func(n int64) string { return fmt.Sprintf("%.1f", float64(n)/1e6) }
	err = db.View(ctx, func(tx *store.Tx) error {
		rs, err := tx.Query(ctx, dbstat)
		if err != nil {
			return err
		}
		defer rs.Close()
		for rs.Next() {
			var name string
			var size, cells int64
			if err := rs.Scan(&name, &size, &cells); err != nil {
				return err
			}
			whole += size
			if strings.HasPrefix(name, "catalogue_record") || strings.Contains(name, "autoindex_catalogue") {
				search += size
			}
			if size >= 1<<16 {
				rows = append(rows, []string{name, mb(size), share(size), fmt.Sprint(cells)})
			}
		}
		return rs.Err()
	})
	if err != nil {
		b.Fatal(err)
	}
	rows = append(rows, []string{"all", mb(whole), share(whole)}, []string{"all but the search tables", mb(whole - search), share(whole - search), "budget 1.7"})
	table(b, rows...)
	b.ReportMetric(float64(whole-search)/float64(archive.Size()), "×archive")
}

var dbstat = store.Inline("dbstat", "SELECT name, SUM(pgsize), SUM(ncell) FROM dbstat WHERE aggregate = FALSE GROUP BY name ORDER BY SUM(pgsize) DESC")
