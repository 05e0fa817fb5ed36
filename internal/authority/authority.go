// Package authority says who may do what. A Caller is named by the surface that heard them; May decides which doors are
// open to them, and a Standing, read inside the transaction, what they may do behind them. Refusals go to the audit
// trail in the store, beside the facts they were kept from becoming.
//
// It knows organisations, the role grants they hold with their scopes, users and their secrets, quotas, and the rule pack
// that decisions are stamped with. Commands take an event.Turn: they read, refuse with an error that callers branch on, or
// emit. What they emit is folded into the tables that the reads of this package ask.
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

// The roles that a caller may have.
const (
	Anonymous Role = "anonymous" // reads
	Operator  Role = "operator"  // whoever holds the data directory: the command line, the control socket
	Feed      Role = "feed"      // a source this node was told to follow
	Signed    Role = "signed"    // an organisation, by its key's signature on an event: what it may do is asked of that event
	Member    Role = "member"    // a user of an organisation, by a secret or a session; Standing says what they may do
)

// Caller is who asks. It is an explicit argument of everything that changes something.
type Caller struct {
	Role Role
	Name string // of the feed, or of the command

	// Of a Member: permanent UUIDs. Names are looked up when something is shown.
	Org, User string
}

func (c Caller) String() string {
	switch {
	case c.Role == Member:
		return string(c.Role) + ":" + c.Org + "/" + c.User
	case c.Role == Signed:
		return string(c.Role) + ":" + c.Org
	case c.Name == "":
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
	// Act is an act of the CVE Program. Whether this caller may carry out this act is asked inside the transaction, where a
	// revoked grant is revoked.
	Act Action = "act"
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
	case c.Role == Feed && a == Import, (c.Role == Member || c.Role == Signed) && a == Act:
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
