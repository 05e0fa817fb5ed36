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

// NewRefusal is the question to the CNA that has the right of first refusal, about a public issue (CNA rules 4.2.1).
type NewRefusal struct {
	Org string // short name of the CNA that is asked
	// InAdvance says that it declined before it was asked.
	InAdvance bool
	IDs       []string // identifiers, where there are some
	Statement governance.Statement
}

// AskFirst asks a CNA whether it will assign: it has the time that the rule pack gives, and silence is a refusal. Anybody with a
// name here may ask; that one declined in advance is written down by itself or by whoever stands above it. authority.ErrNoOrg,
// ErrNobody for an organisation that is no CNA, registry.ErrNotFound, governance.ErrStatement.
func (s *Service) AskFirst(ctx context.Context, c authority.Caller, n NewRefusal) (CaseView, error) {
	return s.caseAct(ctx, c, func(ctx context.Context, t turn, h *hierarchy) (string, error) {
		if err := somebody(t.me); err != nil {
			return "", err
		}
		o, err := shortName(ctx, t.Tx, t.Now(), n.Org)
		if err != nil {
			return "", err
		}
		if h.seat(o.ID) == "" {
			return "", fmt.Errorf("%s: %w", n.Org, ErrNobody)
		}
		private, err := unheard(ctx, t.Tx, n.IDs)
		if err != nil {
			return "", err
		}
		step := governance.Say{Kind: event.RefusalAsked, By: t.me.Org.ID, IDs: n.IDs, Org: o.ID, From: t.me.Org.ID, Pack: h.rules.Version,
			Statement: n.Statement, Private: private}
		trigger, grant := "refusal.answer", h.seat(o.ID)
		if n.InAdvance {
			if t.me.Org.ID != o.ID || t.me.Role != authority.Member {
				if err := h.mayOverOrg(t.me, authority.Direct, o.ID); err != nil {
					return "", err
				}
			}
			step.Kind, step.Reason, step.From = event.RefusalNoted, governance.InAdvance, ""
			trigger = "refusal.direct"
			step.To, grant = h.directs(o.ID)
		}
		if step.Due, err = h.due(trigger, grant, private); err != nil {
			return "", err
		}
		made, err := governance.Step(ctx, t.Tx, t, step)
		return made.ID, err
	})
}

// directs is who has to determine after an organisation's refusal, and the grant to count deadlines by: the nearest above it
// that may direct.
func (h *hierarchy) directs(org string) (root, grant string) {
	for _, l := range h.scopes.Chain(h.seat(org)) {
		if l.Grant.Org != org && h.rules.HasPower(l.Grant.Role, authority.Direct) {
			return l.Grant.Org, l.Grant.ID
		}
	}
	return "", ""
}

// unheard says that one of the identifiers is not public yet: registry.ErrNotFound for one that there is not.
func unheard(ctx context.Context, tx *store.Tx, ids []string) (bool, error) {
	some := false
	for _, id := range ids {
		i, err := registry.GetID(ctx, tx, id)
		if err != nil {
			return false, err
		}
		some = some || !i.Opened
	}
	return some, nil
}

// AnswerFirst is the answer of the CNA that was asked: it will assign, which ends the case, or declines, after which a Root has to
// determine. governance.ErrNoCase, ErrNotParty, governance.ErrState.
func (s *Service) AnswerFirst(ctx context.Context, c authority.Caller, id string, accepts bool, say governance.Statement) (CaseView, error) {
	return s.caseAct(ctx, c, func(ctx context.Context, t turn, h *hierarchy) (string, error) {
		r, err := governance.GetCase(ctx, t.Tx, id)
		if err != nil {
			return "", err
		}
		if t.me.Role != authority.Operator && (t.me.Role != authority.Member || t.me.Org.ID != r.Against) {
			return "", fmt.Errorf("%s: %w", c, ErrNotParty)
		}
		if accepts {
			return id, h.close(ctx, t, r, governance.Accepted, say)
		}
		return id, h.refused(ctx, t, r, governance.Declined, say)
	})
}

