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

// Errors of cases.
var (
	// ErrNotParty means that only those who are in a case may do this.
	ErrNotParty = fmt.Errorf("%w: only the parties of the case may do this", authority.ErrDenied)
	// ErrFinal means that nobody stands above the level of a dispute.
	ErrFinal = errors.New("program: the decision is final")
	// ErrTooEarly means a step that has to wait until a deadline has passed.
	ErrTooEarly = errors.New("program: it is not time for this yet")
	// ErrNobody means that there is no CNA to dispute with.
	ErrNobody = errors.New("program: there is nobody to decide this")
)

// NewDispute is what a dispute is opened with.
type NewDispute struct {
	Subject   string   // of governance.Subjects
	IDs       []string // CVE identifiers; none before there is one
	Against   string   // short name of the CNA it is with; "" for the owner of the first identifier, or the CNA of last resort
	Anonymous bool     // the caller opens it for somebody without a name here
	Statement governance.Statement
}

// CaseView is a case as its reader may see it, with names as they are now.
type CaseView struct {
	governance.Case
	PartyName, AgainstName, AdjudicatorName string // short names
	Steps                                   []StepView
	// Whole says that the reader is in the case, or above it, and sees what is not public of it.
	Whole bool
	// May are the steps of a dispute that the reader may take now: acknowledge, extend, decide, tag, escalate, withdraw.
	May []string
}

// StepView is a step with names.
type StepView struct {
	governance.Recorded
	ByName, OrgName string
}

// OpenDispute opens a dispute: any party may. registry.ErrNotFound, authority.ErrNoOrg, ErrNobody, governance.ErrSubject,
// governance.ErrStatement. One about something that is not public yet is hidden.
func (s *Service) OpenDispute(ctx context.Context, c authority.Caller, n NewDispute) (out CaseView, err error) {
	return s.caseAct(ctx, c, func(ctx context.Context, t turn, h *hierarchy) (string, error) {
		if err := somebody(t.me); err != nil {
			return "", err
		}
		against, hidden, err := disputed(ctx, t, h, n)
		if err != nil {
			return "", err
		}
		party := t.me.Org.ID
		if n.Anonymous {
			party = ""
		}
		level := governance.Levels[0]
		if n.Subject == "scope" {
			level = "root" // whose scope it is is not for one of them to say
		}
		d := governance.Case{Level: level, Against: against, Party: party, Subject: n.Subject}
		org, grant, ok := h.decider(level, against, party)
		if !ok {
			if d.Level, org, grant, err = h.above(d); err != nil {
				return "", errors.Join(ErrNobody, err)
			}
		}
		due, err := h.due("dispute.acknowledge", grant, hidden)
		if err != nil {
			return "", err
		}
		made, err := governance.Step(ctx, t.Tx, t, governance.Say{Kind: event.DisputeOpened, Hidden: hidden, By: t.me.Org.ID, IDs: n.IDs, Level: d.Level,
			Org: org, From: party,
			To: against, Reason: n.Subject, Due: due, Pack: h.rules.Version, Statement: n.Statement})
		return made.ID, err
	})
}

// disputed finds whom a dispute is with, and whether it is about something that is not public.
func disputed(ctx context.Context, t turn, h *hierarchy, n NewDispute) (against string, hidden bool, err error) {
	hidden = len(n.IDs) == 0 && n.Subject != "scope"
	for _, id := range n.IDs {
		i, err := registry.GetID(ctx, t.Tx, id)
		if err != nil {
			return "", false, err
		}
		hidden = hidden || !i.Opened
		if against == "" {
			against = i.Owner
		}
	}
	if n.Against != "" {
		o, err := shortName(ctx, t.Tx, t.Now(), n.Against)
		if err != nil {
			return "", false, err
		}
		against = o.ID
	}
	if against == "" {
		against = h.lastResort()
	}
	if against == "" {
		return "", false, ErrNobody
	}
	return against, hidden, nil
}

// Acknowledge writes down that whoever is to decide a dispute has taken it up: governance.ErrNoCase, ErrNotAbove, governance.ErrState.
func (s *Service) Acknowledge(ctx context.Context, c authority.Caller, id string, say governance.Statement) (CaseView, error) {
	return s.decideStep(ctx, c, id, event.DisputeAcknowledged, "dispute.decide", say)
}

