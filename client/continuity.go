package client

import (
	"context"
	"time"
)

// Continuity is how the list is kept: who runs it, who else holds it, and how it would go on. Each copy answers for itself.
type Continuity struct {
	List      string    `json:"list" doc:"The list's id: the hash of its first charter."`
	Role      string    `json:"role" doc:"What the copy is that answers: operator, former operator, mirror or client." example:"mirror"`
	Size      int64     `json:"size" doc:"Leaves that it holds."`
	Charter   Mandate   `json:"charter"`
	Epoch     int64     `json:"epoch"`
	Origin    string    `json:"origin" doc:"The log's name in this epoch: the first line of its checkpoints."`
	Quorum    Quorum    `json:"quorum"`
	Published *Covered  `json:"published,omitzero" doc:"The newest checkpoint with the charter's quorum; absent before the first."`
	Pending   *Waiting  `json:"pending,omitzero" doc:"What the log has signed beyond it; absent while nothing waits."`
	Mirrors   []Keeper  `json:"mirrors"`
	Witnesses []Keeper  `json:"witnesses"`
	Copy      *CopyOf   `json:"copy,omitzero" doc:"How this copy follows the list; absent at the operator."`
	Hold      *Hold     `json:"hold,omitzero" doc:"Why this copy shows its last good view until people decide."`
	Stopped   *Stopped  `json:"stopped,omitzero" doc:"Why this mirror cosigns nothing more in this epoch."`
	Epochs    []EpochOf `json:"epochs" doc:"The oldest first."`
}

// Mandate is the charter in force, in short.
type Mandate struct {
	Version   int64    `json:"version"`
	Hash      string   `json:"hash"`
	Path      string   `json:"path" doc:"Where the document is."`
	Operator  string   `json:"operator" doc:"Short name of who runs the list."`
	URL       string   `json:"url" doc:"Where."`
	Until     string   `json:"until,omitzero" format:"date" doc:"Last day of the mandate; absent when it has no end."`
	BoardKeys int      `json:"board_keys" doc:"Keys of the board."`
	BoardNeed int64    `json:"board_needed" doc:"How many of them can name another operator."`
	Escrow    int      `json:"escrow" doc:"Keys to which private facts are encrypted, so that a successor can have them."`
	Conflicts []string `json:"conflicts,omitzero" doc:"Paths of charters that are as valid as this one: the board has signed more than one."`
}

// Quorum is what a checkpoint needs before it counts, beside the log's own signature.
type Quorum struct {
	Mirrors   int `json:"mirrors" doc:"Mirrors that have to have stored everything."`
	Witnesses int `json:"witnesses" doc:"The smallest number of witnesses that is enough."`
	Reports   int `json:"reports" doc:"Mirrors that have to report before a successor can go on."`
	MayLie    int `json:"may_lie" doc:"Mirrors that may lie without harm."`
}

// Covered is a checkpoint.
type Covered struct {
	Size int64     `json:"size"`
	Time time.Time `json:"time" format:"date-time" doc:"When it was signed last."`
}

// Waiting is what is signed and not published.
type Waiting struct {
	Size  int64      `json:"size"`
	Since *time.Time `json:"since,omitzero" format:"date-time" doc:"Only the operator knows."`
}

// Keeper is a mirror or a witness, and the newest of its cosignatures that this copy has seen.
type Keeper struct {
	Name    string     `json:"name"`
	URL     string     `json:"url,omitzero"`
	Key     string     `json:"key" doc:"Its verifier key."`
	Counted bool       `json:"counted" doc:"It has cosigned the published checkpoint."`
	Size    int64      `json:"size" doc:"Leaves under its newest cosignature; 0 when none was seen."`
	Behind  int64      `json:"behind" doc:"Leaves of the published checkpoint that its newest cosignature does not cover."`
	At      *time.Time `json:"at,omitzero" format:"date-time" doc:"When it was made, by its own clock."`
}

// CopyOf is how a copy follows the list.
type CopyOf struct {
	Source   string   `json:"source,omitzero" doc:"The server that answered last, if the charter names it."`
	Behind   int64    `json:"behind" doc:"Leaves that it knows of and does not hold yet."`
	Problem  string   `json:"problem,omitzero" doc:"Why it does not go on."`
	Key      string   `json:"key,omitzero" doc:"Its verifier key."`
	Listed   bool     `json:"listed" doc:"The charter names that key."`
	Cosigned int64    `json:"cosigned" doc:"Leaves under its newest cosignature."`
	Sealed   []string `json:"sealed,omitzero" doc:"Origins that it will never cosign again."`
}

// Hold is a copy that stands still.
type Hold struct {
	Why   string    `json:"why" enum:"siblings,fork,continues"`
	Since time.Time `json:"since" format:"date-time"`
}

// Stopped is a mirror that found something wrong.
type Stopped struct {
	Size   int64     `json:"size" doc:"It cosigns nothing beyond so many leaves."`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since" format:"date-time"`
}

// EpochOf is a span of the log under one operator, name and key.
type EpochOf struct {
	Epoch    int64      `json:"epoch"`
	Operator string     `json:"operator"`
	Origin   string     `json:"origin"`
	Charter  int64      `json:"charter" doc:"Version of the charter that opens it."`
	How      string     `json:"how" enum:"founded,reports,continue_at,unopened" doc:"By what it could begin: with the list, by reports of sealed mirrors, where the board said; or not at all."`
	First    *int64     `json:"first,omitzero" doc:"Index of its first leaf; absent where it was never opened."`
	Last     *int64     `json:"last,omitzero" doc:"Of its last leaf."`
	Opened   *time.Time `json:"opened,omitzero" format:"date-time"`
	Reports  []string   `json:"reports,omitzero" doc:"Mirrors by whose reports it continues."`
}

// Continuity asks how the list is kept.
func (c *Client) Continuity(ctx context.Context) (*Continuity, error) {
	return ask[Continuity](ctx, c, "continuity", nil)
}
