package gate_test

import (
	"context"
	"errors"
	"testing"

	"filippo.io/age"

	"tasuki/internal/authority"
	"tasuki/internal/gate"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// What is committed to is encrypted in the same transaction: a fact that counts can be opened, one that was refused left no trace, one that its own
// command erased is not there either.
func TestPrivateFactsAreEscrowed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ctx := gatetest.New(t, db), t.Context()
		k, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		e, err := ledger.NewEscrow([]string{k.Recipient().String()})
		if err != nil {
			t.Fatal(err)
		}
		refuse := errors.New("no")
		act := func(decide func(ctx context.Context, t *gate.Turn) error) error {
			return w.Gate.Do(ctx, gatetest.Importer, gate.Command{Action: authority.Act, Decide: decide})
		}
		commit := func(ctx context.Context, t *gate.Turn) error {
			_, err := t.EmitPrivate(ctx, []byte(`{"kind":"test/1"}`))
			return err
		}
		if err := act(commit); err != nil { // before there was an escrow
			t.Fatal(err)
		}
		w.Gate.SetEscrow(e)
		if err := act(func(ctx context.Context, t *gate.Turn) error { return errors.Join(commit(ctx, t), commit(ctx, t)) }); err != nil {
			t.Fatal(err)
		}
		if err := act(func(ctx context.Context, t *gate.Turn) error { return errors.Join(commit(ctx, t), refuse) }); !errors.Is(err, refuse) {
			t.Fatal(err)
		}
		if err := act(func(ctx context.Context, t *gate.Turn) error {
			own, err := t.EmitPrivate(ctx, []byte(`{"kind":"test/1"}`))
			return errors.Join(err, w.Log.Erase(ctx, t.Tx, own.Index))
		}); err != nil {
			t.Fatal(err)
		}
		err = db.View(ctx, func(tx *store.Tx) error {
			list, err := w.Log.Escrowed(ctx, tx, 0, 100, 100)
			if len(list) != 2 {
				t.Errorf("%d ciphertexts, want those of two facts", len(list))
			}
			for _, s := range list {
				p, perr := w.Log.Private(ctx, tx, s.Leaf)
				if perr != nil {
					return perr
				}
				if got, oerr := ledger.OpenEscrow([]age.Identity{k}, s.Ciphertext, p.Hash()); oerr != nil || string(got.Body) != string(p.Body) {
					t.Errorf("leaf %d: %q, %v", s.Leaf, got.Body, oerr)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
