package program

import (
	"context"
	"fmt"
	"slices"

	"tasuki/internal/authority"
	"tasuki/internal/store"
)

// GiveGrant gives a role. The Board, the Secretariat and the operator give any; a Root gives below itself: ErrNotAbove; and the
// errors of authority.GiveGrant.
func (s *Service) GiveGrant(ctx context.Context, c authority.Caller, n authority.NewGrant) (g authority.Grant, err error) {
	err = s.act(ctx, c, func(ctx context.Context, t turn) error {
		h, err := readHierarchy(ctx, t.Tx, t.Now())
		if err != nil {
			return err
		}
		if err := h.mayGive(t.me, n); err != nil {
			return err
		}
		n.By = t.me.Org.ID
		g, err = authority.GiveGrant(ctx, t.Tx, t, n)
		return err
	})
	return g, err
}

// mayGive refuses, with ErrNotAbove, callers who may not put a grant where it is to stand: under one of their own that has the
// power, or under one below that.
func (h *hierarchy) mayGive(me authority.Standing, n authority.NewGrant) error {
	if err := h.mayOver(me, authority.ApproveScope, n.Parent); err == nil {
		if me.Caller.Role == authority.Operator {
			return nil
		}
		// Whose powers reach everywhere gives what its role may give, wherever it is put.
		for _, g := range h.grants {
			if g.Org == me.Org.ID && h.rules.HasPower(g.Role, authority.ApproveScope) && (!everywhere(g.Role) || h.rules.MayGive(g.Role, n.Role)) {
				return nil
			}
		}
	}
	for _, g := range h.grants {
		if g.ID == n.Parent && g.Org == me.Org.ID && me.Org.ID != "" && h.rules.HasPower(g.Role, authority.ApproveScope) {
			return nil
		}
	}
	return fmt.Errorf("%s: %w", me.Caller, ErrNotAbove)
}

// EndGrant ends a grant that stands below the caller: ErrNotAbove, authority.ErrNoGrant, authority.ErrEnded. reason is public.
func (s *Service) EndGrant(ctx context.Context, c authority.Caller, id, reason string) error {
	return s.act(ctx, c, func(ctx context.Context, t turn) error {
		if _, err := s.grantBelow(ctx, t, id); err != nil {
			return err
		}
		return authority.EndGrant(ctx, t.Tx, t, id, reason, t.me.Org.ID)
	})
}

// ChangeScope puts another scope in the place of a grant's: a grant is never changed, so one ends and another of the same role,
// place and validity begins, which is returned. Errors as EndGrant, and authority.ErrScope.
func (s *Service) ChangeScope(ctx context.Context, c authority.Caller, id string, scope authority.Scope, why authority.Decision) (g authority.Grant,
	err error) {
	err = s.act(ctx, c, func(ctx context.Context, t turn) error {
		old, err := s.grantBelow(ctx, t, id)
		if err != nil {
			return err
		}
		if !old.StandsAt(t.Now()) {
			return fmt.Errorf("%s: %w", id, authority.ErrEnded)
		}
		if err := authority.EndGrant(ctx, t.Tx, t, id, "replaced", t.me.Org.ID); err != nil {
			return err
		}
		parent := old.Parent
		if chain, err := standingParent(ctx, t, old); err != nil {
			return err
		} else if chain != "" {
			parent = chain
		}
		g, err = authority.GiveGrant(ctx, t.Tx, t, authority.NewGrant{Org: old.Org, Role: old.Role, Parent: parent, Scope: scope, Decision: why,
			To: old.To, By: t.me.Org.ID})
		return err
	})
	return g, err
}

// standingParent is the grant that takes the place of a grant's parent when that was itself replaced, "" for none.
func standingParent(ctx context.Context, t turn, g authority.Grant) (string, error) {
	if g.Parent == "" {
		return "", nil
	}
	h, err := readHierarchy(ctx, t.Tx, t.Now())
	if err != nil {
		return "", err
	}
	if chain := h.scopes.Chain(g.ID); len(chain) > 1 {
		return chain[1].Grant.ID, nil
	}
	return "", nil
}

// grantBelow reads a grant that the caller may end or change.
func (s *Service) grantBelow(ctx context.Context, t turn, id string) (authority.Grant, error) {
	h, err := readHierarchy(ctx, t.Tx, t.Now())
	if err != nil {
		return authority.Grant{}, err
	}
	g, err := authority.GetGrant(ctx, t.Tx, id)
	if err != nil {
		// Grants are public, so whether there is one is no secret.
		return g, err
	}
	return g, h.mayOver(t.me, authority.ApproveScope, id)
}

// AdoptRules puts a rule pack in force, nil for the one that comes with the program: the Board, or the operator for it.
// ErrNotAbove, authority.ErrRulePack, authority.ErrPackVersion.
func (s *Service) AdoptRules(ctx context.Context, c authority.Caller, raw []byte) (p *authority.RulePack, err error) {
	err = s.act(ctx, c, func(ctx context.Context, t turn) error {
		if !t.me.Can(authority.AdoptRules) {
			return fmt.Errorf("%s: %w", c, ErrNotAbove)
		}
		p, err = authority.AdoptRulePack(ctx, t.Tx, t, raw, t.me.Org.ID)
		return err
	})
	return p, err
}

// GrantView is a grant with names as they are now.
type GrantView struct {
	authority.Grant
	Short  string // of the holder
	Above  string // short name of whom it stands under, "" for none
	Stands bool
}

// Grants lists the grants of an organisation by short name, or everybody's for ""; ended ones too, in the order they were given.
// All of it is public: authority.ErrNoOrg.
func (s *Service) Grants(ctx context.Context, short string) (out []GrantView, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		at := s.Now()
		list, err := authority.Grants(ctx, tx)
		if err != nil {
			return err
		}
		if short != "" {
			o, err := authority.GetOrg(ctx, tx, at, short)
			if err != nil {
				return err
			}
			list = slices.DeleteFunc(slices.Clone(list), func(g authority.Grant) bool { return g.Org != o.ID })
		}
		all, err := authority.ScopesAt(ctx, tx, at)
		if err != nil {
			return err
		}
		for _, g := range list {
			v := GrantView{Grant: g, Stands: g.StandsAt(at)}
			chain := all.Chain(g.ID)
			if len(chain) > 0 {
				v.Short = chain[0].Short
			}
			if len(chain) > 1 {
				v.Above = chain[1].Short
			}
			out = append(out, v)
		}
		return nil
	})
	return out, err
}
