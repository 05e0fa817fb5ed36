package continuity

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tasuki/internal/charter"
	"tasuki/internal/continuity/internal/mutant"
	"tasuki/spec/c2sp"
)

// Quorum is what a checkpoint needs under one charter before it counts: the log's signature, q of m mirrors, and the witnesses of
// the policy. Without mirrors and policy the log's signature is enough. It is immutable.
type Quorum struct {
	off     mutant.Mutant
	origin  string
	log     note.Verifier
	mirrors []cosigner
	q, f    int
	policy  c2sp.Policy
	witness []cosigner // in the policy's order
	memo    *memo
}

type cosigner struct {
	name string // of the key; of a witness the policy's name for it
	vkey string
	url  string
	key  Verifier
}

// QuorumOf reads a charter's rule. An error means a key that cannot be used or a policy that does not parse; the charter package
// refuses such a charter before.
func QuorumOf(d *charter.Document) (*Quorum, error) { return Rules{}.QuorumOf(d) }

// QuorumOf is the rule of a charter under these rules.
func (r Rules) QuorumOf(d *charter.Document) (*Quorum, error) {
	if r.quorum != nil {
		return r.quorum(r, d)
	}
	return r.makeQuorum(d)
}

func (r Rules) makeQuorum(d *charter.Document) (*Quorum, error) {
	c := d.Charter()
	q := &Quorum{off: r.off, memo: r.memo, origin: d.Origin(), log: r.logKey(d), policy: c2sp.Policy{Quorum: c2sp.QuorumNone}}
	if m := c.Mirrors; m != nil {
		q.q, q.f = int(m.Q), int(m.F)
		for i, one := range m.List {
			key, err := r.mirrorKey(one.VKey)
			if err != nil {
				return nil, fmt.Errorf("charter %d: mirror %d: %w", c.V, i+1, err)
			}
			q.mirrors = append(q.mirrors, cosigner{key.Name(), one.VKey, one.URL, key})
		}
	}
	if c.Policy != "" {
		var err error
		if q.policy, err = c2sp.ParsePolicy(c.Policy); err != nil {
			return nil, fmt.Errorf("charter %d: policy: %w", c.V, err)
		}
		for _, w := range q.policy.Witnesses {
			key, err := r.mirrorKey(w.Key.String())
			if err != nil {
				return nil, fmt.Errorf("charter %d: witness %s: %w", c.V, w.Name, err)
			}
			q.witness = append(q.witness, cosigner{w.Name, w.Key.String(), w.URL, key})
		}
	}
	return q, nil
}

// Origin is the log's name in the charter's epoch.
func (q *Quorum) Origin() string { return q.origin }

// M is how many mirrors the charter lists.
func (q *Quorum) M() int { return len(q.mirrors) }

// Q is how many of them must have cosigned.
func (q *Quorum) Q() int {
	switch {
	case q.off == mutant.QuorumOne:
		return min(1, q.q)
	case q.off == mutant.QuorumWithoutF:
		return len(q.mirrors)/2 + 1
	}
	return q.q
}

// R is how many covered reports of these mirrors a successor needs: every set of so many shares an honest mirror with every set
// that could have published. 0 without mirrors.
func (q *Quorum) R() int {
	switch {
	case len(q.mirrors) == 0:
		return 0
	case q.off == mutant.ReportsWithoutF:
		return len(q.mirrors) - q.q + 1
	}
	return len(q.mirrors) - q.q + 1 + q.f
}

// Alone says that the log's signature is all it takes: a private list.
func (q *Quorum) Alone() bool { return len(q.mirrors) == 0 && q.policy.Quorum == c2sp.QuorumNone }

// Party is a mirror or a witness as the charter lists it.
type Party struct {
	Name string // of a mirror its key's name, of a witness the policy's
	VKey string
	URL  string // "" for a witness without one
}

// Mirrors are the charter's mirrors in its order.
func (q *Quorum) Mirrors() []Party { return parties(q.mirrors) }

// Witnesses are the policy's witnesses in its order.
func (q *Quorum) Witnesses() []Party { return parties(q.witness) }

func parties(list []cosigner) []Party {
	out := make([]Party, len(list))
	for i, c := range list {
		out[i] = Party{c.name, c.vkey, c.url}
	}
	return out
}

// Verdict is what a signed note amounts to under a charter.
type Verdict struct {
	Checkpoint c2sp.Checkpoint // of the text
	Text       string
	LogSigned  bool // by this epoch's log key
	Q          int
	Mirrors    []Vote // of the charter, in its order
	Witnesses  []Vote // of the policy, in its order
	Policy     bool   // satisfied
	Counted    int    // mirrors that have cosigned
	Err        error  // ErrNote or ErrOrigin: nothing else is said then

	note   c2sp.Note
	epoch  int64 // of the charter, where a follower counted
	quorum *Quorum
}

// Vote says whether a party has cosigned, and when by its own clock.
type Vote struct {
	Party
	At time.Time // zero: not
}

// Tree is the tree that the note is about.
func (v *Verdict) Tree() Tree { return Tree{v.Checkpoint.Size, v.Checkpoint.Root} }

// Stored says that the log and enough mirrors have signed, so that witnesses may be asked.
func (v *Verdict) Stored() bool { return v.Err == nil && v.LogSigned && v.Counted >= v.Q }

// OK says that the checkpoint counts.
func (v *Verdict) OK() bool { return v.Stored() && v.Policy }

