package sim

import (
	"slices"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
)

// mode is a kind of trouble.
type mode struct {
	name      string
	about     string
	m, q, f   int
	loss      int // percent of messages
	crash     int // of 1,000 writes
	crafty    bool
	withholds bool
	lanes     bool
	captured  bool // the board names a false operator with false mirrors
	siblings  bool // clients may hold at two successors
	decides   bool // where no reports can be had, the board says where to continue
	waits     bool // some schedules legitimately end without an operator
	script    func(*world)
}

// Modes are the kinds of trouble that a simulation knows, in the order in which they are run.
func Modes() (names []string) {
	for _, m := range modes {
		names = append(names, m.name)
	}
	return names
}

func modeOf(name string) *mode {
	if i := slices.IndexFunc(modes, func(m *mode) bool { return m.name == name }); i >= 0 {
		return modes[i]
	}
	return nil
}

var modes = []*mode{
	{name: "dies", about: "the operator dies with its disk; sometimes a mirror, or the first successor, too", m: 3, q: 2, loss: 8, crash: 3, script: scriptDies},
	{name: "alive", about: "the operator is replaced and goes on signing", m: 3, q: 2, loss: 8, crash: 3, script: scriptAlive},
	{name: "equivocates", about: "the operator shows two logs, rewritten or cut short, then is replaced", m: 3, q: 2, loss: 8, crash: 2, crafty: true,
		decides: true, script: scriptEquivocates},
	{name: "siblings", about: "the board signs two successors; people choose", m: 3, q: 2, loss: 8, crash: 2, siblings: true, waits: true, script: scriptSiblings},
	{name: "liar", about: "one of five mirrors lies (f = 1), the operator dies, goes on or shows two logs", m: 5, q: 4, f: 1, loss: 4, crash: 1, crafty: true,
		decides: true, script: scriptLiar},
	{name: "dishonest", about: "the successor opens where it likes, with forged reports", m: 3, q: 2, loss: 6, crash: 2, script: scriptDishonest},
	{name: "captured", about: "the board names a false operator and false mirrors, and is then replaced", m: 3, q: 2, loss: 6, crash: 2, crafty: true, captured: true, waits: true,
		decides: true, script: scriptCaptured},
	{name: "mirrors", about: "charters change the mirrors; some epochs are never opened", m: 3, q: 2, loss: 8, crash: 3, decides: true, script: scriptMirrors},
	{name: "backup", about: "the operator is set back to an old disk; a mirror loses its disk and comes back", m: 3, q: 2, loss: 6, crash: 4, decides: true,
		script: scriptBackup},
	{name: "power", about: "the power fails everywhere at once, again and again; the operator or a mirror does not come back", m: 3, q: 2, loss: 4, crash: 12,
		decides: true, script: scriptPower},
	{name: "withholds", about: "the operator signs what it does not hand out, then dies", m: 3, q: 2, loss: 6, crash: 2, withholds: true, decides: true, script: scriptDies},
	{name: "lanes", about: "authors' journals are torn, copied and brought back", m: 3, q: 2, loss: 6, crash: 6, lanes: true, script: scriptLanes},
}

// successor is a mirror that the board may name: not the operator of the day.
func (w *world) successor(not ...*node) *node {
	var list []*node
	for _, n := range w.board.living() {
		if !slices.Contains(not, n) {
			list = append(list, n)
		}
	}
	return list[w.rng.IntN(len(list))]
}

func (w *world) original() []*node { return slices.Clone(w.mirrors[:w.mode.m]) }

func scriptDies(w *world) {
	op := w.operators[0]
	dies := w.between(200, 700)
	w.at(dies, op.die)
	if w.chance(30) {
		w.at(w.between(100, 900), func() {
			if m := w.mirrors[w.rng.IntN(w.mode.m)]; w.lost() == 0 && m != w.named(w.board.chain) {
				m.die()
			}
		})
	}
	w.at(dies+w.between(10, 300), func() {
		next := w.successor()
		w.board.succeed(next, w.board.replaced(), nil)
		if !w.chance(30) || w.lost() > 0 {
			return
		}
		// The successor dies too, before or after it has opened.
		w.in(w.between(5, 300), func() {
			if w.lost() > 0 {
				return
			}
			next.die()
			w.in(w.between(20, 200), func() { w.board.succeed(w.successor(next), w.board.replaced(), nil) })
		})
	})
}

// lost is how many mirrors are gone for good: more than one at a time and nobody promises anything.
func (w *world) lost() (n int) {
	for _, m := range w.mirrors {
		if m.dead || m.key != nil && m.bound != m.disk.id {
			n++
		}
	}
	return n
}

