package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

var schema = fstest.MapFS{
	"0001_kv.sql": {Data: []byte(`-- operational
CREATE TABLE kv (k TEXT PRIMARY KEY, v BYTEA, n BIGINT NOT NULL);
CREATE TABLE seq (i INTEGER PRIMARY KEY, txt TEXT);`)},
	"0001_kv.postgres.sql": {Data: []byte(`-- operational; keys compare as bytes, as on SQLite
CREATE TABLE kv (k TEXT COLLATE "C" PRIMARY KEY, v BYTEA, n BIGINT NOT NULL);
CREATE TABLE seq (i INTEGER PRIMARY KEY, txt TEXT);`)},
}

var (
	put   = store.Inline("put", `INSERT INTO kv (k, v, n) VALUES (?, ?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v, n = excluded.n`)
	get   = store.Inline("get", `SELECT v, n FROM kv WHERE k = ?`)
	keys  = store.Inline("keys", `SELECT k FROM kv ORDER BY k`)
	count = store.Inline("count", `SELECT count(*) FROM kv`)
)

func migrated(t *testing.T, db *store.DB) {
	t.Helper()
	if err := db.Migrate(context.Background(), schema); err != nil {
		t.Fatal(err)
	}
}

func TestBytesNumbersAndOrderAreAlike(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrated(t, db)
		ctx := t.Context()
		blob := []byte{0, 1, 0xff, 0}
		err := db.Update(ctx, func(tx *store.Tx) error {
			for i, k := range []string{"b", "a", "B", "_", "é", "CVE-2024-10000", "CVE-2024-9999"} {
				if _, err := tx.Exec(ctx, put, k, blob, int64(1)<<53+int64(i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		err = db.View(ctx, func(tx *store.Tx) error {
			var v []byte
			var n int64
			if err := tx.QueryRow(ctx, get, "b").Scan(&v, &n); err != nil {
				return err
			}
			if string(v) != string(blob) || n != 1<<53 {
				t.Errorf("got %x %d", v, n)
			}
			rows, err := tx.Query(ctx, keys)
			if err != nil {
				return err
			}
			defer rows.Close()
			var got string
			for rows.Next() {
				var k string
				if err := rows.Scan(&k); err != nil {
					return err
				}
				got += k + " "
			}
			if want := "B CVE-2024-10000 CVE-2024-9999 _ a b é "; got != want {
				t.Errorf("order %q, want %q", got, want)
			}
			return rows.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestViewsCannotWrite(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrated(t, db)
		err := db.View(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), put, "x", nil, 1)
			return err
		})
		if err == nil {
			t.Fatal("a view wrote")
		}
	})
}

func TestAFailedUpdateLeavesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrated(t, db)
		ctx := t.Context()
		boom := errors.New("boom")
		err := db.Update(ctx, func(tx *store.Tx) error {
			if _, err := tx.Exec(ctx, put, "x", nil, 1); err != nil {
				return err
			}
			return boom
		})
		if !errors.Is(err, boom) {
			t.Fatalf("got %v", err)
		}
		if n := rows(t, db); n != 0 {
			t.Fatalf("%d rows left", n)
		}
	})
}

func TestMigrateTwiceAndRefuseNewer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrated(t, db)
		migrated(t, db)
		ctx := t.Context()
		newer := fstest.MapFS{"0002_more.sql": {Data: []byte(`ALTER TABLE kv ADD COLUMN more TEXT`)}}
		if err := db.Migrate(ctx, schema, newer); err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(ctx, schema); !errors.Is(err, store.ErrNewer) {
			t.Fatalf("an older program got %v, want ErrNewer", err)
		}
	})
}

