// Package mirror is the follow loop of whoever keeps a validating copy of a list (continuity D): it fetches what the log has signed, proves every byte of
// it, folds it through the gate, and only then lets the rules of package continuity cosign. A verifying client is a mirror without a key: it follows what
// is published.
//
// What is believed: the list id, and the charter chain that follows from it. No server is; a mirror is as good a source as the operator, and either can
// only keep things back.
package mirror

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
	"tasuki/spec/c2sp"
)

// Store is this copy, as the loop asks for it.
type Store interface {
	// Inspect and Follow are the gate's; Follow checks the rules that public leaves show (*event.Violation) and, where the leaves end a tree, its root.
	Inspect(s gate.Stored) (*gate.Inspected, error)
	Follow(ctx context.Context, leaves []*gate.Inspected, to continuity.Tree) error
	Stored(ctx context.Context) (continuity.Tree, error)
	// Seen is the size of the largest checkpoint of an origin that was considered, 0 for none.
	Seen(ctx context.Context, origin string) (int64, error)
	// Scrub takes the bytes of what was erased out of the store's files.
	Scrub(ctx context.Context) error
	// EscrowDue are, from leaf from on, at most limit of the committed leaves whose ciphertext to these recipients is not here.
	EscrowDue(ctx context.Context, recipients [32]byte, from int64, limit int) ([]int64, error)
	// KeepEscrow stores the ciphertexts of leaves that are still committed to, in the place of others only where replace is set; the rest is passed over.
	KeepEscrow(ctx context.Context, list []ledger.Sealed, replace bool) error
	// SaveTail keeps the leaves from an index on in a file beside the store, before they are dropped.
	SaveTail(ctx context.Context, from int64) error
	// Refold makes the derived tables anew after leaves were dropped.
	Refold(ctx context.Context) error
	// Accepted is told of each published checkpoint that is now this copy's view, on disk by then.
	Accepted(ctx context.Context, a continuity.Accepted) error
	// Chartered is told of the chain as it is now on disk, after each charter that was taken in.
	Chartered(ctx context.Context, chain *charter.Chain) error
}

// Options are what a Follower is made of.
type Options struct {
	Store Store
	// Open loads the rules' state. It is asked again after an error of the disk.
	Open func(ctx context.Context) (*continuity.Mirror, error)
	// Key is the mirror's: it signs requests for ciphertexts here, and cosignatures in Open's Mirror. nil follows what is published and cosigns nothing.
	Key *c2sp.Cosigner
	// Sources are base URLs to ask, beside those that the charter names, and before them.
	Sources []string
	// Self are base URLs of this copy: it does not ask itself.
	Self []string

	HTTP  *http.Client
	Now   func() time.Time
	Rand  func() float64 // in [0, 1), for jitter
	Log   *slog.Logger
	Pause time.Duration // between two looks at what is published and chartered; 0 means 2 s
	Wait  time.Duration // of a long poll for what is pending; 0 means 25 s
	Least time.Duration // first pause after something failed; 0 means 250 ms
}

// Follower keeps one copy. Its methods are safe for concurrent use.
type Follower struct {
	o Options

	mu     sync.Mutex         // holds the rules, which belong to one goroutine at a time
	mirror *continuity.Mirror // nil after an error of its disk

	writing sync.Mutex // held while leaves are taken in or dropped

	side     sync.Mutex
	erased   erasures
	escrowed escrowed

	held   atomic.Pointer[continuity.Hold] // as the rules were when they were used last
	ahead  atomic.Pointer[ahead]           // to be asked next, before the sources in their order
	turned atomic.Int64                    // counts what makes a smaller checkpoint news: charters, leaves that were dropped

	state struct {
		sync.Mutex
		State
	}
}

// State is how far a follower is, for those who watch it.
type State struct {
	Source   string // who was asked last with success
	Size     int64  // leaves stored
	Seen     int64  // of the newest checkpoint of the log
	Shown    int64  // of the largest published checkpoint that a source showed, taken in or not; kept by readers
	Problem  string // why it does not go on; "" while it does
	Since    time.Time
	Cosigned int64 // newest size whose line was handed over
}

