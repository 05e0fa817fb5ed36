package program

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/store"
)

// shortName reads an organisation by its short name alone, which compares exactly: authority.ErrNoOrg.
func shortName(ctx context.Context, tx *store.Tx, at time.Time, short string) (authority.Org, error) {
	o, err := authority.GetOrg(ctx, tx, at, short)
	if err == nil && o.Short != short {
		return authority.Org{}, fmt.Errorf("%q: %w", short, authority.ErrNoOrg)
	}
	return o, err
}

// RegisterOrg makes an organisation: authority.ErrNotSecretariat, and the errors of authority.Register.
func (s *Service) RegisterOrg(ctx context.Context, c authority.Caller, n authority.NewOrg) (out authority.Org, err error) {
	err = s.act(ctx, c, func(ctx context.Context, t turn) (err error) {
		if err := t.me.MustBeSecretariat(); err != nil {
			return err
		}
		n.By = t.me.Org.ID
		out, err = authority.Register(ctx, t.Tx, t, n)
		return err
	})
	return out, err
}

// ChangeOrg changes the organisation of a short name: authority.ErrNotSecretariat, and the errors of authority.ChangeOrg.
func (s *Service) ChangeOrg(ctx context.Context, c authority.Caller, short string, change authority.OrgChange) (out authority.Org, err error) {
	err = s.act(ctx, c, func(ctx context.Context, t turn) error {
		if err := t.me.MustBeSecretariat(); err != nil {
			return err
		}
		o, err := shortName(ctx, t.Tx, t.Now(), short)
		if err != nil {
			return err
		}
		change.By = t.me.Org.ID
		out, err = authority.ChangeOrg(ctx, t.Tx, t, o.ID, change)
		return err
	})
	return out, err
}

// Org reads an organisation by short name or UUID: authority.ErrOtherOrg for all but its own users and the Secretariat, whether
// there is such an organisation or not; authority.ErrNoOrg.
func (s *Service) Org(ctx context.Context, c authority.Caller, name string) (out authority.Org, err error) {
	err = s.view(ctx, c, func(tx *store.Tx, me authority.Standing) (err error) {
		if out, err = authority.GetOrg(ctx, tx, s.Now(), name); err != nil && !errors.Is(err, authority.ErrNoOrg) {
			return err
		}
		if denied := me.MustBeOf(out.ID); denied != nil {
			return denied
		}
		return err
	})
	return out, err
}

// Orgs lists organisations for the Secretariat: authority.ErrNotSecretariat.
func (s *Service) Orgs(ctx context.Context, c authority.Caller, offset, limit int) (out []authority.Org, total int, err error) {
	err = s.view(ctx, c, func(tx *store.Tx, me authority.Standing) (err error) {
		if err := me.MustBeSecretariat(); err != nil {
			return err
		}
		out, total, err = authority.Orgs(ctx, tx, s.Now(), offset, limit)
		return err
	})
	return out, total, err
}

// QuotaOf reads the quota of an organisation by short name: authority.ErrOtherOrg, authority.ErrNoOrg, as Org.
func (s *Service) QuotaOf(ctx context.Context, c authority.Caller, short string) (q Quota, err error) {
	err = s.view(ctx, c, func(tx *store.Tx, me authority.Standing) error {
		o, err := shortName(ctx, tx, s.Now(), short)
		if err != nil && !errors.Is(err, authority.ErrNoOrg) {
			return err
		}
		if denied := me.MustBeOf(o.ID); denied != nil {
			return denied
		}
		if err != nil {
			return err
		}
		q, err = quotaOf(ctx, tx, o)
		return err
	})
	return q, err
}

// Standing is what a caller is now.
func (s *Service) Standing(ctx context.Context, c authority.Caller) (out authority.Standing, err error) {
	err = s.view(ctx, c, func(_ *store.Tx, me authority.Standing) error {
		out = me
		return nil
	})
	return out, err
}

// ErrIDGiven means that a member would choose the UUID of a new user: the operator alone does, who brings users of another server.
var ErrIDGiven = errors.New("program: the UUID of a user is not the caller's to choose")

