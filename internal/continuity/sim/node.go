package sim

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/continuity/internal/mutant"
	"tasuki/spec/c2sp"
)

// node is a machine with one or several roles.
type node struct {
	w    *world
	id   int
	name string
	up   bool
	dead bool // for good
	life int  // how often it has started: what was planned before is void
	skew time.Duration
	told map[string]bool // refusals that the trace has
	last tree            // what it accepted last, for the judge

	disk      *disk
	key       *cosigner // of a mirror or witness
	bound     string    // the store that the key is bound to
	lying     bool      // a mirror that cosigns, seals and serves whatever pleases it
	deaf      bool      // an operator that takes no notice of charters
	dishonest bool      // a successor that opens where it likes

	mirror *continuity.Mirror
	twin   *continuity.Mirror // a second process on the same store, which has not noticed what the first one did
	op     *operator
	hand   *handover
	tail   []uint32 // events that the list did not go on with, to be handed in again

	seen map[string]tree // of a witness: what it cosigned, by origin

	reader bool
	client *continuity.Client
	view   tree // what the client reads
	author *author
}

// start brings a machine up: everything it knows it reads from its disk.
func (n *node) start() {
	if n.dead {
		return
	}
	n.up = true
	n.life++
	if n.seen != nil {
		return
	}
	var err error
	if n.reader {
		if n.client, err = n.w.kit.rules.OpenClient(n.w.ctx, n.disk, continuity.ClientPolicy{}, n.clock); n.trouble("start", err) {
			return
		}
		n.every(clientEvery, n.ask)
		if n.author != nil {
			n.every(authorEvery, n.author.work)
		}
		return
	}
	if n.openMirror() {
		return
	}
	spare := 0
	n.every(mirrorEvery, func() {
		// A spare has no vote and need not be quick.
		if spare++; n.key != nil || spare%3 == 0 {
			n.follow()
		}
	})
	n.every(operatorEvery, n.operate)
}

// openMirror opens the store; a key that is bound to another one stays unused.
func (n *node) openMirror() (failed bool) {
	var key *continuity.Key
	if n.key != nil {
		key = &continuity.Key{Signer: n.key, Store: n.bound}
	}
	m, err := n.w.kit.rules.OpenMirror(n.w.ctx, n.disk, key, continuity.ClientPolicy{}, n.clock)
	if errors.Is(err, continuity.ErrAmnesia) {
		n.w.say("%s: its key is bound to another store", n.name)
		m, err = n.w.kit.rules.OpenMirror(n.w.ctx, n.disk, nil, continuity.ClientPolicy{}, n.clock)
	}
	n.mirror = m
	return n.trouble("start", err)
}

// fall is a crash. The node comes back after a while, with what its disk kept.
func (n *node) fall(after int64) {
	if !n.up {
		return
	}
	n.w.say("%s falls", n.name)
	n.up = false
	n.life++
	n.mirror, n.twin, n.op, n.hand, n.client = nil, nil, nil, nil, nil
	if n.disk != nil {
		n.disk.lose()
	}
	n.w.in(after, func() {
		if !n.up && !n.dead {
			n.w.say("%s is back", n.name)
			n.start()
		}
	})
}

// die is for good.
func (n *node) die() {
	n.w.say("%s is gone for good", n.name)
	n.fall(0)
	n.up, n.dead = false, true
}

// loseDisk lets a node come back with an empty disk; a mirror's key survives, because somebody kept a copy of the file.
func (n *node) loseDisk() {
	n.w.say("%s loses its disk", n.name)
	n.fall(n.w.between(50, 300))
	n.disk = newDisk(n, n.w.board.genesis, n.w.id())
	n.tail, n.last = nil, tree{}
}

// every repeats something while the node lives.
func (n *node) every(ms int64, do func()) {
	life := n.life
	var again func()
	again = func() {
		if !n.up || n.life != life {
			return
		}
		do()
		n.w.in(ms-ms/4+n.w.rng.Int64N(ms/2), again)
	}
	n.w.in(n.w.rng.Int64N(ms), again)
}

// answer is what a server says to whoever asks.
type answer struct {
	from      *node
	chain     *charter.Chain
	siblings  []*charter.Document
	published []byte
	pending   []byte
	log       tree
}

// serve answers with what a node holds now.
func (n *node) serve() (a answer, ok bool) {
	if n.mirror == nil {
		return a, false
	}
	a = answer{from: n, chain: n.mirror.Chain, siblings: n.mirror.Siblings, log: n.disk.log.snapshot()}
	a.published = n.mirror.Accepted.Note
	if n.op != nil {
		a.pending = n.op.pending
		if n.op.pub.Published().Size > 0 {
			a.published = n.op.pub.Published().Note
		}
		if n.crafty() {
			if c := n.op.crafted(); c != nil {
				a.published = c
			}
		}
	}
	return a, true
}

