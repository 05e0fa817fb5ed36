package main

import (
	"bytes"
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
				if i%2 == 1 && search(reader, fmt.Sprintf("q=vendor:maker%dx", i-1)).Total != 0 {
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
