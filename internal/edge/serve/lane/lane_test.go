package lane_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tasuki/internal/edge/serve/cveservices"
	servelane "tasuki/internal/edge/serve/lane"
	"tasuki/internal/event"
	"tasuki/internal/lane"
)

const (
	ann    = "acme/ann@acme.test"
	record = `{"cnaContainer":{"descriptions":[{"lang":"en","value":"Flaw %d."}],"affected":[{"vendor":"Acme","product":"Rocket",` +
		`"versions":[{"version":"1","status":"affected"}]}],"references":[{"url":"https://acme.example/1"}]}}`
)

// What was told before the node stopped is told after it started again, who asked included.
func TestRestart(t *testing.T) {
	w := newWorld(t, t.TempDir())
	defer w.close(t)
	w.ask("POST", "/api/cve-id?amount=3&batch_type=sequential&cve_year=2026&short_name=acme", ann, "")
	w.add(time.Minute)
	if rec := w.ask("POST", "/api/cve/CVE-2026-30002/cna", ann, fmt.Sprintf(record, 1)); rec.Code != 200 {
		t.Fatal(rec.Code, rec.Body)
	}
	for n := range 4 {
		w.add(time.Duration(1-n) * time.Second) // a clock that goes back: events follow each other all the same
		if rec := w.ask("PUT", "/api/cve/CVE-2026-30002/cna", ann, fmt.Sprintf(record, n+2)); rec.Code != 200 {
			t.Fatal(rec.Code, rec.Body)
		}
	}
	questions := []string{"/api/cve-id", "/api/cve-id/CVE-2026-30001", "/api/cve/CVE-2026-30002", "/api/org/acme/id_quota"}
	var before []string
	for _, q := range questions {
		before = append(before, w.ask("GET", q, ann, "").Body.String())
	}
	if !strings.Contains(before[2], "Flaw 5.") {
		t.Fatal(before[2])
	}
	// A line that was cut off forgets who asked for what it named, and nothing else.
	if err := w.folder.Append("asked", []byte(`{"user":"x","ids":["CVE-2026-3`)); err != nil {
		t.Fatal(err)
	}
	w.open(t)
	for i, q := range questions {
		if got := w.ask("GET", q, ann, "").Body.String(); got != before[i] {
			t.Errorf("%s:\n%s\nbefore\n%s", q, got, before[i])
		}
	}
}

// However many ask at once: every number is one request's, and the events about an identifier are one line.
func TestAtOnce(t *testing.T) {
	w := newWorld(t, t.TempDir())
	defer w.close(t)
	var mu sync.Mutex
	told := map[string]bool{}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			rec := w.ask("POST", "/api/cve-id?amount=2&batch_type=sequential&cve_year=2026&short_name=acme", ann, "")
			var got struct {
				IDs []struct {
					ID string `json:"cve_id"`
				} `json:"cve_ids"`
			}
			if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || len(got.IDs) != 2 {
				t.Error(rec.Code, rec.Body)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, i := range got.IDs {
				if told[i.ID] {
					t.Errorf("%s was told twice", i.ID)
				}
				told[i.ID] = true
			}
		})
	}
	all.Wait()
	created := 0
	for n := range 8 {
		all.Go(func() {
			rec := w.ask("POST", "/api/cve/CVE-2026-30001/cna", ann, fmt.Sprintf(record, n))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case rec.Code == 200:
				created++
			case rec.Code != 403 || !strings.Contains(rec.Body.String(), "CVE_RECORD_EXISTS"):
				t.Error(rec.Code, rec.Body)
			}
		})
	}
	all.Wait()
	for n := range 8 {
		all.Go(func() {
			if rec := w.ask("PUT", "/api/cve/CVE-2026-30001/cna", ann, fmt.Sprintf(record, n)); rec.Code != 200 {
				t.Error(rec.Code, rec.Body)
			}
		})
	}
	all.Wait()
	waiting, err := w.outbox.Waiting()
	if err != nil || created != 1 || len(waiting) != 9 || w.kept != 9 {
		t.Fatalf("%d created, %d wait, %d told: %v", created, len(waiting), w.kept, err)
	}
	prev := map[string]bool{}
	for _, item := range waiting {
		_, e, err := event.ParseSubmission(item.Submission)
		if err != nil || prev[e.Prev] {
			t.Fatalf("two events follow %q: %v", e.Prev, err)
		}
		prev[e.Prev] = true
	}
}

