package program

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/governance"
	"tasuki/internal/store"
)

// ErrNotAbove means that the caller's grants have the power, if at all, over others only: a Root acts below itself.
var ErrNotAbove = fmt.Errorf("%w: it is not below any grant of the caller's that has the power", authority.ErrDenied)

// hierarchy is who stands above whom at one moment, under the rules in force.
type hierarchy struct {
	at     time.Time
	scopes *authority.Scopes
	rules  *authority.RulePack
	grants []authority.Grant // standing ones
}

func readHierarchy(ctx context.Context, tx *store.Tx, at time.Time) (*hierarchy, error) {
	h := &hierarchy{at: at}
	var err error
	if h.scopes, err = authority.ScopesAt(ctx, tx, at); err != nil {
		return nil, err
	}
	if h.rules, err = authority.RulesInForce(ctx, tx); err != nil {
		return nil, err
	}
	all, err := authority.Grants(ctx, tx)
	if err != nil {
		return nil, err
	}
	h.grants = slices.DeleteFunc(all, func(g authority.Grant) bool { return !g.StandsAt(at) })
	return h, nil
}

// everywhere says that a role's powers reach the whole list: the Board and the Secretariat are heads of no hierarchy, they are
// over all of them.
func everywhere(r authority.OrgRole) bool { return r == authority.Board || r == authority.Secretariat }

// mayOver refuses, with ErrNotAbove, callers without a power over a grant. A grant has no power over itself.
func (h *hierarchy) mayOver(me authority.Standing, power authority.Power, grant string) error {
	if me.Caller.Role == authority.Operator {
		return nil
	}
	chain := h.scopes.Chain(grant)
	for _, g := range h.grants {
		if g.Org != me.Org.ID || !h.rules.HasPower(g.Role, power) {
			continue
		}
		if everywhere(g.Role) || len(chain) > 1 && slices.ContainsFunc(chain[1:], func(l authority.Link) bool { return l.Grant.ID == g.ID }) {
			return nil
		}
	}
	return fmt.Errorf("%s: %w", me.Caller, ErrNotAbove)
}

// mayOverOrg is mayOver for any of an organisation's grants to assign identifiers; one without such a grant is below those alone
// whose power reaches everywhere.
func (h *hierarchy) mayOverOrg(me authority.Standing, power authority.Power, org string) error {
	err := h.mayOver(me, power, "")
	for _, g := range h.grants {
		if err == nil {
			return nil
		}
		if g.Org == org && h.rules.HasPower(g.Role, authority.Assign) {
			err = h.mayOver(me, power, g.ID)
		}
	}
	return err
}

// seat is a grant that an organisation assigns identifiers by: as a CNA before any other.
func (h *hierarchy) seat(org string) (grant string) {
	for _, role := range []authority.OrgRole{authority.CNA, authority.LastResort} {
		for _, g := range h.grants {
			if g.Org == org && g.Role == role {
				return g.ID
			}
		}
	}
	return ""
}

// lastResort is the CNA to turn to where it is in nobody's scope: the first one; "" for none.
func (h *hierarchy) lastResort() (org string) {
	for _, g := range h.grants {
		if g.Role == authority.LastResort {
			return g.Org
		}
	}
	return ""
}

// decider is who decides at a level what is disputed with an organisation, and the grant to count deadlines by. ok says that the
// level has somebody: a CNA that is its own Root is not asked to judge itself again. The Council and the Board are bodies: org is
// "" for them.
func (h *hierarchy) decider(level, against, party string) (org, grant string, ok bool) {
	roles := h.rolesOf(level)
	switch level {
	case "cna":
		return against, h.seat(against), true
	case "council", "board":
		return "", "", slices.ContainsFunc(h.grants, func(g authority.Grant) bool { return slices.Contains(roles, g.Role) })
	}
	for _, l := range h.scopes.Chain(h.seat(against)) {
		if slices.Contains(roles, l.Grant.Role) && l.Grant.Org != against && l.Grant.Org != party {
			return l.Grant.Org, l.Grant.ID, true
		}
	}
	return "", "", false
}

func (h *hierarchy) rolesOf(level string) []authority.OrgRole {
	i := slices.IndexFunc(h.rules.Levels, func(l authority.LevelRule) bool { return l.Level == level })
	if i < 0 {
		return nil
	}
	return h.rules.Levels[i].Roles
}

// head is the organisation at the top of the hierarchy that an organisation is in, "" where it is in none.
func (h *hierarchy) head(org string) string {
	chain := h.scopes.Chain(h.seat(org))
	for i := len(chain) - 1; i >= 0; i-- {
		if chain[i].Grant.Role == authority.TopLevelRoot {
			return chain[i].Grant.Org
		}
	}
	return ""
}

// crosses says that a case is between hierarchies.
func (h *hierarchy) crosses(a, b string) bool {
	x, y := h.head(a), h.head(b)
	return x != "" && y != "" && x != y
}

// above is the next level of a dispute and who decides there; ErrFinal where there is none. The head of a hierarchy has the last
// word, but over what crosses hierarchies, which is the Council's, and over scopes, which is the Board's (dispute policy 2.0.0;
// CNA rules 3.1.10).
func (h *hierarchy) above(c governance.Case) (level, org, grant string, err error) {
	for _, level := range governance.Levels[slices.Index(governance.Levels, c.Level)+1:] {
		switch {
		case level == "council" && c.Subject != "scope" && !h.crosses(c.Against, c.Party), level == "board" && c.Subject != "scope":
			continue
		}
		if org, grant, ok := h.decider(level, c.Against, c.Party); ok {
			return level, org, grant, nil
		}
	}
	return "", "", "", fmt.Errorf("above level %s: %w", c.Level, ErrFinal)
}

// mayDecide refuses, with ErrNotAbove, callers who are not the ones to decide a dispute at its level now.
func (h *hierarchy) mayDecide(me authority.Standing, c governance.Case) error {
	if me.Caller.Role == authority.Operator {
		return nil
	}
	no := fmt.Errorf("%s at level %s: %w", me.Caller, c.Level, ErrNotAbove)
	if me.Caller.Role != authority.Member {
		return no
	}
	org, _, ok := h.decider(c.Level, c.Against, c.Party)
	switch {
	case !ok:
		return no
	case org != "":
		if org != me.Org.ID || c.Level != "cna" && !me.Can(authority.Adjudicate) {
			return no
		}
		return nil
	}
	// A body: any of its members may write down what it decided, but not in their own cause.
	if me.Org.ID == c.Party || me.Org.ID == c.Against || !me.Can(authority.Adjudicate) {
		return no
	}
	if !slices.ContainsFunc(h.rolesOf(c.Level), func(r authority.OrgRole) bool { return slices.Contains(me.Roles, r) }) {
		return no
	}
	return nil
}

// due is a deadline by the calendar of a grant's place in the hierarchy. Of what is hidden it is by the pack's first, whoever it
// concerns: a holiday tells whose it is. So it is where a scope names a calendar that the pack does not have.
func (h *hierarchy) due(trigger, grant string, hidden bool) (time.Time, error) {
	calendar := ""
	if !hidden && grant != "" {
		calendar = h.scopes.CalendarOf(grant)
	}
	due, err := h.rules.Deadline(trigger, h.at, calendar)
	if errors.Is(err, authority.ErrCalendar) {
		due, err = h.rules.Deadline(trigger, h.at, "")
	}
	return due, err
}
