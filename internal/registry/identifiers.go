package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// Identifier is what the registry holds of an identifier that this list gave out, or that belongs to somebody here because its
// assigner was adopted.
type Identifier struct {
	ID       string
	State    cve.State
	Owner    string // organisation, UUID; "" when nobody here owns it
	Record   bool   // there is a record
	Opened   bool   // a public leaf has said who the owner is
	Reserved time.Time
	Public   time.Time // newest public leaf about it
	Modified time.Time // newest change of any kind
	// Asked is who asked for it; of lists only, elsewhere see Requester.
	Asked Asked

	// Block is the block it is of, where nobody has published it yet; nil otherwise. State is RESERVED then: more is not known of it.
	Block *Block

	given time.Time // when our own public leaf says that it was reserved; Reserved may be earlier, on another server
}

var (
	idGet    = q.Get("id_get")
	idPut    = q.Get("id_put")
	idList   = q.Get("id_list")
	idTotal  = q.Get("id_total")
	holding  = q.Get("holding_get")
	askedFor = q.Get("requester_newest")
	ownerAt  = q.Get("owner_at")
)

// GetID reads one identifier, or ErrNotFound. One that another list published and whose assigner was not adopted has no Owner.
func GetID(ctx context.Context, tx *store.Tx, id string) (Identifier, error) {
	i, err := getID(ctx, tx, id)
	if errors.Is(err, ErrNotFound) {
		return fromBlock(ctx, tx, id)
	}
	return i, err
}

// getID is GetID for what has a row of its own.
func getID(ctx context.Context, tx *store.Tx, id string) (Identifier, error) {
	k, err := knownOf(id).Ask(ctx, tx)
	if err != nil {
		return Identifier{}, err
	}
	i, ok := k.identifier(id)
	if !ok {
		return Identifier{}, fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	return i, nil
}

func (i *Identifier) fill(record, opened, reserved, public, modified int64) {
	i.Record, i.Opened = record == 1, opened == 1
	i.Reserved, i.Public, i.Modified = moment(reserved), moment(public), moment(modified)
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func bit(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// Filter narrows a list of identifiers; zero values do not. The times are exclusive.
type Filter struct {
	Owner                         string // UUID
	State                         cve.State
	Year                          int64
	ReservedAfter, ReservedBefore time.Time
	ModifiedAfter, ModifiedBefore time.Time
	Offset, Limit                 int
}

// ListIDs lists identifiers by owner and text, and how many there are in all.
func ListIDs(ctx context.Context, tx *store.Tx, f Filter) (ids []Identifier, total int64, err error) {
	before := func(t time.Time) int64 {
		if t.IsZero() {
			return 1 << 62
		}
		return t.UnixMilli()
	}
	after := func(t time.Time) int64 {
		if t.IsZero() {
			return -1
		}
		return t.UnixMilli()
	}
	args := []any{f.Owner, f.Owner, string(f.State), string(f.State), f.Year, f.Year,
		after(f.ReservedAfter), before(f.ReservedBefore), after(f.ModifiedAfter), before(f.ModifiedBefore)}
	if err := tx.QueryRow(ctx, idTotal, args...).Scan(&total); err != nil {
		return nil, 0, err
	}
	rows, err := tx.Query(ctx, idList, append(args, f.Limit, f.Offset)...)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	for rows.Next() {
		var i Identifier
		var year, record, opened, reserved, public, modified int64
		if err := rows.Scan(&i.ID, &year, &i.State, &i.Owner, &record, &opened, &reserved, &public, &modified, &i.Asked.Org, &i.Asked.User); err != nil {
			return nil, 0, err
		}
		i.fill(record, opened, reserved, public, modified)
		ids = append(ids, i)
	}
	return ids, total, rows.Err()
}

// Asked is who asked for an identifier: organisation and user, UUIDs; "" when nobody knows, or it was erased.
type Asked struct{ Org, User string }

// Requester is who asked for an identifier.
func Requester(ctx context.Context, tx *store.Tx, id string) (a Asked, err error) {
	err = tx.QueryRow(ctx, askedFor, id).Scan(&a.Org, &a.User)
	if errors.Is(err, sql.ErrNoRows) {
		return Asked{}, nil
	}
	return a, err
}

// Holding is how many identifiers in state RESERVED an organisation owns.
func Holding(ctx context.Context, tx *store.Tx, org string) (int64, error) {
	return holdingOf(org).Ask(ctx, tx)
}

func holdingOf(org string) store.Question[int64] {
	return store.Question[int64]{Key: holdingKey(org), Query: holding, Args: []any{org}, Read: func(rows store.Rows) (n int64, err error) {
		if rows.Next() {
			err = rows.Scan(&n)
		}
		return n, err
	}}
}

// OwnerAt is the owner that the fact or the block at a leaf names, "" where it is not held here or was erased.
func OwnerAt(ctx context.Context, tx *store.Tx, leaf int64) (org string, err error) {
	err = tx.QueryRow(ctx, ownerAt, leaf).Scan(&org)
	if errors.Is(err, sql.ErrNoRows) {
		b, err := oneBlock(tx.QueryRow(ctx, blockAt, leaf), "owner")
		if errors.Is(err, ErrNoBlock) {
			err = nil
		}
		return b.Owner, err
	}
	return org, err
}
