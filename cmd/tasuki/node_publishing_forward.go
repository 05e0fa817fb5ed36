package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"tasuki/internal/continuity"
	"tasuki/internal/store"
	"tasuki/spec/c2sp"
)

// Of several nodes on one store one signs, and counts what mirrors cosign. A mirror asks whichever it reaches, so the others pass lines on through the store.

// errNotPublishing means that this node has signed nothing that the line could be for, and shares its store with nobody.
var errNotPublishing = errors.New("nothing is signed here at the moment; ask again")

// forwardEvery is how often the node that signs looks for lines that others took in, while it waits for some.
const forwardEvery = 100 * time.Millisecond

// forward keeps a line for the node that signs.
func (p *publishing) forward(ctx context.Context, note c2sp.Note) error {
	if p.n.db.Engine() != store.Postgres {
		return errNotPublishing
	}
	return p.n.continuity.Forward(ctx, p.rules.Quorum(), note)
}

// collecting takes in what others forward, beside run, until the returned function is called.
func (p *publishing) collecting(ctx context.Context) (stop func()) {
	if p.n.db.Engine() != store.Postgres {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() {
		tick := time.NewTicker(forwardEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if err := p.collect(ctx); err != nil && ctx.Err() == nil {
				p.n.log.WarnContext(ctx, "cosignatures that other nodes took in are not read", "err", err)
			}
		}
	})
	return func() { cancel(); work.Wait() }
}

func (p *publishing) collect(ctx context.Context) error {
	p.mu.Lock()
	pending, published := p.pending.Size, p.rules.Published().Size
	p.mu.Unlock()
	if cp := p.n.checkpoint.Load(); cp != nil {
		published = max(published, cp.Size) // by another node
	}
	if pending <= published {
		return nil
	}
	origin := p.rules.Quorum().Origin()
	notes, err := p.n.continuity.Forwarded(ctx, origin, published)
	if err != nil || len(notes) == 0 {
		return err
	}
	for _, raw := range notes {
		note, err := c2sp.ParseNote(raw)
		if err != nil {
			return err
		}
		p.mu.Lock()
		err = p.rules.Lines(ctx, note)
		p.mu.Unlock()
		// A line for a tree that this log never signed, or that nobody waits for any more, is passed over.
		if err != nil && !errors.Is(err, continuity.ErrStale) && !errors.Is(err, continuity.ErrFork) && !errors.Is(err, continuity.ErrUnsigned) {
			return err
		}
		if err == nil {
			p.n.sightings.See(p.rules.Quorum(), raw)
		}
	}
	p.news.tell()
	return p.n.continuity.DropForwarded(ctx, origin, published)
}
