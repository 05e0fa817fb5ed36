package registry

import (
	"context"

	"tasuki/internal/store"
)

// Deed is a leaf by which somebody did something to an identifier.
type Deed struct {
	Leaf int64
	ID   string
}

var (
	requesterBy = q.Get("requester_by")
	putBy       = q.Get("put_by")
)

// RequestedBy are the reservations that a user (UUID) asked for below a leaf, newest first: the facts that say so.
func RequestedBy(ctx context.Context, tx *store.Tx, person string, before int64, limit int) ([]Deed, error) {
	return deeds(ctx, tx, requesterBy, person, before, limit)
}

// PutBy are the containers that an organisation (UUID) put below a leaf, newest first, as far as the present records hold them.
func PutBy(ctx context.Context, tx *store.Tx, org string, before int64, limit int) ([]Deed, error) {
	return deeds(ctx, tx, putBy, org, before, limit)
}

func deeds(ctx context.Context, tx *store.Tx, query *store.Query, who string, before int64, limit int) ([]Deed, error) {
	rows, err := tx.Query(ctx, query, who, before, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	var out []Deed
	for rows.Next() {
		var d Deed
		if err := rows.Scan(&d.Leaf, &d.ID); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, rows.Err()
}
