package continuity

import (
	"context"
	"time"

	"tasuki/internal/charter"
)

// Accepted is the newest published checkpoint that a follower believes: its view of the list.
type Accepted struct {
	Tree
	Origin string
	Epoch  int64
	Note   []byte    // with every line
	Newest time.Time // what its newest witness (without witnesses: mirror) states; zero where nobody cosigns
}

// HoldReason says why a follower does not move.
type HoldReason string

// The reasons.
const (
	HoldSiblings  HoldReason = "siblings"  // two valid charters of one version: A is ours, B the other's hash
	HoldFork      HoldReason = "fork"      // a checkpoint with a quorum does not contain what was accepted: A and B are evidence names
	HoldContinues HoldReason = "continues" // the board continues below what was accepted: A is the charter's hash
)

// Hold is a follower that stopped moving; the zero value moves. It ends by a decision of people: a policy, Choose or Release.
type Hold struct {
	Why  HoldReason
	A, B string
	At   time.Time
}

// Held says that a decision is needed.
func (h Hold) Held() bool { return h.Why != "" }

// Following is what a follower remembers.
type Following struct {
	Chain    *charter.Chain
	Siblings []*charter.Document // valid charters that stand in nobody's chain here, any version
	Accepted Accepted            // zero before the first
	Hold     Hold
}

// Evidence is something signed that somebody should not have signed, kept for everybody to see.
type Evidence struct {
	Name   string // unique: kind and a hash of what is in it
	Kind   EvidenceKind
	Origin string
	Text   string   // why, in one line; never a value that a stranger chose
	Notes  [][]byte // what was signed, verbatim
	At     time.Time
}

// EvidenceKind says what it shows.
type EvidenceKind string

// The kinds.
const (
	EvidenceFork    EvidenceKind = "fork"    // two checkpoints of one log that no append-only log can have
	EvidenceRefusal EvidenceKind = "refusal" // a signed checkpoint with a leaf that breaks a rule
	EvidenceSibling EvidenceKind = "sibling" // two charters of one version: the documents
	EvidenceOpening EvidenceKind = "opening" // a signed checkpoint whose epoch is not opened as the charter demands
	EvidenceLane    EvidenceKind = "lane"    // two first publications of one number, both signed events
)

// FollowDisk is what every follower must not forget. A method that returned nil is on disk; after an error nobody knows.
type FollowDisk interface {
	Load(ctx context.Context) (Following, error)
	// Extend appends a charter to the chain. With a sealing, the old origin is sealed in the same transaction, before anything
	// else is written: the tree stored at that moment goes into the statement.
	Extend(ctx context.Context, d *charter.Document, s *Sealing) error
	// KeepSibling keeps a valid charter beside the chain, and the hold (zero for none) with it.
	KeepSibling(ctx context.Context, d *charter.Document, h Hold) error
	// Choose puts a sibling of the head into the head's place, the head among the siblings, and ends the hold.
	Choose(ctx context.Context, d *charter.Document, s *Sealing) error
	// Accept records a view. It answers ErrStale when it is smaller than the one that is recorded.
	Accept(ctx context.Context, a Accepted) error
	// Hold records a hold, or with the zero value its end, and evidence (nil for none) with it.
	Hold(ctx context.Context, h Hold, e *Evidence) error
	// Keep records evidence; what is known by its name already is left alone.
	Keep(ctx context.Context, e Evidence) error
}

// Sealing ends an origin. Sign makes the statement about what is stored of its log: the whole stored tree, if this mirror has cosigned
// under the origin or entered its epoch. A store that did neither may end in leaves of an older epoch that this log did not continue;
// what it holds of this log for certain is the accepted view (before the first: the empty tree).
type Sealing struct {
	Origin  string
	Charter string
	Entered bool
	Sign    func(stored Tree) ([]byte, error) // nil: whoever has no key promises nothing

	broken bool // by a mutant: the report is made, the promise is not
}

// Binds says that the origin is sealed; only a mutant's is not.
func (s *Sealing) Binds() bool { return !s.broken }

// Signed is a tree and a note about it.
type Signed struct {
	Tree
	Note []byte
	Time time.Time // of what a Publisher has published: when it was cosigned last; else zero
}

// Stop is why a mirror does not cosign beyond a size of an origin.
type Stop struct {
	Origin string
	Size   int64 // up to here it may
	Kind   EvidenceKind
	Leaf   int64  // that breaks a rule; −1 for other reasons
	Reason string // in plain words, public
	At     time.Time
}

// MirrorDisk is what a mirror must not forget, and its own copy of the log.
type MirrorDisk interface {
	FollowDisk
	Copy // of the whole stored tree
	// ID names this store for good: random, made when it is first asked for. A mirror's key is bound to it.
	ID(ctx context.Context) (string, error)
	// Stored is the tree of everything that is stored, folded and on disk.
	Stored(ctx context.Context) (Tree, error)
	// Heads are what the log signed and this mirror cosigned last under an origin; zero for none.
	Heads(ctx context.Context, origin string) (seen, cosigned Signed, err error)
	// See records the log-signed note whose leaves are fetched next.
	See(ctx context.Context, origin string, s Signed) error
	// Cosign records a cosignature before it leaves, with the note that carries it. The statement itself refuses: ErrSealed, ErrStale
	// below what was cosigned, ErrFork for another root at the same size.
	Cosign(ctx context.Context, origin string, s Signed) error
	// Seals are the statements given, newest last.
	Seals(ctx context.Context) ([]Signed, error)
	// Halt records a stop, its evidence with it; an origin has one, the smaller size stands.
	Halt(ctx context.Context, s Stop, e *Evidence) error
	// Halted is the stop of an origin, nil for none.
	Halted(ctx context.Context, origin string) (*Stop, error)
	// Cut drops every leaf from size on, what was folded from it, and what this store's own log key signed beyond it as operator of an
	// older epoch (that origin is over, and would keep the next one from ever signing); before that it keeps the reports that allow it.
	Cut(ctx context.Context, size int64, reports [][]byte) error
	// Reports are seals of mirrors that were kept.
	Reports(ctx context.Context) ([][]byte, error)
}

// PublisherDisk is what an operator must not forget about publishing.
type PublisherDisk interface {
	// Collected is the pending checkpoint with the lines that came for it last; zero for none.
	Collected(ctx context.Context, origin string) (Signed, error)
	// Collect records lines: a note with the log's signature and those of mirrors and witnesses.
	Collect(ctx context.Context, origin string, s Signed) error
	// Published is the newest published checkpoint of an origin; zero for none.
	Published(ctx context.Context, origin string) (Signed, error)
	// Publish records one. The statement itself refuses a smaller size (ErrStale) and another root at the same size (ErrFork).
	Publish(ctx context.Context, origin string, s Signed) error
}
