package main

import (
	"context"
	"fmt"
	"time"

	"filippo.io/age"

	"tasuki/internal/charter"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
)

// openEscrow sets to whom private facts are encrypted, as the charter in force says, and encrypts those that are not: before anything is signed under that
// charter. It is asked again whenever the charter changed, and now and then, for what another node of the store wrote under the one before.
func (n *node) openEscrow(ctx context.Context) error { return n.escrowTo(ctx, n.chain.Head()) }

// escrowTo is openEscrow for a charter: the one in force, or one that is about to be.
func (n *node) escrowTo(ctx context.Context, doc *charter.Document) error {
	recipients := doc.Charter().Escrow
	e, err := ledger.NewEscrow(recipients)
	if err != nil {
		// The list goes on: its mirrors will not cosign, and escrow status says why. To stop it here would leave nobody to mend the charter.
		n.log.ErrorContext(ctx, "the charter's escrow cannot be used", "charter", doc.Charter().V, "err", err)
	}
	n.gate.SetEscrow(e)
	if e == nil || n.sealed != "" {
		return nil
	}
	var have ledger.EscrowState
	err = n.db.View(ctx, func(tx *store.Tx) (err error) {
		have, err = n.ledger.EscrowState(ctx, tx, e)
		return err
	})
	if err != nil || have.Due == have.Closed {
		return err
	}
	n.log.WarnContext(ctx, "private facts are being encrypted to the charter's recipients", "facts", have.Due-have.Closed, "recipients", len(recipients))
	told := n.now()
	done, err := n.ledger.SealAll(ctx, e, func(done int64) {
		if now := n.now(); now.Sub(told) >= 5*time.Second {
			told = now
			n.log.WarnContext(ctx, "encrypting private facts", "done", done, "of", have.Due-have.Closed)
		}
	})
	if err != nil {
		return fmt.Errorf("escrow: %w", err)
	}
	n.log.InfoContext(ctx, "private facts are encrypted to the charter's recipients", "facts", done)
	return nil
}

// tendEscrow encrypts what a node with an older charter wrote to a shared store.
func (n *node) tendEscrow(ctx context.Context) error {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if len(n.chain.Head().Charter().Escrow) == 0 {
			continue
		}
		if err := n.openEscrow(ctx); err != nil && ctx.Err() == nil {
			n.log.WarnContext(ctx, "escrow not brought up to date", "err", err)
		}
	}
}

// openPrivate puts back the private facts that a mirror kept the ciphertexts of, and folds the log again, so that they take effect: owners of reserved
// identifiers, users, secrets, quotas.
func (n *node) openPrivate(ctx context.Context, keys []age.Identity, report Reporter) (ledger.EscrowOpened, error) {
	got, err := n.ledger.OpenAll(ctx, keys, func(done int64) {
		report.Progress(Progress{Step: "open the escrow", Done: done, Unit: "facts"})
	})
	if err != nil {
		return got, err
	}
	report.Step(fmt.Sprintf("opened %s private facts", thousands(got.Opened)))
	_, err = n.gate.Replay(ctx, true, func(done, total int64) {
		report.Progress(Progress{Step: "fold the log", Done: done, Total: total, Unit: "leaves"})
	})
	return got, err
}

// escrowAnswer says what of the private facts would outlive this node.
type escrowAnswer struct {
	Recipients []string `json:"recipients"`
	Private    int64    `json:"private"` // in clear
	Sealed     int64    `json:"sealed"`  // ciphertexts
	Current    int64    `json:"current"` // of them, to the recipients of the charter in force
	Due        int64    `json:"due"`     // private facts without one
	Problem    string   `json:"problem,omitzero"`
	Words      []string `json:"words"`
}

func (n *node) escrowStatus(ctx context.Context, _ struct{}, _ Reporter) (out escrowAnswer, err error) {
	out.Recipients = append([]string{}, n.chain.Head().Charter().Escrow...)
	e, err := ledger.NewEscrow(out.Recipients)
	if err != nil {
		out.Problem = err.Error()
	}
	err = n.db.View(ctx, func(tx *store.Tx) error {
		s, err := n.ledger.EscrowState(ctx, tx, e)
		out.Private, out.Sealed, out.Current, out.Due = s.Private, s.Sealed, s.Current, s.Due
		return err
	})
	out.words(charter.DescribeEscrow(n.chain.Head(), "en"))
	return out, err
}
