package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/internal/edge/serve/page"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/store/storetest"
)

// world is a whole list over the real records of testdata: what the pages show of it is what they show of any list. It can be
// broken, and it remembers what it was asked.
type world struct {
	*catalogue.Service
	list  *gatetest.World
	views []*catalogue.View // every record

	cold bool // its index is still being read

	mu     sync.Mutex
	broken error
	asked  []catalogue.Query
}

var now = time.Date(2026, 11, 21, 21, 0, 10, 0, time.UTC)

// empty is a list without a record, at an hour before now.
func empty(t testing.TB) *world {
	t.Helper()
	w := gatetest.New(t, storetest.Open(t, storetest.SQLite(t)))
	w.Clock.Add(now.Add(-time.Hour).Sub(w.Clock.Now()))
	return &world{Service: w.Catalogue, list: w}
}

// load is a list of the records of testdata. CVE-2024-4879 has two versions: it was first heard of a day ago, without a score.
func load(t testing.TB) *world {
	t.Helper()
	files, err := filepath.Glob("testdata/records/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no records", err)
	}
	w := empty(t)
	var raws [][]byte
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		raws = append(raws, raw)
		if strings.Contains(name, "CVE-2024-4879") {
			w.list.Clock.Add(-24 * time.Hour)
			w.add(t, []byte(strings.NewReplacer(`"dateUpdated": "2024-08-01`, `"dateUpdated": "2024-07-20`, `"metrics"`, `"x_metrics"`).Replace(string(raw))))
			w.list.Clock.Add(24 * time.Hour)
		}
	}
	w.add(t, raws...)
	return w
}

// many is a list of n small records, one an hour before the next.
func many(t testing.TB, n int) *world {
	t.Helper()
	w := empty(t)
	raws := make([][]byte, n)
	for i := range raws {
		raws[i] = fmt.Appendf(nil, `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"CVE-2026-%d","assignerOrgId":"%[2]s",
"assignerShortName":"acme","state":"PUBLISHED","datePublished":"%[3]s","dateUpdated":"%[3]s"},"containers":{"cna":{"providerMetadata":{"orgId":"%[2]s"},
"descriptions":[{"lang":"en","value":"Record %[1]d of many."}],"affected":[{"vendor":"Vendor %[4]d","product":"Product %[1]d","versions":[{"version":"1","status":"affected"}]}],
"references":[{"url":"https://example.com/%[1]d"}]}}}`, 10000+i, gatetest.Operator, now.Add(-time.Duration(i)*time.Hour).Format("2006-01-02T15:04:05.000Z"), i%70)
	}
	w.add(t, raws...)
	return w
}

func (w *world) add(t testing.TB, raws ...[]byte) {
	t.Helper()
	w.list.Import(t, raws...)
	w.views = nil
	if err := w.Each(context.Background(), func(v *catalogue.View) error { w.views = append(w.views, v); return nil }); err != nil {
		t.Fatal(err)
	}
}

func (w *world) fault() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.broken
}

func (w *world) Ready() (bool, int64) {
	ready, size := w.Service.Ready()
	return ready && !w.cold, size
}

func (w *world) Get(ctx context.Context, id string) (*catalogue.View, error) {
	if err := w.fault(); err != nil {
		return nil, err
	}
	return w.Service.Get(ctx, id)
}

func (w *world) Search(ctx context.Context, q catalogue.Query) (*catalogue.Page, error) {
	if err := w.fault(); err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.asked = append(w.asked, q)
	w.mu.Unlock()
	return w.Service.Search(ctx, q)
}

// fakeStatus is a node of many records with a source that has gone stale.
type fakeStatus struct {
	node page.Node
	err  error
}

func (s *fakeStatus) Status(context.Context) (page.Node, error) { return s.node, s.err }

func status(w *world) *fakeStatus {
	return &fakeStatus{node: page.Node{
		ListID: "9c1f00aa5d77e0139c1f00aa5d77e0139c1f00aa5d77e0139c1f00aa5d77e013", Origin: "tasuki/9c1f00aa5d77e013/1-first",
		Records: int64(len(w.views)), Size: 60, Checkpoint: now.Add(-3 * time.Second),
		Sources: []page.Source{
			{Name: "CVE List", Checked: now.Add(-3 * time.Minute)},
			{Name: "KEV", Checked: now.Add(-9 * 24 * time.Hour), Stale: true},
		},
	}}
}

func handler(t testing.TB, w *world) http.Handler {
	t.Helper()
	return handlerOf(w, newLedger(t, w.list), intakeOf{imports: 3})
}

func handlerOf(w *world, l Ledger, i Intake) http.Handler {
	return handlerKept(w, l, i, alone)
}

// handlerKept is handlerOf with who keeps the list.
func handlerKept(w *world, l Ledger, i Intake, c Continuity) http.Handler {
	return Handler(Options{Kit: page.Kit{Status: status(w), Log: discard, Now: fixed, BaseURL: "http://localhost:8080"}, Catalogue: w, Ledger: l, Intake: i, Continuity: c,
		OpenAPI: func() []byte { return []byte(sampleAPI) }})
}

// handlerAt is handler with the time that the pages believe it is.
func handlerAt(t testing.TB, w *world, at time.Time) http.Handler {
	t.Helper()
	return Handler(Options{Kit: page.Kit{Status: status(w), Log: discard, Now: func() time.Time { return at }, BaseURL: "http://localhost:8080"}, Catalogue: w, Ledger: newLedger(t, w.list), Intake: intakeOf{}})
}

var discard = slog.New(slog.DiscardHandler)

func fixed() time.Time { return now }

var errBroken = errors.New("disk at /secret/place")
