package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tasuki/internal/event"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// Errors of identifiers that come from another server.
var (
	// ErrForeign means an identifier that is here already and is somebody else's, or nobody's.
	ErrForeign = errors.New("registry: the identifier is here and is not the organisation's")
	// ErrOutside means a number or a year that no list gives out.
	ErrOutside = errors.New("registry: the identifier is outside of the blocks that lists give out")
)

// firstYear is the Program's first; CVE-1900- and the like are nobody's to give out.
const firstYear = 1999

// Pulled is an identifier without a record that another server gave out to an organisation.
type Pulled struct {
	ID       string
	State    cve.State // RESERVED or REJECTED
	Owner    string    // organisation, UUID
	From     string    // the server
	Reserved time.Time // there; zero when it did not say
	ByOrg    string    // who asked there: organisation and user, UUIDs; both "" when nobody here knows them
	ByUser   string
}

// Pull takes an identifier in as if it had been reserved here. fresh is false for one that the owner has here already: what became
// of it here stays. It fails with ErrForeign, ErrOutside and cve.ErrID. The year's counters go on above its number.
func Pull(ctx context.Context, tx *store.Tx, t event.Turn, p Pulled) (fresh bool, err error) {
	c, err := cve.ParseID(p.ID)
	if err != nil {
		return false, err
	}
	if c.Year < firstYear || c.Number > GeneralEnd {
		return false, fmt.Errorf("%s: %w", p.ID, ErrOutside)
	}
	switch have, err := GetID(ctx, tx, p.ID); {
	case err == nil && have.Owner == p.Owner:
		return false, nil
	case err == nil:
		return false, fmt.Errorf("%s: %w", p.ID, ErrForeign)
	case !errors.Is(err, ErrNotFound):
		return false, err
	}
	if _, err := t.Emit(ctx, &event.Event{Kind: event.IDReserved, ID: p.ID}, nil); err != nil {
		return false, err
	}
	asked := fact{kind: requesterFact, id: p.ID, from: p.From, reserved: p.Reserved}
	if p.ByOrg != "" && p.ByUser != "" {
		asked.org, asked.user = p.ByOrg, p.ByUser
	}
	for _, f := range []fact{{kind: ownerFact, id: p.ID, org: p.Owner}, asked} {
		if err := f.emit(ctx, t); err != nil {
			return false, err
		}
	}
	if p.State != cve.Rejected {
		return true, nil
	}
	i, err := GetID(ctx, tx, p.ID)
	if err != nil {
		return false, err
	}
	return true, SetState(ctx, tx, t, i, cve.Rejected)
}

// Assigns says whether an imported document names an organisation (UUID) as its assigner.
func Assigns(ctx context.Context, tx *store.Tx, org string) (bool, error) {
	var n int64
	err := tx.QueryRow(ctx, assigns, org).Scan(&n)
	return n != 0, err
}

var assigns = q.Get("record_assigns")
