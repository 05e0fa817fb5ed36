package program

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/governance"
	"tasuki/internal/registry"
	"tasuki/internal/store"
)

// ErrUnlawful means a leaf that its author had no right to, or that says what is not so: what a mirror refuses to cosign.
var ErrUnlawful = errors.New("program: the leaf breaks a rule")

// speaks finds who says an event: an organisation by its keys' signatures or, where there are none, by the operator's word, which counts
// while the organisation does not attest for itself. Every signature has to be of a key in force that may say this.
// authority.ErrSigner, authority.ErrNotSigned, authority.ErrNoOrg.
func (s *Service) speaks(ctx context.Context, tx *store.Tx, at time.Time, e *event.Entry) (authority.Standing, error) {
	me, err := authority.StandingOfOrg(ctx, tx, at, e.By)
	if errors.Is(err, authority.ErrNoOrg) && len(e.Sigs) == 0 && s.operates(e.By) {
		// Whoever holds the data directory, before a Secretariat was founded.
		return authority.Standing{Caller: authority.Caller{Role: authority.Operator, Org: e.By}}, nil
	}
	if err != nil {
		return me, err
	}
	if len(e.Sigs) == 0 {
		if me.Org.SelfAttested() {
			err = fmt.Errorf("%s: %w", e.Kind, authority.ErrNotSigned)
		}
		return me, err
	}
	if err := e.CheckSigs(); err != nil {
		return me, err
	}
	for _, s := range e.Sigs {
		if err := mayKeySay(ctx, tx, s.Key, e.Event); err != nil {
			return me, err
		}
	}
	return me, nil
}

// operates says whether an organisation runs the list, or did in an earlier epoch.
func (s *Service) operates(org string) bool {
	return org == s.Gate.Operator || s.Operators != nil && s.Operators(org)
}

// mayKeySay says whether a key speaks for the event's author in this: an events key in all, a recovery key about its own organisation's
// keys, the key of a block's lanes about the numbers of the block.
func mayKeySay(ctx context.Context, tx *store.Tx, key string, e *event.Event) error {
	k, err := authority.GetKey(ctx, tx, key)
	switch {
	case err == nil && k.Org == e.By && k.Live():
		if k.Use == event.UseEvents || aboutKeys(e.Kind) && e.Org == e.By {
			return nil
		}
		return authority.ErrSigner
	case err == nil: // revoked, or another's: also for its blocks
		return authority.ErrSigner
	case !errors.Is(err, authority.ErrNoKey):
		return err
	}
	if e.Kind != event.RecordPut && e.Kind != event.RecordRejected {
		return authority.ErrSigner
	}
	b, err := registry.BlockOf(ctx, tx, e.ID)
	if errors.Is(err, registry.ErrNoBlock) || err == nil && b.Key != key {
		return authority.ErrSigner
	}
	return err // whether the author owns the number is asked apart
}

func aboutKeys(k event.Kind) bool {
	return k == event.KeyAdded || k == event.KeyRevoked || k == event.AttestSet
}

// lawfulKeys holds an event about keys to its rule: the organisation itself, or who stands over it, says it; over one that attests for
// itself nobody does so without a signature.
func lawfulKeys(ctx context.Context, tx *store.Tx, at time.Time, e *event.Entry, me authority.Standing) error {
	org, err := authority.GetOrg(ctx, tx, at, e.Org)
	if err != nil {
		return err
	}
	if org.SelfAttested() && len(e.Sigs) == 0 {
		return fmt.Errorf("%s: %w", e.Kind, authority.ErrNotSigned)
	}
	if e.By != e.Org {
		h, err := readHierarchy(ctx, tx, at)
		if err != nil {
			return err
		}
		if err := h.mayOverOrg(me, authority.ApproveScope, org.ID); err != nil {
			return err
		}
	}
	keys, err := authority.Keys(ctx, tx, org.ID)
	if err != nil {
		return err
	}
	live := func(use string) func(authority.Key) bool {
		return func(k authority.Key) bool { return k.Live() && (use == "" && k.Key == e.Key || k.Use == use) }
	}
	switch e.Kind {
	case event.KeyAdded:
		_, err := authority.GetKey(ctx, tx, e.Key)
		switch {
		case err == nil:
			return authority.ErrKeyKnown
		case !errors.Is(err, authority.ErrNoKey):
			return err
		}
	case event.KeyRevoked:
		if !slices.ContainsFunc(keys, live("")) {
			return authority.ErrNoKey
		}
	default:
		// Without a key, nobody could ever speak for it again.
		if e.Mode == event.AttestSelf && !slices.ContainsFunc(keys, live(event.UseEvents)) {
			return authority.ErrNoKey
		}
	}
	return nil
}