// poll asks a server and hands the answer back.
func (n *node) poll(server *node, take func(answer)) {
	life := n.life
	n.w.send(n, server, func() {
		a, ok := server.serve()
		if !ok {
			return
		}
		n.w.send(server, n, func() {
			if n.life == life {
				take(a)
			}
		})
	})
}

// charters takes over what others know about the chain, one by one.
func (n *node) charters(a answer, offer func(context.Context, *charter.Document) (continuity.Offer, error), have func() *charter.Chain) {
	if n.deaf || a.chain == have() && len(a.siblings) == 0 {
		return
	}
	for _, d := range slices.Concat(a.chain.Documents()[1:], a.siblings) {
		if v := d.Charter().V; v <= have().Head().Charter().V && have().At(v) == d {
			continue
		}
		out, err := offer(n.w.ctx, d)
		if n.trouble("charter", err) && !n.up {
			return
		}
		if err == nil && out != continuity.OfferKnown {
			n.w.say("%s: charter %d of %s: %s", n.name, d.Charter().V, d.Charter().Operator.Slug, out)
		}
	}
}

// take offers a charter to a node by hand.
func (n *node) take(d *charter.Document) {
	if !n.up || n.mirror == nil || n.deaf {
		return
	}
	out, err := n.mirror.OfferCharter(n.w.ctx, d)
	if !n.trouble("charter by hand", err) {
		n.w.say("%s: charter %d of %s by hand: %s", n.name, d.Charter().V, d.Charter().Operator.Slug, out)
	}
}

// under is a tree as it proves itself under a signed note, if it does.
func (n *node) under(signed []byte, t tree) (remote, bool) {
	text, _, ok := cutNote(signed)
	if !ok {
		return remote{}, false
	}
	// By hand: this runs more often than anything else.
	line := strings.SplitN(text, "\n", 3)
	size, err := strconv.ParseInt(line[1], 10, 64)
	if err != nil || size > t.size() {
		return remote{}, false
	}
	if cp := (c2sp.Checkpoint{Origin: line[0], Size: size, Root: t.root(size)}); cp.String() != text {
		return remote{}, false
	}
	return remote{n.w, t.cut(size)}, true
}

// cutNote is the text of a note.
func cutNote(signed []byte) (text string, rest string, ok bool) {
	s := string(signed)
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '\n' && s[i+1] == '\n' {
			return s[:i+1], s[i+2:], true
		}
	}
	return "", "", false
}

// follow is one round of a mirror: ask the operator or a peer, learn charters, take in the pending and the published checkpoint.
func (n *node) follow() {
	w := n.w
	if n.lying {
		n.lie()
		return
	}
	var server *node
	if ops := w.operatorsOf(n.mirror.Chain); len(ops) > 0 && w.chance(65) {
		server = ops[w.rng.IntN(len(ops))]
	} else {
		server = w.mirrors[w.rng.IntN(len(w.mirrors))]
	}
	if n.twin != nil && w.chance(50) {
		n.haunt()
	}
	if server == n {
		return
	}
	n.poll(server, func(a answer) {
		n.charters(a, n.mirror.OfferCharter, func() *charter.Chain { return n.mirror.Chain })
		if n.mirror == nil {
			return
		}
		if n.mirror != nil && a.pending != nil {
			n.pursue(a.pending, a, true)
		}
		if n.mirror != nil && a.published != nil {
			n.believe(a)
		}
	})
	n.resubmit()
}

// pursue stores what a log-signed checkpoint covers and cosigns it.
func (n *node) pursue(signed []byte, a answer, cosign bool) {
	w := n.w
	if n.op != nil && n.op.origin == n.mirror.Chain.Head().Origin() {
		return // its own log, written here
	}
	c, ok := n.under(signed, a.log)
	if !ok {
		return
	}
	step, err := n.mirror.Consider(w.ctx, signed, c)
	if errors.Is(err, continuity.ErrTail) || errors.Is(err, continuity.ErrFork) || errors.Is(err, continuity.ErrStopped) {
		if n.trouble("consider", err); !n.up {
			return
		}
		if !n.rebase(signed, c) {
			return
		}
		step, err = n.mirror.Consider(w.ctx, signed, c)
	}
	if n.trouble("consider", err) {
		return
	}
	// Leaves are fetched one bundle after the other, and the line may break anywhere.
	if upto := step.To.Size; step.From.Size < upto && !(a.from.withholds() && !w.healed) {
		if !w.healed && w.chance(15) {
			upto = w.between(step.From.Size, upto)
		}
		if n.disk.log.size() == step.From.Size {
			err := n.disk.store(&c.t, upto)
			if errors.Is(err, errRule) {
				err = errors.Join(err, n.mirror.Violation(w.ctx, signed, n.disk.log.size(), "an epoch below one that is open", nil))
			}
			if n.trouble("store", err) {
				return
			}
		}
	}
	if cosign {
		n.cosign(n.mirror, signed)
	}
}

func (n *node) withholds() bool { return n.op != nil && n.w.mode.withholds }

