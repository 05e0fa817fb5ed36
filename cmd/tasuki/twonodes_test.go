package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sync/errgroup"

	"tasuki/internal/authority"
	"tasuki/internal/edge/feeds/cvelist"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve"
)

// openTwin opens another node of the same store. With the key of a it signs too.
func openTwin(t *testing.T, a *kitNode, keyed bool, o kitOptions) *kitNode {
	t.Helper()
	o.dir = filepath.Join(t.TempDir(), "twin")
	held, err := openDataDir(o.dir, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	if keyed {
		key, err := os.ReadFile(filepath.Join(a.dir.Path, logKeyFile))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(o.dir, logKeyFile), key, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := openKit(t, o)
	if b.chain.ListID() != a.chain.ListID() || b.keyed != keyed || b.sealed != "" {
		t.Fatalf("the twin has list %s, key %v, sealed %q", b.chain.ListID(), b.keyed, b.sealed)
	}
	return b
}

// eventually waits for what other goroutines have to bring about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after a minute: not yet %s", what)
		}
	}
}

// dated is a record of this number, told apart by vendor and time.
func dated(number int, vendor string, updated time.Time) (id string, raw []byte) {
	id = fmt.Sprintf("CVE-2026-%d", 500000+number)
	return id, kitRecord(id, "PUBLISHED", "2026-01-01T00:00:00.000Z", cve.FormatTime(updated), vendor, "en", "A fault in "+vendor)
}

// Who has seen a write on one node sees it on the other, by id, by words, and counted.
func TestAWriteIsSeenOnTheOtherNode(t *testing.T) {
	for _, working := range []bool{false, true} {
		t.Run(fmt.Sprintf("nodes running %v", working), func(t *testing.T) {
			dsn := storetest.Postgres(t)
			a := openKit(t, kitOptions{store: dsn})
			a.bringSample(t)
			b := openTwin(t, a, true, kitOptions{store: dsn})
			if working {
				a.run(t)
				b.run(t)
			}
			type reply struct {
				Total  int
				Size   int64
				Facets map[string][]struct {
					Value string
					Count int
				}
			}
			search := func(k *kitNode, query string) (r reply) {
				t.Helper()
				if err := json.Unmarshal(k.get(t, "/api/v1/search?limit=5&facets=vendor&"+query), &r, json.MatchCaseInsensitiveNames(true)); err != nil {
					t.Fatal(err)
				}
				return r
			}
			search(b, "q=the") // its index is warm, and older than what follows
			for i := range 60 {
				writer, reader := a, b
				if i%2 == 1 {
					writer, reader = b, a
				}
				// Every number twice: the second time it is another vendor's.
				vendor := fmt.Sprintf("maker%dx", i)
				id, raw := dated(i/2, vendor, time.UnixMilli(int64(1_790_000_000_000+i)))
				sum, err := writer.bringBytes(t.Context(), raw)
				if err != nil || sum.Added+sum.Updated != 1 {
					t.Fatalf("%+v, %v", sum, err)
				}
				seen := search(writer, "q="+vendor)
				got := search(reader, "q="+vendor)
				if seen.Total != 1 || got.Total != 1 || got.Size < seen.Size || seen.Size < sum.Size {
					t.Fatalf("%s: written at size %d, the writer finds %d at %d, the reader %d at %d", id, sum.Size, seen.Total, seen.Size, got.Total, got.Size)
				}
				if f := got.Facets["vendor"]; len(f) != 1 || f[0].Value != vendor || f[0].Count != 1 {
					t.Errorf("facets %v", f)
				}
				if err := sameJSON(reader.get(t, "/api/cve/"+id), raw); err != nil {
					t.Errorf("%s by id: %v", id, err)
				}
				if !bytes.Contains(reader.get(t, "/rest/json/cves/2.0?keywordSearch="+vendor), []byte(`"totalResults":1,`)) {
					t.Errorf("NVD does not find %s", vendor)
				}
				if i%2 == 1 && search(reader, fmt.Sprintf("vendor=maker%dx", i-1)).Total != 0 {
					t.Errorf("%s is still found under its former vendor", id)
				}
			}
		})
	}
}

