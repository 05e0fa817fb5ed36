package catalogue_test

import (
	"archive/zip"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/query"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// archiveQueries are asked of the real list as it grows.
var archiveQueries = []string{"", "overflow", `"use after free"`, "vendor:microsoft severity>=high", "state:rejected", "cwe:79 published:2024", "kev:yes", "脆弱性 or linux",
	"assigner:mitre -has:cvss", "changed:<30d"}

// The real list is brought in, then its newer extra. What it answered on the way, it answers for each of those moments in the
// end; and any record at any moment is the document that the log has.
func TestPastOfTheArchive(t *testing.T) {
	if testing.Short() {
		t.Skip("42,107 records twice are too many for -short")
	}
	data := filepath.Join("..", "..", "..", "shared", "data", "cvelist")
	list, extra := archiveRecords(t, filepath.Join(data, "vulnrichment-cve5.zip")), archiveRecords(t, filepath.Join(data, "cve5-extra-newer.zip"))
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := newPast(t, db)
		began := time.Now()
		lap := func(what string) { t.Logf("%-40s %6.1f s", what, time.Since(began).Seconds()); began = time.Now() }
		type answer struct {
			at   catalogue.At
			q    catalogue.Query
			page *catalogue.Page
		}
		var said []answer
		remember := func() {
			p.w.Clock.Add(time.Minute)
			at := catalogue.At{Size: p.w.Size(t)}
			if p.dice.IntN(2) == 0 {
				at = catalogue.At{Time: p.w.Clock.Now()}
			}
			p.w.Clock.Add(time.Minute)
			for _, text := range archiveQueries {
				tree, err := query.Parse(text)
				if err != nil {
					t.Fatal(err)
				}
				q := catalogue.Query{Tree: tree, Now: p.w.Clock.Now(), Limit: 20, Facets: []string{"vendor", "severity", "year"}, Sort: catalogue.Order(p.dice.IntN(2))}
				page, err := p.w.Catalogue.Search(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				said = append(said, answer{at, q, page})
			}
		}
		for part := range slices.Chunk(list, len(list)/7+1) {
			bring(t, p.w, part)
			remember()
		}
		p.w.Note(t, "list.zip")
		lap("the list, with its answers on the way")
		for part := range slices.Chunk(extra, len(extra)/3+1) {
			bring(t, p.w, part)
			remember()
		}
		lap("the extra")
		for _, a := range said {
			q := a.q
			q.At = a.at
			got, err := p.w.Catalogue.Search(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if got.Total != a.page.Total || got.Next != a.page.Next || !reflect.DeepEqual(got.Hits, a.page.Hits) || !reflect.DeepEqual(got.Facets, a.page.Facets) {
				t.Fatalf("%q at %+v:\n got %+v\nthen %+v", q.Tree.Text, a.at, got, a.page)
			}
		}
		lap(fmt.Sprintf("%d queries of the past", len(said)))
		n := readLog(t, p.w)
		for range 1000 {
			id := n.leaves[p.dice.IntN(len(n.leaves))].id
			if p.dice.IntN(2) == 0 { // one of those that have a past
				id = n.leaves[len(n.leaves)-1-p.dice.IntN(len(extra)-8)].id
			}
			if id != "" {
				_ = p.checkRecord(t, n, id, p.moment(n)) // any way to end is right here
			}
		}
		for range 5 {
			p.checkChanges(t, n, 20_000)
		}
		lap("1,000 records of the past")
	})
}

// archiveRecords are the documents of a zip, in an order that mixes the years.
func archiveRecords(t testing.TB, name string) [][]byte {
	t.Helper()
	z, err := zip.OpenReader(name)
	if os.IsNotExist(err) {
		t.Skipf("%s is not beside this checkout", filepath.Base(name))
	}
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var out [][]byte
	for _, f := range z.File {
		if !strings.HasPrefix(path.Base(f.Name), "CVE-") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, raw)
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// bring imports documents in commands of a hundred.
func bring(t testing.TB, w *gatetest.World, raws [][]byte) {
	t.Helper()
	for part := range slices.Chunk(raws, 100) {
		w.Import(t, part...)
		w.Clock.Add(time.Second)
	}
}
