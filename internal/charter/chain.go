package charter

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"golang.org/x/mod/sumdb/note"

	"tasuki/spec/dsse"
	"tasuki/spec/jcs"
)

// Why a document does not extend a chain. Each is wrapped with the version it was about.
var (
	ErrKnown      = errors.New("charter: already in the chain")
	ErrSibling    = errors.New("charter: a second valid charter of the same version")
	ErrOtherList  = errors.New("charter: belongs to another list")
	ErrGap        = errors.New("charter: a version before it is missing")
	ErrPrev       = errors.New("charter: its predecessor is not the one in the chain")
	ErrThreshold  = errors.New("charter: too few signatures of board keys")
	ErrEpoch      = errors.New("charter: the epoch does not follow")
	ErrOrigin     = errors.New("charter: its origin or log key was used before")
	ErrContinueAt = errors.New("charter: continue_at is missing or out of place")
	ErrConstant   = errors.New("charter: changes what is constant for a list")
)

// Chain is the charters of one list from the genesis on, each checked against the one before. It is safe for use
// by several goroutines: who reads while it is extended sees the chain before or after. A Chain must not be copied.
type Chain struct {
	list atomic.Pointer[[]*Document]
}

// chainOf takes the slice over; nobody may write to it after.
func chainOf(docs ...*Document) *Chain {
	c := &Chain{}
	c.list.Store(&docs)
	return c
}

// docs is the charters as they are now; not to be written to.
func (c *Chain) docs() []*Document { return *c.list.Load() }

// NewChain begins a chain with its genesis, which must bear at least k signatures of its own board.
func NewChain(genesis *Document) (*Chain, error) {
	if genesis.charter.V != 1 {
		return nil, fmt.Errorf("begin a chain with charter %d: %w", genesis.charter.V, ErrGap)
	}
	if have := genesis.signers(genesis.charter.Board); have < genesis.charter.Board.K {
		return nil, fmt.Errorf("genesis: %w: %d of %d", ErrThreshold, have, genesis.charter.Board.K)
	}
	return chainOf(genesis), nil
}

// ParseChain reads and checks a whole chain, genesis first.
func ParseChain(raw ...[]byte) (*Chain, error) {
	if len(raw) == 0 {
		return nil, fmt.Errorf("read a chain of no charters: %w", ErrGap)
	}
	var chain *Chain
	for i, r := range raw {
		d, err := Parse(r)
		if err != nil {
			return nil, fmt.Errorf("charter %d of the chain: %w", i+1, err)
		}
		if i == 0 {
			chain, err = NewChain(d)
		} else {
			err = chain.Extend(d)
		}
		if err != nil {
			return nil, err
		}
	}
	return chain, nil
}

// Extend appends d if Check has nothing against it, and changes nothing otherwise.
func (c *Chain) Extend(d *Document) error {
	for {
		have := c.list.Load()
		if err := check(*have, d); err != nil {
			return err
		}
		longer := append(slices.Clip(*have), d)
		if c.list.CompareAndSwap(have, &longer) {
			return nil
		}
	}
}

// Check says whether d is a valid charter v+1 of this chain (F.3):
//
//   - prev is the hash of v, genesis the list id, test as it was;
//   - at least k distinct keys of v's board and k' of its own have signed;
//   - if operator, mirrors and policy are as in v, it opens no epoch. Otherwise it opens the next one: its epoch is one
//     higher, neither its origin nor its log key was ever used, and where v has no mirrors that could report, it says
//     where the tree continues. Only a charter that opens an epoch bears continue_at;
//   - a charter without mirrors may be followed by one that only adds features and is signed by the log key alone.
//
// Emergency charters (F.4) are not known yet, so k_e signatures are too few. A document of a version that the chain
// has is ErrKnown, ErrSibling if it would have been valid in its place, or else what is wrong with it.
func (c *Chain) Check(d *Document) error { return check(c.docs(), d) }

func check(docs []*Document, d *Document) error {
	v := d.charter.V
	at := func(err error) error { return fmt.Errorf("charter %d: %w", v, err) }
	if d.ListID() != docs[0].hash {
		return at(ErrOtherList)
	}
	head := int64(len(docs))
	switch {
	case v > head+1:
		return at(fmt.Errorf("%w: the chain ends at %d", ErrGap, head))
	case v <= head && docs[v-1].hash == d.hash:
		return at(ErrKnown)
	}
	if err := admit(docs[:v-1], d); err != nil {
		return at(err)
	}
	if v <= head {
		return at(fmt.Errorf("%w: %s beside %s", ErrSibling, d.hash, docs[v-1].hash))
	}
	return nil
}

// With is the chain in which d follows its predecessor: this chain and d, or, where d is a sibling, the other branch, which
// ends at d. For whoever has to choose between two.
func (c *Chain) With(d *Document) (*Chain, error) {
	if err := c.Check(d); err != nil && !errors.Is(err, ErrSibling) {
		return nil, err
	}
	return chainOf(append(slices.Clone(c.docs()[:d.charter.V-1]), d)...), nil
}

