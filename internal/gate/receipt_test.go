package gate_test

import (
	"context"
	"errors"
	"testing"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// A receipt names what was committed, and nothing of what was refused.
func TestReceipt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := gatetest.New(t, db)
		ctx, r := gate.WithReceipt(t.Context())
		do := func(decide func(ctx context.Context, turn *gate.Turn) error) error {
			return w.Gate.Do(ctx, authority.Caller{Role: authority.Operator}, gate.Command{Action: authority.Govern, Decide: decide})
		}
		refused := errors.New("no")
		if err := do(func(ctx context.Context, turn *gate.Turn) error {
			_, err := turn.Emit(ctx, &event.Event{Kind: event.Heartbeat}, nil)
			return errors.Join(err, refused)
		}); !errors.Is(err, refused) || r.Size() != 0 || len(r.Events()) != 0 {
			t.Fatalf("a refused command: %v, size %d, %d events", err, r.Size(), len(r.Events()))
		}
		if err := do(func(ctx context.Context, turn *gate.Turn) error {
			_, err := turn.Emit(ctx, &event.Event{Kind: event.Heartbeat}, nil)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		var leaf []byte
		size := w.Size(t)
		if err := db.View(ctx, func(tx *store.Tx) (err error) { leaf, err = w.Log.Leaf(ctx, tx, size-1); return err }); err != nil {
			t.Fatal(err)
		}
		l, err := ledger.ParseLeaf(leaf)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Events(); len(got) != 1 || got[0] != ledger.EventHash(l.Event) || r.Size() != w.Size(t) || r.Reserved() {
			t.Errorf("receipt %x of size %d in a log of %d, reserved %t", got, r.Size(), w.Size(t), r.Reserved())
		}
	})
}
