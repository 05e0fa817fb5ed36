package sim

import (
	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/continuity/internal/mutant"
	"tasuki/spec/c2sp"
)

// handover is a successor that collects reports.
type handover struct {
	chain  *charter.Chain
	rules  *continuity.Handover
	copies []peerCopy
}

type peerCopy struct {
	of *node
	t  tree
}

// handover is one round of a successor whose epoch is not open yet.
func (n *node) handover(d *charter.Document) {
	w := n.w
	if n.dishonest {
		n.usurp(d)
		return
	}
	if n.hand == nil || n.hand.chain != n.mirror.Chain {
		rules, err := n.mirror.Handover(w.ctx)
		if n.trouble("handover", err) {
			return
		}
		n.hand = &handover{chain: n.mirror.Chain, rules: rules}
	}
	h := n.hand
	asks, err := h.rules.Asks()
	if n.trouble("asks", err) {
		return
	}
	for _, ask := range asks {
		for _, party := range ask.Mirrors {
			if m := w.byKey(party.VKey); m != nil && m != n {
				n.askSeals(m, h, ask.Origin, d)
			}
		}
	}
	n.tryOpen(d)
}

func (w *world) byKey(vkey string) *node {
	for _, m := range w.mirrors {
		if m.key != nil && m.key.text == vkey {
			return m
		}
	}
	return nil
}

// askSeals asks a mirror for its statements and how far its copy goes; it learns of the charter by being asked.
func (n *node) askSeals(m *node, h *handover, origin string, d *charter.Document) {
	w := n.w
	a, ok := n.serve()
	if !ok {
		return
	}
	life := n.life
	w.send(n, m, func() {
		var notes [][]byte
		if m.lying {
			notes = m.lieSeals(h.chain, origin)
		} else {
			if m.mirror == nil {
				return
			}
			m.charters(a, m.mirror.OfferCharter, func() *charter.Chain { return m.mirror.Chain })
			if m.mirror == nil {
				return
			}
			notes = append(notes, m.disk.reports...)
			for _, s := range m.disk.seals {
				notes = append(notes, s.Note)
			}
		}
		t := m.disk.log.snapshot()
		w.send(m, n, func() {
			if n.life != life || n.hand != h {
				return
			}
			for _, note := range notes {
				_ = h.rules.Add(note)
			}
			for i := range h.copies {
				if h.copies[i].of == m {
					h.copies[i].t = t
					return
				}
			}
			h.copies = append(h.copies, peerCopy{m, t})
		})
	})
}

// tryOpen opens the epoch on the largest copy that enough reports are covered by.
func (n *node) tryOpen(d *charter.Document) {
	w, h := n.w, n.hand
	all := append([]peerCopy{{n, n.disk.log.snapshot()}}, h.copies...)
	at := n.mirror.Chain.OpenedBy(d.Charter().Operator.Epoch).Charter().ContinueAt
	var list []continuity.Candidate
	for _, c := range all {
		t := c.t
		if at != nil { // the board has said where: cut to it, if that is a beginning of this copy
			if t.size() < at.Size {
				continue
			}
			t = t.cut(at.Size)
		}
		list = append(list, continuity.Candidate{Tree: t.tree(), Copy: remote{w, t}})
	}
	plan, err := h.rules.Best(w.ctx, list...)
	if n.trouble("open", err) {
		return
	}
	for _, c := range list {
		if c.Tree != plan.Tree {
			continue
		}
		copy := c.Copy.(remote)
		before := n.disk.log.size()
		keep, err := n.mirror.TakeOver(w.ctx, plan, copy)
		if n.trouble("take over", err) {
			return
		}
		if keep.Size < before {
			w.say("%s drops %d leaves of its own", n.name, before-keep.Size)
		}
		if n.trouble("fetch", n.disk.store(&copy.t, plan.Size)) {
			return
		}
		w.judge.stats.Successions++
		n.open(continuity.Opening{Root: plan.Root, Epoch: plan.Epoch, Charter: plan.Charter, Reports: plan.Reports})
		return
	}
}

