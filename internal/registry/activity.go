package registry

import (
	"context"
	"time"

	"tasuki/internal/store"
	"tasuki/spec/cve"
)

var (
	reservedIDs  = q.Get("id_reserved")
	lastModified = q.Get("id_last")
	publicCount  = q.Get("id_public")
)

// ReservedIDs is every identifier that this list gave out and nobody has published or rejected yet.
func ReservedIDs(ctx context.Context, tx *store.Tx) (map[string]struct{}, error) {
	rows, err := tx.Query(ctx, reservedIDs)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	out := map[string]struct{}{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out[id] = struct{}{}
	}
	return out, rows.Err()
}

// LastActive is when something last happened to an identifier of an organisation (UUID); zero when nothing ever did. It tells of
// reservations too, so it is not public.
func LastActive(ctx context.Context, tx *store.Tx, org string) (time.Time, error) {
	var ms int64
	err := tx.QueryRow(ctx, lastModified, org).Scan(&ms)
	return moment(ms), err
}

// PublicCounts is how many records an organisation (UUID) has published and rejected, those of its imported ones too where it was
// adopted.
func PublicCounts(ctx context.Context, tx *store.Tx, org string) (published, rejected int64, err error) {
	rows, err := tx.Query(ctx, publicCount, org, org, org)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	for rows.Next() {
		var state cve.State
		var n int64
		if err := rows.Scan(&state, &n); err != nil {
			return 0, 0, err
		}
		switch state {
		case cve.Published:
			published = n
		case cve.Rejected:
			rejected = n
		}
	}
	return published, rejected, rows.Err()
}

// PersonTables are those of this package that hold something of people.
var PersonTables = []string{"registry_requester"}

var requesterOf = q.Get("requester_person")

// RequesterLeaves are the leaves of the facts that say which identifiers a user (UUID) asked for, oldest first.
func RequesterLeaves(ctx context.Context, tx *store.Tx, user string) (out []int64, err error) {
	rows, err := tx.Query(ctx, requesterOf, user)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	for rows.Next() {
		var leaf int64
		if err := rows.Scan(&leaf); err != nil {
			return nil, err
		}
		out = append(out, leaf)
	}
	return out, rows.Err()
}
