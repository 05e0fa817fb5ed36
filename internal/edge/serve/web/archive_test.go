package web

import (
	"archive/zip"
	"bytes"
	"context"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/klauspost/compress/gzip"

	"tasuki/internal/catalogue"
	"tasuki/internal/edge/serve/page"
	"tasuki/spec/cve"
	"tasuki/web/assets"
)

// What a record's page may cost over the wire, in bytes: for 99 of 100 records all of it on a first visit, and the page alone
// after that. No page at all may pass maxPage, long sections are paged.
const (
	maxFirst = 100 << 10
	maxAgain = 30 << 10
	maxPage  = 60 << 10
)

// one is a catalogue of a single record with one version.
type one struct {
	Catalogue
	view *catalogue.View
}

func (o one) Get(context.Context, string) (*catalogue.View, error) { return o.view, nil }

func (o one) Versions(context.Context, string) ([]catalogue.Version, error) {
	return []catalogue.Version{{Kind: "record.imported/1", Logged: now, Source: now, State: string(o.view.State)}}, nil
}

// show is the page of a record as a reader is sent it.
func show(t testing.TB, rec *cve.Record, query string) string {
	t.Helper()
	v := &catalogue.View{ID: rec.Metadata.ID, State: rec.Metadata.State, Record: rec, Changed: now, Logged: now}
	h := Handler(Options{Kit: page.Kit{Status: &fakeStatus{node: page.Node{ListID: strings.Repeat("9c1f00aa", 8), Records: 42107, Size: 42109, Checkpoint: now}}, Log: discard, Now: fixed, BaseURL: "https://tasuki.example"}, Catalogue: one{view: v}})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/cve/"+v.ID+query, nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d", v.ID, w.Code)
	}
	return w.Body.String()
}

// wire is what a text takes up compressed as the front compresses it.
func wire(t testing.TB, text []byte) int {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, 3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}

var loaded = regexp.MustCompile(`(?:href|src)="(` + assets.Prefix + `[^"]+)"`)

// assetsOf is what a browser fetches beside a page on its first visit.
func assetsOf(t testing.TB, page string) (size int) {
	t.Helper()
	seen := make(map[string]bool)
	for _, m := range loaded.FindAllStringSubmatch(page, -1) {
		if seen[m[1]] {
			continue
		}
		seen[m[1]] = true
		w := httptest.NewRecorder()
		assets.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, m[1], nil))
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d", m[1], w.Code)
		}
		size += wire(t, w.Body.Bytes())
	}
	return size
}

// nth is which records of the archive become pages, beside the large ones: with 1 it takes some minutes.
var nth = flag.Int("nth", 5, "show every nth record of the archive")

// Records of the real list become pages that are well-formed, keep to themselves and are small: every nth of the archive, or with
// -short each hundredth, and the large ones.
func TestRealRecords(t *testing.T) {
	step := *nth
	if testing.Short() {
		step = 100
	}
	var files []*zip.File
	for i, f := range archive(t).File {
		if strings.HasSuffix(f.Name, ".json") && (i%step == 0 || f.UncompressedSize64 >= 100_000) {
			files = append(files, f)
		}
	}
	type measured struct {
		id   string
		size int
	}
	var (
		mu    sync.Mutex
		sizes []measured
		next  atomic.Int64 // not a channel: a worker that gives up must not stop the others
		work  sync.WaitGroup
		first string
	)
	for range runtime.GOMAXPROCS(0) {
		work.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(files); i = int(next.Add(1)) - 1 {
				rec := readRecord(t, files[i])
				if rec == nil {
					continue
				}
				page := show(t, rec, "")
				size := wire(t, []byte(page))
				mu.Lock()
				if first == "" {
					first = page
				}
				sizes = append(sizes, measured{rec.Metadata.ID, size})
				mu.Unlock()
				if size%16 == 0 || testing.Short() {
					parse(t, rec.Metadata.ID, page).walk(func(n *node) { checkElement(t, n) })
				}
			}
		})
	}
	work.Wait()
	if len(sizes) < 400 {
		t.Fatalf("only %d pages", len(sizes))
	}
	slices.SortFunc(sizes, func(a, b measured) int { return a.size - b.size })
	beside := assetsOf(t, first)
	p50, p99, largest := sizes[len(sizes)/2], sizes[len(sizes)*99/100], sizes[len(sizes)-1]
	t.Logf("%d pages, gzip: p50 %d, p99 %d, largest %d bytes (%s); assets %d bytes, so a first visit at p99 is %d",
		len(sizes), p50.size, p99.size, largest.size, largest.id, beside, beside+p99.size)
	if p99.size > maxAgain || beside+p99.size > maxFirst || largest.size > maxPage {
		t.Error("the pages are too large")
	}
}

// The largest real record, 4,868 versions of its product, is paged, and its pages hold every version once.
func TestLargestRecordIsPaged(t *testing.T) {
	z := archive(t)
	i := slices.IndexFunc(z.File, func(f *zip.File) bool { return strings.HasSuffix(f.Name, "CVE-2024-20433.json") })
	if i < 0 {
		t.Fatal("the archive has lost its largest record")
	}
	rec := readRecord(t, z.File[i])
	want := 0
	for _, p := range parties(rec) {
		for _, a := range p.Affected {
			want += len(a.Versions)
		}
	}
	at, pages, got := "", 0, 0
	for {
		p := &sheet{root: parse(t, at, show(t, rec, at))}
		if pages++; pages > 200 {
			t.Fatal("the pages have no end")
		}
		for _, cell := range p.all("table.versions td[colspan]") {
			got += len(strings.Split(cell.words(), ", "))
		}
		got += len(p.all("table.versions tbody tr")) - len(p.all("table.versions td[colspan]"))
		at = ""
		for _, a := range p.all("section#affected p.pager a") {
			if a.attr["rel"] == "next" {
				at = strings.TrimPrefix(strings.TrimSuffix(a.attr["href"], "#affected"), "/cve/"+rec.Metadata.ID)
			}
		}
		if at == "" {
			break
		}
		if at != "?versions="+strconv.Itoa(pages+1) {
			t.Fatalf("page %d leads to %s", pages, at)
		}
	}
	t.Logf("%d versions on %d pages", got, pages)
	if got != want || want < 4868 {
		t.Errorf("%d versions on %d pages, the record has %d", got, pages, want)
	}
}

func archive(t testing.TB) *zip.ReadCloser {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		root = filepath.Dir(root)
	}
	z, err := zip.OpenReader(filepath.Join(root, "../shared/data/cvelist/vulnrichment-cve5.zip"))
	if err != nil {
		t.Skip("the big archive of real records is not on this machine: ", err)
	}
	t.Cleanup(func() { _ = z.Close() })
	return z
}

// readRecord is a record of the archive; nil when the test has failed over it.
func readRecord(t testing.TB, f *zip.File) *cve.Record {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Error(err)
		return nil
	}
	defer r.Close() //nolint:errcheck // read whole, and checked
	raw, err := io.ReadAll(r)
	if err != nil {
		t.Error(f.Name, err)
		return nil
	}
	rec, err := cve.Decode(raw)
	if err != nil {
		t.Error(f.Name, err)
		return nil
	}
	return rec
}
