package sim

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/continuity/internal/mutant"
)

// errCrash is what the rules see when the machine under them stops: the write may have happened or not.
var errCrash = errors.New("sim: the machine stopped")

// content is what a disk holds.
type content struct {
	id        string
	chain     *charter.Chain
	siblings  []*charter.Document
	accepted  continuity.Accepted
	hold      continuity.Hold
	log       tree
	signed    continuity.Signed // by the log key of this node's own epoch, last
	heads     map[string]heads
	seals     []sealed
	stops     map[string]continuity.Stop
	collected map[string]continuity.Signed
	published map[string]continuity.Signed
	reports   [][]byte
	evidence  int
}

type heads struct {
	seen, cosigned continuity.Signed
	sealed         bool
}

type sealed struct {
	origin, charter string
	continuity.Signed
}

func (c *content) clone() content {
	d := *c
	d.siblings, d.seals = slices.Clone(c.siblings), slices.Clone(c.seals)
	d.log = c.log.snapshot()
	d.heads, d.stops = maps.Clone(c.heads), maps.Clone(c.stops)
	d.collected, d.published = maps.Clone(c.collected), maps.Clone(c.published)
	return d
}

// disk is a transactional store as seen by one node: each method is one commit. A commit may meet a crash: before it, after it but
// before anybody hears of it, or torn in the middle, which the store's own journal turns into before.
type disk struct {
	n *node
	content
	synced  *content // what survives a power loss; nil: everything does, as each commit is synced
	before  *content // under a mutant that seals in memory only: what a power loss brings back of charters and seals
	writing int      // commits so far
}

func newDisk(n *node, chain *charter.Chain, id string) *disk {
	return &disk{n: n, content: content{id: id, chain: chain, log: newTree(), heads: map[string]heads{}, stops: map[string]continuity.Stop{},
		collected: map[string]continuity.Signed{}, published: map[string]continuity.Signed{}}}
}

// commit runs one write. lazy says that the mutant under test does not sync it.
func (d *disk) commit(lazy mutant.Mutant, write func() error) error {
	w := d.n.w
	d.writing++
	crash := w.crashes(d.n)
	if crash && w.rng.IntN(2) == 0 {
		return errCrash
	}
	if w.kit.off == lazy && lazy != mutant.None && d.synced == nil {
		c := d.clone()
		d.synced = &c
	} else if d.synced != nil && w.kit.off != lazy {
		d.synced = nil // a sync takes everything before it along
	}
	if err := write(); err != nil {
		return err
	}
	if crash {
		return errCrash
	}
	return nil
}

// lose is a power loss.
func (d *disk) lose() {
	if d.synced != nil {
		d.content = *d.synced
		d.synced = nil
	}
	if b := d.before; b != nil {
		d.chain, d.seals = b.chain, b.seals
		for origin, h := range d.heads {
			h.sealed = b.heads[origin].sealed
			d.heads[origin] = h
		}
		d.before = nil
	}
}

func (d *disk) Load(context.Context) (continuity.Following, error) {
	return continuity.Following{Chain: d.chain, Siblings: slices.Clone(d.siblings), Accepted: d.accepted, Hold: d.hold}, nil
}

func (d *disk) seal(s *continuity.Sealing) error {
	if s == nil {
		return nil
	}
	if s.Binds() {
		h := d.heads[s.Origin]
		h.sealed = true
		d.heads[s.Origin] = h
	}
	if s.Sign == nil {
		return nil
	}
	stored := d.log.tree()
	if !s.Entered && d.heads[s.Origin].cosigned.Size == 0 {
		stored = d.accepted.Tree
		if stored.Size == 0 {
			stored.Root = d.log.root(0)
		}
	}
	note, err := s.Sign(stored)
	if err != nil {
		return err
	}
	d.seals = append(d.seals, sealed{s.Origin, s.Charter, continuity.Signed{Tree: stored, Note: note}})
	return nil
}

func (d *disk) Extend(_ context.Context, doc *charter.Document, s *continuity.Sealing) error {
	return d.commit(mutant.None, func() error {
		if d.n.w.off(mutant.SealUnsynced) && d.before == nil {
			c := d.clone()
			d.before = &c
		}
		if err := d.seal(s); err != nil {
			return err
		}
		next, err := d.n.w.kit.extend(d.chain, doc)
		d.chain = next
		return err
	})
}

func (d *disk) KeepSibling(_ context.Context, doc *charter.Document, h continuity.Hold) error {
	return d.commit(mutant.None, func() error {
		d.siblings, d.hold = append(d.siblings, doc), h
		return nil
	})
}

func (d *disk) Choose(_ context.Context, doc *charter.Document, s *continuity.Sealing) error {
	return d.commit(mutant.None, func() error {
		if err := d.seal(s); err != nil {
			return err
		}
		head := d.chain.Head()
		next, err := d.n.w.kit.extend(d.chain, doc)
		if next == nil {
			return err
		}
		d.siblings = slices.DeleteFunc(slices.Clone(d.siblings), func(o *charter.Document) bool { return o == doc })
		d.chain, d.siblings, d.hold = next, append(d.siblings, head), continuity.Hold{}
		return nil
	})
}

func (d *disk) Accept(_ context.Context, a continuity.Accepted) error {
	if a.Size < d.accepted.Size && d.n.w.kit.off != mutant.ClientBack {
		return continuity.ErrStale
	}
	return d.commit(mutant.None, func() error { d.accepted = a; return nil })
}

