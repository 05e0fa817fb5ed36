package program

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/charter"
	"tasuki/internal/event"
	"tasuki/internal/governance"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/spec/cve"
	"tasuki/spec/jcs"
)

// ErrCharterAwaited means a leaf that names a charter which this copy does not have yet. It is no broken rule: the charter may be on its way.
var ErrCharterAwaited = errors.New("program: a leaf names a charter that is not here yet")

// A Checker is what a mirror asks about every leaf before it takes it in: whether it keeps the rules that public leaves show (events.md §2). A rule that
// needs what is private, or was erased, passes.
type Checker struct {
	*Service
	Chain *charter.Chain // as far as this copy has it; it may grow
}

// Check returns an *event.Violation for a leaf that breaks a rule, ErrCharterAwaited, or the store's error. The leaf is not folded yet.
func (c *Checker) Check(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	err := c.check(ctx, tx, e)
	if err == nil || errors.Is(err, ErrCharterAwaited) {
		return err
	}
	for _, r := range broken {
		if errors.Is(err, r.err) {
			return &event.Violation{Leaf: e.Index, Rule: r.rule, Reason: r.reason}
		}
	}
	return fmt.Errorf("check leaf %d: %w", e.Index, err)
}

// Rules that are named here and nowhere else.
var (
	errOperator   = errors.New("program: only the operator says this")
	errFeature    = errors.New("program: a kind that no charter of the list allows")
	errEpoch      = errors.New("program: an epoch that is not opened where and as its charter says")
	errCharter    = errors.New("program: a charter that is noted in another epoch than its own")
	errTarget     = errors.New("program: an erasure of a leaf that is not there")
	errOrgTaken   = errors.New("program: an organisation or a short name that there is already")
	errOrgForm    = errors.New("program: an organisation whose body cannot be one")
	errGrant      = errors.New("program: a grant that nobody with the power gave, or that cannot stand")
	errPower      = errors.New("program: an act without the power to it")
	errDeadline   = errors.New("program: a deadline that the rule pack does not give")
	errPackBody   = errors.New("program: a rule pack that is not the one it says")
	errUnoccuring = errors.New("program: an adopted organisation that no import names")
	errRelation   = errors.New("program: a relation between identifiers without records")
)

// broken finds the rule behind an error. What is written there stands for all the world to read, so it repeats nothing of the leaf. The first that fits
// counts: special ones come before those that they wrap.
var broken = []struct {
	err    error
	rule   string
	reason string
}{
	{errFeature, "feature", "the charter does not list the feature that the event's kind is of"},
	{errOperator, "author", "only the operator of the list may say this"},
	{errEpoch, "epoch", "the epoch is not opened at its place, on its tree, by its charter"},
	{errCharter, "charter", "the charter is not one of the epoch"},
	{errTarget, "target", "there is no such leaf to erase the body of"},
	{errOrgTaken, "org", "the organisation or its short name exists already, or there is no such organisation"},
	{errOrgForm, "org", "the body does not name an organisation"},
	{errUnoccuring, "org", "the adopted organisation does not occur in what was imported"},
	{errGrant, "grant", "the grant cannot stand: its role, its parent or its time"},
	{errPower, "power", "its author does not have the power"},
	{errDeadline, "deadline", "the deadline is not one that the rule pack gives from then on"},
	{errPackBody, "digest", "the body is not the rule pack that the event names"},
	{errRelation, "state", "the identifiers have no records"},
	{event.ErrSignature, "signature", "a signature does not verify"},
	{authority.ErrNotSigned, "attest", "its author attests for itself and has not signed it"},
	{authority.ErrSigner, "signer", "the key that signed may not say this for its author"},
	{authority.ErrNoOrg, "author", "there is no such organisation"},
	{authority.ErrNoKey, "key", "there is no such key, or it does not count any more"},
	{authority.ErrKeyKnown, "key", "the key is an organisation's already"},
	{registry.ErrPrev, "prev", "it does not follow the newest event for the same container"},
	{registry.ErrClaim, "owner", "what it says of the reservation is not so"},
	{registry.ErrSeen, "fresh", "the identifier was seen before"},
	{registry.ErrNumber, "range", "the number lies outside of what may be given out"},
	{registry.ErrOverlap, "disjoint", "the numbers overlap with others"},
	{registry.ErrStaleCopy, "stale", "the imported document is older than the stored one, or the same"},
	{registry.ErrLocal, "local", "the imported document is about an identifier that is owned here"},
	{registry.ErrState, "state", "the identifier's state does not allow it"},
	{registry.ErrUnopened, "opening", "the first public leaf about an identifier does not open its owner"},
	{registry.ErrFrom, "owner", "it is not the owner's to give away"},
	{registry.ErrBlockTaken, "disjoint", "the numbers of the block are not free"},
	{registry.ErrBlockClosed, "block", "the block is closed"},
	{registry.ErrNoBlock, "block", "there is no such block"},
	{registry.ErrOutside, "range", "the number lies outside of what may be given out"},
	{registry.ErrNoRecord, "state", "the identifier has no record"},
	{registry.ErrRejected, "state", "the record is rejected"},
	{ErrNotOwner, "owner", "its author does not own the identifier"},
	{governance.ErrState, "case", "the case does not take this step now"},
	{governance.ErrOutcome, "case", "the step cannot have this outcome"},
	{governance.ErrSubject, "case", "cases are not about this"},
	{governance.ErrNoCase, "case", "there is no such case"},
	{authority.ErrDenied, "power", "its author does not have the power"},
	{ErrUnlawful, "rule R", "its author has no right to it, or it says what is not so"},
}

