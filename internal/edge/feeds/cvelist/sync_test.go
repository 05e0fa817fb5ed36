package cvelist

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The ordinary life: a baseline once, then change sets, then nothing new for the price of one 304.
func TestSync(t *testing.T) {
	h, f := newHost(t), (*follower)(nil)
	f = newFollower(t, h)
	h.publishBaseline("2026-11-21", entry{name: "cves/2024/0xxx/CVE-2024-0001.json", raw: record("CVE-2024-0001", stamp(-9))},
		entry{name: "cves/2024/0xxx/CVE-2024-0002.json", raw: record("CVE-2024-0002", stamp(-8))})
	h.publish(change(2, "CVE-2024-0002", "CVE-2024-0003"), change(1, "CVE-2024-0003"), change(-2, "CVE-2024-0001"), change(-300, "CVE-1999-0001"))
	h.put("/"+pathOf(t, "CVE-2024-0001"), record("CVE-2024-0001", stamp(-2)))
	h.record(t, "CVE-2024-0002", 2)
	h.record(t, "CVE-2024-0003", 2)

	res := f.round(t)
	if res.Baseline == "" || res.Deltas != 3 || res.Fetched != 3 || res.Gap != nil || res.Pending != 0 || res.Summary.Added != 3 || res.Summary.Updated != 2 {
		t.Fatalf("first round: %+v", res)
	}
	f.holds(t, "CVE-2024-0001", -2)
	f.holds(t, "CVE-2024-0002", 2)
	f.holds(t, "CVE-2024-0003", 2)
	for _, n := range f.list.noted {
		if !strings.HasPrefix(n.Source, h.URL+"/") {
			t.Errorf("noted as %q", n.Source)
		}
	}
	if left, err := os.ReadDir(f.Dir); err != nil || len(left) != 0 {
		t.Errorf("downloads left: %v, %v", left, err)
	}

	h.take()
	if res = f.round(t); res.Fetched != 0 || res.Deltas != 0 || res.Summary.Files != 0 {
		t.Fatalf("idle round: %+v", res)
	}
	expect(t, h.take(), "/cves/delta.json 304")

	h.publish(change(3, "CVE-2024-0001"), change(2, "CVE-2024-0002", "CVE-2024-0003"), change(1, "CVE-2024-0003"), change(-2, "CVE-2024-0001"))
	h.record(t, "CVE-2024-0001", 3)
	if res = f.round(t); res.Deltas != 1 || res.Fetched != 1 || res.Summary.Updated != 1 || res.Gap != nil {
		t.Fatalf("next round: %+v", res)
	}
	f.holds(t, "CVE-2024-0001", 3)
	expect(t, h.take(), "/cves/delta.json", "/cves/deltaLog.json", "/cves/2024/0xxx/CVE-2024-0001.json")
}

// A node that slept longer than the source's log reaches back knows that it missed something, goes on, and is whole
// again with the next baseline.
func TestGapIsNoticedAndHealed(t *testing.T) {
	h := newHost(t)
	f := newFollower(t, h)
	h.publishBaseline("2026-11-21", entry{name: "CVE-2024-0001.json", raw: record("CVE-2024-0001", stamp(-9))})
	h.publish(change(1))
	f.round(t)

	h.publish(change(800, "CVE-2024-0002"), change(790))
	h.record(t, "CVE-2024-0002", 800)
	f.at = epoch.Add(801 * time.Hour)
	res := f.round(t)
	if res.Gap == nil || !strings.Contains(res.Gap.Reason, "begins at") || res.Summary.Added != 1 {
		t.Fatalf("after the gap: %+v", res)
	}
	f.holds(t, "CVE-2024-0002", 800)

	// The old baseline cannot heal it; nor is it asked for at every round.
	h.take()
	f.at = f.at.Add(10 * time.Minute)
	if res = f.round(t); res.Gap == nil || res.Baseline != "" || slices.Contains(h.take(), "/baseline.json") {
		t.Fatalf("too soon: %+v", res)
	}
	h.publishBaseline(epoch.Add(816*time.Hour).Format("2006-01-02"), entry{name: "CVE-2024-0001.json", raw: record("CVE-2024-0001", stamp(700))},
		entry{name: "CVE-2024-0002.json", raw: record("CVE-2024-0002", stamp(800))})
	f.at = epoch.Add(818 * time.Hour)
	if res = f.round(t); res.Gap != nil || res.Baseline == "" || res.Healed != 1 {
		t.Fatalf("healed: %+v", res)
	}
	f.holds(t, "CVE-2024-0001", 700)
}

