// Package gcve is the list's room for the identifiers of GCVE authorities: those that its own authority gives out, the records
// that others published, and the directory of authorities (ADR 0015). It decides these acts and folds its own tables; the
// registry and the catalogue, which speak of CVE identifiers, never meet one of these.
//
// What it decides is also what its fold demands: a leaf that no honest operator writes fails with ErrRule, so that a copy
// which is given one stops there.
package gcve

import (
	"context"
	"embed"
	"errors"
	"io/fs"

	"tasuki/internal/event"
	"tasuki/internal/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed sql/*.sql
var queries embed.FS

var q = store.Load(queries, "sql")

// Errors that callers branch on.
var (
	// ErrRule means an event that the rules of GCVE identifiers do not allow where it stands.
	ErrRule = errors.New("gcve: against the rules of the list's GCVE identifiers")
	// ErrNotFound means an identifier of which nothing is known here.
	ErrNotFound = errors.New("gcve: nothing is known of this identifier")
	// ErrOther means an identifier of another authority than the list's own.
	ErrOther = errors.New("gcve: the identifier is another authority's")
	// ErrState means an act that the identifier's state does not allow.
	ErrState = errors.New("gcve: the identifier is not in a state for this")
	// ErrYear means a year that nobody numbers.
	ErrYear = errors.New("gcve: no identifiers are given out for this year")
	// ErrAmount means a number of identifiers that is not given out at a time.
	ErrAmount = errors.New("gcve: 1 to 1000 identifiers are given out at a time")
	// ErrDocument means a record that cannot be written; wrapped with what is wrong.
	ErrDocument = errors.New("gcve: the record cannot be written")
	// ErrBack means a directory that is older than one that was seen.
	ErrBack = errors.New("gcve: the directory goes back")
)

// Schema is the migrations of this package (0090–0099).
func Schema() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return sub
}

// Projection folds the room's tables.
type Projection struct{}

// Name names the projection in reports.
func (Projection) Name() string { return "gcve" }

// Version is of what Fold derives.
func (Projection) Version() int { return 1 }

// Every table of the projection: how it is emptied, and what its digest is over.
var clears, rows = everyTable("id", "year", "record", "term", "alias", "directory")

func everyTable(names ...string) (clears, rows []*store.Query) {
	for _, n := range names {
		clears, rows = append(clears, q.Get(n+"_clear")), append(rows, q.Get(n+"_rows"))
	}
	return clears, rows
}

// Reset empties the tables.
func (Projection) Reset(ctx context.Context, tx *store.Tx) error {
	for _, clear := range clears {
		if _, err := tx.Exec(ctx, clear); err != nil {
			return err
		}
	}
	return nil
}

// Digest is over all tables.
func (Projection) Digest(ctx context.Context, tx *store.Tx) ([32]byte, error) {
	return store.Digest(ctx, tx, rows...)
}

// Prepare reads what Fold will need of a record.
func (Projection) Prepare(kind event.Kind, doc *event.Doc) error {
	if kind != event.GCVEPut && kind != event.GCVEPulled {
		return nil
	}
	_, err := factsOf(doc)
	return err
}