// New makes a follower. Nothing is asked before Run.
func New(o Options) *Follower {
	for _, d := range []struct {
		at    *time.Duration
		usual time.Duration
	}{{&o.Pause, 2 * time.Second}, {&o.Wait, 25 * time.Second}, {&o.Least, 250 * time.Millisecond}} {
		if *d.at == 0 {
			*d.at = d.usual
		}
	}
	return &Follower{o: o}
}

// Run follows until ctx ends. It returns an error only for what no waiting mends: continuity.ErrAmnesia, or a store that cannot be opened at all.
func (f *Follower) Run(ctx context.Context) error {
	if err := f.rules(ctx, func(*continuity.Mirror) error { return nil }); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var work sync.WaitGroup
	for _, part := range []func(context.Context) error{f.pursue, f.gossip} {
		work.Go(func() {
			if err := part(ctx); err != nil {
				cancel(err)
			}
		})
	}
	work.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// rules runs fn with the rules. After an error that may be the disk's they are read again before they are used next: what happened is never guessed.
func (f *Follower) rules(ctx context.Context, fn func(*continuity.Mirror) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mirror == nil {
		m, err := f.o.Open(ctx)
		if err != nil {
			return fmt.Errorf("open the mirror's state: %w", err)
		}
		f.mirror = m
	}
	err := fn(f.mirror)
	hold := f.mirror.Hold
	f.held.Store(&hold)
	if err != nil && !decided(err) {
		f.mirror = nil
	}
	return err
}

// decided says that an error is a decision of the rules, or the fault of somebody who was asked: the disk is as it was.
func decided(err error) bool {
	for _, known := range []error{
		continuity.ErrNote, continuity.ErrOrigin, continuity.ErrUnsigned, continuity.ErrQuorum, continuity.ErrStale, continuity.ErrHeld, continuity.ErrStopped,
		continuity.ErrUnstored, continuity.ErrNotListed, continuity.ErrTail, continuity.ErrNotOpened, charter.ErrKnown, charter.ErrGap, charter.ErrOtherList,
		charter.ErrPrev, charter.ErrThreshold, ErrAbsent, ErrAnswer,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// chain is the charter chain as the rules have it; it may grow while it is read.
func (f *Follower) chain(ctx context.Context) (c *charter.Chain, accepted continuity.Accepted, err error) {
	err = f.rules(ctx, func(m *continuity.Mirror) error { c, accepted = m.Chain, m.Accepted; return nil })
	return c, accepted, err
}

// pursue goes after what the log signs, until ctx ends. The first source that can be asked is asked: the operator while it is there, others while it is not.
func (f *Follower) pursue(ctx context.Context) error {
	sources := map[string]*source{}
	after, turned := int64(-1), int64(-1) // sizes up to after need no work
	stuck := false                        // the newest of them is refused, and nothing larger was seen since
	for ctx.Err() == nil {
		if now := f.turned.Load(); now != turned {
			after, turned, stuck = -1, now, false
			for _, s := range sources {
				s.pause.reset() // whoever was down may be the new operator
			}
		}
		from, patience, err := f.choose(ctx, sources)
		if err != nil {
			f.trouble(err)
			f.o.Log.WarnContext(ctx, "nobody to follow", "err", err)
			if sleep(ctx, f.o.Pause) != nil {
				return nil
			}
			continue
		}
		seen, err := f.advance(ctx, from.peer, after, patience)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil {
			if from.pause.reset(); seen >= 0 {
				after, stuck = seen, false
				f.well(from.peer, seen)
			} else if patience == f.o.Wait && !stuck {
				f.change(func(s *State) { s.Problem = "" }) // the first source answers, and has nothing new
			}
			continue
		}
		if settled(err) {
			// Nothing comes of asking again for the same tree: a larger one, another charter or people may help.
			after, stuck = max(after, seen), true
		}
		f.trouble(err)
		f.o.Log.WarnContext(ctx, "not followed", "source", from.peer.Base, "err", err)
		from.later(err)
		if cerr := f.takeCharters(ctx, from.peer); cerr != nil {
			f.o.Log.DebugContext(ctx, "charters not read", "source", from.peer.Base, "err", cerr)
		}
	}
	return nil
}

// longestOperator is how long the first source, which is the operator where the charter names one, is left alone at most: publishing waits for its mirrors.
const longestOperator = 2 * time.Second

// source is a server that is asked for checkpoints, and from when on.
type source struct {
	peer  *Peer
	pause backoff
	ready time.Time
}

// later puts a source that failed off, longer each time.
func (s *source) later(err error) {
	s.ready = time.Now().Add(s.pause.step(err)) //nolint:forbidigo // deadlines of the network know no other clock
}

// choose waits for the first source that may be asked, and says how long to wait for its news: with the first of all for long, with others only until the
// first may be asked again.
func (f *Follower) choose(ctx context.Context, known map[string]*source) (*source, time.Duration, error) {
	peers, err := f.peers(ctx)
	if err != nil {
		return nil, 0, err
	}
	if a := f.ahead.Swap(nil); a != nil && a.size > f.State().Size {
		return &source{peer: a.peer, pause: backoff{least: f.o.Least, most: f.o.Least, rand: f.o.Rand}}, 0, nil
	}
	var soonest *source
	for i, p := range peers {
		s := known[p.Base]
		if s == nil {
			s = &source{peer: p, pause: backoff{least: f.o.Least, rand: f.o.Rand}}
			known[p.Base] = s
		}
		if s.pause.most = 30 * time.Second; i == 0 {
			s.pause.most = longestOperator
		}
		if left := time.Until(s.ready); left <= 0 {
			if i == 0 {
				return s, f.o.Wait, nil
			}
			return s, max(0, min(f.o.Wait, time.Until(known[peers[0].Base].ready))), nil
		}
		if soonest == nil || s.ready.Before(soonest.ready) {
			soonest = s
		}
	}
	return soonest, f.o.Wait, sleep(ctx, time.Until(soonest.ready))
}

// settled says that a checkpoint will be answered the same however often it is considered.
func settled(err error) bool {
	for _, known := range []error{continuity.ErrStopped, continuity.ErrFork, continuity.ErrHeld, continuity.ErrAmnesia} {
		if errors.Is(err, known) {
			return true // of amnesia, only a charter with another key cures
		}
	}
	return false
}

// advance asks one server for a checkpoint beyond after and takes in what it covers. seen is the checkpoint's size, −1 when there was none to take in.
func (f *Follower) advance(ctx context.Context, peer *Peer, after int64, patience time.Duration) (seen int64, err error) {
	signed, err := f.next(ctx, peer, after, patience)
	if err != nil || signed == nil {
		return -1, err
	}
	chain, accepted, err := f.chain(ctx)
	if err != nil {
		return -1, err
	}
	q, err := continuity.QuorumOf(chain.Head())
	if err != nil {
		return -1, err
	}
	v := q.Check(signed)
	switch {
	case v.Err != nil:
		return -1, v.Err
	case !v.LogSigned:
		return -1, continuity.ErrUnsigned
	case f.o.Key == nil && v.Reason() != nil:
		return -1, v.Reason() // a reader fetches nothing that does not count
	}
	to := v.Tree()
	f.writing.Lock()
	defer f.writing.Unlock()
	stored, err := f.o.Store.Stored(ctx)
	if err != nil {
		return -1, err
	}
	t := newTree(peer, to, min(accepted.Size, stored.Size))
	if to.Size > stored.Size {
		// Fetched before the rules are taken: a charter that comes in must not wait for the network.
		if _, err := t.RootAt(ctx, stored.Size); err != nil {
			return -1, err
		}
	}
	if f.o.Key == nil {
		f.change(func(s *State) { s.Shown = max(s.Shown, to.Size) })
		if err := f.examine(ctx, signed, t, accepted); err != nil {
			return to.Size, err
		}
	}
	var step continuity.Step
	err = f.rules(ctx, func(m *continuity.Mirror) error {
		step, err = m.Consider(ctx, signed, t)
		return err
	})
	switch {
	case errors.Is(err, continuity.ErrTail):
		return -1, f.rebase(ctx, signed, t)
	case err != nil:
		return to.Size, err
	}
	if err := f.fetch(ctx, t, step); err != nil {
		return -1, f.refused(ctx, t, signed, err)
	}
	if f.o.Key == nil {
		return to.Size, f.accept(ctx, signed)
	}
	// Ciphertexts are handed to listed mirrors only; a spare gets them when a charter lists it.
	if listed(chain.Head(), f.o.Key) {
		if err := f.keepEscrow(ctx, peer, chain, to.Size); err != nil {
			return -1, err
		}
	}
	return to.Size, f.cosign(ctx, peer, signed)
}

// listed says whether a charter names a mirror of this key.
func listed(d *charter.Document, key *c2sp.Cosigner) bool {
	m := d.Charter().Mirrors
	return m != nil && slices.ContainsFunc(m.List, func(one charter.Mirror) bool { return one.VKey == key.VKey().String() })
}

// next is the checkpoint to consider: what is pending for a mirror, what is published for a reader; nil when there is none beyond after.
func (f *Follower) next(ctx context.Context, peer *Peer, after int64, patience time.Duration) ([]byte, error) {
	if f.o.Key != nil {
		signed, err := peer.pending(ctx, after, patience)
		if !errors.Is(err, ErrAbsent) {
			return signed, err
		}
	}
	signed, err := peer.checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	if n, err := c2sp.ParseNote(signed); err == nil {
		if c, err := c2sp.ParseCheckpoint(n.Text); err == nil && c.Size <= after {
			return nil, sleep(ctx, min(f.o.Pause, max(patience, f.o.Least)))
		}
	}
	return signed, nil
}

// refused writes down why a tree was not taken in, when it is a leaf's fault.
func (f *Follower) refused(ctx context.Context, t *tree, signed []byte, err error) error {
	v := violation(err)
	if v == nil {
		return err
	}
	// Fetched before the rules are taken. Without it the evidence is weaker, and is kept all the same.
	proof, perr := t.leafProof(ctx, signed, v.Leaf)
	if perr != nil {
		f.o.Log.WarnContext(ctx, "no proof of the leaf that breaks a rule", "leaf", v.Leaf, "err", perr)
	}
	herr := f.rules(ctx, func(m *continuity.Mirror) error { return m.Violation(ctx, signed, v.Leaf, v.Rule+": "+v.Reason, proof) })
	f.o.Log.ErrorContext(ctx, "a leaf breaks a rule: nothing beyond it is stored or cosigned", "leaf", v.Leaf, "rule", v.Rule, "reason", v.Reason)
	return errors.Join(err, herr)
}

// cosign lets the rules decide, and hands the line over.
func (f *Follower) cosign(ctx context.Context, peer *Peer, signed []byte) error {
	var line c2sp.Line
	err := f.rules(ctx, func(m *continuity.Mirror) (err error) {
		line, err = m.Cosign(ctx, signed)
		return err
	})
	if errors.Is(err, continuity.ErrNotListed) {
		return nil // stores and serves, until a charter lists its key
	}
	if err != nil {
		return err
	}
	n, err := c2sp.ParseNote(signed)
	if err != nil {
		return err
	}
	chain, _, err := f.chain(ctx)
	if err != nil {
		return err
	}
	own := c2sp.Note{Text: n.Text, Lines: []c2sp.Line{line}}.Bytes()
	if err = peer.cosign(ctx, own); err != nil {
		// The source may have been a mirror, which has no use for it.
		if operator := NewPeer(chain.Head().Charter().Operator.URL, f.o.HTTP); !sameServer(operator.Base, peer.Base) {
			err = operator.cosign(ctx, own)
		}
	}
	if err == nil {
		c, err := c2sp.ParseCheckpoint(n.Text)
		f.change(func(s *State) { s.Cosigned = c.Size })
		return err
	}
	return fmt.Errorf("hand over a cosignature: %w", err)
}

// rebase drops leaves that the list does not continue, after keeping them in a file.
func (f *Follower) rebase(ctx context.Context, signed []byte, t *tree) error {
	stored, err := f.o.Store.Stored(ctx)
	if err != nil {
		return err
	}
	// Fetched before the rules are taken.
	if _, err := t.RootAt(ctx, min(stored.Size, t.Size)); err != nil {
		return err
	}
	err = f.rules(ctx, func(m *continuity.Mirror) error {
		if err := f.o.Store.SaveTail(ctx, m.Accepted.Size); err != nil {
			return err
		}
		keep, err := m.Rebase(ctx, signed, t)
		if err == nil {
			f.o.Log.WarnContext(ctx, "leaves that the list does not continue were dropped", "kept", keep.Size, "had", stored.Size)
		}
		return err
	})
	if err != nil {
		return err
	}
	f.side.Lock()
	f.erased, f.escrowed = erasures{}, escrowed{}
	f.side.Unlock()
	f.turned.Add(1)
	return f.o.Store.Refold(ctx)
}