// numberOfChanges that disagrees with the names, and a record that never appears, are gaps too.
func TestOtherGaps(t *testing.T) {
	h := newHost(t)
	f := newFollower(t, h)
	h.publishBaseline("2026-11-21", entry{name: "CVE-2024-0001.json", raw: one})
	h.publish(strings.Replace(change(1, "CVE-2024-0002"), `"numberOfChanges":1`, `"numberOfChanges":5`, 1), change(-30))
	h.record(t, "CVE-2024-0002", 1)
	if res := f.round(t); res.Gap == nil || !strings.Contains(res.Gap.Reason, "says 5 changes and names 1") || res.Summary.Added != 2 {
		t.Fatalf("%+v", res)
	}

	h, f = newHost(t), nil
	f = newFollower(t, h)
	h.publishBaseline("2026-11-21", entry{name: "CVE-2024-0001.json", raw: one})
	h.publish(change(1, "CVE-2024-0404", "CVE-2024-0002"), change(-30))
	h.record(t, "CVE-2024-0002", 0) // a cache still holds the older one
	res := f.round(t)
	if res.Pending != 2 || res.Gap != nil || res.Summary.Added != 2 || res.Summary.Refused != 0 {
		t.Fatalf("%+v", res)
	}
	f.holds(t, "CVE-2024-0002", 0)
	h.record(t, "CVE-2024-0002", 1)
	if res = f.round(t); res.Pending != 1 || res.Summary.Updated != 1 {
		t.Fatalf("%+v", res)
	}
	f.at = f.at.Add(25 * time.Hour)
	f.round(t)
	if res = f.round(t); res.Pending != 0 || res.Gap == nil || !strings.Contains(res.Gap.Reason, "CVE-2024-0404") {
		t.Fatalf("%+v", res)
	}
}

// big is a baseline whose download takes more than one read.
func big(n int) (all []entry) {
	for _, e := range manyRecords(n) {
		e.store = true
		all = append(all, e)
	}
	return all
}

// cutAfter ends the connection after n bytes of each answer to path.
func cutAfter(h *host, path string, n int) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != path {
			return false
		}
		h.mu.Lock()
		raw := h.files[path]
		h.mu.Unlock()
		from := 0
		if rng := r.Header.Get("Range"); rng != "" {
			from, _ = strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(rng, "bytes="), "-"))
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(raw)-1, len(raw)))
		}
		w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(raw)))
		w.Header().Set("Content-Length", strconv.Itoa(len(raw)-from))
		if from > 0 {
			w.WriteHeader(http.StatusPartialContent)
		}
		_, _ = w.Write(raw[from:min(from+n, len(raw))])
		if from+n < len(raw) {
			panic(http.ErrAbortHandler)
		}
		return true
	}
}

// A connection that breaks again and again still brings the archive, each time going on where it broke.
func TestDownloadIsContinued(t *testing.T) {
	h := newHost(t)
	f := newFollower(t, h)
	raw := h.publishBaseline("2026-11-21", big(2000)...)
	h.publish(change(1), change(-30))
	h.setFault(cutAfter(h, "/2026-11-21_all_CVEs_at_midnight.zip.zip", len(raw)/9))
	res := f.round(t)
	if res.Summary.Added != 2000 || len(f.pauses) < 8 {
		t.Fatalf("%+v after %d pauses", res, len(f.pauses))
	}
}

// A stopped download goes on in the next process; one of another version is begun anew.
func TestDownloadOutlivesTheProcess(t *testing.T) {
	for _, tc := range []string{"same", "replaced", "no ranges"} {
		t.Run(tc, func(t *testing.T) {
			h := newHost(t)
			f := newFollower(t, h)
			raw := h.publishBaseline("2026-11-21", big(2000)...)
			h.publish(change(1), change(-30))
			asset := "/2026-11-21_all_CVEs_at_midnight.zip.zip"
			ctx, cancel := context.WithCancel(t.Context())
			h.setFault(cutAfter(h, asset, len(raw)/2))
			sleep := f.Fetch.Sleep
			f.Fetch.Sleep = func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }
			if _, err := f.Run(ctx); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if len(f.list.docs) != 0 {
				t.Fatal("half a baseline was imported")
			}
			h.setFault(nil)
			f.Fetch.Sleep = sleep
			h.take()
			want := int64(2000)
			if tc == "replaced" {
				want = 2100
				h.publishBaseline("2026-11-21", big(2100)...)
			}
			h.noRanges = tc == "no ranges"
			if res := f.round(t); res.Summary.Added != want {
				t.Fatalf("%+v", res)
			}
			resumed := slices.ContainsFunc(h.take(), func(s string) bool { return strings.HasPrefix(s, asset+" bytes=") })
			if resumed != (tc != "no ranges") {
				t.Errorf("resumed: %v", resumed)
			}
		})
	}
}

