package continuity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tasuki/internal/charter"
	"tasuki/internal/continuity/internal/mutant"
)

// Handover finds out where a successor continues (F.5.3). It collects the reports that mirrors of the old charters give under the
// new one, and says which copy contains enough of them.
type Handover struct {
	rules    Rules
	chain    *charter.Chain     // its head's epoch is the one to open
	accepted Accepted           // that every copy must contain
	reports  map[int64][]Report // by epoch, one of each mirror
	known    map[string]bool
}

// NewHandover begins the handover to the epoch of the chain's head. accepted is the successor's own view.
func (r Rules) NewHandover(chain *charter.Chain, accepted Accepted) *Handover {
	return &Handover{rules: r, chain: chain, accepted: accepted, reports: map[int64][]Report{}, known: map[string]bool{}}
}

// NewHandover begins a handover under the rules of production.
func NewHandover(chain *charter.Chain, accepted Accepted) *Handover {
	return Rules{}.NewHandover(chain, accepted)
}

// Add takes in a seal: of any epoch before, the first of each mirror. Errors wrap ErrSeal; a seal that is known already is none.
func (h *Handover) Add(seal []byte) error {
	if h.known[string(seal)] {
		return nil
	}
	err := fmt.Errorf("%w: no reports are asked for", ErrSeal)
	for epoch := h.epoch() - 1; epoch >= 1; epoch-- {
		q, qerr := h.rules.QuorumOf(h.chain.OpenedBy(epoch))
		if qerr != nil {
			return qerr
		}
		var r Report
		if r, err = q.report(h.chain.ListID(), h.chain.OpenedBy(epoch+1).Hash(), seal); err != nil {
			continue
		}
		h.known[string(seal)] = true
		same := func(have Report) bool { return have.By.VKey == r.By.VKey }
		if !slices.ContainsFunc(h.reports[epoch], same) || h.rules.off == mutant.CountTwice {
			h.reports[epoch] = append(h.reports[epoch], r)
		}
		return nil
	}
	return err
}

// owed are the epochs whose reports a copy needs: none when the board has said where to continue.
func (h *Handover) owed(ctx context.Context, c Copy) ([]int64, error) {
	if h.chain.OpenedBy(h.epoch()).Charter().ContinueAt != nil {
		return nil, nil
	}
	last, err := h.last(ctx, c)
	return h.rules.owed(h.chain, last, h.epoch()), err
}

// last is the newest epoch that a copy has opened.
func (h *Handover) last(ctx context.Context, c Copy) (int64, error) {
	for e := h.epoch() - 1; e > h.accepted.Epoch; e-- {
		_, err := c.Opening(ctx, e)
		if !errors.Is(err, ErrNotOpened) {
			return e, err
		}
	}
	return h.accepted.Epoch, nil
}

func (h *Handover) epoch() int64 { return h.chain.Head().Charter().Operator.Epoch }

// Ask is an old origin and the mirrors whose seals of it may be needed.
type Ask struct {
	Origin  string
	Mirrors []Party
}

// Asks are the old origins, newest first, back to that of the accepted view.
func (h *Handover) Asks() (out []Ask, err error) {
	for epoch := h.epoch() - 1; epoch >= max(h.accepted.Epoch, 1); epoch-- {
		q, err := h.rules.QuorumOf(h.chain.OpenedBy(epoch))
		if err != nil {
			return nil, err
		}
		out = append(out, Ask{q.Origin(), q.Mirrors()})
	}
	return out, nil
}

// Reported are the trees that verified reports speak of, each once: the candidates beside the successor's own copy.
func (h *Handover) Reported() (out []Tree) {
	for epoch := h.epoch() - 1; epoch >= 1; epoch-- {
		for _, r := range h.reports[epoch] {
			if !slices.Contains(out, r.Tree) {
				out = append(out, r.Tree)
			}
		}
	}
	return out
}