// refused writes down that the CNA that was asked first declined or was silent.
func (h *hierarchy) refused(ctx context.Context, t turn, r governance.Case, reason string, say governance.Statement) error {
	private, err := unheard(ctx, t.Tx, r.IDs)
	if err != nil {
		return err
	}
	step := governance.Say{Kind: event.RefusalNoted, Case: r.ID, By: t.me.Org.ID, Org: r.Against, Reason: reason, Pack: h.rules.Version, Statement: say,
		Private: private}
	grant := ""
	step.To, grant = h.directs(r.Against)
	if step.Due, err = h.due("refusal.direct", grant, private); err != nil {
		return err
	}
	_, err = governance.Step(ctx, t.Tx, t, step)
	return err
}

func (h *hierarchy) close(ctx context.Context, t turn, r governance.Case, outcome string, say governance.Statement) error {
	private, err := unheard(ctx, t.Tx, r.IDs)
	if err != nil {
		return err
	}
	step := governance.Say{Kind: event.RefusalClosed, Case: r.ID, By: t.me.Org.ID, Outcome: outcome, Pack: h.rules.Version, Statement: say, Private: private}
	_, err = governance.Step(ctx, t.Tx, t, step)
	return err
}

// NoteSilence writes down, for every CNA that was asked and let the time pass, that its silence is a refusal: the rules say so, and
// nobody has to decide it. It returns how many there were. Only the operator does this.
func (s *Service) NoteSilence(ctx context.Context, c authority.Caller) (int, error) {
	return s.note(ctx, c, governance.Refusal, silent, func(ctx context.Context, t turn, h *hierarchy, r governance.Case) (bool, error) {
		return true, h.refused(ctx, t, r, governance.Silent, governance.Statement{})
	})
}

func silent(r governance.Case, at time.Time) bool {
	return r.State == governance.Asked && r.Overdue(at)
}

// note lets the operator write down what time or others decided about the cases of a workflow that are due, and answers how many were
// written down. It is asked often and seldom has a reason to write, which it finds out by reading.
func (s *Service) note(ctx context.Context, c authority.Caller, w governance.Workflow, due func(governance.Case, time.Time) bool,
	write func(context.Context, turn, *hierarchy, governance.Case) (written bool, err error)) (n int, err error) {
	if c.Role == authority.Operator {
		some := false
		err = s.DB.View(ctx, func(tx *store.Tx) error {
			list, err := governance.Cases(ctx, tx, w)
			some = slices.ContainsFunc(list, func(d governance.Case) bool { return due(d, s.Now()) })
			return err
		})
		if err != nil || !some {
			return 0, err
		}
	}
	err = s.act(ctx, c, func(ctx context.Context, t turn) error {
		n = 0
		if t.me.Role != authority.Operator {
			return fmt.Errorf("%s: %w", c, ErrNotParty)
		}
		list, err := governance.Cases(ctx, t.Tx, w)
		if err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(d governance.Case) bool { return !due(d, t.Now()) })
		if len(list) == 0 {
			return nil
		}
		h, err := readHierarchy(ctx, t.Tx, t.Now())
		if err != nil {
			return err
		}
		for _, d := range list {
			written, err := write(ctx, t, h, d)
			if err != nil {
				return fmt.Errorf("case %s: %w", d.ID, err)
			}
			if written {
				n++
			}
		}
		return nil
	})
	return n, err
}

// NewDirection tells a CNA of last resort, or another suited one, to assign or publish.
type NewDirection struct {
	Case      string // refusal or dispute that it belongs to; "" for a direction on its own, when time presses
	Org       string // short name of who is directed
	IDs       []string
	Statement governance.Statement
}