func TestDigestMismatch(t *testing.T) {
	h := newHost(t)
	f := newFollower(t, h)
	raw := h.publishBaseline("2026-11-21", entry{name: "CVE-2024-0001.json", raw: one})
	bad := slices.Clone(raw)
	bad[len(bad)/2] ^= 1
	h.put("/2026-11-21_all_CVEs_at_midnight.zip.zip", bad)
	h.publish(change(1))
	if _, err := f.Run(t.Context()); !errors.Is(err, ErrDigest) {
		t.Fatalf("a tampered baseline: %v", err)
	}
	if len(f.list.docs) != 0 {
		t.Fatal("something of it was imported")
	}
	h.put("/2026-11-21_all_CVEs_at_midnight.zip.zip", raw)
	if res := f.round(t); res.Summary.Added != 1 {
		t.Fatalf("%+v", res)
	}
}

// Sources without an index: a named archive with a digest beside it in either form, and releases found by their names.
func TestWaysToABaseline(t *testing.T) {
	archive := makeZip(t, entry{name: "list-main/cves/2024/0xxx/CVE-2024-0001.json", raw: one})
	sum := fmt.Sprintf("%x", sha256.Sum256(archive))
	for _, tc := range []struct {
		name  string
		files map[string]string
		m     func(*Mirror)
		err   error
	}{
		{"named, no digest", nil, func(m *Mirror) { m.Baseline = m.Base + "/a/list.zip" }, nil},
		{"named, .sha256", map[string]string{"/a/list.zip.sha256": sum + "\n"}, func(m *Mirror) { m.Baseline = m.Base + "/a/list.zip" }, nil},
		{"named, SHA256SUMS", map[string]string{"/a/SHA256SUMS": strings.Repeat("0", 64) + "  other.zip\n" + sum + " *list.zip\n"}, func(m *Mirror) { m.Baseline = m.Base + "/a/list.zip" }, nil},
		{"named, wrong digest", map[string]string{"/a/list.zip.sha256": strings.Repeat("0", 64)}, func(m *Mirror) { m.Baseline = m.Base + "/a/list.zip" }, ErrDigest},
		{"named, a page for a digest", map[string]string{"/a/list.zip.sha256": "<html>sorry</html>"}, func(m *Mirror) { m.Baseline = m.Base + "/a/list.zip" }, nil},
		{"releases", nil, func(m *Mirror) { m.Releases = m.Base + "/releases/download" }, nil},
		{"none", nil, func(m *Mirror) {}, ErrNoBaseline},
		{"index leads elsewhere", map[string]string{"/baseline.json": `{"format":"tasuki-baseline/1","url":"http://169.254.169.254/x","sha256":"` + sum + `","fetchTime":"2026-11-21T00:00:00Z"}`}, func(m *Mirror) {}, ErrIndex},
		{"index of another kind", map[string]string{"/baseline.json": `{"format":"x"}`}, func(m *Mirror) {}, ErrIndex},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHost(t)
			f := newFollower(t, h)
			h.put("/a/list.zip", archive)
			// Twelve o'clock has no release, nor has eleven; ten o'clock's has the archive with its suffix doubled.
			h.put("/releases/download/cve_2026-11-21_1000Z/2026-11-21_all_CVEs_at_midnight.zip.zip", archive)
			for path, text := range tc.files {
				h.put(path, []byte(text))
			}
			h.publish(change(1), change(-300))
			tc.m(&f.Mirror)
			res, err := f.Run(t.Context())
			if !errors.Is(err, tc.err) || (tc.err == nil) != (res.Summary.Added == 1) {
				t.Fatalf("%+v, %v", res, err)
			}
		})
	}
}

