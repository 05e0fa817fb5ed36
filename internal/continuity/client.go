package continuity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/continuity/internal/mutant"
)

// Offer is what became of a charter that somebody handed over.
type Offer string

// The outcomes. A document that is not valid in the chain is an error of package charter.
const (
	OfferKnown   Offer = "known"   // in the chain or kept beside it already
	OfferAmended Offer = "amended" // the chain is longer, the epoch goes on
	OfferEpoch   Offer = "epoch"   // the chain is longer, a new epoch is to be opened: the old origin is over
	OfferSibling Offer = "sibling" // as valid as the head: held until somebody chooses, unless the policy prefers one
	OfferPast    Offer = "past"    // as valid as an older charter: kept and shown, changes nothing
)

// Client is the rule of a reader (F.8): it never goes back, follows only what contains everything that it accepted, and holds
// otherwise.
type Client struct {
	rules  Rules
	disk   FollowDisk
	policy ClientPolicy
	now    func() time.Time
	Following
}

// OpenClient loads a client. The disk must have a chain: at least the genesis that is pinned.
func (r Rules) OpenClient(ctx context.Context, disk FollowDisk, policy ClientPolicy, now func() time.Time) (*Client, error) {
	f, err := disk.Load(ctx)
	if err != nil {
		return nil, err
	}
	return &Client{rules: r, disk: disk, policy: policy, now: now, Following: f}, nil
}

// OpenClient loads a client under the rules of production.
func OpenClient(ctx context.Context, disk FollowDisk, policy ClientPolicy, now func() time.Time) (*Client, error) {
	return Rules{}.OpenClient(ctx, disk, policy, now)
}

// OfferCharter takes in a charter from anybody.
func (c *Client) OfferCharter(ctx context.Context, d *charter.Document) (Offer, error) {
	return c.offer(ctx, d, noSeal)
}

// sealer says what to seal when the second charter ends the epoch of the first.
type sealer func(ctx context.Context, old, next *charter.Document) (*Sealing, error)

func noSeal(context.Context, *charter.Document, *charter.Document) (*Sealing, error) { return nil, nil }

// offer extends the chain or keeps a sibling.
func (c *Client) offer(ctx context.Context, d *charter.Document, seal sealer) (Offer, error) {
	head := c.Chain.Head()
	next, err := c.rules.extended(c.Chain, d)
	switch {
	case errors.Is(err, charter.ErrKnown):
		return OfferKnown, nil
	case errors.Is(err, charter.ErrSibling):
		return c.sibling(ctx, d, seal)
	case err != nil:
		return "", err
	case c.Hold.Why == HoldSiblings:
		// Two successors are in sight, and a third document on top of one of them is nobody's decision yet.
		return "", fmt.Errorf("charter %d: %w", d.Charter().V, ErrHeld)
	}
	opens := d.Charter().Operator.Epoch != head.Charter().Operator.Epoch
	var s *Sealing
	if opens {
		if s, err = seal(ctx, head, d); err != nil {
			return "", err
		}
	}
	if err := c.disk.Extend(ctx, d, s); err != nil {
		return "", err
	}
	c.Chain = next
	if opens {
		return OfferEpoch, nil
	}
	return OfferAmended, nil
}

// sibling keeps a charter that is as valid as the one of its version in the chain. Only a sibling of the head stops anything: keys
// of a board that was replaced long ago must not be able to stop a list.
func (c *Client) sibling(ctx context.Context, d *charter.Document, seal sealer) (Offer, error) {
	for _, s := range c.Siblings {
		if s.Hash() == d.Hash() {
			return OfferKnown, nil
		}
	}
	head := c.Chain.Head()
	out, hold := OfferPast, c.Hold
	follows := c.policy.prefers(d) && c.mayChoose(d) == nil
	if d.Charter().V == head.Charter().V {
		out = OfferSibling
		if !hold.Held() && !c.policy.prefers(head) {
			hold = Hold{HoldSiblings, head.Hash(), d.Hash(), c.now()}
		}
		if c.rules.off == mutant.ClientNoHold || c.rules.off == mutant.CosignSiblings {
			hold = Hold{}
		}
	}
	if err := c.disk.KeepSibling(ctx, d, hold); err != nil {
		return "", err
	}
	c.Siblings, c.Hold = append(c.Siblings, d), hold
	follows = follows || c.rules.off == mutant.ClientNoHold || c.rules.off == mutant.CosignSiblings
	if out == OfferSibling && follows {
		return out, c.choose(ctx, d, seal)
	}
	return out, nil
}

// Choose is the decision of people between two successors: the hash of the head or of a sibling of it. What was accepted stays
// accepted: who has a view of one branch cannot go to the other (ErrCommitted), since no tree of that contains it.
func (c *Client) Choose(ctx context.Context, hash string) error {
	if hash == c.Chain.Head().Hash() {
		return c.Release(ctx)
	}
	d, err := c.beside(hash)
	if err == nil {
		err = c.mayChoose(d)
	}
	if err != nil {
		return err
	}
	return c.choose(ctx, d, noSeal)
}