// Direct gives a direction: the party may put the records of the identifiers, whoever owns them, until the direction ends. Who may:
// a Root or a head over the CNA that the case is with, or that owns the identifiers. ErrNotAbove, governance.ErrNoCase,
// governance.ErrState, authority.ErrNoOrg, ErrNobody, registry.ErrNotFound.
func (s *Service) Direct(ctx context.Context, c authority.Caller, n NewDirection) (CaseView, error) {
	return s.caseAct(ctx, c, func(ctx context.Context, t turn, h *hierarchy) (string, error) {
		to, err := shortName(ctx, t.Tx, t.Now(), n.Org)
		if err != nil {
			return "", err
		}
		if h.seat(to.ID) == "" {
			return "", fmt.Errorf("%s: %w", n.Org, ErrNobody)
		}
		return h.direct(ctx, t, n, to.ID)
	})
}

// direct gives a direction after it was found that the party can take one.
func (h *hierarchy) direct(ctx context.Context, t turn, n NewDirection, to string) (string, error) {
	over := []string{} // whom the caller has to stand above
	var in governance.Case
	if n.Case != "" {
		var err error
		if in, err = governance.GetWhole(ctx, t.Tx, n.Case); err != nil {
			return "", err
		}
		over = append(over, in.Against)
	}
	hidden := in.Hidden
	for _, id := range n.IDs {
		i, err := registry.GetID(ctx, t.Tx, id)
		if err != nil {
			return "", err
		}
		hidden = hidden || !i.Opened
		over = append(over, i.Owner)
	}
	if len(over) == 0 {
		return "", fmt.Errorf("a direction about nothing: %w", governance.ErrState)
	}
	// Whoever is to decide a dispute directs in it too, and beyond it nobody.
	if in.Workflow != governance.Dispute || h.mayDecide(t.me, in) != nil || slices.ContainsFunc(n.IDs,
		func(id string) bool { return !slices.Contains(in.IDs, id) }) {
		for _, org := range slices.Compact(slices.Sorted(slices.Values(over))) {
			if err := h.mayOverOrg(t.me, authority.Direct, org); err != nil {
				return "", err
			}
		}
	}
	step := governance.Say{Kind: event.DirectionGiven, Case: n.Case, Hidden: hidden, By: t.me.Org.ID, IDs: n.IDs, Org: to, Reason: "publish",
		Pack:      h.rules.Version,
		Statement: n.Statement, Private: hidden}
	if len(n.IDs) == 0 {
		step.Reason = "assign"
	}
	if in.Workflow != governance.Dispute { // a dispute has its own time
		var err error
		if step.Due, err = h.due("refusal.direct", h.seat(to), hidden); err != nil {
			return "", err
		}
	}
	made, err := governance.Step(ctx, t.Tx, t, step)
	return made.ID, err
}

// EndDirection ends the direction of an organisation in a case: whoever may give it may end it, and the party itself.
// governance.ErrNoCase, ErrNotAbove, governance.ErrState, authority.ErrNoOrg.
func (s *Service) EndDirection(ctx context.Context, c authority.Caller, id, org, reason string) (CaseView, error) {
	return s.caseAct(ctx, c, func(ctx context.Context, t turn, h *hierarchy) (string, error) {
		o, err := shortName(ctx, t.Tx, t.Now(), org)
		if err != nil {
			return "", err
		}
		in, err := governance.GetWhole(ctx, t.Tx, id)
		if err != nil {
			return "", err
		}
		if t.me.Org.ID != o.ID {
			if err := h.mayEndDirection(ctx, t, in); err != nil {
				return "", err
			}
		}
		return id, h.endDirection(ctx, t, in, o.ID, reason)
	})
}

// mayEndDirection refuses, with ErrNotAbove, callers who could not give the directions of a case.
func (h *hierarchy) mayEndDirection(ctx context.Context, t turn, in governance.Case) error {
	switch in.Workflow {
	case governance.Dispute:
		if h.mayDecide(t.me, in) == nil {
			return nil
		}
	case governance.Direction: // it is with the party; whoever gave it stands above somebody else
		if gave, err := began(ctx, t.Tx, t.me, in); err != nil || gave {
			return err
		}
		for _, id := range in.IDs {
			i, err := registry.GetID(ctx, t.Tx, id)
			if err != nil {
				return err
			}
			if err := h.mayOverOrg(t.me, authority.Direct, i.Owner); err != nil {
				return err
			}
		}
		return nil
	}
	return h.mayOverOrg(t.me, authority.Direct, in.Against)
}

