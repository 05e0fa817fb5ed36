package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/edge/feeds/cvelist"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/loadtest"
	"tasuki/internal/store"
)

var writer = authority.Caller{Role: authority.Operator, Name: "bench"}

// beatOnce is the smallest command there is.
func (n *node) beatOnce(ctx context.Context) error {
	return n.gate.Do(ctx, writer, gate.Command{Action: authority.Govern, Decide: func(ctx context.Context, t *gate.Turn) error {
		_, err := t.Emit(ctx, &event.Event{Kind: event.Heartbeat}, nil)
		return err
	}})
}

// quantiles are p50, p99 and the worst of durations.
func quantiles(all []time.Duration) (p50, p99, worst time.Duration) {
	slices.Sort(all)
	return all[len(all)/2], all[len(all)*99/100], all[len(all)-1]
}

func quantileRow(name string, all []time.Duration, more ...string) []string {
	p50, p99, worst := quantiles(all)
	ms := func(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1000) }
	return append([]string{name, ms(p50), ms(p99), ms(worst)}, more...)
}

func measure(b *testing.B, times int, fn func(n int) error) []time.Duration {
	b.Helper()
	all := make([]time.Duration, times)
	for n := range all {
		began := time.Now()
		if err := fn(n); err != nil {
			b.Fatal(err)
		}
		all[n] = time.Since(began)
	}
	return all
}

var (
	bareMake = store.Inline("bare make", "CREATE TABLE bench_bare (n INTEGER PRIMARY KEY, v BIGINT NOT NULL)")
	barePut  = store.Inline("bare put", "INSERT INTO bench_bare (n, v) VALUES (1, ?) ON CONFLICT (n) DO UPDATE SET v = excluded.v")
)

// BenchmarkWrite measures interactive commands one at a time against a bare transaction with its fsync, alone and 32 at once.
// Budgets: inside the transaction at most the bare one and 3 ms (publishing the median record; a reservation 1 ms), whole
// request p50 the bare one and 5 ms; 32 clients 500/s (1,000/s).
func BenchmarkWrite(b *testing.B) {
	median := medianRecords(b, 2000)
	for b.Loop() {
		n := benchNode(b, copyStore(b, realStore(b)))
		ctx := context.Background()
		if err := n.db.Update(ctx, func(tx *store.Tx) error { _, err := tx.Exec(ctx, bareMake); return err }); err != nil {
			b.Fatal(err)
		}
		bareOne := func(v int) error {
			return n.db.Update(ctx, func(tx *store.Tx) error { _, err := tx.Exec(ctx, barePut, v); return err })
		}
		bare := measure(b, 500, bareOne)
		beat := measure(b, 500, func(int) error { return n.beatOnce(ctx) })
		var inside []time.Duration
		publish := func(i int) error {
			in := &intake{node: n, caller: writer}
			p, err := in.Prepare(median[i], cvelist.Meta{})
			if err != nil {
				return err
			}
			doc := p.(*prepared).doc
			return n.gate.Do(ctx, writer, gate.Command{Action: authority.Import, Decide: func(ctx context.Context, t *gate.Turn) error {
				began := time.Now()
				_, err := t.Emit(ctx, &event.Event{Kind: event.RecordImported, ID: p.ID(), State: "PUBLISHED"}, doc)
				inside = append(inside, time.Since(began))
				return err
			}})
		}
		one := measure(b, 500, publish)
		after := measure(b, 500, bareOne)
		bare = append(bare, after...)
		table(b, []string{"one at a time", "p50", "p99", "max"},
			quantileRow("bare transaction", bare, "floor"),
			quantileRow("a heartbeat, whole", beat, "budget: floor + 5 ms at p50"),
			quantileRow("the median record, whole", one, "budget: floor + 5 ms at p50"),
			quantileRow("the median record, deciding, logging, folding", inside, "budget: 3 ms"))

		// Many writers.
		for _, c := range []struct {
			name string
			do   func(i int) error
			most int
		}{{"heartbeats", func(int) error { return n.beatOnce(ctx) }, 20000}, {"median records", func(i int) error { return publishQuietly(n, median[500+i]) }, len(median) - 500}} {
			var next atomic.Int64
			took := make([]time.Duration, c.most)
			began := time.Now()
			var clients sync.WaitGroup
			for range 32 {
				clients.Go(func() {
					for {
						i := int(next.Add(1)) - 1
						if i >= c.most {
							return
						}
						at := time.Now()
						if err := c.do(i); err != nil {
							b.Error(err)
							return
						}
						took[i] = time.Since(at)
					}
				})
			}
			clients.Wait()
			all := time.Since(began)
			table(b, []string{"32 writers", "p50", "p99", "max"},
				quantileRow(c.name, took, fmt.Sprintf("%.0f/s; budget 1,000/s to reserve, 500/s to publish", float64(c.most)/all.Seconds())))
		}
	}
}

