package program

import (
	"context"
	"errors"
	"fmt"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// Identifier is a CVE ID as the caller may see it.
type Identifier struct {
	registry.Identifier
	OwnerName     string // short name now
	RequesterOrg  string // short name of who asked for it; "" when that is not known
	RequesterUser string // username; "" when that is not known
	// Whole says that the caller may see all of it; else who asked, and of a reserved one also the owner, are nobody's business.
	Whole bool
	// Foreign says that who asked is not a user of the present owner any more: lists show that to the Secretariat only.
	Foreign bool
}

// show is one identifier as the caller may see it; showAll is a list of them.
func (s *Service) show(ctx context.Context, tx *store.Tx, me authority.Standing, i registry.Identifier) (out Identifier, err error) {
	if i.Asked, err = registry.Requester(ctx, tx, i.ID); err != nil {
		return out, err
	}
	return newNames(tx, s.Now()).show(ctx, me, i)
}

func (s *Service) showAll(ctx context.Context, tx *store.Tx, me authority.Standing, ids []registry.Identifier) (out []Identifier, err error) {
	names := newNames(tx, s.Now())
	for _, i := range ids {
		shown, err := names.show(ctx, me, i)
		if err != nil {
			return nil, err
		}
		out = append(out, shown)
	}
	return out, nil
}

func (n *names) show(ctx context.Context, me authority.Standing, i registry.Identifier) (Identifier, error) {
	out := Identifier{Identifier: i, Whole: me.Role == authority.Member && (i.Owner == me.Org.ID || me.IsSecretariat())}
	var err error
	if out.OwnerName, err = n.org(ctx, i.Owner); err != nil {
		return out, err
	}
	if out.RequesterOrg, err = n.org(ctx, i.Asked.Org); err != nil {
		return out, err
	}
	u, err := n.user(ctx, i.Asked.User)
	out.RequesterUser, out.Foreign = u.Username, u.Org != i.Asked.Org || i.Asked.Org != i.Owner
	return out, err
}

// Reservation asks for identifiers.
type Reservation struct {
	Owner  string // short name
	Year   int64
	Amount int64
	Batch  *string // nil: none was named; "sequential", "nonsequential" or "non-sequential"
}

// Reserved is what came of a reservation; Remaining is told also with registry.ErrNoRange and registry.ErrRangeFull.
type Reserved struct {
	IDs       []Identifier
	Remaining int64 // of the owner's quota
}

// QuotaError means a reservation beyond what is left of a quota.
type QuotaError struct{ Quota, Reserved, Available int64 }

// Error says so.
func (e *QuotaError) Error() string {
	return fmt.Sprintf("program: %d identifiers are left of a quota of %d", e.Available, e.Quota)
}

// Reserve gives out identifiers. Its errors, in the order in which they are looked for: authority.ErrNotCNA, ErrReserveForOther,
// ErrAmount, ErrNoBatch, authority.ErrNoOrg, *QuotaError, ErrBatch, ErrOverTen, registry.ErrNoRange, registry.ErrRangeFull.
func (s *Service) Reserve(ctx context.Context, c authority.Caller, r Reservation) (out Reserved, err error) {
	foresee := func(ctx context.Context, t *gate.Turn) error {
		batch, _ := r.Kind() // what is wrong with it is told in its turn
		return registry.Reservation{Year: r.Year, Batch: batch, Owner: c.Org}.Foresee(ctx, t.Tx)
	}
	err = s.actAhead(ctx, c, foresee, func(ctx context.Context, t turn) error {
		out = Reserved{}
		if err := t.me.MustBeCNA(); err != nil {
			return err
		}
		if r.Owner != t.me.Org.Short && !t.me.IsSecretariat() {
			return ErrReserveForOther
		}
		if r.Amount <= 0 {
			return ErrAmount
		}
		if r.Amount > 1 && (r.Batch == nil || *r.Batch == "") {
			return ErrNoBatch
		}
		owner := t.me.Org
		if r.Owner != owner.Short {
			var err error
			if owner, err = shortName(ctx, t.Tx, t.Now(), r.Owner); err != nil {
				return err
			}
		}
		q, err := quotaOf(ctx, t.Tx, owner)
		if err != nil {
			return err
		}
		out.Remaining = q.Available
		if r.Amount > q.Available {
			return &QuotaError{q.Quota, q.Reserved, q.Available}
		}
		batch, err := r.Kind()
		if err != nil {
			return err
		}
		given, err := registry.Reserve(ctx, t.Tx, t, registry.Reservation{Year: r.Year, Amount: int(r.Amount), Batch: batch, Owner: owner.ID,
			ByOrg: t.me.Org.ID, ByUser: t.me.User.ID})
		if err != nil {
			return err
		}
		for _, g := range given {
			out.IDs = append(out.IDs, Identifier{Identifier: registry.Identifier{ID: g.ID, State: cve.Reserved, Owner: owner.ID, Reserved: g.At}, OwnerName: owner.Short,
				RequesterOrg: t.me.Org.Short, RequesterUser: t.me.User.Username, Whole: true})
		}
		out.Remaining -= int64(len(given))
		return nil
	})
	return out, err
}

// Kind is how the numbers are to be chosen: ErrBatch, ErrOverTen.
func (r Reservation) Kind() (registry.Batch, error) {
	if r.Batch == nil {
		return registry.Single, nil
	}
	switch *r.Batch {
	case "sequential":
		return registry.Sequential, nil
	case "nonsequential", "non-sequential":
		if r.Amount > 10 {
			return "", ErrOverTen
		}
		return registry.NonSequential, nil
	}
	return "", ErrBatch
}

// Quota is how many identifiers an organisation may hold in state RESERVED, and does. Available is negative after a quota was
// lowered, or after a transfer.
type Quota struct{ Quota, Reserved, Available int64 }

func quotaOf(ctx context.Context, tx *store.Tx, o authority.Org) (Quota, error) {
	n, err := registry.Holding(ctx, tx, o.ID)
	return Quota{o.Quota, n, o.Quota - n}, err
}

// ID reads one identifier for anyone, or registry.ErrNotFound.
func (s *Service) ID(ctx context.Context, c authority.Caller, id string) (out Identifier, err error) {
	err = s.view(ctx, c, func(tx *store.Tx, me authority.Standing) error {
		i, err := registry.GetID(ctx, tx, id)
		if err != nil {
			return err
		}
		out, err = s.show(ctx, tx, me, i)
		return err
	})
	return out, err
}

// IDs lists the identifiers of the caller's organisation; everybody's for the Secretariat and for bulk readers. f.Owner is
// overruled.
func (s *Service) IDs(ctx context.Context, c authority.Caller, f registry.Filter) (out []Identifier, total int64, err error) {
	err = s.view(ctx, c, func(tx *store.Tx, me authority.Standing) error {
		f.Owner = me.Org.ID
		if me.MustBeSecretariatOrBulk() == nil {
			f.Owner = ""
		}
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

// IDChange is what to change about an identifier; nil leaves it.
type IDChange struct {
	State *cve.State // RESERVED or REJECTED
	Org   *string    // short name of the new owner
}

// ChangeID changes state or owner of an identifier. Its errors in order: authority.ErrNotCNA, ErrNotOwner, registry.ErrHasRecord,
// ErrNoQuota, authority.ErrNoOrg.
func (s *Service) ChangeID(ctx context.Context, c authority.Caller, id string, change IDChange) (out Identifier, err error) {
	err = s.act(ctx, c, func(ctx context.Context, t turn) error {
		if err := t.me.MustBeCNA(); err != nil {
			return err
		}
		i, err := owned(ctx, t.Tx, t.me, id)
		if err != nil {
			return err
		}
		if i.Block != nil { // its authority assigns it by itself: here it is nobody's before it is published
			return fmt.Errorf("%s: %w: %w", id, ErrNotOwner, registry.ErrInBlock)
		}
		if change.State != nil {
			if i.Record {
				return fmt.Errorf("%s: %w", id, registry.ErrHasRecord)
			}
			if err := s.roomFor(ctx, t, i, *change.State); err != nil {
				return err
			}
		}
		var to authority.Org
		if change.Org != nil {
			if to, err = shortName(ctx, t.Tx, t.Now(), *change.Org); err != nil {
				return err
			}
		}
		if change.State != nil {
			if err := registry.SetState(ctx, t.Tx, t, i, *change.State); err != nil {
				return err
			}
		}
		switch {
		case change.Org != nil:
			if i, err = registry.GetID(ctx, t.Tx, id); err == nil {
				err = registry.Transfer(ctx, t.Tx, t, i, to.ID)
			}
		case change.State == nil:
			err = registry.Touch(ctx, t, i)
		}
		if err != nil {
			return err
		}
		if i, err = registry.GetID(ctx, t.Tx, id); err != nil {
			return err
		}
		out, err = s.show(ctx, t.Tx, t.me, i)
		out.Whole = true
		return err
	})
	return out, err
}

// roomFor refuses to put an identifier back to RESERVED when its owner has no quota left.
func (s *Service) roomFor(ctx context.Context, t turn, i registry.Identifier, to cve.State) error {
	if to != cve.Reserved {
		return nil
	}
	owner, err := authority.GetOrg(ctx, t.Tx, t.Now(), i.Owner)
	if err != nil {
		return err
	}
	q, err := quotaOf(ctx, t.Tx, owner)
	if err == nil && q.Available <= 0 {
		err = ErrNoQuota
	}
	return err
}

// ErrYear means a year that identifiers are never given out of: the year of examples, and no year at all.
var ErrYear = errors.New("program: no identifiers are given out of this year")

// OpenRange opens a year: authority.ErrNotSecretariat, ErrYear, registry.ErrRangeExists.
func (s *Service) OpenRange(ctx context.Context, c authority.Caller, year int64) error {
	return s.act(ctx, c, func(ctx context.Context, t turn) error {
		if err := t.me.MustBeSecretariat(); err != nil {
			return err
		}
		rules, err := authority.RulesInForce(ctx, t.Tx)
		if err != nil {
			return err
		}
		if year < 1 || rules.Example(fmt.Sprintf("CVE-%04d-0001", year)) {
			return ErrYear
		}
		return registry.OpenRange(ctx, t.Tx, t, year, event.Skip{})
	})
}
