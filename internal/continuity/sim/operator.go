package sim

import (
	"errors"
	"fmt"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/continuity/internal/mutant"
	"tasuki/spec/c2sp"
)

// operator is the role of whoever the newest charter (that it knows) names: it appends, signs, publishes.
type operator struct {
	n       *node
	origin  string
	key     *logKey
	pub     *continuity.Publisher
	restart *continuity.Restart
	ready   bool   // to sign: it knows that it holds whatever was published
	pending []byte // newest that the log signed
	asked   map[*node]int64
	shown   []byte // what a crafty operator shows as published, and the note that it was made of
	of      *byte
}

// operatorsOf are the machines that run the log for a chain's newest operator: more than one when an operator has several faces.
func (w *world) operatorsOf(chain *charter.Chain) (out []*node) {
	slug := chain.Head().Charter().Operator.Slug
	for _, n := range w.operators {
		if n.name == slug {
			out = append(out, n)
		}
	}
	return out
}

// operate is one round of whoever may be an operator.
func (n *node) operate() {
	chain := n.mirror.Chain
	d := chain.Head()
	if d.Charter().Operator.Slug != n.name || n.mirror.Hold.Held() {
		n.op, n.hand = nil, nil
		return
	}
	epoch := d.Charter().Operator.Epoch
	if n.op != nil && n.op.origin == d.Origin() {
		n.op.cycle()
		return
	}
	n.op = nil
	if epoch == 1 && n.disk.log.size() == 0 {
		n.open(continuity.Opening{Epoch: 1, Charter: d.Hash(), Root: n.disk.log.root(0)})
		return
	}
	if o, err := n.disk.Opening(n.w.ctx, epoch); err == nil && o.Charter == chain.OpenedBy(epoch).Hash() {
		n.hold(false)
	} else {
		n.handover(d)
	}
}

// open writes the first leaf of an epoch.
func (n *node) open(o continuity.Opening) {
	o.Index = n.disk.log.size()
	n.w.openings = append(n.w.openings, o)
	if n.trouble("open", n.disk.append(opening|uint32(len(n.w.openings)-1))) {
		return
	}
	n.w.say("%s opens epoch %d at %d", n.name, o.Epoch, o.Index)
	n.hold(true)
}

// hold takes the office.
func (n *node) hold(ready bool) {
	d := n.mirror.Chain.OpenedBy(n.mirror.Chain.Head().Charter().Operator.Epoch)
	op := &operator{n: n, origin: d.Origin(), key: n.w.kit.logKey(d.Origin()), ready: ready, asked: map[*node]int64{}}
	var err error
	if op.pub, err = n.w.kit.rules.OpenPublisher(n.w.ctx, d, n.disk); n.trouble("publisher", err) {
		return
	}
	nonce := fmt.Sprintf("%064x", n.w.rng.Uint64())
	if op.restart, err = n.w.kit.rules.NewRestart(n.mirror.Chain.Head(), nonce); n.trouble("restart", err) {
		return
	}
	n.op = op
	op.cycle()
}

func (op *operator) cycle() {
	n := op.n
	if !op.ready {
		op.question(n)
		err := op.restart.MaySign(n.w.ctx, n.disk, n.disk.log.size())
		if err != nil {
			n.trouble("ready", err)
			for _, m := range n.w.mirrors {
				if m != n {
					op.question(m)
				}
			}
			return
		}
		op.ready = true
		n.w.say("%s has heard its mirrors", n.name)
	}
	if signed := n.disk.signed; signed.Size < n.disk.log.size() || op.pending == nil {
		op.sign(signed)
	}
	op.drive()
}

// sign extends the chain of checkpoints; the log's own rule (package ledger) is that it never signs what does not contain the last.
func (op *operator) sign(last continuity.Signed) {
	n := op.n
	if last.Size > 0 && !n.disk.log.has(last.Tree) {
		return
	}
	t := n.disk.log.tree()
	cp := c2sp.Checkpoint{Origin: op.origin, Size: t.Size, Root: t.Root}
	signed := op.key.sign(cp.String())
	if n.trouble("sign", n.disk.commit(mutant.None, func() error {
		n.disk.signed = continuity.Signed{Tree: t, Note: signed}
		return nil
	})) {
		return
	}
	op.pending = signed
	n.w.judge.signed(n, op.origin, &n.disk.log)
	if n.trouble("pending", op.pub.Pending(signed)) || n.key == nil || n.mirror == nil {
		return
	}
	// A promoted mirror that the charter still lists cosigns its own log, by the same rules.
	if _, err := n.mirror.Consider(n.w.ctx, signed, n.disk); n.trouble("consider own", err) {
		return
	}
	line, err := n.mirror.Cosign(n.w.ctx, signed)
	if err == nil {
		n.w.judge.line(n, cp)
		op.line(c2sp.Note{Text: cp.String(), Lines: []c2sp.Line{line}})
	} else if !errors.Is(err, continuity.ErrNotListed) {
		n.trouble("cosign own", err)
	}
}

