package gcve

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"tasuki/internal/event"
	"tasuki/internal/store"
	"tasuki/spec/cve"
	"tasuki/spec/gcve"
)

var (
	idPut        = q.Get("id_put")
	idTouch      = q.Get("id_touch")
	yearPut      = q.Get("year_put")
	yearSkip     = q.Get("year_skip")
	recordPut    = q.Get("record_put")
	recordErase  = q.Get("record_erase")
	termPut      = q.Get("term_put")
	termDrop     = q.Get("term_drop")
	aliasPut     = q.Get("alias_put")
	directoryPut = q.Get("directory_put")
)

// epochSkip is how many numbers of every year an epoch passes over: those that the last operator may have given out without
// anybody having seen it.
const epochSkip = 10_000

// Fold brings one event into the tables.
func (Projection) Fold(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	switch e.Kind {
	case event.GCVEAllocated:
		return foldAllocated(ctx, tx, e)
	case event.GCVEPut:
		return foldPut(ctx, tx, e)
	case event.GCVERejected:
		return foldRejected(ctx, tx, e)
	case event.GCVEPulled:
		return foldPulled(ctx, tx, e)
	case event.GCVEDirectory:
		return foldDirectory(ctx, tx, e)
	case event.IDAlias:
		_, err := tx.Exec(ctx, aliasPut, e.Index, Key(e.ID), Key(e.Alias))
		return err
	case event.EpochOpened:
		if e.Epoch < 2 {
			return nil
		}
		return skipAhead(ctx, tx, int64(e.Time.Year()))
	case event.BodyErased:
		// As if the body had never been there, which is how a replay finds it. Whoever follows our own identifiers has to hear of it.
		if _, err := tx.Exec(ctx, idTouch, e.Index, e.Time.UnixMilli(), *e.Leaf); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, recordErase, *e.Leaf); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, termDrop, *e.Leaf)
		return err
	}
	return nil
}

// rule refuses a leaf; why is public and repeats nothing that somebody chose.
func rule(e *event.Entry, why string) error {
	return fmt.Errorf("%w: %w", ErrRule, &event.Violation{Leaf: e.Index, Rule: "gcve", Reason: why})
}

// ownID reads an identifier as the list's authority writes it.
func ownID(e *event.Entry) (id gcve.ID, year, num int64, err error) {
	id, err = gcve.ParseID(e.ID)
	if err != nil {
		return id, 0, 0, rule(e, err.Error())
	}
	y, n, ok := id.Numbered()
	if !ok || n < 1 {
		return id, 0, 0, rule(e, "the identifier is not of the form that is given out")
	}
	return id, int64(y), n, nil
}

func foldAllocated(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	id, year, num, err := ownID(e)
	if err != nil {
		return err
	}
	own, ok, err := Own(ctx, tx)
	if err != nil {
		return err
	}
	top, err := highest(ctx, tx, year)
	if err != nil {
		return err
	}
	switch {
	case ok && own != id.GNA():
		return rule(e, "the list numbers for another authority")
	case id.GNA() == gcve.GNACVE:
		return rule(e, "authority 0 is numbered by CVE identifiers")
	case num <= top:
		return rule(e, "the number was given out or passed over before")
	}
	if _, err := tx.Exec(ctx, yearPut, year, num); err != nil {
		return err
	}
	a := Allocation{ID: id, State: cve.Reserved, Leaf: e.Index, Newest: e.Index, Given: e.Time, Changed: e.Time}
	return a.put(ctx, tx)
}

func foldPut(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	id, _, _, err := ownID(e)
	if err != nil {
		return err
	}
	a, err := Get(ctx, tx, id)
	if errors.Is(err, ErrNotFound) {
		return rule(e, "the identifier was not given out")
	}
	if err != nil {
		return err
	}
	state := cve.State(e.State)
	switch {
	case state != cve.Published && state != cve.Rejected:
		return rule(e, "a record is published or rejected")
	case a.State == cve.Rejected && a.Hash == "":
		return rule(e, "the identifier was rejected without a record")
	case e.Prev != a.Hash:
		return rule(e, "it does not follow the newest record of the identifier")
	}
	raw, err := e.Marshal()
	if err != nil {
		return err
	}
	if err := foldRecord(ctx, tx, e, id, id.GNA(), ""); err != nil {
		return err
	}
	a.State, a.Newest, a.Changed, a.Hash = state, e.Index, e.Time, eventHash(raw)
	if state == cve.Published && a.First.IsZero() {
		a.First = e.Time
	}
	return a.put(ctx, tx)
}

