package main

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"tasuki/internal/store/storetest"
)

// watch collects every checkpoint that a node serves until it is stopped.
type watch struct {
	mu    sync.Mutex
	seen  map[string]bool
	done  chan struct{}
	group sync.WaitGroup
}

func watchCheckpoints(t *testing.T) *watch {
	w := &watch{seen: map[string]bool{}, done: make(chan struct{})}
	t.Cleanup(w.stop)
	return w
}

func (w *watch) add(signed []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen[string(signed)] = true
}

func (w *watch) on(k *kitNode) {
	w.group.Go(func() {
		for {
			select {
			case <-w.done:
				return
			case <-time.After(2 * time.Millisecond):
				if r := k.ask("/checkpoint"); r.Code == http.StatusOK {
					w.add(r.Body.Bytes())
				}
			}
		}
	})
}

func (w *watch) stop() {
	select {
	case <-w.done:
	default:
		close(w.done)
	}
	w.group.Wait()
}

// consistent holds every checkpoint that was seen against the log as it became: each is a prefix of it, so no two of one size
// can differ.
func (w *watch) consistent(t *testing.T, o *outsider, least int) {
	t.Helper()
	w.stop()
	tree, err := o.newest()
	if err != nil {
		t.Fatal(err)
	}
	log, err := o.fetch(tree)
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[int64]string{}
	for signed := range w.seen {
		c, err := o.checkpoint([]byte(signed))
		if err != nil {
			t.Fatalf("%v in %q", err, signed)
		}
		root, err := log.root(c.N)
		if err != nil || root != c.Hash {
			t.Errorf("size %d was signed with the root %v, the log says %v, %v", c.N, c.Hash, root, err)
		}
		if err := o.extends(c, tree); err != nil {
			t.Errorf("size %d: %v", c.N, err)
		}
		if other, ok := sizes[c.N]; ok && other != signed {
			t.Errorf("two checkpoints of size %d:\n%s\n%s", c.N, other, signed)
		}
		sizes[c.N] = signed
	}
	if len(sizes) < least {
		t.Errorf("only %d checkpoints were seen", len(sizes))
	}
	t.Logf("%d checkpoints up to size %d, one line", len(sizes), tree.N)
}

// The node that signs goes away, first without a word, then properly; the other signs on, and nothing forks.
func TestSigningFailsOver(t *testing.T) {
	dsn := storetest.Postgres(t)
	var ahead atomic.Int64 // the clock stands still but for this
	start := time.Now()
	o := kitOptions{store: dsn, now: func() time.Time { return start.Add(time.Duration(ahead.Load())) }}
	a := openKit(t, o)
	b := openTwin(t, a, true, o)
	w := watchCheckpoints(t)
	number := 0
	write := func(k *kitNode) (size int64) {
		t.Helper()
		number++
		_, raw := dated(number, "failover", k.now())
		sum, err := k.bringBytes(t.Context(), raw)
		if err != nil {
			t.Fatal(err)
		}
		return sum.Size
	}
	stranger := b.stranger(t)
	signed := func() int64 {
		tree, err := stranger.newest()
		if err != nil {
			t.Fatal(err)
		}
		return tree.N
	}
	stopA := a.run(t)
	eventually(t, "signed by the first node", func() bool { return a.ask("/checkpoint").Code == http.StatusOK })
	stopB := b.run(t)
	w.on(b)
	for range 6 {
		size := write([]*kitNode{a, b}[number%2])
		eventually(t, "signed", func() bool { return signed() >= size })
	}

	// Power fails at the first node while it holds the lease.
	a.crash(t)
	stopA()
	before := signed()
	size := write(b)
	time.Sleep(600 * time.Millisecond) // more than two polls
	if got := signed(); got != before {
		t.Errorf("size %d was signed while the lease of another node held", got)
	}
	ahead.Add(int64(10 * time.Second)) // the lease runs out
	eventually(t, "signed by the second node", func() bool { return signed() >= size })

	// The first comes back, and is there when the second leaves properly.
	c := openKit(t, kitOptions{dir: a.dir.Path, store: o.store, now: o.now})
	c.run(t)
	w.on(c)
	for range 6 {
		size := write([]*kitNode{b, c}[number%2])
		eventually(t, "signed", func() bool { return signed() >= size })
	}
	w.consistent(t, stranger, 10)
	w = watchCheckpoints(t)
	w.on(c)
	stopB()
	b.close(t)
	stranger = c.stranger(t)
	for range 3 {
		size := write(c) // no lease runs out here: this one was given back
		eventually(t, "signed by the node that came back", func() bool { return signed() >= size })
	}
	w.consistent(t, stranger, 2)
	c.check(t)
}

// Two nodes that both believe they hold the lease, because their clocks are of no use, sign at the same time: what they
// sign is still one line.
func TestSigningWithoutWorkingClocks(t *testing.T) {
	dsn := storetest.Postgres(t)
	var tick atomic.Int64
	start := time.Now()
	o := kitOptions{store: dsn, now: func() time.Time { return start.Add(time.Duration(tick.Add(6)) * time.Second) }} // every lease has run out
	a := openKit(t, o)
	b := openTwin(t, a, true, o)
	w := watchCheckpoints(t)
	var signatures [2]atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	var signing errgroup.Group
	for i, k := range []*kitNode{a, b} {
		for range 2 {
			signing.Go(func() error {
				for ctx.Err() == nil {
					c, fresh, err := k.signer.Sign(ctx)
					if err == nil {
						w.add(c.Note)
					}
					if fresh {
						signatures[i].Add(1)
					}
				}
				return nil
			})
		}
	}
	for i := range 60 {
		_, raw := dated(i, "clockless", time.UnixMilli(int64(1_790_000_000_000+i)))
		if _, err := []*kitNode{a, b}[i%2].bringBytes(t.Context(), raw); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := signing.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.signer.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	if signatures[0].Load() == 0 || signatures[1].Load() == 0 {
		t.Errorf("one signed %d times, the other %d", signatures[0].Load(), signatures[1].Load())
	}
	w.consistent(t, b.stranger(t), 10)
}
