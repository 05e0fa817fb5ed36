package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"tasuki/internal/continuity"
	"tasuki/internal/continuity/internal/mutant"
)

// Times of a schedule in virtual milliseconds.
const (
	healAt = 1000 // from here on nothing is lost and nobody falls; whoever fell comes back
	endAt  = 4000 // a schedule that has not settled by then never will
)

// How often somebody looks.
const (
	operatorEvery = 45
	mirrorEvery   = 55
	clientEvery   = 130
	authorEvery   = 90
)

// world is one schedule: everything that happens follows from its seed.
type world struct {
	ctx  context.Context
	kit  *kit
	mode *mode
	rng  *rand.Rand
	now  int64
	todo queue
	nr   int // of events put into the queue, for their order
	log  func(string)

	nodes     []*node
	operators []*node // who has ever run the log, oldest first, faces of one operator included
	mirrors   []*node // and spares
	witnesses []*node
	clients   []*node // readers and authors
	part      []int   // side of the partition that each node is on

	openings []continuity.Opening
	events   []event
	board    *board
	judge    judge
	ids      int
	keys     int // of mirrors handed out so far
	healed   bool
}

// event is one first publication.
type event struct {
	author  *node
	number  string
	dropped bool // the author believes that it is durable
	captive bool // it believes so because of more liars than f
}

type task struct {
	at int64
	nr int
	do func()
}

// queue is a binary heap of tasks by time, and of one time by their order. It is written out because half of what happens goes through it.
type queue []task

func (q queue) before(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].nr < q[j].nr
}

func (q *queue) push(t task) {
	*q = append(*q, t)
	h := *q
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h.before(i, up) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
}

func (q *queue) pop() task {
	h := *q
	first, last := h[0], len(h)-1
	h[0], h[last] = h[last], task{}
	h = h[:last]
	*q = h
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			return first
		}
		if down+1 < last && h.before(down+1, down) {
			down++
		}
		if !h.before(down, i) {
			return first
		}
		h[i], h[down] = h[down], h[i]
		i = down
	}
}

func newWorld(ctx context.Context, k *kit, m *mode, seed uint64, log func(string)) *world {
	w := &world{ctx: ctx, kit: k, mode: m, rng: rand.New(rand.NewPCG(seed, tag(11, m.name))), log: log}
	w.judge.w = w
	k.rules.Forget()
	w.board = newBoard(w)
	op := w.node("op")
	w.operators = append(w.operators, op)
	for i := range m.m + 2 {
		n := w.node(fmt.Sprintf("m%d", i+1))
		w.mirrors = append(w.mirrors, n)
	}
	for i := range 5 {
		n := w.node(fmt.Sprintf("w%d", i+1))
		n.key, n.seen = k.press.cosigner("w", i), map[string]tree{}
		w.witnesses = append(w.witnesses, n)
	}
	for i := range 4 {
		n := w.node(fmt.Sprintf("c%d", i+1))
		if i < 2 {
			n.name = fmt.Sprintf("a%d", i+1)
			n.author = newAuthor(n)
		}
		n.reader = true
		w.clients = append(w.clients, n)
	}
	for i, n := range w.mirrors[:m.m] {
		n.key = k.press.cosigner("m", i)
	}
	w.keys = m.m
	chain := w.board.found()
	for _, n := range w.nodes {
		if n.seen == nil {
			n.disk = newDisk(n, chain, w.id())
		}
		if n.key != nil && n.disk != nil {
			n.bound = n.disk.id
		}
	}
	w.part = make([]int, len(w.nodes))
	for _, n := range w.nodes {
		n.start()
	}
	m.script(w)
	w.faults()
	return w
}

func (w *world) id() string { w.ids++; return fmt.Sprint(w.ids) }

func (w *world) node(name string) *node {
	n := &node{w: w, id: len(w.nodes), name: name}
	w.nodes = append(w.nodes, n)
	if w.part != nil {
		w.part = append(w.part, 0)
	}
	return n
}

// at lets something happen at a time.
func (w *world) at(t int64, do func()) {
	w.nr++
	w.todo.push(task{max(t, w.now), w.nr, do})
}

func (w *world) in(d int64, do func()) { w.at(w.now+d, do) }

