package gcve_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/authority"
	feed "tasuki/internal/edge/feeds/gcve"
	serve "tasuki/internal/edge/serve/gcve"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/gate/gatetest"
	room "tasuki/internal/gcve"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/gcve"
)

// world is a list that numbers for the test authority, holds a record of authority 1 and three CVE records.
type world struct {
	*gatetest.World
	ids []gcve.ID
	who *serve.Identity
}

func cveRecord(id, vendor, day string) []byte {
	return []byte(`{
  "dataType": "CVE_RECORD",
  "dataVersion": "5.1",
  "cveMetadata": {"cveId": "` + id + `", "assignerOrgId": "8254265b-2729-46b6-b9e3-3dfca2d5bfca", "assignerShortName": "Us", "state": "PUBLISHED",
    "dateReserved": "2026-01-0` + day + `T00:00:00", "datePublished": "2026-02-0` + day + `T00:00:00", "dateUpdated": "2026-03-0` + day + `T00:00:00"},
  "containers": {"cna": {"providerMetadata": {"orgId": "8254265b-2729-46b6-b9e3-3dfca2d5bfca"}, "descriptions": [{"lang": "en", "value": "x"}],
    "affected": [{"vendor": "` + vendor + `", "product": "Anvil \"X\"", "versions": [{"version": "1", "status": "affected"}]}],
    "problemTypes": [{"descriptions": [{"cweId": "CWE-79", "lang": "en", "description": "XSS"}]}], "references": [{"url": "https://x.example/"}]}}
}
`)
}

