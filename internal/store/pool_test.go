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
