package authority

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
)

// Admin is the only role of a user (cve-services-api.md §2).
const Admin = "ADMIN"

// MaxUsers is how many users an organisation may have (cve-services-api.md §10).
const MaxUsers = 100

// Errors that callers branch on.
var (
	// ErrNoUser means that there is no such user.
	ErrNoUser = errors.New("authority: no such user")
	// ErrUserExists means that the organisation has a user of that name.
	ErrUserExists = errors.New("authority: the user exists already")
	// ErrTooManyUsers means that the organisation has MaxUsers users.
	ErrTooManyUsers = errors.New("authority: the organisation has as many users as it may")
	// ErrUsernameTaken means that the organisation, or the one to move to, has a user of the new name; also when it is this one.
	ErrUsernameTaken = errors.New("authority: the username is taken")
	// ErrSameOrg means that a user is to move to where they are.
	ErrSameOrg = errors.New("authority: the user belongs to that organisation already")
	// ErrUsername means a text that is no username.
	ErrUsername = errors.New("authority: usernames have 3 to 128 characters: letters, digits and -_@.")
	// ErrPersonName means a part of a person's name of more than 100 characters.
	ErrPersonName = errors.New("authority: a part of a name has at most 100 characters")
	// ErrUserRole means a role that users do not have.
	ErrUserRole = errors.New("authority: no such role of users")
)

var username = regexp.MustCompile(`^[A-Za-z0-9\-_@.]{3,128}$`)

// PersonName is a person's name in the parts that CVE Services knows.
type PersonName struct{ First, Last, Middle, Suffix string }

func (n *PersonName) check() error {
	for _, part := range []string{n.First, n.Last, n.Middle, n.Suffix} {
		if utf8.RuneCountInString(part) > 100 || !utf8.ValidString(part) {
			return ErrPersonName
		}
	}
	return nil
}

// User is somebody who acts for an organisation. Everything in it but the UUID is private.
type User struct {
	ID, Org  string // permanent UUIDs
	Username string
	Name     PersonName
	Active   bool
	Roles    []string // Admin or none
	Added    int64    // leaf that added them: the order of creation
	Created  time.Time
	Modified time.Time
}

// Admin says that the user is an administrator of their organisation.
func (u *User) Admin() bool { return slices.Contains(u.Roles, Admin) }

// NewUser is what a user is made of. They are active.
type NewUser struct {
	ID       string // "" draws a fresh UUID
	Org      string // UUID
	Username string
	Name     PersonName
	Roles    []string
	PHC      string    // of their secret, see DrawSecret; "" for somebody who cannot sign in yet
	Inactive bool      // for users brought from another server
	Created  time.Time // zero: now
}

// AddUser adds a user: ErrNoOrg, ErrTooManyUsers, ErrUserExists, ErrUsername, ErrPersonName, ErrUserRole, ErrPHC.
func AddUser(ctx context.Context, tx *store.Tx, t event.Turn, n NewUser) (User, error) {
	switch {
	case !username.MatchString(n.Username):
		return User{}, ErrUsername
	case n.PHC != "" && !wellFormed(n.PHC):
		return User{}, ErrPHC
	}
	if err := errors.Join(n.Name.check(), checkRoles(n.Roles)); err != nil {
		return User{}, err
	}
	o, err := GetOrg(ctx, tx, t.Now(), n.Org)
	if err != nil {
		return User{}, err
	}
	var count int
	if err := tx.QueryRow(ctx, userOrgCount, o.ID).Scan(&count); err != nil {
		return User{}, err
	}
	if count >= MaxUsers {
		return User{}, fmt.Errorf("%s: %w", o.ID, ErrTooManyUsers)
	}
	if taken, err := nameTaken(ctx, tx, o.ID, n.Username); err != nil || taken {
		return User{}, errors.Join(err, onlyIf(taken, ErrUserExists))
	}
	id, err := identity(n.ID, t.Rand())
	if err != nil {
		return User{}, err
	}
	if n.ID != "" {
		if _, err := GetUser(ctx, tx, id); !errors.Is(err, ErrNoUser) {
			return User{}, errors.Join(err, onlyIf(err == nil, ErrUserExists))
		}
	}
	created := n.Created
	if created.IsZero() {
		created = t.Now()
	}
	f := &userFact{Active: !n.Inactive, Created: created.UTC().Format(ledger.TimeFormat), Kind: userAdded, Org: o.ID, Roles: distinct(n.Roles), User: id,
		Username: n.Username}
	f.name(n.Name)
	if err := emitFact(ctx, t, f); err != nil {
		return User{}, err
	}
	if n.PHC != "" {
		if err := emitFact(ctx, t, &secretFact{Kind: secretSet, PHC: n.PHC, User: id}); err != nil {
			return User{}, err
		}
	}
	return GetUser(ctx, tx, id)
}

