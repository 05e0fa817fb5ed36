package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"filippo.io/age"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/edge/mirror"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
)

var (
	errNotNamed    = errors.New("the charter does not name this log key")
	errClosed      = errors.New("the list's private facts are closed: give the key of the escrow (--escrow-key), or --no-escrow to go on without them")
	errMissing     = errors.New("private facts that were acknowledged are not to be had: open the epoch when the mirrors that hold them answer, or with keys that open them (--escrow-key); --no-escrow goes on without them")
	errStillOpened = errors.New("no epoch is to be opened: the newest charter's is")
)

// promotedFile is what the mirror's mark of a data directory becomes: the key in it may still be one that the charter lists.
const promotedFile = mirrorFile + ".promoted"

// promoteNode opens the epoch of the newest charter over this data directory: a mirror becomes the operator, or an operator goes on with a new key or other
// mirrors. The charter says who; the seals of the old charter's mirrors prove where (continuity F.5). Whatever interrupts it, the next run finishes.
func promoteNode(ctx context.Context, s Setup, r PromoteRequest, report Reporter) (sum PromoteSummary, err error) {
	node, err := openNode(ctx, s)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, node.Close()) }()
	for _, raw := range r.Charters {
		if err := node.takeCharter(ctx, raw, r.Plan); err != nil {
			return sum, err
		}
	}
	if err := node.load(ctx); err != nil {
		return sum, err
	}
	now := node.chain.Opening()
	sum.Epoch, sum.Origin = now.Charter().Operator.Epoch, now.Origin()
	opened, err := node.continuity.Opening(ctx, sum.Epoch)
	switch {
	case err == nil:
		return node.finishPromotion(ctx, s, opened, sum, report)
	case !errors.Is(err, continuity.ErrNotOpened):
		return sum, err
	}
	key, err := node.successorKey(r.Key)
	if err != nil && !r.Plan {
		return sum, err
	}
	plan, succession, err := node.planEpoch(ctx, r, report)
	sum.Size, sum.Reports = plan.Size, len(plan.Reports)
	for _, st := range plan.Standing {
		for _, one := range st.Covered {
			sum.By = append(sum.By, one.By.Name)
		}
	}
	if err != nil || r.Plan {
		return sum, err
	}
	if node.follower != nil {
		if err := node.follower.TakeOver(ctx, succession, plan); err != nil {
			return sum, fmt.Errorf("take over the tree of %d leaves: %w", plan.Size, err)
		}
	}
	if sum.Private, err = node.recoverPrivate(ctx, r, report); err != nil {
		return sum, err
	}
	head, err := node.wholeTree(ctx, report)
	if err != nil {
		return sum, err
	}
	if head.Size != plan.Size || head.Root() != plan.Root {
		return sum, fmt.Errorf("%w: the store has %d leaves, %d are to be continued", continuity.ErrUnstored, head.Size, plan.Size)
	}
	skips, err := node.skips(ctx)
	if err != nil {
		return sum, err
	}
	path := filepath.Join(s.Dir.Path, logKeyFile+pending)
	if r.Key != path {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return sum, err
		}
		if err := key.WriteFile(path); err != nil {
			return sum, err
		}
	}
	if err := node.openEpoch(ctx, node.chain, head, skips, plan.Body); err != nil {
		return sum, err
	}
	return node.finishPromotion(ctx, s, continuity.Opening{Index: plan.Size, Reports: plan.Reports}, sum, report)
}

// takeCharter offers a charter to the rules of whatever this directory is. For a plan nothing is stored, so the chain must have it.
func (n *node) takeCharter(ctx context.Context, raw []byte, plan bool) error {
	doc, err := charter.Parse(raw)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(n.chain.Documents(), func(d *charter.Document) bool { return d.Hash() == doc.Hash() }) {
		return nil
	}
	if plan {
		return fmt.Errorf("charter %d is not in this directory yet: it is taken in without --plan, or handed to the running node (tasuki charter publish)", doc.Charter().V)
	}
	if n.follower != nil {
		_, err := n.follower.Offer(ctx, raw)
		return err
	}
	if err := n.offerCharter(ctx, doc); err != nil && !errors.Is(err, charter.ErrKnown) {
		return err
	}
	return n.load(ctx)
}

// successorKey is the log key of the newest charter: from a file, or from an attempt before.
func (n *node) successorKey(path string) (*charter.LogKey, error) {
	now := n.chain.Opening()
	paths := []string{filepath.Join(n.dir.Path, logKeyFile+pending), filepath.Join(n.dir.Path, logKeyFile)}
	if path != "" {
		paths = []string{path}
	}
	var all error
	for _, p := range paths {
		k, err := charter.ReadLogKey(p)
		if err == nil && k.Origin == now.Origin() && now.LogKey().Equal(k.Public()) {
			return k, nil
		}
		if err == nil {
			err = fmt.Errorf("%s: %w: charter %d names that of %s", p, errNotNamed, n.chain.Head().Charter().V, now.Origin())
		}
		all = errors.Join(all, err)
	}
	return nil, all
}

