package gcve

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/spec/gcve"
)

// Signed is a directory of authorities as it was fetched.
type Signed struct {
	Directory []byte
	Signature []byte
	Key       gcve.Key // the one that it is to be checked with: pinned, never fetched
}

// envelope is the body of a logged directory: whoever holds it can check the signature again.
type envelope struct {
	Directory string `json:"directory"`
	Key       string `json:"key"`
	Signature string `json:"signature"`
}

// openDirectory reads a logged directory and checks its signature with the key beside it.
func openDirectory(body []byte) (*gcve.Directory, error) {
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, fmt.Errorf("gcve: logged directory: %w", err)
	}
	key, err := gcve.ParseKey([]byte(e.Key))
	if err != nil {
		return nil, err
	}
	if err := key.Verify([]byte(e.Directory), []byte(e.Signature)); err != nil {
		return nil, err
	}
	return gcve.ParseDirectory([]byte(e.Directory))
}

// SeenDirectory is a directory that this list saw.
type SeenDirectory struct {
	Leaf    int64
	Source  string
	Digest  string    // SHA-256 of its bytes, hex
	Updated time.Time // its newest updated_at; zero where it has none
	Logged  time.Time
}

var (
	directoryLast = q.Get("directory_last")
	directoryHas  = q.Get("directory_seen")
)

func lastDirectory(ctx context.Context, tx *store.Tx) (d SeenDirectory, err error) {
	var updated, logged int64
	err = tx.QueryRow(ctx, directoryLast).Scan(&d.Leaf, &d.Source, &d.Digest, &updated, &logged)
	if errors.Is(err, sql.ErrNoRows) {
		return d, ErrNotFound
	}
	d.Updated, d.Logged = moment(updated), moment(logged)
	return d, err
}

func directorySeen(ctx context.Context, tx *store.Tx, digest string) (bool, error) {
	var leaf int64
	err := tx.QueryRow(ctx, directoryHas, digest).Scan(&leaf)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// Newest is the newest directory of authorities that the list holds, or ErrNotFound.
func Newest(ctx context.Context, tx *store.Tx, log *ledger.Log) (SeenDirectory, *gcve.Directory, error) {
	seen, err := lastDirectory(ctx, tx)
	if err != nil {
		return seen, nil, err
	}
	body, err := log.Body(ctx, tx, seen.Leaf)
	if err != nil {
		return seen, nil, err
	}
	raw, err := body.Bytes()
	if err != nil {
		return seen, nil, err
	}
	d, err := openDirectory(raw)
	return seen, d, err
}

// Change is what a directory changes against the one before.
type Change struct {
	Same                    bool // the very directory that is known: nothing was written
	Digest                  string
	Added, Removed, Changed []gcve.Authority
}

// Note takes in a directory. It is refused with gcve.ErrSignature when its signature is not the pinned key's, with gcve.ErrDirectory when it
// cannot be read, and with ErrBack
// when it is older than what is known: seen before a newer one, or with dates that go back, or without entries that are known while no date
// says that it is newer. The last of
// these alone an operator may overrule by naming the digest (accept, hex).
func Note(ctx context.Context, tx *store.Tx, log *ledger.Log, t event.Turn, source string, s Signed, accept string) (c Change, err error) {
	if err := s.Key.Verify(s.Directory, s.Signature); err != nil {
		return c, err
	}
	d, err := gcve.ParseDirectory(s.Directory)
	if err != nil {
		return c, err
	}
	c.Digest = hex.EncodeToString(d.SHA256[:])
	last, known, err := Newest(ctx, tx, log)
	switch {
	case errors.Is(err, ErrNotFound):
		known = &gcve.Directory{}
	case err != nil:
		return c, err
	case last.Digest == c.Digest:
		c.Same = true
		return c, nil
	}
	if err := c.compare(known, d); err != nil {
		return c, err
	}
	seen, err := directorySeen(ctx, tx, c.Digest)
	if err != nil {
		return c, err
	}
	switch {
	case seen:
		return c, fmt.Errorf("%w: it was seen before, and a newer one after it", ErrBack)
	case d.Updated.Before(known.Updated):
		return c, fmt.Errorf("%w: its newest entry is of %s, one of %s is known", ErrBack, day(d.Updated), day(known.Updated))
	case len(c.Removed) > 0 && !d.Updated.After(known.Updated) && accept != c.Digest:
		return c, fmt.Errorf("%w: %d authorities are missing (the first: %s) and no date says that it is newer; its digest is %s", ErrBack,
			len(c.Removed), c.Removed[0].ID, c.Digest)
	}
	body, err := json.Marshal(envelope{string(s.Directory), string(s.Key.PEM()), string(s.Signature)})
	if err != nil {
		return c, fmt.Errorf("%w: %w", gcve.ErrDirectory, err)
	}
	doc, err := t.Pack(event.GCVEDirectory, body)
	if err != nil {
		return c, err
	}
	_, err = t.Emit(ctx, &event.Event{Kind: event.GCVEDirectory, Source: source, Digest: c.Digest, SourceTime: d.Updated.Truncate(time.Millisecond)}, doc)
	return c, err
}

// compare says what is new, gone and different; an entry whose own date goes back is ErrBack.
func (c *Change) compare(known, d *gcve.Directory) error {
	for _, a := range d.Authorities {
		before, ok := known.Find(a.ID)
		switch {
		case !ok:
			c.Added = append(c.Added, a)
		case a.Updated().Before(before.Updated()):
			return fmt.Errorf("%w: the entry of authority %s is of %s, one of %s is known", ErrBack, a.ID, day(a.Updated()), day(before.Updated()))
		case a != before:
			c.Changed = append(c.Changed, a)
		}
	}
	for _, a := range known.Authorities {
		if _, ok := d.Find(a.ID); !ok {
			c.Removed = append(c.Removed, a)
		}
	}
	return nil
}

func day(t time.Time) string {
	if t.IsZero() {
		return "no date"
	}
	return t.UTC().Format(time.RFC3339)
}
