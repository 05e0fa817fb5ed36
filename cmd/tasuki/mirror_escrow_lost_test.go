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
	"tasuki/internal/gate"
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
