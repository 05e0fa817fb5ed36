package store_test

import (
	"errors"
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
