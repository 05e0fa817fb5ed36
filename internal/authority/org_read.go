package authority

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"tasuki/internal/store"
	"tasuki/spec/jcs"
)

var (
	orgGet      = q.Get("org_get")
	orgNamed    = q.Get("org_named")
	orgList     = q.Get("org_list")
	orgCount    = q.Get("org_count")
	orgRoles    = q.Get("org_roles")
	orgRolesAll = q.Get("org_roles_all")
	contactGet  = q.Get("contact_get")
)

// GetOrg reads an organisation by UUID or, where the text is none, by short name; ErrNoOrg. Its roles are those at the time
// at, for grants begin and end.
func GetOrg(ctx context.Context, tx *store.Tx, at time.Time, idOrShort string) (Org, error) {
	var o Org
	err := sql.ErrNoRows
	if id, perr := uuid.Parse(idOrShort); perr == nil && len(idOrShort) == 36 {
		o, err = scanOrg(tx.QueryRow(ctx, orgGet, id.String()))
	}
	if errors.Is(err, sql.ErrNoRows) {
		o, err = scanOrg(tx.QueryRow(ctx, orgNamed, plain(idOrShort)))
	}
	if errors.Is(err, sql.ErrNoRows) {
		return Org{}, fmt.Errorf("%q: %w", idOrShort, ErrNoOrg)
	}
	if err != nil {
		return Org{}, err
	}
	roles, err := rolesAt(ctx, tx, o.ID, at)
	for _, role := range roles {
		o.addRole(role)
	}
	return o, err
}

// rolesAt are the roles that an organisation holds, once each, in the order they were given.
func rolesAt(ctx context.Context, tx *store.Tx, org string, at time.Time) (roles []OrgRole, err error) {
	rows, err := tx.Query(ctx, orgRoles, org, at.UnixMilli(), at.UnixMilli())
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	for rows.Next() {
		var role OrgRole
		if err := rows.Scan(&role); err != nil {
			return nil, err
		}
		if !slices.Contains(roles, role) {
			roles = append(roles, role)
		}
	}
	return roles, rows.Err()
}

// Orgs lists organisations by short name: a page of limit from offset on, and how many there are in all.
func Orgs(ctx context.Context, tx *store.Tx, at time.Time, offset, limit int) ([]Org, int, error) {
	var total int
	if err := tx.QueryRow(ctx, orgCount).Scan(&total); err != nil {
		return nil, 0, err
	}
	out, err := scanOrgs(ctx, tx, limit, offset)
	if err != nil || len(out) == 0 {
		return out, total, err
	}
	place := make(map[string]*Org, len(out))
	for i := range out {
		place[out[i].ID] = &out[i]
	}
	rows, err := tx.Query(ctx, orgRolesAll, at.UnixMilli(), at.UnixMilli())
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	for rows.Next() {
		var org string
		var role OrgRole
		if err := rows.Scan(&org, &role); err != nil {
			return nil, 0, err
		}
		if o := place[org]; o != nil {
			o.addRole(role)
		}
	}
	return out, total, rows.Err()
}

func scanOrgs(ctx context.Context, tx *store.Tx, limit, offset int) ([]Org, error) {
	rows, err := tx.Query(ctx, orgList, limit, offset)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	var out []Org
	for rows.Next() {
		o, err := scanOrg(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, rows.Err()
}

// addRole notes a role that CVE Services knows, once.
func (o *Org) addRole(role OrgRole) {
	if role.Service() && !o.Has(role) {
		o.Roles = append(o.Roles, role)
	}
}

type scanner interface{ Scan(...any) error }

func scanOrg(row scanner) (Org, error) {
	var r orgRow
	if err := row.Scan(r.dest()...); err != nil {
		return Org{}, err
	}
	return r.value()
}

// orgRow is an organisation as queries give it.
type orgRow struct {
	Org
	profile                                  string
	n, adopted, created, modified, quotaMade int64
}

func (r *orgRow) dest() []any {
	return []any{&r.ID, &r.n, &r.Short, &r.Name, &r.profile, &r.adopted, &r.Attest, &r.created, &r.modified, &r.Quota, &r.quotaMade}
}

func (r *orgRow) value() (Org, error) {
	if r.profile != "" {
		if err := jcs.Decode([]byte(r.profile), &r.Profile); err != nil {
			return Org{}, fmt.Errorf("profile of %s: %w", r.ID, err)
		}
	}
	r.Adopted = r.adopted == 1
	r.Created, r.Modified = moment(r.created), moment(max(r.modified, r.quotaMade))
	return r.Org, nil
}

// moment is a time as the tables hold it; 0 is none.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// Contact is a person or desk that the Program reaches an organisation by. It is private.
type Contact struct {
	Email string `json:"email,omitzero"`
	Name  string `json:"name,omitzero"`
	Phone string `json:"phone,omitzero"`
}

// Contacts are the administrative contacts of an organisation, none where none were given.
func Contacts(ctx context.Context, tx *store.Tx, org string) ([]Contact, error) {
	var raw string
	err := tx.QueryRow(ctx, contactGet, org).Scan(&raw)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []Contact
	if err := jcs.Decode([]byte(raw), &out); err != nil {
		return nil, fmt.Errorf("contacts of %s: %w", org, err)
	}
	return out, nil
}