func (d *disk) Hold(_ context.Context, h continuity.Hold, e *continuity.Evidence) error {
	return d.commit(mutant.None, func() error {
		d.hold = h
		d.keep(e)
		return nil
	})
}

func (d *disk) keep(e *continuity.Evidence) {
	if e != nil {
		d.evidence++
	}
}

func (d *disk) Keep(context.Context, continuity.Evidence) error {
	return d.commit(mutant.None, func() error { d.evidence++; return nil })
}

func (d *disk) RootAt(_ context.Context, n int64) (tlog.Hash, error) { return d.log.root(n), nil }

func (d *disk) Opening(_ context.Context, epoch int64) (continuity.Opening, error) {
	return d.n.w.openingIn(&d.log, epoch)
}

func (d *disk) ID(context.Context) (string, error) { return d.id, nil }

func (d *disk) Stored(context.Context) (continuity.Tree, error) { return d.log.tree(), nil }

func (d *disk) Heads(_ context.Context, origin string) (seen, cosigned continuity.Signed, err error) {
	h := d.heads[origin]
	return h.seen, h.cosigned, nil
}

func (d *disk) See(_ context.Context, origin string, s continuity.Signed) error {
	return d.commit(mutant.NoFsync, func() error {
		h := d.heads[origin]
		h.seen = s
		d.heads[origin] = h
		return nil
	})
}

// Cosign is the statement that decides; sql/cosign.sql says the same.
func (d *disk) Cosign(_ context.Context, origin string, s continuity.Signed) error {
	h := d.heads[origin]
	if d.n.w.kit.off != mutant.CosignBack {
		switch {
		case h.sealed:
			return continuity.ErrSealed
		case s.Size < h.cosigned.Size:
			return continuity.ErrStale
		case s.Size == h.cosigned.Size && s.Root != h.cosigned.Root:
			return continuity.ErrFork
		}
	}
	return d.commit(mutant.NoFsync, func() error {
		h.cosigned = s
		d.heads[origin] = h
		return nil
	})
}

func (d *disk) Seals(context.Context) (out []continuity.Signed, err error) {
	for _, s := range d.seals {
		out = append(out, s.Signed)
	}
	return out, nil
}

func (d *disk) Halt(_ context.Context, s continuity.Stop, e *continuity.Evidence) error {
	return d.commit(mutant.None, func() error {
		if have, ok := d.stops[s.Origin]; !ok || s.Size < have.Size {
			d.stops[s.Origin] = s
		}
		d.keep(e)
		return nil
	})
}

func (d *disk) Halted(_ context.Context, origin string) (*continuity.Stop, error) {
	if s, ok := d.stops[origin]; ok {
		return &s, nil
	}
	return nil, nil
}

func (d *disk) Reports(context.Context) ([][]byte, error) { return d.reports, nil }

func (d *disk) Cut(_ context.Context, size int64, reports [][]byte) error {
	return d.commit(mutant.None, func() error {
		d.reports = append(d.reports[:len(d.reports):len(d.reports)], reports...)
		for _, l := range d.log.leaves[size:] {
			if l&opening == 0 {
				d.n.tail = append(d.n.tail, l)
			}
		}
		d.log = d.log.cut(size)
		if d.signed.Size > size {
			d.signed = continuity.Signed{}
		}
		return nil
	})
}

// errRule is a leaf that no honest operator writes: here an epoch that is not above all before (continuity.Projection).
var errRule = errors.New("sim: a leaf against the rules")

// store takes in leaves of a proven tree up to a size, each commit a few of them, as bundles are.
func (d *disk) store(t *tree, upto int64) error {
	for _, i := range t.opens {
		epoch := d.n.w.openings[t.leaves[i]&^opening].Epoch
		for _, j := range d.log.opens {
			if int64(i) >= d.log.size() && int64(i) < upto && d.n.w.openings[d.log.leaves[j]&^opening].Epoch >= epoch {
				return errRule
			}
		}
	}
	for d.log.size() < upto {
		if err := d.commit(mutant.NoFsync, func() error {
			for range 1 + d.n.w.rng.IntN(8) {
				if d.log.size() < upto {
					d.log.add(t.leaves[d.log.size()])
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// append adds a leaf of the node's own.
func (d *disk) append(leaf uint32) error {
	return d.commit(mutant.None, func() error { d.log.add(leaf); return nil })
}

func (d *disk) Collected(_ context.Context, origin string) (continuity.Signed, error) {
	return d.collected[origin], nil
}

func (d *disk) Collect(_ context.Context, origin string, s continuity.Signed) error {
	return d.commit(mutant.None, func() error { d.collected[origin] = s; return nil })
}

func (d *disk) Published(_ context.Context, origin string) (continuity.Signed, error) {
	return d.published[origin], nil
}

func (d *disk) Publish(_ context.Context, origin string, s continuity.Signed) error {
	have := d.content.published[origin]
	switch {
	case s.Size < have.Size:
		return continuity.ErrStale
	case s.Size == have.Size && s.Root != have.Root && have.Size > 0:
		return continuity.ErrFork
	}
	return d.commit(mutant.None, func() error { d.published[origin] = s; return nil })
}

// clock is a node's wall clock: the world's time and what its owner made of it.
func (n *node) clock() time.Time {
	return time.Unix(1_780_000_000, 0).Add(time.Duration(n.w.now)*time.Millisecond + n.skew)
}
