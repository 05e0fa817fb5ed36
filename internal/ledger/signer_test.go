package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/c2sp"
)

func fixedNow() time.Time { return time.UnixMilli(1_795_294_900_000) }

func TestSignOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		s := newSample(t, db)
		var handed []int64
		signer := NewSigner(s.Log, SignerOptions{Key: s.key, Holder: "a", Now: fixedNow, Signed: func(c Checkpoint) { handed = append(handed, c.Size) }})
		first, fresh, err := signer.Sign(ctx)
		if err != nil || !fresh || first.Size != sampleSize || first.Time != fixedNow().UnixMilli() {
			t.Fatalf("%+v, %v, %v", first, fresh, err)
		}
		cp, err := OpenCheckpoint(first.Note, s.keys)
		if err != nil || cp.Size != first.Size || cp.Root != first.Root || cp.Origin != sampleOrigin {
			t.Errorf("%+v, %v", cp, err)
		}
		again, fresh, err := signer.Sign(ctx)
		if err != nil || fresh || string(again.Note) != string(first.Note) {
			t.Errorf("signed an unchanged head anew: %v, %v", fresh, err)
		}
		s.extend(t, 301)
		if c, fresh, err := signer.Sign(ctx); err != nil || !fresh || c.Size != 301 {
			t.Errorf("%+v, %v, %v", c, fresh, err)
		}
		if fmt.Sprint(handed) != "[300 301]" {
			t.Errorf("handed on %v", handed)
		}
		// A new epoch has a new origin on the same tree, and is bound by what the old one signed.
		next := otherKey(t, "tasuki/9c1f00aa5d77e013/2-second")
		if c, fresh, err := NewSigner(s.Log, SignerOptions{Key: next, Holder: "a", Now: fixedNow}).Sign(ctx); err != nil || !fresh || c.Size != 301 {
			t.Errorf("%+v, %v, %v", c, fresh, err)
		}
		view(t, db, func(tx *store.Tx) error {
			all, err := s.Checkpoints(ctx, tx)
			if err != nil || len(all) != 2 {
				t.Errorf("%d checkpoints, %v", len(all), err)
			}
			_, err = s.Checkpoint(ctx, tx, "nobody")
			if !errors.Is(err, ErrNotFound) {
				t.Errorf("checkpoint of nobody: %v", err)
			}
			return nil
		})
	})
}

func otherKey(t testing.TB, origin string) note.Signer {
	t.Helper()
	skey, _, err := note.GenerateKey(nil, origin)
	if err != nil {
		t.Fatal(err)
	}
	k, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// A store that cannot be read is no fork: the signer comes back when it can be read again.
func TestFirstSignatureOverAnUnreadableTree(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		s := newSample(t, db)
		signer := NewSigner(s.Log, SignerOptions{Key: s.key, Holder: "a", Now: fixedNow})
		rename := func(from, to string) {
			update(t, db, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, store.Inline("rename", "ALTER TABLE "+from+" RENAME TO "+to))
				return err
			})
		}
		rename("ledger_tile", "away")
		if c, _, err := signer.Sign(ctx); err == nil || errors.Is(err, ErrFork) {
			t.Fatalf("%+v, %v; want an error that is no fork", c, err)
		}
		rename("away", "ledger_tile")
		if c, fresh, err := signer.Sign(ctx); err != nil || !fresh || c.Size != sampleSize {
			t.Errorf("afterwards: %+v, %v, %v", c, fresh, err)
		}
	})
}

// TestSignRefuses puts a store into states that only a restored backup or a tampered row explains.
func TestSignRefuses(t *testing.T) {
	for _, tc := range []struct {
		name, sql string
		want      error
	}{
		{"signed a longer tree", `UPDATE ledger_checkpoint SET size = 301`, ErrBehind},
		{"signed another tree of this size", `UPDATE ledger_checkpoint SET root = ?`, ErrFork},
		{"signed another tree of an earlier size", `UPDATE ledger_checkpoint SET size = 257, root = ?`, ErrFork},
		{"an earlier origin signed a longer tree", `UPDATE ledger_checkpoint SET size = 301, origin = 'tasuki/9c1f00aa5d77e013/0-old'`, ErrBehind},
		{"an earlier origin signed another tree", `UPDATE ledger_checkpoint SET size = 100, root = ?, origin = 'tasuki/9c1f00aa5d77e013/0-old'`, ErrFork},
		{"first signature over a damaged tree", `DELETE FROM ledger_checkpoint; UPDATE ledger_tile SET root = ?`, ErrFork},
	} {
		t.Run(tc.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				ctx := context.Background()
				s := newSample(t, db)
				s.sign(t)
				for _, sql := range strings.Split(tc.sql, ";") {
					var args []any
					if strings.Contains(sql, "?") {
						args = []any{make([]byte, 32)}
					}
					update(t, db, func(tx *store.Tx) error {
						_, err := tx.Exec(ctx, store.Inline("tamper", sql), args...)
						return err
					})
				}
				signer := NewSigner(s.Log, SignerOptions{Key: s.key, Holder: "test", Now: fixedNow})
				if c, _, err := signer.Sign(ctx); !errors.Is(err, tc.want) {
					t.Errorf("%+v, %v; want %v", c, err, tc.want)
				}
				ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
				defer cancel()
				if err := signer.Run(ctx); !errors.Is(err, tc.want) {
					t.Errorf("Run returned %v, want %v", err, tc.want)
				}
			})
		})
	}
}

