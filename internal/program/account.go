package program

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/store"
)

// Member is a user with what their organisation may know of their account.
type Member struct {
	authority.User
	Short    string    // of their organisation
	LastUsed time.Time // of their key, to the hour; zero when it is not known
	TOTP     bool      // they have a key for one-time passwords
}

func member(ctx context.Context, tx *store.Tx, u authority.User, short string) (m Member, err error) {
	m.User, m.Short = u, short
	if m.LastUsed, err = authority.LastUsed(ctx, tx, u.ID); err == nil {
		m.TOTP, err = authority.HasTOTP(ctx, tx, u.ID)
	}
	return m, err
}

// Member reads a user by UUID: authority.ErrNoUser, also for users of other organisations, which nobody but the Secretariat sees.
func (s *Service) Member(ctx context.Context, c authority.Caller, id string) (m Member, err error) {
	err = s.view(ctx, c, func(tx *store.Tx, me authority.Standing) error {
		u, err := authority.GetUser(ctx, tx, id)
		if err != nil {
			return err
		}
		if me.MustBeOf(u.Org) != nil {
			return authority.ErrNoUser
		}
		o, err := authority.GetOrg(ctx, tx, s.Now(), u.Org)
		if err != nil {
			return err
		}
		m, err = member(ctx, tx, u, o.Short)
		return err
	})
	return m, err
}

// Members lists the users of an organisation by short name: authority.ErrOtherOrg, authority.ErrNoOrg, as Org.
func (s *Service) Members(ctx context.Context, c authority.Caller, short string) (out []Member, err error) {
	err = s.ofOrg(ctx, c, short, func(tx *store.Tx, o authority.Org) error {
		// An organisation has authority.MaxUsers of them; one that was brought from elsewhere may have more.
		users, _, err := authority.UsersOf(ctx, tx, o.ID, 0, 10*authority.MaxUsers)
		if err != nil {
			return err
		}
		for _, u := range users {
			m, err := member(ctx, tx, u, o.Short)
			if err != nil {
				return err
			}
			out = append(out, m)
		}
		return nil
	})
	return out, err
}

// FindOrgs lists the organisations whose name or short name has a text in it, whatever the letters' case, by short name; how
// many there are in all. authority.ErrNotSecretariat.
func (s *Service) FindOrgs(ctx context.Context, c authority.Caller, text string, offset, limit int) (out []authority.Org, total int, err error) {
	var found []authority.Org
	text = strings.ToLower(strings.TrimSpace(text))
	err = s.view(ctx, c, func(tx *store.Tx, me authority.Standing) error {
		if err := me.MustBeSecretariat(); err != nil {
			return err
		}
		for {
			page, all, err := authority.Orgs(ctx, tx, s.Now(), total, 1000)
			if err != nil {
				return err
			}
			for _, o := range page {
				if strings.Contains(strings.ToLower(o.Short+"\n"+o.Name), text) {
					found = append(found, o)
				}
			}
			if total += len(page); len(page) == 0 || total >= all {
				return nil
			}
		}
	})
	slices.SortFunc(found, func(a, b authority.Org) int { return strings.Compare(a.Short, b.Short) })
	from := min(max(offset, 0), len(found))
	return found[from:min(from+limit, len(found))], len(found), err
}

// RenewKey gives whoever is signed in another secret, which is told here and never again; every other session of theirs ends. key
// is the present one, so that a session alone does not take an account over; whoever signed in by an identity provider has proved as
// much there. authority.ErrUnauthorized for a wrong key; errors as ResetSecret.
func (s *Service) RenewKey(ctx context.Context, session authority.Session, key, source string) (secret string, err error) {
	me, err := s.Standing(ctx, session.Caller)
	if err != nil {
		return "", err
	}
	if session.Via == authority.ViaKey {
		if _, err := s.Login(ctx, me.Org.Short, me.User.Username, key, source); err != nil {
			return "", err
		}
	}
	secret, phc, err := authority.DrawSecret(s.Gate.Rand)
	if err != nil {
		return "", err
	}
	err = s.act(ctx, session.Caller, func(ctx context.Context, t turn) error {
		if err := t.me.MustBePartner(); err != nil {
			return err
		}
		if err := authority.ResetSecret(ctx, t.Tx, t, t.me.User.ID, phc); err != nil {
			return err
		}
		return authority.BindSession(ctx, t.Tx, session)
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// SetTOTP gives whoever is signed in a key for one-time passwords, of which code is one; every other session of theirs ends.
// totp.ErrKey, authority.ErrCode.
func (s *Service) SetTOTP(ctx context.Context, session authority.Session, key, code string) error {
	return s.act(ctx, session.Caller, func(ctx context.Context, t turn) error {
		if err := authority.SetTOTP(ctx, t.Tx, t, t.me.User.ID, key, code); err != nil {
			return err
		}
		return authority.BindSession(ctx, t.Tx, session)
	})
}

// ErrOwnTOTP means that users take their own key for one-time passwords away by a password of it.
var ErrOwnTOTP = errors.New("program: the key for one-time passwords is one's own")

// ClearTOTP takes the key for one-time passwords of another user away, who has lost it: authority.ErrNoUser, ErrOwnTOTP,
// authority.ErrOtherUser.
func (s *Service) ClearTOTP(ctx context.Context, c authority.Caller, id string) error {
	return s.act(ctx, c, func(ctx context.Context, t turn) error {
		u, err := authority.GetUser(ctx, t.Tx, id)
		switch {
		case err != nil:
			return err
		case t.me.MustBeOf(u.Org) != nil:
			return authority.ErrNoUser
		case u.ID == t.me.User.ID && t.me.Role == authority.Member:
			return fmt.Errorf("%s: %w", c, ErrOwnTOTP)
		}
		if err := t.me.MayResetSecret(u); err != nil {
			return err
		}
		return authority.ClearTOTP(ctx, t.Tx, t, u.ID)
	})
}

// DropTOTP takes the key for one-time passwords of whoever is signed in away; code is a password of it. authority.ErrCode.
func (s *Service) DropTOTP(ctx context.Context, session authority.Session, code string) error {
	// The try is written down even when it fails, so that it is no part of the act.
	good, err := s.Sessions().TryCode(ctx, session.Caller.User, code)
	if err != nil {
		return err
	}
	if !good {
		return authority.ErrCode
	}
	return s.act(ctx, session.Caller, func(ctx context.Context, t turn) error {
		return authority.ClearTOTP(ctx, t.Tx, t, t.me.User.ID)
	})
}