func TestWaitingToWriteEndsWithItsContext(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		waited := make(chan error, 1)
		err := db.Update(t.Context(), func(*store.Tx) error {
			go func() { waited <- db.Update(ctx, func(*store.Tx) error { return nil }) }()
			time.AfterFunc(10*time.Millisecond, cancel)
			select {
			case err := <-waited:
				return err
			case <-time.After(10 * time.Second):
				return errors.New("still waiting")
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
		if err := db.Update(t.Context(), func(*store.Tx) error { return nil }); err != nil {
			t.Fatalf("the next writer: %v", err)
		}
	})
}

func TestMigrationMistakesAreNamed(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	for name, src := range map[string]fs.FS{
		"no number": fstest.MapFS{"x.sql": {}},
		"orphan":    fstest.MapFS{"0001_a.sql": {}, "0002_b.postgres.sql": {}},
		"twins":     fstest.MapFS{"0001_a.sql": {}, "0001_b.sql": {}},
		"empty":     fstest.MapFS{},
	} {
		if err := db.Migrate(t.Context(), src); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSequencerGroupsAndKeepsOutcomesApart(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrated(t, db)
		s, commits := counting(db)
		defer s.Close()
		boom := errors.New("refused")
		var wg sync.WaitGroup
		var mu sync.Mutex
		refused := 0
		const writers, each = 16, 20
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					err := s.Do(t.Context(), func(ctx context.Context, tx *store.Tx, n *int64) error {
						if _, err := tx.Exec(ctx, put, fmt.Sprintf("%d/%d", w, i), nil, *n); err != nil {
							return err
						}
						*n++
						if i%5 == 4 {
							return boom // after it has written: the savepoint must undo row and state
						}
						return nil
					})
					if errors.Is(err, boom) {
						mu.Lock()
						refused++
						mu.Unlock()
					} else if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		want := writers * each * 4 / 5
		if n := rows(t, db); n != want || refused != writers*each/5 {
			t.Errorf("%d rows and %d refused, want %d and %d", n, refused, want, writers*each/5)
		}
		state, groups := commits()
		if state != int64(want) {
			t.Errorf("state %d, want %d: a refused command changed it", state, want)
		}
		if groups >= want {
			t.Errorf("%d commits for %d writes: nothing was grouped", groups, want)
		}
	})
}

// An interactive command that waits beside a bulk one has its own transaction first; the next one that waits joins the bulk
// one's, so that a stream of them does not keep the import out.
func TestBulkAndInteractiveTakeTurns(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrated(t, db)
		var mu sync.Mutex
		var order []string
		var wg sync.WaitGroup
		group := 0
		var s *store.Sequencer[int64]
		queue := func(name string, submit func(context.Context, func(context.Context, *store.Tx, *int64) error) error) {
			wg.Go(func() {
				if err := submit(t.Context(), func(context.Context, *store.Tx, *int64) error {
					mu.Lock()
					defer mu.Unlock()
					order = append(order, fmt.Sprintf("%s in %d", name, group))
					return nil
				}); err != nil {
					t.Error(err)
				}
			})
			time.Sleep(20 * time.Millisecond) // until it stands in its queue
		}
		s = store.NewSequencer(db, store.Hooks[int64]{
			Begin: func(context.Context, *store.Tx) (int64, error) { return 0, nil },
			Clone: func(n int64) int64 { return n },
			// What arrives while a group is being committed waits when the next one begins.
			End: func(context.Context, *store.Tx, int64) error {
				switch group {
				case 0:
					queue("bulk 1", s.Bulk)
					queue("first", s.Do)
				case 1:
					queue("second", s.Do)
				}
				return nil
			},
			Done: func(int64) { mu.Lock(); defer mu.Unlock(); group++ },
		})
		defer s.Close()
		queue("bulk 0", s.Bulk)
		wg.Wait()
		if want := []string{"bulk 0 in 0", "first in 1", "bulk 1 in 2", "second in 2"}; !slices.Equal(order, want) {
			t.Errorf("order %q, want %q", order, want)
		}
	})
}

func TestSequencerSurvivesPanicAndBadSQL(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrated(t, db)
		s, _ := counting(db)
		defer s.Close()
		bad := store.Inline("bad", `SELECT nonsense FROM nowhere`)
		if err := s.Do(t.Context(), func(ctx context.Context, tx *store.Tx, _ *int64) error {
			_, err := tx.Exec(ctx, bad)
			return err
		}); err == nil {
			t.Error("bad SQL was no error")
		}
		if err := s.Do(t.Context(), func(context.Context, *store.Tx, *int64) error { panic("ouch") }); err == nil {
			t.Error("a panic was no error")
		}
		if err := s.Bulk(t.Context(), func(ctx context.Context, tx *store.Tx, _ *int64) error {
			_, err := tx.Exec(ctx, put, "fine", nil, 1)
			return err
		}); err != nil {
			t.Error(err)
		}
		if n := rows(t, db); n != 1 {
			t.Errorf("%d rows", n)
		}
	})
}

