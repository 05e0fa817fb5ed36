package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

func TestWritersMustBeDurable(t *testing.T) {
	dsn := storetest.Postgres(t)
	for mode, want := range map[string]error{"off": store.ErrNotDurable, "local": store.ErrNotDurable, "on": nil, "remote_apply": nil} {
		db, err := store.Open(t.Context(), dsn+"&synchronous_commit="+mode, store.Options{})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", mode, err, want)
		}
		if err == nil {
			_ = db.Close()
		}
	}
	// Readers commit nothing.
	db, err := store.Open(t.Context(), dsn+"&synchronous_commit=off", store.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
}

// A node that freezes with the head's row in its hand loses it, and works again when it wakes.
func TestFrozenWriterLosesItsTransaction(t *testing.T) {
	db := storetest.Open(t, storetest.Postgres(t))
	migrated(t, db)
	ctx := t.Context()
	err := db.Update(ctx, func(tx *store.Tx) error {
		for name, want := range map[string]string{"idle_in_transaction_session_timeout": "1min", "lock_timeout": "30s"} {
			var got string
			if err := tx.QueryRow(ctx, store.Inline("show", "SHOW "+name)).Scan(&got); err != nil || got != want {
				t.Errorf("%s is %q, %v; want %q", name, got, err, want)
			}
		}
		if _, err := tx.Exec(ctx, store.Inline("hasten", "SET idle_in_transaction_session_timeout = '50ms'")); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, put, "frozen", nil, 1); err != nil {
			return err
		}
		var one int64 // whoever asks something sends what waits
		if err := tx.QueryRow(ctx, store.Inline("one", "SELECT 1")).Scan(&one); err != nil {
			return err
		}
		time.Sleep(500 * time.Millisecond)
		_, err := tx.Exec(ctx, put, "woken", nil, 1)
		return err
	})
	if err == nil {
		t.Error("the frozen writer kept its transaction")
	}
	err = db.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, put, "next", nil, 1)
		return err
	})
	if err != nil {
		t.Errorf("the next write: %v", err)
	}
	if n := rows(t, db); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
}

// Whoever lets a failed statement pass is not told that the transaction was kept.
func TestCommitOfAFailedTransaction(t *testing.T) {
	db := storetest.Open(t, storetest.Postgres(t))
	migrated(t, db)
	ctx := t.Context()
	err := db.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, put, "lost", nil, 1); err != nil {
			return err
		}
		var one int64
		if err := tx.QueryRow(ctx, store.Inline("zero", "SELECT 1 / 0")).Scan(&one); err == nil {
			t.Error("1 / 0 is a number")
		}
		return nil
	})
	if !errors.Is(err, store.ErrAborted) {
		t.Errorf("committed: %v", err)
	}
	// What was put off fails when it is sent, here with the commit.
	err = db.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, store.Inline("nonsense", "INSERT INTO nowhere VALUES (1)"))
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("a statement that cannot be: %v", err)
	}
	if n := rows(t, db); n != 0 {
		t.Errorf("%d rows, want none", n)
	}
}

// A command that fails by what was put off fails alone; the others of its group are kept.
func TestPutOffFailsItsOwnCommand(t *testing.T) {
	db := storetest.Open(t, storetest.Postgres(t))
	migrated(t, db)
	s := store.NewSequencer(db, store.Hooks[int64]{
		Begin: func(context.Context, *store.Tx) (int64, error) { return 0, nil },
		Clone: func(n int64) int64 { return n },
		End:   func(context.Context, *store.Tx, int64) error { return nil },
		Done:  func(int64) {},
	})
	defer s.Close()
	results := make(chan error, 20)
	for i := range 20 {
		go func() {
			results <- s.Do(t.Context(), func(ctx context.Context, tx *store.Tx, _ *int64) error {
				if _, err := tx.Exec(ctx, put, fmt.Sprint("key", i), nil, 1); err != nil || i%2 == 0 {
					return err
				}
				_, err := tx.Exec(ctx, store.Inline("nonsense", "INSERT INTO nowhere VALUES (1)"))
				return err
			})
		}()
	}
	failed := 0
	for range 20 {
		if err := <-results; err != nil {
			failed++
		}
	}
	if n := rows(t, db); failed != 10 || n != 10 {
		t.Errorf("%d commands failed, %d rows are there; want 10 and 10", failed, n)
	}
}