// Extend gives the decision of a dispute more time, once; beyond it the parties may escalate. Errors as Acknowledge.
func (s *Service) Extend(ctx context.Context, c authority.Caller, id string, say governance.Statement) (CaseView, error) {
	return s.decideStep(ctx, c, id, event.DisputeExtended, "dispute.extend", say)
}

func (s *Service) decideStep(ctx context.Context, c authority.Caller, id string, kind event.Kind, trigger string, say governance.Statement) (CaseView, error) {
	return s.caseAct(ctx, c, func(ctx context.Context, t turn, h *hierarchy) (string, error) {
		d, err := governance.GetWhole(ctx, t.Tx, id)
		if err != nil {
			return "", err
		}
		if err := h.mayDecide(t.me, d); err != nil {
			return "", err
		}
		org, grant, _ := h.decider(d.Level, d.Against, d.Party)
		due, err := h.due(trigger, grant, d.Hidden)
		if err != nil {
			return "", err
		}
		_, err = governance.Step(ctx, t.Tx, t, governance.Say{Kind: kind, Case: id, By: t.me.Org.ID, Level: d.Level, Org: org, Due: due,
			Pack: h.rules.Version, Statement: say})
		return id, err
	})
}

// Escalate takes a dispute to the next level: whoever is to decide it may at any time, its parties when a deadline has passed or it
// was decided. governance.ErrNoCase, ErrNotParty, ErrTooEarly, ErrFinal, governance.ErrState.
func (s *Service) Escalate(ctx context.Context, c authority.Caller, id string, say governance.Statement) (CaseView, error) {
	return s.caseAct(ctx, c, func(ctx context.Context, t turn, h *hierarchy) (string, error) {
		d, err := governance.GetWhole(ctx, t.Tx, id)
		if err != nil {
			return "", err
		}
		if d.Workflow != governance.Dispute {
			return "", fmt.Errorf("a %s: %w", d.Workflow, governance.ErrState)
		}
		if h.mayDecide(t.me, d) != nil {
			in, err := party(ctx, t.Tx, t.me, d)
			switch {
			case err != nil:
				return "", err
			case !in:
				return "", fmt.Errorf("%s: %w", c, ErrNotParty)
			case !d.Ended() && !d.Overdue(t.Now()):
				return "", fmt.Errorf("due %s: %w", d.Due.Format(time.RFC3339), ErrTooEarly)
			case d.Outcome == governance.Withdrawn:
				return "", fmt.Errorf("withdrawn: %w", governance.ErrState)
			}
		}
		level, org, grant, err := h.above(d)
		if err != nil {
			return "", err
		}
		due, err := h.due("dispute.acknowledge", grant, d.Hidden)
		if err != nil {
			return "", err
		}
		_, err = governance.Step(ctx, t.Tx, t, governance.Say{Kind: event.DisputeEscalated, Case: id, By: t.me.Org.ID, Level: level, Org: org, Due: due,
			Pack:      h.rules.Version,
			Statement: say})
		return id, err
	})
}

// Decide decides a dispute, or reconsiders what was decided at the same level: governance.ErrNoCase, ErrNotAbove (for
// governance.Withdrawn: ErrNotParty), governance.ErrState, governance.ErrOutcome. The tags that the dispute placed go where nothing is
// left of it, and the direction that the caller gave itself ends; an error about these comes beside the view of a decided case.
func (s *Service) Decide(ctx context.Context, c authority.Caller, id, outcome string, say governance.Statement) (CaseView, error) {
	v, err := s.decide(ctx, c, id, outcome, say)
	if err != nil || c.Role != authority.Member {
		return v, err
	}
	if outcome != governance.Invalid && outcome != governance.Withdrawn {
		return v, s.endOwnDirection(ctx, c, id)
	}
	if err = s.untagAll(ctx, c, v); errors.Is(err, authority.ErrDenied) {
		err = nil // a party that withdraws leaves it to those who placed them
	}
	return v, err
}

