package cveservices

import (
	"archive/zip"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/loadtest"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve/schema"
)

var (
	bareMake = store.Inline("bare make", "CREATE TABLE bench_bare (n INTEGER PRIMARY KEY, v BIGINT NOT NULL)")
	barePut  = store.Inline("bare put", "INSERT INTO bench_bare (n, v) VALUES (1, ?) ON CONFLICT (n) DO UPDATE SET v = excluded.v")
)

// inside measures how long commands take inside their transactions: from the moment the gate looks at the clock, which is the
// first thing that an act does there, until the last projection has folded, for each leaf. It stands last among the projections.
type inside struct {
	gate.Projection
	mu    sync.Mutex
	now   func() time.Time
	began time.Time
	took  []time.Duration
}

func (i *inside) Now() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.began.IsZero() {
		i.began = time.Now()
	}
	return i.now()
}

func (i *inside) Prepare(event.Kind, *event.Doc) error { return nil }

func (i *inside) Fold(context.Context, *store.Tx, *event.Entry) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.took, i.began = append(i.took, time.Since(i.began)), time.Time{}
	return nil
}

// drain returns what was measured and begins anew.
func (i *inside) drain() []time.Duration {
	i.mu.Lock()
	defer i.mu.Unlock()
	out := i.took
	i.took, i.began = nil, time.Time{}
	return out
}

func p50(all []time.Duration) float64 {
	slices.Sort(all)
	return all[len(all)/2].Seconds() * 1000
}

// medianBody is the body that publishes the record of the sample whose length is nearest to the median of those that comply.
func medianBody(tb testing.TB) string {
	tb.Helper()
	z, err := zip.OpenReader(filepath.Join("..", "..", "..", "..", "cmd", "tasuki", "sample", "cve5-sample-500.zip"))
	if err != nil {
		tb.Fatal(err)
	}
	defer z.Close() //nolint:errcheck // it was read
	v, err := schema.NewValidator()
	if err != nil {
		tb.Fatal(err)
	}
	var bodies []string
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			tb.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			tb.Fatal(err)
		}
		var record struct {
			Containers struct {
				CNA jsontext.Value `json:"cna"`
			} `json:"containers"`
		}
		if !strings.HasSuffix(f.Name, ".json") || json.Unmarshal(raw, &record) != nil {
			continue
		}
		body := `{"cnaContainer":` + string(record.Containers.CNA) + `}`
		if len(v.BodyFailures(schema.CNAPublished, []byte(body))) == 0 {
			bodies = append(bodies, body)
		}
	}
	slices.SortFunc(bodies, func(a, b string) int { return len(a) - len(b) })
	return bodies[len(bodies)/2]
}

// bench is a world that is measured: its commands inside their transactions, its requests as a client sees them, and beside each a bare
// transaction with its fsync.
type bench struct {
	*testing.B
	w      *world
	clock  *inside
	client *http.Client
	bare   []time.Duration
}

func newBench(b *testing.B, db *store.DB) *bench {
	w := newWorld(b, db, RateLimit{})
	clock := &inside{now: w.Clock.Now}
	w.Gate.Now, w.Gate.Projections = clock.Now, append(slices.Clip(w.Gate.Projections), clock)
	if err := db.Update(b.Context(), func(tx *store.Tx) error { _, err := tx.Exec(b.Context(), bareMake); return err }); err != nil {
		b.Fatal(err)
	}
	m := &bench{B: b, w: w, clock: clock, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}}
	b.Cleanup(m.client.CloseIdleConnections)
	return m
}

// send sends a request that has to succeed.
func (m *bench) send(method, path, body string) {
	r, err := http.NewRequestWithContext(m.Context(), method, m.w.url+"/api/"+path, strings.NewReader(body))
	if err != nil {
		m.Error(err)
		return
	}
	as(r, "acme/ann")
	reply, err := m.client.Do(r)
	if err != nil {
		m.Error(err)
		return
	}
	defer reply.Body.Close() //nolint:errcheck // it was read
	said, err := io.ReadAll(reply.Body)
	if err != nil || reply.StatusCode != http.StatusOK {
		m.Errorf("%d %.500s (%v)", reply.StatusCode, said, err)
	}
}

