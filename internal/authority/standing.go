package authority

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tasuki/internal/store"
)

// Errors of Standing's checks. Each wraps ErrDenied.
var (
	// ErrNotSecretariat means that only the Secretariat, or for reading also a bulk reader, may do this.
	ErrNotSecretariat = fmt.Errorf("%w: the Secretariat alone may do this", ErrDenied)
	// ErrNotCNA means that only those who assign identifiers may do this.
	ErrNotCNA = fmt.Errorf("%w: only a CNA may do this", ErrDenied)
	// ErrNotADP means that only those who add containers of their own may do this.
	ErrNotADP = fmt.Errorf("%w: only an ADP may do this", ErrDenied)
	// ErrNotAdmin means that only the Secretariat and administrators may add users.
	ErrNotAdmin = fmt.Errorf("%w: only the Secretariat or an administrator may do this", ErrDenied)
	// ErrNotPartner means that the caller's organisation has no role in the Program beyond reading.
	ErrNotPartner = fmt.Errorf("%w: the organisation has no partner role", ErrDenied)
	// ErrOtherOrg means that only users of that organisation and the Secretariat may do this.
	ErrOtherOrg = fmt.Errorf("%w: it is another organisation's", ErrDenied)
	// ErrOtherUser means that only the user, their administrator and the Secretariat may do this.
	ErrOtherUser = fmt.Errorf("%w: it is another user", ErrDenied)
	// ErrMoveUser means that only the Secretariat moves users between organisations.
	ErrMoveUser = fmt.Errorf("%w: the Secretariat alone moves users", ErrDenied)
	// ErrOwnName means that users without powers change their own name only.
	ErrOwnName = fmt.Errorf("%w: users change only their own name", ErrDenied)
	// ErrSelfDemote means that administrators cannot take the role from themselves.
	ErrSelfDemote = fmt.Errorf("%w: administrators cannot take the role from themselves", ErrDenied)
)

var standingGet = q.Get("standing_get")

// Standing is what a caller is at one moment. Read it inside the transaction, under the head's lock: a grant that was revoked
// is revoked for whatever comes after it. Its checks are pure.
type Standing struct {
	Caller
	Org   Org       // of a Member
	User  User      // of a Member
	Roles []OrgRole // standing grants of the organisation, those of governance too, once each
	rules *RulePack
}

// StandingOf reads a caller's standing. A Member who was removed, switched off or moved to another organisation since they
// signed in is ErrUnauthorized. The operator has every power; other callers have none.
func StandingOf(ctx context.Context, tx *store.Tx, at time.Time, c Caller) (Standing, error) {
	s := Standing{Caller: c}
	if c.Role != Member {
		return s, nil
	}
	known, ok := store.Recall[membership](tx, membershipKey(c))
	if !ok {
		rows, err := tx.Query(ctx, standingGet, c.User, c.Org)
		if err != nil {
			return Standing{}, err
		}
		defer rows.Close() //nolint:errcheck // scan has asked for the error
		if known, err = scanMembership(rows); err != nil {
			return Standing{}, err
		}
		if known.user.ID == "" {
			return Standing{}, ErrUnauthorized
		}
		if known.rules == nil {
			if known.rules, err = RulesOf(ctx, tx, known.version); err != nil {
				return Standing{}, err
			}
		}
		tx.Remember(membershipKey(c), known)
	}
	return known.standing(at), nil
}

// membership is what the tables say of a member, whatever the time.
type membership struct {
	user    User
	org     Org       // without its roles
	version string    // of the rules in force
	rules   *RulePack // nil where they were not read
	grants  []heldRole
}

type membershipKey Caller

// heldRole is a role that was not taken back, in the order in which they were given.
type heldRole struct {
	role     OrgRole
	from, to int64 // Unix milliseconds; to 0: without end
}

// scanMembership reads the rows of standing_get or, with what more stands in them, of login: one per grant of a user. Of several users the
// last counts, whom more is of as well. Nobody is the empty membership.
func scanMembership(rows store.Rows, more ...any) (m membership, err error) {
	for first := true; rows.Next(); first = false {
		var u userRow
		var o orgRow
		var version string
		var held heldRole
		if err := rows.Scan(slices.Concat(u.dest(), o.dest(), []any{&version, &held.role, &held.from, &held.to}, more)...); err != nil {
			return membership{}, err
		}
		if first || m.user.ID != u.ID {
			m = membership{user: u.value(), version: version}
			if version == "" || version == Builtin().Version { // a version names one content
				m.rules = Builtin()
			}
			if m.org, err = o.value(); err != nil {
				return membership{}, err
			}
		}
		if held.role != "" {
			m.grants = append(m.grants, held)
		}
	}
	return m, rows.Err()
}

