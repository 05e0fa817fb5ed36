package ledger

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"pgregory.net/rapid"

	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// keeper is somebody who keeps a key of the escrow.
func keeper(t testing.TB) *age.X25519Identity {
	t.Helper()
	k, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func escrowTo(t testing.TB, keys ...*age.X25519Identity) *Escrow {
	t.Helper()
	var list []string
	for _, k := range keys {
		list = append(list, k.Recipient().String())
	}
	e, err := NewEscrow(list)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Whatever is committed to, each of the keepers alone opens it, and nobody else; it opens nothing but its own commitment.
func TestEscrowOpens(t *testing.T) {
	a, b, stranger := keeper(t), keeper(t), keeper(t)
	e := escrowTo(t, a, b)
	rapid.Check(t, func(t *rapid.T) {
		body := append(rapid.SliceOfN(rapid.Byte(), 0, 9000).Draw(t, "body"), '}')
		h, p, err := Commit(rand.Reader, body)
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := e.Seal(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range []age.Identity{a, b} {
			got, err := OpenEscrow([]age.Identity{stranger, k}, sealed, h)
			if err != nil || !bytes.Equal(got.Body, body) || got.Salt != p.Salt {
				t.Fatalf("opened: %q, %v", got.Body, err)
			}
		}
		if _, err := OpenEscrow([]age.Identity{stranger}, sealed, h); !errors.Is(err, ErrEscrowKey) {
			t.Fatalf("a stranger: %v", err)
		}
		h[0]++
		if _, err := OpenEscrow([]age.Identity{a}, sealed, h); !errors.Is(err, ErrBody) {
			t.Fatalf("another leaf's: %v", err)
		}
	})
}

func TestEscrowRecipients(t *testing.T) {
	a, b := keeper(t), keeper(t)
	pq, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	if escrowTo(t, a, b).Digest() != escrowTo(t, b, a).Digest() || escrowTo(t, a).Digest() == escrowTo(t, b).Digest() {
		t.Error("the digest names the order, or not the set")
	}
	if e, err := NewEscrow(nil); e != nil || err != nil {
		t.Errorf("no recipients: %v, %v", e, err)
	}
	h, p, err := Commit(rand.Reader, []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	e, err := NewEscrow([]string{pq.Recipient().String()})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := e.Seal(p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenEscrow([]age.Identity{pq}, sealed, h); err != nil {
		t.Errorf("post-quantum: %v", err)
	}
	for name, list := range map[string][]string{
		"nonsense": {"age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"}, "two in one": {a.Recipient().String() + "\n" + b.Recipient().String()},
		"mixed": {a.Recipient().String(), pq.Recipient().String()}, "a private key": {a.String()}, "empty": {""},
	} {
		if _, err := NewEscrow(list); !errors.Is(err, ErrRecipients) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// When recipients change, every living body is encrypted anew, and what was erased does not come back; a successor who has nothing but leaves and
// ciphertexts gets back the very private bodies that there were.
func TestEscrowOfALog(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		l := newSample(t, db)
		first, second := keeper(t), keeper(t)
		state := func(e *Escrow) (s EscrowState) {
			view(t, db, func(tx *store.Tx) (err error) { s, err = l.EscrowState(ctx, tx, e); return err })
			return s
		}
		living := int64(sampleSize)/samplePrivate - 2 // leaf 0 opens the epoch, one body is erased
		if s := state(nil); s != (EscrowState{Private: living}) {
			t.Fatalf("before: %+v", s)
		}
		old, now := escrowTo(t, first), escrowTo(t, first, second)
		if s := state(old); s.Due != living {
			t.Fatalf("due: %+v", s)
		}
		for i, e := range []*Escrow{old, now} {
			done, err := l.SealAll(ctx, e, nil)
			if err != nil || done != living {
				t.Fatalf("encrypted %d: %v", done, err)
			}
			if s := state(e); s != (EscrowState{Private: living, Sealed: living, Current: living}) {
				t.Fatalf("round %d: %+v", i, s)
			}
			if again, err := l.SealAll(ctx, e, nil); again != 0 || err != nil {
				t.Fatalf("encrypted again: %d, %v", again, err)
			}
		}
		if s := state(old); s.Current != 0 || s.Due != living {
			t.Errorf("the old recipients' ciphertexts: %+v", s)
		}
		was := map[int64]Private{}
		var kept []Sealed
		view(t, db, func(tx *store.Tx) (err error) {
			if kept, err = l.Escrowed(ctx, tx, 0, sampleSize, sampleSize); err != nil {
				return err
			}
			for _, s := range kept {
				if was[s.Leaf], err = l.Private(ctx, tx, s.Leaf); err != nil {
					return err
				}
			}
			return nil
		})
		if slices.ContainsFunc(kept, func(s Sealed) bool { return s.Leaf == sampleErasedPrivate }) {
			t.Error("an erased body has a ciphertext")
		}

		// Where the private bodies are not: a mirror that is promoted.
		const erased, foreign, wrong, extra = 20, 30, 40, 60
		forget := store.Inline("forget", "DELETE FROM ledger_private")
		update(t, db, func(tx *store.Tx) error {
			if _, err := tx.Exec(ctx, forget); err != nil {
				return err
			}
			if err := l.Erase(ctx, tx, erased); err != nil {
				return err
			}
			for _, s := range kept {
				switch s.Leaf {
				case foreign:
					sealed, err := escrowTo(t, keeper(t)).Seal(was[s.Leaf])
					if err != nil {
						return err
					}
					s.Ciphertext = sealed
				case wrong:
					s.Ciphertext = kept[len(kept)-1].Ciphertext
				default:
					s.Ciphertext = []byte("something else, which does not take the place of what is there")
				}
				if err := l.KeepEscrow(ctx, tx, s, s.Leaf == foreign || s.Leaf == wrong); err != nil {
					return err
				}
			}
			p := was[extra]
			return l.PutPrivate(ctx, tx, extra, p) // of a run that was stopped
		})
		update(t, db, func(tx *store.Tx) error { // an erased body's ciphertext that comes too late
			return l.PutEscrow(ctx, tx, Sealed{Leaf: erased, Recipients: now.Digest(), Ciphertext: kept[0].Ciphertext})
		})
		got, err := l.OpenAll(ctx, []age.Identity{second}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(got.Opened)) != living-4 || !slices.Equal(got.Closed, []int64{foreign}) || !slices.Equal(got.Wrong, []int64{wrong}) {
			t.Errorf("%+v", got)
		}
		view(t, db, func(tx *store.Tx) error {
			for leaf, p := range was {
				back, err := l.Private(ctx, tx, leaf)
				switch leaf {
				case erased, foreign, wrong:
					if !errors.Is(err, ErrNotFound) {
						t.Errorf("leaf %d: %v", leaf, err)
					}
				default:
					if err != nil || !bytes.Equal(back.Body, p.Body) || back.Salt != p.Salt {
						t.Errorf("leaf %d: %q, %v", leaf, back.Body, err)
					}
				}
			}
			return nil
		})
	})
}

// A ciphertext is somebody else's bytes. The law: what opens is what the commitment is over.
func FuzzOpenEscrow(f *testing.F) {
	k, err := age.ParseX25519Identity("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX")
	if err != nil {
		f.Fatal(err)
	}
	e, err := NewEscrow([]string{k.Recipient().String()})
	if err != nil {
		f.Fatal(err)
	}
	h, p, err := Commit(bytes.NewReader(make([]byte, 16)), []byte(`{"a":1}`))
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := e.Seal(p)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add(sealed[:len(sealed)-1])
	f.Add([]byte("age-encryption.org/v1\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := OpenEscrow([]age.Identity{k}, raw, h)
		if err == nil && got.Hash() != h {
			t.Fatalf("%q opens to another body", raw)
		}
	})
}

// BenchmarkEscrowSeal is what a private fact costs where there are three keepers.
func BenchmarkEscrowSeal(b *testing.B) {
	e := escrowTo(b, keeper(b), keeper(b), keeper(b))
	_, p, err := Commit(rand.Reader, []byte(`{"id":"CVE-2026-0001","kind":"id.owner/1","org":"8254265b-2729-46b6-b9e3-3dfca2d5bfca"}`))
	if err != nil {
		b.Fatal(err)
	}
	var n int
	for b.Loop() {
		sealed, err := e.Seal(p)
		if err != nil {
			b.Fatal(err)
		}
		n = len(sealed)
	}
	b.ReportMetric(float64(n), "bytes")
}
