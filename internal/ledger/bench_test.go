package ledger

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// realLeaf has the length of a record.imported leaf, some 480 bytes.
func realLeaf(b testing.TB, i int64) []byte {
	event := fmt.Appendf(nil, `{"at":"2026-11-21T21:00:07.000Z","base":true,"body":{"h":"%064x","n":6412},"by":%q,"id":"CVE-2026-%06d",`+
		`"kind":"record.imported/1","list":%q,"published":"2026-11-20T08:11:00.125Z","state":"PUBLISHED","updated":"2026-11-21T08:11:00.125Z"}`,
		i*7919, sampleOrg, i, sampleList)
	leaf, err := Leaf{Event: event, Stamp: Stamp{Back: -1, Time: 1_795_294_808_310 + i}}.Marshal()
	if err != nil {
		b.Fatal(err)
	}
	return leaf
}

// BenchmarkAppend is one leaf with a packed body of ordinary size, in transactions of 1,000.
func BenchmarkAppend(b *testing.B) {
	db := storetest.Open(b, storetest.SQLite(b))
	l := migrated(b, db)
	ctx := context.Background()
	body, err := Pack(rand.Reader, []byte(fmt.Sprintf("{\n  \"text\": \"%x\"\n}", make([]byte, 3000))))
	if err != nil {
		b.Fatal(err)
	}
	body.Packed = bytes.Repeat([]byte("p"), 780)
	b.ReportAllocs()
	for n := 0; n < b.N; {
		update(b, db, func(tx *store.Tx) error {
			h, err := l.Lock(ctx, tx)
			if err != nil {
				return err
			}
			for range min(1000, b.N-n) {
				n++
				if _, err := l.Append(ctx, tx, &h, realLeaf(b, h.Size), body, fmt.Sprintf("CVE-2026-%06d", h.Size)); err != nil {
					return err
				}
			}
			return l.Save(ctx, tx, h)
		})
	}
}

// BenchmarkMillion measures over one log of a million leaves: hash check, inclusion proof, signature. Building it
// takes half a minute and is not measured.
func BenchmarkMillion(b *testing.B) {
	if testing.Short() {
		b.Skip("builds a million leaves")
	}
	const size = 1_000_000
	db := storetest.Open(b, storetest.SQLite(b))
	l := migrated(b, db)
	ctx := context.Background()
	for done := false; !done; {
		update(b, db, func(tx *store.Tx) error {
			h, err := l.Lock(ctx, tx)
			if err != nil {
				return err
			}
			for range 20_000 {
				if _, err := l.Append(ctx, tx, &h, realLeaf(b, h.Size), nil, ""); err != nil {
					return err
				}
			}
			done = h.Size >= size
			return l.Save(ctx, tx, h)
		})
	}
	skey, _, err := note.GenerateKey(rand.Reader, sampleOrigin)
	if err != nil {
		b.Fatal(err)
	}
	key, err := note.NewSigner(skey)
	if err != nil {
		b.Fatal(err)
	}
	check := func(b *testing.B, o FsckOptions) {
		for b.Loop() {
			view(b, db, func(tx *store.Tx) error {
				return l.Fsck(ctx, tx, o, func(p Problem) { b.Error(p) })
			})
		}
	}
	b.Run("hashes", func(b *testing.B) { check(b, FsckOptions{Hashes: true}) })
	b.Run("inclusion", func(b *testing.B) {
		i := int64(0)
		view(b, db, func(tx *store.Tx) error {
			for b.Loop() {
				i = (i + 777_767) % size
				if _, err := l.ProveInclusion(ctx, tx, size, i); err != nil {
					return err
				}
			}
			return nil
		})
	})
	b.Run("sign", func(b *testing.B) {
		s := NewSigner(l, SignerOptions{Key: key, Holder: "bench", Now: time.Now})
		for n := int64(1); b.Loop(); n++ {
			update(b, db, func(tx *store.Tx) error {
				h, err := l.Lock(ctx, tx)
				if err != nil {
					return err
				}
				if _, err := l.Append(ctx, tx, &h, realLeaf(b, h.Size), nil, ""); err != nil {
					return err
				}
				return l.Save(ctx, tx, h)
			})
			if _, _, err := s.Sign(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkLeaf(b *testing.B) {
	leaf := realLeaf(b, 7)
	b.Run("split", func(b *testing.B) {
		for b.Loop() {
			if _, err := splitLeaf(leaf); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parse", func(b *testing.B) {
		for b.Loop() {
			if _, err := ParseLeaf(leaf); err != nil {
				b.Fatal(err)
			}
		}
	})
}
