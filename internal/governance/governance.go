// Package governance holds the Program's workflows: disputes, the right of first refusal, directions, transfers, inactive CNAs,
// and identifiers that are reserved but public. A case is a small state machine that is moved by events alone; a clock is a
// deadline as the event that started it was stamped. The package knows identifiers and organisations by name only: who may
// move a case, and when something is due, its callers find out (internal/program).
//
// What is not public does not stand in a public leaf. A case about something that nobody has heard of is hidden: its leaves say
// that there is a case, its level and its deadlines, and nothing else; texts and organisations are committed beside it
// (ADR 0012).
package governance

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
	// ErrNoCase means that there is no such case.
	ErrNoCase = errors.New("governance: no such case")
	// ErrState means a step that the case does not take in the state it is in.
	ErrState = errors.New("governance: the case does not take this step now")
	// ErrOutcome means an outcome that there is not, or not here.
	ErrOutcome = errors.New("governance: no such outcome here")
	// ErrSubject means a subject that disputes do not have.
	ErrSubject = errors.New("governance: no such subject")
	// ErrStatement means a text that is too long or empty, or evidence that is no web address.
	ErrStatement = errors.New("governance: malformed statement")
	// ErrFact means a private body that says it is one of ours and cannot be read.
	ErrFact = errors.New("governance: malformed private fact")
)

// Schema is the migrations of this package (0060–0069).
func Schema() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return sub
}

// Projection folds the workflows' tables.
type Projection struct{}

// Name names the projection in reports.
func (Projection) Name() string { return "governance" }

// Version is of what Fold derives.
func (Projection) Version() int { return 1 }

// Prepare does nothing: what the fold reads stands in the leaves.
func (Projection) Prepare(event.Kind, *event.Doc) error { return nil }

// Every table of the projection: how it is emptied, and what its digest is over.
var clears, rows = everyTable("case", "about", "step", "note", "clock", "direction", "pace")

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
