package authority

import (
	"context"
	"math"
	"time"

	"tasuki/internal/store"
)

// Refusal is a line of the audit trail.
type Refusal struct {
	N      int64 // its number; later lines have greater ones
	At     time.Time
	Action string
	Reason string
}

var auditOf = q.Get("audit_of")

// Refusals are lines of the audit trail about one caller, newest first, below a number; 0 begins with the newest.
func Refusals(ctx context.Context, tx *store.Tx, c Caller, before int64, limit int) ([]Refusal, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	rows, err := tx.Query(ctx, auditOf, c.String(), before, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	var out []Refusal
	for rows.Next() {
		var r Refusal
		var at int64
		if err := rows.Scan(&r.N, &at, &r.Action, &r.Reason); err != nil {
			return nil, err
		}
		r.At = moment(at)
		out = append(out, r)
	}
	return out, rows.Err()
}
