package gate

import (
	"context"
	"errors"
	"fmt"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
)

// ErrUnsigned means an event that was to be appended as its author signed it, and is not signed so.
var ErrUnsigned = errors.New("gate: the event is not as its author signed it")

// EmitSigned appends an event as its author signed it. The gate fills nothing in and believes nothing: list, body and every signature
// are checked. Who may sign is the command's to ask.
func (t *Turn) EmitSigned(ctx context.Context, e *event.Event, doc *event.Doc, own *ledger.Own, sigs []ledger.Sig) (*event.Entry, error) {
	switch {
	case len(sigs) == 0 || e.By == "" || e.At.IsZero():
		return nil, fmt.Errorf("%w: no signature, author or time", ErrUnsigned)
	case e.List != t.gate.List:
		return nil, fmt.Errorf("%w: it is of another list", ErrForeign)
	case (doc == nil) != (e.Body == nil) || doc != nil && (e.Body.H != doc.Body.Hash || e.Body.N != doc.Body.N):
		return nil, fmt.Errorf("%w: its body", ErrUnsigned)
	}
	if err := (&event.Entry{Event: e, Sigs: sigs}).CheckSigs(); err != nil {
		return nil, err
	}
	return t.emit(ctx, e, doc, beside{own: own, sigs: sigs})
}