// line takes in what mirrors and witnesses signed.
func (op *operator) line(note c2sp.Note) {
	err := op.pub.Lines(op.n.w.ctx, note)
	if errors.Is(err, errCrash) {
		op.n.trouble("line", err)
		return
	}
	op.drive()
}

// drive does what the publisher says is next.
func (op *operator) drive() {
	n := op.n
	for n.op == op {
		next := op.pub.Next()
		switch {
		case next.Phase == continuity.Publish:
			s, err := op.pub.Publish(n.w.ctx)
			if n.trouble("publish", err) {
				return
			}
			n.w.judge.stats.Published++
			if err := n.mirror.Accept(n.w.ctx, s.Note); err == nil {
				n.w.judge.accepted(n, n.mirror.Chain, n.mirror.Accepted, &n.disk.log)
			} else if n.trouble("accept own", err) && !n.up {
				return
			}
			continue
		case next.Phase == continuity.AskWitnesses, n.crafty() && next.Phase == continuity.AskMirrors:
			op.ask(next)
		}
		return
	}
}

// crafty says that an operator does not keep to the order: it asks witnesses at once, and shows whatever lines it has as published.
func (n *node) crafty() bool { return n.w.mode.crafty && n.deaf }

// ask asks the witnesses that are missing, each not more often than it can answer.
func (op *operator) ask(next continuity.Next) {
	n := op.n
	t := n.disk.log.cut(min(next.Tree.Size, n.disk.log.size()))
	for _, party := range next.Witnesses {
		for _, witness := range n.w.witnesses {
			if witness.key.text != party.VKey || op.asked[witness] > n.w.now-30 {
				continue
			}
			op.asked[witness] = n.w.now
			life := n.life
			n.w.send(n, witness, func() {
				line, ok := witness.witness(n, next.Verdict.Checkpoint, t)
				if !ok {
					return
				}
				n.w.send(witness, n, func() {
					if n.life == life && n.op == op {
						op.line(c2sp.Note{Text: next.Verdict.Text, Lines: []c2sp.Line{line}})
					}
				})
			})
		}
	}
}

// witness is what any C2SP witness does: it has seen only growth of this origin.
func (n *node) witness(by *node, cp c2sp.Checkpoint, t tree) (c2sp.Line, bool) {
	want := continuity.Tree{Size: cp.Size, Root: cp.Root}
	if before, ok := n.seen[cp.Origin]; ok && !t.has(before.tree()) || t.tree() != want {
		return c2sp.Line{}, false
	}
	n.seen[cp.Origin] = t
	line, _ := n.key.Cosign(cp.String(), n.clock())
	n.w.judge.witnessed(n, by, cp)
	return line, true
}

// question asks a mirror what it has seen, and fetches what this operator has forgotten.
func (op *operator) question(m *node) {
	n := op.n
	life := n.life
	ask := func(back func(func())) {
		if m.mirror == nil {
			return
		}
		statement, seen, err := m.mirror.Holding(n.w.ctx, op.origin, op.restart.Nonce())
		if err != nil {
			return
		}
		log := m.disk.log.snapshot()
		back(func() {
			if n.life == life && n.op == op && !op.ready {
				op.heard(statement, seen, log)
			}
		})
	}
	if m == n {
		ask(func(do func()) { do() })
		return
	}
	n.w.send(n, m, func() { ask(func(do func()) { n.w.send(m, n, do) }) })
}

func (op *operator) heard(statement, seen []byte, log tree) {
	n := op.n
	if _, err := op.restart.Heard(statement, seen); err != nil {
		return
	}
	if err := op.restart.MaySign(n.w.ctx, n.disk, n.disk.log.size()); !errors.Is(err, continuity.ErrBehind) {
		return
	}
	c, ok := n.under(seen, log)
	if !ok || c.t.size() <= n.disk.log.size() {
		return
	}
	if c.t.has(n.disk.log.tree()) {
		n.w.say("%s fetches %d leaves back", n.name, c.t.size()-n.disk.log.size())
		n.trouble("fetch back", n.disk.store(&c.t, c.t.size()))
	}
}

// submit takes in an event: once, and no second first publication of a number.
func (n *node) submit(leaf uint32) (ok bool) {
	if n.op == nil || !n.op.ready {
		return false
	}
	number := n.w.events[leaf].number
	for _, l := range n.disk.log.leaves {
		if l == leaf {
			return true
		}
		if l&opening == 0 && n.w.events[l].number == number {
			return false
		}
	}
	return !n.trouble("append", n.disk.append(leaf))
}