// mayChoose says ErrCommitted when the view is of an epoch that a sibling of the head would replace.
func (c *Client) mayChoose(d *charter.Document) error {
	if e := d.Charter().Operator.Epoch; c.Accepted.Epoch == e && c.Chain.OpenedBy(e) == c.Chain.Head() && c.rules.off != mutant.ChooseBack {
		return fmt.Errorf("charter %d: %w", d.Charter().V, ErrCommitted)
	}
	return nil
}

// beside is the sibling of the head that has a hash.
func (c *Client) beside(hash string) (*charter.Document, error) {
	for _, d := range c.Siblings {
		if d.Hash() == hash && d.Charter().V == c.Chain.Head().Charter().V {
			return d, nil
		}
	}
	return nil, fmt.Errorf("%w: no such charter beside the newest", charter.ErrGap)
}

func (c *Client) choose(ctx context.Context, d *charter.Document, seal sealer) error {
	head := c.Chain.Head()
	v := head.Charter().V
	next, err := c.rules.extended(c.Chain, d)
	if next == nil {
		return err
	}
	var s *Sealing
	if old := next.At(v - 1); d.Charter().Operator.Epoch != old.Charter().Operator.Epoch {
		if s, err = seal(ctx, old, d); err != nil {
			return err
		}
	}
	if err := c.disk.Choose(ctx, d, s); err != nil {
		return err
	}
	rest := []*charter.Document{head}
	for _, o := range c.Siblings {
		if o.Hash() != d.Hash() {
			rest = append(rest, o)
		}
	}
	c.Chain, c.Siblings, c.Hold = next, rest, Hold{}
	return nil
}

// SetPolicy changes the policy, and lets it decide a conflict that the client holds at.
func (c *Client) SetPolicy(ctx context.Context, p ClientPolicy) error {
	c.policy = p
	if c.Hold.Why != HoldSiblings {
		return nil
	}
	for _, d := range append([]*charter.Document{c.Chain.Head()}, c.Siblings...) {
		if d.Charter().V == c.Chain.Head().Charter().V && p.prefers(d) {
			return c.Choose(ctx, d.Hash())
		}
	}
	return nil
}

// Release ends a hold by decision of people, without changing anything else.
func (c *Client) Release(ctx context.Context) error {
	if !c.Hold.Held() {
		return nil
	}
	if err := c.disk.Hold(ctx, Hold{}, nil); err != nil {
		return err
	}
	c.Hold = Hold{}
	return nil
}

// Accept decides about a published checkpoint and records it when it is the new view: nil. Otherwise the view stays, and the error
// says why: ErrOrigin, ErrUnsigned or ErrQuorum (not published under the newest charter), ErrStale (as small or smaller), ErrOpening
// or ErrNotOpened (a new epoch that does not prove its place), ErrHeld, ErrFork (the client holds now, with evidence), or what kept
// the copy from answering. The copy is that of the checkpoint's tree.
func (c *Client) Accept(ctx context.Context, signed []byte, copy Copy) error {
	v, err := c.judge(ctx, signed, copy)
	if err != nil {
		return err
	}
	if v.epoch == c.Accepted.Epoch && v.Tree() == c.Accepted.Tree {
		return c.renew(ctx, v, signed)
	}
	_, newest := v.Times()
	return c.accept(ctx, Accepted{Tree: v.Tree(), Origin: v.Checkpoint.Origin, Epoch: v.epoch, Note: signed, Newest: newest})
}

// Examine decides as Accept does and makes nothing the view: what a reader does before it fetches a single leaf. Its refusals are recorded.
func (c *Client) Examine(ctx context.Context, signed []byte, copy Copy) error {
	_, err := c.judge(ctx, signed, copy)
	return err
}

// judge decides about a checkpoint. It is the view already, with newer lines perhaps, or may become it where the error is nil.
func (c *Client) judge(ctx context.Context, signed []byte, copy Copy) (Verdict, error) {
	if c.Hold.Held() {
		return Verdict{}, fmt.Errorf("%w: %s", ErrHeld, c.Hold.Why)
	}
	v, err := c.admit(signed)
	if err != nil {
		return v, err
	}
	next := v.Tree()
	fresh := v.epoch != c.Accepted.Epoch
	if !fresh && next == c.Accepted.Tree {
		return v, nil
	}
	// An empty tree is nobody's view: an epoch's own first leaf is what makes it one.
	if next.Size < c.Accepted.Size && c.rules.off != mutant.ClientBack || next.Size == 0 {
		return v, fmt.Errorf("%w: %d after %d", ErrStale, next.Size, c.Accepted.Size)
	}
	if fresh && c.rules.off != mutant.ClientSkipsSeals {
		if err := c.checkEpoch(ctx, signed, copy, v); err != nil {
			return v, err
		}
	}
	if c.Accepted.Size > 0 && c.rules.off != mutant.ClientBack {
		err := prefixOf(ctx, copy, next.Size, c.Accepted.Tree)
		switch {
		case err == nil || c.rules.off == mutant.ClientDrifts:
		case errors.Is(err, ErrFork):
			return v, c.hold(ctx, signed, copy, v, fresh)
		default:
			return v, err
		}
	}
	return v, nil
}