// A caller that goes away while its command runs takes neither its group nor its own commit with it.
func TestACancelledCommandHarmsNobody(t *testing.T) {
	slow := map[store.Engine]*store.Query{
		store.SQLite: store.Inline("slow", `INSERT INTO kv (k, n) WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 300000)
			SELECT 'slow', max(i) FROM c`),
		store.Postgres: store.Inline("slow", `INSERT INTO kv (k, n) SELECT 'slow', 1 FROM pg_sleep(0.3)`),
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrated(t, db)
		s, _ := counting(db)
		defer s.Close()
		var wg sync.WaitGroup
		do := func(ctx context.Context, run func(ctx context.Context, tx *store.Tx) error) {
			wg.Go(func() {
				if err := s.Do(ctx, func(ctx context.Context, tx *store.Tx, _ *int64) error { return run(ctx, tx) }); err != nil {
					t.Error(err)
				}
			})
		}
		neighbour := func(k string) func(context.Context, *store.Tx) error {
			return func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Exec(ctx, put, k, nil, 1)
				return err
			}
		}
		leaving, leave := context.WithCancel(t.Context())
		defer leave()
		begun := make(chan struct{})
		do(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			close(begun)
			time.Sleep(5 * time.Millisecond) // the others queue up and join the group
			return neighbour("first")(ctx, tx)
		})
		<-begun
		do(leaving, func(ctx context.Context, tx *store.Tx) error {
			time.AfterFunc(20*time.Millisecond, leave)
			_, err := tx.Exec(ctx, slow[db.Engine()])
			return err
		})
		do(t.Context(), neighbour("last"))
		wg.Wait()
		if n := rows(t, db); n != 3 {
			t.Errorf("%d rows, want 3", n)
		}
	})
}

func TestSequencerRefusesAfterClose(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	s, _ := counting(db)
	s.Close()
	if err := s.Do(t.Context(), func(context.Context, *store.Tx, *int64) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Fatalf("got %v", err)
	}
}

// A full disk must be an error to the writer and leave a store that reads, and writes again once there is room.
func TestFullDisk(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	migrated(t, db)
	ctx := t.Context()
	s, _ := counting(db)
	defer s.Close()
	limit := func(pages int) {
		if err := db.Update(ctx, func(tx *store.Tx) error {
			var now int
			return tx.QueryRow(ctx, store.Inline("limit", fmt.Sprintf("PRAGMA max_page_count = %d", pages))).Scan(&now)
		}); err != nil {
			t.Fatal(err)
		}
	}
	write := func(k string, size int) error {
		return s.Do(ctx, func(ctx context.Context, tx *store.Tx, _ *int64) error {
			_, err := tx.Exec(ctx, put, k, make([]byte, size), 1)
			return err
		})
	}
	if err := write("before", 10); err != nil {
		t.Fatal(err)
	}
	limit(40)
	if err := write("big", 1<<20); err == nil {
		t.Fatal("a write beyond the limit succeeded")
	}
	if n := rows(t, db); n != 1 {
		t.Fatalf("%d rows after a full disk, want 1", n)
	}
	limit(1 << 30)
	if err := write("after", 1<<20); err != nil {
		t.Fatalf("after there is room again: %v", err)
	}
}

func TestReadOnlyRefusesWrites(t *testing.T) {
	path := storetest.SQLite(t)
	migrated(t, storetest.Open(t, path))
	db, err := store.Open(t.Context(), path, store.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(t.Context(), func(*store.Tx) error { return nil }); !errors.Is(err, store.ErrReadOnly) {
		t.Fatalf("got %v", err)
	}
}

func TestTheFilesAreTheirOwnersAlone(t *testing.T) {
	path := storetest.SQLite(t)
	migrated(t, storetest.Open(t, path))
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		st, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := st.Mode().Perm(); got != 0o600 && runtime.GOOS != "windows" {
			t.Errorf("%s has mode %o", filepath.Base(name), got)
		}
	}
}

func TestCloseLeavesOneFile(t *testing.T) {
	path := storetest.SQLite(t)
	db, err := store.Open(t.Context(), path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	migrated(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(path + "-wal"); err == nil && st.Size() > 0 {
		t.Errorf("a write-ahead log of %d bytes stayed in %s", st.Size(), filepath.Dir(path))
	}
}

func counting(db *store.DB) (*store.Sequencer[int64], func() (int64, int)) {
	var mu sync.Mutex
	var state int64
	var groups int
	s := store.NewSequencer(db, store.Hooks[int64]{
		Begin: func(context.Context, *store.Tx) (int64, error) { mu.Lock(); defer mu.Unlock(); return state, nil },
		Clone: func(n int64) int64 { return n },
		End:   func(context.Context, *store.Tx, int64) error { return nil },
		Done:  func(n int64) { mu.Lock(); defer mu.Unlock(); state = n; groups++ },
	})
	return s, func() (int64, int) { mu.Lock(); defer mu.Unlock(); return state, groups }
}

func rows(t *testing.T, db *store.DB) int {
	t.Helper()
	var n int
	if err := db.View(t.Context(), func(tx *store.Tx) error {
		return tx.QueryRow(t.Context(), count).Scan(&n)
	}); err != nil && !errors.Is(err, sql.ErrNoRows) {
		t.Fatal(err)
	}
	return n
}
