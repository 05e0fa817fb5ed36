//go:build race

package store_test

import (
	"fmt"
	"strings"
	"testing"

	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// The race detector's build names a transaction inside another; the store works on.
func TestATransactionInsideAnotherIsNamed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		none := func(*store.Tx) error { return nil }
		nested := func() (said any) {
			defer func() { said = recover() }()
			return db.View(t.Context(), func(*store.Tx) error { return db.View(t.Context(), none) })
		}
		if said := nested(); !strings.Contains(fmt.Sprint(said), "inside another") {
			t.Errorf("said %v", said)
		}
		if err := db.View(t.Context(), none); err != nil {
			t.Error(err)
		}
	})
}