// What a server's restart ended is begun anew on another connection, where nothing was answered yet: a read, a write that begins by
// asking, a write that only writes, a glance.
func TestTransactionsOutliveARestart(t *testing.T) {
	dsn := storetest.Postgres(t)
	db := storetest.Open(t, dsn)
	other := storetest.Open(t, dsn)
	migrated(t, db)
	ctx := t.Context()
	one := store.Inline("one", "SELECT 1")
	asks := func(tx *store.Tx) (err error) {
		var n int64
		return tx.QueryRow(ctx, one).Scan(&n)
	}
	ways := []struct {
		name string
		do   func(i int) error
	}{
		{"view", func(int) error { return db.View(ctx, asks) }},
		{"glance", func(int) error { return db.Glance(ctx, asks) }},
		{"asks and writes", func(i int) error {
			return db.Update(ctx, func(tx *store.Tx) error {
				if err := asks(tx); err != nil {
					return err
				}
				_, err := tx.Exec(ctx, put, fmt.Sprint("asked", i), nil, 1)
				return err
			})
		}},
		{"writes", func(i int) error {
			return db.Update(ctx, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, put, fmt.Sprint("written", i), nil, 1)
				return err
			})
		}},
	}
	kill := store.Inline("kill", "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
	for i := range 3 { // the first round prepares the statements
		for _, w := range ways {
			if err := w.do(i); err != nil {
				t.Errorf("round %d: %s: %v", i, w.name, err)
			}
		}
		var n int64
		if err := other.View(ctx, func(tx *store.Tx) error { return tx.QueryRow(ctx, kill).Scan(&n) }); err != nil || n == 0 {
			t.Fatalf("%d connections ended: %v", n, err)
		}
	}
	if n := rows(t, db); n != 6 {
		t.Errorf("%d rows, want 6", n)
	}
}

// A connection that is lost after an answer takes its transaction along: nothing is repeated.
func TestAnsweredIsNotBegunAnew(t *testing.T) {
	db := storetest.Open(t, storetest.Postgres(t))
	migrated(t, db)
	ctx := t.Context()
	suicide := store.Inline("suicide", "SELECT pg_terminate_backend(pg_backend_pid())")
	ran := 0
	err := db.Update(ctx, func(tx *store.Tx) error {
		ran++
		if _, err := tx.Exec(ctx, put, "lost", nil, 1); err != nil {
			return err
		}
		var n int64
		if err := tx.QueryRow(ctx, store.Inline("one", "SELECT 1")).Scan(&n); err != nil {
			return err
		}
		_ = tx.QueryRow(ctx, suicide).Scan(new(bool))
		_, err := tx.Exec(ctx, put, "late", nil, 1)
		return err
	})
	if err == nil || ran != 1 {
		t.Errorf("ran %d times: %v", ran, err)
	}
	if n := rows(t, db); n != 0 {
		t.Errorf("%d rows, want none", n)
	}
}

func TestGlance(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrated(t, db)
		ctx := t.Context()
		one := store.Inline("one", "SELECT 1")
		var n int64
		for range 20 { // more often than there are connections
			err := db.Glance(ctx, func(tx *store.Tx) error {
				if err := tx.QueryRow(ctx, one).Scan(&n); err != nil {
					return err
				}
				if err := tx.QueryRow(ctx, one).Scan(&n); err == nil {
					t.Error("a glance asked twice")
				}
				return nil
			})
			if err != nil || n != 1 {
				t.Fatalf("%d, %v", n, err)
			}
		}
		write := func(tx *store.Tx) error { _, err := tx.Exec(ctx, put, "key", nil, 1); return err }
		if err := db.Glance(ctx, write); !errors.Is(err, store.ErrReadOnly) {
			t.Errorf("a glance wrote: %v", err)
		}
	})
}

