package event

import (
	"context"
	"io"
	"time"

	"tasuki/internal/ledger"
)

// Turn is what a service's command is given inside the transaction: the way to say something, the time it is said at, and
// dice. The gate's Turn is one. The services stand below the gate and know it by this interface alone.
type Turn interface {
	// Emit appends an event and folds it. At, By and List are filled in where they are zero; doc may be nil.
	Emit(ctx context.Context, e *Event, doc *Doc) (*Entry, error)
	// EmitOpening is Emit for the first public leaf of an identifier: own opens the commitment to its owner.
	EmitOpening(ctx context.Context, e *Event, doc *Doc, own ledger.Own) (*Entry, error)
	// EmitSigned appends an event as its author signed it, and folds it: nothing is filled in. own may be nil.
	EmitSigned(ctx context.Context, e *Event, doc *Doc, own *ledger.Own, sigs []ledger.Sig) (*Entry, error)
	// EmitPrivate appends a committed event and folds what it hides. body is canonical JSON and is retained.
	EmitPrivate(ctx context.Context, body []byte) (ledger.Own, error)
	// Opening is what opens the commitment at a leaf.
	Opening(ctx context.Context, leaf int64) (ledger.Own, error)
	// Foresee says that events of a kind will be emitted about subjects from first to last, as bytes compare: what the log and the folds must
	// know of them is asked together.
	Foresee(ctx context.Context, kind Kind, first, last string) error
	// ForeseeOpening says that Opening will be asked of a leaf.
	ForeseeOpening(ctx context.Context, leaf int64) error
	// EventHash is the SHA-256 of a logged event.
	EventHash(ctx context.Context, leaf int64) ([32]byte, error)
	// Pack makes a public body ready to be emitted.
	Pack(kind Kind, raw []byte) (*Doc, error)
	// Now is the time that a new leaf would get, in milliseconds and UTC.
	Now() time.Time
	// Rand is the source of salts and of identifiers.
	Rand() io.Reader
}
