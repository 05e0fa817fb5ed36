package authority

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"tasuki/internal/event"
	"tasuki/internal/store"
	"tasuki/spec/jcs"
)

// OrgRole is a role that an organisation holds by a grant. Which powers it has is the rule pack's.
type OrgRole string

// The roles. The first five are those that CVE Services knows (cve-services-api.md §2), by its names; BulkDownload and RootCNA
// have no power in governance. The others are the Program's (governance.md §1).
const (
	CNA          OrgRole = "CNA"
	Secretariat  OrgRole = "SECRETARIAT"
	BulkDownload OrgRole = "BULK_DOWNLOAD"
	RootCNA      OrgRole = "ROOT_CNA"
	ADP          OrgRole = "ADP"

	Board        OrgRole = "BOARD"
	TopLevelRoot OrgRole = "TL_ROOT"
	Root         OrgRole = "ROOT"
	LastResort   OrgRole = "CNA_LR"
	SupplierADP  OrgRole = "SADP"
)

var (
	serviceRoles    = []OrgRole{CNA, Secretariat, BulkDownload, RootCNA, ADP}
	governanceRoles = []OrgRole{Board, TopLevelRoot, Root, LastResort, SupplierADP}
)

// Service says that CVE Services knows the role and shows it among an organisation's active roles.
func (r OrgRole) Service() bool { return slices.Contains(serviceRoles, r) }

// Known says that the role is one of those above.
func (r OrgRole) Known() bool { return r.Service() || slices.Contains(governanceRoles, r) }

// Has says that the organisation holds one of the roles.
func (o *Org) Has(roles ...OrgRole) bool {
	return slices.ContainsFunc(roles, func(r OrgRole) bool { return slices.Contains(o.Roles, r) })
}

// Errors that callers branch on.
var (
	// ErrRole means a role that there is not.
	ErrRole = errors.New("authority: no such role")
	// ErrNoGrant means that there is no such grant.
	ErrNoGrant = errors.New("authority: no such grant")
	// ErrEnded means that a grant does not stand: it was ended, has run out or has not begun.
	ErrEnded = errors.New("authority: the grant does not stand")
	// ErrParent means that a grant cannot stand under the other: the rule pack gives its role no power to grant this one.
	ErrParent = errors.New("authority: the parent grant has no power to give this role")
	// ErrValidity means a grant that would end before it begins.
	ErrValidity = errors.New("authority: a grant ends after it begins")
)

// Grant is a role that an organisation holds, inside a scope, under another grant, for some time.
type Grant struct {
	ID, Org  string // UUIDs
	Role     OrgRole
	Parent   string    // grant it stands under; "" for the Board's own and for what was given by the Secretariat alone
	From, To time.Time // valid from From and until before To; zero To: without end
	Pack     string    // version of the rule pack it was given under
	Scope    Scope
	Decision Decision
	Leaf     int64 // that gave it
	Given    time.Time
	Ended    time.Time // zero while it stands
	Reason   string    // of its end
}

// Decision is what a grant rests on. It is public.
type Decision struct {
	By   string `json:"by,omitzero"`   // organisation that decided, UUID
	Ref  string `json:"ref,omitzero"`  // where the decision is published
	Text string `json:"text,omitzero"` // the decision in words
}

// grantBody is the public body of grant.given.
type grantBody struct {
	Decision Decision `json:"decision,omitzero"`
	Scope    Scope    `json:"scope,omitzero"`
}

// StandsAt says that the grant is in force at a time.
func (g *Grant) StandsAt(at time.Time) bool {
	return g.Ended.IsZero() && !g.From.After(at) && (g.To.IsZero() || g.To.After(at))
}

// NewGrant is what a grant is made of.
type NewGrant struct {
	Org      string // UUID or short name
	Role     OrgRole
	Parent   string // "" or a standing grant whose role may give this one
	Scope    Scope
	Decision Decision
	From, To time.Time // zero From: now
	By       string    // organisation that gives it, "" for the operator
}

