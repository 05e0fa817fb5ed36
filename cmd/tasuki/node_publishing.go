package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/authority"
	"tasuki/internal/continuity"
	"tasuki/internal/edge/publish/cosign"
	"tasuki/internal/edge/serve/relay"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/spec/c2sp"
)

// How long the parts of a cycle may take.
const (
	cyclePatience = 2 * time.Second // for the quorum, before the next checkpoint is offered beside the present one
	witnessPause  = time.Second     // before a witness that failed is asked again
)

// publishing is the cycle of a list whose charter asks for more than the log's own signature: what the log signs is pending until
// mirrors have stored it and witnesses have seen it (continuity C.3). The rules are continuity's; here are the clock and the network.
type publishing struct {
	n      *node
	key    note.Signer // of the log, for promises
	http   *http.Client
	asker  *cosign.Asker
	own    *continuity.Mirror // of a mirror that was promoted and is still one; nil otherwise
	ownKey string
	news   news // pending or published has changed

	mu      sync.Mutex
	rules   *continuity.Publisher
	pending ledger.Checkpoint // newest that this node has signed or taken over; zero while another node of the store signs
	since   time.Time         // from when on something has been pending without a quorum; zero while nothing is
}

// openPublishing is nil for a list that publishes what it signs.
func (n *node) openPublishing(ctx context.Context, key note.Signer) (*publishing, error) {
	rules, err := continuity.OpenPublisher(ctx, n.chain.Opening(), n.continuity)
	if err != nil || rules.Quorum().Alone() {
		return nil, err
	}
	p := &publishing{n: n, key: key, http: n.httpClient(), rules: rules, asker: cosign.New(&http.Client{Timeout: cosign.DefaultTimeout})}
	if p.own, p.ownKey, err = n.ownMirror(ctx); err != nil {
		return nil, err
	}
	n.office.close(asksFirst)
	return p, nil
}

// signed takes over what the log key has signed. It runs inside the signer and must not block.
func (p *publishing) signed(c ledger.Checkpoint) {
	p.mu.Lock()
	err := p.rules.Pending(c.Note)
	p.pending = c
	if p.since.IsZero() && c.Size > p.rules.Published().Size {
		p.since = p.n.now()
	}
	p.mu.Unlock()
	if err != nil {
		p.n.log.Error("signed checkpoint not taken over", "size", c.Size, "err", err)
	}
	p.news.tell()
	p.n.signedNews.tell()
}

// settled waits until a checkpoint is published, or for so long that the next had better be offered too.
func (p *publishing) settled(ctx context.Context, c ledger.Checkpoint) {
	p.n.awaitPublished(ctx, c.Size) // either way the next is signed
}

// awaitPublished gives the quorum a moment to cover size leaves. Whether it did is for the caller to look at.
func (n *node) awaitPublished(ctx context.Context, size int64) {
	if n.publishing == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, cyclePatience)
	defer cancel()
	_ = n.publishing.wait(ctx, size)
}