// AddUser adds a user to the organisation of a short name and draws their secret, which is told here and never again; one that was
// chosen elsewhere comes as n.PHC and is not told. Its errors in order: authority.ErrNotAdmin, authority.ErrNotPartner,
// authority.ErrNoOrg, authority.ErrTooManyUsers, ErrIDGiven, authority.ErrNotAdmin for another organisation's,
// authority.ErrUserExists, and those of authority.AddUser.
func (s *Service) AddUser(ctx context.Context, c authority.Caller, short string, n authority.NewUser) (u authority.User, secret string, err error) {
	// A hash takes long, so it is made before the transaction; and only for those who would get through.
	check := func(ctx context.Context, tx *store.Tx, me authority.Standing) error {
		n.Org, err = mayAdd(ctx, tx, s.Now(), me, short, n)
		return err
	}
	if err := s.ask(ctx, c, check); err != nil {
		return u, "", err
	}
	if n.PHC == "" {
		if secret, n.PHC, err = authority.DrawSecret(s.Gate.Rand); err != nil {
			return u, "", err
		}
	}
	err = s.act(ctx, c, func(ctx context.Context, t turn) error {
		if err := check(ctx, t.Tx, t.me); err != nil {
			return err
		}
		u, err = authority.AddUser(ctx, t.Tx, t, n)
		return err
	})
	if err != nil {
		return authority.User{}, "", err
	}
	return u, secret, nil
}

// ask looks, outside of the log's lock, whether an act would be refused. It is cheap, and it settles nothing but a refusal, which is
// carried out as the act itself so that it is written down where refusals are.
func (s *Service) ask(ctx context.Context, c authority.Caller, check func(ctx context.Context, tx *store.Tx, me authority.Standing) error) error {
	err := s.view(ctx, c, func(tx *store.Tx, me authority.Standing) error { return check(ctx, tx, me) })
	if !errors.Is(err, authority.ErrDenied) {
		return err
	}
	return s.act(ctx, c, func(ctx context.Context, t turn) error { return check(ctx, t.Tx, t.me) })
}

// mayAdd finds the organisation (UUID) that a user is to be added to, or the reason why not.
func mayAdd(ctx context.Context, tx *store.Tx, at time.Time, me authority.Standing, short string, n authority.NewUser) (string, error) {
	if err := me.MustBeSecretariatOrAdmin(); err != nil {
		return "", err
	}
	if err := me.MustBePartner(); err != nil {
		return "", err
	}
	o, err := shortName(ctx, tx, at, short)
	if err != nil {
		return "", err
	}
	if _, total, err := authority.UsersOf(ctx, tx, o.ID, 0, 1); err != nil {
		return "", err
	} else if total >= authority.MaxUsers {
		return "", fmt.Errorf("%s: %w", short, authority.ErrTooManyUsers)
	}
	if n.ID != "" && me.Role != authority.Operator {
		return "", ErrIDGiven
	}
	if err := me.MayAddUser(o.ID); err != nil {
		return "", err
	}
	switch _, err := authority.UserNamed(ctx, tx, o.ID, n.Username); {
	case err == nil:
		return "", fmt.Errorf("%s: %w", o.ID, authority.ErrUserExists)
	case !errors.Is(err, authority.ErrNoUser):
		return "", err
	}
	return o.ID, nil
}

// user reads a user by the names in a path: authority.ErrNoOrg, authority.ErrOtherOrg, authority.ErrNoUser, in this order.
func user(ctx context.Context, tx *store.Tx, at time.Time, me authority.Standing, short, username string) (authority.User, error) {
	o, err := shortName(ctx, tx, at, short)
	if err != nil {
		return authority.User{}, err
	}
	if err := me.MustBeOf(o.ID); err != nil {
		return authority.User{}, err
	}
	return authority.UserNamed(ctx, tx, o.ID, username)
}