// Two nodes write as fast as they can, often the same record: it becomes one log without gaps, and every acknowledgement holds.
func TestTwoNodesWriteOneLog(t *testing.T) {
	dsn := storetest.Postgres(t)
	a := openKit(t, kitOptions{store: dsn})
	b := openTwin(t, a, true, kitOptions{store: dsn})
	a.run(t)
	b.run(t)
	before, err := a.size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const writers, batches, numbers = 4, 25, 90
	var mu sync.Mutex
	acknowledged := map[int64]string{}  // id by leaf
	last := map[string]time.Time{}      // the newest date that was offered
	documents := map[string][]byte{}    // and its document
	counts := map[cvelist.Verdict]int{} // to see that the test tests something
	var group errgroup.Group
	for w := range 2 * writers {
		k := []*kitNode{a, b}[w%2]
		in := &intake{node: k.node, caller: authority.Caller{Role: authority.Operator, Name: "test"}}
		r := rand.New(rand.NewPCG(uint64(w), 7))
		group.Go(func() error {
			for i := range batches {
				var batch []cvelist.Prepared
				var ids []string
				for range 1 + r.IntN(3) {
					updated := time.UnixMilli(1_790_000_000_000 + r.Int64N(1e9)*16 + int64(w))
					id, raw := dated(r.IntN(numbers), fmt.Sprintf("w%d b%d", w, i), updated)
					if slices.Contains(ids, id) {
						continue
					}
					p, err := in.Prepare(raw, cvelist.Meta{Name: id, SHA256: sha256.Sum256(raw)})
					if err != nil {
						return err
					}
					ids, batch = append(ids, id), append(batch, p)
					mu.Lock()
					if updated.After(last[id]) {
						last[id], documents[id] = updated, raw
					}
					mu.Unlock()
				}
				out, err := in.Import(t.Context(), batch)
				if err != nil {
					return err
				}
				mu.Lock()
				for n, o := range out {
					counts[o.Verdict]++
					if o.Verdict != cvelist.Added && o.Verdict != cvelist.Updated {
						continue
					}
					if other, taken := acknowledged[o.Index]; taken {
						t.Errorf("leaf %d was given to %s and to %s", o.Index, other, ids[n])
					}
					acknowledged[o.Index] = ids[n]
				}
				mu.Unlock()
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if counts[cvelist.Added] == 0 || counts[cvelist.Updated] == 0 || counts[cvelist.Stale] == 0 {
		t.Errorf("outcomes %v", counts)
	}
	size, err := b.size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if size != before+int64(len(acknowledged)) {
		t.Errorf("%d leaves were acknowledged, the log went from %d to %d", len(acknowledged), before, size)
	}
	for _, k := range []*kitNode{a, b} {
		o := k.stranger(t)
		var tree tlog.Tree
		eventually(t, "signed", func() bool {
			tree, err = o.newest()
			return err == nil && tree.N == size
		})
		log, err := o.fetch(tree)
		if err != nil {
			t.Fatal(err)
		}
		back, clock := map[string]int64{}, ""
		for index, raw := range log.leaves {
			var leaf outsiderLeaf
			if err := json.Unmarshal(raw, &leaf); err != nil {
				t.Fatal(err)
			}
			if id := acknowledged[int64(index)]; id != leaf.E.ID {
				t.Errorf("leaf %d is about %q, acknowledged for %q", index, leaf.E.ID, id)
			}
			if want, ok := back[leaf.E.ID]; leaf.E.ID != "" && (ok && leaf.O.Back != want || !ok && leaf.O.Back != -1) {
				t.Errorf("leaf %d about %s goes back to %d instead of %d", index, leaf.E.ID, leaf.O.Back, want)
			}
			if leaf.O.Time < clock {
				t.Errorf("leaf %d is of %s, the one before of %s", index, leaf.O.Time, clock)
			}
			back[leaf.E.ID], clock = int64(index), leaf.O.Time
		}
		for id, raw := range documents {
			if err := sameJSON(k.get(t, "/api/cve/"+id), raw); err != nil {
				t.Errorf("%s: %v", id, err)
			}
		}
	}
	if x, y := a.check(t), b.check(t); !maps.Equal(x, y) {
		t.Errorf("%v and %v", x, y)
	}
	t.Logf("outcomes %v in %d leaves", counts, size-before)
}

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

// A node without the key reads, takes writes, and serves what another signs.
func TestANodeWithoutTheKey(t *testing.T) {
	dsn := storetest.Postgres(t)
	a := openKit(t, kitOptions{store: dsn})
	a.bringSample(t)
	b := openTwin(t, a, false, kitOptions{store: dsn})
	stopA := a.run(t)
	b.run(t)
	o := b.stranger(t)
	id, raw := dated(1, "keyless", time.UnixMilli(1_790_000_000_000))
	sum, err := b.bringBytes(t.Context(), raw)
	if err != nil || sum.Added != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	eventually(t, "signed by the other", func() bool { tree, err := o.newest(); return err == nil && tree.N == sum.Size })
	if mine, theirs := b.get(t, "/checkpoint"), a.get(t, "/checkpoint"); !bytes.Equal(mine, theirs) {
		t.Errorf("checkpoints\n%s\n%s", mine, theirs)
	}
	files := openSample(t)
	for _, id := range sample(slices.Sorted(maps.Keys(files)), 40) {
		raw, err := files.read(id)
		if err == nil {
			err = b.compare(o, id, raw)
		}
		if err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	if err := b.compare(o, id, raw); err != nil {
		t.Error(err)
	}
	// With nobody left to sign it still takes writes, and proves nothing that is not signed.
	stopA()
	a.close(t)
	late, raw := dated(2, "keyless", time.UnixMilli(1_790_000_000_000))
	if sum, err := b.bringBytes(t.Context(), raw); err != nil || sum.Added != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	if err := sameJSON(b.get(t, "/api/cve/"+late), raw); err != nil {
		t.Error(err)
	}
	if w := b.ask("/proof/" + late); w.Code != http.StatusNotFound {
		t.Errorf("a proof without a signature: %d %s", w.Code, w.Body)
	}
	if err := b.compare(o, id, nil); err == nil {
		t.Error("nothing at all is taken for the record")
	}
	b.check(t)
}

// Nodes that find an empty store at the same time found one list.
func TestFoundersAtTheSameTime(t *testing.T) {
	dsn := storetest.Postgres(t)
	var nodes [4]*kitNode
	var group errgroup.Group
	for i := range nodes {
		dir := filepath.Join(t.TempDir(), fmt.Sprint("founder", i))
		group.Go(func() (err error) {
			nodes[i], err = tryKit(t, kitOptions{dir: dir, store: dsn})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	keyed := 0
	for _, k := range nodes {
		if k.chain.ListID() != nodes[0].chain.ListID() {
			t.Errorf("lists %s and %s", k.chain.ListID(), nodes[0].chain.ListID())
		}
		if k.keyed {
			keyed++
		}
		keys, err := filepath.Glob(filepath.Join(k.dir.Path, "*.key*"))
		if err != nil || (len(keys) > 0) != k.keyed || strings.Contains(strings.Join(keys, " "), pending) {
			t.Errorf("keyed %v, and there are %v, %v", k.keyed, keys, err)
		}
		if size, err := k.size(t.Context()); size != 1 || err != nil {
			t.Errorf("%d leaves, %v", size, err)
		}
	}
	if keyed != 1 {
		t.Errorf("%d nodes have the key", keyed)
	}
}
