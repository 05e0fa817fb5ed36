package program

import (
	"context"
	"errors"

	"tasuki/internal/authority"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// Sessions are who is signed in to the portal.
func (s *Service) Sessions() *authority.Sessions {
	return authority.NewSessions(s.Verifier, s.Gate.Rand)
}

// Resume says who is signed in by a token and what they are now: authority.ErrNoSession.
func (s *Service) Resume(ctx context.Context, token string) (authority.Session, authority.Standing, error) {
	session, err := s.Sessions().Resume(ctx, token)
	if err != nil {
		return session, authority.Standing{}, err
	}
	me, err := s.Standing(ctx, session.Caller)
	if errors.Is(err, authority.ErrUnauthorized) {
		err = authority.ErrNoSession // between the one look and the other
	}
	return session, me, err
}

// Holdings are how many identifiers an organisation holds, by state, and its quota.
type Holdings struct {
	Quota     Quota
	Published int64
	Rejected  int64
}

// Holdings counts for an organisation by short name: authority.ErrOtherOrg, authority.ErrNoOrg, as Org.
func (s *Service) Holdings(ctx context.Context, c authority.Caller, short string) (h Holdings, err error) {
	err = s.ofOrg(ctx, c, short, func(tx *store.Tx, o authority.Org) error {
		if h.Quota, err = quotaOf(ctx, tx, o); err != nil {
			return err
		}
		for state, n := range map[cve.State]*int64{cve.Published: &h.Published, cve.Rejected: &h.Rejected} {
			if _, *n, err = registry.ListIDs(ctx, tx, registry.Filter{Owner: o.ID, State: state, Limit: 1}); err != nil {
				return err
			}
		}
		return nil
	})
	return h, err
}

// IDsOf lists the identifiers of one organisation by short name: authority.ErrOtherOrg, authority.ErrNoOrg, as Org. f.Owner is overruled.
func (s *Service) IDsOf(ctx context.Context, c authority.Caller, short string, f registry.Filter) (out []Identifier, total int64, err error) {
	err = s.view(ctx, c, func(tx *store.Tx, me authority.Standing) error {
		o, err := orgFor(ctx, tx, s, me, short)
		if err != nil {
			return err
		}
		f.Owner = o.ID
		ids, n, err := registry.ListIDs(ctx, tx, f)
		if err != nil {
			return err
		}
		total = n
		out, err = s.showAll(ctx, tx, me, ids)
		return err
	})
	return out, total, err
}

// ofOrg reads about an organisation by short name, for its own users and the Secretariat.
func (s *Service) ofOrg(ctx context.Context, c authority.Caller, short string, read func(tx *store.Tx, o authority.Org) error) error {
	return s.view(ctx, c, func(tx *store.Tx, me authority.Standing) error {
		o, err := orgFor(ctx, tx, s, me, short)
		if err != nil {
			return err
		}
		return read(tx, o)
	})
}

// orgFor is an organisation by short name: authority.ErrOtherOrg for all but its own users and the Secretariat, whether there is
// such an organisation or not; authority.ErrNoOrg.
func orgFor(ctx context.Context, tx *store.Tx, s *Service, me authority.Standing, short string) (authority.Org, error) {
	o, err := shortName(ctx, tx, s.Now(), short)
	if denied := me.MustBeOf(o.ID); denied != nil {
		return authority.Org{}, denied
	}
	return o, err
}

// KnownOrg says whether an organisation has a short name, which is public.
func (s *Service) KnownOrg(ctx context.Context, short string) (known bool, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		_, err := shortName(ctx, tx, s.Now(), short)
		if errors.Is(err, authority.ErrNoOrg) {
			return nil
		}
		known = err == nil
		return err
	})
	return known, err
}