func foldRejected(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	id, _, _, err := ownID(e)
	if err != nil {
		return err
	}
	a, err := Get(ctx, tx, id)
	if errors.Is(err, ErrNotFound) || err == nil && a.State != cve.Reserved {
		return rule(e, "only an identifier without a record is rejected so")
	}
	if err != nil {
		return err
	}
	a.State, a.Newest, a.Changed = cve.Rejected, e.Index, e.Time
	return a.put(ctx, tx)
}

func foldPulled(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	id, err := gcve.ParseID(e.ID)
	if err != nil {
		return rule(e, err.Error())
	}
	own, ok, err := Own(ctx, tx)
	if err != nil {
		return err
	}
	have, err := record(ctx, tx, id.Key(), id.GNA())
	switch {
	case err != nil && !errors.Is(err, ErrNotFound):
		return err
	case e.From != id.GNA().Source():
		return rule(e, "an authority is believed about its own numbers only")
	case id.GNA() == gcve.GNACVE:
		return rule(e, "records of authority 0 come from the CVE List")
	case ok && own == id.GNA():
		return rule(e, "it is a record of the list's own authority")
	case err == nil && have.older(stamp(e.Dates.Updated)):
		return rule(e, "it is older than what is known")
	}
	return foldRecord(ctx, tx, e, id, id.GNA(), e.Source)
}

// foldRecord makes a document the newest record of an identifier by one authority. The leaf says all but what the record is about, which
// alone is lost with an erased body.
func foldRecord(ctx context.Context, tx *store.Tx, e *event.Entry, id gcve.ID, origin gcve.GNA, source string) error {
	var f facts
	if e.Doc != nil {
		var err error
		if f, err = factsOf(e.Doc); err != nil {
			return err
		}
		if f.id.Key() != id.Key() || string(f.state) != e.State || f.dates != e.Dates {
			return rule(e, "the leaf does not say what its document says")
		}
	}
	have, err := record(ctx, tx, id.Key(), origin)
	if err == nil {
		_, err = tx.Exec(ctx, termDrop, have.Leaf)
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	d := e.Dates
	_, err = tx.Exec(ctx, recordPut, id.Key(), int64(origin), e.ID, plain(source), e.Index, e.State, stamp(d.Reserved), stamp(d.Published),
		stamp(d.Updated), stamp(d.Rejected),
		e.Time.UnixMilli(), f.sum, f.title)
	if err != nil {
		return err
	}
	for _, t := range f.terms {
		if _, err := tx.Exec(ctx, termPut, e.Index, t.kind, t.value); err != nil {
			return err
		}
	}
	return nil
}

// skipAhead passes over numbers of every year that has any, and of the years in which the last operator may have begun.
func skipAhead(ctx context.Context, tx *store.Tx, year int64) error {
	if _, ok, err := Own(ctx, tx); err != nil || !ok {
		return err
	}
	for _, y := range []int64{year, year + 1} {
		top, err := highest(ctx, tx, y)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, yearPut, y, top); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, yearSkip, epochSkip)
	return err
}

func foldDirectory(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	if e.Doc != nil {
		raw, err := e.Doc.Bytes()
		if err != nil {
			return err
		}
		d, err := openDirectory(raw)
		if err != nil {
			return rule(e, "its directory cannot be read, or is not signed by the key beside it")
		}
		if hex.EncodeToString(d.SHA256[:]) != e.Digest || millis(d.Updated) != millis(e.SourceTime) {
			return rule(e, "the leaf does not say what its directory says")
		}
	}
	switch last, err := lastDirectory(ctx, tx); {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return err
	case millis(e.SourceTime) < millis(last.Updated):
		return rule(e, "the directory is older than one that was seen")
	}
	switch seen, err := directorySeen(ctx, tx, e.Digest); {
	case err != nil:
		return err
	case seen:
		return rule(e, "the directory was seen before")
	}
	_, err := tx.Exec(ctx, directoryPut, e.Index, plain(e.Source), e.Digest, millis(e.SourceTime), e.Time.UnixMilli())
	return err
}

var (
	idAny   = q.Get("id_any")
	yearGet = q.Get("year_get")
)

// Own is the authority that the list numbers for, if it has given out an identifier.
func Own(ctx context.Context, tx *store.Tx) (gcve.GNA, bool, error) {
	var text string
	err := tx.QueryRow(ctx, idAny).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	id, err := gcve.ParseID(text)
	return id.GNA(), err == nil, err
}

// highest is the highest number of a year that may not be given out any more, 0 where there is none.
func highest(ctx context.Context, tx *store.Tx, year int64) (top int64, err error) {
	err = tx.QueryRow(ctx, yearGet, year).Scan(&top)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return top, err
}
