package gcve

import (
	"context"
	"errors"
	"fmt"

	"tasuki/internal/event"
	"tasuki/internal/store"
	"tasuki/spec/gcve"
)

// Verdict is what became of one record that another authority published.
type Verdict string

// The verdicts.
const (
	Added     Verdict = "added"
	Updated   Verdict = "updated"
	Unchanged Verdict = "unchanged" // byte-equal to the stored one: no leaf
	Stale     Verdict = "stale"     // older than the stored one, or an erased one that came again
	Foreign   Verdict = "foreign"   // another authority's number: nobody is believed about those
)

// Pull takes in a record that an authority published at source. It fails with an error of the gate or the store only.
func Pull(ctx context.Context, tx *store.Tx, t event.Turn, from gcve.GNA, source string, doc *event.Doc) (Verdict, error) {
	f, err := factsOf(doc)
	if err != nil {
		return "", err
	}
	own, ok, err := Own(ctx, tx)
	if err != nil {
		return "", err
	}
	if f.id.GNA() != from || from == gcve.GNACVE || ok && own == from {
		return Foreign, nil
	}
	verdict := Updated
	have, err := record(ctx, tx, f.id.Key(), from)
	switch {
	case errors.Is(err, ErrNotFound):
		verdict = Added
	case err != nil:
		return "", err
	case have.SHA256 == f.sum:
		return Unchanged, nil
	case have.older(stamp(f.dates.Updated)):
		return Stale, nil
	}
	_, err = t.Emit(ctx, &event.Event{Kind: event.GCVEPulled, ID: f.id.String(), State: string(f.state), From: from.Source(), Source: source, Dates: f.dates}, doc)
	if err != nil {
		return "", fmt.Errorf("%s: %w", f.id, err)
	}
	return verdict, nil
}
