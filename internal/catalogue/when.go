package catalogue

import (
	"context"
	"errors"
	"time"

	"tasuki/spec/cve"
)

// Clock says by whose time a moment is meant.
type Clock string

// The clocks. Log time is when this list learnt something; it is the default, also where nothing is said. Source time is when
// the source says that it held a version: what a history import brought, else the document's own last change.
const (
	LogClock    Clock = "log"
	SourceClock Clock = "source"
)

// At is a point in the life of the list. The zero value is now.
type At struct {
	// Size means the list as its first Size leaves tell it; it wins over Time.
	Size  int64
	Time  time.Time // the list as known at this moment, which is included
	Clock Clock
}

// IsZero reports whether at is now.
func (at At) IsZero() bool { return at.Size == 0 && at.Time.IsZero() }

// Moment is an At that was looked up.
type Moment struct {
	At   At
	Size int64     // leaves that the log had by then; with the source clock all that it has now
	Head int64     // leaves that it has now
	Time time.Time // o.t of the last of Size leaves; zero when there is none
	// First is when this list learnt its first record; an earlier moment knows nothing yet. Zero when there is no record at all.
	First time.Time
}

// ErrAt means a moment that cannot be answered: a size beyond the log, an unknown clock.
var ErrAt = errors.New("catalogue: no such moment")

// Change is what happened to one record between two moments.
type Change struct {
	ID    string
	What  What
	Index int64     // leaf that made the change: New, or the erasure of its body
	Time  time.Time // o.t of that leaf
	State cve.State // at the end of the span; "" when it was erased
	Was   cve.State // at its beginning; "" when the list did not know it, or its body was erased by then
	Old   int64     // leaf of the version at the beginning; -1
	New   int64     // leaf of the version at the end
}

// What says how a record changed between two moments.
type What string

// The kinds of change. A record that the list did not know is Added, a rejected one too. One that was rejected is Withdrawn,
// one that came back from there, or after its body was erased, Restored. By the source's clock, on which erasures have no place,
// a version is Erased when nothing is left of it now.
const (
	Added     What = "added"
	Changed   What = "changed"
	Withdrawn What = "withdrawn"
	Restored  What = "restored"
	Erased    What = "erased"
)

// Span asks what changed between two moments.
type Span struct {
	From, To At
	Limit    int    // at most so many changes; 0 means 100
	Cursor   string // Changes.Next of the page before
	Kinds    []What // only these; none means all
}

// Changes is one page of what changed, in the order of Change.Index.
type Changes struct {
	From, To Moment
	Total    map[What]int // of the whole span; nil on later pages
	List     []Change
	Next     string
}

// Times are the reads that know of time.
type Times interface {
	Resolve(ctx context.Context, at At) (Moment, error)
	GetAt(ctx context.Context, id string, at At) (*View, error)
	Version(ctx context.Context, id string, index int64) (*View, error)
	Versions(ctx context.Context, id string) ([]Version, error)
	Changes(ctx context.Context, s Span) (*Changes, error)
	Since(ctx context.Context, cursor int64, limit int) ([]Change, int64, error)
}
