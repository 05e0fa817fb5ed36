package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"filippo.io/age"

	"tasuki/internal/authority"
	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
)

// A private fact whose ciphertext no mirror had fetched when its operator was lost was acknowledged to nobody, and nobody can bring it back. Its leaf stays;
// the list goes on, and what mirrors refuse is what is written from then on.
func TestAFactThatWasLostStopsNobody(t *testing.T) {
	t.Parallel() // it waits more than it works
	keeper, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	escrowKey := filepath.Join(t.TempDir(), "escrow.key")
	if err := os.WriteFile(escrowKey, []byte(keeper.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newMirrored(t, 3, 2, kitOptions{}, func(k *kitNode) { selfAttested(t, k) },
		func(c *charter.Charter) { c.Escrow = []string{keeper.Recipient().String()} })
	w.work()
	w.published()
	for i := range w.mirrors {
		w.caughtUp(i)
	}
	private := func(k *kitNode) {
		err := k.gate.Do(t.Context(), operator("test"), gate.Command{Action: authority.Act, Decide: func(ctx context.Context, turn *gate.Turn) error {
			_, err := turn.EmitPrivate(ctx, []byte(`{"kind":"test/1"}`))
			return err
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	withheld := func(rw http.ResponseWriter, r *http.Request, door http.Handler) {
		if r.URL.Path == "/escrow" {
			rw.WriteHeader(http.StatusNotFound)
			return
		}
		door.ServeHTTP(rw, r)
	}
	w.at.pass(withheld)
	before := w.operator.checkpoint.Load().Size
	private(w.operator)
	next := w.names("second", w.places[0].url)
	for i := range w.mirrors {
		w.until(i, "ciphertext of a private fact is withheld")
	}
	if cp := w.operator.checkpoint.Load(); cp.Size != before {
		t.Fatalf("%d leaves were published, and a fact of them is nowhere", cp.Size)
	}
	w.at.let(nil)
	w.stop()
	w.operator.close(t)

	resp, err := http.Post(w.places[1].url+"/charter", "application/json", bytes.NewReader(next.document))
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("the charter: %s, %v", resp.Status, err)
	}
	for i, m := range w.mirrors {
		soon(t, time.Minute, func() string {
			if len(m.mirrorState(t).Sealed) == 0 {
				return fmt.Sprintf("mirror %d has not sealed", i+1)
			}
			return ""
		})
	}
	successor, sum := w.promotes(0, next, PromoteRequest{EscrowKey: []string{escrowKey}})
	if !sum.Opened || sum.Size != before+1 {
		t.Fatalf("%+v, published were %d leaves", sum, before)
	}
	published := func() {
		t.Helper()
		size, err := successor.size(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		soon(t, time.Minute, func() string {
			if cp := successor.checkpoint.Load(); cp == nil || cp.Size < size {
				return fmt.Sprintf("%d leaves are not published: %+v, %+v", size, w.mirrors[1].mirrorState(t), w.mirrors[2].mirrorState(t))
			}
			return ""
		})
	}
	published()
	private(successor)
	published()
	w.places[0].pass(withheld)
	private(successor)
	for i := range w.mirrors[1:] {
		w.until(i+1, "ciphertext of a private fact is withheld")
	}
}

// A successor whose own copy lacks ciphertexts, or was given something else in their place, has them from the other mirrors; those answer it until the epoch
// is opened, and no longer.
func TestASuccessorSeeksWhatItLacks(t *testing.T) {
	t.Parallel() // it waits more than it works
	keeper, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	escrowKey := filepath.Join(t.TempDir(), "escrow.key")
	if err := os.WriteFile(escrowKey, []byte(keeper.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newMirrored(t, 3, 2, kitOptions{}, func(k *kitNode) { selfAttested(t, k) },
		func(c *charter.Charter) { c.Escrow = []string{keeper.Recipient().String()} })
	w.work()
	w.published()
	for i := range w.mirrors {
		w.caughtUp(i)
	}
	state := func(k *kitNode) (s ledger.EscrowState) {
		err := k.db.View(t.Context(), func(tx *store.Tx) (err error) { s, err = k.ledger.EscrowState(t.Context(), tx, nil); return err })
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	was := state(w.operator).Private
	next := w.names("second", w.places[0].url)
	w.stop()
	w.operator.close(t)
	resp, err := http.Post(w.places[1].url+"/charter", "application/json", bytes.NewReader(next.document))
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("the charter: %s, %v", resp.Status, err)
	}
	for i, m := range w.mirrors {
		soon(t, time.Minute, func() string {
			if len(m.mirrorState(t).Sealed) == 0 {
				return fmt.Sprintf("mirror %d has not sealed", i+1)
			}
			return ""
		})
	}
	ends := func(i int) int {
		m := w.mirrors[i]
		docs, err := continuity.Ending(t.Context(), m.continuity, m.chain)
		if err != nil {
			t.Fatal(err)
		}
		return len(docs)
	}
	if ends(1) == 0 {
		t.Error("a mirror does not know which charters end")
	}
	for _, statement := range []string{
		"UPDATE ledger_escrow SET ciphertext = 'age-encryption.org/v1 of nothing' WHERE idx % 2 = 0",
		"UPDATE ledger_escrow SET ciphertext = '', recipients = '' WHERE idx % 3 = 0",
	} {
		spoil := store.Inline("spoil", statement)
		err := w.mirrors[0].db.Update(t.Context(), func(tx *store.Tx) error { _, err := tx.Exec(t.Context(), spoil); return err })
		if err != nil {
			t.Fatal(err)
		}
	}
	silent := w.places[1]
	silent.let(nil) // the other one has them too
	successor, sum := w.promotes(0, next, PromoteRequest{EscrowKey: []string{escrowKey}})
	if now := state(successor).Private; !sum.Opened || was < 8 || sum.Private != was || now < was {
		t.Fatalf("%+v; the operator had %d private facts, the successor has %d", sum, was, now)
	}
	soon(t, time.Minute, func() string {
		if n := ends(2); n > 0 {
			return fmt.Sprintf("a mirror answers those of %d charters that ended", n)
		}
		return ""
	})
}