// cosign lets a line leave.
func (n *node) cosign(m *continuity.Mirror, signed []byte) {
	line, err := m.Cosign(n.w.ctx, signed)
	if n.trouble("cosign", err) {
		return
	}
	text, _, _ := cutNote(signed)
	cp, err := c2sp.ParseCheckpoint(text)
	if err != nil {
		panic(err) // it was cosigned
	}
	n.w.judge.line(n, cp)
	for _, op := range n.w.operatorsOf(m.Chain) {
		n.hand2(op, c2sp.Note{Text: text, Lines: []c2sp.Line{line}})
	}
	if n.w.off(mutant.NoSeal) {
		for _, op := range n.w.operators {
			n.hand2(op, c2sp.Note{Text: text, Lines: []c2sp.Line{line}})
		}
	}
}

// hand2 brings a line to an operator.
func (n *node) hand2(op *node, note c2sp.Note) {
	n.w.send(n, op, func() {
		if op.op != nil && op.op.pub != nil {
			op.op.line(note)
		}
	})
}

// believe takes in a published checkpoint.
func (n *node) believe(a answer) {
	w := n.w
	c, ok := n.under(a.published, a.log)
	if !ok {
		return
	}
	err := n.mirror.Accept(w.ctx, a.published)
	if errors.Is(err, continuity.ErrUnstored) {
		n.pursue(a.published, a, false)
		if n.mirror == nil {
			return
		}
		err = n.mirror.Accept(w.ctx, a.published)
	}
	if errors.Is(err, continuity.ErrFork) || errors.Is(err, continuity.ErrTail) {
		if n.trouble("accept", err); !n.up {
			return
		}
		if n.op == nil {
			n.rebase(a.published, c)
		}
		return
	}
	if err == nil {
		w.judge.accepted(n, n.mirror.Chain, n.mirror.Accepted, &n.disk.log)
	}
	if errors.Is(err, continuity.ErrStale) || errors.Is(err, continuity.ErrOrigin) {
		return
	}
	n.trouble("accept", err)
}

// haunt is a round of a process that should have ended: it goes on with the operator of its day.
func (n *node) haunt() {
	w := n.w
	ops := w.operatorsOf(n.twin.Chain)
	if len(ops) == 0 {
		return
	}
	n.poll(ops[w.rng.IntN(len(ops))], func(a answer) {
		if n.twin == nil || a.pending == nil {
			return
		}
		c, ok := n.under(a.pending, a.log)
		if !ok {
			return
		}
		step, err := n.twin.Consider(w.ctx, a.pending, c)
		if n.trouble("twin: consider", err) {
			return
		}
		if step.From.Size < step.To.Size && n.disk.log.tree() == step.From && n.trouble("twin: store", n.disk.store(&c.t, step.To.Size)) {
			return
		}
		n.cosign(n.twin, a.pending)
	})
}

func (n *node) rebase(signed []byte, c remote) bool {
	before := n.disk.log.size()
	keep, err := n.mirror.Rebase(n.w.ctx, signed, c)
	if n.trouble("rebase", err) {
		return false
	}
	n.w.say("%s drops %d leaves and keeps %d", n.name, before-keep.Size, keep.Size)
	return true
}

// resubmit hands in again what the list did not go on with.
func (n *node) resubmit() {
	if len(n.tail) == 0 || n.mirror == nil {
		return
	}
	for _, op := range n.w.operatorsOf(n.mirror.Chain) {
		leaf := n.tail[n.w.rng.IntN(len(n.tail))]
		n.w.send(n, op, func() { op.submit(leaf) })
	}
	n.tail = slices.DeleteFunc(n.tail, func(l uint32) bool { return n.disk.log.holds(l, n.mirror.Accepted.Size) })
}

// ask is one round of a reader: two servers in random order.
func (n *node) ask() {
	w := n.w
	for range 2 {
		all := len(w.mirrors) + len(w.operators)
		i := w.rng.IntN(all)
		if i < len(w.mirrors) {
			n.poll(w.mirrors[i], n.read)
		} else {
			n.poll(w.operators[i-len(w.mirrors)], n.read)
		}
	}
}

// read takes in what a server answered.
func (n *node) read(a answer) {
	if n.client == nil {
		return
	}
	n.charters(a, n.client.OfferCharter, func() *charter.Chain { return n.client.Chain })
	if n.client == nil || a.published == nil {
		return
	}
	c, ok := n.under(a.published, a.log)
	if !ok {
		return
	}
	err := n.client.Accept(n.w.ctx, a.published, c)
	if err != nil && n.client != nil && c.t.tree() == n.client.Accepted.Tree {
		n.view = c.t // it fell when it had stored what it accepted, and had not looked yet
	}
	if errors.Is(err, continuity.ErrStale) || errors.Is(err, continuity.ErrOrigin) || n.trouble("accept", err) {
		if n.client != nil && n.client.Hold.Held() {
			n.w.judge.held(n)
		}
		return
	}
	n.view = c.t
	n.w.judge.accepted(n, n.client.Chain, n.client.Accepted, &c.t)
}
