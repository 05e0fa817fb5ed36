package registry_test

import (
	"math"
	"testing"

	"tasuki/internal/gate/gatetest"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// Leaves are counted in 64 bits on both engines.
func TestAnImportAtALateLeaf(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		gatetest.New(t, db)
		put := store.Inline("late", `INSERT INTO registry_import (leaf, source, digest, sample, counts, time) VALUES (?, 'late.zip', '', 0, '{}', 0)`)
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), put, int64(math.MaxInt32)+1)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
