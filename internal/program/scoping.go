package program

import (
	"context"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/store"
)

// Grant reads one grant, standing or not, with names as they are now: authority.ErrNoGrant. It is public.
func (s *Service) Grant(ctx context.Context, id string) (out GrantView, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		at := s.Now()
		if out.Grant, err = authority.GetGrant(ctx, tx, id); err != nil {
			return err
		}
		out.Stands = out.StandsAt(at)
		n := newNames(tx, at)
		if out.Short, err = n.org(ctx, out.Org); err != nil || out.Parent == "" {
			return err
		}
		above, err := authority.GetGrant(ctx, tx, out.Parent)
		if err != nil {
			return err
		}
		out.Above, err = n.org(ctx, above.Org)
		return err
	})
	return out, err
}

// Calendars are the names of the calendars that the rule pack in force knows.
func (s *Service) Calendars(ctx context.Context) (out []string, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		rules, err := authority.RulesInForce(ctx, tx)
		if err != nil {
			return err
		}
		for _, c := range rules.Calendars {
			out = append(out, c.Name)
		}
		return nil
	})
	return out, err
}

// WhoWith says who would be responsible for a product if a grant stood, beside the others or in the place of the one of its ID. Only
// its organisation (short name), role, parent and scope matter. Everything it reads is public: authority.ErrNoOrg.
func (s *Service) WhoWith(ctx context.Context, n authority.NewGrant, id string, p authority.Product) (out *authority.Responsibility, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		at := s.Now()
		o, err := authority.GetOrg(ctx, tx, at, n.Org)
		if err != nil {
			return err
		}
		all, err := authority.ScopesAt(ctx, tx, at)
		if err != nil {
			return err
		}
		g := authority.Grant{ID: id, Org: o.ID, Role: n.Role, Parent: n.Parent, Scope: n.Scope, From: at.Add(-time.Second)}
		out = all.With(g, o.Short).Responsible(p)
		return nil
	})
	return out, err
}