// usurp is a successor that opens where it likes, with whatever looks like reports.
func (n *node) usurp(d *charter.Document) {
	w := n.w
	t := n.disk.log.snapshot()
	if t.size() == 0 {
		return
	}
	cut := max(t.size()-w.between(0, 8), 1)
	t = t.cut(cut)
	epoch := d.Charter().Operator.Epoch
	chain := n.mirror.Chain
	old := chain.OpenedBy(epoch - 1)
	seal := continuity.Seal{List: chain.ListID(), Origin: old.Origin(), Charter: chain.OpenedBy(epoch).Hash(), Tree: t.tree()}
	var reports [][]byte
	how := w.rng.IntN(6)
	switch how {
	case 1: // signed by keys that nobody knows
		for i := range 5 {
			note, _ := seal.Sign(w.kit.press.cosigner("x", i), n.clock())
			reports = append(reports, note)
		}
	case 2: // its own report, many times
		if n.key != nil {
			for i := range 5 {
				_ = i
				note, _ := seal.Sign(n.key, n.clock())
				reports = append(reports, note)
			}
		}
	case 3: // true reports, covered or not
		for _, m := range w.mirrors {
			for _, s := range m.disk.seals {
				if s.origin == old.Origin() {
					reports = append(reports, s.Note)
				}
			}
		}
	case 4: // something else in the place of the last leaves
		for range 3 {
			if len(w.events) > 0 {
				t.add(uint32(w.rng.IntN(len(w.events))))
			}
		}
	}
	w.say("%s opens epoch %d where it likes, at %d of %d (way %d)", n.name, epoch, t.size(), n.disk.log.size(), how)
	root := t.root(t.size())
	n.disk.log = t
	n.disk.signed = continuity.Signed{}
	n.open(continuity.Opening{Root: root, Epoch: epoch, Charter: chain.OpenedBy(epoch).Hash(), Reports: reports})
}

// lie is one round of a lying mirror: it cosigns whatever any log signs, without storing or asking.
func (n *node) lie() {
	w := n.w
	server := w.operators[w.rng.IntN(len(w.operators))]
	n.poll(server, func(a answer) {
		n.charters(a, n.mirror.OfferCharter, func() *charter.Chain { return n.mirror.Chain })
		if a.pending == nil {
			return
		}
		text, _, _ := cutNote(a.pending)
		cp, err := c2sp.ParseCheckpoint(text)
		if err != nil || n.key == nil {
			return
		}
		line, _ := n.key.Cosign(text, n.clock())
		w.judge.line(n, cp)
		for _, op := range w.operators {
			n.hand2(op, c2sp.Note{Text: text, Lines: []c2sp.Line{line}})
		}
		// It serves some old state.
		if a.log.size() > n.disk.log.size() && w.chance(30) {
			n.disk.log = a.log
		}
	})
}

// lieSeals is a false report: a smaller tree than was cosigned, or one that nobody has.
func (n *node) lieSeals(chain *charter.Chain, origin string) [][]byte {
	w := n.w
	if n.key == nil {
		return nil
	}
	for e := chain.Head().Charter().Operator.Epoch - 1; e >= 1; e-- {
		if chain.OpenedBy(e).Origin() != origin {
			continue
		}
		s := continuity.Seal{List: chain.ListID(), Origin: origin, Charter: chain.OpenedBy(e + 1).Hash()}
		size := w.rng.Int64N(n.disk.log.size() + 1)
		s.Tree = continuity.Tree{Size: size, Root: n.disk.log.root(size)}
		if w.chance(20) {
			s.Root = hashOf(w.rng.Uint64())
		}
		note, _ := s.Sign(n.key, n.clock())
		return [][]byte{note}
	}
	return nil
}

// crafted is a note with every line that an operator has, some of them twice, shown as if it were published.
func (op *operator) crafted() []byte {
	next := op.pub.Next()
	if next.Note == nil {
		return nil
	}
	if op.shown != nil && &next.Note[0] == op.of {
		return op.shown
	}
	n, err := c2sp.ParseNote(next.Note)
	if err != nil {
		return nil
	}
	n.Lines = append(n.Lines, n.Lines[1:]...)
	op.shown, op.of = n.Bytes(), &next.Note[0]
	return op.shown
}

// outboxOnLocal is the mutant's author.
func (w *world) outboxOnLocal() bool { return w.off(mutant.OutboxOnLocal) }
