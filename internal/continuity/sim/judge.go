package sim

import (
	"fmt"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/spec/c2sp"
)

// Violation is an invariant that a schedule broke.
type Violation struct {
	Mode      string `json:"mode"`
	Seed      uint64 `json:"seed"`
	At        int64  `json:"at"` // virtual milliseconds
	Invariant string `json:"invariant"`
	What      string `json:"what"`
}

func (v *Violation) Error() string {
	return fmt.Sprintf("%s, seed %d, at %d: %s: %s", v.Mode, v.Seed, v.At, v.Invariant, v.What)
}

// Stats are what schedules did.
type Stats struct {
	Schedules   int `json:"schedules"`
	Acked       int `json:"acked"`
	Published   int `json:"published"`
	Successions int `json:"successions"`
	Holds       int `json:"holds"`     // clients that hold at the end
	Decisions   int `json:"decisions"` // the board said where to continue
	Waiting     int `json:"waiting"`   // ended without a working operator
	Evidence    int `json:"evidence"`
}

func (s *Stats) add(o Stats) {
	s.Schedules += o.Schedules
	s.Acked += o.Acked
	s.Published += o.Published
	s.Successions += o.Successions
	s.Holds += o.Holds
	s.Decisions += o.Decisions
	s.Waiting += o.Waiting
	s.Evidence += o.Evidence
}

// judge sees everything and touches nothing.
type judge struct {
	w       *world
	found   *Violation
	stats   Stats
	lines   map[about][]voice // of mirrors, by what they signed
	eyes    map[about][]*node // of witnesses
	views   []view            // longest that was accepted, for each origin
	numbers map[string]bool
}

// about is a checkpoint.
type about struct {
	origin string
	tree   continuity.Tree
}

// voice is a mirror's line.
type voice struct {
	key    string
	broken bool // it had reported the origin as sealed
}

type view struct {
	origin  string
	t       tree
	epoch   int64
	captive bool // by more liars than f
}

func (j *judge) violation(invariant, format string, args ...any) {
	if j.found == nil {
		j.found = &Violation{At: j.w.now, Invariant: invariant, What: fmt.Sprintf(format, args...)}
		j.w.say("%s: %s", invariant, j.found.What)
	}
}

// assigned: I2, one number, one owner.
func (j *judge) assigned(n *node, number string) {
	if j.numbers == nil {
		j.numbers = map[string]bool{}
	}
	if j.numbers[number] {
		j.violation("I2", "%s assigned %s twice", n.name, number)
	}
	j.numbers[number] = true
}

// line is a mirror's cosignature that leaves.
func (j *judge) line(n *node, cp c2sp.Checkpoint) {
	if j.lines == nil {
		j.lines, j.eyes = map[about][]voice{}, map[about][]*node{}
	}
	at := about{cp.Origin, continuity.Tree{Size: cp.Size, Root: cp.Root}}
	v := voice{key: n.key.text}
	if !n.lying {
		for _, s := range n.disk.seals {
			v.broken = v.broken || s.origin == cp.Origin
		}
	}
	for _, have := range j.lines[at] {
		if have.key == v.key {
			return
		}
	}
	j.lines[at] = append(j.lines[at], v)
	j.quorum(at)
}

// quorum: I6, after R seals the old origin gains no new quorum. What mirrors had signed before they reported is in their reports, so
// only a line after its mirror's own report makes a new one.
func (j *judge) quorum(at about) {
	broken := false
	for _, v := range j.lines[at] {
		broken = broken || v.broken
	}
	d := j.charterOf(at.origin)
	if !broken || d == nil || j.count(at, d) < int(d.Charter().Mirrors.Q) {
		return
	}
	sealed := 0
	for _, m := range d.Charter().Mirrors.List {
		n := j.w.byKey(m.VKey)
		if n == nil || n.lying {
			continue
		}
		for _, s := range n.disk.seals {
			if s.origin == at.origin {
				sealed++
				break
			}
		}
	}
	if m := d.Charter().Mirrors; sealed >= len(m.List)-int(m.Q)+1 {
		j.violation("I6", "%s gained a quorum at %d after %d mirrors had sealed it", at.origin, at.tree.Size, sealed)
	}
}

// charterOf is a charter of an origin in any chain that somebody has.
func (j *judge) charterOf(origin string) *charter.Document {
	for _, n := range j.w.nodes {
		if n.disk == nil {
			continue
		}
		for _, d := range n.disk.chain.Documents() {
			if d.Origin() == origin {
				return d
			}
		}
	}
	return nil
}

