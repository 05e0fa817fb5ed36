package client_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tasuki/client"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// scissors cut streams after a number of bytes, in the middle of whatever is there.
type scissors struct {
	mu   sync.Mutex
	dice *rand.Rand
	cuts atomic.Int64
}

// before answers some connections not at all and cuts the others at random moments.
func (s *scissors) before(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/stream") {
			h.ServeHTTP(w, r)
			return
		}
		s.mu.Lock()
		left, away := s.dice.IntN(4000), s.dice.IntN(5) == 0
		s.mu.Unlock()
		if away {
			http.Error(w, "restarting", http.StatusServiceUnavailable)
			return
		}
		h.ServeHTTP(&cutWriter{ResponseWriter: w, left: left, s: s}, r)
	})
}

type cutWriter struct {
	http.ResponseWriter
	left int
	s    *scissors
}

func (w *cutWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *cutWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left >= 0 {
		return w.ResponseWriter.Write(p)
	}
	_, _ = w.ResponseWriter.Write(p[:len(p)+w.left])
	_ = http.NewResponseController(w.ResponseWriter).Flush()
	w.s.cuts.Add(1)
	panic(http.ErrAbortHandler)
}

// While imports go on and connections are cut at random moments, a watcher sees exactly the log: no change lost, none twice.
func TestWatchLosesAndRepeatsNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		rounds := 6
		if testing.Short() {
			rounds = 2
		}
		s := &scissors{dice: rand.New(rand.NewPCG(7, 11))}
		n := serve(t, db, s.before)
		n.tell(t)
		const each = 60
		for round := range rounds {
			start := n.Size(t)
			since := []int64{0, start, start / 2}[round%3]
			end := make(chan int64, 1)
			go func() {
				for i := range each {
					// Some commands bring one record, some many; some correct what is there, some bring nothing new.
					var docs [][]byte
					for j := range i%4 + 1 {
						docs = append(docs, document(fmt.Sprintf("CVE-2025-%d", 1000+(i*5+j)%40), "PUBLISHED", "Acme", 1+(round*each+i)/20%28))
					}
					n.learn(t, docs...)
				}
				n.learn(t, document(fmt.Sprintf("CVE-2026-%d", 7000+round), "PUBLISHED", "Last", 9))
				end <- n.Size(t) - 1
			}()
			var last int64 = -1
			var saw []int64
			for ch, err := range n.client.Watch(t.Context(), client.Watch{Since: since}) {
				if err != nil {
					t.Fatal(err)
				}
				saw = append(saw, ch.Index)
				if strings.HasPrefix(ch.ID, "CVE-2026-") && ch.Hit == nil {
					t.Errorf("%s comes without what a list shows of it", ch.ID)
				}
				select {
				case last = <-end:
				default:
				}
				if ch.ID == fmt.Sprintf("CVE-2026-%d", 7000+round) {
					if last < 0 {
						last = <-end
					}
					break
				}
			}
			all, _, err := n.Catalogue.Since(t.Context(), since, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			var want []int64
			for _, c := range all {
				want = append(want, c.Index)
			}
			if !slices.Equal(saw, want) || saw[len(saw)-1] != last {
				t.Fatalf("round %d: saw %v\nthe log has %v", round, saw, want)
			}
		}
		if cuts := s.cuts.Load(); cuts < int64(5*rounds) {
			t.Errorf("only %d cuts", cuts)
		} else {
			t.Logf("%d cuts over %d leaves", cuts, n.Size(t))
		}
	})
}

// A watcher with a query hears of what enters it and of what leaves it, and of every erasure; the same when it comes late.
func TestWatchWithAQuery(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := &scissors{dice: rand.New(rand.NewPCG(1, 2))}
		n := serve(t, db, s.before)
		watch := func(q string, events int) (saw []string) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			for ch, err := range n.client.Watch(ctx, client.Watch{Q: q}) {
				if err != nil {
					t.Fatalf("%s: %v after %v", q, err, saw)
				}
				if saw = append(saw, fmt.Sprintf("%d %s %s", ch.Index, ch.What, ch.ID)); len(saw) == events {
					break
				}
			}
			return saw
		}
		live := make(chan []string)
		go func() { live <- watch("vendor:jetbrains state:published", 3) }()
		n.tell(t)
		want := []string{"1 added CVE-2024-1002", "5 withdrawn CVE-2024-1002", "7 erased CVE-2024-1004"}
		n.learn(t, document("CVE-2024-1001", "PUBLISHED", "Acme", 20)) // wakes who waits for the erasure
		if saw := <-live; !slices.Equal(saw, want) {
			t.Errorf("live: %q", saw)
		}
		if saw := watch("vendor:jetbrains state:published", 3); !slices.Equal(saw, want) {
			t.Errorf("late: %q", saw)
		}
	})
}

// What waiting does not mend ends a watch; a caller who goes away ends it at once.
func TestWatchEnds(t *testing.T) {
	n := serve(t, storetest.Open(t, storetest.SQLite(t)), nil)
	n.tell(t)
	for _, w := range []client.Watch{{Q: "vendr:x"}, {Since: 1 << 40}} {
		ended := 0
		for _, err := range n.client.Watch(t.Context(), w) {
			if asProblem(t, err).Status != http.StatusBadRequest {
				t.Error(err)
			}
			ended++
		}
		if ended != 1 {
			t.Errorf("%+v ended %d times", w, ended)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	for ch, err := range n.client.Watch(ctx, client.Watch{Since: client.FromNow}) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%+v %v", ch, err)
		}
	}
}

// An export that is cut goes on where it stopped.
func TestExportGoesOnAfterACut(t *testing.T) {
	var mu sync.Mutex
	cut := 0
	n := serve(t, storetest.Open(t, storetest.SQLite(t)), func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			left := 1 << 30
			if cut++; cut <= 3 {
				left = 600_000
			}
			h.ServeHTTP(&cutWriter{ResponseWriter: w, left: left, s: new(scissors)}, r)
		})
	})
	var docs [][]byte
	for i := range 2000 {
		docs = append(docs, document(fmt.Sprintf("CVE-2025-%d", 10000+i), "PUBLISHED", "Acme", 2))
	}
	n.learn(t, docs...)
	seen := map[string]bool{}
	for x, err := range n.client.Export(t.Context(), client.Export{}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen[x.ID] {
			t.Errorf("%s comes twice", x.ID)
		}
		seen[x.ID] = true
	}
	if len(seen) != len(docs) || cut != 4 {
		t.Errorf("%d records over %d connections", len(seen), cut)
	}
}
