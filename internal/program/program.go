// Package program holds the acts of the CVE Program: reserve, publish, reject, transfer, register an organisation, add a user.
// An act is one command at the gate: it reads what the caller is, asks authority and registry, and tells what became of it in
// values and typed errors. Every surface calls acts and only translates.
package program

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/spec/cve/schema"
)

// Errors that are of no service alone.
var (
	// ErrNotOwner means that the identifier is not the caller's, or does not exist.
	ErrNotOwner = fmt.Errorf("%w: the identifier is another organisation's, or nobody's", authority.ErrDenied)
	// ErrReserveForOther means a reservation for an organisation that is not the caller's.
	ErrReserveForOther = fmt.Errorf("%w: only the Secretariat reserves for others", authority.ErrDenied)
	// ErrNoQuota means that no identifier is left to go back to RESERVED.
	ErrNoQuota = errors.New("program: no quota is left")
	// ErrAmount means a reservation of no identifiers, or of less.
	ErrAmount = errors.New("program: the amount is not positive")
	// ErrNoBatch means a reservation of several identifiers that does not say how they are to be chosen.
	ErrNoBatch = errors.New("program: several identifiers need a batch type")
	// ErrBatch means a batch type that there is not.
	ErrBatch = errors.New("program: no such batch type")
	// ErrOverTen means more non-sequential identifiers than are given out at a time.
	ErrOverTen = errors.New("program: at most 10 non-sequential identifiers at a time")
	// ErrRecordExists means that the identifier has a record already.
	ErrRecordExists = errors.New("program: the identifier has a record already")
	// ErrNoContainer means a submission without a container.
	ErrNoContainer = errors.New("program: there is no container")
	// ErrRecordState means a whole record in a state that records do not have.
	ErrRecordState = errors.New("program: no record is in this state")
)

// Config is what the acts need.
type Config struct {
	Gate     *gate.Gate
	DB       *store.DB
	Log      *ledger.Log
	Verifier *authority.Verifier
	Schema   *schema.Validator // of schema.Current
	Now      func() time.Time
	Evidence Evidence // of cloned lanes; nil: none is kept
	// Operators says which organisations (UUIDs) ran the list in earlier epochs; nil: only the present operator did.
	Operators func(org string) bool
}

// Service carries out acts.
type Service struct{ Config }

// New returns the acts over a list.
func New(c Config) *Service { return &Service{c} }

// Login names a caller by credentials; source is where they come from, for slowing guesses. Wrong ones are
// authority.ErrUnauthorized, whatever is wrong with them.
func (s *Service) Login(ctx context.Context, org, user, key, source string) (authority.Caller, error) {
	return s.Verifier.Login(ctx, org, user, key, source)
}

// Enter is Login for whoever wants to know also what the caller is at the moment.
func (s *Service) Enter(ctx context.Context, org, user, key, source string) (authority.Standing, error) {
	return s.Verifier.Enter(ctx, org, user, key, source)
}

// A turn is an act's time inside the transaction: the gate's, and what the caller is at that moment.
type turn struct {
	*gate.Turn
	me authority.Standing
}

func (s *Service) act(ctx context.Context, c authority.Caller, decide func(ctx context.Context, t turn) error) error {
	return s.actAhead(ctx, c, func(context.Context, *gate.Turn) error { return nil }, decide)
}

// actAhead is act for one that can say what it will ask, before it is known whether the caller may: it is asked together.
func (s *Service) actAhead(ctx context.Context, c authority.Caller, foresee func(context.Context, *gate.Turn) error,
	decide func(ctx context.Context, t turn) error) error {
	return s.Gate.Do(ctx, c, gate.Command{Action: authority.Act, Decide: func(ctx context.Context, t *gate.Turn) error {
		if err := foresee(ctx, t); err != nil {
			return err
		}
		me, err := authority.StandingOf(ctx, t.Tx, t.Now(), c)
		if err != nil {
			return err
		}
		return decide(ctx, turn{t, me})
	}})
}

// Deny writes down that a caller was refused before their act was asked for, for a surface that answers so on its own, and returns
// the refusal. why wraps authority.ErrDenied.
func (s *Service) Deny(ctx context.Context, c authority.Caller, why error) error {
	return s.Gate.Do(ctx, c, gate.Command{Action: authority.Act, Decide: func(context.Context, *gate.Turn) error { return why }})
}

// view reads for a caller.
func (s *Service) view(ctx context.Context, c authority.Caller, read func(tx *store.Tx, me authority.Standing) error) error {
	return s.DB.View(ctx, func(tx *store.Tx) error {
		me, err := authority.StandingOf(ctx, tx, s.Now(), c)
		if err != nil {
			return err
		}
		return read(tx, me)
	})
}

// owned reads an identifier that the caller may change, or ErrNotOwner: also where there is no such identifier, and also for the
// Secretariat then.
func owned(ctx context.Context, tx *store.Tx, me authority.Standing, id string) (registry.Identifier, error) {
	i, err := registry.GetID(ctx, tx, id)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return i, fmt.Errorf("%s: %w", id, ErrNotOwner)
	case err != nil:
		return i, err
	case i.Owner == "" || i.Owner != me.Org.ID && !me.IsSecretariat():
		return i, fmt.Errorf("%s: %w", id, ErrNotOwner)
	}
	return i, nil
}

// names looks up what organisations and users are called now, each once.
type names struct {
	tx    *store.Tx
	at    time.Time
	orgs  map[string]string
	users map[string]authority.User
}

func newNames(tx *store.Tx, at time.Time) *names {
	return &names{tx, at, map[string]string{}, map[string]authority.User{}}
}

// org is the short name of an organisation, "" when there is none any more.
func (n *names) org(ctx context.Context, id string) (string, error) {
	if short, ok := n.orgs[id]; ok || id == "" {
		return short, nil
	}
	o, err := authority.GetOrg(ctx, n.tx, n.at, id)
	if errors.Is(err, authority.ErrNoOrg) {
		err = nil
	}
	n.orgs[id] = o.Short
	return o.Short, err
}

func (n *names) user(ctx context.Context, id string) (authority.User, error) {
	if u, ok := n.users[id]; ok || id == "" {
		return u, nil
	}
	u, err := authority.GetUser(ctx, n.tx, id)
	if errors.Is(err, authority.ErrNoUser) {
		err = nil
	}
	n.users[id] = u
	return u, err
}

var _ event.Turn = turn{}
