package registry

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"tasuki/internal/event"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// Errors of acts on one identifier.
var (
	// ErrHasRecord means that an identifier's state follows its record.
	ErrHasRecord = errors.New("registry: the identifier has a record")
	// ErrNoRecord means an act on a record that is not there.
	ErrNoRecord = errors.New("registry: the identifier has no record")
	// ErrRejected means an act that a rejected record does not take.
	ErrRejected = errors.New("registry: the record is rejected")
)

// SetState puts an identifier without a record into state RESERVED or REJECTED. Setting the present state again is written down
// as a fresh fact of its owner, which changes nothing but the time.
func SetState(ctx context.Context, tx *store.Tx, t event.Turn, i Identifier, to cve.State) error {
	kind := event.IDRejected
	switch {
	case i.Record:
		return fmt.Errorf("%s: %w", i.ID, ErrHasRecord)
	case i.Block != nil:
		return fmt.Errorf("%s: %w", i.ID, ErrInBlock)
	case i.State == to:
		return Touch(ctx, t, i)
	case to == cve.Reserved:
		kind = event.IDRestored
	}
	_, err := emitAbout(ctx, tx, t, i, &event.Event{Kind: kind, ID: i.ID}, nil)
	return err
}

// Touch writes down that the owner is who it was.
func Touch(ctx context.Context, t event.Turn, i Identifier) error {
	if i.Block != nil {
		return fmt.Errorf("%s: %w", i.ID, ErrInBlock)
	}
	return fact{kind: ownerFact, id: i.ID, org: i.Owner}.emit(ctx, t)
}

// Transfer gives an identifier to another organisation: of one that nobody has heard of in public, nobody hears of it now.
func Transfer(ctx context.Context, tx *store.Tx, t event.Turn, i Identifier, to string) error {
	switch {
	case i.Block != nil:
		return fmt.Errorf("%s: %w", i.ID, ErrInBlock)
	case to == i.Owner:
		return Touch(ctx, t, i)
	case !i.Opened:
		return fact{kind: ownerFact, id: i.ID, org: to}.emit(ctx, t)
	}
	_, err := t.Emit(ctx, &event.Event{Kind: event.IDTransferred, ID: i.ID, From: i.Owner, To: to}, nil)
	return err
}

// Put is a container on its way into the log.
type Put struct {
	Cont  string     // cve.CNA or cve.ADP
	By    string     // organisation that puts it, UUID
	Short string     // the owner's short name now
	DV    string     // version of the record format that it was checked against, "5.2.0"
	Doc   *event.Doc // the container
}

// PutContainer puts a container; a CNA's publishes the identifier, or brings it back from rejection.
func PutContainer(ctx context.Context, tx *store.Tx, t event.Turn, i Identifier, p Put) (*event.Entry, error) {
	if p.Cont == cve.ADP {
		switch {
		case !i.Record:
			return nil, fmt.Errorf("%s: %w", i.ID, ErrNoRecord)
		case i.State == cve.Rejected:
			return nil, fmt.Errorf("%s: %w", i.ID, ErrRejected)
		}
	}
	return putContainer(ctx, tx, t, i, p, &event.Event{Kind: event.RecordPut, Cont: p.Cont})
}

// RejectRecord puts the rejected container.
func RejectRecord(ctx context.Context, tx *store.Tx, t event.Turn, i Identifier, p Put) (*event.Entry, error) {
	p.Cont = cve.CNA
	return putContainer(ctx, tx, t, i, p, &event.Event{Kind: event.RecordRejected})
}