// Standing counts the reports against a copy of the given size, one entry for each old epoch that is owed.
func (h *Handover) Standing(ctx context.Context, c Copy, size int64) (out []Standing, err error) {
	owed, err := h.owed(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, epoch := range owed {
		st, err := h.rules.standing(ctx, h.chain, epoch, h.reports[epoch], h.within(c, size))
		if err != nil {
			return nil, err
		}
		out = append(out, st)
	}
	return out, nil
}

// Plan is the new epoch's first leaf.
type Plan struct {
	Tree     // continues here: the leaf's index is Size
	Epoch    int64
	Charter  string
	Reports  [][]byte
	Body     []byte // of the leaf; nil when no reports are owed
	Standing []Standing
}

// Opening is the plan as the leaf will be read.
func (p Plan) Opening() Opening { return Opening{p.Size, p.Root, p.Epoch, p.Charter, p.Reports} }

// Open decides that the epoch continues the given copy at its whole size, and makes the leaf's content. It answers ErrReports and
// says what is missing when too few reports are covered, and ErrOpening when the board let the epoch continue elsewhere.
func (h *Handover) Open(ctx context.Context, c Copy, at Tree) (Plan, error) {
	d := h.chain.OpenedBy(h.epoch())
	p := Plan{Tree: at, Epoch: h.epoch(), Charter: d.Hash()}
	st, err := h.Standing(ctx, c, at.Size)
	if err != nil {
		return p, err
	}
	p.Standing = st
	var missing []string
	for _, s := range st {
		if !s.OK() {
			missing = append(missing, s.String())
		}
		for _, one := range s.Covered {
			p.Reports = append(p.Reports, one.Note)
		}
	}
	if len(missing) > 0 {
		return p, fmt.Errorf("open epoch %d at %d: %w: %s", p.Epoch, at.Size, ErrReports, strings.Join(missing, ". "))
	}
	if len(p.Reports) > 0 {
		if p.Body, err = EncodeReports(p.Reports); err != nil {
			return p, err
		}
	}
	return p, h.prove(ctx, p, c)
}

// farthest is how many epochs ahead a successor looks for one that is open already: charters that were never opened lie between.
const farthest = 16

// prove makes the checks that every mirror and client will make, so that no leaf is written that they would refuse.
func (h *Handover) prove(ctx context.Context, p Plan, c Copy) error {
	if h.rules.off == mutant.AnyCopy {
		return nil
	}
	if h.accepted.Size > 0 {
		if err := prefixOf(ctx, c, p.Size, h.accepted.Tree); err != nil {
			return fmt.Errorf("%w: what this node has published: %w", ErrOpening, err)
		}
	}
	// A copy that has entered a later epoch is of a charter that this successor has not heard of: it is not its turn any more.
	for e := p.Epoch; e < p.Epoch+farthest; e++ {
		if _, err := c.Opening(ctx, e); !errors.Is(err, ErrNotOpened) {
			return errors.Join(fmt.Errorf("%w: the copy has opened epoch %d already", ErrOpening, e), err)
		}
	}
	last := h.accepted.Epoch
	for e := last + 1; e < p.Epoch; e++ {
		o, err := c.Opening(ctx, e)
		if errors.Is(err, ErrNotOpened) {
			continue
		}
		if err == nil {
			err = h.rules.CheckOpening(ctx, h.chain, last, o, h.within(c, p.Size))
		}
		if err != nil {
			return err
		}
		last = e
	}
	return h.rules.CheckOpening(ctx, h.chain, last, p.Opening(), h.within(c, p.Size))
}

func (h *Handover) within(c Copy, size int64) func(context.Context, Tree) error {
	return func(ctx context.Context, t Tree) error { return prefixOf(ctx, c, size, t) }
}

// Candidate is a copy that an epoch could continue, and how far it goes.
type Candidate struct {
	Tree
	Copy Copy
}

// Best finds the largest of several copies that the epoch can continue, of equal ones the first. It answers ErrReports, with what is missing for each, when
// there is none: then the board must say where to continue.
func (h *Handover) Best(ctx context.Context, copies ...Candidate) (Plan, error) {
	var best Plan
	found := false
	var errs []error
	for _, c := range copies {
		p, err := h.Open(ctx, c.Copy, c.Tree)
		switch {
		case err != nil:
			errs = append(errs, err)
		case !found || p.Size > best.Size:
			best, found = p, true
		}
	}
	if !found {
		return Plan{}, errors.Join(errs...)
	}
	return best, nil
}
