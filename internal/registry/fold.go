package registry

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

var (
	ownerAdd          = q.Get("owner_add")
	ownerOfLeaf       = q.Get("owner_of_leaf")
	ownerDrop         = q.Get("owner_drop")
	requesterAdd      = q.Get("requester_add")
	requesterDrop     = q.Get("requester_drop")
	requesterOfLeaf   = q.Get("requester_of_leaf")
	requesterReserved = q.Get("requester_reserved")
	holdingAdd        = q.Get("holding_add")
	putAdd            = q.Get("put_add")
	putDrop           = q.Get("put_drop")
	adoptedAdd        = q.Get("adopted_add")
	recordOfBase      = q.Get("record_of_base")
	idHas             = q.Get("id_has")
)

// foldIdentifier brings events about identifiers of this list into the tables.
func foldIdentifier(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	switch e.Kind {
	case event.RangeOpened, event.PoolCarved, event.EpochOpened:
		return foldRange(ctx, tx, e)
	case event.IDReserved:
		if err := countReserved(ctx, tx, e.ID); err != nil {
			return err
		}
		return alter(ctx, tx, e, func(i *Identifier) { i.State, i.Reserved, i.given = cve.Reserved, e.At, e.At })
	case event.IDRejected:
		return alter(ctx, tx, e, func(i *Identifier) { i.State = cve.Rejected })
	case event.IDRestored:
		return alter(ctx, tx, e, func(i *Identifier) { i.State = cve.Reserved })
	case event.IDTransferred:
		if err := addOwner(ctx, tx, ownerAdd, e, e.ID, e.To); err != nil {
			return err
		}
		return alter(ctx, tx, e, func(*Identifier) {})
	case event.RecordPut, event.RecordRejected:
		return foldPut(ctx, tx, e)
	case event.RecordReplaced:
		tx.Forget(partsKey(e.ID))
		if _, err := tx.Exec(ctx, putDrop, e.ID); err != nil {
			return err
		}
		return alter(ctx, tx, e, func(i *Identifier) { i.State, i.Record = cve.State(e.State), true })
	case event.OrgAdopted:
		tx.ForgetAll()
		_, err := tx.Exec(ctx, adoptedAdd, e.Org, e.Index)
		return err
	case event.PrivateFact:
		return foldFact(ctx, tx, e)
	case event.BlockGranted, event.BlockClosed:
		return foldBlock(ctx, tx, e)
	}
	return nil
}

func foldPut(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	raw, err := e.Marshal()
	if err != nil {
		return err
	}
	hash := ledger.EventHash(raw)
	cont, state := e.Cont, cve.Published
	if e.Kind == event.RecordRejected {
		cont, state = cve.CNA, cve.Rejected
	}
	tx.Forget(partsKey(e.ID))
	if _, err := tx.Exec(ctx, putAdd, e.Index, e.ID, cont, e.By, hash[:]); err != nil {
		return err
	}
	return alter(ctx, tx, e, func(i *Identifier) {
		if cont == cve.CNA {
			i.State = state
		}
		i.Record = true
	})
}

func foldFact(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	if e.Private == nil {
		return nil // this copy does not hold it
	}
	f, ours, err := readFact(e.Private)
	if err != nil {
		return err
	}
	if !ours {
		return foldBlockFact(ctx, tx, e)
	}
	if f.kind == requesterFact {
		if _, err := tx.Exec(ctx, requesterAdd, e.Index, f.id, f.org, f.user, millis(f.reserved)); err != nil || f.reserved.IsZero() {
			return err
		}
		return change(ctx, tx, f.id, func(i *Identifier) { i.Reserved = f.reserved })
	}
	if err := addOwner(ctx, tx, ownerAdd, e, f.id, f.org); err != nil {
		return err
	}
	return change(ctx, tx, f.id, func(*Identifier) {})
}

// alter changes an identifier for a public leaf about it.
func alter(ctx context.Context, tx *store.Tx, e *event.Entry, fn func(*Identifier)) error {
	if e.Own != nil {
		k, err := knownOf(e.ID).Ask(ctx, tx)
		if err != nil {
			return err
		}
		if _, heard := k.identifier(e.ID); !heard { // nobody reserved it here: it is of a block
			if err := openBlock(ctx, tx, e); err != nil {
				return err
			}
		}
	}
	return change(ctx, tx, e.ID, func(i *Identifier) {
		if i.State == "" {
			i.Reserved, i.given = e.Reserved, e.Reserved
		}
		fn(i)
		i.Opened = i.Opened || e.Own != nil
		i.Public = later(i.Public, e.Time)
	})
}