// ChangeUser changes a user. Its errors in order: authority.ErrNotPartner, authority.ErrNoOrg, those of Standing.MayChangeUser
// with authority.ErrNoUser after authority.ErrOtherOrg, ErrNoTarget, and those of authority.ChangeUser. to is the short name of
// the organisation to move to, nil to stay.
func (s *Service) ChangeUser(ctx context.Context, c authority.Caller, short, username string, change authority.UserChange, to *string) (u authority.User, err error) {
	err = s.act(ctx, c, func(ctx context.Context, t turn) error {
		if err := t.me.MustBePartner(); err != nil {
			return err
		}
		target, err := user(ctx, t.Tx, t.Now(), t.me, short, username)
		if err != nil {
			return err
		}
		if to != nil {
			change.Org = to // for the question who may; it is looked up when that is answered
		}
		if err := t.me.MayChangeUser(target, change); err != nil {
			return err
		}
		if to != nil {
			o, err := shortName(ctx, t.Tx, t.Now(), *to)
			if errors.Is(err, authority.ErrNoOrg) {
				return fmt.Errorf("%w: %w", ErrNoTarget, err)
			}
			if err != nil {
				return err
			}
			change.Org = &o.ID
		}
		u, err = authority.ChangeUser(ctx, t.Tx, t, target.ID, change)
		return err
	})
	return u, err
}

// ErrNoTarget means that the organisation to move a user to does not exist.
var ErrNoTarget = errors.New("program: the organisation to move to does not exist")

// ResetSecret gives a user another secret, which is told here and never again. Its errors in order: authority.ErrNotPartner,
// authority.ErrNoOrg, authority.ErrOtherOrg, authority.ErrNoUser, authority.ErrOtherUser.
func (s *Service) ResetSecret(ctx context.Context, c authority.Caller, short, username string) (secret string, err error) {
	var target authority.User
	check := func(ctx context.Context, tx *store.Tx, me authority.Standing) error {
		if err := me.MustBePartner(); err != nil {
			return err
		}
		if target, err = user(ctx, tx, s.Now(), me, short, username); err != nil {
			return err
		}
		return me.MayResetSecret(target)
	}
	if err := s.ask(ctx, c, check); err != nil {
		return "", err
	}
	secret, phc, err := authority.DrawSecret(s.Gate.Rand)
	if err != nil {
		return "", err
	}
	err = s.act(ctx, c, func(ctx context.Context, t turn) error {
		if err := check(ctx, t.Tx, t.me); err != nil {
			return err
		}
		return authority.ResetSecret(ctx, t.Tx, t, target.ID, phc)
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// User reads a user by names: authority.ErrOtherOrg, authority.ErrNoOrg, authority.ErrNoUser, in this order.
func (s *Service) User(ctx context.Context, c authority.Caller, short, username string) (u authority.User, err error) {
	err = s.view(ctx, c, func(tx *store.Tx, me authority.Standing) error {
		if short != me.Org.Short && !me.IsSecretariat() {
			return authority.ErrOtherOrg
		}
		u, err = user(ctx, tx, s.Now(), me, short, username)
		return err
	})
	return u, err
}

// UsersOf lists the users of an organisation: authority.ErrNoOrg, to anyone, then authority.ErrOtherOrg.
func (s *Service) UsersOf(ctx context.Context, c authority.Caller, short string, offset, limit int) (out []authority.User, total int, err error) {
	err = s.view(ctx, c, func(tx *store.Tx, me authority.Standing) error {
		o, err := shortName(ctx, tx, s.Now(), short)
		if err != nil {
			return err
		}
		if err := me.MustBeOf(o.ID); err != nil {
			return err
		}
		out, total, err = authority.UsersOf(ctx, tx, o.ID, offset, limit)
		return err
	})
	return out, total, err
}

// Users lists everybody for the Secretariat: authority.ErrNotSecretariat.
func (s *Service) Users(ctx context.Context, c authority.Caller, offset, limit int) (out []authority.User, total int, err error) {
	err = s.view(ctx, c, func(tx *store.Tx, me authority.Standing) (err error) {
		if err := me.MustBeSecretariat(); err != nil {
			return err
		}
		out, total, err = authority.Users(ctx, tx, offset, limit)
		return err
	})
	return out, total, err
}