// alone sends one request after the other, with a bare transaction before each, and reports both times at p50, and how often
// PostgreSQL was waited for.
func (m *bench) alone(name string, n int, do func(i int)) {
	var all, inside []time.Duration
	var journeys int64
	for i := range n {
		began := time.Now()
		if err := m.w.DB.Update(m.Context(), func(tx *store.Tx) error { _, err := tx.Exec(m.Context(), barePut, i); return err }); err != nil {
			m.Fatal(err)
		}
		m.bare = append(m.bare, time.Since(began))
		m.clock.drain()
		before := m.w.DB.Journeys()
		began = time.Now()
		do(i)
		all = append(all, time.Since(began))
		journeys += m.w.DB.Journeys() - before
		var sum time.Duration // of its leaves
		for _, d := range m.clock.drain() {
			sum += d
		}
		inside = append(inside, sum)
	}
	m.ReportMetric(p50(inside), name+"-inside-p50-ms")
	m.ReportMetric(p50(all), name+"-whole-p50-ms")
	m.ReportMetric(p50(m.bare), "bare-p50-ms")
	if journeys > 0 {
		m.ReportMetric(float64(journeys)/float64(n), name+"-journeys")
	}
}

// together sends n requests from 32 clients and reports how many were answered in a second, and what each cost this process, its
// client included: on a machine that others use, processor time says what the wall clock cannot.
func (m *bench) together(n int, do func(i int)) {
	var next atomic.Int64
	var clients sync.WaitGroup
	journeys := m.w.DB.Journeys()
	user, system := loadtest.Processor()
	began := time.Now()
	for range 32 {
		clients.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	clients.Wait()
	took := time.Since(began)
	after, afterSystem := loadtest.Processor()
	if journeys = m.w.DB.Journeys() - journeys; journeys > 0 {
		m.ReportMetric(float64(journeys)/float64(n), "32-clients-journeys")
	}
	m.ReportMetric(float64(n)/took.Seconds(), "32-clients/s")
	m.ReportMetric((after+afterSystem-user-system).Seconds()*1000/float64(n), "32-clients-cpu-ms/request")
}

func benchEngines(b *testing.B, run func(m *bench)) {
	for engine, dsn := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(engine, func(b *testing.B) {
			for b.Loop() {
				run(newBench(b, storetest.Open(b, dsn(b))))
			}
		})
	}
}

// BenchmarkPublish measures POST and PUT /api/cve/{id}/cna of the median record, credentials and HTTP included, against a bare
// transaction with its fsync in the same run. Budgets: inside the transaction 3 ms beside the bare one, the whole request the bare one
// and 5 ms at p50, 500 per second from 32 clients.
func BenchmarkPublish(b *testing.B) {
	body := medianBody(b)
	benchEngines(b, func(m *bench) {
		const alone = 200
		ids := m.w.reserve(m, "acme/ann", 1000)
		publish := func(method, id string) { m.send(method, "cve/"+id+"/cna", body) }
		publish("POST", ids[0]) // connects
		m.alone("publish", alone, func(i int) { publish("POST", ids[1+i]) })
		m.alone("update", alone, func(i int) { publish("PUT", ids[i]) })
		rest := ids[1+alone:]
		m.together(len(rest), func(i int) { publish("POST", rest[i]) })
	})
}

// BenchmarkReserve measures POST /api/cve-id for one identifier, in turn of the priority block, in sequence and out of it. Budgets: inside
// the transaction 1 ms beside the bare one, the whole request the bare one and 5 ms at p50, 1,000 per second from 32 clients.
func BenchmarkReserve(b *testing.B) {
	benchEngines(b, func(m *bench) {
		m.w.do(m, func(ctx context.Context, turn *gate.Turn) error {
			o, err := authority.GetOrg(ctx, turn.Tx, turn.Now(), "acme")
			if err == nil {
				_, err = authority.ChangeOrg(ctx, turn.Tx, turn, o.ID, authority.OrgChange{Quota: new(int64(100_000))})
			}
			return err
		})
		reserve := func(i int) {
			m.send("POST", "cve-id?amount=1&short_name=acme&cve_year=2026"+[]string{"", "&batch_type=sequential", "&batch_type=nonsequential"}[i%3], "")
		}
		reserve(2) // connects, and fills the pool
		m.alone("reserve", 300, reserve)
		m.together(2000, reserve)
	})
}