func (s *Service) decide(ctx context.Context, c authority.Caller, id, outcome string, say governance.Statement) (CaseView, error) {
	return s.caseAct(ctx, c, func(ctx context.Context, t turn, h *hierarchy) (string, error) {
		d, err := governance.GetWhole(ctx, t.Tx, id)
		if err != nil {
			return "", err
		}
		if outcome == governance.Withdrawn {
			in, err := began(ctx, t.Tx, t.me, d)
			if err != nil || !in {
				return "", errors.Join(err, fmt.Errorf("%s: %w", c, ErrNotParty))
			}
		} else if err := h.mayDecide(t.me, d); err != nil {
			return "", err
		}
		org, _, _ := h.decider(d.Level, d.Against, d.Party)
		_, err = governance.Step(ctx, t.Tx, t, governance.Say{Kind: event.DisputeDecided, Case: id, By: t.me.Org.ID, Level: d.Level, Org: org,
			Outcome: outcome, Pack: h.rules.Version,
			Statement: say})
		return id, err
	})
}

// caseAct carries out a step of a case and shows the case after it.
func (s *Service) caseAct(ctx context.Context, c authority.Caller, do func(ctx context.Context, t turn, h *hierarchy) (id string,
	err error)) (out CaseView, err error) {
	err = s.act(ctx, c, func(ctx context.Context, t turn) error {
		h, err := readHierarchy(ctx, t.Tx, t.Now())
		if err != nil {
			return err
		}
		id, err := do(ctx, t, h)
		if err != nil {
			return err
		}
		out, err = viewCase(ctx, t.Tx, h, t.me, id)
		return err
	})
	return out, err
}

// Case reads one case: governance.ErrNoCase.
func (s *Service) Case(ctx context.Context, c authority.Caller, id string) (out CaseView, err error) {
	err = s.view(ctx, c, func(tx *store.Tx, me authority.Standing) error {
		h, err := readHierarchy(ctx, tx, s.Now())
		if err != nil {
			return err
		}
		out, err = viewCase(ctx, tx, h, me, id)
		return err
	})
	return out, err
}

// Cases lists the cases of a workflow, newest first, each as the caller may see it and without its steps.
func (s *Service) Cases(ctx context.Context, c authority.Caller, w governance.Workflow) (out []CaseView, err error) {
	err = s.view(ctx, c, func(tx *store.Tx, me authority.Standing) error {
		list, err := governance.Cases(ctx, tx, w)
		if err != nil {
			return err
		}
		out, err = s.viewCases(ctx, tx, me, list)
		return err
	})
	return out, err
}

// CasesAbout lists the cases that an identifier is part of, newest first, as Cases does.
func (s *Service) CasesAbout(ctx context.Context, c authority.Caller, id string) (out []CaseView, err error) {
	err = s.view(ctx, c, func(tx *store.Tx, me authority.Standing) error {
		list, err := governance.About(ctx, tx, id)
		if err != nil {
			return err
		}
		out, err = s.viewCases(ctx, tx, me, list)
		return err
	})
	return out, err
}

// Disputes lists disputes, as Cases does.
func (s *Service) Disputes(ctx context.Context, c authority.Caller) ([]CaseView, error) {
	return s.Cases(ctx, c, governance.Dispute)
}

