// Package authority says who may do what. A Caller is named by the surface that heard them; May decides. Refusals go to
// the audit trail in the store, beside the facts they were kept from becoming.
package authority

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"tasuki/internal/store"
)

// Role is the power a caller acts with.
type Role string

// The roles of this version. Organisations with grants come with the numbering authority.
const (
	Anonymous Role = "anonymous" // reads
	Operator  Role = "operator"  // whoever holds the data directory: the command line, the control socket
	Feed      Role = "feed"      // a source this node was told to follow
)

// Caller is who asks. It is an explicit argument of everything that changes something.
type Caller struct {
	Role Role
	Name string // of the feed, or of the command
}

func (c Caller) String() string {
	if c.Name == "" {
		return string(c.Role)
	}
	return string(c.Role) + ":" + c.Name
}

// Action is something a caller may be allowed to do.
type Action string

// The actions.
const (
	Import Action = "import" // bring in records of another list
	Govern Action = "govern" // open an epoch, note a charter, keep the heart beating
	Erase  Action = "erase"  // erase a body
)

// Errors that callers branch on.
var (
	// ErrDenied means the caller lacks the power.
	ErrDenied = errors.New("authority: not allowed")
	// ErrSealed means this node may not write at all: its log is another epoch's, or a restored copy without a board key.
	ErrSealed = errors.New("authority: this copy of the list is read-only")
)

// Rules are the powers in force.
type Rules struct {
	// Sealed is why nothing may be written, "" when writing is allowed.
	Sealed string
}

// May answers nil, or why the caller may not.
func (r Rules) May(c Caller, a Action) error {
	if r.Sealed != "" {
		return fmt.Errorf("%w: %s", ErrSealed, r.Sealed)
	}
	switch {
	case c.Role == Operator:
		return nil
	case c.Role == Feed && a == Import:
		return nil
	}
	return fmt.Errorf("%w: %s may not %s", ErrDenied, c, a)
}

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed sql/*.sql
var queries embed.FS

var q = store.Load(queries, "sql")

var insertAudit = q.Get("audit_insert")

// Schema is the migrations of this package (0040–0049).
func Schema() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return sub
}

// Audit writes one refusal down.
func Audit(ctx context.Context, tx *store.Tx, at time.Time, c Caller, action, reason string) error {
	_, err := tx.Exec(ctx, insertAudit, at.UnixMilli(), c.String(), action, reason)
	return err
}
