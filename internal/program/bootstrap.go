package program

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/registry"
	"tasuki/internal/store"
)

// Errors of acts that begin an authority. They are the operator's: whoever holds the data directory.
var (
	// ErrNotOperator means that only whoever holds the data directory may do this.
	ErrNotOperator = fmt.Errorf("%w: the operator of the node alone may do this", authority.ErrDenied)
	// ErrFounded means that the list has a Secretariat.
	ErrFounded = errors.New("program: the list has a Secretariat already")
)

// operate is act for what the operator alone may do; bulk work gives way to everybody else's.
func (s *Service) operate(ctx context.Context, c authority.Caller, bulk bool, decide func(ctx context.Context, t turn) error) error {
	return s.Gate.Do(ctx, c, gate.Command{Action: authority.Act, Bulk: bulk, Decide: func(ctx context.Context, t *gate.Turn) error {
		if c.Role != authority.Operator {
			return ErrNotOperator
		}
		return decide(ctx, turn{t, authority.Standing{Caller: c}})
	}})
}

// NewSecretariat is the organisation that begins an authority, and its first user.
type NewSecretariat struct {
	Short, Name string
	Profile     authority.Profile
	Username    string
	Person      authority.PersonName
	// Secret of the user, of any length and alphabet; "" draws one.
	Secret string
	// Years whose identifiers may be given out from now on, above what imports brought by Margin.
	Years  []int64
	Margin registry.Margin
}

// Founded is what Found made.
type Founded struct {
	Org    authority.Org
	User   authority.User
	Secret string // shown here and never again; "" where it was given
	Pack   string // version of the rules in force
	Ranges []registry.Range
}

// Found makes the list's first Secretariat: the organisation that its charter names as the operator. The program's rule pack comes into
// force, years are opened, and the first user can sign in. Its errors: ErrNotOperator, ErrFounded, and those of authority.Register and
// authority.AddUser.
func (s *Service) Found(ctx context.Context, c authority.Caller, n NewSecretariat) (out Founded, err error) {
	phc, err := s.hash(&n.Secret, &out.Secret)
	if err != nil {
		return out, err
	}
	used, err := s.heights(ctx)
	if err != nil {
		return out, err
	}
	secret := out.Secret
	err = s.operate(ctx, c, false, func(ctx context.Context, t turn) error {
		out = Founded{Secret: secret}
		if founded, err := secretariat(ctx, t); err != nil {
			return err
		} else if founded {
			return ErrFounded
		}
		pack, err := authority.AdoptRulePack(ctx, t.Tx, t, nil, "")
		if err != nil {
			return err
		}
		out.Pack = pack.Version
		out.Org, err = authority.Register(ctx, t.Tx, t, authority.NewOrg{ID: s.Gate.Operator, Short: n.Short, Name: n.Name, Profile: n.Profile,
			Roles: []authority.OrgRole{authority.Secretariat, authority.CNA}})
		if err != nil {
			return err
		}
		out.User, err = authority.AddUser(ctx, t.Tx, t, authority.NewUser{Org: out.Org.ID, Username: n.Username, Name: n.Person,
			Roles: []string{authority.Admin}, PHC: phc})
		if err != nil {
			return err
		}
		out.Ranges, _, err = openAbove(ctx, t, n.Years, used, n.Margin)
		return err
	})
	if err != nil {
		return Founded{}, err
	}
	return out, nil
}

// secretariat says whether an organisation holds the Secretariat's role.
func secretariat(ctx context.Context, t turn) (bool, error) {
	grants, err := authority.Grants(ctx, t.Tx)
	return slices.ContainsFunc(grants, func(g authority.Grant) bool {
		return g.Role == authority.Secretariat && g.StandsAt(t.Now())
	}), err
}

// hash draws a secret into drawn where none is given, and hashes it: before the transaction, for it takes long.
func (s *Service) hash(given, drawn *string) (phc string, err error) {
	if *given != "" {
		return authority.HashSecret(s.Gate.Rand, *given)
	}
	*drawn, phc, err = authority.DrawSecret(s.Gate.Rand)
	return phc, err
}

// heights is how far imports have used the numbers of each year. A whole list is read for it, which must not happen under the
// writer's lock; what an import brings meanwhile is skipped by looking it up.
func (s *Service) heights(ctx context.Context) (used map[int64]event.Skip, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		used, err = registry.Heights(ctx, tx)
		return err
	})
	return used, err
}

// openAbove opens years above what is used there, and lifts those that are open but lag behind.
func openAbove(ctx context.Context, t turn, years []int64, used map[int64]event.Skip, m registry.Margin) (out []registry.Range, changed bool, err error) {
	for _, year := range years {
		did, err := registry.EnsureRange(ctx, t.Tx, t, year, m.Above(used[year]))
		if err != nil {
			return nil, false, err
		}
		r, err := registry.GetRange(ctx, t.Tx, year)
		if err != nil {
			return nil, false, err
		}
		out, changed = append(out, r), changed || did
	}
	return out, changed, nil
}

// EnsureRanges opens years for the operator, each a margin above the highest number that imports brought; one that is open already is
// lifted where it lags behind, else left. It returns the years as they stand.
func (s *Service) EnsureRanges(ctx context.Context, c authority.Caller, years []int64, m registry.Margin) (out []registry.Range, changed bool, err error) {
	used, err := s.heights(ctx)
	if err != nil {
		return nil, false, err
	}
	err = s.operate(ctx, c, false, func(ctx context.Context, t turn) (err error) {
		out, changed, err = openAbove(ctx, t, years, used, m)
		return err
	})
	return out, changed, err
}

// SetSecret gives a user a secret that was chosen elsewhere; the former one is worth nothing from then on. It is the operator's:
// ErrNotOperator, authority.ErrNoOrg, authority.ErrNoUser.
func (s *Service) SetSecret(ctx context.Context, c authority.Caller, short, username, secret string) error {
	phc, err := authority.HashSecret(s.Gate.Rand, secret)
	if err != nil {
		return err
	}
	return s.operate(ctx, c, false, func(ctx context.Context, t turn) error {
		o, err := shortName(ctx, t.Tx, t.Now(), short)
		if err != nil {
			return err
		}
		u, err := authority.UserNamed(ctx, t.Tx, o.ID, username)
		if err != nil {
			return err
		}
		return authority.ResetSecret(ctx, t.Tx, t, u.ID, phc)
	})
}
