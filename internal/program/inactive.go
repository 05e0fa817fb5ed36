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
	"tasuki/spec/cve"
)

// ErrHeir means that an organisation cannot be removed before it is said who takes its public identifiers.
var ErrHeir = errors.New("program: somebody has to take the organisation's identifiers")

// Quiet is a CNA that has neither assigned nor published for as long as the inactive-CNA policy allows.
type Quiet struct {
	Org, Short string
	Since      time.Time // its last act, or when it became a CNA
	Case       string    // of the notices it got, "" for none
	Notices    int       // how many it got
	// Next is from when on the next step may be taken, and Step what it is: notice or revoke.
	Next time.Time
	Step string
}

// Inactive lists the CNAs that seem inactive, for the Secretariat, the operator and those above them: when a CNA reserved last is not
// public.
func (s *Service) Inactive(ctx context.Context, c authority.Caller) (out []Quiet, err error) {
	err = s.view(ctx, c, func(tx *store.Tx, me authority.Standing) error {
		h, err := readHierarchy(ctx, tx, s.Now())
		if err != nil {
			return err
		}
		out, err = h.inactive(ctx, tx, func(org string) bool {
			return me.IsSecretariat() || h.mayOverOrg(me, authority.ApproveScope, org) == nil
		})
		return err
	})
	return out, err
}

// inactive lists inactive CNAs among those that are asked for.
func (h *hierarchy) inactive(ctx context.Context, tx *store.Tx, of func(org string) bool) (out []Quiet, err error) {
	since := map[string]time.Time{}
	for _, g := range h.grants {
		if g.Role == authority.CNA && (since[g.Org].IsZero() || g.Given.Before(since[g.Org])) {
			since[g.Org] = g.Given
		}
	}
	n := newNames(tx, h.at)
	for _, g := range h.grants { // in the order they were given
		began, ok := since[g.Org]
		if delete(since, g.Org); !ok || !of(g.Org) {
			continue
		}
		last, err := registry.LastActive(ctx, tx, g.Org)
		if err != nil {
			return nil, err
		}
		q := Quiet{Org: g.Org, Since: began}
		if last.After(q.Since) {
			q.Since = last
		}
		over, err := h.rules.Deadline("cna.inactive", q.Since, h.scopes.CalendarOf(g.ID))
		if err != nil {
			return nil, err
		}
		if !h.at.After(over) {
			continue
		}
		if q.Short, err = n.org(ctx, g.Org); err != nil {
			return nil, err
		}
		q.Step, q.Next = "notice", over
		if open, err := noticed(ctx, tx, g.Org); err != nil {
			return nil, err
		} else if open != nil {
			q.Case, q.Notices, q.Next = open.ID, slices.Index(governance.Notices, open.Level)+1, open.Due
			if q.Notices == len(governance.Notices) {
				q.Step = "revoke"
			}
		}
		out = append(out, q)
	}
	return out, nil
}

// noticed is the running case of notices to an organisation, nil for none.
func noticed(ctx context.Context, tx *store.Tx, org string) (*governance.Case, error) {
	list, err := governance.Cases(ctx, tx, governance.Inactivity)
	if err != nil {
		return nil, err
	}
	for _, d := range list {
		if d.Against == org && !d.Ended() {
			return &d, nil
		}
	}
	return nil, nil
}

// SendNotice sends an inactive CNA its next notice, when it is time: the Secretariat, the operator or who stands above it confirms.
// ErrNotAbove, ErrTooEarly (also where it is not inactive), authority.ErrNoOrg, governance.ErrState after the third.
func (s *Service) SendNotice(ctx context.Context, c authority.Caller, short string, say governance.Statement) (CaseView, error) {
	return s.caseAct(ctx, c, func(ctx context.Context, t turn, h *hierarchy) (string, error) {
		q, err := h.quiet(ctx, t, short)
		if err != nil {
			return "", err
		}
		if q.Step != "notice" {
			return "", fmt.Errorf("%s got every notice: %w", short, governance.ErrState)
		}
		if h.at.Before(q.Next) {
			return "", fmt.Errorf("not before %s: %w", q.Next.Format(time.RFC3339), ErrTooEarly)
		}
		due, err := h.due("cna.inactive.notice", h.seat(q.Org), false)
		if err != nil {
			return "", err
		}
		made, err := governance.Step(ctx, t.Tx, t, governance.Say{Kind: event.NoticeSent, Case: q.Case, By: t.me.Org.ID, Org: q.Org,
			Level:  governance.Notices[q.Notices],
			Reason: "inactive", Due: due, Pack: h.rules.Version, Statement: say})
		return made.ID, err
	})
}