// admit checks origin and quorum: of the newest charter. Whoever has no view yet takes what an older epoch published too, as they
// would have before they heard of the newest: between two epochs there is nothing else to read.
func (c *Client) admit(signed []byte) (Verdict, error) {
	for v := c.Chain.Head().Charter().V; ; v-- {
		d := c.Chain.At(v)
		q, err := c.rules.QuorumOf(d)
		if err != nil {
			return Verdict{}, err
		}
		out := q.Check(signed)
		out.epoch, out.quorum = d.Charter().Operator.Epoch, q
		if !errors.Is(out.Err, ErrOrigin) || c.Accepted.Size > 0 || v == 1 {
			return out, out.Reason()
		}
	}
}

func (c *Client) accept(ctx context.Context, a Accepted) error {
	if err := c.disk.Accept(ctx, a); err != nil {
		return err
	}
	c.Accepted = a
	return nil
}

// renew keeps a note of the same tree with newer lines: the list did not grow, but somebody looked.
func (c *Client) renew(ctx context.Context, v Verdict, signed []byte) error {
	_, newest := v.Times()
	if !newest.After(c.Accepted.Newest) {
		return fmt.Errorf("%w: %d again", ErrStale, v.Checkpoint.Size)
	}
	a := c.Accepted
	a.Note, a.Newest = signed, newest
	return c.accept(ctx, a)
}

// checkEpoch checks the openings between what was accepted and a checkpoint of a newer epoch.
func (c *Client) checkEpoch(ctx context.Context, signed []byte, copy Copy, v Verdict) error {
	o, err := copy.Opening(ctx, v.epoch)
	if err != nil {
		return err
	}
	if o.Index < c.Accepted.Size && c.Chain.OpenedBy(o.Epoch).Charter().ContinueAt != nil {
		// The board let the list go on below what this client holds: nobody goes back without being asked.
		h := Hold{HoldContinues, o.Charter, "", c.now()}
		if err := c.disk.Hold(ctx, h, nil); err != nil {
			return err
		}
		c.Hold = h
		return fmt.Errorf("%w: epoch %d continues below what was accepted", ErrHeld, o.Epoch)
	}
	err = c.rules.checkOpenings(ctx, c.Chain, c.Accepted.Epoch, v.epoch, copy, v.Checkpoint.Size)
	if errors.Is(err, ErrOpening) {
		e := newEvidence(EvidenceOpening, v.Checkpoint.Origin, "a published checkpoint of an epoch that does not prove its place", c.now(), signed)
		if kerr := c.disk.Keep(ctx, e); kerr != nil {
			return kerr
		}
	}
	return err
}

// hold stops at a quorum's checkpoint that does not contain the view.
func (c *Client) hold(ctx context.Context, signed []byte, copy Copy, v Verdict, fresh bool) error {
	text := "two published checkpoints of one origin contradict each other"
	if fresh {
		text = "a published checkpoint of a new epoch does not contain one of the epoch before"
	}
	e := newEvidence(EvidenceFork, v.Checkpoint.Origin, text, c.now(), c.Accepted.Note, signed).with(grown(ctx, copy, v.Tree(), c.Accepted.Tree))
	h := Hold{HoldFork, e.Name, "", c.now()}
	if err := c.disk.Hold(ctx, h, &e); err != nil {
		return err
	}
	c.Hold = h
	return fmt.Errorf("%w: at size %d: %w", ErrHeld, c.Accepted.Size, ErrFork)
}

// Stale says how long ago somebody last cosigned the view, by the clock of that somebody; false where nobody does.
func (c *Client) Stale() (time.Duration, bool) {
	if c.Accepted.Newest.IsZero() {
		return 0, false
	}
	return c.now().Sub(c.Accepted.Newest), true
}

// StaleAfter is when a reader warns (F.8).
const StaleAfter = 24 * time.Hour

func newEvidence(kind EvidenceKind, origin, text string, at time.Time, notes ...[]byte) Evidence {
	h := sha256.New()
	for _, n := range notes {
		sum := sha256.Sum256(n)
		h.Write(sum[:])
	}
	return Evidence{Name: string(kind) + "-" + hex.EncodeToString(h.Sum(nil))[:16], Kind: kind, Origin: origin, Text: text, Notes: notes, At: at}
}
