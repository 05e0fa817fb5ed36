//go:build nested

package store_test

import (
	"context"
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
		do := map[string]func(context.Context, func(*store.Tx) error) error{"view": db.View, "glance": db.Glance, "update": db.Update}
		for outside, outer := range do {
			for inside, inner := range do {
				nested := func() (said any) {
					defer func() { said = recover() }()
					return outer(t.Context(), func(*store.Tx) error { return inner(t.Context(), none) })
				}
				if outside == "update" && inside != "update" {
					if said := nested(); said != error(nil) {
						t.Errorf("%s in %s: %v", inside, outside, said)
					}
					continue
				}
				if said := nested(); !strings.Contains(fmt.Sprint(said), "inside another") {
					t.Errorf("%s in %s: %v", inside, outside, said)
				}
			}
		}
		if err := db.View(t.Context(), none); err != nil {
			t.Error(err)
		}
	})
}
