package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"tasuki/internal/authority"
	"tasuki/internal/charter"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
)

// Where a charter has an escrow, nothing counts before its mirrors hold the ciphertext of every private fact; what they hold opens to the operator's
// facts, and an erased fact is not among it.
func TestMirrorsKeepTheEscrow(t *testing.T) {
	keeper, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	w := newMirrored(t, 1, 1, kitOptions{}, func(k *kitNode) { selfAttested(t, k) },
		func(c *charter.Charter) { c.Escrow = []string{keeper.Recipient().String()} })
	w.operate()
	// The ciphertexts are held back at first.
	w.at.pass(func(rw http.ResponseWriter, r *http.Request, door http.Handler) {
		if r.URL.Path == "/escrow" {
			rw.WriteHeader(http.StatusNotFound)
			return
		}
		door.ServeHTTP(rw, r)
	})
	w.mirror(0, kitOptions{})
	if got := w.until(0, "ciphertext of a private fact is withheld"); got.Cosigned != 0 || got.Published != 0 || got.Size == 0 {
		t.Errorf("without ciphertexts: %+v", got)
	}
	w.at.pass(nil)
	w.published()
	w.caughtUp(0)

	var facts int
	opened := func() map[int64]ledger.Private {
		out := map[int64]ledger.Private{}
		m := w.mirrors[0]
		err := m.db.View(t.Context(), func(tx *store.Tx) error {
			list, err := m.ledger.Escrowed(t.Context(), tx, 0, 1<<40, 10_000)
			for _, s := range list {
				raw, lerr := m.ledger.Leaf(t.Context(), tx, s.Leaf)
				if lerr != nil {
					return lerr
				}
				e, lerr := event.Open(s.Leaf, raw, nil)
				if lerr != nil {
					return lerr
				}
				p, oerr := ledger.OpenEscrow([]age.Identity{keeper}, s.Ciphertext, e.Body.H)
				if oerr != nil {
					t.Fatalf("leaf %d: %v", s.Leaf, oerr)
				}
				out[s.Leaf] = p
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	got := opened()
	err = w.operator.db.View(t.Context(), func(tx *store.Tx) error {
		return w.operator.ledger.Scan(t.Context(), tx, 0, func(index int64, _ []byte, _ *ledger.Body) error {
			p, err := w.operator.ledger.Private(t.Context(), tx, index)
			if err != nil {
				return nil //nolint:nilerr // not a private fact
			}
			facts++
			if string(got[index].Body) != string(p.Body) || got[index].Salt != p.Salt {
				t.Errorf("leaf %d opens to something else", index)
			}
			return nil
		})
	})
	if err != nil || facts < 8 || len(got) != facts {
		t.Errorf("%d ciphertexts of %d facts (%v)", len(got), facts, err)
	}

	// A new fact, and the erasure of an old one.
	var last, gone int64
	err = w.operator.gate.Do(t.Context(), operator("test"), gate.Command{Action: authority.Act, Decide: func(ctx context.Context, turn *gate.Turn) error {
		own, err := turn.EmitPrivate(ctx, []byte(`{"kind":"test/1"}`))
		last = own.Index
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	for leaf := range got {
		gone = leaf
		break
	}
	err = w.operator.gate.Do(t.Context(), operator("test"), gate.Command{Action: authority.Act, Decide: func(ctx context.Context, turn *gate.Turn) error {
		if _, err := turn.Emit(ctx, &event.Event{Kind: event.BodyErased, Leaf: &gone, Reason: "person"}, nil); err != nil {
			return err
		}
		return w.operator.ledger.Erase(ctx, turn.Tx, gone)
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.published()
	w.caughtUp(0)
	soon(t, 30*time.Second, func() string {
		now := opened()
		_, erased := now[gone]
		if _, there := now[last]; !there || erased || len(now) != facts {
			return "the escrow is not in step"
		}
		return ""
	})
	if got := w.mirrors[0].mirrorState(t); strings.Contains(got.Problem, "withheld") {
		t.Errorf("%+v", got)
	}
}
