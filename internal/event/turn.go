package event

import (
	"context"
	"io"
	"time"

	"tasuki/internal/ledger"
)

// Turn is a command's time inside the write transaction, as services see it: they read, decide, and emit. The gate gives it.
type Turn interface {
	// Emit appends an event, with its public body if it has one, and folds it. At, By and List may be left zero.
	Emit(ctx context.Context, e *Event, doc *Doc) (*Entry, error)
	// EmitOpening is Emit for the first public leaf of an identifier: own opens the commitment to its owner.
	EmitOpening(ctx context.Context, e *Event, doc *Doc, own ledger.Own) (*Entry, error)
	// EmitPrivate appends a commitment to body, canonical JSON, and folds what it hides.
	EmitPrivate(ctx context.Context, body []byte) (ledger.Own, error)
	// Pack makes a public body ready to be emitted.
	Pack(kind Kind, raw []byte) (*Doc, error)
	Now() time.Time  // of the event and leaf that are emitted now
	Rand() io.Reader // for salts, identifiers and secrets
}
