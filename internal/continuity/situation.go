package continuity

import (
	"sync"
	"time"
)

// Role is what a copy of a list is.
type Role string

// The roles.
const (
	RoleOperator Role = "operator"
	RoleFormer   Role = "former operator"
	RoleMirror   Role = "mirror"
	RoleClient   Role = "client" // a reader with a copy of its own and no key
)

// Situation is how a list is kept at a moment, as one copy of it can tell: the same facts for pages, programs and /health. All of it is public.
type Situation struct {
	Role      Role
	Origin    string // of the present epoch
	Epoch     int64
	Operator  Party // name: its slug; URL as the charter has it
	Size      int64 // leaves that this copy holds
	Published Signed
	// Pending is the size of the newest checkpoint that the log key signed, as far as this copy knows; Waiting since when it has been without a
	// quorum, zero when it is published.
	Pending int64
	Waiting time.Time
	// Q of the mirrors have to cosign, R of them to report before a successor goes on, F may lie; Fewest is the smallest number of witnesses that
	// satisfies the policy.
	Q, R, F, Fewest int
	Mirrors         []Keeper
	Witnesses       []Keeper
	Hold            Hold
	Stop            *Stop // why this mirror cosigns nothing more
	Copy            *CopyState
}

// Counted is how many of them cosigned the published checkpoint.
func Counted(list []Keeper) (n int) {
	for _, k := range list {
		if k.Counted {
			n++
		}
	}
	return n
}

// CopyState is how a copy follows the list.
type CopyState struct {
	Source   string // of the charter's servers the one that answered last; "" for a server of the owner's own choice
	Behind   int64  // leaves that are known to exist and not here
	Problem  string // why it does not go on, in fixed words; "" while it does
	Since    time.Time
	Key      string // verifier key, "" without one
	Listed   bool   // the charter names that key
	Cosigned int64  // leaves under its newest cosignature
	Sealed   []string
}

// Keeper is a mirror or a witness, and the newest of its cosignatures that this copy has seen.
type Keeper struct {
	Party
	Size    int64     // 0: none was seen
	At      time.Time // by its own clock
	Counted bool      // it is among those of the published checkpoint
	Own     bool      // it is this very copy
	Behind  int64     // leaves of the published checkpoint that its newest cosignature does not cover
}

// Sightings remember the newest cosignature of everybody who cosigns, also of those who come after the quorum was there: a mirror that is
// late and one that is gone look alike in a published checkpoint. The zero value is ready, and safe for concurrent use. It lives in memory only.
type Sightings struct {
	mu     sync.Mutex
	newest map[string]Keeper
}

// See takes in the lines of a note that verify under a quorum. Only the caller knows whether the tree is the log's.
func (s *Sightings) See(q *Quorum, note []byte) {
	v := q.Check(note)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.take(&v)
}

func (s *Sightings) take(v *Verdict) {
	if v.Err != nil {
		return
	}
	if s.newest == nil {
		s.newest = map[string]Keeper{}
	}
	for _, list := range [][]Vote{v.Mirrors, v.Witnesses} {
		for _, one := range list {
			if old := s.newest[one.VKey]; !one.At.IsZero() && (v.Checkpoint.Size > old.Size || v.Checkpoint.Size == old.Size && one.At.After(old.At)) {
				s.newest[one.VKey] = Keeper{Party: one.Party, Size: v.Checkpoint.Size, At: one.At}
			}
		}
	}
}

// Keepers are the mirrors and witnesses of a quorum against its published checkpoint (nil for none).
func (s *Sightings) Keepers(q *Quorum, published []byte) (mirrors, witnesses []Keeper) {
	v := q.Check(published)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.take(&v)
	of := func(parties []Party, votes []Vote) []Keeper {
		out := make([]Keeper, len(parties))
		for i, p := range parties {
			k := s.newest[p.VKey]
			k.Party = p
			if v.Err == nil {
				k.Counted = !votes[i].At.IsZero()
				k.Behind = max(0, v.Checkpoint.Size-k.Size)
			}
			out[i] = k
		}
		return out
	}
	return of(q.Mirrors(), v.Mirrors), of(q.Witnesses(), v.Witnesses)
}

// Fewest is how many witnesses the policy needs at least.
func (q *Quorum) Fewest() int { return q.policy.Fewest() }

// F is how many of the mirrors may lie.
func (q *Quorum) F() int { return q.f }

// EpochState is one epoch of a list.
type EpochState struct {
	Epoch    int64
	Charter  int64 // version of the charter that opens it
	Hash     string
	Issued   string
	Operator Party
	Origin   string
	Opened   bool      // its first leaf is in the log; else no leaf was ever published under it
	First    int64     // index of its first leaf: the leaves before are those of the epochs before
	Last     int64     // of its last leaf; First − 1 while there is none
	At       time.Time // stamp of its first leaf
	How      Way
	Reports  []Report // of mirrors of earlier epochs, by which it continued
	Need     int      // how many reports of the epoch before were needed
	Present  bool     // the list is in this epoch
}

// Way is how an epoch began.
type Way string

// The ways.
const (
	WayFounded  Way = "founded"
	WayReports  Way = "reports"     // sealed mirrors said how far the old log went
	WayBoard    Way = "continue_at" // the board wrote into the charter where it goes on
	WayUnopened Way = "unopened"
)
