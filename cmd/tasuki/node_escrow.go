package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
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
// identifiers, users, secrets, quotas. What its own ciphertexts do not give is sought from the other mirrors, for as long as wait while some do not answer.
// errMissing means that a fact is not to be had and was acknowledged, as far as this mirror knows.
func (n *node) openPrivate(ctx context.Context, keys []age.Identity, wait time.Duration, report Reporter) (opened int64, err error) {
	own, err := n.ledger.OpenAll(ctx, keys, func(done int64) {
		report.Progress(Progress{Step: "open the escrow", Done: done, Unit: "facts"})
	})
	opened = int64(len(own.Opened))
	if err != nil {
		return opened, err
	}
	missing, found, err := n.seekPrivate(ctx, keys, wait, report)
	if opened += found; err != nil {
		return opened, err
	}
	report.Step(fmt.Sprintf("opened %s private facts", thousands(opened)))
	_, err = n.gate.Replay(ctx, true, func(done, total int64) {
		report.Progress(Progress{Step: "fold the log", Done: done, Total: total, Unit: "leaves"})
	})
	if err != nil || len(missing) == 0 {
		return opened, err
	}
	report.Item(Item{Outcome: "problem", Name: "escrow", Reason: fmt.Sprintf("%s private facts stay closed, the first at leaf %d: %s ciphertexts here are not opened by these keys, %s hold something else than was committed to",
		thousands(int64(len(missing))), missing[0], thousands(int64(len(own.Closed))), thousands(int64(len(own.Wrong))))})
	accepted, err := n.accepted(ctx)
	closed := slices.ContainsFunc(own.Closed, func(leaf int64) bool { _, still := slices.BinarySearch(missing, leaf); return still })
	if err == nil && (closed || missing[0] < accepted.Size) {
		err = errMissing
	}
	return opened, err
}

// patienceForUnknown is how long mirrors that do not answer are waited for while nothing is missing that is known to have been acknowledged.
const patienceForUnknown = 5 * time.Second

// seekPrivate asks the mirrors of the epochs that end for what is not opened yet, and returns what still is not, in the order of the leaves.
func (n *node) seekPrivate(ctx context.Context, keys []age.Identity, wait time.Duration, report Reporter) (missing []int64, found int64, err error) {
	if missing, err = n.unopened(ctx); err != nil || len(missing) == 0 {
		return missing, 0, err
	}
	docs, err := continuity.Ending(ctx, n.continuity, n.chain)
	if err != nil || len(docs) == 0 {
		return missing, 0, err
	}
	accepted, err := n.accepted(ctx)
	if err != nil {
		return missing, 0, err
	}
	began := n.now()
	for told := ""; ; {
		var silent []string
		missing, silent, err = n.follower.SeekEscrow(ctx, docs, missing, func(list []ledger.Sealed) ([]int64, error) {
			got, err := n.ledger.OpenSealed(ctx, keys, list)
			found += int64(len(got.Opened))
			return got.Opened, err
		})
		if err != nil || len(missing) == 0 || len(silent) == 0 {
			return missing, found, err
		}
		patience := wait
		if missing[0] >= accepted.Size {
			patience = min(wait, patienceForUnknown)
		}
		if n.now().Sub(began) >= patience {
			return missing, found, nil
		}
		if text := fmt.Sprintf("%s private facts are missing, and no answer comes from %s", thousands(int64(len(missing))), strings.Join(silent, ", ")); text != told {
			told = text
			report.Step(text)
		}
		select {
		case <-ctx.Done():
			return missing, found, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// unopened are the leaves whose private facts are not here.
func (n *node) unopened(ctx context.Context) (all []int64, err error) {
	const page = 4096
	for from := int64(0); ; from = all[len(all)-1] + 1 {
		var some []int64
		err := n.db.View(ctx, func(tx *store.Tx) (err error) {
			some, err = n.ledger.Unopened(ctx, tx, from, page)
			return err
		})
		if all = append(all, some...); err != nil || len(some) < page {
			return all, err
		}
	}
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