// count is how many mirrors of a charter have signed.
func (j *judge) count(at about, d *charter.Document) (n int) {
	for _, m := range d.Charter().Mirrors.List {
		for _, v := range j.lines[at] {
			if v.key == m.VKey {
				n++
				break
			}
		}
	}
	return n
}

// witnessed: no witness is ahead of q mirrors (C.3), but where the operator asks out of order on purpose.
func (j *judge) witnessed(n, by *node, cp c2sp.Checkpoint) {
	at := about{cp.Origin, continuity.Tree{Size: cp.Size, Root: cp.Root}}
	if j.eyes == nil {
		j.lines, j.eyes = map[about][]voice{}, map[about][]*node{}
	}
	j.eyes[at] = append(j.eyes[at], n)
	if d := j.charterOf(cp.Origin); !by.crafty() && d != nil && j.count(at, d) < int(d.Charter().Mirrors.Q) {
		j.violation("C.3", "%s cosigned %d before enough mirrors did", n.name, cp.Size)
	}
}

// accepted: I3, no two views contradict each other; and what was accepted had the charter's quorum.
func (j *judge) accepted(n *node, chain *charter.Chain, a continuity.Accepted, t *tree) {
	at := about{a.Origin, a.Tree}
	d := chain.OpenedBy(a.Epoch)
	eyes := map[*node]bool{}
	for _, e := range j.eyes[at] {
		eyes[e] = true
	}
	if got := j.count(at, d); got < int(d.Charter().Mirrors.Q) || len(eyes) < 3 {
		j.violation("quorum", "%s accepted %d with %d mirrors and %d witnesses", n.name, a.Size, got, len(eyes))
	}
	mine := t.cut(a.Size)
	if n.last.size() > 0 && !mine.has(n.last.tree()) && !n.lying {
		j.violation("I3", "%s moved from a view of %d to one of %d that does not contain it", n.name, n.last.size(), mine.size())
	}
	n.last = mine
	epoch, false1 := a.Epoch, j.w.captive(d)
	for i := range j.views {
		v := &j.views[i]
		// More liars than f may make a view that nothing later continues. They cannot make one that contradicts what was before.
		if v.captive && epoch > v.epoch || false1 && v.epoch > epoch {
			continue
		}
		if size := min(v.t.size(), mine.size()); v.t.roots[size] != mine.roots[size] {
			j.violation("I3", "%s accepted a tree of %d that contradicts one of %d", n.name, mine.size(), v.t.size())
			return
		}
	}
	for i := range j.views {
		if v := &j.views[i]; v.origin == a.Origin {
			if v.t.size() < mine.size() {
				v.t = mine
			}
			return
		}
	}
	j.views = append(j.views, view{a.Origin, mine, epoch, false1})
}

// signed: C.1, an operator that means well never contradicts what anybody accepted of its own log.
func (j *judge) signed(n *node, origin string, t *tree) {
	for i := range j.views {
		v := &j.views[i]
		if size := min(v.t.size(), t.size()); v.origin == origin && !n.deaf && !n.dishonest && v.t.roots[size] != t.roots[size] {
			j.violation("C.1", "%s signed a tree of %d that contradicts one of %d", n.name, t.size(), v.t.size())
			return
		}
	}
}

// held: a reader stopped. Two successors are a reason; two contradictory quorums are a failure of the rules.
func (j *judge) held(n *node) {
	if a := n.client.Accepted; a.Epoch > 0 && j.w.captive(n.client.Chain.OpenedBy(a.Epoch)) {
		return
	}
	if n.client.Hold.Why != continuity.HoldSiblings || !j.w.mode.siblings {
		j.violation("I3", "%s has to hold: %s", n.name, n.client.Hold.Why)
	}
}

// largest is the largest tree that anybody accepted: what the board finds out when it asks around.
func (j *judge) largest() (t continuity.Tree) {
	empty := newTree()
	t = empty.tree()
	for i := range j.views {
		if v := &j.views[i]; v.t.size() > t.Size && !v.captive {
			t = v.t.tree()
		}
	}
	return t
}

// working says that the newest charter's operator publishes.
func (j *judge) working() bool {
	op := j.w.named(j.w.board.chain)
	return op != nil && op.up && op.op != nil && op.op.origin == j.w.board.chain.Head().Origin() && op.op.ready &&
		op.op.pub.Published().Size > 0 && !op.dishonest
}

