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

	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve/schema"
)

var (
	bareMake = store.Inline("bare make", "CREATE TABLE bench_bare (n INTEGER PRIMARY KEY, v BIGINT NOT NULL)")
	barePut  = store.Inline("bare put", "INSERT INTO bench_bare (n, v) VALUES (1, ?) ON CONFLICT (n) DO UPDATE SET v = excluded.v")
)

// inside measures how long commands take inside their transactions: from the moment the gate looks at the clock, which is the
// first thing that an act does there, until the last projection has folded. It stands last among the projections.
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

// BenchmarkPublish measures POST and PUT /api/cve/{id}/cna of the median record, credentials and HTTP included, against a bare
// transaction with its fsync in the same run. Budgets: inside the transaction 3 ms beside the bare one, the whole request the bare one
// and 5 ms at p50, 500 per second from 32 clients.
func BenchmarkPublish(b *testing.B) {
	body := medianBody(b)
	for engine, dsn := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(engine, func(b *testing.B) {
			for b.Loop() {
				benchPublish(b, storetest.Open(b, dsn(b)), body)
			}
		})
	}
}

func benchPublish(b *testing.B, db *store.DB, body string) {
	ctx := context.Background()
	w := newWorld(b, db, RateLimit{})
	ids := w.reserve(b, "acme/ann", 1000)
	clock := &inside{now: w.Clock.Now}
	w.Gate.Now, w.Gate.Projections = clock.Now, append(slices.Clip(w.Gate.Projections), clock)
	if err := db.Update(ctx, func(tx *store.Tx) error { _, err := tx.Exec(ctx, bareMake); return err }); err != nil {
		b.Fatal(err)
	}
	var bare []time.Duration
	measure := func(n int, do func(i int)) (all []time.Duration) {
		for i := range n {
			began := time.Now()
			if err := db.Update(ctx, func(tx *store.Tx) error { _, err := tx.Exec(ctx, barePut, i); return err }); err != nil {
				b.Fatal(err)
			}
			bare = append(bare, time.Since(began))
			began = time.Now()
			do(i)
			all = append(all, time.Since(began))
		}
		return all
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}
	defer client.CloseIdleConnections()
	send := func(method, id string) {
		r, err := http.NewRequestWithContext(ctx, method, w.url+"/api/cve/"+id+"/cna", strings.NewReader(body))
		if err != nil {
			b.Error(err)
			return
		}
		as(r, "acme/ann")
		reply, err := client.Do(r)
		if err != nil {
			b.Error(err)
			return
		}
		defer reply.Body.Close() //nolint:errcheck // it was read
		said, err := io.ReadAll(reply.Body)
		if err != nil || reply.StatusCode != http.StatusOK {
			b.Errorf("%d %.500s (%v)", reply.StatusCode, said, err)
		}
	}
	const alone = 200
	send("POST", ids[0]) // connects
	clock.drain()
	posts := measure(alone, func(i int) { send("POST", ids[1+i]) })
	in := clock.drain()
	puts := measure(alone, func(i int) { send("PUT", ids[i]) })
	again := clock.drain()

	rest := ids[1+alone:]
	var next atomic.Int64
	var clients sync.WaitGroup
	began := time.Now()
	for range 32 {
		clients.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(rest) {
					return
				}
				send("POST", rest[i])
			}
		})
	}
	clients.Wait()
	rate := float64(len(rest)) / time.Since(began).Seconds()
	b.ReportMetric(p50(bare), "bare-p50-ms")
	b.ReportMetric(p50(in), "publish-inside-p50-ms")
	b.ReportMetric(p50(posts), "publish-whole-p50-ms")
	b.ReportMetric(p50(again), "update-inside-p50-ms")
	b.ReportMetric(p50(puts), "update-whole-p50-ms")
	b.ReportMetric(rate, "32-clients/s")
}
