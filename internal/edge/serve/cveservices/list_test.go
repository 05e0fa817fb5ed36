package cveservices

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/gate/gatetest"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// What is served over a real list, on each engine, is JSON-equal to what was imported, and compact.
func TestOverARealList(t *testing.T) {
	files, err := filepath.Glob("testdata/CVE-*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no records", err)
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
		h := Handler(Options{Catalogue: world.Catalogue, Now: world.Clock.Now, Log: slog.New(slog.DiscardHandler)})
		for i, name := range files {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", "/api/cve/"+strings.TrimSuffix(filepath.Base(name), ".json"), nil))
			got, want := jsontext.Value(w.Body.Bytes()), jsontext.Value(bytes.Clone(raws[i]))
			if w.Code != 200 || bytes.ContainsAny(got, "\r\n\t") {
				t.Errorf("%s: %d, %d bytes", name, w.Code, len(got))
			}
			if err := got.Canonicalize(); err != nil {
				t.Fatal(name, err)
			}
			if err := want.Canonicalize(); err != nil {
				t.Fatal(name, err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s is not what was imported", name)
			}
		}
		for query, want := range map[string]string{"": `{"totalCount":3}`, "?state=REJECTED": `{"totalCount":1}`} {
			w := httptest.NewRecorder()
			if h.ServeHTTP(w, httptest.NewRequest("GET", "/api/cve_count"+query, nil)); w.Body.String() != want {
				t.Errorf("count%s is %s, want %s", query, w.Body, want)
			}
		}
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, httptest.NewRequest("GET", "/api/cve/CVE-2024-0001", nil)); w.Body.String() != noRecord {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