// admit checks d, of the same list and not a genesis, against everything before it.
func admit(before []*Document, d *Document) error {
	last := before[len(before)-1]
	old, next := &last.charter, &d.charter
	if next.Prev != last.hash {
		return fmt.Errorf("%w: it names %s", ErrPrev, next.Prev)
	}
	if next.Test != old.Test {
		return fmt.Errorf("%w: test", ErrConstant)
	}
	if err := admitEpoch(before, d); err != nil {
		return err
	}
	if have := d.signers(old.Board); have < old.Board.K {
		if old.Mirrors == nil && onlyAddsFeatures(old, next) && d.signedByLog(last) {
			return nil
		}
		return fmt.Errorf("%w: %d of the %d needed from the board of charter %d", ErrThreshold, have, old.Board.K, old.V)
	}
	if have := d.signers(next.Board); have < next.Board.K {
		return fmt.Errorf("%w: %d of the %d needed from its own board", ErrThreshold, have, next.Board.K)
	}
	return nil
}

func admitEpoch(before []*Document, d *Document) error {
	last := before[len(before)-1]
	old, next := &last.charter, &d.charter
	if !opensEpoch(old, next) {
		if next.ContinueAt != nil {
			return fmt.Errorf("%w: this charter opens no epoch", ErrContinueAt)
		}
		return nil
	}
	if next.Operator.Epoch != old.Operator.Epoch+1 {
		return fmt.Errorf("%w: %d after %d", ErrEpoch, next.Operator.Epoch, old.Operator.Epoch)
	}
	for _, b := range before {
		if b.Origin() == d.Origin() || b.charter.Operator.Key == next.Operator.Key {
			return fmt.Errorf("%w: in charter %d", ErrOrigin, b.charter.V)
		}
	}
	if old.Mirrors == nil && next.ContinueAt == nil {
		return fmt.Errorf("%w: charter %d has no mirrors that could report where to go on", ErrContinueAt, old.V)
	}
	return nil
}

// OpensEpoch says whether next, as the successor of d, opens an epoch (F.3).
func (d *Document) OpensEpoch(next *Document) bool { return opensEpoch(&d.charter, &next.charter) }

// opensEpoch: only an amendment that leaves operator, mirrors and policy equal opens none.
func opensEpoch(old, next *Charter) bool {
	if old.Operator != next.Operator || old.Policy != next.Policy || (old.Mirrors == nil) != (next.Mirrors == nil) {
		return true
	}
	m, n := old.Mirrors, next.Mirrors
	return m != nil && (m.Q != n.Q || m.F != n.F || !slices.Equal(m.List, n.List))
}

// onlyAddsFeatures: beside version, link, date and reason nothing differs but more features.
func onlyAddsFeatures(old, next *Charter) bool {
	if len(next.Features) <= len(old.Features) {
		return false
	}
	for _, f := range old.Features {
		if !slices.Contains(next.Features, f) {
			return false
		}
	}
	// A charter that opened an epoch says so; its successor must not, so the member does not count as a change.
	same := func(c Charter) []byte {
		c.V, c.Prev, c.Genesis, c.Issued, c.Reason, c.Features, c.ContinueAt = 0, "", "", "", "", nil, nil
		raw, err := jcs.Canonical(c)
		if err != nil {
			panic("charter: a checked charter does not serialise: " + err.Error())
		}
		return raw
	}
	return string(same(*old)) == string(same(*next))
}

// signers counts the distinct keys of a board that have signed d. A seat's id may name one key in the old board and
// another in the new one, so every signature under that id is tried.
func (d *Document) signers(b Board) int64 {
	distinct := map[string]bool{}
	for _, seat := range b.Keys {
		if !distinct[seat.Key] && slices.ContainsFunc(d.sigs, func(s Sig) bool { return d.signedBy(seat, s) }) {
			distinct[seat.Key] = true
		}
	}
	return int64(len(distinct))
}

func (d *Document) signedBy(seat BoardSeat, s Sig) bool {
	key, err := dsse.ParseKey(seat.Key)
	return err == nil && s.ID == seat.ID && dsse.Verify(key, dsse.TypeCharter, d.signed, s.Sig) == nil
}

func (d *Document) signedByLog(last *Document) bool {
	for _, s := range d.sigs {
		if s.ID == LogSigner && dsse.Verify(last.LogKey(), dsse.TypeCharter, d.signed, s.Sig) == nil {
			return true
		}
	}
	return false
}

// Head is the newest charter.
func (c *Chain) Head() *Document {
	docs := c.docs()
	return docs[len(docs)-1]
}

// Genesis is the first charter.
func (c *Chain) Genesis() *Document { return c.docs()[0] }

// Documents are all charters, genesis first; the slice is the caller's.
func (c *Chain) Documents() []*Document { return slices.Clone(c.docs()) }

// Test says that the list is a test list, for good. Whoever reads somebody else's list refuses such a one (ErrTest) unless they
// were told otherwise.
func (c *Chain) Test() bool { return c.docs()[0].charter.Test }

// ListID is what clients pin.
func (c *Chain) ListID() string { return c.docs()[0].hash }

// Opening is the charter that opened the epoch of the head.
func (c *Chain) Opening() *Document {
	docs := c.docs()
	epoch := docs[len(docs)-1].charter.Operator.Epoch
	return docs[slices.IndexFunc(docs, func(d *Document) bool { return d.charter.Operator.Epoch == epoch })]
}

// Verifiers verify checkpoints of every epoch of the chain.
func (c *Chain) Verifiers() note.Verifiers {
	var list []note.Verifier
	docs := c.docs()
	for i, d := range docs {
		if i == 0 || d.charter.Operator.Epoch != docs[i-1].charter.Operator.Epoch {
			list = append(list, d.Verifier())
		}
	}
	return note.VerifierList(list...)
}
