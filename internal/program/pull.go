package program

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"tasuki/internal/authority"
	"tasuki/internal/gate"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// Pull is what another server says of an organisation that comes from there, or a part of it: what comes in several parts names
// the organisation in each. What is here already is left as it is, so that the same pull may be repeated.
type Pull struct {
	From   string // the server, as the log's committed facts will name it
	Org    PulledOrg
	Users  []PulledUser
	IDs    []PulledID
	DryRun bool // say what would come of it, and do nothing
}

// PulledOrg is the organisation there.
type PulledOrg struct {
	ID, Short, Name string
	CNA             bool // it assigns identifiers there; its other roles stay there
	Quota           int64
}

// PulledUser is one of its users there. Secrets cannot be read, so they have none here until it is reset.
type PulledUser struct {
	ID, Username string
	Name         authority.PersonName
	Admin        bool
	Inactive     bool
	Created      time.Time // zero: now
	PHC          string    // of the secret of the user who pulls, the only one that is known; see authority.HashSecret
}

// PulledID is an identifier without a record that the organisation owns there.
type PulledID struct {
	ID       string
	State    cve.State // RESERVED or REJECTED
	Reserved time.Time
	ByOrg    string // who asked: short name and username, as far as the server says
	ByUser   string
}

// Verdict is what became of something pulled.
type Verdict string

// The verdicts.
const (
	PulledNew  Verdict = "added"
	PulledHere Verdict = "unchanged" // it is here already
	PulledFrom Verdict = "adopted"   // imported documents name the organisation as their assigner, and are its own from now on
	PulledNot  Verdict = "conflict"  // what is here stands against it; nothing was changed
)

// PullOutcome is what became of one thing. Why is set for conflicts, and wraps the error that there was.
type PullOutcome struct {
	Verdict Verdict
	Name    string // short name, username or identifier
	Why     error
}

// Pulled is what became of a Pull, in its order. Secret says that the secret of a user was set.
type Pulled struct {
	Org        PullOutcome
	Users, IDs []PullOutcome
	Secret     bool
}

// MaxPull is how many users and identifiers one Pull should hold at most, so that others who write need not wait for it.
const MaxPull = 100

// Errors of pulls.
var (
	// ErrPullOrg means that an organisation of the short name is here and is another one, by its UUID.
	ErrPullOrg = errors.New("program: another organisation has the short name here")
	// ErrPullUser means that a user of the username is here and is another one, by its UUID.
	ErrPullUser = errors.New("program: another user of the organisation has the username here")
	// ErrPullUUID means an organisation or a user without a UUID, which is what makes them the same ones here.
	ErrPullUUID = errors.New("program: what is pulled has no UUID")
	// ErrPullState means an identifier in a state that a record belongs to.
	ErrPullState = errors.New("program: only identifiers without a record are pulled")

	errDry = errors.New("program: a dry run ends without a commit")
)

// Pull takes in what an organisation has on another server. Its errors: authority.ErrNotSecretariat, ErrPullUUID, ErrPullOrg,
// those of authority.Register; then nothing was changed. What stands against single users and identifiers is told in their outcomes.
func (s *Service) Pull(ctx context.Context, c authority.Caller, p Pull) (out Pulled, err error) {
	err = s.Gate.Do(ctx, c, gate.Command{Action: authority.Act, Bulk: true, Decide: func(ctx context.Context, t *gate.Turn) error {
		out = Pulled{}
		me, err := authority.StandingOf(ctx, t.Tx, t.Now(), c)
		if err != nil {
			return err
		}
		if err := me.MustBeSecretariat(); err != nil {
			return err
		}
		out = Pulled{}
		if err := out.take(ctx, turn{t, me}, p); err != nil {
			return err
		}
		if p.DryRun {
			return errDry
		}
		return nil
	}})
	if errors.Is(err, errDry) {
		err = nil
	}
	if err != nil {
		return Pulled{}, err
	}
	return out, nil
}

func (out *Pulled) take(ctx context.Context, t turn, p Pull) (err error) {
	var org authority.Org
	if org, out.Org, err = pullOrg(ctx, t, p.Org); err != nil {
		return err
	}
	for _, u := range p.Users {
		o, secret, err := pullUser(ctx, t, org, u)
		if err != nil {
			return fmt.Errorf("user: %w", err)
		}
		out.Users, out.Secret = append(out.Users, o), out.Secret || secret
	}
	for _, i := range p.IDs {
		o, err := pullID(ctx, t, org, p, i)
		if err != nil {
			return fmt.Errorf("%s: %w", i.ID, err)
		}
		out.IDs = append(out.IDs, o)
	}
	return nil
}

