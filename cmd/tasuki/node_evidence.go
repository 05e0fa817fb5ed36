package main

import (
	"cmp"
	"context"
	"slices"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/store"
)

// evidence is everything that was found wrong with others, newest first, at most limit pieces. Two charters of one version are evidence by being kept:
// they are listed from the charters themselves, so that none is ever missing.
func (n *node) evidence(ctx context.Context, limit int) ([]continuity.Evidence, error) {
	list, err := n.continuity.Evidence(ctx, limit)
	if err != nil {
		return nil, err
	}
	siblings, err := n.siblings(ctx)
	if err != nil {
		return nil, err
	}
	list = append(list, siblings...)
	slices.SortStableFunc(list, func(a, b continuity.Evidence) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Name, b.Name)) })
	return list[:min(len(list), limit)], nil
}

// siblings are the charters that are as valid as one of the chain, each beside that one.
func (n *node) siblings(ctx context.Context) (out []continuity.Evidence, err error) {
	var chain *charter.Chain
	var docs []*charter.Document
	err = n.db.View(ctx, func(tx *store.Tx) (err error) {
		if chain, err = charter.Load(ctx, tx); err != nil {
			return err
		}
		docs, err = charter.Siblings(ctx, tx, chain)
		return err
	})
	for _, d := range docs {
		e, err := continuity.SiblingEvidence(chain.At(d.Charter().V), d)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, err
}

// evidenceNamed is one piece; continuity.ErrNotFound.
func (n *node) evidenceNamed(ctx context.Context, name string) (continuity.Evidence, error) {
	siblings, err := n.siblings(ctx)
	if err != nil {
		return continuity.Evidence{}, err
	}
	for _, e := range siblings {
		if e.Name == name {
			return e, nil
		}
	}
	return n.continuity.EvidenceNamed(ctx, name)
}
