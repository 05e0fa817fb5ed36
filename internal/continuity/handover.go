package continuity

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tasuki/internal/charter"
)

// Handover finds out where a successor continues (F.5.3). It collects the reports that mirrors of the old charters give under the
// new one, and says which copy contains enough of them.
type Handover struct {
	rules Rules
	chain *charter.Chain // its head's epoch is the one to open
	last  int64          // newest epoch that is opened in every candidate
	notes [][]byte
	known map[string]bool
}

// NewHandover begins the handover to the epoch of the chain's head. last is the newest epoch that the successor's copy has opened.
func (r Rules) NewHandover(chain *charter.Chain, last int64) *Handover {
	return &Handover{rules: r, chain: chain, last: last, known: map[string]bool{}}
}

// NewHandover begins a handover under the rules of production.
func NewHandover(chain *charter.Chain, last int64) *Handover { return Rules{}.NewHandover(chain, last) }

// Add takes in a seal: of any of the epochs whose reports are owed. Errors wrap ErrSeal; a seal that is known already is none.
func (h *Handover) Add(seal []byte) error {
	if h.known[string(seal)] {
		return nil
	}
	var errs []error
	for _, epoch := range h.owed() {
		q, err := h.rules.QuorumOf(h.chain.OpenedBy(epoch))
		if err != nil {
			return err
		}
		_, err = q.report(h.chain.ListID(), h.chain.OpenedBy(epoch+1).Hash(), seal)
		if err == nil {
			h.known[string(seal)] = true
			h.notes = append(h.notes, seal)
			return nil
		}
		errs = append(errs, err)
	}
	if len(errs) == 0 {
		return fmt.Errorf("%w: no reports are asked for", ErrSeal)
	}
	return errs[0]
}

// owed is empty when the board has said where to continue.
func (h *Handover) owed() []int64 {
	head := h.chain.OpenedBy(h.epoch())
	if head.Charter().ContinueAt != nil {
		return nil
	}
	return h.rules.owed(h.chain, h.last, h.epoch())
}

func (h *Handover) epoch() int64 { return h.chain.Head().Charter().Operator.Epoch }

// Owed are the old origins whose seals are asked for, with the mirrors to ask.
func (h *Handover) Owed() (map[string][]Party, error) {
	out := map[string][]Party{}
	for _, epoch := range h.owed() {
		q, err := h.rules.QuorumOf(h.chain.OpenedBy(epoch))
		if err != nil {
			return nil, err
		}
		out[q.Origin()] = q.Mirrors()
	}
	return out, nil
}

// Reported are the trees that verified reports speak of, each once: the candidates beside the successor's own copy.
func (h *Handover) Reported() (out []Tree) {
	seen := map[Tree]bool{}
	for _, raw := range h.notes {
		text, _, _ := strings.Cut(string(raw), "\n\n")
		if s, err := ParseSeal(text + "\n"); err == nil && !seen[s.Tree] {
			seen[s.Tree] = true
			out = append(out, s.Tree)
		}
	}
	return out
}

// Standing counts the reports against a copy of the given size, one entry for each old epoch that is owed.
func (h *Handover) Standing(ctx context.Context, c Copy, size int64) (out []Standing, err error) {
	for _, epoch := range h.owed() {
		st, err := h.rules.standing(ctx, h.chain, epoch, h.notes, func(ctx context.Context, t Tree) error { return prefixOf(ctx, c, size, t) })
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
	// The same check that every mirror and client makes, so that no leaf is written that they would refuse.
	err = h.rules.CheckOpening(ctx, h.chain, h.last, p.Opening(), func(ctx context.Context, t Tree) error { return prefixOf(ctx, c, at.Size, t) })
	if err != nil {
		return p, err
	}
	return p, nil
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
