package mirror

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
)

// peers are all servers to ask, those given first, then the operator and the mirrors that the charter names; this copy itself is not among them. Who was
// the operator and is named no more comes last: it may live on, and have nothing new to say for ever. For a mirror with a key the operator comes before
// everybody: only there begins what is to be cosigned, and mirrors that were given each other would wait for each other.
func (f *Follower) peers(ctx context.Context) ([]*Peer, error) {
	chain, _, err := f.chain(ctx)
	if err != nil {
		return nil, err
	}
	c := chain.Head().Charter()
	urls := append(slices.Clone(f.o.Sources), c.Operator.URL)
	if c.Mirrors != nil {
		for _, m := range c.Mirrors.List {
			if f.o.Key == nil || m.VKey != f.o.Key.VKey().String() {
				urls = append(urls, m.URL)
			}
		}
	}
	named := func(u string) bool {
		return sameServer(u, c.Operator.URL) || c.Mirrors != nil && slices.ContainsFunc(c.Mirrors.List, func(m charter.Mirror) bool { return sameServer(u, m.URL) })
	}
	retired := func(u string) bool {
		return !named(u) && slices.ContainsFunc(chain.Documents(), func(d *charter.Document) bool { return sameServer(u, d.Charter().Operator.URL) })
	}
	rank := func(u string) int {
		switch {
		case f.o.Key != nil && sameServer(u, c.Operator.URL):
			return 0
		case retired(u):
			return 2
		}
		return 1
	}
	slices.SortStableFunc(urls, func(a, b string) int { return rank(a) - rank(b) })
	var out []*Peer
	for _, u := range urls {
		same := func(other string) bool { return sameServer(u, other) }
		if u == "" || slices.ContainsFunc(f.o.Self, same) || slices.ContainsFunc(out, func(p *Peer) bool { return same(p.Base) }) {
			continue
		}
		out = append(out, NewPeer(u, f.o.HTTP))
	}
	if len(out) == 0 {
		return nil, errors.New("mirror: there is nobody to follow: no server was given, and the charter names none but this one")
	}
	return out, nil
}

// gossip looks at charters and at what is published, of the first server and of two others in turn, until ctx ends.
func (f *Follower) gossip(ctx context.Context) error {
	for n := 0; ; n++ {
		peers, err := f.peers(ctx)
		if err != nil {
			if sleep(ctx, f.o.Pause) != nil {
				return nil
			}
			continue
		}
		ask := peers[:1]
		for i := range min(2, len(peers)-1) {
			ask = append(ask[:len(ask):len(ask)], peers[1+(2*n+i)%(len(peers)-1)])
		}
		if f.o.Key != nil {
			if err := f.lookBack(ctx, peers[0]); err != nil && ctx.Err() == nil {
				f.o.Log.DebugContext(ctx, "pending checkpoint not compared", "source", peers[0].Base, "err", err)
			}
		}
		for _, p := range ask {
			if err := errors.Join(f.takeCharters(ctx, p), f.takePublished(ctx, p)); err != nil && ctx.Err() == nil && !errors.Is(err, ErrAbsent) {
				f.o.Log.DebugContext(ctx, "nothing new", "source", p.Base, "err", err)
			}
		}
		// Jitter, so that the mirrors of a list do not ask in step.
		if sleep(ctx, f.o.Pause/2+time.Duration(f.o.Rand()*float64(f.o.Pause))) != nil {
			return nil
		}
	}
}

// lookBack notices a log that shows less than it has signed: a copy from before came back. Whoever waits for growth alone would wait for ever.
func (f *Follower) lookBack(ctx context.Context, p *Peer) error {
	signed, err := p.pending(ctx, -1, 0)
	if err != nil || signed == nil {
		return err
	}
	chain, _, err := f.chain(ctx)
	if err != nil {
		return err
	}
	q, err := continuity.QuorumOf(chain.Head())
	if err != nil {
		return err
	}
	v := q.Check(signed)
	seen, err := f.o.Store.Seen(ctx, q.Origin())
	if err != nil {
		return err
	}
	if v.Err == nil && v.LogSigned && v.Checkpoint.Size < seen {
		f.trouble(ErrBehind)
		f.o.Log.ErrorContext(ctx, "the log shows less than it has signed: an older copy of it came back", "source", p.Base, "shown", v.Checkpoint.Size, "signed", seen)
	}
	return nil
}

// ErrBehind means a log that shows less than it has signed.
var ErrBehind = errors.New("mirror: the operator shows less than its log has signed: an older copy of it came back")

// takePublished looks at a server's published checkpoint. One that bears the quorum over another tree than the stored one shows which branch the list
// goes on with: this copy leaves the other. One that is larger than what the source shows is asked for where it was found.
func (f *Follower) takePublished(ctx context.Context, p *Peer) error {
	signed, err := p.checkpoint(ctx)
	if err != nil {
		return err
	}
	err = f.accept(ctx, signed)
	forked := errors.Is(err, continuity.ErrFork) && !errors.Is(err, continuity.ErrHeld)
	if err != nil && !forked {
		return err
	}
	chain, accepted, cerr := f.chain(ctx)
	if cerr != nil {
		return cerr
	}
	q, cerr := continuity.QuorumOf(chain.Head())
	if cerr != nil {
		return cerr
	}
	v := q.Check(signed)
	if v.Reason() != nil {
		return err
	}
	stored, serr := f.o.Store.Stored(ctx)
	if serr != nil {
		return serr
	}
	t := newTree(p, v.Tree(), min(accepted.Size, stored.Size))
	if !forked {
		if v.Checkpoint.Size <= stored.Size {
			return nil
		}
		root, err := t.RootAt(ctx, stored.Size)
		if err != nil {
			return err
		}
		if root == stored.Root {
			f.ahead.Store(&ahead{p, v.Checkpoint.Size})
			return nil
		}
		// The rules keep both notes, and stop; ErrTail says that it is only the end of an old epoch, which pursue sees to.
		err = f.rules(ctx, func(m *continuity.Mirror) error { _, err := m.Consider(ctx, signed, t); return err })
		if err == nil || errors.Is(err, continuity.ErrTail) || errors.Is(err, continuity.ErrHeld) {
			f.ahead.Store(&ahead{p, v.Checkpoint.Size})
			return err
		}
	}
	if f.o.Key == nil {
		// A reader leaves no branch of a quorum: it holds.
		if herr := f.examine(ctx, signed, t, accepted); errors.Is(herr, continuity.ErrHeld) {
			return errors.Join(err, herr)
		}
	}
	f.writing.Lock()
	defer f.writing.Unlock()
	return errors.Join(err, f.rebase(ctx, signed, t))
}