func (f *userFact) name(n PersonName) {
	f.First, f.Last, f.Middle, f.Suffix = plain(n.First), plain(n.Last), plain(n.Middle), plain(n.Suffix)
}

func onlyIf(yes bool, err error) error {
	if yes {
		return err
	}
	return nil
}

func checkRoles(roles []string) error {
	for _, r := range roles {
		if r != Admin {
			return ErrUserRole
		}
	}
	return nil
}

// UserChange is what changes of a user; what is nil or empty stays.
type UserChange struct {
	First, Last, Middle, Suffix *string
	Username                    *string
	Active                      *bool
	Add, Remove                 []string // roles, added before removed
	Org                         *string  // UUID of the organisation to move to
}

// Names says that nothing but parts of the name changes.
func (c *UserChange) Names() bool {
	return c.Username == nil && c.Active == nil && len(c.Add)+len(c.Remove) == 0 && c.Org == nil
}

// Empty says that nothing was asked for.
func (c *UserChange) Empty() bool {
	return c.Names() && c.First == nil && c.Last == nil && c.Middle == nil && c.Suffix == nil
}

// ChangeUser changes a user: ErrNoUser, ErrNoOrg (the one to move to), ErrSameOrg, ErrUsernameTaken, ErrUsername, ErrPersonName,
// ErrUserRole. Who may is said by Standing.MayChangeUser. Nothing is logged where nothing differs.
func ChangeUser(ctx context.Context, tx *store.Tx, t event.Turn, id string, c UserChange) (User, error) {
	u, err := GetUser(ctx, tx, id)
	if err != nil {
		return User{}, err
	}
	next := u
	if c.Org != nil {
		o, err := GetOrg(ctx, tx, t.Now(), *c.Org)
		if err != nil {
			return User{}, err
		}
		if o.ID == u.Org {
			return User{}, fmt.Errorf("%s: %w", u.ID, ErrSameOrg)
		}
		next.Org = o.ID
	}
	if c.Username != nil {
		if next.Username = *c.Username; !username.MatchString(next.Username) {
			return User{}, ErrUsername
		}
	}
	if c.Org != nil || c.Username != nil {
		if taken, err := nameTaken(ctx, tx, next.Org, next.Username); err != nil || taken {
			return User{}, errors.Join(err, onlyIf(taken, ErrUsernameTaken))
		}
	}
	for _, part := range []struct{ to, from *string }{
		{&next.Name.First, c.First}, {&next.Name.Last, c.Last}, {&next.Name.Middle, c.Middle}, {&next.Name.Suffix, c.Suffix},
	} {
		if part.from != nil {
			*part.to = *part.from
		}
	}
	if c.Active != nil {
		next.Active = *c.Active
	}
	if err := errors.Join(next.Name.check(), checkRoles(c.Add), checkRoles(c.Remove)); err != nil {
		return User{}, err
	}
	next.Roles = slices.DeleteFunc(distinct(slices.Concat(u.Roles, c.Add)), func(r string) bool { return slices.Contains(c.Remove, r) })
	if next.Org == u.Org && next.Username == u.Username && next.Name == u.Name && next.Active == u.Active && slices.Equal(next.Roles, u.Roles) {
		return u, nil
	}
	f := &userFact{Active: next.Active, Added: u.Added, Created: u.Created.Format(ledger.TimeFormat), Kind: userChanged, Org: next.Org,
		Roles: next.Roles, User: u.ID, Username: next.Username}
	f.name(next.Name)
	if err := emitFact(ctx, t, f); err != nil {
		return User{}, err
	}
	return GetUser(ctx, tx, u.ID)
}

// RemoveUser ends a user: they cannot sign in and are listed no more. ErrNoUser.
func RemoveUser(ctx context.Context, tx *store.Tx, t event.Turn, id string) error {
	u, err := GetUser(ctx, tx, id)
	if err != nil {
		return err
	}
	return emitFact(ctx, t, &removedFact{Kind: userRemoved, User: u.ID})
}