// caller is who it is; nobody is nobody.
func (m *membership) caller() Caller {
	if m.user.ID == "" {
		return Caller{}
	}
	return Caller{Role: Member, Org: m.org.ID, User: m.user.ID}
}

// standing is what a member is at a time.
func (m *membership) standing(at time.Time) Standing {
	s := Standing{Caller: m.caller(), Org: m.org, User: m.user, rules: m.rules}
	now := at.UnixMilli()
	for _, g := range m.grants {
		if g.from <= now && (g.to == 0 || g.to > now) && !slices.Contains(s.Roles, g.role) {
			s.Roles = append(s.Roles, g.role)
			s.Org.addRole(g.role)
		}
	}
	return s
}

// Can says whether one of the caller's roles has a power under the rule pack in force.
func (s *Standing) Can(p Power) bool {
	return s.Role == Operator || s.rules != nil && slices.ContainsFunc(s.Roles, func(r OrgRole) bool { return s.rules.HasPower(r, p) })
}

func (s *Standing) need(ok bool, err error) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%s: %w", s.Caller, err)
}

// IsSecretariat says that every user of the organisation has the Secretariat's powers.
func (s *Standing) IsSecretariat() bool { return s.Can(Administer) }

// IsAdmin says that the user is an administrator, in whatever organisation.
func (s *Standing) IsAdmin() bool { return s.Role == Member && s.User.Admin() }

// MustBeSecretariat refuses with ErrNotSecretariat. This check and those that follow are named as in cve-services-api.md §2.
func (s *Standing) MustBeSecretariat() error { return s.need(s.IsSecretariat(), ErrNotSecretariat) }

// MustBeSecretariatOrBulk refuses with ErrNotSecretariat.
func (s *Standing) MustBeSecretariatOrBulk() error {
	return s.need(s.IsSecretariat() || s.Can(ReadAll), ErrNotSecretariat)
}

// MustBeCNA refuses with ErrNotCNA.
func (s *Standing) MustBeCNA() error { return s.need(s.Can(Assign), ErrNotCNA) }

// MustBeADP refuses with ErrNotADP.
func (s *Standing) MustBeADP() error { return s.need(s.Can(Enrich), ErrNotADP) }

// MustBeSecretariatOrAdmin refuses with ErrNotAdmin.
func (s *Standing) MustBeSecretariatOrAdmin() error {
	return s.need(s.IsSecretariat() || s.IsAdmin(), ErrNotAdmin)
}

// MustBePartner refuses with ErrNotPartner where the organisation has no role, or no other than that of a bulk reader.
func (s *Standing) MustBePartner() error {
	partner := slices.ContainsFunc(s.Roles, func(r OrgRole) bool { return r != BulkDownload })
	return s.need(partner || s.Role == Operator, ErrNotPartner)
}

// MustBeOf refuses with ErrOtherOrg callers of another organisation (UUID) who are not the Secretariat.
func (s *Standing) MustBeOf(org string) error {
	return s.need(s.Role == Member && s.Org.ID == org || s.IsSecretariat(), ErrOtherOrg)
}

// MayAddUser refuses with ErrNotAdmin, for an organisation (UUID), all but the Secretariat and its own administrators.
func (s *Standing) MayAddUser(org string) error {
	return s.need(s.IsSecretariat() || s.IsAdmin() && s.Org.ID == org, ErrNotAdmin)
}

// MayChangeUser says whether the caller may make a change to a user, in the order of cve-services-api.md §10: ErrOtherOrg,
// ErrOtherUser, ErrMoveUser, ErrOwnName, ErrSelfDemote.
func (s *Standing) MayChangeUser(target User, c UserChange) error {
	if err := s.MayResetSecret(target); err != nil {
		return err
	}
	self := s.Role == Member && s.User.ID == target.ID
	switch {
	case s.IsSecretariat() && !self:
		return nil
	case c.Org != nil && !s.IsSecretariat():
		return s.need(false, ErrMoveUser)
	case !c.Names() && !s.IsAdmin() && !s.IsSecretariat():
		return s.need(false, ErrOwnName)
	}
	return s.need(!self || !slices.Contains(c.Remove, Admin), ErrSelfDemote)
}

// MayResetSecret says whether the caller may give a user another secret: ErrOtherOrg, ErrOtherUser.
func (s *Standing) MayResetSecret(target User) error {
	if err := s.MustBeOf(target.Org); err != nil {
		return err
	}
	self := s.Role == Member && s.User.ID == target.ID
	return s.need(self || s.IsAdmin() || s.IsSecretariat(), ErrOtherUser)
}