func (c *Checker) check(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	if !slices.Contains(c.Chain.Head().Charter().Features, e.Kind.Feature()) {
		return errFeature
	}
	if operators[e.Kind] && !c.operates(e.By) {
		return errOperator
	}
	if err := c.checkKind(ctx, tx, e); err != nil {
		return err
	}
	if err := registry.CheckLeaf(ctx, tx, e); err != nil {
		return err
	}
	return c.Lawful(ctx, tx, e)
}

// operators are the kinds that nobody but the operator says.
var operators = map[event.Kind]bool{
	event.EpochOpened: true, event.CharterNoted: true, event.Heartbeat: true, event.ImportNoted: true, event.RecordImported: true, event.PrivateFact: true,
	event.RangeOpened: true, event.PoolCarved: true, event.IDReserved: true, event.IDRejected: true, event.IDRestored: true, event.RBPNoted: true,
	event.IDAlias: true, event.GCVEDirectory: true, event.GCVEAllocated: true, event.GCVEPut: true, event.GCVERejected: true, event.GCVEPulled: true,
}

func (c *Checker) checkKind(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	switch e.Kind {
	case event.EpochOpened, event.CharterNoted:
		return c.checkCharter(ctx, tx, e)
	case event.BodyErased:
		if *e.Leaf < 0 || *e.Leaf >= e.Index {
			return errTarget
		}
		return c.mayAdminister(ctx, tx, e, authority.ApproveScope)
	case event.RulePackAdopted:
		return c.checkPack(ctx, tx, e)
	case event.OrgRegistered, event.OrgRenamed, event.OrgAdopted:
		return c.checkOrg(ctx, tx, e)
	case event.GrantGiven, event.GrantEnded:
		return c.checkGrant(ctx, tx, e)
	case event.IDTransferred:
		if err := c.mayTransfer(ctx, tx, e); err != nil || e.Case == "" {
			return err
		}
		return c.checkStep(ctx, tx, e)
	case event.DisputeOpened, event.DisputeAcknowledged, event.DisputeExtended, event.DisputeEscalated, event.DisputeDecided,
		event.RefusalAsked, event.RefusalNoted, event.RefusalClosed, event.DirectionGiven, event.DirectionEnded,
		event.TransferAsked, event.TransferClosed, event.NoticeSent, event.NoticeClosed:
		return c.checkStep(ctx, tx, e)
	case event.RBPNoted:
		return c.checkDue(ctx, tx, e)
	case event.SplitNoted, event.MergeNoted:
		return c.checkRelation(ctx, tx, e)
	}
	return nil
}

