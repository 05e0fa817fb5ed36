package continuity

import (
	"context"
	"fmt"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/continuity/internal/mutant"
	"tasuki/spec/c2sp"
)

// Publisher is the order in which an operator publishes (C.3): the log signs (pending), mirrors store and cosign, their lines are on
// disk, then and only then witnesses are asked, and when the quorum is there the checkpoint is published. It keeps the few pending
// checkpoints that mirrors may still be working on.
type Publisher struct {
	quorum    *Quorum
	disk      PublisherDisk
	window    []candidate // sizes rising
	published Signed
}

// candidate is a pending checkpoint and the lines that came for it.
type candidate struct {
	note    c2sp.Note
	signed  []byte
	tree    Tree
	verdict Verdict // of the note
}

// window bounds how many pending checkpoints wait for lines: a mirror that is further behind cosigns a later one.
const window = 16

// Phase is the step of the cycle that is due next.
type Phase int

// The phases.
const (
	Idle         Phase = iota // everything pending is published
	AskMirrors                // lines of mirrors are missing
	AskWitnesses              // the mirrors' lines are on disk
	Publish                   // the quorum is there: Publish
)

func (p Phase) String() string { return [...]string{"idle", "mirrors", "witnesses", "publish"}[p] }

// Next says what the cycle waits for.
type Next struct {
	Phase     Phase
	Tree      Tree    // the checkpoint that it is about
	Note      []byte  // with the lines so far
	Mirrors   []Party // that have not cosigned it
	Witnesses []Party
	Verdict   Verdict
}

// OpenPublisher loads the state of the epoch of the charter in force.
func (r Rules) OpenPublisher(ctx context.Context, d *charter.Document, disk PublisherDisk) (*Publisher, error) {
	q, err := r.QuorumOf(d)
	if err != nil {
		return nil, err
	}
	p := &Publisher{quorum: q, disk: disk}
	if p.published, err = disk.Published(ctx, q.Origin()); err != nil {
		return nil, err
	}
	if p.published.Size > 0 {
		v := q.Check(p.published.Note)
		_, p.published.Time = v.Times()
	}
	collected, err := disk.Collected(ctx, q.Origin())
	if err != nil {
		return nil, err
	}
	if collected.Size > p.published.Size || collected.Size > 0 && p.published.Size == 0 {
		v := q.Check(collected.Note)
		if v.Err != nil {
			return nil, v.Err
		}
		p.window = []candidate{{v.note, collected.Note, collected.Tree, v}}
	}
	return p, nil
}

// OpenPublisher loads a publisher under the rules of production.
func OpenPublisher(ctx context.Context, d *charter.Document, disk PublisherDisk) (*Publisher, error) {
	return Rules{}.OpenPublisher(ctx, d, disk)
}

// Quorum is what the publisher needs.
func (p *Publisher) Quorum() *Quorum { return p.quorum }

// Published is the newest published checkpoint; zero before the first.
func (p *Publisher) Published() Signed { return p.published }

// Pending takes in what the log signed. A size that is known or published already changes nothing.
func (p *Publisher) Pending(signed []byte) error {
	v := p.quorum.Check(signed)
	switch {
	case v.Err != nil:
		return v.Err
	case !v.LogSigned:
		return ErrUnsigned
	}
	if n := len(p.window); v.Checkpoint.Size <= p.published.Size || n > 0 && v.Checkpoint.Size <= p.window[n-1].tree.Size {
		return nil
	}
	p.window = append(p.window, candidate{v.note, signed, v.Tree(), v})
	if len(p.window) > window {
		p.window = p.window[1:]
	}
	return nil
}

// Lines takes in cosignature lines for a checkpoint: a note with its text, whoever brought it. Lines of mirrors and witnesses that
// verify are kept, others are not. It answers ErrNote or ErrOrigin, ErrStale for a size that nobody waits for any more (published, or
// too long ago), ErrFork for a root that this log did not sign at that size, and ErrUnsigned when no line verifies.
//
// The lines of mirrors are on disk when it returns and q of them are there, so that no crash lets a witness be ahead of them.
func (p *Publisher) Lines(ctx context.Context, n c2sp.Note) error {
	cp, err := c2sp.ParseCheckpoint(n.Text)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrNote, err)
	case cp.Origin != p.quorum.Origin():
		return ErrOrigin
	}
	for i := range p.window {
		c := &p.window[i]
		if c.tree.Size != cp.Size {
			continue
		}
		if c.note.Text != n.Text {
			return fmt.Errorf("%w: at size %d", ErrFork, cp.Size)
		}
		return p.add(ctx, c, n.Lines)
	}
	return fmt.Errorf("%w: size %d", ErrStale, cp.Size)
}

func (p *Publisher) add(ctx context.Context, c *candidate, lines []c2sp.Line) error {
	next := c.note
	valid := 0
	for _, l := range lines {
		for _, one := range [][]cosigner{p.quorum.mirrors, p.quorum.witness} {
			for _, who := range one {
				if at, err := who.key.Check(next.Text, l); err == nil {
					valid++
					if newer(c.verdict, who, at) {
						next = next.With(l)
					}
				}
			}
		}
	}
	if valid == 0 {
		return ErrUnsigned
	}
	signed := next.Bytes()
	v := p.quorum.count(next)
	if v.Stored() && string(signed) != string(c.signed) {
		if err := p.disk.Collect(ctx, p.quorum.Origin(), Signed{Tree: c.tree, Note: signed}); err != nil {
			return err
		}
	}
	c.note, c.signed, c.verdict = next, signed, v
	return nil
}

// newer says that a line of a party at a time adds to what is known of it.
func newer(v Verdict, who cosigner, at time.Time) bool {
	for _, list := range [][]Vote{v.Mirrors, v.Witnesses} {
		for _, one := range list {
			if one.VKey == who.vkey {
				return at.After(one.At)
			}
		}
	}
	return false
}

// Next says what is due: about the largest checkpoint that is furthest on its way.
func (p *Publisher) Next() Next {
	var best *candidate
	var phase Phase
	for i := len(p.window) - 1; i >= 0; i-- {
		c := &p.window[i]
		of := AskMirrors
		switch {
		case c.verdict.OK():
			of = Publish
		case c.verdict.Stored() || p.quorum.off == mutant.WitnessFirst:
			of = AskWitnesses
		}
		if of > phase {
			best, phase = c, of
		}
	}
	if best == nil {
		return Next{}
	}
	n := Next{Phase: phase, Tree: best.tree, Note: best.signed, Verdict: best.verdict}
	n.Mirrors, n.Witnesses = best.verdict.Missing()
	return n
}

// Publish records the checkpoint whose quorum is there, and forgets the smaller ones. It returns what is published; ErrQuorum when
// none is due.
func (p *Publisher) Publish(ctx context.Context) (Signed, error) {
	n := p.Next()
	if n.Phase != Publish {
		return p.published, fmt.Errorf("%w: %s", ErrQuorum, n.Phase)
	}
	s := Signed{Tree: n.Tree, Note: n.Note}
	_, s.Time = n.Verdict.Times()
	if err := p.disk.Publish(ctx, p.quorum.Origin(), s); err != nil {
		return p.published, fmt.Errorf("publish %s at %d: %w", p.quorum.Origin(), n.Tree.Size, err)
	}
	p.published = s
	for len(p.window) > 0 && p.window[0].tree.Size <= s.Size {
		p.window = p.window[1:]
	}
	return s, nil
}
