package registry

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"tasuki/internal/event"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// Verdict is what became of one imported document.
type Verdict string

// The verdicts.
const (
	Added     Verdict = "added"     // the list did not know the identifier
	Updated   Verdict = "updated"   // a newer document
	Unchanged Verdict = "unchanged" // byte-equal to the stored one: no leaf
	Stale     Verdict = "stale"     // older than the stored one, or the erased one itself: never replaces it
	Divergent Verdict = "divergent" // somebody here owns the identifier: reported, never overwritten
)

// Emit appends an event to the log; the gate's Turn gives it.
type Emit func(context.Context, *event.Event, *event.Doc) (*event.Entry, error)

// Import decides about one document that another list published, as it was at sourceTime (zero for "now"): the rules of
// an imported list. It returns the index of the leaf it emitted, or −1.
func Import(ctx context.Context, tx *store.Tx, doc *event.Doc, base bool, sourceTime time.Time, emit Emit) (Verdict, int64, error) {
	f, err := factsOf(doc)
	if err != nil {
		return "", -1, err
	}
	var there, owned bool
	var ms int64
	var sum []byte
	var year, num int64
	if c, err := cve.ParseID(f.id); err == nil { // one that is written otherwise is of no block
		year, num = int64(c.Year), int64(min(c.Number, GeneralEnd+1))
	}
	if err := tx.QueryRow(ctx, importState, year, num, num, f.id, f.id).Scan(&there, &ms, &sum, &owned); err != nil {
		return "", -1, err
	}
	have := Row{Updated: moment(ms)}
	copy(have.SHA256[:], sum)
	verdict := Updated
	switch {
	case there && have.SHA256 == f.sum:
		return Unchanged, -1, nil
	case owned:
		return Divergent, -1, nil
	case !there:
		verdict = Added
	case have.Updated.UnixMilli() > updated(f.dates) && !have.Updated.IsZero():
		return Stale, -1, nil
	case have.Erased() && !newer(f.dates, have.Updated):
		return Stale, -1, nil // nothing but its date tells it from the erased one any more
	}
	e := &event.Event{Kind: event.RecordImported, ID: f.id, State: string(f.state), Dates: f.dates, Base: base, SourceTime: sourceTime}
	entry, err := emit(ctx, e, doc)
	if err != nil {
		return "", -1, err
	}
	return verdict, entry.Index, nil
}

// newer says whether a document of these dates is newer than one of that dateUpdated; a document without the date is newer
// than none.
func newer(d event.Dates, than time.Time) bool {
	ms := updated(d)
	return ms != 0 && (than.IsZero() || ms > than.UnixMilli())
}

// Current says whether the stored document of id has this digest.
func Current(ctx context.Context, tx *store.Tx, id string, sum [32]byte) (bool, error) {
	have, err := Get(ctx, tx, id)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return have.SHA256 == sum, err
}

// Known holds the digests of every document that the list had at one moment, cut to 64 bits: 400,000 take some 10 MB. Asking it
// costs an import of a whole list a hundredth of asking the database for each of its documents.
type Known map[uint64]struct{}

// ReadKnown reads the set as it is now.
func ReadKnown(ctx context.Context, tx *store.Tx) (Known, error) {
	rows, err := tx.Query(ctx, recordSums)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	known := Known{}
	for rows.Next() {
		var sum sql.RawBytes
		if err := rows.Scan(&sum); err != nil {
			return nil, err
		}
		known[binary.BigEndian.Uint64(sum)] = struct{}{}
	}
	return known, rows.Err()
}

// Perhaps says whether the list may have held a document of this digest: no is certain, yes has to be looked up.
func (k Known) Perhaps(sum [32]byte) bool {
	_, ok := k[binary.BigEndian.Uint64(sum[:8])]
	return ok
}

// Base says whether the list is still at its beginning: no import other than the sample has finished.
func Base(ctx context.Context, tx *store.Tx) (bool, error) {
	var n int64
	err := tx.QueryRow(ctx, importReal).Scan(&n)
	return n == 0, err
}

// NoteImport emits the event that closes an import which changed something.
func NoteImport(ctx context.Context, source string, digest [sha256.Size]byte, sample bool, counts map[string]int64, emit Emit) error {
	if source == "" {
		return fmt.Errorf("registry: an import without a source")
	}
	_, err := emit(ctx, &event.Event{Kind: event.ImportNoted, Source: source, Digest: hex.EncodeToString(digest[:]),
		Sample: sample, Counts: counts}, nil)
	return err
}

// Unnoted says whether documents were imported after the last note: an import was stopped before its end.
func Unnoted(ctx context.Context, tx *store.Tx) (bool, error) {
	var open int64
	err := tx.QueryRow(ctx, importOpen).Scan(&open)
	return open != 0, err
}