// pullOrg finds or makes the organisation. Its UUID is what makes it the same one; where imported documents name that as their
// assigner, they are the organisation's.
func pullOrg(ctx context.Context, t turn, p PulledOrg) (authority.Org, PullOutcome, error) {
	done := PullOutcome{Verdict: PulledHere, Name: p.Short}
	var err error
	if p.ID, err = canonical(p.ID); err != nil {
		return authority.Org{}, done, err
	}
	assigns, err := registry.Assigns(ctx, t.Tx, p.ID)
	if err != nil {
		return authority.Org{}, done, err
	}
	o, err := authority.GetOrg(ctx, t.Tx, t.Now(), p.ID)
	switch {
	case err == nil && o.ID != p.ID: // the text was a short name after all
		return o, done, ErrPullOrg
	case err == nil && assigns && !o.Adopted:
		done.Verdict = PulledFrom
		return o, done, authority.AdoptKnown(ctx, t.Tx, t, o.ID, t.me.Org.ID)
	case err == nil:
		return o, done, nil
	case !errors.Is(err, authority.ErrNoOrg):
		return o, done, err
	}
	if _, err := shortName(ctx, t.Tx, t.Now(), p.Short); !errors.Is(err, authority.ErrNoOrg) {
		return o, done, errors.Join(err, onlyIf(err == nil, ErrPullOrg))
	}
	n := authority.NewOrg{ID: p.ID, Short: p.Short, Name: p.Name, Quota: &p.Quota, By: t.me.Org.ID}
	if p.CNA {
		n.Roles = []authority.OrgRole{authority.CNA}
	}
	made, verdict := authority.Register, PulledNew
	if assigns {
		made, verdict = authority.Adopt, PulledFrom
	}
	done.Verdict = verdict
	o, err = made(ctx, t.Tx, t, n)
	return o, done, err
}

// canonical is a UUID in its one spelling.
func canonical(id string) (string, error) {
	u, err := uuid.Parse(id)
	if err != nil {
		return "", ErrPullUUID
	}
	return u.String(), nil
}

func onlyIf(yes bool, err error) error {
	if yes {
		return err
	}
	return nil
}

// pullUser finds or makes a user, and gives a secret to one that has none where one is known.
func pullUser(ctx context.Context, t turn, org authority.Org, p PulledUser) (done PullOutcome, secret bool, err error) {
	done = PullOutcome{Verdict: PulledHere, Name: p.Username}
	conflict := func(why error) (PullOutcome, bool, error) {
		return PullOutcome{PulledNot, p.Username, why}, false, nil
	}
	if p.ID, err = canonical(p.ID); err != nil {
		return conflict(err)
	}
	u, err := authority.GetUser(ctx, t.Tx, p.ID)
	if errors.Is(err, authority.ErrNoUser) {
		n := authority.NewUser{ID: p.ID, Org: org.ID, Username: p.Username, Name: p.Name, PHC: p.PHC, Inactive: p.Inactive, Created: p.Created}
		if p.Admin {
			n.Roles = []string{authority.Admin}
		}
		switch _, err = authority.AddUser(ctx, t.Tx, t, n); {
		case err == nil:
			done.Verdict = PulledNew
			return done, p.PHC != "", nil
		case errors.Is(err, authority.ErrUserExists):
			return conflict(ErrPullUser)
		case slices.ContainsFunc([]error{authority.ErrTooManyUsers, authority.ErrUsername, authority.ErrPersonName}, func(e error) bool { return errors.Is(err, e) }):
			return conflict(err)
		}
		return done, false, err
	}
	switch {
	case err != nil:
		return done, false, err
	case u.Org != org.ID:
		return conflict(authority.ErrOtherOrg)
	case p.PHC == "":
		return done, false, nil
	}
	switch has, err := authority.HasSecret(ctx, t.Tx, u.ID); {
	case err != nil || has:
		return done, false, err
	}
	return done, true, authority.ResetSecret(ctx, t.Tx, t, u.ID, p.PHC)
}

// pullID takes one identifier in.
func pullID(ctx context.Context, t turn, org authority.Org, p Pull, i PulledID) (PullOutcome, error) {
	conflict := func(why error) (PullOutcome, error) { return PullOutcome{PulledNot, i.ID, why}, nil }
	if i.State != cve.Reserved && i.State != cve.Rejected {
		return conflict(ErrPullState)
	}
	r := registry.Pulled{ID: i.ID, State: i.State, Owner: org.ID, From: p.From, Reserved: i.Reserved}
	switch who, err := asker(ctx, t.Tx, org, p.Org.Short, i); {
	case err != nil:
		return PullOutcome{}, err
	case who != "":
		r.ByOrg, r.ByUser = org.ID, who
	}
	fresh, err := registry.Pull(ctx, t.Tx, t, r)
	switch {
	case err == nil && fresh:
		return PullOutcome{PulledNew, i.ID, nil}, nil
	case err == nil:
		return PullOutcome{PulledHere, i.ID, nil}, nil
	case errors.Is(err, registry.ErrForeign), errors.Is(err, registry.ErrOutside), errors.Is(err, cve.ErrID):
		return conflict(err)
	}
	return PullOutcome{}, err
}

// asker is the UUID of who asked for an identifier, if that is a user of the organisation itself; "" else.
func asker(ctx context.Context, tx *store.Tx, org authority.Org, short string, i PulledID) (string, error) {
	if i.ByOrg != short || i.ByUser == "" {
		return "", nil
	}
	u, err := authority.UserNamed(ctx, tx, org.ID, i.ByUser)
	if errors.Is(err, authority.ErrNoUser) {
		return "", nil
	}
	return u.ID, err
}
