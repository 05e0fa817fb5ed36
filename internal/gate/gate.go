// Package gate is the only way in. A command becomes events in one transaction: the head row is locked, authority asked,
// the command decides, its events are appended to the log and folded into every projection, and the commit is the
// acknowledgement. The gate knows no nouns: what a command decides about and what a fold derives is the services'.
package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
)

// Projection turns events into derived tables. Fold is pure but for its tables: no clock, no network, no dice; replaying
// the log gives the same rows, bit for bit.
type Projection interface {
	Name() string
	// Version is of what Fold derives. Raise it with every change of a fold: a store whose tables are of another version is
	// folded again when it is opened.
	Version() int
	// Prepare computes from a body alone what Fold will need, before the transaction and beside other goroutines. It
	// memoises on the Doc; skipping it changes nothing but the time spent inside the transaction.
	Prepare(kind event.Kind, doc *event.Doc) error
	Fold(ctx context.Context, tx *store.Tx, e *event.Entry) error
	Reset(ctx context.Context, tx *store.Tx) error              // empty the tables
	Digest(ctx context.Context, tx *store.Tx) ([32]byte, error) // of the tables' rows
}

// Foreseer is a Projection whose Fold asks something that it can ask together with what a command asks.
type Foreseer interface {
	// Foresee is told that events of a kind about subjects from first to last are likely to be folded in this transaction.
	Foresee(ctx context.Context, tx *store.Tx, kind event.Kind, first, last string) error
}

// Config is what a Gate is made of.
type Config struct {
	DB          *store.DB
	Log         *ledger.Log
	List        string // list id
	Operator    string // the operator's organisation, UUID
	Rules       authority.Rules
	Projections []Projection // in folding order
	Now         func() time.Time
	Rand        io.Reader
	Logger      *slog.Logger
	Committed   func(size int64) // told after each commit that grew the log; must not block

	// Admit is asked before each command, outside any transaction: an error keeps it out. It may wait for a moment. nil lets all in.
	Admit func(ctx context.Context) error

	// Scratch opens an empty store with the projections' tables, for checks that fold the log beside the live tables; the
	// function it returns throws the store away. Where it is nil, checks fold into the live tables and roll back.
	Scratch func(ctx context.Context) (*store.DB, func(), error)

	// ClockLeap is how far the clock may be ahead of the newest leaf; 0 means DefaultClockLeap.
	ClockLeap time.Duration
}

// DefaultClockLeap is longer than any list sleeps whose operator looks after it once a year.
const DefaultClockLeap = 400 * 24 * time.Hour

// ErrClock means that the clock is implausibly far ahead of the log. Times in the log never decrease, so one leaf from the
// future would date all that follow it, for good.
var ErrClock = errors.New("gate: the clock is implausibly far ahead of the log")

// Gate is open for commands until Close.
type Gate struct {
	Config
	seq    *store.Sequencer[ledger.Head]
	escrow atomic.Pointer[ledger.Escrow]
}

// New opens the gate.
func New(c Config) *Gate {
	g := &Gate{Config: c}
	g.seq = store.NewSequencer(c.DB, store.Hooks[ledger.Head]{
		Begin: c.Log.Lock,
		Clone: ledger.Head.Clone,
		End:   c.Log.Save,
		Done: func(h ledger.Head) {
			if c.Committed != nil {
				c.Committed(h.Size)
			}
		},
	})
	return g
}

// Close finishes the commands that wait and closes the gate.
func (g *Gate) Close() { g.seq.Close() }

// Command is something a caller wants done.
type Command struct {
	Action authority.Action
	// Bulk gives way to interactive commands; its Decide must take only tens of milliseconds.
	Bulk bool
	// Decide reads, allocates, and emits events, or refuses with an error; then nothing of it happened.
	Decide func(ctx context.Context, t *Turn) error
}

