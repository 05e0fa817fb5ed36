package sim

import (
	"fmt"
	"slices"

	"tasuki/internal/charter"
)

// author assigns numbers, writes events, and keeps each until it has seen it in a checkpoint that counts.
type author struct {
	n      *node
	outbox []uint32
	made   int
	lane   *laneNode
}

func newAuthor(n *node) *author {
	a := &author{n: n}
	if n.w.mode.lanes {
		a.lane = newLaneNode(n)
	}
	return a
}

// atMost events of one author keep a schedule short.
const atMost = 9

func (a *author) work() {
	w := a.n.w
	if !w.healed && a.made < atMost && w.chance(60) {
		a.write()
	}
	chain, hold := a.standing()
	if chain == nil {
		return
	}
	if !hold {
		for _, op := range w.operatorsOf(chain) {
			for _, leaf := range a.outbox {
				a.submit(op, leaf)
			}
		}
	}
	a.settle(chain)
}

func (a *author) standing() (*charter.Chain, bool) {
	if a.n.client == nil {
		return nil, false
	}
	return a.n.client.Chain, a.n.client.Hold.Held()
}

func (a *author) write() {
	w := a.n.w
	number := fmt.Sprintf("%s-%d", a.n.name, a.made)
	if a.lane != nil {
		var ok bool
		if number, ok = a.lane.assign(); !ok {
			return
		}
	}
	a.made++
	leaf := uint32(len(w.events))
	w.judge.assigned(a.n, number)
	w.events = append(w.events, event{author: a.n, number: number})
	a.outbox = append(a.outbox, leaf)
}

func (a *author) submit(op *node, leaf uint32) {
	w := a.n.w
	life := a.n.life
	w.send(a.n, op, func() {
		if !op.submit(leaf) {
			return
		}
		if w.outboxOnLocal() {
			w.send(op, a.n, func() {
				if a.n.life == life && a.n.client != nil {
					a.drop(leaf, a.n.client.Chain)
				}
			})
		}
	})
}

// settle drops what is in the view: below a checkpoint that counts, by the author's own check.
func (a *author) settle(chain *charter.Chain) {
	for _, leaf := range slices.Clone(a.outbox) {
		if a.n.view.holds(leaf, a.n.client.Accepted.Size) {
			a.drop(leaf, chain)
		}
	}
}

func (a *author) drop(leaf uint32, chain *charter.Chain) {
	i := slices.Index(a.outbox, leaf)
	if i < 0 {
		return
	}
	a.outbox = slices.Delete(a.outbox, i, i+1)
	e := &a.n.w.events[leaf]
	e.dropped = true
	if d := chain.OpenedBy(max(a.n.client.Accepted.Epoch, 1)); a.n.w.captive(d) {
		e.captive = true
	}
	a.n.w.judge.stats.Acked++
}
