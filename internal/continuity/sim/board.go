package sim

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/spec/dsse"
)

// board is three people with keys of whom two decide, and who talk to everybody by telephone: it knows what it has signed, and, when it
// must, who is alive.
type board struct {
	w       *world
	genesis *charter.Chain
	chain   *charter.Chain // newest that it stands behind
	keys    []ed25519.PrivateKey
	since   int64 // when it last signed

	published, seen int64 // how far the operator has come, and since when that is enough
}

func newBoard(w *world) *board {
	b := &board{w: w}
	for i := range 3 {
		b.keys = append(b.keys, seed("board", i))
	}
	return b
}

var issued = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

func (b *board) sign(d *charter.Document) *charter.Document {
	for i, k := range b.keys[:2] {
		d.Sign(fmt.Sprintf("b%d", i+1), k)
	}
	return d
}

// policy is three of the five witnesses.
func (b *board) policy() string {
	var s strings.Builder
	for i := range 5 {
		fmt.Fprintf(&s, "witness w%d %s\n", i+1, b.w.kit.press.cosigner("w", i).text)
	}
	return s.String() + "group W 3 w1 w2 w3 w4 w5\nquorum W\n"
}

func (b *board) mirrorList(list []*node) *charter.Mirrors {
	m := &charter.Mirrors{Q: int64(b.w.mode.q), F: int64(b.w.mode.f)}
	for _, n := range list {
		m.List = append(m.List, charter.Mirror{VKey: n.key.text, URL: "https://" + n.key.vkey.Name})
	}
	return m
}

// logSeed is the log key of an epoch of an operator. The charter needs one that nobody has used; notes are signed with its stand-in.
func logSeed(slug string, epoch int64) ed25519.PrivateKey { return seed("log "+slug, int(epoch)) }

func (b *board) found() *charter.Chain {
	name := fmt.Sprintf("genesis %d %d %d", b.w.mode.m, b.w.mode.q, b.w.mode.f)
	d := b.w.kit.press.doc(name, func() *charter.Document {
		c := charter.Charter{V: 1, ListName: "sim", Issued: issued.Format("2006-01-02T15:04:05Z"), Features: []string{charter.FeatureEvents1},
			Board: charter.Board{K: 2, Emergency: 1}, Policy: b.policy(), Mirrors: b.mirrorList(b.w.mirrors[:b.w.mode.m]),
			Operator: charter.Operator{Org: "8254265b-2729-46b6-b9e3-3dfca2d5bfca", Slug: "op", Epoch: 1, URL: "https://op.example",
				Key: dsse.EncodeKey(public(logSeed("op", 1)))}}
		for i, k := range b.keys {
			c.Board.Keys = append(c.Board.Keys, charter.BoardSeat{ID: fmt.Sprintf("b%d", i+1), Holder: "somebody", Key: dsse.EncodeKey(public(k))})
		}
		doc, err := charter.New(c)
		if err != nil {
			panic(err)
		}
		return b.sign(doc)
	})
	b.genesis = b.w.kit.press.genesis(d)
	b.chain = b.genesis
	return b.genesis
}

// name signs a charter that names an operator and mirrors after chain. With at, it says where to continue.
func (b *board) name(chain *charter.Chain, op *node, mirrors []*node, at *continuity.Tree) *charter.Document {
	epoch := chain.Head().Charter().Operator.Epoch + 1
	set := b.mirrorList(mirrors)
	name := ""
	if at == nil {
		name = fmt.Sprintf("%s %s %v", chain.Head().Hash(), op.name, set.List)
	}
	return b.w.kit.press.doc(name, func() *charter.Document {
		d, err := chain.Amend(func() time.Time { return issued.Add(time.Duration(epoch) * time.Hour) }, func(c *charter.Charter) {
			c.Operator.Slug, c.Operator.Epoch, c.Operator.URL = op.name, epoch, "https://"+op.name+".example"
			c.Operator.Key = dsse.EncodeKey(public(logSeed(op.name, epoch)))
			c.Mirrors = set
			if at != nil {
				c.ContinueAt = &charter.ContinueAt{Size: at.Size, Root: hex.EncodeToString(at.Root[:])}
			}
		})
		if err != nil {
			panic(err)
		}
		return b.sign(d)
	})
}

// succeed signs a charter on top of the board's chain and hands it to somebody; gossip does the rest.
func (b *board) succeed(op *node, mirrors []*node, at *continuity.Tree) {
	d := b.name(b.chain, op, mirrors, at)
	next, err := b.w.kit.extend(b.chain, d)
	if err != nil {
		panic(fmt.Sprintf("the board signed what is not valid: %v", err))
	}
	b.chain, b.since = next, b.w.now
	b.w.say("the board names %s in charter %d, epoch %d%s", op.name, d.Charter().V, d.Charter().Operator.Epoch,
		map[bool]string{true: " and says where to continue"}[at != nil])
	b.w.office(op)
	b.deliver(d, op)
	b.deliver(d, mirrors[b.w.rng.IntN(len(mirrors))])
}

