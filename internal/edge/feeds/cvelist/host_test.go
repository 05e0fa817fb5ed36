package cvelist

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tasuki/internal/jobs"
	"tasuki/internal/store/storetest"
)

// host is a static mirror that can misbehave.
type host struct {
	*httptest.Server
	mu       sync.Mutex
	files    map[string][]byte
	asked    []string // path, and " 304" or " from N" where so
	fault    func(w http.ResponseWriter, r *http.Request) bool
	noRanges bool
}

func newHost(t *testing.T) *host {
	h := &host{files: map[string][]byte{}}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	raw, ok := h.files[r.URL.Path]
	fault := h.fault
	h.mu.Unlock()
	note := func(s string) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.asked = append(h.asked, r.URL.Path+s)
	}
	if fault != nil && fault(w, r) {
		note(" fault")
		return
	}
	if !ok {
		note(" 404")
		http.NotFound(w, r)
		return
	}
	etag := fmt.Sprintf(`"%x"`, sha256.Sum256(raw))
	switch {
	case r.Header.Get("If-None-Match") == etag:
		note(" 304")
	case r.Header.Get("Range") != "" && !h.noRanges:
		note(" " + r.Header.Get("Range"))
	default:
		note("")
	}
	w.Header().Set("ETag", etag)
	if h.noRanges {
		r.Header.Del("Range")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(raw))
}

func (h *host) put(path string, raw []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.files[path] = raw
}

func (h *host) setFault(f func(w http.ResponseWriter, r *http.Request) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fault = f
}

// take returns what was asked since the last take.
func (h *host) take() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	got := h.asked
	h.asked = nil
	return got
}

var epoch = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

func stamp(hours int) string {
	return epoch.Add(time.Duration(hours) * time.Hour).Format("2006-01-02T15:04:05.000Z")
}

// change makes a change set at an hour after epoch.
func change(hour int, ids ...string) string {
	var items []string
	for _, id := range ids {
		items = append(items, fmt.Sprintf(`{"cveId":%q,"cveOrgLink":"http://169.254.169.254/","githubLink":"file:///etc/passwd","dateUpdated":%q}`, id, stamp(hour)))
	}
	return fmt.Sprintf(`{"fetchTime":%q,"numberOfChanges":%d,"new":[],"updated":[%s]}`, stamp(hour), len(ids), strings.Join(items, ","))
}

// publish puts the delta files, newest first.
func (h *host) publish(changes ...string) {
	h.put("/cves/delta.json", []byte(changes[0]))
	h.put("/cves/deltaLog.json", []byte("["+strings.Join(changes, ",")+"]"))
}

func (h *host) publishBaseline(day string, entries ...entry) []byte {
	raw := makeZip(nil, entry{name: "cves.zip", raw: makeZip(nil, entries...)})
	name := day + "_all_CVEs_at_midnight.zip.zip"
	h.put("/"+name, raw)
	h.put("/baseline.json", fmt.Appendf(nil, `{"format":"tasuki-baseline/1","url":%q,"sha256":"%x","fetchTime":"%sT00:00:00Z"}`, name, sha256.Sum256(raw), day))
	return raw
}

func (h *host) record(t *testing.T, id string, hour int) {
	h.put("/"+pathOf(t, id), record(id, stamp(hour)))
}

// follower is a Sync on a real store, with a clock that only pauses move.
type follower struct {
	*Sync
	list   *list
	pauses []time.Duration
	at     time.Time
}

func newFollower(t *testing.T, h *host) *follower {
	t.Helper()
	db := storetest.Open(t, storetest.SQLite(t))
	if err := db.Migrate(t.Context(), jobs.Schema()); err != nil {
		t.Fatal(err)
	}
	f := &follower{list: newList(), at: epoch.Add(12 * time.Hour)}
	var mu sync.Mutex
	now := func() time.Time { mu.Lock(); defer mu.Unlock(); return f.at }
	f.Sync = &Sync{
		Mirror: Mirror{Base: h.URL},
		Fetch: &Fetcher{Client: NewClient(), Now: now, Sleep: func(ctx context.Context, d time.Duration) error {
			mu.Lock()
			defer mu.Unlock()
			f.pauses = append(f.pauses, d)
			return ctx.Err()
		}},
		State:    jobs.NewCursors(db, now),
		Importer: &Importer{Intake: f.list, Refusals: jobs.NewRefusals(db), Now: now},
		Dir:      t.TempDir(),
		Now:      now,
	}
	f.Importer.Limits.TempDir = t.TempDir()
	return f
}

func (f *follower) round(t *testing.T) Result {
	t.Helper()
	res, err := f.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func (f *follower) holds(t *testing.T, id string, hour int) {
	t.Helper()
	if got := f.list.updated[id]; got != stamp(hour) {
		t.Errorf("%s is of %q, expected %s", id, got, stamp(hour))
	}
}