// wait returns nil once a published checkpoint covers size leaves.
func (p *publishing) wait(ctx context.Context, size int64) error {
	for {
		changed := p.news.next()
		if cp := p.n.checkpoint.Load(); cp != nil && cp.Size >= size {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// run goes round until ctx ends.
func (p *publishing) run(ctx context.Context) error {
	if !p.n.opened(ctx) {
		return nil // what was collected before stays as it is: this may be an older copy
	}
	defer p.collecting(ctx)()
	for {
		changed := p.news.next()
		next := p.next()
		again := false
		switch next.Phase {
		case continuity.Publish:
			if err := p.publish(ctx); err != nil && ctx.Err() == nil {
				p.n.log.ErrorContext(ctx, "checkpoint not published", "size", next.Tree.Size, "err", err)
				if errors.Is(err, continuity.ErrFork) {
					return err
				}
				again = true
			}
		case continuity.AskWitnesses:
			again = !p.askWitnesses(ctx, next)
		case continuity.AskMirrors:
			again = !p.cosignOwn(ctx, next)
		default:
		}
		if next.Phase == continuity.Publish && !again {
			continue
		}
		var retry <-chan time.Time
		if again {
			retry = time.After(witnessPause)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-retry:
		}
	}
}

// cosignOwn lets the operator's own mirror key cosign, where there is one, and says whether that needs no second try.
func (p *publishing) cosignOwn(ctx context.Context, next continuity.Next) bool {
	if p.own == nil || next.Note == nil || !slices.ContainsFunc(next.Mirrors, func(m continuity.Party) bool { return m.VKey == p.ownKey }) {
		return true
	}
	_, err := p.own.Consider(ctx, next.Note, p.n.continuity)
	var line c2sp.Line
	if err == nil {
		line, err = p.own.Cosign(ctx, next.Note)
	}
	if err == nil {
		err = p.lines(ctx, c2sp.Note{Text: next.Verdict.Text, Lines: []c2sp.Line{line}})
	}
	if err != nil {
		p.n.log.WarnContext(ctx, "not cosigned by the operator's own mirror key", "size", next.Tree.Size, "err", err)
	}
	return err == nil
}

func (p *publishing) next() continuity.Next {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rules.Next()
}

func (p *publishing) publish(ctx context.Context) error {
	p.mu.Lock()
	s, err := p.rules.Publish(ctx)
	if err == nil && p.pending.Size <= s.Size {
		p.since = time.Time{}
	}
	p.mu.Unlock()
	if err != nil {
		return err
	}
	cp := publishedCheckpoint(p.rules.Quorum(), s)
	p.n.checkpoint.Store(&cp)
	p.news.tell()
	return nil
}

// publishedCheckpoint is a published note as the rest of the node knows checkpoints. Its time is that of its newest cosignature.
func publishedCheckpoint(q *continuity.Quorum, s continuity.Signed) ledger.Checkpoint {
	v := q.Check(s.Note)
	_, newest := v.Times()
	return ledger.Checkpoint{Origin: v.Checkpoint.Origin, Size: s.Size, Root: s.Root, Note: s.Note, Time: newest.UnixMilli()}
}

// askWitnesses asks all that are missing at the same time and takes their lines in as they come. It returns when the quorum is
// there or all have answered, and says whether anything came of it.
func (p *publishing) askWitnesses(ctx context.Context, next continuity.Next) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cp := c2sp.Checkpoint{Origin: next.Verdict.Checkpoint.Origin, Size: next.Tree.Size, Root: next.Tree.Root}
	lines := make(chan c2sp.Line, len(next.Witnesses))
	var asked sync.WaitGroup
	for _, w := range next.Witnesses {
		key, err := c2sp.ParseVKey(w.VKey)
		if err != nil || w.URL == "" {
			continue // a witness that comes to us, or not at all
		}
		asked.Go(func() {
			line, _, err := p.asker.Ask(ctx, c2sp.PolicyWitness{Name: w.Name, Key: key, URL: w.URL}, cp, next.Note, p.prove)
			switch {
			case err == nil:
				lines <- line
			case ctx.Err() == nil:
				p.n.log.WarnContext(ctx, "no cosignature of a witness", "witness", w.Name, "size", cp.Size, "err", err)
			}
		})
	}
	go func() { asked.Wait(); close(lines) }()
	got := false
	for line := range lines {
		p.mu.Lock()
		err := p.rules.Lines(ctx, c2sp.Note{Text: cp.String(), Lines: []c2sp.Line{line}})
		due := p.rules.Next().Phase
		p.mu.Unlock()
		p.n.sightings.See(p.rules.Quorum(), c2sp.Note{Text: cp.String(), Lines: []c2sp.Line{line}}.Bytes())
		if err != nil {
			p.n.log.WarnContext(ctx, "cosignature of a witness not taken", "size", cp.Size, "err", err)
			continue
		}
		got = true
		if due == continuity.Publish {
			break
		}
	}
	if got {
		p.news.tell()
	}
	return got
}

func (p *publishing) prove(ctx context.Context, from, to int64) (proof tlog.TreeProof, err error) {
	err = p.n.db.View(ctx, func(tx *store.Tx) (err error) {
		proof, err = p.n.ledger.ProveConsistency(ctx, tx, from, to)
		return err
	})
	return proof, err
}

// lines takes in what a mirror has cosigned. What is beyond everything that this node signed is for another node of the store.
func (p *publishing) lines(ctx context.Context, note c2sp.Note) error {
	p.mu.Lock()
	newest := p.pending.Size
	err := p.rules.Lines(ctx, note)
	p.mu.Unlock()
	switch {
	case err == nil:
		p.n.sightings.See(p.rules.Quorum(), note.Bytes())
		p.news.tell()
	case errors.Is(err, continuity.ErrStale):
		if cp, perr := c2sp.ParseCheckpoint(note.Text); perr == nil && cp.Size > newest {
			return p.forward(ctx, note)
		}
		p.n.sightedLate(ctx, p.rules.Quorum(), note)
	}
	return err
}

// size is that of the newest pending checkpoint.
func (p *publishing) size() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pending.Size
}

// late is for how long something has been pending without a quorum.
func (p *publishing) late(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if cp := p.n.checkpoint.Load(); p.since.IsZero() || cp != nil && cp.Size >= p.pending.Size { // another node of the store may have published it
		return 0
	}
	return now.Sub(p.since)
}

// durability says to writers when what they wrote is out of this operator's hands.
type durability struct{ *node }

// Quorum says whether replies wait at all.
func (n durability) Quorum() bool { return n.publishing != nil }

// Wait waits for the published checkpoint.
func (n durability) Wait(ctx context.Context, size int64) error { return n.publishing.wait(ctx, size) }

// promiseFor is how long the log takes at most to have what it took under a published checkpoint.
const promiseFor = 24 * time.Hour

// Promise gives the log's word, which is worth something only while this node runs the log.
func (n durability) Promise(_ context.Context, events []ledger.Hash) ([]byte, error) {
	if why, _ := n.office.state(); why != "" {
		return nil, fmt.Errorf("%w: %s", authority.ErrSealed, why)
	}
	return continuity.Promise{List: n.chain.ListID(), Deadline: n.now().Add(promiseFor).UTC().Truncate(time.Second), Events: events}.Sign(n.publishing.key)
}

// acknowledged lets a surface that writes tell its callers how safe it is what they wrote.
func (n *node) acknowledged(surface http.Handler, refuse func(http.ResponseWriter, *http.Request, int, string)) http.Handler {
	if n.publishing == nil {
		return surface
	}
	if refuse == nil {
		refuse = func(w http.ResponseWriter, _ *http.Request, status int, message string) {
			http.Error(w, message, status)
		}
	}
	return relay.Acknowledge(surface, relay.Ack{Durability: durability{n}, Strict: n.cfg.StrictAck, Refuse: refuse})
}
