package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tasuki/internal/store"
)

// MostBody is how many bytes of a refused file are kept; of larger ones only the digest.
const MostBody = 4 << 20

// Key names a refused file.
type Key struct {
	Source string // as the operator or the feed named it
	Path   string // inside the source
}

// Refused is a file that a feed could not take in.
type Refused struct {
	Key
	Subject string // what the file claims to be about (an identifier), "" if nothing
	Code    string // the feed's word for the reason
	Reason  string // a sentence for people
	SHA256  string // hex; "" when the file was never read
	Size    int64  // bytes
	Body    []byte // Keep only: at most MostBody bytes are kept; nil keeps none
	HasBody bool   // List only
	At      time.Time
}

// Refusals is the list of refused files of every feed.
type Refusals struct{ db *store.DB }

// NewRefusals returns the list kept in db.
func NewRefusals(db *store.DB) *Refusals { return &Refusals{db} }

// Change writes and removes rows of one feed in one transaction. A row with the key of an older one replaces it.
func (r *Refusals) Change(ctx context.Context, feed string, keep []Refused, remove []Key) error {
	if len(keep) == 0 && len(remove) == 0 {
		return nil
	}
	return r.db.Update(ctx, func(tx *store.Tx) error {
		for _, k := range remove {
			if _, err := tx.Exec(ctx, queries.Get("refused_clear"), feed, storable(k.Source), storable(k.Path)); err != nil {
				return err
			}
		}
		for _, f := range keep {
			var body []byte // stays NULL when too large
			if len(f.Body) <= MostBody {
				body = f.Body
			}
			_, err := tx.Exec(ctx, queries.Get("refused_keep"), feed, storable(f.Source), storable(f.Path), f.Subject, f.Code, storable(f.Reason),
				f.SHA256, f.Size, body, f.At.UnixMilli())
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// List returns what is refused now, by source and path in byte order, without bodies.
func (r *Refusals) List(ctx context.Context, feed string) (all []Refused, err error) {
	err = r.db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Query(ctx, queries.Get("refused_list"), feed)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // rows.Err below tells
		for rows.Next() {
			var f Refused
			var at, has int64
			if err := rows.Scan(&f.Source, &f.Path, &f.Subject, &f.Code, &f.Reason, &f.SHA256, &f.Size, &at, &has); err != nil {
				return err
			}
			f.At, f.HasBody = time.UnixMilli(at).UTC(), has == 1
			all = append(all, f)
		}
		return rows.Err()
	})
	return all, err
}

// Body returns the kept bytes of a refused file, nil when none were kept or the file is no longer refused.
func (r *Refusals) Body(ctx context.Context, feed string, k Key) (body []byte, err error) {
	err = r.db.View(ctx, func(tx *store.Tx) error {
		err := tx.QueryRow(ctx, queries.Get("refused_body"), feed, storable(k.Source), storable(k.Path)).Scan(&body)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read refused %s: %w", k.Path, err)
	}
	return body, nil
}