// checkCharter: a charter that the log speaks of is one of the chain, and an epoch begins on the tree that it says, at its own place. Whether mirrors'
// reports let it continue there is continuity's to check.
func (c *Checker) checkCharter(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	docs := c.Chain.Documents()
	n := slices.IndexFunc(docs, func(d *charter.Document) bool { return d.Hash() == e.Charter })
	if n < 0 {
		return ErrCharterAwaited
	}
	op := docs[n].Charter().Operator
	if op.Org != e.By {
		return errOperator
	}
	if e.Kind == event.CharterNoted {
		if n == 0 || docs[n-1].Charter().Operator.Epoch != op.Epoch {
			return errCharter
		}
		return nil
	}
	if e.Epoch != op.Epoch || e.Size != e.Index || n > 0 && docs[n-1].Charter().Operator.Epoch == op.Epoch {
		return errEpoch
	}
	root, err := c.Log.RootAt(ctx, tx, e.Index)
	if err == nil && hex.EncodeToString(root[:]) != e.Root {
		err = errEpoch
	}
	return err
}

// mayAdminister says whether the author is the operator, administers the list, or has a power.
func (c *Checker) mayAdminister(ctx context.Context, tx *store.Tx, e *event.Entry, powers ...authority.Power) error {
	if c.operates(e.By) {
		return nil
	}
	me, err := authority.StandingOfOrg(ctx, tx, e.Time, e.By)
	if err != nil {
		return err
	}
	if me.IsSecretariat() || slices.ContainsFunc(powers, me.Can) {
		return nil
	}
	return errPower
}

func (c *Checker) checkPack(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	if e.Doc != nil {
		raw, err := e.Doc.Bytes()
		if err != nil {
			return err
		}
		if p, err := authority.ParseRulePack(raw); err != nil || p.Version != e.Pack {
			return errPackBody
		}
	}
	return c.mayAdminister(ctx, tx, e, authority.AdoptRules)
}

// checkOrg: an organisation is made once, under a short name that no other has; who is adopted occurs in what was imported. Of an erased body nothing is
// asked.
func (c *Checker) checkOrg(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	have, err := authority.GetOrg(ctx, tx, e.Time, e.Org)
	known := err == nil && have.ID == e.Org
	if err != nil && !errors.Is(err, authority.ErrNoOrg) {
		return err
	}
	if known != (e.Kind == event.OrgRenamed) && (e.Kind != event.OrgAdopted || have.Adopted) {
		return errOrgTaken
	}
	if e.Doc != nil {
		raw, err := e.Doc.Bytes()
		if err != nil {
			return err
		}
		var body struct {
			Name    string            `json:"name"`
			Profile authority.Profile `json:"profile,omitzero"`
			Short   string            `json:"short"`
		}
		if jcs.Decode(raw, &body) != nil || body.Short == "" || body.Name == "" {
			return errOrgForm
		}
		other, err := authority.GetOrg(ctx, tx, e.Time, body.Short)
		switch {
		case err == nil && other.ID != e.Org && other.Short == body.Short:
			return errOrgTaken
		case err != nil && !errors.Is(err, authority.ErrNoOrg):
			return err
		}
	}
	return c.mayAdminister(ctx, tx, e, authority.ApproveScope)
}

// checkGrant: a grant is of a role that there is, to an organisation that there is, for some time, under a grant that stands and has the power to give
// it; it is given and ended by whom it stands under, who administers the list, or (ended) its own holder.
func (c *Checker) checkGrant(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	have, err := authority.GetGrant(ctx, tx, e.Grant)
	if err != nil && !errors.Is(err, authority.ErrNoGrant) {
		return err
	}
	known := err == nil
	if e.Kind == event.GrantEnded {
		if !known || !have.Ended.IsZero() || have.Org != e.Org {
			return errGrant
		}
		if e.By == have.Org {
			return nil
		}
		return c.mayAdminister(ctx, tx, e, authority.ApproveScope)
	}
	if known || !authority.OrgRole(e.Role).Known() || !e.ValidTo.IsZero() && !e.ValidTo.After(e.ValidFrom) {
		return errGrant
	}
	if _, err := authority.GetOrg(ctx, tx, e.Time, e.Org); err != nil {
		return err
	}
	if e.Parent != "" {
		parent, err := authority.GetGrant(ctx, tx, e.Parent)
		if errors.Is(err, authority.ErrNoGrant) {
			return errGrant
		}
		if err != nil {
			return err
		}
		rules, err := authority.RulesInForce(ctx, tx)
		if err != nil {
			return err
		}
		if !parent.StandsAt(e.Time) || !rules.MayGive(parent.Role, authority.OrgRole(e.Role)) {
			return errGrant
		}
		if parent.Org == e.By {
			return nil
		}
	}
	return c.mayAdminister(ctx, tx, e, authority.ApproveScope)
}