func putContainer(ctx context.Context, tx *store.Tx, t event.Turn, i Identifier, p Put, e *event.Event) (*event.Entry, error) {
	parts, err := PartsOf(ctx, tx, i.ID)
	if err != nil {
		return nil, err
	}
	e.ID, e.By, e.DV = i.ID, p.By, p.DV
	if len(parts.Puts) == 0 && parts.Base < 0 {
		if e.Reserved, e.Short = i.Reserved, p.Short; i.Opened {
			e.Org = i.Owner // an earlier leaf said who that is, and it may have changed hands since
		}
		if i.Block != nil {
			if e.Reserved = t.Now(); p.By != i.Owner {
				e.Org = i.Owner
			}
		}
	} else if e.Prev, err = parts.prev(ctx, t, p.Cont, p.By); err != nil {
		return nil, err
	}
	return emitAbout(ctx, tx, t, i, e, p.Doc)
}

// Replace puts a whole document as the Secretariat gave it: the new base.
func Replace(ctx context.Context, tx *store.Tx, t event.Turn, i Identifier, by string, doc *event.Doc) (*event.Entry, error) {
	f, err := factsOf(doc)
	if err != nil {
		return nil, err
	}
	return emitAbout(ctx, tx, t, i, &event.Event{Kind: event.RecordReplaced, ID: i.ID, By: by, State: string(f.state), Dates: f.dates}, doc)
}

// emitAbout emits a public event about an identifier; the first one opens its owner.
func emitAbout(ctx context.Context, tx *store.Tx, t event.Turn, i Identifier, e *event.Event, doc *event.Doc) (*event.Entry, error) {
	own, err := openingOf(ctx, tx, t, i)
	if err != nil {
		return nil, err
	}
	if own == nil {
		return t.Emit(ctx, e, doc)
	}
	return t.EmitOpening(ctx, e, doc, *own)
}

// Part is a container put since the base.
type Part struct {
	Leaf int64
	Cont string
	Org  string // who put it, UUID
	hash [32]byte
}

// Parts are the leaves that make up the current record.
type Parts struct {
	Base int64  // newest whole document, -1 if there never was one
	Puts []Part // oldest first

	opens int64 // commitment to the owner that the first public leaf will open, -1 if there is none to open
}

var putList = q.Get("put_list")

// PartsOf finds the leaves of an identifier's record.
func PartsOf(ctx context.Context, tx *store.Tx, id string) (Parts, error) {
	k, err := knownOf(id).Ask(ctx, tx)
	if err != nil {
		return Parts{}, err
	}
	p := Parts{Base: k.record.Base, opens: -1}
	if !k.row.Opened {
		p.opens = k.fact.leaf
	}
	if !k.row.Record {
		return p, nil // nothing was put
	}
	p.Puts, err = putsOf(id).Ask(ctx, tx)
	return p, err
}

func putsOf(id string) store.Question[[]Part] {
	return store.Question[[]Part]{Key: partsKey(id), Query: putList, Args: []any{id}, Read: func(rows store.Rows) (puts []Part, err error) {
		for rows.Next() {
			var part Part
			var hash []byte
			if err := rows.Scan(&part.Leaf, &part.Cont, &part.Org, &hash); err != nil {
				return nil, err
			}
			copy(part.hash[:], hash)
			puts = append(puts, part)
		}
		return puts, nil
	}}
}

// prev is the event hash of what a container takes the place of, in hex.
func (p Parts) prev(ctx context.Context, t event.Turn, cont, org string) (string, error) {
	prev, _, err := p.newest(ctx, t, cont, org)
	return prev, err
}

// newest is the event that a container follows, its hash in hex and its leaf: the newest put of the same container (an ADP's own), else
// the base; "" and -1 for a first container.
func (p Parts) newest(ctx context.Context, hashes Hashes, cont, org string) (string, int64, error) {
	for n := len(p.Puts) - 1; n >= 0; n-- {
		if part := p.Puts[n]; part.Cont == cont && (cont == cve.CNA || part.Org == org) {
			return hex.EncodeToString(part.hash[:]), part.Leaf, nil
		}
	}
	if p.Base < 0 {
		return "", -1, nil // a record's first container, or an ADP's first over a record without a base
	}
	hash, err := hashes.EventHash(ctx, p.Base)
	return hex.EncodeToString(hash[:]), p.Base, err
}
