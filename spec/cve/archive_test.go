package cve

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// sharedData finds a file of the big data sets beside the module; the test is skipped where there is none.
func sharedData(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Skip("no go.mod above the test: cannot look for ../shared/data")
		}
		dir = parent
	}
	path := filepath.Join(dir, "..", "shared", "data", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the real data set %s is not on this machine", name)
	}
	return path
}

// eachInZip calls fn for every .json file of an archive, on all processors; fn must be safe for that.
func eachInZip(t testing.TB, path string, fn func(name string, raw []byte)) {
	t.Helper()
	zr, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer zr.Close()
	files := make(chan *zip.File)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for f := range files {
				rc, err := f.Open()
				if err != nil {
					t.Errorf("%s: %v", f.Name, err)
					continue
				}
				raw, err := io.ReadAll(rc)
				rc.Close()
				if err != nil {
					t.Errorf("%s: %v", f.Name, err)
					continue
				}
				fn(f.Name, raw)
			}
		})
	}
	for _, f := range zr.File {
		if strings.HasSuffix(f.Name, ".json") {
			files <- f
		}
	}
	close(files)
	wg.Wait()
}

// samples returns the committed sample records, by file name.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "records", "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no sample records: %v", err)
	}
	out := make(map[string][]byte, len(paths))
	for _, p := range paths {
		raw, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(p)] = raw
	}
	return out
}