// mayTransfer: an identifier changes hands by word of its owner, of who may order that, or of the operator.
func (c *Checker) mayTransfer(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	if _, err := authority.GetOrg(ctx, tx, e.Time, e.To); err != nil {
		return err
	}
	if e.By == e.From {
		return nil
	}
	return c.mayAdminister(ctx, tx, e, authority.Transfer, authority.Adjudicate)
}

// checkStep: the case takes the step in the state it is in, its author is somebody, and what it gives time for is due when the rules say.
func (c *Checker) checkStep(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	now, err := governance.GetCase(ctx, tx, e.Case)
	if err != nil && !errors.Is(err, governance.ErrNoCase) {
		return err
	}
	if _, err := now.Next(e); err != nil {
		return err
	}
	if !c.operates(e.By) {
		me, err := authority.StandingOfOrg(ctx, tx, e.Time, e.By)
		if err != nil {
			return err
		}
		anonymous := e.Outcome == governance.Withdrawn && now.Party == "" // who began it, and takes it back, was named in private
		if need, ok := stepPowers[e.Kind]; ok && !anonymous && !me.IsSecretariat() && !slices.ContainsFunc(need, me.Can) && e.By != now.Party && e.By != now.Against {
			return errPower
		}
	}
	return c.checkDue(ctx, tx, e)
}

// stepPowers are what those need who take a step in a case that they are not a party of.
var stepPowers = map[event.Kind][]authority.Power{
	event.DisputeAcknowledged: {authority.Adjudicate}, event.DisputeExtended: {authority.Adjudicate}, event.DisputeDecided: {authority.Adjudicate},
	event.DirectionGiven: {authority.Direct, authority.Adjudicate}, event.DirectionEnded: {authority.Direct, authority.Adjudicate},
	event.NoticeSent: {authority.ApproveScope}, event.NoticeClosed: {authority.ApproveScope},
	event.TransferClosed: {authority.Transfer, authority.Adjudicate},
}

// checkDue: a deadline is one that the rule pack in force gives, from when the leaf was stamped, by one of its calendars. Which of them fits is a matter of
// scopes that may be private.
func (c *Checker) checkDue(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	if e.Due.IsZero() && len(e.Dues) == 0 {
		return nil
	}
	rules, err := authority.RulesInForce(ctx, tx)
	if err != nil {
		return err
	}
	if e.Pack != rules.Version {
		return errDeadline
	}
	for _, due := range append([]event.Due{{At: e.Due}}, e.Dues...) {
		if !due.At.IsZero() && !givenBy(rules, due, e.Time) {
			return errDeadline
		}
	}
	return nil
}

// reckoning is how long before a leaf is stamped its deadlines may have been reckoned.
const reckoning = 5 * time.Second

func givenBy(rules *authority.RulePack, due event.Due, at time.Time) bool {
	for _, d := range rules.Deadlines {
		if due.For != "" && due.For != d.Trigger {
			continue
		}
		for _, cal := range rules.Calendars {
			early, err1 := rules.Deadline(d.Trigger, at.Add(-reckoning), cal.Name)
			late, err2 := rules.Deadline(d.Trigger, at, cal.Name)
			if err1 == nil && err2 == nil && !due.At.Before(early) && !due.At.After(late) {
				return true
			}
		}
	}
	return false
}

// checkRelation: what is split or merged has records, and whoever says so may assign.
func (c *Checker) checkRelation(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	for _, id := range append([]string{e.ID}, e.IDs...) {
		if _, err := cve.ParseID(id); err != nil {
			return errRelation
		}
		i, err := registry.GetID(ctx, tx, id)
		if errors.Is(err, registry.ErrNotFound) || err == nil && !i.Record {
			return errRelation
		}
		if err != nil {
			return err
		}
	}
	return c.mayAdminister(ctx, tx, e, authority.Assign)
}