func (s *Service) viewCases(ctx context.Context, tx *store.Tx, me authority.Standing, list []governance.Case) (out []CaseView, err error) {
	if len(list) == 0 {
		return nil, nil
	}
	h, err := readHierarchy(ctx, tx, s.Now())
	if err != nil {
		return nil, err
	}
	n := newNames(tx, s.Now())
	for _, d := range list {
		v, err := shown(ctx, tx, h, me, n, d)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// shown is a case as a reader may see it, without its steps.
func shown(ctx context.Context, tx *store.Tx, h *hierarchy, me authority.Standing, n *names, d governance.Case) (v CaseView, err error) {
	whole, err := governance.GetWhole(ctx, tx, d.ID)
	if err != nil {
		return v, err
	}
	in, err := party(ctx, tx, me, whole)
	if err != nil {
		return v, err
	}
	in = in || me.IsSecretariat() || me.Role == authority.Member && whole.Against != "" && h.mayOverOrg(me, authority.Adjudicate, whole.Against) == nil
	v = CaseView{Case: d, Whole: in}
	if in {
		v.Case = whole
	}
	if v.May, err = h.may(ctx, tx, me, whole); err != nil {
		return v, err
	}
	for _, p := range []struct {
		name *string
		org  string
	}{{&v.PartyName, v.Party}, {&v.AgainstName, v.Against}, {&v.AdjudicatorName, v.Adjudicator}} {
		if *p.name, err = n.org(ctx, p.org); err != nil {
			return v, err
		}
	}
	return v, nil
}

func viewCase(ctx context.Context, tx *store.Tx, h *hierarchy, me authority.Standing, id string) (v CaseView, err error) {
	d, err := governance.GetCase(ctx, tx, id)
	if err != nil {
		return v, err
	}
	n := newNames(tx, h.at)
	if v, err = shown(ctx, tx, h, me, n, d); err != nil {
		return v, err
	}
	steps, err := governance.Steps(ctx, tx, id)
	if err != nil {
		return v, err
	}
	var notes []governance.Note
	if v.Whole {
		if notes, err = governance.Notes(ctx, tx, id); err != nil {
			return v, err
		}
	}
	for _, r := range steps {
		if i := slices.IndexFunc(notes, func(n governance.Note) bool { return n.Step == r.Leaf }); i >= 0 {
			r.By, r.Org, r.From, r.To, r.Statement = notes[i].By, notes[i].Org, notes[i].From, notes[i].To, notes[i].Statement
		}
		sv := StepView{Recorded: r}
		if sv.ByName, err = n.org(ctx, r.By); err != nil {
			return v, err
		}
		if sv.OrgName, err = n.org(ctx, r.Org); err != nil {
			return v, err
		}
		v.Steps = append(v.Steps, sv)
	}
	return v, nil
}

// somebody refuses callers without a name here.
func somebody(me authority.Standing) error {
	if me.Role == authority.Operator || me.Role == authority.Member {
		return nil
	}
	return fmt.Errorf("%s: %w", me.Caller, ErrNotParty)
}

// party says that the caller is in a case: began it, has it against them, or decides it now. whole is as governance.GetWhole gives
// it.
func party(ctx context.Context, tx *store.Tx, me authority.Standing, whole governance.Case) (bool, error) {
	if me.Role == authority.Member && slices.Contains([]string{whole.Against, whole.Adjudicator}, me.Org.ID) {
		return true, nil
	}
	return began(ctx, tx, me, whole)
}

// began says that the caller began a case, for themselves or for somebody without a name here.
func began(ctx context.Context, tx *store.Tx, me authority.Standing, whole governance.Case) (bool, error) {
	switch {
	case me.Role == authority.Operator:
		return true, nil
	case me.Role != authority.Member:
		return false, nil
	case whole.Party != "":
		return whole.Party == me.Org.ID, nil
	}
	notes, err := governance.Notes(ctx, tx, whole.ID)
	if err != nil {
		return false, err
	}
	if i := slices.IndexFunc(notes, func(n governance.Note) bool { return n.Step == whole.Leaf }); i >= 0 {
		return notes[i].By == me.Org.ID, nil
	}
	steps, err := governance.Steps(ctx, tx, whole.ID)
	return err == nil && len(steps) > 0 && steps[0].By == me.Org.ID, err
}

// may lists the steps of a dispute that a reader may take now, for surfaces to offer them; whether they may is asked again when
// they do.
func (h *hierarchy) may(ctx context.Context, tx *store.Tx, me authority.Standing, whole governance.Case) (out []string, err error) {
	if whole.Workflow != governance.Dispute {
		return nil, nil
	}
	decides := h.mayDecide(me, whole) == nil
	in, err := party(ctx, tx, me, whole)
	if err != nil {
		return nil, err
	}
	first, err := began(ctx, tx, me, whole)
	if err != nil {
		return nil, err
	}
	running := !whole.Ended()
	_, _, _, top := h.above(whole)
	for _, step := range []struct {
		name string
		yes  bool
	}{
		{"acknowledge", decides && whole.State == governance.Open},
		{"extend", decides && whole.State == governance.Acknowledged},
		{"decide", decides && whole.State != governance.Open},
		{"tag", decides && running && len(whole.IDs) > 0},
		{"escalate", top == nil && whole.Outcome != governance.Withdrawn && (decides || in && (!running || whole.Overdue(h.at)))},
		{"withdraw", first && running},
	} {
		if step.yes {
			out = append(out, step.name)
		}
	}
	return out, nil
}