// Servers that fail for a while are asked again, with growing pauses and as late as they ask for.
func TestServerErrors(t *testing.T) {
	h := newHost(t)
	f := newFollower(t, h)
	h.publishBaseline("2026-11-21", entry{name: "CVE-2024-0001.json", raw: one})
	h.publish(change(1), change(-30))
	statuses := []int{503, 429, 500}
	var mu sync.Mutex
	h.setFault(func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path != "/cves/delta.json" || len(statuses) == 0 {
			return false
		}
		status := statuses[0]
		statuses = statuses[1:]
		if status == 429 {
			w.Header().Set("Retry-After", "7")
		}
		w.WriteHeader(status)
		return true
	})
	if res := f.round(t); res.Summary.Added != 1 {
		t.Fatalf("%+v", res)
	}
	if want := []time.Duration{500 * time.Millisecond, 7 * time.Second, 2 * time.Second}; !slices.Equal(f.pauses, want) {
		t.Errorf("paused %v, expected %v", f.pauses, want)
	}

	// One that asks for hours ends the round; so does one that never comes back. The list is unharmed.
	for _, retry := range []string{"", "7200", "Sun, 22 Nov 2026 12:00:00 GMT"} {
		f.pauses = nil
		h.setFault(func(w http.ResponseWriter, r *http.Request) bool {
			if retry != "" {
				w.Header().Set("Retry-After", retry)
			}
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		})
		if _, err := f.Run(t.Context()); !errors.Is(err, ErrServer) {
			t.Fatal(err)
		}
		if (retry == "") != (len(f.pauses) == 4) {
			t.Errorf("%q: paused %v", retry, f.pauses)
		}
	}
}

// A server that dies in the middle of a queue leaves the rest in the queue.
func TestServerDiesInTheQueue(t *testing.T) {
	h := newHost(t)
	f := newFollower(t, h)
	f.Parallel = 1
	h.publishBaseline("2026-11-21", entry{name: "CVE-2024-0001.json", raw: one})
	var ids []string
	for i := range 40 {
		id := fmt.Sprintf("CVE-2024-%d", 2000+i)
		ids = append(ids, id)
		h.record(t, id, 1)
	}
	h.publish(change(1, ids...), change(-30))
	h.setFault(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "CVE-2024-201") || strings.Contains(r.URL.Path, "CVE-2024-202") {
			w.WriteHeader(http.StatusBadGateway)
			return true
		}
		return false
	})
	f.Fetch.Tries = 1
	res, err := f.Run(t.Context())
	if !errors.Is(err, ErrServer) || res.Summary.Added != 11 || res.Pending != 30 {
		t.Fatalf("%+v, %v", res, err)
	}
	h.setFault(nil)
	h.take()
	if res = f.round(t); res.Summary.Added != 30 || res.Pending != 0 {
		t.Fatalf("%+v", res)
	}
	if got := h.take(); got[0] != "/cves/delta.json 304" {
		t.Errorf("asked %v first", got[0])
	}
}

// What a hostile source can send changes nothing but the list of refused files.
func TestHostileSource(t *testing.T) {
	h := newHost(t)
	f := newFollower(t, h)
	h.publishBaseline("2026-11-21", entry{name: "CVE-2024-0001.json", raw: one}, entry{name: "../../CVE-2024-0002.json", raw: two})
	h.publish(change(1, "CVE-2024-0005", "CVE-2024-0006", "CVE-2024-0007"), change(-30))
	h.put("/"+pathOf(t, "CVE-2024-0005"), one)
	h.put("/"+pathOf(t, "CVE-2024-0006"), bytes.Repeat([]byte(" "), 9<<20))
	h.put("/"+pathOf(t, "CVE-2024-0007"), []byte("<html>"))
	res := f.round(t)
	if res.Summary.Added != 1 || res.Summary.Refused != 4 || res.Pending != 3 {
		t.Fatalf("%+v", res)
	}
	rows, err := f.Importer.Refusals.List(t.Context(), Feed)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, r := range rows {
		codes = append(codes, r.Code)
	}
	slices.Sort(codes)
	expect(t, codes, "invalid-json", "too-large", "unsafe-path", "wrong-id")

	// What was refused is asked for again, and goes from the list when it is mended.
	h.publish(change(2, "CVE-2024-0005"), change(1, "CVE-2024-0005", "CVE-2024-0006", "CVE-2024-0007"))
	h.record(t, "CVE-2024-0005", 2)
	h.put("/"+pathOf(t, "CVE-2024-0006"), nil) // asked for again: now it is empty
	h.record(t, "CVE-2024-0007", 1)
	if res = f.round(t); res.Summary.Added != 2 || res.Pending != 1 {
		t.Fatalf("%+v", res)
	}
	if rows, err = f.Importer.Refusals.List(t.Context(), Feed); err != nil || len(rows) != 2 {
		t.Fatalf("%+v, %v", rows, err)
	}

	for name, deltas := range map[string]string{
		"an identifier that climbs": `{"fetchTime":"2026-11-21T09:00:00Z","numberOfChanges":1,"new":[{"cveId":"CVE-2024-../../x"}]}`,
		"no time":                   `{"numberOfChanges":0}`,
		"no JSON":                   `<html>`,
		"a list":                    `[]`,
	} {
		h.put("/cves/delta.json", []byte(deltas))
		if _, err := f.Run(t.Context()); !errors.Is(err, ErrDelta) {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.put("/cves/delta.json", []byte(change(4)))
	h.put("/cves/deltaLog.json", []byte(`[{"fetchTime":3}]`))
	if _, err := f.Run(t.Context()); !errors.Is(err, ErrDelta) {
		t.Errorf("a damaged log: %v", err)
	}
}

// An archive of nothing usable is no baseline.
func TestUselessBaseline(t *testing.T) {
	for name, entries := range map[string][]entry{"empty": nil, "all refused": {{name: "CVE-2024-0001.json", raw: []byte("{")}}} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			f := newFollower(t, h)
			h.publishBaseline("2026-11-21", entries...)
			h.publish(change(1), change(-30))
			if _, err := f.Run(t.Context()); !errors.Is(err, ErrBaseline) {
				t.Fatal(err)
			}
			h.publishBaseline("2026-11-21", entry{name: "CVE-2024-0001.json", raw: one})
			if res := f.round(t); res.Summary.Added != 1 {
				t.Fatalf("%+v", res)
			}
		})
	}
}

