package web

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tasuki/internal/edge/serve/page"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// The pages over a whole list on each engine: what the fakes promise has to hold for the real catalogue.
func TestOverARealList(t *testing.T) {
	files, err := filepath.Glob("testdata/records/*.json")
	if err != nil {
		t.Fatal(err)
	}
	raws := make([][]byte, len(files))
	for i, name := range files {
		if raws[i], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		world := gatetest.New(t, db)
		world.Import(t, raws...)
		world.Note(t, "test")
		h := Handler(Options{Kit: page.Kit{Status: &fakeStatus{node: page.Node{ListID: gatetest.List, Records: int64(len(raws)), Size: world.Size(t)}}, Log: slog.New(slog.DiscardHandler), Now: world.Clock.Now, BaseURL: "http://localhost:8080"}, Catalogue: world.Catalogue})

		for i, name := range files {
			id := strings.TrimSuffix(filepath.Base(name), ".json")
			p := fetch(t, h, "/cve/"+id)
			if p.status != http.StatusOK || p.one(t, "h1").words() != id || len(p.all("section#history tbody tr")) != 1 {
				t.Errorf("%s: %d", id, p.status)
			}
			if raw := fetch(t, h, "/cve/"+id+".json"); raw.raw != string(raws[i]) || raw.header.Get("ETag") == "" {
				t.Errorf("%s.json is not what was imported (%d)", id, raw.status)
			}
		}

		for address, want := range map[string]string{
			"/search?q=認証":                             "CVE-2026-90001", // two characters inside running text
			"/search?q=jelly+template":                 "CVE-2024-4879",
			"/search?q=kev:yes+cwe:CWE-1287":           "CVE-2024-4879",
			"/search?q=state:rejected":                 "CVE-2024-3514",
			"/search?q=published:>3d&sort=oldest":      "CVE-2026-90001",
			"/search?q=vendor:\"juniper+networks\"":    "CVE-2023-36833",
			"/search?q=winrar&sort=relevance":          "CVE-2023-38831",
			"/search?q=severity:critical+ssvc:active":  "CVE-2024-4879",
			"/search?q=tag:exclusively-hosted-service": "CVE-2024-38139",
		} {
			p := fetch(t, h, address)
			if rows := p.all("ol.hits li"); p.status != http.StatusOK || len(rows) != 1 || !strings.Contains(rows[0].words(), want) {
				t.Errorf("%s: %d, %d rows, want only %s", address, p.status, len(rows), want)
			}
		}

		// Each facet's count is what its link finds.
		p := fetch(t, h, "/search")
		checked := 0
		for _, a := range p.all("details.facet li a") {
			there := fetch(t, h, a.attr["href"])
			if got := strings.Fields(there.one(t, "#count").words())[0]; got != lastWord(a.words()) {
				t.Errorf("%q finds %s", a.words(), got)
			}
			checked++
		}
		if checked < 20 {
			t.Errorf("only %d facet values", checked)
		}
		if p := fetch(t, h, "/"); p.status != http.StatusOK || len(p.all("ol.hits li")) < 10 {
			t.Errorf("first page: %d", p.status)
		}
		if p := fetch(t, h, "/search?after=nonsense"); p.status != http.StatusBadRequest {
			t.Errorf("a bad cursor: %d", p.status)
		}
		if p := fetch(t, h, "/cve/CVE-2024-4878"); p.status != http.StatusNotFound || len(p.all("ul.near a")) == 0 {
			t.Errorf("an unknown id: %d", p.status)
		}
		if p := fetch(t, h, "/cve/CVE-2024-4878.json"); p.status != http.StatusNotFound {
			t.Errorf("its bytes: %d", p.status)
		}
	})
}

func lastWord(text string) string {
	words := strings.Fields(text)
	return words[len(words)-1]
}