// What commands remember stands as long as what they wrote.
func TestMemory(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrated(t, db)
		type key string
		s := store.NewSequencer(db, store.Hooks[int64]{
			Begin: func(context.Context, *store.Tx) (int64, error) { return 0, nil },
			Clone: func(n int64) int64 { return n },
			End:   func(context.Context, *store.Tx, int64) error { return nil },
			Done:  func(int64) {},
		})
		defer s.Close()
		recall := func(tx *store.Tx) string {
			v, _ := store.Recall[string](tx, key("k"))
			return v
		}
		group := func() string {
			var saw []string
			held, release := make(chan struct{}), make(chan struct{})
			steps := []func(tx *store.Tx) error{
				func(tx *store.Tx) error { close(held); <-release; tx.Remember(key("k"), "first"); return nil },
				func(tx *store.Tx) error {
					saw = append(saw, recall(tx))
					tx.Remember(key("k"), "second")
					return errors.New("undone")
				},
				func(tx *store.Tx) error { saw = append(saw, recall(tx)); tx.Remember(key("k"), "third"); return nil },
				func(tx *store.Tx) error { saw = append(saw, recall(tx)); return nil },
			}
			done := make(chan error, len(steps))
			for i, step := range steps {
				do := s.Do
				if i == 0 {
					do = s.Bulk // the group's time begins behind it
				}
				go func() {
					done <- do(t.Context(), func(_ context.Context, tx *store.Tx, _ *int64) error { return step(tx) })
				}()
				if i == 0 {
					<-held
				}
				time.Sleep(20 * time.Millisecond) // they wait in this order
			}
			close(release)
			for range steps {
				<-done
			}
			return fmt.Sprintf("%q", saw)
		}
		const want = `["first" "" "third"]`
		got := group()
		for try := 0; try < 20 && got != want; try++ { // on a busy machine they may not have been one group
			if strings.Contains(got, "second") {
				t.Fatalf("what was undone is remembered: %s", got)
			}
			got = group()
		}
		if got != want {
			t.Errorf("the commands of one group remembered %s", got)
		}
		err := s.Do(t.Context(), func(_ context.Context, tx *store.Tx, _ *int64) error {
			if v := recall(tx); v != "" {
				t.Errorf("another transaction remembers %q", v)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		_ = db.Update(t.Context(), func(tx *store.Tx) error {
			if tx.Remember(key("k"), "outside"); recall(tx) != "" {
				t.Error("a transaction of nobody remembers")
			}
			return nil
		})
	})
}

// What is asked ahead is of the moment when it was asked, and costs no journey of its own.
func TestAhead(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrated(t, db)
		ctx := t.Context()
		count := store.Inline("count", "SELECT COUNT(*) FROM kv")
		ask := func(tx *store.Tx, n *int64) *store.Ahead {
			a, err := tx.Ahead(ctx, count, nil, func(rows store.Rows) error {
				rows.Next()
				return rows.Scan(n)
			})
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		write := func(tx *store.Tx, key string) {
			if _, err := tx.Exec(ctx, put, key, nil, 1); err != nil {
				t.Fatal(err)
			}
		}
		var lost *store.Ahead
		for round := range int64(2) { // the first prepares the statements
			var none, one, two int64 = -1, -1, -1
			var journeys int64
			err := db.Update(ctx, func(tx *store.Tx) error {
				before := db.Journeys()
				a := ask(tx, &none)
				write(tx, fmt.Sprint("a", round))
				b := ask(tx, &one)
				write(tx, fmt.Sprint("b", round))
				if err := ask(tx, &two).Wait(ctx); err != nil {
					return err
				}
				journeys = db.Journeys() - before
				lost = ask(tx, new(int64))
				return errors.Join(a.Wait(ctx), b.Wait(ctx))
			})
			if err != nil || none != 2*round || one != none+1 || two != one+1 {
				t.Errorf("round %d: %d, %d and %d rows, %v", round, none, one, two, err)
			}
			if round == 1 && journeys > 1 {
				t.Errorf("%d journeys", journeys)
			}
		}
		if err := lost.Wait(ctx); err != nil {
			t.Errorf("what went with the commit: %v", err)
		}
		// More than wait at a time: wherever the line is cut, each has its answer.
		err := db.Update(ctx, func(tx *store.Tx) error {
			all := make([]*store.Ahead, 700)
			got := make([]int64, len(all))
			for i := range all {
				got[i] = -1
				all[i] = ask(tx, &got[i])
			}
			for i, a := range all {
				if err := a.Wait(ctx); err != nil || got[i] != 4 {
					return fmt.Errorf("question %d: %d, %w", i, got[i], err)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		err = db.Update(ctx, func(tx *store.Tx) error {
			a, err := tx.Ahead(ctx, count, nil, func(rows store.Rows) error {
				rows.Next()
				return rows.Scan(new(int64), new(int64))
			})
			if err != nil {
				return err
			}
			if err := a.Wait(ctx); err == nil {
				t.Error("two columns of one")
			}
			var n int64
			return tx.QueryRow(ctx, count).Scan(&n) // the transaction stands
		})
		if err != nil {
			t.Error(err)
		}
	})
}