// quiet finds an inactive CNA that the caller may act on: ErrNotAbove, ErrTooEarly, authority.ErrNoOrg.
func (h *hierarchy) quiet(ctx context.Context, t turn, short string) (Quiet, error) {
	o, err := shortName(ctx, t.Tx, t.Now(), short)
	if err != nil {
		return Quiet{}, err
	}
	if err := h.mayOverOrg(t.me, authority.ApproveScope, o.ID); err != nil {
		return Quiet{}, err
	}
	list, err := h.inactive(ctx, t.Tx, func(org string) bool { return org == o.ID })
	if err != nil {
		return Quiet{}, err
	}
	if len(list) == 0 {
		return Quiet{}, fmt.Errorf("%s is not inactive: %w", short, ErrTooEarly)
	}
	return list[0], nil
}

// CloseNotice ends the notices to a CNA that is active after all: who stands above it says so. ErrNotAbove, authority.ErrNoOrg,
// governance.ErrNoCase.
func (s *Service) CloseNotice(ctx context.Context, c authority.Caller, short string, say governance.Statement) (CaseView, error) {
	return s.caseAct(ctx, c, func(ctx context.Context, t turn, h *hierarchy) (string, error) {
		o, err := shortName(ctx, t.Tx, t.Now(), short)
		if err != nil {
			return "", err
		}
		if err := h.mayOverOrg(t.me, authority.ApproveScope, o.ID); err != nil {
			return "", err
		}
		open, err := noticed(ctx, t.Tx, o.ID)
		if err != nil {
			return "", err
		}
		if open == nil {
			return "", fmt.Errorf("%s has no notices: %w", short, governance.ErrNoCase)
		}
		return open.ID, h.closeNotice(ctx, t, *open, governance.Active, say)
	})
}

func (h *hierarchy) closeNotice(ctx context.Context, t turn, d governance.Case, outcome string, say governance.Statement) error {
	_, err := governance.Step(ctx, t.Tx, t, governance.Say{Kind: event.NoticeClosed, Case: d.ID, By: t.me.Org.ID, Org: d.Against, Outcome: outcome,
		Pack: h.rules.Version, Statement: say})
	return err
}

// NoteActive ends the notices to every CNA that has acted again since it got one, and answers how many. Only the operator does this.
func (s *Service) NoteActive(ctx context.Context, c authority.Caller) (int, error) {
	running := func(d governance.Case, _ time.Time) bool { return !d.Ended() }
	return s.note(ctx, c, governance.Inactivity, running, func(ctx context.Context, t turn, h *hierarchy, d governance.Case) (bool, error) {
		last, err := registry.LastActive(ctx, t.Tx, d.Against)
		if err != nil || !last.After(d.Opened) {
			return false, err
		}
		return true, h.closeNotice(ctx, t, d, governance.Active, governance.Statement{})
	})
}

// Removal takes an organisation out of the Program.
type Removal struct {
	Org    string // short name
	Heir   string // short name of who takes its public identifiers; "" where it has none
	Reason string // public: "inactive", "removed", …
	// Early removes also who is not inactive, or has not got every notice yet: for decertification, which has a procedure of its own.
	Early     bool
	Statement governance.Statement
}