// A record that was begun elsewhere goes on from what the list shows: it keeps its first date and the containers of others.
func TestElsewhere(t *testing.T) {
	w := newWorld(t, t.TempDir())
	defer w.close(t)
	w.ask("POST", "/api/cve-id?amount=1&cve_year=2026&short_name=acme", ann, "")
	w.base = []byte(`{"dataType":"CVE_RECORD","dataVersion":"5.2","cveMetadata":{"cveId":"CVE-2026-30001","assignerOrgId":"` + acme + `","state":"PUBLISHED",` +
		`"assignerShortName":"acme","datePublished":"2026-01-02T03:04:05.000Z"},"containers":{"cna":{"providerMetadata":{"orgId":"` + acme + `"},"descriptions":[` +
		`{"lang":"en","value":"Old."}],"affected":[{"vendor":"Acme","product":"Rocket","versions":[{"version":"1","status":"affected"}]}],` +
		`"references":[{"url":"https://a.example/"}]},` +
		`"adp":[{"providerMetadata":{"orgId":"1f0c5bd0-0000-4000-8000-000000000002"},"title":"Enriched"}]}}`)
	w.prev["CVE-2026-30001"] = strings.Repeat("ab", 32)
	rec := w.ask("PUT", "/api/cve/CVE-2026-30001/cna", ann, fmt.Sprintf(record, 1))
	for _, want := range []string{`"datePublished":"2026-01-02T03:04:05.000Z"`, "Enriched", "Flaw 1."} {
		if rec.Code != 200 || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%d, without %s: %s", rec.Code, want, rec.Body)
		}
	}
}

// A page of another origin learns nothing, and one that was named is let in.
func TestGuard(t *testing.T) {
	w := newWorld(t, t.TempDir())
	defer w.close(t)
	guarded := servelane.Guard{Next: w.handler, Origins: []string{"https://editor.example"}, Refuse: cveservices.Refuse}
	if guarded.LogPath("/api/org/acme/user/ann@acme.test") != "/api/org/acme/user/{username}" {
		t.Error("a username would stand in the log")
	}
	for header, want := range map[string]int{"": 200, "Origin: https://editor.example": 200, "Origin: https://other.example": 400, "Origin: null": 400,
		"Sec-Fetch-Site: cross-site": 400, "Sec-Fetch-Site: same-origin": 200} {
		r := httptest.NewRequest(http.MethodGet, "/api/cve-id/CVE-2026-30001", nil)
		if name, value, ok := strings.Cut(header, ": "); ok {
			r.Header.Set(name, value)
		}
		rec := httptest.NewRecorder()
		guarded.ServeHTTP(rec, r)
		if rec.Code != want || want == 400 && strings.Contains(rec.Body.String(), "RESERVED") {
			t.Errorf("%q: %d %s", header, rec.Code, rec.Body)
		}
	}
}

// A key is good until it is taken back, at once, and stands nowhere on disk.
func TestKeys(t *testing.T) {
	w := newWorld(t, t.TempDir())
	defer w.close(t)
	people := lane.People{Dir: w.folder.Path()}
	key, err := people.Add(w.random, w.clock(), "eve@acme.test")
	if err != nil || len(key) != 36 {
		t.Fatal(key, err)
	}
	ask := func(key string) int { return w.ask("GET", "/api/org/acme", "acme/eve@acme.test "+key, "").Code }
	if code := ask(key); code != 200 {
		t.Error(code)
	}
	again, err := people.Add(w.random, w.clock(), "eve@acme.test")
	if err != nil || ask(key) != 401 || ask(again) != 200 || ask(w.key) != 401 {
		t.Error("the new key did not take the place of the old one", err)
	}
	err = filepath.WalkDir(w.folder.Path(), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if strings.Contains(string(raw), again) {
			t.Errorf("the key stands in %s", path)
		}
		return err
	})
	if err := people.Remove("eve@acme.test"); err != nil || ask(again) != 401 {
		t.Error("it is good after it was taken back", err)
	}
	if err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "a", "..", "../eve", ".hidden", "a b c", "é-é-é", strings.Repeat("x", 129)} {
		if _, err := people.Add(w.random, w.clock(), bad); err == nil {
			t.Errorf("%q can be a username", bad)
		}
	}
}
