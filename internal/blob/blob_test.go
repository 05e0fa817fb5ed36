package blob_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"

	"tasuki/internal/blob"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

func TestPutGet(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if err := db.Migrate(t.Context(), blob.Schema()); err != nil {
			t.Fatal(err)
		}
		long := bytes.Repeat([]byte("the same words again "), 5000)
		for _, raw := range [][]byte{nil, []byte("x"), []byte("\x00\xff"), long, long} {
			var digest blob.Digest
			err := db.Update(t.Context(), func(tx *store.Tx) (err error) {
				digest, err = blob.Put(t.Context(), tx, raw)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if digest != sha256.Sum256(raw) {
				t.Fatalf("digest of %d bytes is wrong", len(raw))
			}
			err = db.View(t.Context(), func(tx *store.Tx) error {
				got, err := blob.Get(t.Context(), tx, digest)
				if !bytes.Equal(got, raw) {
					t.Errorf("%d bytes came back, %d were put", len(got), len(raw))
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		err := db.View(t.Context(), func(tx *store.Tx) error {
			_, err := blob.Get(t.Context(), tx, blob.Digest{1})
			return err
		})
		if !errors.Is(err, blob.ErrNotFound) {
			t.Fatalf("absent blob: %v", err)
		}
	})
}

// A bit that flips in the store is noticed, wherever it flips.
func TestDamageIsNoticed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if err := db.Migrate(t.Context(), blob.Schema()); err != nil {
			t.Fatal(err)
		}
		set := store.Inline("damage", "UPDATE blob SET body = ?, size = ?")
		raw := bytes.Repeat([]byte("abc "), 100)
		for _, tc := range []struct {
			body []byte
			size int64
		}{{[]byte("no frame"), 400}, {nil, 400}, {raw, 400}, {raw, 1 << 60}} {
			err := db.Update(t.Context(), func(tx *store.Tx) error {
				digest, err := blob.Put(t.Context(), tx, raw)
				if err != nil {
					return err
				}
				body := tc.body
				if body == nil {
					body = []byte{}
				}
				if _, err := tx.Exec(t.Context(), set, body, tc.size); err != nil {
					return err
				}
				_, err = blob.Get(t.Context(), tx, digest)
				return err
			})
			if !errors.Is(err, blob.ErrDamaged) {
				t.Errorf("body %q of size %d: %v", tc.body, tc.size, err)
			}
		}
	})
}
