package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"tasuki/internal/edge/publish/bundle"
	"tasuki/internal/ledger"
)

// arrivedIn lets go of what a bundle proves to be published: the way back for a node that no network reaches (docs/protocols/bundle.md).
// The file is verified from the list's id on, its checkpoint by the quorum of its charter, and each event by a proof that is kept. What
// the bundle does not have waits on.
func (n *laneNode) arrivedIn(ctx context.Context, p *Program, file string) error {
	waiting, err := n.outbox.Waiting()
	if err != nil {
		return err
	}
	waits := map[ledger.Hash]bool{}
	for _, item := range waiting {
		waits[item.Hash] = true
	}
	hashes := map[int64]ledger.Hash{}
	proofs := map[int64][]byte{}
	var order []int64
	open := func() (io.ReadCloser, error) { return os.Open(file) }
	head, err := bundle.Prove(ctx, open, n.laneConfig.List, func(i bundle.Item) bool {
		if len(i.Event.Sigs) == 0 {
			return false
		}
		leaf, err := ledger.ParseLeaf(i.Leaf)
		if err != nil { // it was read before
			return false
		}
		hash := ledger.EventHash(leaf.Event)
		if waits[hash] {
			hashes[i.Index] = hash
		}
		return waits[hash]
	}, func(i bundle.Item, proof []byte) error {
		order, proofs[i.Index] = append(order, i.Index), proof
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if err := n.extend(head.Charters); err != nil {
		return fmt.Errorf("%s: its charters: %w", file, err)
	}
	if err := n.keepChain(); err != nil {
		return err
	}
	for _, leaf := range order {
		if err := n.outbox.Arrived(hashes[leaf], proofs[leaf], n.durable); err != nil {
			return fmt.Errorf("%s: leaf %d: %w", file, leaf, err)
		}
		fmt.Fprintf(p.Stdout, "%s durable at leaf %d\n", eventName(hashes[leaf]), leaf)
	}
	if left := len(waiting) - len(order); left > 0 {
		fmt.Fprintf(p.Stderr, "%s has leaves %d to %d; %d events that it does not have wait on\n", file, head.From, head.To-1, left)
	}
	return nil
}