// lawfulBlock holds an event about a block to its rule: who administers the list grants and closes, an owner grants on and closes.
func lawfulBlock(ctx context.Context, tx *store.Tx, e *event.Entry, me authority.Standing) error {
	var outer registry.Block
	var err error
	if e.Kind == event.BlockGranted {
		if err := registry.CheckBlock(ctx, tx, e.Event); err != nil {
			return err
		}
		// Inside another block, CheckBlock has found that the grantor owns that one.
		outer, err = registry.BlockOf(ctx, tx, fmt.Sprintf("CVE-%04d-%04d", e.Year, e.First))
		if errors.Is(err, registry.ErrNoBlock) {
			return me.MustBeSecretariat()
		}
		return err
	}
	if outer, err = registry.FindBlock(ctx, tx, e.Year, e.First, e.Last); err != nil {
		return err
	}
	switch {
	case !outer.Open():
		return registry.ErrBlockClosed
	case me.IsSecretariat() || outer.By == e.By, outer.Owner == e.By:
		return nil
	case outer.Owner == "":
		return nil // whose it is was said in private
	}
	return fmt.Errorf("%s: %w", e.Kind, ErrNotOwner)
}

// Lawful holds a public leaf of another copy to the rules that can be seen from public leaves, before it is folded: who may say it, with
// which keys, of which identifier, after which event (rule R). A rule that needs what is private or was erased passes. Kinds that have
// no rule here are not looked at. Errors wrap ErrUnlawful, but for those of the store.
func (s *Service) Lawful(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	if e.Kind == event.PrivateFact {
		if len(e.Sigs) > 0 {
			return fmt.Errorf("%w: leaf %d: a commitment is the operator's", ErrUnlawful, e.Index)
		}
		return nil
	}
	err := s.lawful(ctx, tx, e)
	if err == nil || !isRule(err) {
		return err
	}
	return fmt.Errorf("%w: leaf %d: %w", ErrUnlawful, e.Index, err)
}

// isRule says that an error is a rule's and not the store's.
func isRule(err error) bool {
	for _, rule := range []error{authority.ErrDenied, authority.ErrNoOrg, authority.ErrNoKey, authority.ErrKeyKnown, event.ErrSignature, registry.ErrBlockTaken,
		registry.ErrBlockClosed, registry.ErrNoBlock, registry.ErrOutside, registry.ErrPrev, registry.ErrClaim, registry.ErrNoRecord, registry.ErrRejected, ErrUnlawful} {
		if errors.Is(err, rule) {
			return true
		}
	}
	return false
}

func (s *Service) lawful(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	ours := e.Kind == event.RecordPut || e.Kind == event.RecordRejected || e.Kind == event.RecordReplaced
	switch {
	case aboutKeys(e.Kind), e.Kind == event.BlockGranted, e.Kind == event.BlockClosed, ours:
	case len(e.Sigs) > 0:
		return fmt.Errorf("%w: events of the kind %s are not signed by their authors", ErrUnlawful, e.Kind)
	default:
		return nil
	}
	me, err := s.speaks(ctx, tx, e.Time, e)
	switch {
	case err != nil:
		return err
	case aboutKeys(e.Kind):
		return lawfulKeys(ctx, tx, e.Time, e, me)
	case !ours:
		return lawfulBlock(ctx, tx, e, me)
	}
	return s.lawfulPut(ctx, tx, e, me)
}