// between is a time from a to b.
func (w *world) between(a, b int64) int64 { return a + w.rng.Int64N(b-a+1) }

func (w *world) chance(percent int) bool { return w.rng.IntN(100) < percent }

// run goes on until everything has settled after the healing, or never will.
func (w *world) run() *Violation {
	check := int64(healAt + 200)
	for len(w.todo) > 0 && w.now < endAt && w.judge.found == nil && w.ctx.Err() == nil {
		t := w.todo.pop()
		w.now = t.at
		if w.now >= check {
			check += 100
			if w.judge.settled() {
				break
			}
		}
		t.do()
	}
	if w.judge.found == nil && w.ctx.Err() == nil {
		w.judge.end()
	}
	return w.judge.found
}

func (w *world) say(format string, args ...any) {
	if w.log != nil {
		w.log(fmt.Sprintf("%5d  ", w.now) + fmt.Sprintf(format, args...))
	}
}

// send carries something from one node to another, or not: messages are lost, delayed, and overtake each other.
func (w *world) send(from, to *node, do func()) {
	if !from.up || !w.healed && w.rng.IntN(100) < w.mode.loss {
		return
	}
	delay := w.between(1, 12)
	if !w.healed && w.chance(8) {
		delay += w.between(20, 250)
	}
	w.in(delay, func() {
		if to.up && (w.healed || w.part[from.id] == w.part[to.id]) {
			do()
		}
	})
}

// crashes says whether a machine stops at this write.
func (w *world) crashes(n *node) bool {
	return !w.healed && n.up && w.rng.IntN(1000) < w.mode.crash
}

// faults plans the partitions, the clocks and the healing.
func (w *world) faults() {
	for t := w.between(50, 400); t < healAt; t += w.between(100, 500) {
		sides := 1 + w.rng.IntN(3)
		last := w.between(40, 300)
		w.at(t, func() {
			if w.healed || sides == 1 {
				return
			}
			for i := range w.part {
				w.part[i] = w.rng.IntN(sides)
			}
			w.say("partition into %d", sides)
		})
		w.at(t+last, func() { clear(w.part) })
	}
	for range w.rng.IntN(3) {
		n := w.nodes[w.rng.IntN(len(w.nodes))]
		by := time.Duration(w.between(-365*24, 365*24)) * time.Hour
		w.at(w.between(0, healAt), func() { n.skew = by; w.say("%s's clock jumps by %s", n.name, by) })
	}
	w.at(healAt, func() {
		w.healed = true
		clear(w.part)
		w.say("healed")
		for _, n := range w.nodes {
			if !n.up && !n.dead {
				n.start()
			}
		}
		w.board.watch()
	})
	// What cheats has had its time, and what is left of a schedule is for the others to settle.
	w.at(healAt+300, func() {
		for _, n := range w.nodes {
			if (n.deaf || n.dishonest || n.lying && w.mode.captured) && !n.dead {
				n.die()
			}
		}
	})
}

// run returns what a schedule of a seed comes to.
func (k *kit) run(ctx context.Context, m *mode, seed uint64, log func(string)) (*world, *Violation) {
	w := newWorld(ctx, k, m, seed, log)
	v := w.run()
	w.judge.stats.Schedules++
	if v != nil {
		v.Mode, v.Seed = m.name, seed
	}
	return w, v
}

// trouble is what a node makes of an error: a crash ends it, anything else is a refusal.
func (n *node) trouble(what string, err error) bool {
	switch {
	case err == nil:
		return false
	case errors.Is(err, errCrash):
		n.fall(n.w.between(30, 400))
	default:
		if n.w.log != nil && !errors.Is(err, continuity.ErrNotListed) && !errors.Is(err, continuity.ErrOrigin) {
			// What is refused again and again is told once.
			if text := what + ": " + strings.ReplaceAll(err.Error(), "\n", " "); !n.told[text] {
				if n.told == nil {
					n.told = map[string]bool{}
				}
				n.told[text] = true
				n.w.say("%s: %s", n.name, text)
			}
		}
	}
	return true
}

// off says whether a rule is switched off.
func (w *world) off(m mutant.Mutant) bool { return w.kit.off == m }