// settled says that nothing more will change: everybody has what the operator has.
func (j *judge) settled() bool {
	w := j.w
	if !j.working() {
		return false
	}
	op := w.named(w.board.chain)
	published := op.op.pub.Published().Tree
	if published != op.disk.log.tree() {
		return false
	}
	for _, c := range w.clients {
		if c.client == nil {
			return false
		}
		if c.client.Hold.Held() {
			continue
		}
		if c.client.Accepted.Tree != published || c.author != nil && len(c.author.outbox) > 0 {
			return false
		}
	}
	return w.now > healAt+400
}

// end is the last look.
func (j *judge) end() {
	w := j.w
	for _, n := range w.nodes {
		if n.disk != nil {
			j.stats.Evidence += n.disk.evidence
		}
	}
	for _, c := range w.clients {
		if c.client != nil && c.client.Hold.Held() {
			j.stats.Holds++
		}
	}
	if !j.working() {
		j.stats.Waiting++
		if !w.mode.waits {
			j.violation("I4", "the list has no working operator at the end")
		}
		j.recoverable()
		return
	}
	if !j.settled() {
		j.unsettled()
	}
	j.final()
	j.fresh()
}

// final: I1, everything that an author believes to be durable is in the final list.
func (j *judge) final() {
	w := j.w
	op := w.named(w.board.chain)
	t := &op.disk.log
	size := op.op.pub.Published().Size
	for leaf, e := range w.events {
		if e.dropped && !e.captive && !t.holds(uint32(leaf), size) {
			j.violation("I1", "%s of %s was acknowledged and is not in the final list of %d", e.number, e.author.name, size)
			return
		}
	}
	seen := map[string]bool{}
	for _, l := range t.leaves {
		if l&opening != 0 {
			continue
		}
		if seen[w.events[l].number] {
			j.violation("I2", "%s was first published twice", w.events[l].number)
		}
		seen[w.events[l].number] = true
	}
}

// recoverable: in a list that waits for a decision nothing acknowledged is lost.
func (j *judge) recoverable() {
	for leaf, e := range j.w.events {
		if !e.dropped || e.captive {
			continue
		}
		kept := false
		for _, n := range j.w.mirrors {
			kept = kept || !n.dead && !n.lying && n.disk.log.holds(uint32(leaf), n.disk.log.size())
		}
		if !kept {
			j.violation("I1", "%s was acknowledged, and no living mirror has it", e.number)
			return
		}
	}
}

// unsettled: I4, after healing outboxes are empty and all clients that move are equal.
func (j *judge) unsettled() {
	w := j.w
	published := w.named(w.board.chain).op.pub.Published().Size
	for _, c := range w.clients {
		if c.client == nil || c.client.Hold.Held() {
			continue
		}
		if c.author != nil && len(c.author.outbox) > 0 {
			j.violation("I4", "%s still has %d events in its outbox", c.name, len(c.author.outbox))
		}
		if c.client.Accepted.Size != published {
			j.violation("I4", "%s is at %d of %d", c.name, c.client.Accepted.Size, published)
		}
	}
}

// fresh: I5, whoever reaches one mirror reads: a client that knows the genesis alone takes over the view of any living mirror.
func (j *judge) fresh() {
	w := j.w
	for _, m := range w.mirrors {
		if !m.up || m.lying || m.dishonest || m.deaf || m.mirror == nil || m.mirror.Hold.Held() || m.mirror.Accepted.Size == 0 {
			continue
		}
		n := &node{w: w, id: m.id, name: "fresh", up: false}
		n.disk = newDisk(n, w.board.genesis, "fresh")
		c, err := w.kit.rules.OpenClient(w.ctx, n.disk, continuity.ClientPolicy{}, n.clock)
		if err != nil {
			panic(err)
		}
		for _, d := range m.mirror.Chain.Documents()[1:] {
			if _, err := c.OfferCharter(w.ctx, d); err != nil {
				j.violation("I5", "a fresh reader at %s: charter: %v", m.name, err)
				return
			}
		}
		copy, ok := n.under(m.mirror.Accepted.Note, m.disk.log.snapshot())
		if !ok {
			j.violation("I5", "%s does not store what it serves", m.name)
			return
		}
		if err := c.Accept(w.ctx, m.mirror.Accepted.Note, copy); err != nil {
			j.violation("I5", "a fresh reader at %s: %v", m.name, err)
			return
		}
	}
}
