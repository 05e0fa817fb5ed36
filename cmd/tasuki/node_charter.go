package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tasuki/internal/authority"
	"tasuki/internal/charter"
	"tasuki/internal/event"
	"tasuki/internal/gate"
)

// upgradeCharter lets the list say what this program writes into it: an older list's charter is amended by nothing but the missing
// vocabularies, which the log key may sign while there are no mirrors. A node without the key leaves that to one that has it.
func (n *node) upgradeCharter(ctx context.Context) error {
	head := n.chain.Head().Charter()
	missing := func(f string) bool { return !slices.Contains(head.Features, f) }
	if n.sealed != "" || head.Mirrors != nil || !slices.ContainsFunc(features, missing) {
		return nil
	}
	key, err := readLogKey(n.dir.Path, n.chain)
	if errors.Is(err, errNoKey) {
		return nil
	}
	if err != nil {
		return err
	}
	doc, err := n.chain.AddFeatures(n.now, "a newer program", features...)
	if err != nil {
		return err
	}
	doc.Sign(charter.LogSigner, key.Private)
	next, err := charter.NewChain(n.chain.Genesis())
	for _, d := range append(n.chain.Documents()[1:], doc) {
		err = errors.Join(err, next.Extend(d))
	}
	if err != nil {
		return fmt.Errorf("amend the charter: %w", err)
	}
	err = n.gate.Do(ctx, authority.Caller{Role: authority.Operator, Name: "upgrade"}, gate.Command{Action: authority.Govern,
		Decide: func(ctx context.Context, t *gate.Turn) error {
			if err := charter.Save(ctx, t.Tx, next); err != nil {
				return err
			}
			_, err := t.Emit(ctx, &event.Event{Kind: event.CharterNoted, Charter: doc.Hash()}, nil)
			return err
		}})
	if errors.Is(err, charter.ErrSibling) {
		return n.load(ctx) // another node of this store was quicker
	}
	if err != nil {
		return fmt.Errorf("amend the charter: %w", err)
	}
	n.chain = next
	n.log.InfoContext(ctx, "the charter names what this program writes", "charter", doc.Charter().V, "features", doc.Charter().Features)
	return nil
}

// Banner shouts when the list is a test list.
func (n *node) Banner() string {
	if !n.chain.Test() {
		return ""
	}
	return "TEST LIST: nothing in it counts, and its secrets are known to others. Never let it be reached from outside."
}