// change is the only writer of registry_id: it reads the row or makes one of what imports say, lets fn change it, and brings
// owner, time and holdings in step with the facts that are there.
func change(ctx context.Context, tx *store.Tx, id string, fn func(*Identifier)) error {
	k, err := knownOf(id).Ask(ctx, tx)
	if err != nil {
		return err
	}
	was, heard := k.identifier(id)
	i := was
	fn(&i)
	k.owned(&i)
	c, err := cve.ParseID(id)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, idPut, id, c.Year, i.State, i.Owner, bit(i.Record), bit(i.Opened), millis(i.Reserved), millis(i.Public), millis(i.Modified), millis(i.given))
	if err != nil {
		return err
	}
	if k.row = i.rounded(); !heard {
		noLongerFree(tx, id)
	}
	store.Answer(tx, idKey(id), k)
	return held(ctx, tx, was, i)
}

// addOwner notes who owns an identifier from now on.
func addOwner(ctx context.Context, tx *store.Tx, add *store.Query, e *event.Entry, id, org string) error {
	k, ok, err := store.Known[known](ctx, tx, idKey(id))
	if err != nil {
		return err
	}
	if ok {
		k.fact = ownedSince{leaf: e.Index, org: org, ms: e.Time.UnixMilli()}
		store.Answer(tx, idKey(id), k)
	}
	_, err = tx.Exec(ctx, add, e.Index, id, org, e.Time.UnixMilli())
	return err
}

// owned brings Owner and Modified in step with the owner facts; without one, the adopted assigner of an imported document owns.
func (k known) owned(i *Identifier) {
	i.Modified = i.Public
	if k.fact.leaf < 0 {
		i.Owner = k.assigner
		return
	}
	i.Owner, i.Modified = k.fact.org, later(i.Modified, moment(k.fact.ms))
}

// held moves the count of reserved identifiers from one owner to the other.
func held(ctx context.Context, tx *store.Tx, was, is Identifier) error {
	add := func(i Identifier, n int64) error {
		if i.State != cve.Reserved || i.Owner == "" {
			return nil
		}
		have, ok, err := store.Known[int64](ctx, tx, holdingKey(i.Owner))
		if err != nil {
			return err
		}
		if ok {
			store.Answer(tx, holdingKey(i.Owner), have+n)
		}
		more, _ := store.HeldBack[int64](tx, holdingKey(i.Owner))
		more += n
		return tx.Late(ctx, holdingKey(i.Owner), more, func(ctx context.Context) error {
			_, err := tx.Exec(ctx, holdingAdd, i.Owner, more)
			return err
		})
	}
	if was.State == is.State && was.Owner == is.Owner {
		return nil
	}
	return errors.Join(add(was, -1), add(is, 1))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// eraseIdentifier forgets what an erased body said about an identifier, as a replay that never sees the body does.
func eraseIdentifier(ctx context.Context, tx *store.Tx, leaf int64) error {
	if err := eraseRequester(ctx, tx, leaf); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, blockOwnerDrop, leaf); err != nil {
		return err
	}
	for _, of := range []*store.Query{ownerOfLeaf, recordOfBase} { // the assigner of an imported document goes with its body
		var id string
		err := tx.QueryRow(ctx, of, leaf).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, ownerDrop, leaf); err != nil {
			return err
		}
		return recount(ctx, tx, id)
	}
	return nil
}

// eraseRequester forgets who asked for an identifier, and with it when they did elsewhere.
func eraseRequester(ctx context.Context, tx *store.Tx, leaf int64) error {
	var id string
	err := tx.QueryRow(ctx, requesterOfLeaf, leaf).Scan(&id)
	pulled := err == nil
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if _, err := tx.Exec(ctx, requesterDrop, leaf); err != nil || !pulled {
		return err
	}
	var ms int64
	if err := tx.QueryRow(ctx, requesterReserved, id).Scan(&ms); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return change(ctx, tx, id, func(i *Identifier) {
		if i.Reserved = i.given; ms > 0 {
			i.Reserved = moment(ms)
		}
	})
}

// recount brings the row of an identifier in step with the facts that are left, if it has one.
func recount(ctx context.Context, tx *store.Tx, id string) error {
	var n int64
	if err := tx.QueryRow(ctx, idHas, id).Scan(&n); err != nil || n == 0 {
		return err
	}
	return change(ctx, tx, id, func(*Identifier) {})
}
