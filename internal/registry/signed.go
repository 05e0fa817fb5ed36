package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
)

var (
	signedAdd = q.Get("signed_add")
	signedGet = q.Get("signed_get")
)

// Errors of events that their authors signed.
var (
	// ErrPrev means an event that does not follow the newest one of its identifier and container.
	ErrPrev = errors.New("registry: the event does not follow the newest one")
	// ErrClaim means a first container whose author says of the identifier what is not so: when it was reserved, whose it is.
	ErrClaim = errors.New("registry: the event says what is not so of its identifier")
)

// PrevError is ErrPrev with what the newest event is.
type PrevError struct {
	ID      string
	Offered string // as the event has it, "" for a first publication
	Newest  string // event hash in hex, "" where there is none
	Leaf    int64  // of the newest, -1 where there is none
}

// Error says so.
func (e *PrevError) Error() string {
	if e.Offered == "" {
		return fmt.Sprintf("%s: registry: a first publication of what was published before", e.ID)
	}
	return fmt.Sprintf("%s: %v", e.ID, ErrPrev)
}

// Unwrap is ErrPrev.
func (e *PrevError) Unwrap() error { return ErrPrev }

// foldSigned notes an event that its author signed.
func foldSigned(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	if len(e.Sigs) == 0 {
		return nil
	}
	hash, err := e.Hash()
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, signedAdd, hash[:], e.Index)
	return err
}

// Signed is the leaf of an event that its author signed, by its hash; ok is false when the log does not have it.
func Signed(ctx context.Context, tx *store.Tx, hash ledger.Hash) (leaf int64, ok bool, err error) {
	err = tx.QueryRow(ctx, signedGet, hash[:]).Scan(&leaf)
	if errors.Is(err, sql.ErrNoRows) {
		return -1, false, nil
	}
	return leaf, err == nil, err
}

// Hashes finds the hashes of logged events.
type Hashes interface {
	EventHash(ctx context.Context, leaf int64) ([32]byte, error)
}

// CheckPut holds a put of a container to what the tables say of its identifier: ErrPrev, ErrClaim, ErrBlockClosed.
func CheckPut(ctx context.Context, tx *store.Tx, hashes Hashes, i Identifier, e *event.Event) error {
	parts, err := PartsOf(ctx, tx, i.ID)
	if err != nil {
		return err
	}
	if i.Block != nil && !i.Block.Open() {
		return fmt.Errorf("%s: %w", i.ID, ErrBlockClosed)
	}
	prev, leaf, err := parts.newest(ctx, hashes, e.Container(), e.By)
	if err != nil {
		return err
	}
	if e.Prev != prev {
		return &PrevError{ID: i.ID, Offered: e.Prev, Newest: prev, Leaf: leaf}
	}
	if parts.Base >= 0 || len(parts.Puts) > 0 {
		if !e.Reserved.IsZero() || e.Org != "" || e.Short != "" {
			return &ClaimError{i.ID, "only a record's first container says since when and whose", false}
		}
		return nil
	}
	org := ""
	if i.Opened || i.Block != nil && e.By != i.Owner {
		org = i.Owner
	}
	switch {
	case e.Org != org:
		return &ClaimError{i.ID, "whose it is", i.Owner == ""}
	case i.Block != nil && (e.Reserved.IsZero() || e.Reserved.After(e.At)):
		return &ClaimError{i.ID, "when it was assigned", false}
	case i.Block == nil && !e.Reserved.Equal(i.given):
		return &ClaimError{i.ID, "when it was reserved", true}
	}
	return nil
}

// ClaimError is ErrClaim with what is not so.
type ClaimError struct {
	ID, What string
	Private  bool // a private fact may say otherwise than what is public
}

// Error says so.
func (e *ClaimError) Error() string { return fmt.Sprintf("%s: %v: %s", e.ID, ErrClaim, e.What) }

// Unwrap is ErrClaim.
func (e *ClaimError) Unwrap() error { return ErrClaim }

// Given is when our own public leaf says that the identifier was reserved.
func (i *Identifier) Given() time.Time { return i.given }

// Follows is the hash of the event that an organisation's next container for an identifier follows, in hex, "" for none; first says
// that the container begins the record.
func Follows(ctx context.Context, tx *store.Tx, hashes Hashes, i Identifier, cont, org string) (prev string, first bool, err error) {
	parts, err := PartsOf(ctx, tx, i.ID)
	if err != nil {
		return "", false, err
	}
	prev, _, err = parts.newest(ctx, hashes, cont, org)
	return prev, parts.Base < 0 && len(parts.Puts) == 0, err
}

// PutSigned puts a container that its author signed, as it is: see CheckPut for what it may say.
func PutSigned(ctx context.Context, tx *store.Tx, t event.Turn, i Identifier, e *event.Event, sigs []ledger.Sig, doc *event.Doc) (*event.Entry, error) {
	if err := CheckPut(ctx, tx, t, i, e); err != nil {
		return nil, err
	}
	own, err := openingOf(ctx, tx, t, i)
	if err != nil {
		return nil, err
	}
	return t.EmitSigned(ctx, e, doc, own, sigs)
}

// openingOf opens an identifier's owner on its first public leaf; nil where nothing is left to be opened.
func openingOf(ctx context.Context, tx *store.Tx, t event.Turn, i Identifier) (*ledger.Own, error) {
	if i.Opened {
		return nil, nil
	}
	if i.Block != nil {
		own, ok := i.Block.opening()
		if !ok {
			return nil, fmt.Errorf("%s: %w: whose it is cannot be shown here", i.ID, ErrInBlock)
		}
		return &own, nil
	}
	k, err := knownOf(i.ID).Ask(ctx, tx)
	if err != nil {
		return nil, err
	}
	if k.fact.leaf < 0 {
		return nil, nil // nothing is committed that could be opened: it was erased
	}
	own, err := t.Opening(ctx, k.fact.leaf)
	return &own, err
}
