package ledger

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"

	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// TestBodiesAndSubjects appends leaves with public, private and no bodies and reads each back by every way in.
func TestBodiesAndSubjects(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		l := migrated(t, db)
		raw := []byte("{\n  \"a\": [\n    1.50,\n    \"\\u00e9\"\n  ]\n}")
		body, err := Pack(rand.Reader, raw)
		if err != nil {
			t.Fatal(err)
		}
		_, private, err := Commit(rand.Reader, []byte(`{"org":"acme"}`))
		if err != nil {
			t.Fatal(err)
		}
		update(t, db, func(tx *store.Tx) error {
			h, err := l.Lock(ctx, tx)
			if err != nil {
				return err
			}
			if _, err := l.Append(ctx, tx, &h, testLeaf(t, 0, -1), body, "CVE-2026-0001"); err != nil {
				return err
			}
			i, err := l.Append(ctx, tx, &h, testLeaf(t, 1, -1), nil, "")
			if err != nil {
				return err
			}
			if err := l.PutPrivate(ctx, tx, i, private); err != nil {
				return err
			}
			if _, err := l.Append(ctx, tx, &h, testLeaf(t, 2, 0), nil, "CVE-2026-0001"); err != nil {
				return err
			}
			return l.Save(ctx, tx, h)
		})

		check := func(name string, err error, ok bool) {
			t.Helper()
			if err != nil || !ok {
				t.Errorf("%s: %v", name, err)
			}
		}
		view(t, db, func(tx *store.Tx) error {
			last, err := l.Last(ctx, tx, "CVE-2026-0001")
			check("last", err, last == 2)
			last, err = l.Last(ctx, tx, "CVE-2026-0002")
			check("last of a stranger", err, last == -1)
			leaf, err := l.Leaf(ctx, tx, 2)
			check("leaf", err, bytes.Equal(leaf, testLeaf(t, 2, 0)))
			b, err := l.Body(ctx, tx, 0)
			check("body", err, b != nil && b.Check() == nil)
			got, err := b.Bytes()
			check("bytes", err, bytes.Equal(got, raw))
			_, i, err := l.BodyByHash(ctx, tx, body.Hash)
			check("body by hash", err, i == 0)
			p, err := l.Private(ctx, tx, 1)
			check("private", err, p.Hash() == private.Hash())

			near := body.Hash
			near[31]++
			_, _, err = l.BodyByHash(ctx, tx, near)
			check("body by a hash with the same beginning", nil, errors.Is(err, ErrNotFound))
			_, err = l.Body(ctx, tx, 1)
			check("absent body", nil, errors.Is(err, ErrNotFound))
			_, err = l.Private(ctx, tx, 0)
			check("absent private body", nil, errors.Is(err, ErrNotFound))
			_, err = l.Leaf(ctx, tx, 3)
			check("leaf beyond the end", nil, errors.Is(err, ErrNotFound))
			return nil
		})

		update(t, db, func(tx *store.Tx) error { return errors.Join(l.Erase(ctx, tx, 0), l.Erase(ctx, tx, 1)) })
		view(t, db, func(tx *store.Tx) error {
			_, err := l.Body(ctx, tx, 0)
			check("erased body", nil, errors.Is(err, ErrNotFound))
			_, err = l.Private(ctx, tx, 1)
			check("erased private body", nil, errors.Is(err, ErrNotFound))
			return nil
		})
	})
}

// TestForeignDictionary reads a body that was packed with a dictionary this binary does not embed: ledger_dict has it.
func TestForeignDictionary(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		l := migrated(t, db)
		// The same dictionary under another id stands for one of another release.
		other := bytes.Clone(dict1)
		other[4]++
		d := newDictionary(other)
		body, err := Pack(rand.Reader, []byte(`{"dataType":"CVE_RECORD"}`))
		if err != nil {
			t.Fatal(err)
		}
		src, err := body.Compact()
		if err != nil {
			t.Fatal(err)
		}
		if body.Packed, err = d.compress(src); err != nil {
			t.Fatal(err)
		}
		body.Dict, body.dict = d.id, d
		update(t, db, func(tx *store.Tx) error {
			h, err := l.Lock(ctx, tx)
			if err != nil {
				return err
			}
			for range 2 {
				if _, err := l.Append(ctx, tx, &h, testLeaf(t, h.Size, -1), body, ""); err != nil {
					return err
				}
			}
			return l.Save(ctx, tx, h)
		})
		for range 2 { // from the row, then from memory
			l = New(db)
			view(t, db, func(tx *store.Tx) error {
				b, err := l.Body(ctx, tx, 1)
				if err != nil {
					return err
				}
				return b.Check()
			})
		}
		bare := *body
		bare.dict = nil
		if err := bare.Check(); !errors.Is(err, ErrEncoding) {
			t.Errorf("without the store the dictionary is known: %v", err)
		}
	})
}

func TestScan(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		l := migrated(t, db)
		grow(t, db, l, 1100)
		view(t, db, func(tx *store.Tx) error {
			next := int64(7)
			err := l.Scan(ctx, tx, next, func(index int64, leaf []byte, body *Body) error {
				if index != next || !bytes.Equal(leaf, testLeaf(t, index, -1)) || body != nil {
					return fmt.Errorf("leaf %d where %d was due", index, next)
				}
				next++
				if index == 600 { // other queries on the same transaction are allowed
					if _, err := l.Leaf(ctx, tx, 3); err != nil {
						return err
					}
				}
				return nil
			})
			if next != 1100 {
				t.Errorf("scan ended at %d", next)
			}
			return err
		})
	})
}

func update(t testing.TB, db *store.DB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := db.Update(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, db *store.DB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := db.View(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}