// twins lets mirrors run twice on one store, as when an old process is not ended.
func (w *world) twins() {
	for _, m := range w.mirrors[:w.mode.m] {
		if w.chance(40) {
			w.at(w.between(50, 500), func() {
				if m.up && m.mirror != nil && !m.lying {
					m.twin, _ = w.kit.rules.OpenMirror(w.ctx, m.disk, &continuity.Key{Signer: m.key, Store: m.bound}, continuity.ClientPolicy{}, m.clock)
				}
			})
		}
	}
}

func scriptAlive(w *world) {
	op := w.operators[0]
	w.twins()
	w.at(w.between(150, 600), func() {
		op.deaf = w.chance(85) // else it hears of the charter and stops
		next := w.successor()
		w.board.succeed(next, w.board.replaced(), nil)
		if w.chance(30) {
			w.in(w.between(50, 400), func() {
				next.deaf = w.chance(50)
				w.board.succeed(w.successor(next), w.original(), nil)
			})
		}
	})
}

// split gives an operator a second face: its log, cut short or rewritten at the end.
func (w *world) split(op *node) {
	if op.disk.log.size() < 2 || op.op == nil {
		return
	}
	face := w.node(op.name)
	w.part[face.id] = w.part[op.id]
	face.disk = &disk{n: face, content: op.disk.clone()}
	log := op.disk.log.cut(op.disk.log.size() - w.rng.Int64N(min(6, op.disk.log.size()-1)))
	face.disk.log, face.disk.signed = log, op.disk.signed
	if op.disk.signed.Size > log.size() {
		face.disk.signed.Tree = log.tree() // it has no scruples about what it signed before
	}
	op.deaf, face.deaf = true, true
	w.operators = append(w.operators, face)
	face.start()
	w.say("%s shows two logs, of %d and %d leaves", op.name, op.disk.log.size(), log.size())
	if face.mirror != nil {
		face.hold(true)
	}
}

func scriptEquivocates(w *world) {
	op := w.operators[0]
	t := w.between(120, 600)
	w.at(t, func() { w.split(op) })
	if w.chance(30) {
		w.at(t+w.between(10, 200), func() { w.split(op) })
	}
	w.at(t+w.between(50, 500), func() {
		op.deaf = true
		w.board.succeed(w.successor(), w.board.replaced(), nil)
	})
}

func scriptSiblings(w *world) {
	op := w.operators[0]
	t := w.between(150, 500)
	w.at(t, func() {
		if w.chance(60) {
			op.die()
		}
		a := w.successor()
		b := w.successor(a)
		chain := w.board.chain
		w.board.succeed(a, w.original(), nil)
		first := w.board.chain
		d := w.board.name(chain, b, w.original(), nil)
		w.say("the board names %s too", b.name)
		w.office(b)
		second, _ := w.kit.extend(first, d)
		when := w.between(1, 300)
		w.in(when, func() { w.board.deliver(d, b); w.board.deliver(d, w.mirrors[w.rng.IntN(w.mode.m)]) })
		// People decide, not all at once and not all for the same.
		hash := [2]string{first.Head().Hash(), d.Hash()}
		for range 3 {
			w.in(when+w.between(20, 400), func() { w.choose(w.mirrors[w.rng.IntN(w.mode.m)], hash[w.rng.IntN(2)]) })
		}
		w.at(healAt+50, func() { w.agree(first, second, hash) })
	})
}

// agree is everybody on the telephone after the healing: the branch that somebody accepted, else the first.
func (w *world) agree(first, second *charter.Chain, hash [2]string) {
	pick, chain := hash[0], first
	for _, r := range w.judge.views {
		if r.origin == second.Head().Origin() {
			pick, chain = hash[1], second
		}
	}
	w.board.chain, w.board.since = chain, w.now
	var again func()
	again = func() {
		for _, m := range w.mirrors {
			w.choose(m, pick)
		}
		for i, c := range w.clients {
			if c.client != nil && i%3 != 2 && c.client.Chain.Head().Hash() != pick || c.client != nil && i%3 != 2 && c.client.Hold.Held() {
				_ = c.client.Choose(w.ctx, pick)
			}
		}
		w.in(80, again)
	}
	again()
}

func (w *world) choose(m *node, hash string) {
	if m.mirror == nil || m.dead || m.mirror.Chain.Head().Hash() == hash && !m.mirror.Hold.Held() {
		return
	}
	err := m.mirror.Choose(w.ctx, hash)
	if !m.trouble("choose", err) {
		w.say("%s's people choose %.8s", m.name, hash)
	}
}

func scriptLiar(w *world) {
	w.mirrors[w.rng.IntN(w.mode.m)].lying = true
	switch w.rng.IntN(3) {
	case 0:
		t := w.between(200, 700)
		w.at(t, w.operators[0].die)
		w.at(t+w.between(10, 300), func() { w.board.succeed(w.successor(), w.original(), nil) })
	case 1:
		scriptAlive(w)
	case 2:
		scriptEquivocates(w)
	}
}