// Remove takes an organisation out of the Program: its reserved identifiers are rejected, its public ones move to the heir, its users
// are switched off and its grants end (CNA rules 4.5.4, inactive-CNA policy). Long lists go in batches; what was done before an error
// stays, and removing again goes on. ErrNotAbove, ErrTooEarly, ErrHeir, authority.ErrNoOrg.
func (s *Service) Remove(ctx context.Context, c authority.Caller, r Removal) error {
	for {
		more, err := s.removeSome(ctx, c, r)
		if err != nil || !more {
			return err
		}
	}
}

// removeSome does one batch of a removal; the last one ends the grants.
func (s *Service) removeSome(ctx context.Context, c authority.Caller, r Removal) (more bool, err error) {
	err = s.act(ctx, c, func(ctx context.Context, t turn) error {
		more = false
		h, err := readHierarchy(ctx, t.Tx, t.Now())
		if err != nil {
			return err
		}
		o, err := h.removable(ctx, t, r)
		if err != nil {
			return err
		}
		reserved, _, err := registry.ListIDs(ctx, t.Tx, registry.Filter{Owner: o.ID, State: cve.Reserved, Limit: rejectBatch})
		if err != nil {
			return err
		}
		for _, i := range reserved {
			if err := registry.SetState(ctx, t.Tx, t, i, cve.Rejected); err != nil {
				return err
			}
		}
		if len(reserved) > 0 {
			more = true
			return nil
		}
		rest, _, err := registry.ListIDs(ctx, t.Tx, registry.Filter{Owner: o.ID, Limit: rejectBatch})
		if err != nil {
			return err
		}
		if len(rest) > 0 {
			more = true
			return h.inherit(ctx, t, r, rest)
		}
		return h.expel(ctx, t, o, r)
	})
	return more, err
}

// removable finds the organisation that the caller may remove now.
func (h *hierarchy) removable(ctx context.Context, t turn, r Removal) (authority.Org, error) {
	o, err := shortName(ctx, t.Tx, t.Now(), r.Org)
	if err != nil {
		return o, err
	}
	if err := h.mayOverOrg(t.me, authority.ApproveScope, o.ID); err != nil || r.Early {
		return o, err
	}
	open, err := noticed(ctx, t.Tx, o.ID)
	switch {
	case err != nil:
		return o, err
	case open == nil || open.Level != governance.Notices[len(governance.Notices)-1] || !open.Overdue(h.at):
		return o, fmt.Errorf("%s: %w", r.Org, ErrTooEarly)
	}
	return o, nil
}

func (h *hierarchy) inherit(ctx context.Context, t turn, r Removal, ids []registry.Identifier) error {
	if r.Heir == "" || r.Heir == r.Org {
		return ErrHeir
	}
	n := NewTransfer{To: r.Heir, Reason: "removal"}
	for _, i := range ids {
		n.IDs = append(n.IDs, i.ID)
	}
	_, err := h.transfer(ctx, t, n)
	return err
}

// expel ends what an organisation may do.
func (h *hierarchy) expel(ctx context.Context, t turn, o authority.Org, r Removal) error {
	open, err := noticed(ctx, t.Tx, o.ID)
	if err != nil {
		return err
	}
	if open != nil {
		if err := h.closeNotice(ctx, t, *open, governance.Revoked, r.Statement); err != nil {
			return err
		}
	}
	users, _, err := authority.UsersOf(ctx, t.Tx, o.ID, 0, authority.MaxUsers)
	if err != nil {
		return err
	}
	off := false
	for _, u := range users {
		if _, err := authority.ChangeUser(ctx, t.Tx, t, u.ID, authority.UserChange{Active: &off}); err != nil {
			return err
		}
	}
	reason := r.Reason
	if reason == "" {
		reason = "inactive"
	}
	for _, g := range h.grants {
		if g.Org == o.ID {
			if err := authority.EndGrant(ctx, t.Tx, t, g.ID, reasonWord(reason), t.me.Org.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// Notices lists the cases of inactive CNAs, as Cases does.
func (s *Service) Notices(ctx context.Context, c authority.Caller) ([]CaseView, error) {
	return s.Cases(ctx, c, governance.Inactivity)
}