// Do carries out one command. When it returns nil, every event of the command is on disk.
func (g *Gate) Do(ctx context.Context, caller authority.Caller, c Command) error {
	if g.Admit != nil {
		if err := g.Admit(ctx); err != nil {
			return err
		}
	}
	if err := g.Rules.May(caller, c.Action); err != nil {
		g.audit(ctx, caller, c.Action, err)
		return err
	}
	do := g.seq.Do
	if c.Bulk {
		do = g.seq.Bulk
	}
	receipt := receiptOf(ctx)
	var noted []emitted
	var size int64
	err := do(ctx, func(ctx context.Context, tx *store.Tx, head *ledger.Head) error {
		t := &Turn{Tx: tx, gate: g, head: head, notes: receipt != nil}
		err := c.Decide(ctx, t)
		if err == nil {
			err = t.keepSealed(ctx)
		}
		noted, size = t.noted, head.Size
		return err
	})
	if err == nil {
		receipt.note(size, noted)
	}
	if errors.Is(err, authority.ErrDenied) {
		g.audit(ctx, caller, c.Action, err)
	}
	return err
}

// audit writes a refusal down. That it could not is logged: the refusal itself stands either way.
func (g *Gate) audit(ctx context.Context, caller authority.Caller, a authority.Action, reason error) {
	if errors.Is(reason, authority.ErrSealed) {
		return // a sealed store takes no writes, this one neither
	}
	err := g.DB.Update(ctx, func(tx *store.Tx) error {
		return authority.Audit(ctx, tx, g.Now(), caller, string(a), reason.Error())
	})
	if err != nil {
		g.Logger.ErrorContext(ctx, "refusal not written down", "caller", caller.String(), "error", err)
	}
}

// Turn is a command's time inside the transaction.
type Turn struct {
	Tx   *store.Tx
	gate *Gate
	head *ledger.Head

	notes bool // somebody asked for a receipt
	noted []emitted

	sealing []sealing // private bodies that are being encrypted
}

// Rand is the gate's source of salts.
func (t *Turn) Rand() io.Reader { return t.gate.Rand }

// Opening is what opens the commitment at a leaf.
func (t *Turn) Opening(ctx context.Context, leaf int64) (ledger.Own, error) {
	p, err := t.gate.Log.Private(ctx, t.Tx, leaf)
	return ledger.Own{Index: leaf, Salt: p.Salt}, err
}

// Foresee says that events of a kind will be emitted about subjects from first to last.
func (t *Turn) Foresee(ctx context.Context, kind event.Kind, first, last string) error {
	err := t.gate.Log.Foresee(ctx, t.Tx, first, last)
	for _, p := range t.gate.Projections {
		if f, ok := p.(Foreseer); ok && err == nil {
			err = f.Foresee(ctx, t.Tx, kind, first, last)
		}
	}
	return err
}

// ForeseeOpening says that Opening will be asked of a leaf.
func (t *Turn) ForeseeOpening(ctx context.Context, leaf int64) error {
	return t.gate.Log.ForeseePrivate(ctx, t.Tx, leaf)
}

// EventHash is the SHA-256 of a logged event.
func (t *Turn) EventHash(ctx context.Context, leaf int64) ([32]byte, error) {
	raw, err := t.gate.Log.Leaf(ctx, t.Tx, leaf)
	if err != nil {
		return [32]byte{}, err
	}
	l, err := ledger.ParseLeaf(raw)
	return ledger.EventHash(l.Event), err
}

// Pack makes a body ready to be emitted, as Gate.Pack does outside of the transaction.
func (t *Turn) Pack(kind event.Kind, raw []byte) (*event.Doc, error) { return t.gate.Pack(kind, raw) }

var _ event.Turn = (*Turn)(nil)

// Size is how many leaves the log has, this turn's included.
func (t *Turn) Size() int64 { return t.head.Size }

// Now is the time that a new leaf would get: the clock's, or the last leaf's when the clock stepped back.
func (t *Turn) Now() time.Time {
	ms := max(t.gate.Now().UnixMilli(), t.head.Time)
	return time.UnixMilli(ms).UTC()
}

// plausible refuses a time that the log could never take back. An empty log takes any.
func (t *Turn) plausible(now time.Time) error {
	leap := cmp.Or(t.gate.ClockLeap, DefaultClockLeap)
	newest := time.UnixMilli(t.head.Time).UTC()
	if t.head.Size == 0 || now.Sub(newest) <= leap {
		return nil
	}
	return fmt.Errorf("%w: it says %s, the newest leaf is of %s. Set the clock right; if it is right, because nothing was written for so long, "+
		"set clock_leap above %s", ErrClock, now.Format(time.RFC3339), newest.Format(time.RFC3339), leap)
}

