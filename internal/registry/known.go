package registry

import (
	"context"
	"fmt"

	"tasuki/internal/event"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// known is all that the tables say of one identifier, which acts and folds ask one after the other about the same one: a transaction
// with a memory asks once. What changes a row here keeps the memory in step.
type known struct {
	row      Identifier // what events of this list say; its State is "" where they say nothing
	fact     ownedSince
	record   Row    // State, Base, Updated and Reserved of the newest whole document; Base -1 where there never was one
	assigner string // of that document, when it was adopted
}

// ownedSince is an owner by a fact of the log.
type ownedSince struct {
	leaf int64 // -1 where there is none
	org  string
	ms   int64
}

var unheardOf = known{fact: ownedSince{leaf: -1}, record: Row{Base: -1}}

type (
	idKey      string
	partsKey   string
	holdingKey string
	rangeKey   int64
	poolKey    int64
	windowKey  struct {
		year    int64
		general bool
	}
)

func knownOf(id string) store.Question[known] {
	return store.Question[known]{Key: idKey(id), Query: idGet, Args: []any{id, id, id}, Read: func(rows store.Rows) (known, error) {
		k := known{row: Identifier{ID: id}}
		var record, opened, reserved, public, modified, given, updated, documented int64
		if rows.Next() {
			err := rows.Scan(&k.row.State, &k.row.Owner, &record, &opened, &reserved, &public, &modified, &given, &k.fact.leaf, &k.fact.org, &k.fact.ms,
				&k.record.State, &k.record.Base, &updated, &documented, &k.assigner)
			if err != nil {
				return known{}, err
			}
		}
		k.row.fill(record, opened, reserved, public, modified)
		k.row.given = moment(given)
		k.record.Updated, k.record.Reserved = moment(updated), moment(documented)
		return k, nil
	}}
}

// Foresee says that GetID will be asked, and where there likely is a record, PartsOf.
func Foresee(ctx context.Context, tx *store.Tx, id string, record bool) error {
	err := knownOf(id).Foresee(ctx, tx)
	if err == nil && record {
		err = putsOf(id).Foresee(ctx, tx)
	}
	return err
}

// ForeseePut says that a container will be put to a record that was last seen made of these parts.
func ForeseePut(ctx context.Context, tx *store.Tx, t event.Turn, id string, seen Parts) error {
	err := t.Foresee(ctx, event.RecordPut, id, id)
	if err == nil {
		err = Foresee(ctx, tx, id, len(seen.Puts) > 0)
	}
	if err == nil && seen.opens > 0 {
		err = t.ForeseeOpening(ctx, seen.opens)
	}
	return err
}

// identifier is what the registry holds of it; false for one that it has never seen.
func (k known) identifier(id string) (Identifier, bool) {
	switch {
	case k.row.State != "":
		return k.row, true
	case k.record.Base >= 0:
		return Identifier{ID: id, State: k.record.State, Owner: k.assigner, Record: true, Opened: true, Reserved: k.record.Reserved,
			Public: k.record.Updated, Modified: k.record.Updated, given: k.record.Reserved}, true
	}
	return Identifier{ID: id}, false
}

// rounded is an identifier as its row gives it back.
func (i Identifier) rounded() Identifier {
	i.Reserved, i.Public, i.Modified, i.given = moment(millis(i.Reserved)), moment(millis(i.Public)), moment(millis(i.Modified)), moment(millis(i.given))
	return i
}

// forgetRecord is for whoever writes the document of an identifier.
func forgetRecord(tx *store.Tx, id string) {
	tx.Forget(idKey(id))
	tx.Forget(partsKey(id))
	noLongerFree(tx, id)
}

// window is a row of numbers of a year, and which of them are taken.
type window struct {
	first, last int64
	taken       map[int64]bool
}

var idBetween = q.Get("id_between")

// The numbers that are looked up together, at least and at most.
const (
	leastWindow = 32
	mostWindow  = 512
)

// windowAt is a window that begins at a number or holds it, for whoever wants so many numbers up to end.
func windowAt(ctx context.Context, tx *store.Tx, t event.Turn, year, num, end int64, want int) (window, error) {
	key := windowKey{year, num > PriorityEnd}
	if w, ok := store.Recall[window](tx, key); ok && w.first <= num && num <= w.last {
		return w, nil
	}
	w := window{first: num, last: min(num+int64(max(leastWindow, min(want, mostWindow)))-1, end), taken: map[int64]bool{}}
	for power := int64(10_000); ; power *= 10 { // of one length, so that text is in the order of numbers
		if num < power {
			w.last = min(w.last, power-1)
			break
		}
	}
	if num <= PriorityEnd {
		w.last = min(w.last, PriorityEnd)
	}
	first, last := format(year, w.first), format(year, w.last)
	if err := t.Foresee(ctx, event.IDReserved, first, last); err != nil {
		return window{}, err
	}
	rows, err := tx.Query(ctx, idBetween, first, last, len(first), first, last, len(first))
	if err != nil {
		return window{}, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return window{}, err
		}
		c, err := cve.ParseID(id)
		if err != nil {
			return window{}, fmt.Errorf("registry: %w", err)
		}
		w.taken[int64(c.Number)] = true
	}
	if err := rows.Err(); err != nil {
		return window{}, err
	}
	tx.Remember(key, w)
	return w, nil
}

// noLongerFree notes in the window that is remembered that an identifier is no longer free.
func noLongerFree(tx *store.Tx, id string) {
	c, err := cve.ParseID(id)
	if err != nil {
		return // stands in no window
	}
	w, ok := store.Recall[window](tx, windowKey{int64(c.Year), c.Number > PriorityEnd})
	if n := int64(c.Number); ok && w.first <= n && n <= w.last {
		w.taken[n] = true
	}
}