// GiveGrant gives a role: ErrNoOrg, ErrRole, ErrNoGrant and ErrEnded (of the parent), ErrParent, ErrScope, ErrValidity. An
// organisation may hold one role by several grants, each with a scope of its own.
func GiveGrant(ctx context.Context, tx *store.Tx, t event.Turn, n NewGrant) (Grant, error) {
	if !n.Role.Known() {
		return Grant{}, fmt.Errorf("%q: %w", n.Role, ErrRole)
	}
	o, err := GetOrg(ctx, tx, t.Now(), n.Org)
	if err != nil {
		return Grant{}, err
	}
	rules, err := RulesInForce(ctx, tx)
	if err != nil {
		return Grant{}, err
	}
	if n.Parent != "" {
		parent, err := GetGrant(ctx, tx, n.Parent)
		switch {
		case err != nil:
			return Grant{}, fmt.Errorf("parent: %w", err)
		case !parent.StandsAt(t.Now()):
			return Grant{}, fmt.Errorf("parent %s: %w", n.Parent, ErrEnded)
		case !rules.MayGive(parent.Role, n.Role):
			return Grant{}, fmt.Errorf("%s under %s: %w", n.Role, parent.Role, ErrParent)
		}
	}
	if n.From.IsZero() {
		n.From = t.Now()
	}
	if !n.To.IsZero() && !n.To.After(n.From) {
		return Grant{}, ErrValidity
	}
	if err := n.Scope.Check(); err != nil {
		return Grant{}, err
	}
	id, err := identity("", t.Rand())
	if err != nil {
		return Grant{}, err
	}
	e := &event.Event{Kind: event.GrantGiven, Org: o.ID, Grant: id, Parent: n.Parent, Role: string(n.Role), Pack: rules.Version,
		ValidFrom: n.From.UTC().Truncate(time.Millisecond), ValidTo: n.To.UTC().Truncate(time.Millisecond), By: n.By}
	if err := emitBody(ctx, t, e, grantBody{Decision: n.Decision, Scope: n.Scope}); err != nil {
		return Grant{}, err
	}
	return GetGrant(ctx, tx, id)
}

// EndGrant ends a grant: ErrNoGrant, ErrEnded. reason is public; it must not be empty.
func EndGrant(ctx context.Context, tx *store.Tx, t event.Turn, id, reason, by string) error {
	g, err := GetGrant(ctx, tx, id)
	if err != nil {
		return err
	}
	if !g.Ended.IsZero() {
		return fmt.Errorf("%s: %w", id, ErrEnded)
	}
	rules, err := RulesInForce(ctx, tx)
	if err != nil {
		return err
	}
	_, err = t.Emit(ctx, &event.Event{Kind: event.GrantEnded, Org: g.Org, Grant: id, Reason: reason, Pack: rules.Version, By: by}, nil)
	return err
}

var (
	grantGet  = q.Get("grant_get")
	grantOrg  = q.Get("grant_org")
	grantList = q.Get("grant_list")
)

// GetGrant reads one grant, standing or not; ErrNoGrant.
func GetGrant(ctx context.Context, tx *store.Tx, id string) (Grant, error) {
	g, err := scanGrant(tx.QueryRow(ctx, grantGet, id))
	if errors.Is(err, sql.ErrNoRows) {
		return Grant{}, fmt.Errorf("%q: %w", id, ErrNoGrant)
	}
	return g, err
}

// GrantsOf lists the grants of an organisation (UUID), ended ones too, in the order they were given.
func GrantsOf(ctx context.Context, tx *store.Tx, org string) ([]Grant, error) {
	return scanGrants(ctx, tx, grantOrg, org)
}

// Grants lists every grant, ended ones too, in the order they were given.
func Grants(ctx context.Context, tx *store.Tx) ([]Grant, error) {
	return scanGrants(ctx, tx, grantList)
}

func scanGrants(ctx context.Context, tx *store.Tx, query *store.Query, args ...any) ([]Grant, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	var out []Grant
	for rows.Next() {
		g, err := scanGrant(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	return out, rows.Err()
}

func scanGrant(row scanner) (Grant, error) {
	var g Grant
	var body string
	var from, to, given, ended int64
	if err := row.Scan(&g.ID, &g.Leaf, &g.Org, &g.Role, &g.Parent, &from, &to, &g.Pack, &body, &given, &ended, &g.Reason); err != nil {
		return Grant{}, err
	}
	g.From, g.To, g.Given, g.Ended = moment(from), moment(to), moment(given), moment(ended)
	if body != "" {
		b, err := parseGrantBody([]byte(body))
		if err != nil {
			return Grant{}, fmt.Errorf("grant %s: %w", g.ID, err)
		}
		g.Scope, g.Decision = b.Scope, b.Decision
	}
	return g, nil
}

func parseGrantBody(raw []byte) (grantBody, error) {
	var b grantBody
	err := jcs.Decode(raw, &b)
	return b, err
}