// ahead is a server that shows more than the source does.
type ahead struct {
	peer *Peer
	size int64
}

// accept makes a published checkpoint this copy's view, if the rules let it and its leaves are here.
func (f *Follower) accept(ctx context.Context, signed []byte) error {
	var now continuity.Accepted
	err := f.rules(ctx, func(m *continuity.Mirror) error {
		err := m.Accept(ctx, signed)
		now = m.Accepted
		return err
	})
	switch {
	case err == nil:
		return f.o.Store.Accepted(ctx, now)
	case errors.Is(err, continuity.ErrStale), errors.Is(err, continuity.ErrUnstored):
		return nil
	}
	return err
}

// takeCharters fetches the charters that a server has and this copy has not, and offers them to the rules.
func (f *Follower) takeCharters(ctx context.Context, p *Peer) error {
	paths, err := p.charters(ctx)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	err = f.rules(ctx, func(m *continuity.Mirror) error {
		for _, d := range append(m.Chain.Documents(), m.Siblings...) {
			known["/charter/"+d.FileName()] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	paths = slices.DeleteFunc(paths, func(path string) bool { return known[path] || version(path) == 0 })
	slices.SortStableFunc(paths, func(a, b string) int { return int(version(a) - version(b)) })
	var all error
	for _, path := range paths {
		raw, err := p.charter(ctx, path)
		if err == nil {
			_, err = f.Offer(ctx, raw)
		}
		all = errors.Join(all, err)
	}
	return all
}

// Offer takes in a charter document from anybody. One that opens an epoch has sealed the old origin when this returns. Errors are of package charter, or
// continuity's; a charter that was taken in is passed on to the other mirrors.
func (f *Follower) Offer(ctx context.Context, document []byte) (continuity.Offer, error) {
	d, err := charter.Parse(document)
	if err != nil {
		return "", err
	}
	var out continuity.Offer
	var chain *charter.Chain
	err = f.rules(ctx, func(m *continuity.Mirror) error {
		out, err = m.OfferCharter(ctx, d)
		chain = m.Chain
		return err
	})
	if err != nil {
		return out, err
	}
	if out == continuity.OfferKnown {
		return out, nil
	}
	f.o.Log.WarnContext(ctx, "a charter was taken in", "version", d.Charter().V, "hash", d.Hash(), "as", string(out))
	f.turned.Add(1)
	if err := f.o.Store.Chartered(ctx, chain); err != nil {
		return out, err
	}
	go f.pass(context.WithoutCancel(ctx), document)
	return out, nil
}

// pass hands a charter on to everybody, and to the operator whose epoch it may end. Whoever is not there now asks for it later.
func (f *Follower) pass(ctx context.Context, document []byte) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	peers, err := f.peers(ctx)
	if err != nil {
		return
	}
	if chain, _, err := f.chain(ctx); err == nil && chain.Head().Charter().V > 1 {
		before := chain.At(chain.Head().Charter().V - 1).Charter().Operator.URL
		known := func(p *Peer) bool { return sameServer(p.Base, before) }
		if before != "" && !slices.ContainsFunc(peers, known) && !slices.ContainsFunc(f.o.Self, func(own string) bool { return sameServer(own, before) }) {
			peers = append(peers, NewPeer(before, f.o.HTTP))
		}
	}
	var offers sync.WaitGroup
	for _, p := range peers {
		offers.Go(func() {
			if err := p.offer(ctx, document); err != nil {
				f.o.Log.DebugContext(ctx, "charter not passed on", "to", p.Base, "err", err)
			}
		})
	}
	offers.Wait()
}

// Chain fetches the charter chain of a list from its genesis on, for whoever knows no more of the list than its id. Siblings are left for later: the chain
// that it returns is the longest that the server's documents make. Errors are of package charter: ErrOtherList when the server's list is another.
func (p *Peer) Chain(ctx context.Context, list string) (*charter.Chain, error) {
	paths, err := p.charters(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(paths, func(a, b string) int { return int(version(a) - version(b)) })
	var chain *charter.Chain
	for _, path := range paths {
		raw, err := p.charter(ctx, path)
		if err != nil {
			return nil, err
		}
		d, err := charter.Parse(raw)
		switch {
		case err != nil:
			return nil, err
		case chain != nil:
			if err := chain.Extend(d); err != nil && !errors.Is(err, charter.ErrSibling) && !errors.Is(err, charter.ErrKnown) && !errors.Is(err, charter.ErrPrev) {
				return nil, err
			}
		case d.Hash() != list:
			return nil, charter.ErrOtherList
		default:
			if chain, err = charter.NewChain(d); err != nil {
				return nil, err
			}
		}
	}
	if chain == nil {
		return nil, ErrAbsent
	}
	return chain, nil
}
