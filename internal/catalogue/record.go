package catalogue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// get fetches the current record of id as it is stored, neither unpacked nor read: that needs no transaction.
func (s *Service) get(ctx context.Context, tx *store.Tx, id string) (*View, error) {
	v, err := newest(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	return s.open(ctx, tx, v)
}

// open fetches what a version says: the whole document in its leaf, or the parts that it is assembled from.
func (s *Service) open(ctx context.Context, tx *store.Tx, which version) (*View, error) {
	v := &View{ID: which.id, State: which.state, Index: which.leaf, Changed: time.UnixMilli(which.changed).UTC(), Logged: time.UnixMilli(which.logged).UTC()}
	if which.parts != "" {
		p, err := s.parts(ctx, tx, which)
		if err != nil {
			return nil, err
		}
		v.parts = &p
		return v, p.load(ctx, tx, s.reader(tx))
	}
	var err error
	if v.body, err = s.log.Body(ctx, tx, which.leaf); errors.Is(err, ledger.ErrNotFound) {
		return nil, fmt.Errorf("%s: %w", which.id, ErrErased)
	}
	return v, err
}

func (s *Service) reader(tx *store.Tx) event.Reader { return event.Reader{Log: s.log, Tx: tx} }

// parts are the leaves of a version, without their bodies.
func (s *Service) parts(ctx context.Context, tx *store.Tx, which version) (parts, error) {
	return gather(ctx, s.reader(tx), which.leaf, which.parts)
}

// packed is how many bytes the record has as it is stored.
func (v *View) packed() int {
	if v.parts != nil {
		return v.parts.packed()
	}
	return len(v.body.Packed)
}

func (v *View) unpack() (err error) {
	if v.parts != nil {
		v.compact, err = v.parts.assemble()
	} else {
		v.compact, err = v.body.Compact()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", v.ID, err)
	}
	return nil
}

func (v *View) decode() (err error) {
	if err := v.unpack(); err != nil {
		return err
	}
	// Loosely, as its fold did: what an import let in must be readable.
	if v.Record, _, err = cve.DecodeLoose(v.compact); err != nil {
		return fmt.Errorf("%s: stored record: %w", v.ID, err)
	}
	v.State = v.Record.Metadata.State
	return nil
}

// Leaves are the leaves that make up the record of id as the first size leaves of the log have it, base first, each with its role in the record's proof,
// and last the commitment to the owner that the first container opens; also of a record that was erased, since what is left can be proved. newer says that
// later leaves have changed the record. A record that those first leaves do not know is ErrNotFound.
func (s *Service) Leaves(ctx context.Context, tx *store.Tx, id string, size int64) (leaves []ledger.Part, newer bool, err error) {
	v, err := standing(ctx, tx, id, point{clock: LogClock, size: size})
	if err != nil {
		return nil, false, err
	}
	p, err := s.parts(ctx, tx, v)
	if err != nil {
		return nil, false, err
	}
	for _, e := range p.all() {
		leaves = append(leaves, ledger.Part{Index: e.Index, Role: role(e)})
	}
	if owned := p.owned(); owned != none {
		leaves = append(leaves, ledger.Part{Index: owned, Role: "owner"})
	}
	return leaves, v.superseded, nil
}