// Emit appends an event and folds it. The gate fills in At, By and List where they are zero, and binds doc, which may
// be nil.
func (t *Turn) Emit(ctx context.Context, e *event.Event, doc *event.Doc) (*event.Entry, error) {
	return t.emit(ctx, e, doc, beside{})
}

// EmitOpening is Emit for the first public leaf of an identifier: own opens the commitment to its owner.
func (t *Turn) EmitOpening(ctx context.Context, e *event.Event, doc *event.Doc, own ledger.Own) (*event.Entry, error) {
	return t.emit(ctx, e, doc, beside{own: &own})
}

// beside is what a leaf may have beside its event and body.
type beside struct {
	private *ledger.Private
	own     *ledger.Own
	sigs    []ledger.Sig
}

func (t *Turn) emit(ctx context.Context, e *event.Event, doc *event.Doc, with beside) (*event.Entry, error) {
	now := t.Now()
	if err := t.plausible(now); err != nil {
		return nil, err
	}
	if e.At.IsZero() {
		e.At = now
	}
	if e.By == "" {
		e.By = t.gate.Operator
	}
	if e.List == "" {
		e.List = t.gate.List
	}
	var body *ledger.Body
	if doc != nil {
		body = doc.Body
		e.Body = &event.BodyRef{H: body.Hash, N: body.N}
	}
	raw, err := e.Marshal()
	if err != nil {
		return nil, err
	}
	back := int64(-1)
	subject := e.Subject()
	if subject != "" {
		if back, err = t.gate.Log.Last(ctx, t.Tx, subject); err != nil {
			return nil, err
		}
	}
	leaf, err := ledger.Leaf{Event: raw, Stamp: ledger.Stamp{Back: back, Time: now.UnixMilli(), Own: with.own}, Sigs: with.sigs}.Marshal()
	if err != nil {
		return nil, err
	}
	index, err := t.gate.Log.Append(ctx, t.Tx, t.head, leaf, body, subject)
	if err != nil {
		return nil, err
	}
	if t.notes {
		t.noted = append(t.noted, emitted{e.Kind, ledger.EventHash(raw)})
	}
	entry := &event.Entry{Event: e, Index: index, Back: back, Time: now, Doc: doc, Own: with.own, Sigs: with.sigs,
		Before: event.Reader{Log: t.gate.Log, Tx: t.Tx}}
	if with.private != nil {
		if err := t.gate.Log.PutPrivate(ctx, t.Tx, index, *with.private); err != nil {
			return nil, err
		}
		entry.Private = with.private.Body
		t.seal(index, *with.private)
	}
	return entry, t.gate.fold(ctx, t.Tx, entry)
}

// EmitPrivate appends a committed event and folds what it hides: the log shows only that something was committed to. body is
// canonical JSON and is retained. It returns where the commitment stands and what opens it.
func (t *Turn) EmitPrivate(ctx context.Context, body []byte) (ledger.Own, error) {
	h, p, err := ledger.Commit(t.gate.Rand, body)
	if err != nil {
		return ledger.Own{}, err
	}
	e, err := t.emit(ctx, &event.Event{Kind: event.PrivateFact, Body: &event.BodyRef{H: h, N: -1}}, nil, beside{private: &p})
	if err != nil {
		return ledger.Own{}, err
	}
	return ledger.Own{Index: e.Index, Salt: p.Salt}, nil
}

func (g *Gate) fold(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	for _, p := range g.Projections {
		if err := p.Fold(ctx, tx, e); err != nil {
			return fmt.Errorf("fold leaf %d into %s: %w", e.Index, p.Name(), err)
		}
	}
	return nil
}

// Pack makes a body ready to be emitted: salted, hashed, compressed, and prepared for every projection. It is safe for
// concurrent use and touches no database.
func (g *Gate) Pack(kind event.Kind, raw []byte) (*event.Doc, error) {
	doc, err := event.Pack(g.Rand, raw)
	if err != nil {
		return nil, err
	}
	return doc, g.Prepare(kind, doc)
}

// Prepare runs every projection's Prepare.
func (g *Gate) Prepare(kind event.Kind, doc *event.Doc) error {
	for _, p := range g.Projections {
		if err := p.Prepare(kind, doc); err != nil {
			return err
		}
	}
	return nil
}