// planEpoch asks the mirrors of the old charters for their seals until enough of them are in one copy.
func (n *node) planEpoch(ctx context.Context, r PromoteRequest, report Reporter) (plan continuity.Plan, s *mirror.Succession, err error) {
	accepted, err := n.accepted(ctx)
	if err != nil {
		return plan, nil, err
	}
	s = &mirror.Succession{Handover: continuity.NewHandover(n.chain, accepted), HTTP: n.httpClient(), Self: []string{n.cfg.BaseURL}}
	own, err := n.continuity.Seals(ctx)
	if err != nil {
		return plan, nil, err
	}
	for _, seal := range own {
		// One of an epoch that nobody asks about any more is no reason to stop.
		if err := s.Handover.Add(seal.Note); err != nil && !errors.Is(err, continuity.ErrSeal) {
			return plan, nil, err
		}
	}
	for i, raw := range r.Reports {
		if err := s.Handover.Add(raw); err != nil {
			return plan, nil, fmt.Errorf("--report %d: %w", i+1, err)
		}
	}
	deadline := n.now().Add(r.Wait)
	for told := ""; ; {
		if err := s.Collect(ctx); err != nil {
			return plan, nil, err
		}
		stored, err := n.continuity.Stored(ctx)
		if err != nil {
			return plan, nil, err
		}
		plan, err = s.Plan(ctx, n.continuity, stored)
		if err == nil || !errors.Is(err, continuity.ErrReports) {
			return plan, s, err
		}
		if r.Plan || n.now().After(deadline) {
			for _, line := range s.Problems() {
				report.Item(Item{Outcome: "problem", Name: "seal", Reason: line})
			}
			return plan, nil, err
		}
		if text := err.Error(); text != told {
			told = text
			report.Step(text)
		}
		select {
		case <-ctx.Done():
			return plan, nil, ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// accepted is the view that a successor may not go behind: a mirror's own, or what this operator has published.
func (n *node) accepted(ctx context.Context) (continuity.Accepted, error) {
	f, err := n.continuity.Load(ctx)
	if err != nil || f.Accepted.Size > 0 {
		return f.Accepted, err
	}
	now := n.chain.Opening().Charter().Operator.Epoch
	for epoch := now - 1; epoch >= 1; epoch-- {
		doc := n.chain.OpenedBy(epoch)
		if doc == nil {
			continue
		}
		s, err := n.continuity.Published(ctx, doc.Origin())
		if err != nil {
			return continuity.Accepted{}, err
		}
		if s.Size > 0 {
			return continuity.Accepted{Tree: s.Tree, Origin: doc.Origin(), Epoch: epoch, Note: s.Note}, nil
		}
		// A list that published what it signed.
		var cp ledger.Checkpoint
		err = n.db.View(ctx, func(tx *store.Tx) (err error) {
			cp, err = n.ledger.Checkpoint(ctx, tx, doc.Origin())
			return err
		})
		if err == nil {
			return continuity.Accepted{Tree: continuity.Tree{Size: cp.Size, Root: cp.Root}, Origin: doc.Origin(), Epoch: epoch, Note: cp.Note}, nil
		}
		if !errors.Is(err, ledger.ErrNotFound) {
			return continuity.Accepted{}, err
		}
	}
	return continuity.Accepted{}, nil
}

// recoverPrivate opens the escrow on what was a mirror. An operator that goes on holds its private facts in clear.
func (n *node) recoverPrivate(ctx context.Context, r PromoteRequest, report Reporter) (int64, error) {
	if n.role == nil {
		return 0, nil
	}
	var state ledger.EscrowState
	err := n.db.View(ctx, func(tx *store.Tx) (err error) {
		state, err = n.ledger.EscrowState(ctx, tx, nil)
		return err
	})
	if err != nil {
		return 0, err
	}
	if len(r.EscrowKey) == 0 {
		if state.Sealed > 0 && !r.NoEscrow {
			return 0, fmt.Errorf("%w (%s ciphertexts)", errClosed, thousands(state.Sealed))
		}
		return 0, nil
	}
	var keys []age.Identity
	for _, name := range r.EscrowKey {
		f, err := os.Open(name)
		if err != nil {
			return 0, err
		}
		list, err := age.ParseIdentities(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		keys = append(keys, list...)
	}
	opened, err := n.openPrivate(ctx, keys, r.Wait, report)
	if errors.Is(err, errMissing) && r.NoEscrow {
		err = nil
	}
	return opened, err
}

// finishPromotion does what follows from an epoch that the store has. Every step may be done again.
func (n *node) finishPromotion(ctx context.Context, s Setup, o continuity.Opening, sum PromoteSummary, report Reporter) (PromoteSummary, error) {
	sum.Size, sum.Reports, sum.Opened = o.Index, len(o.Reports), true
	mark := filepath.Join(s.Dir.Path, mirrorFile)
	settled := n.role == nil
	if _, err := charter.ReadLogKey(filepath.Join(s.Dir.Path, logKeyFile+pending)); err != nil && settled {
		return sum, errStillOpened
	}
	n.signer = nil // of the epoch before, whose key is over
	if err := n.enterEpoch(ctx, s, report); err != nil {
		return sum, err
	}
	if settled {
		return sum, nil
	}
	if err := os.Rename(mark, filepath.Join(s.Dir.Path, promotedFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return sum, err
	}
	return sum, syncDir(s.Dir.Path)
}

// ownMirror is the rule of a mirror that was promoted and that the charter still lists: it cosigns its own log as any other would. nil for none.
func (n *node) ownMirror(ctx context.Context) (*continuity.Mirror, string, error) {
	raw, err := os.ReadFile(filepath.Join(n.dir.Path, promotedFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, "", nil
	}
	var role mirrorRole
	if err == nil {
		err = json.Unmarshal(raw, &role)
	}
	if err != nil || role.Key == "" {
		return nil, "", err
	}
	cosigner, key, err := n.mirrorKey(ctx, role.Key)
	if err != nil {
		return nil, "", err
	}
	vkey := cosigner.VKey().String()
	if m := n.chain.Head().Charter().Mirrors; m == nil || !slices.ContainsFunc(m.List, func(one charter.Mirror) bool { return one.VKey == vkey }) {
		return nil, "", nil
	}
	rules, err := continuity.OpenMirror(ctx, n.continuity, key, continuity.ClientPolicy{}, n.now)
	return rules, vkey, err
}