// Reason is nil when the checkpoint counts; else it wraps ErrNote, ErrOrigin, ErrUnsigned or ErrQuorum and names who is missing.
func (v *Verdict) Reason() error {
	switch {
	case v.Err != nil:
		return v.Err
	case !v.LogSigned:
		return ErrUnsigned
	case v.OK():
		return nil
	}
	var parts []string
	if v.Counted < v.Q {
		parts = append(parts, fmt.Sprintf("%d of %d mirrors, without %s", v.Counted, v.Q, strings.Join(absent(v.Mirrors), ", ")))
	}
	if !v.Policy {
		parts = append(parts, "witnesses without "+strings.Join(absent(v.Witnesses), ", "))
	}
	return fmt.Errorf("%w: %s", ErrQuorum, strings.Join(parts, "; "))
}

// Missing are the mirrors and witnesses that have not cosigned.
func (v *Verdict) Missing() (mirrors, witnesses []Party) {
	for _, one := range v.Mirrors {
		if one.At.IsZero() {
			mirrors = append(mirrors, one.Party)
		}
	}
	for _, one := range v.Witnesses {
		if one.At.IsZero() {
			witnesses = append(witnesses, one.Party)
		}
	}
	return mirrors, witnesses
}

func absent(votes []Vote) (names []string) {
	for _, v := range votes {
		if v.At.IsZero() {
			names = append(names, v.Name)
		}
	}
	return names
}

// Times are the oldest and the newest that a cosigner states: the witnesses', or where there are none the mirrors'. Zero without either.
func (v *Verdict) Times() (oldest, newest time.Time) {
	votes := v.Witnesses
	if len(votes) == 0 {
		votes = v.Mirrors
	}
	for _, one := range votes {
		if one.At.IsZero() {
			continue
		}
		if oldest.IsZero() || one.At.Before(oldest) {
			oldest = one.At
		}
		if one.At.After(newest) {
			newest = one.At
		}
	}
	return oldest, newest
}

// Check counts a signed note. Lines of strangers and wrong lines are passed over: whoever appends rubbish spoils nothing. Each key
// counts once; of its lines the newest time stands.
func (q *Quorum) Check(signed []byte) Verdict {
	if q.memo == nil || len(signed) == 0 {
		return q.check(signed)
	}
	at := counted{q, &signed[0], len(signed)}
	v, ok := q.memo.verdicts[at]
	if !ok {
		v = q.check(signed)
		q.memo.verdicts[at] = v
	}
	return v
}

func (q *Quorum) check(signed []byte) Verdict {
	n, err := c2sp.ParseNote(signed)
	if err != nil {
		return Verdict{Err: fmt.Errorf("%w: %w", ErrNote, err)}
	}
	return q.count(n)
}

// count is check of a note that was taken apart.
func (q *Quorum) count(n c2sp.Note) Verdict {
	cp, err := c2sp.ParseCheckpoint(n.Text)
	if err != nil {
		return Verdict{Err: fmt.Errorf("%w: %w", ErrNote, err)}
	}
	v := Verdict{Checkpoint: cp, Text: n.Text, Q: q.Q(), note: n}
	if cp.Origin != q.origin {
		v.Err = fmt.Errorf("%w: %s, not %s", ErrOrigin, cp.Origin, q.origin)
		return v
	}
	for _, l := range n.Lines {
		if l.Name == q.log.Name() && l.Hash == q.log.KeyHash() && q.log.Verify([]byte(n.Text), l.Sig) {
			v.LogSigned = true
			break
		}
	}
	v.Mirrors = votes(q.mirrors, n)
	v.Witnesses = votes(q.witness, n)
	for _, one := range v.Mirrors {
		if !one.At.IsZero() {
			v.Counted++
		}
	}
	if q.off == mutant.CountTwice {
		v.Counted = lines(q.mirrors, n)
	}
	if q.off == mutant.QuorumNone {
		v.Q = 0
	}
	v.Policy = q.satisfied(v.Witnesses)
	return v
}

func (q *Quorum) satisfied(votes []Vote) bool {
	if q.off == mutant.QuorumNone || q.off == mutant.NoWitnesses {
		return true
	}
	i := -1 // Satisfied asks for the witnesses in the policy's order
	return q.policy.Satisfied(func(c2sp.PolicyWitness) bool {
		i++
		return !votes[i].At.IsZero()
	})
}

func votes(list []cosigner, n c2sp.Note) []Vote {
	out := make([]Vote, len(list))
	for i, c := range list {
		out[i].Party = Party{c.name, c.vkey, c.url}
		for _, l := range n.Lines {
			if l.Hash != c.key.KeyHash() || l.Name != c.key.Name() {
				continue
			}
			if at, err := c.key.Check(n.Text, l); err == nil && at.After(out[i].At) {
				out[i].At = at
			}
		}
	}
	return out
}

// lines is the count without the rule that each key counts once.
func lines(list []cosigner, n c2sp.Note) (count int) {
	for _, c := range list {
		for _, l := range n.Lines {
			if _, err := c.key.Check(n.Text, l); err == nil {
				count++
			}
		}
	}
	return count
}

// listed finds a mirror by its verifier key.
func (q *Quorum) listed(vkey string) bool {
	for _, m := range q.mirrors {
		if m.vkey == vkey {
			return true
		}
	}
	return false
}