func (h *hierarchy) endDirection(ctx context.Context, t turn, in governance.Case, org, reason string) error {
	stand, err := governance.DirectedIn(ctx, t.Tx, in.ID)
	if err != nil {
		return err
	}
	if !slices.Contains(stand, org) {
		return fmt.Errorf("no direction to it stands: %w", governance.ErrState)
	}
	step := governance.Say{Kind: event.DirectionEnded, Case: in.ID, By: t.me.Org.ID, Org: org, Reason: reason, Pack: h.rules.Version}
	if private, err := unheard(ctx, t.Tx, in.IDs); err != nil {
		return err
	} else {
		step.Private = private
	}
	_, err = governance.Step(ctx, t.Tx, t, step)
	return err
}

// CloseRefusal ends a refusal: governance.NoVuln by whoever may direct, governance.Assigned by the party that was directed or by
// them, governance.Withdrawn by who asked. governance.ErrNoCase, ErrNotAbove, ErrNotParty, governance.ErrState, governance.ErrOutcome.
func (s *Service) CloseRefusal(ctx context.Context, c authority.Caller, id, outcome string, say governance.Statement) (CaseView, error) {
	return s.caseAct(ctx, c, func(ctx context.Context, t turn, h *hierarchy) (string, error) {
		r, err := governance.GetCase(ctx, t.Tx, id)
		if err != nil {
			return "", err
		}
		switch outcome {
		case governance.Withdrawn:
			in, err := began(ctx, t.Tx, t.me, r)
			if err != nil || !in {
				return "", errors.Join(err, fmt.Errorf("%s: %w", c, ErrNotParty))
			}
		case governance.Accepted:
			return "", fmt.Errorf("%s: the CNA that was asked answers: %w", outcome, governance.ErrOutcome)
		default:
			to, err := governance.DirectedIn(ctx, t.Tx, id)
			if err != nil {
				return "", err
			}
			if outcome == governance.Assigned && t.me.Role == authority.Member && slices.Contains(to, t.me.Org.ID) {
				break
			}
			if err := h.mayOverOrg(t.me, authority.Direct, r.Against); err != nil {
				return "", err
			}
		}
		return id, h.close(ctx, t, r, outcome, say)
	})
}

// Refusals lists questions of first refusal, and Directions what Roots directed beside them, as Cases does.
func (s *Service) Refusals(ctx context.Context, c authority.Caller) ([]CaseView, error) {
	return s.Cases(ctx, c, governance.Refusal)
}

// Directions lists directions on their own, as Cases does.
func (s *Service) Directions(ctx context.Context, c authority.Caller) ([]CaseView, error) {
	return s.Cases(ctx, c, governance.Direction)
}

// writable reads an identifier whose record the caller may put: as owned, and for the party of a direction that stands.
func writable(ctx context.Context, tx *store.Tx, me authority.Standing, id string) (registry.Identifier, error) {
	i, err := owned(ctx, tx, me, id)
	if err == nil || !errors.Is(err, ErrNotOwner) || me.Role != authority.Member && me.Role != authority.Signed {
		return i, err
	}
	by, derr := governance.DirectionTo(ctx, tx, id, me.Org.ID)
	if derr != nil || by == "" || i.Owner == "" {
		return i, errors.Join(err, derr)
	}
	return i, nil
}

// mayAssign refuses, with authority.ErrNotCNA, who neither assigns identifiers nor was directed to put the record of this one: a Root that
// tags a disputed record need not be a CNA.
func mayAssign(ctx context.Context, tx *store.Tx, me authority.Standing, id string) error {
	denied := me.MustBeCNA()
	if denied == nil || me.Role != authority.Member && me.Role != authority.Signed {
		return denied
	}
	by, err := governance.DirectionTo(ctx, tx, id, me.Org.ID)
	if err == nil && by != "" {
		return nil
	}
	return errors.Join(err, denied)
}