// A store that is set back under a running process holds nothing against going on; the process remembers what it handed on.
func TestSignerRemembers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		s := newSample(t, db)
		signer := NewSigner(s.Log, SignerOptions{Key: s.key, Holder: "a", Now: fixedNow})
		set := func(sql string, args ...any) {
			update(t, db, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, store.Inline("set back", sql), args...)
				return err
			})
		}
		if _, _, err := signer.Sign(ctx); err != nil {
			t.Fatal(err)
		}
		before := signer.handed
		set(`DELETE FROM ledger_checkpoint`)
		signer.handed.Size++
		if c, _, err := signer.Sign(ctx); !errors.Is(err, ErrBehind) {
			t.Errorf("%d leaves where more were handed on: %v", c.Size, err)
		}
		signer.handed = before
		signer.handed.Size, signer.handed.Root = 257, Hash{1}
		if _, _, err := signer.Sign(ctx); !errors.Is(err, ErrFork) {
			t.Errorf("another tree than was handed on: %v", err)
		}
		signer.handed = before
		if c, fresh, err := signer.Sign(ctx); err != nil || !fresh || c.Root != before.Root {
			t.Errorf("the same tree again: %v, %v", fresh, err)
		}
	})
}

// TestSignerFailover runs two nodes on one store that appends all the time: the holder dies, the other takes over
// after the lease, and every checkpoint anybody saw extends the one before.
func TestSignerFailover(t *testing.T) {
	dsn := storetest.Postgres(t)
	dbA, dbB := storetest.Open(t, dsn), storetest.Open(t, dsn)
	a := newSample(t, dbA)
	b := New(dbB)

	var mu sync.Mutex
	var seen []Checkpoint
	var who []string
	run := func(ctx context.Context, l *Log, holder string) (*Signer, chan error) {
		s := NewSigner(l, SignerOptions{
			Key: a.key, Holder: holder, Now: time.Now, Interval: 20 * time.Millisecond, Poll: 10 * time.Millisecond, Lease: 300 * time.Millisecond,
			Signed: func(c Checkpoint) {
				mu.Lock()
				defer mu.Unlock()
				seen, who = append(seen, c), append(who, holder)
			},
		})
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		return s, done
	}
	ctxA, crashA := context.WithCancel(context.Background())
	ctxB, stopB := context.WithCancel(context.Background())
	defer stopB()
	_, doneA := run(ctxA, a.Log, "a")
	waitFor(t, func() bool { mu.Lock(); defer mu.Unlock(); return len(seen) > 0 })
	_, doneB := run(ctxB, b, "b")

	size := int64(sampleSize)
	for range 20 {
		size++
		a.extend(t, size)
		time.Sleep(5 * time.Millisecond)
	}
	waitFor(t, func() bool { mu.Lock(); defer mu.Unlock(); return seen[len(seen)-1].Size == size })
	mu.Lock()
	for _, w := range who {
		if w != "a" {
			t.Errorf("node %s signed while a held the lease", w)
		}
	}
	mu.Unlock()

	// A crash gives no lease back: put it where it was after a's orderly end.
	crashA()
	if err := <-doneA; err != nil {
		t.Fatal(err)
	}
	update(t, dbA, func(tx *store.Tx) error {
		_, err := tx.Exec(context.Background(), queries.Get("lease_take"), leaseName, "a", time.Now().Add(300*time.Millisecond).UnixMilli(), int64(0))
		return err
	})
	size++
	a.extend(t, size)
	start := time.Now()
	waitFor(t, func() bool { mu.Lock(); defer mu.Unlock(); return seen[len(seen)-1].Size == size })
	if took := time.Since(start); took < 100*time.Millisecond {
		t.Errorf("b took over after %v, before the lease ran out", took)
	}
	stopB()
	if err := <-doneB; err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if who[len(who)-1] != "b" {
		t.Error("b never signed")
	}
	checkChain(t, a.Log, dbA, seen)
}