func scriptDishonest(w *world) {
	op := w.operators[0]
	t := w.between(200, 600)
	w.at(t, func() {
		if w.chance(70) {
			op.die()
		} else {
			op.deaf = true
		}
		bad := w.successor()
		bad.dishonest = true
		w.board.succeed(bad, w.original(), nil)
		bad.take(w.board.chain.Head())
		w.in(w.between(150, 400), func() { w.board.succeed(w.successor(bad), w.board.replaced(), nil); bad.deaf = true })
	})
}

func scriptCaptured(w *world) {
	t := w.between(250, 600)
	w.at(t, func() {
		w.operators[0].deaf = w.chance(50)
		if !w.operators[0].deaf {
			w.operators[0].die()
		}
		bad := w.mirrors[w.mode.m] // a spare: its copy follows, it is no mirror
		bad.dishonest = true
		false3 := []*node{bad, w.mirrors[w.mode.m+1], w.node("x1")}
		x := false3[2]
		x.disk = newDisk(x, w.board.genesis, w.id())
		w.mirrors = append(w.mirrors, x)
		for _, n := range false3 {
			w.enrol(n)
			n.lying = true
		}
		x.start()
		w.board.succeed(bad, false3, nil)
		bad.take(w.board.chain.Head())
		w.in(w.between(250, 500), func() {
			bad.deaf = true
			honest := w.original()
			w.board.succeed(honest[w.rng.IntN(len(honest))], honest, nil)
		})
	})
}

func scriptMirrors(w *world) {
	t := w.between(100, 400)
	op := w.operators[0]
	if w.chance(60) {
		w.at(t+w.between(0, 100), op.die)
	} else {
		w.at(t, func() { op.deaf = w.chance(50) })
	}
	var amend func(left int)
	amend = func(left int) {
		set := w.original()
		for range 1 + w.rng.IntN(3) {
			n := w.mirrors[w.rng.IntN(len(w.mirrors))]
			if !slices.Contains(set, n) && !n.dead {
				w.enrol(n)
				set[w.rng.IntN(len(set))] = n
			}
		}
		if w.chance(25) { // an altogether new set, of machines that may hold nothing yet
			set = nil
			for _, n := range w.mirrors[w.mode.m:] {
				w.enrol(n)
				set = append(set, n)
			}
			set = append(set, w.mirrors[w.rng.IntN(w.mode.m)])
		}
		next := set[w.rng.IntN(len(set))]
		w.board.succeed(next, set, nil)
		if left > 0 {
			if w.chance(40) { // never opens
				w.in(w.between(0, 60), func() { next.fall(w.between(200, 500)) })
			}
			w.in(w.between(60, 350), func() { amend(left - 1) })
		}
	}
	w.at(t+w.between(10, 200), func() { amend(w.rng.IntN(3)) })
}

func scriptBackup(w *world) {
	op := w.operators[0]
	// One mirror loses its disk and comes back with its key; sometimes the operator is set back, sometimes it dies later.
	if w.chance(60) {
		w.at(w.between(200, 800), func() {
			if m := w.mirrors[w.rng.IntN(w.mode.m)]; w.lost() == 0 && m != w.named(w.board.chain) {
				m.loseDisk()
			}
		})
	}
	if w.chance(70) {
		var old content
		t := w.between(100, 500)
		w.at(t, func() { old = op.disk.clone() })
		w.at(t+w.between(50, 400), func() {
			if old.log.size() == 0 {
				return // from before the list was founded: there was nothing to copy
			}
			w.say("%s is set back to %d leaves", op.name, old.log.size())
			op.fall(w.between(10, 100))
			op.disk.content, op.last = old, tree{}
		})
	} else {
		scriptDies(w)
	}
}

func scriptPower(w *world) {
	for t := w.between(100, 300); t < healAt; t += w.between(80, 300) {
		w.at(t, func() {
			for _, n := range w.nodes {
				if n.disk != nil && !n.reader && w.chance(80) {
					n.fall(w.between(20, 150))
				}
			}
		})
	}
	if w.chance(70) {
		scriptDies(w)
	}
}

func scriptLanes(w *world) {
	for _, c := range w.clients {
		if c.author == nil {
			continue
		}
		l := c.author.lane
		var copies []map[string][]byte
		for range 3 {
			w.at(w.between(50, 700), func() { copies = append(copies, l.backup()) })
		}
		w.at(w.between(300, 950), func() {
			if len(copies) > 0 {
				l.restore(copies[w.rng.IntN(len(copies))], w.chance(50))
			}
		})
	}
	if w.chance(50) {
		scriptDies(w)
	}
}

// About says what a mode is.
func About(name string) string {
	if m := modeOf(name); m != nil {
		return m.about
	}
	return ""
}