// office adds a node to those who have run the log.
func (w *world) office(op *node) {
	for _, n := range w.operators {
		if n == op {
			return
		}
	}
	w.operators = append(w.operators, op)
}

// deliver brings a document by hand, again and again until it was taken.
func (b *board) deliver(d *charter.Document, to *node) {
	var again func()
	again = func() {
		if to.dead {
			return
		}
		if !to.up || to.mirror == nil {
			b.w.in(60, again)
			return
		}
		for _, before := range b.chain.Documents()[1:] { // the file brings the whole chain
			if before.Charter().V < d.Charter().V && to.mirror != nil && before.Charter().V > to.mirror.Chain.Head().Charter().V {
				to.take(before)
			}
		}
		to.take(d)
		if !to.up { // it fell over the first of them, and gets them again
			b.w.in(60, again)
		}
	}
	b.w.in(b.w.between(1, 60), again)
}

// living are mirrors of the newest charter that are there and honest.
func (b *board) living() (out []*node) {
	for _, m := range b.chain.Head().Charter().Mirrors.List {
		if n := b.w.byKey(m.VKey); n != nil && !n.dead && !n.lying && !n.dishonest && !n.deaf {
			out = append(out, n)
		}
	}
	return out
}

// watch is the board after the healing: it looks whether the list has an operator who works, and acts if not. Where a successor cannot
// get enough reports, the board asks everybody how far they have come and says where to continue.
func (b *board) watch() {
	w := b.w
	defer func() { w.in(100, b.watch) }()
	op := w.named(b.chain)
	stands := false
	if w.judge.working() {
		published := op.op.pub.Published().Size
		if published != b.published || published == op.disk.log.size() {
			b.published, b.seen = published, w.now
		}
		if w.now-b.seen < 350 {
			return
		}
		stands = true // it takes in events and cannot publish them any more
	}
	gone := stands || op == nil || op.dead || op.dishonest || op.deaf || op.op != nil && !op.op.ready
	patience := int64(400)
	if gone {
		patience = 150
	}
	if w.now-max(b.since, healAt) < patience {
		return
	}
	var at *continuity.Tree
	if !gone && op.op == nil {
		if !w.mode.decides || b.chain.Head().Charter().Operator.Epoch == 1 {
			return
		}
		t := w.judge.largest()
		at = &t
		w.judge.stats.Decisions++
	}
	list := b.living()
	if len(list) == 0 {
		list = b.honest()
	}
	if same := slices.DeleteFunc(slices.Clone(list), b.astray); len(same) > 0 {
		list = same
	}
	b.succeed(list[w.rng.IntN(len(list))], b.replaced(), at)
}

// astray is a node that went with another successor than the board stands behind.
func (b *board) astray(n *node) bool {
	v := min(n.disk.chain.Head().Charter().V, b.chain.Head().Charter().V)
	return n.disk.chain.At(v) != b.chain.At(v)
}

// captive says that a charter has more lying mirrors than f: nothing is promised to those who follow it.
func (w *world) captive(d *charter.Document) bool {
	liars := 0
	for _, m := range d.Charter().Mirrors.List {
		if n := w.byKey(m.VKey); n != nil && n.lying {
			liars++
		}
	}
	return liars > int(d.Charter().Mirrors.F)
}

// honest are all mirrors and spares that are there.
func (b *board) honest() (out []*node) {
	for _, n := range b.w.mirrors {
		if !n.dead && !n.lying && !n.dishonest && !n.deaf {
			out = append(out, n)
		}
	}
	return out
}

// replaced is the mirror set of the newest charter, with spares in the place of those who are gone for good or were seen to be false.
func (b *board) replaced() (out []*node) {
	w := b.w
	in := map[*node]bool{}
	for _, m := range b.chain.Head().Charter().Mirrors.List {
		n := w.byKey(m.VKey)
		if n == nil || n.dead || n.lying && w.mode.captured || n.dishonest {
			continue
		}
		out, in[n] = append(out, n), true
	}
	for _, n := range w.mirrors {
		if len(out) < w.mode.m && !in[n] && !n.dead && !n.lying && !n.dishonest {
			w.enrol(n)
			out, in[n] = append(out, n), true
		}
	}
	return out
}

// enrol gives a node a mirror's key that was never used.
func (w *world) enrol(n *node) {
	if n.key != nil && n.bound == n.disk.id {
		return
	}
	n.key, n.bound = w.kit.press.cosigner("m", w.keys), n.disk.id
	w.keys++
	if n.up {
		n.openMirror()
	}
}

// named is the machine of a chain's newest operator, the newest face of several.
func (w *world) named(chain *charter.Chain) *node {
	ops := w.operatorsOf(chain)
	if len(ops) == 0 {
		return nil
	}
	return ops[len(ops)-1]
}