func publishQuietly(n *node, raw []byte) error {
	ctx := context.Background()
	in := &intake{node: n, caller: writer}
	p, err := in.Prepare(raw, cvelist.Meta{})
	if err != nil {
		return err
	}
	return n.gate.Do(ctx, writer, gate.Command{Action: authority.Import, Decide: func(ctx context.Context, t *gate.Turn) error {
		_, err := t.Emit(ctx, &event.Event{Kind: event.RecordImported, ID: p.ID(), State: "PUBLISHED"}, p.(*prepared).doc)
		return err
	}})
}

// medianRecords are the records of the archive whose lengths are nearest to the median.
func medianRecords(tb testing.TB, n int) [][]byte {
	tb.Helper()
	var all [][]byte
	if err := eachRecord(theList(tb), func(_ string, raw []byte) error { all = append(all, raw); return nil }); err != nil {
		tb.Fatal(err)
	}
	slices.SortFunc(all, func(a, b []byte) int { return cmp.Compare(len(a), len(b)) })
	mid := len(all) / 2
	return slices.Clone(all[mid-n/2 : mid+n/2])
}

// BenchmarkWriteDuringImport writes at 50/s, open loop, while a whole archive comes in; budget: p99 50 ms, max 250 ms.
func BenchmarkWriteDuringImport(b *testing.B) {
	zip := theList(b)
	for b.Loop() {
		n := benchNode(b, filepath.Join(b.TempDir(), "data"))
		n.running(b)
		ctx, cancel := context.WithCancel(context.Background())
		var imported sync.WaitGroup
		began := time.Now()
		var took time.Duration
		imported.Go(func() {
			if _, err := n.Import(ctx, ImportRequest{Paths: []string{zip}}, nil, quiet{}); err != nil {
				b.Error(err)
			}
			took = time.Since(began)
			cancel()
		})
		r, err := loadtest.Run(ctx, loadtest.Plan{Rate: 50, For: time.Minute}, func(_ context.Context, _ int) error { return n.beatOnce(context.Background()) })
		imported.Wait()
		if err != nil && !errors.Is(err, context.Canceled) {
			b.Fatal(err)
		}
		fmt.Printf("\nheartbeats during an import of %s: %s; budget p99 50 ms, max 250 ms\n", seconds(took), r)
		b.ReportMetric(float64(r.At(0.99).Microseconds())/1000, "p99-ms")
		b.ReportMetric(float64(r.At(1).Microseconds())/1000, "max-ms")
	}
}

// BenchmarkCheckpoint measures from a commit to the first signed checkpoint that covers it: single writes on an idle node
// ("at once"), and a stream of 50/s (budget 1 s).
func BenchmarkCheckpoint(b *testing.B) {
	for b.Loop() {
		n := benchNode(b, filepath.Join(b.TempDir(), "data"))
		n.running(b)
		ctx := context.Background()
		covered := func(size int64) {
			for {
				if c := n.checkpoint.Load(); c != nil && c.Size >= size {
					return
				}
				time.Sleep(100 * time.Microsecond)
			}
		}
		write := func() (int64, time.Time) {
			if err := n.beatOnce(ctx); err != nil {
				b.Fatal(err)
			}
			at := time.Now()
			size, err := n.size(ctx)
			if err != nil {
				b.Fatal(err)
			}
			return size, at
		}
		var idle []time.Duration
		for range 30 {
			time.Sleep(700 * time.Millisecond)
			size, at := write()
			covered(size)
			idle = append(idle, time.Since(at))
		}
		var mu sync.Mutex
		var busy []time.Duration
		var waiting sync.WaitGroup
		tick := time.NewTicker(20 * time.Millisecond)
		for range 1000 {
			<-tick.C
			waiting.Go(func() {
				size, at := write()
				covered(size)
				mu.Lock()
				defer mu.Unlock()
				busy = append(busy, time.Since(at))
			})
		}
		tick.Stop()
		waiting.Wait()
		table(b, []string{"from commit to signed checkpoint", "p50", "p99", "max"}, quantileRow("idle before", idle, "budget: at once"),
			quantileRow("one write in 20 ms", busy, "budget 1 s"))
	}
}

// BenchmarkReplay folds the log of the real archive again.
func BenchmarkReplay(b *testing.B) {
	for b.Loop() {
		n := benchNode(b, copyStore(b, realStore(b)))
		u0, s0 := processor()
		began := time.Now()
		if _, err := n.gate.Replay(context.Background(), true, nil); err != nil {
			b.Fatal(err)
		}
		took := time.Since(began)
		u1, s1 := processor()
		size, err := n.size(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		each := took / time.Duration(size)
		fmt.Printf("\nreplay of %d leaves %s, processor time %s: %.0f leaves/s, a million in %s; budget 10 min\n", size, seconds(took), seconds(u1-u0+s1-s0),
			float64(size)/took.Seconds(), (each * 1e6).Round(time.Second))
	}
}