// lawfulPut is rule R: whose the identifier is, who may put to it, what the put follows.
func (s *Service) lawfulPut(ctx context.Context, tx *store.Tx, e *event.Entry, me authority.Standing) error {
	i, err := registry.GetID(ctx, tx, e.ID)
	if errors.Is(err, registry.ErrNotFound) {
		return fmt.Errorf("%w: nobody reserved %s", ErrUnlawful, e.ID)
	}
	if err != nil {
		return err
	}
	if i.Owner == "" && i.Block == nil {
		if i.Owner, err = s.publicOwner(ctx, tx, e); err != nil {
			return err
		}
	}
	if e.Own != nil {
		if err := s.opens(ctx, tx, e); err != nil {
			return err
		}
	}
	if len(e.Sigs) == 0 && i.Owner != "" && i.Owner != me.Org.ID && e.Container() != "adp" {
		if owner, err := authority.GetOrg(ctx, tx, e.Time, i.Owner); err == nil && owner.SelfAttested() {
			return fmt.Errorf("%s: %w", e.ID, authority.ErrNotSigned)
		} else if err != nil && !errors.Is(err, authority.ErrNoOrg) {
			return err
		}
	}
	if err := mayPutTo(ctx, tx, me, i, e.Event); err != nil {
		return err
	}
	if e.Kind == event.RecordReplaced {
		return nil
	}
	err = registry.CheckPut(ctx, tx, logged{s, tx}, i, e.Event)
	var claim *registry.ClaimError
	if errors.As(err, &claim) && claim.Private && len(e.Sigs) == 0 {
		return nil // since when and whose stands in private facts
	}
	return err
}

// mayPutTo says whether an organisation may put a container to an identifier.
func mayPutTo(ctx context.Context, tx *store.Tx, me authority.Standing, i registry.Identifier, e *event.Event) error {
	switch {
	case e.Kind == event.RecordReplaced:
		return me.MustBeSecretariat()
	case e.Container() == "adp":
		switch {
		case !i.Record:
			return fmt.Errorf("%s: %w", e.ID, registry.ErrNoRecord)
		case i.State == "REJECTED":
			return fmt.Errorf("%s: %w", e.ID, registry.ErrRejected)
		}
		return me.MustBeADP()
	case i.Owner == "" || i.Owner == me.Org.ID || me.IsSecretariat():
		return me.MustBeCNA()
	}
	by, err := governance.DirectionTo(ctx, tx, e.ID, me.Org.ID)
	if err == nil && by == "" {
		err = fmt.Errorf("%s: %w", e.ID, ErrNotOwner)
	}
	return err
}

// opens holds the opening of an owner to the commitment that it names: it has to be to the author, or to an organisation of this list.
func (s *Service) opens(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	commitment, err := (event.Reader{Log: s.Log, Tx: tx}).Leaf(ctx, e.Own.Index)
	if err != nil {
		return fmt.Errorf("%w: the commitment to the owner of %s: %w", ErrUnlawful, e.ID, err)
	}
	for _, org := range []string{e.Org, e.By} {
		if org != "" && commitment.OpensTo(e.Own.Salt, e.ID, org) {
			return nil
		}
	}
	const page = 500
	for offset := 0; ; offset += page {
		orgs, _, err := authority.Orgs(ctx, tx, e.Time, offset, page)
		if err != nil {
			return err
		}
		for _, o := range orgs {
			if commitment.OpensTo(e.Own.Salt, e.ID, o.ID) {
				return nil
			}
		}
		if len(orgs) < page {
			return fmt.Errorf("%w: what opens the owner of %s opens nothing", ErrUnlawful, e.ID)
		}
	}
}

// publicOwner is whose an identifier is as the leaves about it say, which a copy without private facts has nothing else for: "" where
// they do not say.
func (s *Service) publicOwner(ctx context.Context, tx *store.Tx, e *event.Entry) (string, error) {
	reader := event.Reader{Log: s.Log, Tx: tx}
	for leaf := e.Back; leaf >= 0; {
		before, err := reader.Leaf(ctx, leaf)
		if err != nil {
			return "", err
		}
		if before.Own != nil {
			commitment, err := reader.Leaf(ctx, before.Own.Index)
			if err != nil {
				return "", err
			}
			for _, org := range []string{before.Org, before.By, e.By} {
				if org != "" && commitment.OpensTo(before.Own.Salt, e.ID, org) {
					return org, nil
				}
			}
			return "", nil
		}
		leaf = before.Back
	}
	if e.Own == nil {
		return "", nil
	}
	commitment, err := reader.Leaf(ctx, e.Own.Index)
	if err != nil {
		return "", err
	}
	for _, org := range []string{e.By, e.Org} {
		if org != "" && commitment.OpensTo(e.Own.Salt, e.ID, org) {
			return org, nil
		}
	}
	return "", nil
}
