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
	"tasuki/internal/store"
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
	err = n.noteCharter(ctx, "upgrade", doc)
	if errors.Is(err, charter.ErrSibling) || errors.Is(err, charter.ErrKnown) {
		return n.load(ctx) // another node of this store was quicker
	}
	if err != nil {
		return fmt.Errorf("amend the charter: %w", err)
	}
	n.log.InfoContext(ctx, "the charter names what this program writes", "charter", doc.Charter().V, "features", doc.Charter().Features)
	return nil
}

// errOpensEpoch means a charter that a running operator cannot simply take over.
var errOpensEpoch = errors.New("this charter opens an epoch: the operator that it names opens it with \"tasuki promote\"")

// adoptCharter takes over a signed charter that leaves operator, mirrors and policy alone: it is stored, and a leaf notes it. Who
// reads meanwhile sees the chain before or after. A valid sibling is kept beside the chain and answers charter.ErrSibling; one that
// the chain has answers charter.ErrKnown; one that opens an epoch is errOpensEpoch, and nothing is stored.
func (n *node) adoptCharter(ctx context.Context, doc *charter.Document) error {
	err := n.chain.Check(doc)
	switch {
	case errors.Is(err, charter.ErrSibling):
		return errors.Join(err, n.keepSibling(ctx, doc))
	case err != nil:
		return err
	case n.chain.Head().OpensEpoch(doc):
		return errOpensEpoch
	}
	// Its recipients have what is private before the leaf that notes the charter can be signed: mirrors cosign nothing without.
	if len(doc.Charter().Escrow) > 0 {
		err = n.escrowTo(ctx, doc)
	}
	if err == nil {
		err = n.noteCharter(ctx, "charter", doc)
	}
	if err == nil {
		n.log.WarnContext(ctx, "the list has a new charter", "charter", doc.Charter().V, "hash", doc.Hash())
	}
	if errors.Is(err, charter.ErrSibling) { // another node of the store was quicker
		err = errors.Join(err, n.keepSibling(ctx, doc))
	}
	// To those of the charter that is in force now, whichever that is.
	return errors.Join(err, n.openEscrow(ctx))
}

// keepSibling keeps a valid charter beside the chain.
func (n *node) keepSibling(ctx context.Context, doc *charter.Document) error {
	n.log.ErrorContext(ctx, "the board has signed two charters of one version", "charter", doc.Charter().V, "hash", doc.Hash())
	err := n.db.Update(ctx, func(tx *store.Tx) error {
		chain, err := charter.Load(ctx, tx)
		if err != nil {
			return err
		}
		return charter.SaveSibling(ctx, tx, chain, doc)
	})
	if errors.Is(err, charter.ErrSiblings) {
		return nil // a table full of them says no more
	}
	return err
}

// noteCharter commits a charter and its leaf, and lets this node know it.
func (n *node) noteCharter(ctx context.Context, who string, doc *charter.Document) error {
	err := n.gate.Do(ctx, authority.Caller{Role: authority.Operator, Name: who}, gate.Command{Action: authority.Govern,
		Decide: func(ctx context.Context, t *gate.Turn) error {
			chain, err := charter.Load(ctx, t.Tx)
			if err != nil {
				return err
			}
			head := chain.Head()
			if err := chain.Extend(doc); err != nil {
				return err
			}
			if head.OpensEpoch(doc) {
				return errOpensEpoch
			}
			if err := charter.Save(ctx, t.Tx, chain); err != nil {
				return err
			}
			_, err = t.Emit(ctx, &event.Event{Kind: event.CharterNoted, Charter: doc.Hash()}, nil)
			return err
		}})
	if err != nil {
		return err
	}
	if err := n.chain.Extend(doc); err != nil && !errors.Is(err, charter.ErrKnown) {
		return err
	}
	return nil
}

// takeOver lets a running node know the charters that the store has and it does not. One that opens an epoch is errNewCharter.
func (n *node) takeOver(chain *charter.Chain) error {
	have := n.chain.Documents()
	docs := chain.Documents()
	if len(docs) < len(have) || docs[len(have)-1].Hash() != have[len(have)-1].Hash() {
		return errNewCharter
	}
	for _, d := range docs[len(have):] {
		if n.chain.Head().OpensEpoch(d) {
			return errNewCharter
		}
		if err := n.chain.Extend(d); err != nil && !errors.Is(err, charter.ErrKnown) {
			return errors.Join(errNewCharter, err)
		}
	}
	return nil
}

// charterRequest is a signed charter document.
type charterRequest struct {
	Document string `json:"document"`
}

// charterAnswer says which charter is in force.
type charterAnswer struct {
	V    int64  `json:"v"`
	Hash string `json:"hash"`
}

// publishCharter is "charter publish" in the node.
func (n *node) publishCharter(ctx context.Context, q charterRequest, _ Reporter) (charterAnswer, error) {
	doc, err := charter.Parse([]byte(q.Document))
	if err != nil {
		return charterAnswer{}, err
	}
	if err := n.adoptCharter(ctx, doc); err != nil {
		return charterAnswer{}, err
	}
	return charterAnswer{doc.Charter().V, doc.Hash()}, nil
}

// Banner shouts when the list is a test list.
func (n *node) Banner() string {
	if !n.chain.Test() {
		return ""
	}
	return "TEST LIST: nothing in it counts, and its secrets are known to others. Never let it be reached from outside."
}