// Holes that nobody can notice are closed by a baseline now and then.
func TestRenewal(t *testing.T) {
	h := newHost(t)
	f := newFollower(t, h)
	h.publishBaseline("2026-11-21", entry{name: "CVE-2024-0001.json", raw: one})
	h.publish(change(1), change(-30))
	f.round(t)
	f.at = f.at.Add(8 * 24 * time.Hour)
	h.publishBaseline("2026-11-29", entry{name: "CVE-2024-0001.json", raw: one}, entry{name: "CVE-2024-12345.json", raw: two})
	res := f.round(t)
	if res.Baseline == "" || res.Healed != 1 || !strings.Contains(res.String(), "1 healed") {
		t.Fatalf("%+v", res)
	}
}

func TestLocate(t *testing.T) {
	for from, want := range map[string]Mirror{
		"https://github.com/CVEProject/cvelistV5":              {Base: "https://raw.githubusercontent.com/CVEProject/cvelistV5/main", Releases: "https://github.com/CVEProject/cvelistV5/releases/download"},
		"https://github.com/CVEProject/cvelistV5.git/":         {Base: "https://raw.githubusercontent.com/CVEProject/cvelistV5/main", Releases: "https://github.com/CVEProject/cvelistV5/releases/download"},
		"https://github.com/cisagov/vulnrichment/tree/develop": {Base: "https://raw.githubusercontent.com/cisagov/vulnrichment/develop", Releases: "https://github.com/cisagov/vulnrichment/releases/download"},
		"http://mirror.example/list/":                          {Base: "http://mirror.example/list"},
	} {
		if got, err := Locate(from); err != nil || got != want {
			t.Errorf("%s: %+v, %v", from, got, err)
		}
	}
	for _, from := range []string{"", "list", "/srv/list", "ftp://host/x", "https://github.com/CVEProject", "https://host/?q=1", "http://"} {
		if got, err := Locate(from); !errors.Is(err, ErrFrom) {
			t.Errorf("%q: %+v, %v", from, got, err)
		}
	}
}

// FuzzDelta: what parses names identifiers that build a path of the list, newest change set first.
func FuzzDelta(f *testing.F) {
	f.Add([]byte("[" + change(2, "CVE-2024-0001") + "," + change(1) + "]"))
	f.Add([]byte(`[{"fetchTime":"2024-01-01T00:00:00","numberOfChanges":1,"error":[{"cveId":"CVE-2024-99999","dateUpdated":"x"}]}]`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		all, err := ParseDeltaLog(raw)
		if err != nil {
			if !errors.Is(err, ErrDelta) {
				t.Error(err)
			}
			return
		}
		for i, d := range all {
			if i > 0 && d.FetchTime.After(all[i-1].FetchTime) {
				t.Error("not newest first")
			}
			for _, c := range d.Changes {
				if checkPath(c.ID.Path()) != nil {
					t.Errorf("%v builds %s", c.ID, c.ID.Path())
				}
			}
		}
	})
}