// TestSignersRace lets signers loose that ignore leases: each believes in another clock. The compare-and-swap alone
// has to keep them from contradicting each other.
func TestSignersRace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		dbs := []*store.DB{db}
		if db.Engine() == store.Postgres { // processes of their own, as far as the store can tell
			dsn := storetest.Postgres(t)
			dbs = []*store.DB{storetest.Open(t, dsn), storetest.Open(t, dsn), storetest.Open(t, dsn)}
		}
		s := newSample(t, dbs[0])
		var mu sync.Mutex
		var seen []Checkpoint
		var wg sync.WaitGroup
		var stop atomic.Bool
		for i := range 3 {
			var clock atomic.Int64
			l := New(dbs[i%len(dbs)])
			signer := NewSigner(l, SignerOptions{
				Key: s.key, Holder: fmt.Sprint(i), Lease: time.Millisecond,
				Now:    func() time.Time { return time.UnixMilli(clock.Add(1_000_000_000)) }, // every lease has run out
				Signed: func(c Checkpoint) { mu.Lock(); seen = append(seen, c); mu.Unlock() },
			})
			wg.Go(func() {
				for !stop.Load() {
					if _, _, err := signer.Sign(context.Background()); err != nil && !errors.Is(err, errRaced) && !errors.Is(err, errNotHolder) {
						t.Errorf("sign: %v", err)
						return
					}
				}
			})
		}
		for size := int64(sampleSize); size < sampleSize+60; size++ {
			s.extend(t, size)
		}
		stop.Store(true)
		wg.Wait()
		if len(seen) < 2 {
			t.Fatalf("only %d checkpoints", len(seen))
		}
		checkChain(t, s.Log, dbs[0], seen)
	})
}

// checkChain proves with tlog that any two of the checkpoints are of one growing tree.
func checkChain(t *testing.T, l *Log, db *store.DB, seen []Checkpoint) {
	t.Helper()
	bySize := map[int64]Hash{}
	for _, c := range seen {
		if r, ok := bySize[c.Size]; ok && r != c.Root {
			t.Fatalf("two roots were signed at size %d", c.Size)
		}
		bySize[c.Size] = c.Root
	}
	last := seen[0]
	for _, c := range seen {
		if c.Size > last.Size {
			last = c
		}
	}
	view(t, db, func(tx *store.Tx) error {
		for size, root := range bySize {
			p, err := l.ProveConsistency(context.Background(), tx, size, last.Size)
			if err != nil {
				return err
			}
			if err := tlog.CheckTree(p, last.Size, last.Root, size, root); err != nil {
				t.Errorf("size %d: %v", size, err)
			}
		}
		return nil
	})
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited 20 s in vain")
		}
	}
}

// TestSignerPace: at once after a pause, and no more often than the interval under load.
func TestSignerPace(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	s := newSample(t, db)
	signed := make(chan Checkpoint, 100)
	signer := NewSigner(s.Log, SignerOptions{Key: s.key, Holder: "a", Now: time.Now, Interval: 200 * time.Millisecond, Poll: time.Hour, Signed: func(c Checkpoint) { signed <- c }})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- signer.Run(ctx) }()
	<-signed
	time.Sleep(300 * time.Millisecond) // idle
	start := time.Now()
	s.extend(t, 301)
	signer.Notify()
	<-signed
	if took := time.Since(start); took > 150*time.Millisecond {
		t.Errorf("signed %v after the commit, though idle before", took)
	}
	for size := int64(302); time.Since(start) < 900*time.Millisecond; size++ {
		s.extend(t, size)
		signer.Notify()
		time.Sleep(5 * time.Millisecond)
	}
	if n := len(signed); n < 2 || n > 5 {
		t.Errorf("%d signatures in 900 ms of load with an interval of 200 ms", n)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestHighWater(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		s := newSample(t, db)
		path := filepath.Join(t.TempDir(), "high-water")
		check := func() (err error) {
			view(t, db, func(tx *store.Tx) error { err = s.CheckHighWater(ctx, tx, path); return nil })
			return err
		}
		if err := check(); err != nil {
			t.Errorf("without a file: %v", err)
		}
		signer := NewSigner(s.Log, SignerOptions{Key: s.key, Holder: "a", Now: fixedNow, HighWater: path})
		c, _, err := signer.Sign(ctx)
		if err != nil {
			t.Fatal(err)
		}
		mark, err := ReadHighWater(path)
		if err != nil || mark.Origin != c.Origin || mark.Size != c.Size || mark.Root != c.Root {
			t.Errorf("%+v, %v", mark, err)
		}
		s.extend(t, 310)
		if err := check(); err != nil {
			t.Errorf("a log that has grown since: %v", err)
		}
		ahead := mark
		ahead.Size = 311
		if err := WriteHighWater(path, ahead); err != nil {
			t.Fatal(err)
		}
		if err := check(); !errors.Is(err, ErrBehind) {
			t.Errorf("a log that is behind: %v", err)
		}
		if err := WriteHighWater(path, mark); !errors.Is(err, ErrBehind) {
			t.Errorf("the mark went back: %v", err)
		}
		if _, _, err := signer.Sign(ctx); err != nil { // another node's mark stops nobody
			t.Errorf("sign below another node's mark: %v", err)
		}
		other := c2sp.Checkpoint{Origin: "tasuki/9c1f00aa5d77e013/2-next", Size: 300}
		if err := WriteHighWater(path, other); err != nil { // a new epoch may start lower
			t.Fatal(err)
		}
		if err := check(); !errors.Is(err, ErrFork) {
			t.Errorf("a mark of another tree: %v", err)
		}
		if err := os.WriteFile(path, []byte("?"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := check(); !errors.Is(err, ErrHighWater) {
			t.Errorf("a damaged mark: %v", err)
		}
		if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
			t.Errorf("temporary files left: %v", left)
		}
	})
}
