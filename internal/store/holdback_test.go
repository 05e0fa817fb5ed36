package store_test

import (
	"context"
	"testing"

	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// Of writes that are held back the last of each row is done, when they are settled; others are done at once.
func TestHoldBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrated(t, db)
		ctx := t.Context()
		type row string
		did := 0
		write := func(tx *store.Tx, k string, n int64) error {
			return tx.Late(ctx, row(k), n, func(ctx context.Context) error {
				did++
				_, err := tx.Exec(ctx, put, k, []byte(k), n)
				return err
			})
		}
		read := func(tx *store.Tx, k string) (n int64) {
			var v []byte
			if err := tx.QueryRow(ctx, get, k).Scan(&v, &n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		err := db.Update(ctx, func(tx *store.Tx) error {
			if err := write(tx, "a", 1); err != nil || read(tx, "a") != 1 {
				t.Errorf("not held back, and not written: %v", err)
			}
			tx.HoldBack()
			for n := range int64(10) {
				for _, k := range []string{"a", "b"} {
					if err := write(tx, k, n+2); err != nil {
						return err
					}
				}
			}
			if n, ok := store.HeldBack[int64](tx, row("b")); !ok || n != 11 || did != 1 || read(tx, "a") != 1 {
				t.Errorf("%d held back (%v), %d writes", n, ok, did)
			}
			if err := tx.Settle(ctx, false); err != nil || did != 3 || read(tx, "a") != 11 || read(tx, "b") != 11 {
				t.Errorf("settled: %d writes, %v", did, err)
			}
			if _, ok := store.HeldBack[int64](tx, row("b")); ok {
				t.Error("what was done still waits")
			}
			if err := write(tx, "b", 12); err != nil || did != 3 {
				t.Errorf("not held back after a settlement: %v", err)
			}
			if err := tx.Settle(ctx, true); err != nil || read(tx, "b") != 12 {
				t.Error(err)
			}
			if err := write(tx, "b", 13); err != nil || read(tx, "b") != 13 {
				t.Errorf("held back after the end: %v", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