func newWorld(t *testing.T, db *store.DB) *world {
	w := &world{World: gatetest.New(t, db), who: &serve.Identity{Authority: gcve.Authority{ID: gcve.GNATest, Short: "TEST", Full: "A test"}, License: "CC0-1.0",
		OperationalModel: "vendor", VisibilityModel: "public"}}
	w.Import(t, cveRecord("CVE-2026-0001", "Acme", "1"), cveRecord("CVE-2026-0002", "Other", "3"), cveRecord("CVE-2026-0003", "Acme", "2"))
	if err := w.do(func(ctx context.Context, turn *gate.Turn) (err error) {
		w.ids, err = room.Allocate(ctx, turn.Tx, turn, gcve.GNATest, 2026, 4)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for i, id := range w.ids[:3] {
		w.Clock.Add(time.Minute)
		w.put(t, id, fmt.Sprintf("{\"containers\":{\"cna\":{\"title\":\"number %d\",\n\"affected\":[{\"vendor\":\"v%d\",\"product\":\"P\"}]}}}", i, i))
	}
	doc, err := w.Gate.Pack(event.GCVEPulled, []byte(`{"cveMetadata":{"vulnId":"GCVE-1-7","cveId":"CVE-2026-0001","state":"PUBLISHED"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.do(func(ctx context.Context, turn *gate.Turn) error {
		_, err := room.Pull(ctx, turn.Tx, turn, 1, "https://gna.example/dumps/gna-1.ndjson", doc)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) do(decide func(ctx context.Context, t *gate.Turn) error) error {
	return w.Gate.Do(context.Background(), gatetest.Importer, gate.Command{Action: authority.Act, Decide: decide})
}

func (w *world) put(t *testing.T, id gcve.ID, raw string) {
	t.Helper()
	if err := w.do(func(ctx context.Context, turn *gate.Turn) error {
		_, err := room.Put(ctx, turn.Tx, turn, id, []byte(raw))
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) handler(base string) http.Handler {
	return serve.Handler(serve.Options{Room: &room.Service{DB: w.DB, Log: w.Log}, Catalogue: w.Catalogue, Who: w.who, List: gatetest.List, BaseURL: base, Now: w.Clock.Now,
		Checkpoint: func(context.Context) ([]byte, error) { return []byte("origin\n17\nroot=\n\n— origin sig\n"), nil }, Log: slog.New(slog.DiscardHandler)})
}

func get(h http.Handler, path, tag string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if tag != "" {
		r.Header.Set("If-None-Match", tag)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// ids are the vulnIds of a bare array.
func ids(t *testing.T, raw []byte) string {
	t.Helper()
	var list []struct {
		Metadata struct {
			VulnID string `json:"vulnId"`
		} `json:"cveMetadata"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	var out []string
	for _, r := range list {
		out = append(out, r.Metadata.VulnID)
	}
	return strings.NewReplacer("GCVE-65535-2026-", "", "GCVE-0-2026-", "c").Replace(strings.Join(out, " "))
}

func TestPublication(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		h := w.handler("")
		for query, want := range map[string]string{
			"":                                       "0003 0002 0001",
			"sort_order=asc":                         "0001 0002 0003",
			"date_sort=reserved&sort_order=asc":      "0001 0002 0003",
			"per_page=2":                             "0003 0002",
			"per_page=2&page=2":                      "0001",
			"page=9":                                 "",
			"since=2026-11-21T09:01:00Z":             "0003 0002",
			"product=p&vendor=V1":                    "0002",
			"product=p&assigner=nobody":              "",
			"cwe=79":                                 "",
			"source=gna-1":                           "GCVE-1-7",
			"source=gna-9":                           "",
			"source=cert":                            "",
			"source=gna-65535":                       "0003 0002 0001",
			"source=gna-0":                           "c0002 c0003 c0001",
			"source=gna-0&sort_order=asc&per_page=1": "c0001",
			"source=gna-0&vendor=ACME&assigner=us":   "c0003 c0001",
			"source=gna-0&since=2026-03-01T00:00:00Z":          "c0002 c0003",
			"source=gna-0&date_sort=reserved&since=2026-01-02": "c0002",
			"source=gna-0&cwe=CWE-79&product=anvil+%22x%22":    "c0002 c0003 c0001",
			"source=gna-0&cwe=CWE-80":                          "",
		} {
			r := get(h, gcve.PublicationPath+"?"+query, "")
			if r.Code != http.StatusOK || r.Header().Get("Content-Type") != "application/json" {
				t.Errorf("%s: %d %s", query, r.Code, r.Body)
				continue
			}
			if got := ids(t, r.Body.Bytes()); got != want {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
			if again := get(h, gcve.PublicationPath+"?"+query, r.Header().Get("ETag")); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
				t.Errorf("%s: asked again, %d", query, again.Code)
			}
		}
		for _, query := range []string{"per_page=101", "page=0", "assigner=x", "since=x", "date_sort=x", "sort_order=x"} {
			if r := get(h, gcve.PublicationPath+"?"+query, ""); r.Code != http.StatusBadRequest || !strings.Contains(r.Body.String(), strings.Split(query, "=")[0]) {
				t.Errorf("%s: %d %s", query, r.Code, r.Body)
			}
		}
		// Every record of ours is one that BCP-05 allows, and an alias keeps all but what is put in.
		r := get(h, gcve.PublicationPath+"?source=gna-0&per_page=1", "")
		var list []jsontext.Value
		if err := json.Unmarshal(r.Body.Bytes(), &list); err != nil {
			t.Fatal(err)
		}
		rec, err := gcve.Read(list[0])
		if err != nil || len(rec.Check()) > 0 || rec.ID.String() != "GCVE-0-2026-0002" || rec.Document.Metadata.ID != "CVE-2026-0002" {
			t.Errorf("%+v (%v)", rec, err)
		}
		// A tag does not outlive what it was of.
		tag := get(h, gcve.PublicationPath, "").Header().Get("ETag")
		w.Clock.Add(time.Minute)
		w.put(t, w.ids[3], `{"containers":{"cna":{}}}`)
		if r := get(h, gcve.PublicationPath, tag); r.Code != http.StatusOK || ids(t, r.Body.Bytes()) != "0004 0003 0002 0001" {
			t.Errorf("after a record: %d", r.Code)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		gone := httptest.NewRecorder()
		h.ServeHTTP(gone, httptest.NewRequest(http.MethodGet, gcve.PublicationPath, nil).WithContext(ctx))
		if gone.Code != http.StatusServiceUnavailable {
			t.Errorf("a reader who went away: %d %s", gone.Code, gone.Body)
		}
	})
}

func TestDumpAndManifest(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		h := w.handler("")
		r := get(h, "/dumps/gna-65535.ndjson", "")
		var lines []string
		for s := bufio.NewScanner(r.Body); s.Scan(); {
			rec, err := gcve.Read(s.Bytes())
			if err != nil {
				t.Fatalf("%s: %v", s.Text(), err)
			}
			lines = append(lines, rec.ID.String())
		}
		if fmt.Sprint(lines) != "[GCVE-65535-2026-0001 GCVE-65535-2026-0002 GCVE-65535-2026-0003]" || r.Header().Get("Content-Type") != "application/x-ndjson" {
			t.Errorf("%s, %s", lines, r.Header())
		}
		if again := get(h, "/dumps/gna-65535.ndjson", r.Header().Get("ETag")); again.Code != http.StatusNotModified {
			t.Errorf("asked again: %d", again.Code)
		}
		for _, path := range []string{"/dumps/gna-1.ndjson", "/dumps/", "/dumps/gna-65535.json", "/api/gcve/", "/api/gcve/x"} {
			if r := get(h, path, ""); r.Code != http.StatusNotFound {
				t.Errorf("%s: %d", path, r.Code)
			}
		}

		type page struct {
			List, Checkpoint string
			Size, Next       int64
			More             bool
			Entries          []struct {
				ID, State, SHA256 string
				Leaf              int64
				Erased            bool
			}
		}
		read := func(query string) (p page) {
			t.Helper()
			r := get(h, "/api/gcve/manifest?"+query, "")
			if r.Code != http.StatusOK {
				t.Fatalf("%s: %d %s", query, r.Code, r.Body)
			}
			if err := json.Unmarshal(r.Body.Bytes(), &p, json.MatchCaseInsensitiveNames(true)); err != nil {
				t.Fatal(err)
			}
			return p
		}
		first := read("limit=2")
		if len(first.Entries) != 2 || !first.More || first.Entries[0].ID != "GCVE-65535-2026-0004" || first.Entries[0].State != "RESERVED" || first.Entries[0].SHA256 != "" ||
			first.Entries[1].State != "PUBLISHED" || len(first.Entries[1].SHA256) != 64 || !strings.HasPrefix(first.Checkpoint, "origin\n") || first.List != gatetest.List {
			t.Errorf("%+v", first)
		}
		rest := read(fmt.Sprintf("after=%d", first.Next))
		if len(rest.Entries) != 2 || rest.More {
			t.Errorf("%+v", rest)
		}
		// What is erased is told to whoever goes on from where they were, and is not published any more.
		leaf := first.Entries[1].Leaf
		if err := w.do(func(ctx context.Context, turn *gate.Turn) error {
			if err := w.Log.Erase(ctx, turn.Tx, leaf); err != nil {
				return err
			}
			_, err := turn.Emit(ctx, &event.Event{Kind: event.BodyErased, Leaf: &leaf, Reason: "personal-data"}, nil)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		gone := read(fmt.Sprintf("after=%d", rest.Next))
		if len(gone.Entries) != 1 || !gone.Entries[0].Erased || gone.Entries[0].ID != "GCVE-65535-2026-0001" || gone.Entries[0].SHA256 != "" {
			t.Errorf("%+v", gone)
		}
		if last := read(fmt.Sprintf("after=%d", gone.Next)); len(last.Entries) != 0 || last.Next != gone.Next {
			t.Errorf("%+v", last)
		}
		if got := ids(t, get(h, gcve.PublicationPath, "").Body.Bytes()); got != "0003 0002" {
			t.Errorf("published: %s", got)
		}
		for _, query := range []string{"after=x", "after=-1", "limit=99999"} {
			if r := get(h, "/api/gcve/manifest?"+query, ""); r.Code != http.StatusBadRequest {
				t.Errorf("%s: %d", query, r.Code)
			}
		}
		if _, err := w.Gate.Replay(context.Background(), false, nil); err != nil {
			t.Error(err)
		}
	})
}

func TestLookup(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	h := w.handler("")
	for text, want := range map[string]string{
		"GCVE-1-7":                       "GCVE-1-7 gna-1 https://gna.example/dumps/gna-1.ndjson [CVE-2026-0001]",
		"cve-2026-0001":                  "GCVE-1-7 gna-1 https://gna.example/dumps/gna-1.ndjson [CVE-2026-0001]; GCVE-0-2026-0001 gna-0  [CVE-2026-0001]",
		"GCVE-0-2026-0002":               "GCVE-0-2026-0002 gna-0  [CVE-2026-0002]",
		w.ids[0].String():                "GCVE-65535-2026-0001 gna-65535  []",
		w.ids[3].String():                "", // given out, nothing said
		"GCVE-9-../../etc/passwd":        "",
		"GCVE-65535-2021-XX-[222]_XX{1}": "",
	} {
		r := get(h, "/api/gcve/lookup?id="+url.QueryEscape(text), "")
		var list []struct {
			ID      string   `json:"id"`
			SaidBy  string   `json:"said_by"`
			Source  string   `json:"source"`
			Aliases []string `json:"aliases"`
			Record  jsontext.Value
		}
		if err := json.Unmarshal(r.Body.Bytes(), &list, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatalf("%s: %s: %v", text, r.Body, err)
		}
		var got []string
		for _, f := range list {
			got = append(got, fmt.Sprintf("%s %s %s %s", f.ID, f.SaidBy, f.Source, f.Aliases))
			if len(f.Record) < 20 {
				t.Errorf("%s: record %s", text, f.Record)
			}
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	if r := get(h, "/api/gcve/lookup", ""); r.Code != http.StatusBadRequest {
		t.Errorf("without an identifier: %d", r.Code)
	}
}

func TestSelf(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	h := w.handler("https://gna.example/")
	var c gcve.Conformance
	if err := json.Unmarshal(get(h, "/api/gcve/conformance", "").Body.Bytes(), &c); err != nil {
		t.Fatal(err)
	}
	if err := c.Valid(w.Clock.Now()); err != nil || c.Allocation.Allocated != 4 || c.Allocation.Published != 3 || c.Synchronization.PullAPI != "https://gna.example" {
		t.Errorf("%+v (%v)", c, err)
	}
	var a gcve.Authority
	if err := json.Unmarshal(get(h, "/api/gcve/authority", "").Body.Bytes(), &a); err != nil {
		t.Fatal(err)
	}
	// Whoever follows our entry finds the dump first, then the publication.
	if a.Base() != "https://gna.example" || a.Dumps()[0] != "https://gna.example/dumps/gna-65535.ndjson" || a.Short != "TEST" {
		t.Errorf("%+v: %q", a, a.Dumps())
	}
	if r := get(h, "/api/gcve/directory", ""); r.Code != http.StatusNotFound {
		t.Errorf("no directory yet: %d", r.Code)
	}
	for _, method := range []string{http.MethodPost, http.MethodDelete} {
		r := httptest.NewRecorder()
		h.ServeHTTP(r, httptest.NewRequest(method, gcve.PublicationPath, strings.NewReader("x")))
		if r.Code != http.StatusMethodNotAllowed || r.Header().Get("Allow") == "" {
			t.Errorf("%s: %d", method, r.Code)
		}
	}
	w.who = nil
	h = w.handler("")
	for _, path := range []string{"/api/gcve/conformance", "/api/gcve/authority", "/api/gcve/manifest", "/dumps/gna-65535.ndjson"} {
		if r := get(h, path, ""); r.Code != http.StatusNotFound {
			t.Errorf("no authority: %s %d", path, r.Code)
		}
	}
	if r := get(h, gcve.PublicationPath, ""); r.Code != http.StatusOK || strings.TrimSpace(r.Body.String()) != "[]" {
		t.Errorf("no authority: %s", r.Body)
	}
}

// intake brings what is read into another list.
type intake struct{ *world }

func (i intake) Directory(context.Context, string, []byte, []byte) error { return nil }
func (i intake) Prepare(raw []byte) (feed.Prepared, error)               { return i.Gate.Pack(event.GCVEPulled, raw) }
func (i intake) Take(_ context.Context, from gcve.GNA, source string, batch []feed.Prepared) (out []feed.Verdict, err error) {
	err = i.do(func(ctx context.Context, turn *gate.Turn) error {
		for _, b := range batch {
			v, err := room.Pull(ctx, turn.Tx, turn, from, source, b.(*event.Doc))
			if err != nil {
				return err
			}
			out = append(out, feed.Verdict(v))
		}
		return nil
	})
	return out, err
}

type cursors map[string][]byte

func (s cursors) Load(_ context.Context, name string) ([]byte, error) { return s[name], nil }
func (s cursors) Save(_ context.Context, name string, v []byte) error { s[name] = v; return nil }

// One list publishes, another one pulls: by the dump, and by pages where there is none.
func TestOneListReadsAnother(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	for _, dumps := range []bool{true, false} {
		var h http.Handler
		srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if !dumps && strings.HasPrefix(r.URL.Path, "/dumps/") {
				http.NotFound(rw, r)
				return
			}
			h.ServeHTTP(rw, r)
		}))
		defer srv.Close()
		h = w.handler(srv.URL)
		entry, err := http.Get(srv.URL + "/api/gcve/authority")
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(entry.Body)
		if err = errors.Join(err, entry.Body.Close()); err != nil {
			t.Fatal(err)
		}
		d, err := gcve.ParseDirectory([]byte("[" + string(raw) + "]"))
		if err != nil {
			t.Fatal(err)
		}
		reader := &world{World: gatetest.New(t, storetest.Open(t, storetest.SQLite(t)))}
		p := &feed.Puller{Client: srv.Client(), Intake: intake{reader}, State: cursors{}, Now: w.Clock.Now, Log: slog.New(slog.DiscardHandler)}
		s, err := p.Pull(t.Context(), d.Authorities[0])
		if err != nil || s.Verdicts["added"] != 3 || s.Records != 3 {
			t.Fatalf("%+v (%v)", s, err)
		}
		got, err := (&room.Service{DB: reader.DB, Log: reader.Log}).Lookup(t.Context(), w.ids[1].String())
		want, werr := (&room.Service{DB: w.DB, Log: w.Log}).Lookup(t.Context(), w.ids[1].String())
		if err = errors.Join(err, werr); err != nil || len(got) != 1 || string(got[0].Body) != string(want[0].Body) || got[0].Origin != gcve.GNATest || got[0].Source != s.Source {
			t.Errorf("%+v (%v)", got, err)
		}
		if s, err = p.Pull(t.Context(), d.Authorities[0]); err != nil || s.Unchanged != dumps || s.Verdicts["added"] != 0 {
			t.Errorf("again: %+v (%v)", s, err)
		}
	}
}
