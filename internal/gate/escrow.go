package gate

import (
	"context"

	"tasuki/internal/ledger"
)

// SetEscrow says to whom private bodies are encrypted from now on: the recipients of the charter in force, or nil. Those that are there already are
// ledger.Log.SealAll's.
func (g *Gate) SetEscrow(e *ledger.Escrow) { g.escrow.Store(e) }

// sealing is a private body that is being encrypted beside the transaction.
type sealing struct {
	leaf       int64
	recipients [32]byte
	done       chan sealed
}

type sealed struct {
	ciphertext []byte
	err        error
}

// seal begins to encrypt what a commitment hides. It takes as long as some statements do, so it goes on beside them until the command is decided.
func (t *Turn) seal(leaf int64, p ledger.Private) {
	e := t.gate.escrow.Load()
	if e == nil {
		return
	}
	s := sealing{leaf: leaf, recipients: e.Digest(), done: make(chan sealed, 1)}
	go func() {
		ciphertext, err := e.Seal(p)
		s.done <- sealed{ciphertext, err}
	}()
	t.sealing = append(t.sealing, s)
}

// keepSealed stores the ciphertexts in the transaction of their leaves: a private fact that is committed can be opened by the keepers of the escrow.
func (t *Turn) keepSealed(ctx context.Context) error {
	for _, s := range t.sealing {
		got := <-s.done
		if got.err != nil {
			return got.err
		}
		if err := t.gate.Log.PutEscrow(ctx, t.Tx, ledger.Sealed{Leaf: s.leaf, Recipients: s.recipients, Ciphertext: got.ciphertext}); err != nil {
			return err
		}
	}
	return nil
}