// ResetSecret gives a user another secret, by its PHC string (see DrawSecret); the former one is worth nothing from then on.
// ErrNoUser, ErrPHC.
func ResetSecret(ctx context.Context, tx *store.Tx, t event.Turn, id, phc string) error {
	u, err := GetUser(ctx, tx, id)
	if err != nil {
		return err
	}
	if !wellFormed(phc) {
		return ErrPHC
	}
	return emitFact(ctx, t, &secretFact{Kind: secretSet, PHC: phc, User: u.ID})
}

var (
	userGet      = q.Get("user_get")
	userNamed    = q.Get("user_named")
	userList     = q.Get("user_list")
	userOrg      = q.Get("user_org")
	userCount    = q.Get("user_count")
	userOrgCount = q.Get("user_org_count")
	userLeaves   = q.Get("user_leaves")
)

// GetUser reads a user by UUID; ErrNoUser.
func GetUser(ctx context.Context, tx *store.Tx, id string) (User, error) {
	return oneUser(tx.QueryRow(ctx, userGet, id))
}

// UserNamed reads a user of an organisation (UUID) by name; ErrNoUser.
func UserNamed(ctx context.Context, tx *store.Tx, org, name string) (User, error) {
	return oneUser(tx.QueryRow(ctx, userNamed, org, plain(name)))
}

// Users lists the users of all organisations in the order of their creation: a page, and how many there are in all.
func Users(ctx context.Context, tx *store.Tx, offset, limit int) ([]User, int, error) {
	return pageOfUsers(ctx, tx, tx.QueryRow(ctx, userCount), userList, limit, offset)
}

// UsersOf lists the users of an organisation (UUID) by username: a page, and how many there are in all.
func UsersOf(ctx context.Context, tx *store.Tx, org string, offset, limit int) ([]User, int, error) {
	return pageOfUsers(ctx, tx, tx.QueryRow(ctx, userOrgCount, org), userOrg, org, limit, offset)
}

// UserLeaves are the leaves of every private fact about a user, oldest first. Whoever erases a person erases all of them, in
// this order: erasing only the newest would bring an older state back, such as a former secret.
func UserLeaves(ctx context.Context, tx *store.Tx, id string) ([]int64, error) {
	rows, err := tx.Query(ctx, userLeaves, id, id, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	var out []int64
	for rows.Next() {
		var leaf int64
		if err := rows.Scan(&leaf); err != nil {
			return nil, err
		}
		out = append(out, leaf)
	}
	return out, rows.Err()
}

func nameTaken(ctx context.Context, tx *store.Tx, org, name string) (bool, error) {
	_, err := UserNamed(ctx, tx, org, name)
	if errors.Is(err, ErrNoUser) {
		return false, nil
	}
	return err == nil, err
}

func oneUser(row scanner) (User, error) {
	u, err := scanUser(row)
	if errors.Is(err, sql.ErrNoRows) {
		return User{}, ErrNoUser
	}
	return u, err
}

func pageOfUsers(ctx context.Context, tx *store.Tx, count scanner, list *store.Query, args ...any) ([]User, int, error) {
	var total int
	if err := count.Scan(&total); err != nil {
		return nil, 0, err
	}
	rows, err := tx.Query(ctx, list, args...)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	var out []User
	for rows.Next() {
		u, err := scanUser(rows)
		if err != nil {
			return nil, 0, err
		}
		out = append(out, u)
	}
	return out, total, rows.Err()
}

func scanUser(row scanner) (User, error) {
	var r userRow
	if err := row.Scan(r.dest()...); err != nil {
		return User{}, err
	}
	return r.value(), nil
}

// userRow is a user as queries give it.
type userRow struct {
	User
	roles                           string
	leaf, active, created, modified int64
}

func (r *userRow) dest() []any {
	return []any{&r.leaf, &r.ID, &r.Org, &r.Username, &r.Name.First, &r.Name.Last, &r.Name.Middle, &r.Name.Suffix, &r.roles, &r.active, &r.Added,
		&r.created, &r.modified}
}

func (r *userRow) value() User {
	r.Roles, r.Active, r.Created, r.Modified = strings.Fields(r.roles), r.active == 1, moment(r.created), moment(r.modified)
	return r.User
}
