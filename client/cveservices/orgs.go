package cveservices

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
)

// Orgs lists all organisations by short name. The Secretariat's.
func (c *Client) Orgs(ctx context.Context) iter.Seq2[Org, error] {
	return list[Org]{c, "org", nil, "organizations"}.all(ctx)
}

// Org reads an organisation by short name or UUID: the caller's own, any for the Secretariat.
func (c *Client) Org(ctx context.Context, shortOrUUID string) (out Org, err error) {
	_, err = c.do(ctx, call{method: http.MethodGet, path: "org/" + escape(shortOrUUID)}, &out)
	return out, err
}

// QuotaOf reads the quota of an organisation by short name.
func (c *Client) QuotaOf(ctx context.Context, short string) (out Quota, err error) {
	_, err = c.do(ctx, call{method: http.MethodGet, path: "org/" + escape(short) + "/id_quota"}, &out)
	return out, err
}

// NewOrg is what an organisation is made of. No roles make a CNA; a nil Quota leaves it to the server.
type NewOrg struct {
	Short, Name string
	Roles       []string
	Quota       *int64
}

// CreateOrg makes an organisation. The Secretariat's.
func (c *Client) CreateOrg(ctx context.Context, n NewOrg) (Org, error) {
	body := map[string]any{"short_name": n.Short, "name": n.Name}
	if len(n.Roles) > 0 {
		body["authority"] = Authority{n.Roles}
	}
	if n.Quota != nil {
		body["policies"] = Policies{*n.Quota}
	}
	var out struct {
		Created Org `json:"created"`
	}
	_, err := c.do(ctx, call{method: http.MethodPost, path: "org", body: body, once: true}, &out)
	return out.Created, err
}

// OrgChange is what to change of an organisation; nil and empty leave it.
type OrgChange struct {
	Short, Name           *string
	Quota                 *int64
	AddRoles, RemoveRoles []string
}

// ChangeOrg changes an organisation. The Secretariat's.
func (c *Client) ChangeOrg(ctx context.Context, short string, change OrgChange) (Org, error) {
	v := roles(change.AddRoles, change.RemoveRoles)
	setPtr(v, "new_short_name", change.Short)
	setPtr(v, "name", change.Name)
	if change.Quota != nil {
		v.Set("id_quota", strconv.FormatInt(*change.Quota, 10))
	}
	var out struct {
		Updated Org `json:"updated"`
	}
	_, err := c.do(ctx, call{method: http.MethodPut, path: "org/" + escape(short), query: v, once: change.Short != nil}, &out)
	return out.Updated, err
}

func roles(add, remove []string) url.Values {
	v := url.Values{}
	for name, list := range map[string][]string{"active_roles.add": add, "active_roles.remove": remove} {
		if len(list) > 0 {
			v[name] = list
		}
	}
	return v
}

// UsersOf lists the users of an organisation by username.
func (c *Client) UsersOf(ctx context.Context, short string) iter.Seq2[User, error] {
	return list[User]{c, "org/" + escape(short) + "/users", nil, "users"}.all(ctx)
}

// Users lists the users of all organisations. The Secretariat's.
func (c *Client) Users(ctx context.Context) iter.Seq2[User, error] {
	return list[User]{c, "users", nil, "users"}.all(ctx)
}

// UserNamed reads a user of an organisation.
func (c *Client) UserNamed(ctx context.Context, short, username string) (out User, err error) {
	_, err = c.do(ctx, call{method: http.MethodGet, path: "org/" + escape(short, "user", username)}, &out)
	return out, err
}

// NewUser is what a user is made of.
type NewUser struct {
	Username string
	Name     Name
	Roles    []string // ADMIN or none
}

// CreateUser adds a user to an organisation. The answer holds their secret, which nobody can read again.
func (c *Client) CreateUser(ctx context.Context, short string, n NewUser) (User, error) {
	body := map[string]any{"username": n.Username}
	if n.Name != (Name{}) {
		body["name"] = n.Name
	}
	if len(n.Roles) > 0 {
		body["authority"] = Authority{n.Roles}
	}
	var out struct {
		Created User `json:"created"`
	}
	_, err := c.do(ctx, call{method: http.MethodPost, path: "org/" + escape(short) + "/user", body: body, once: true}, &out)
	return out.Created, err
}

// UserChange is what to change of a user; nil and empty leave it.
type UserChange struct {
	First, Last, Middle, Suffix *string
	Username                    *string
	Active                      *bool
	Org                         *string // short name; the Secretariat's
	AddRoles, RemoveRoles       []string
}

// ChangeUser changes a user.
func (c *Client) ChangeUser(ctx context.Context, short, username string, change UserChange) (User, error) {
	v := roles(change.AddRoles, change.RemoveRoles)
	setPtr(v, "name.first", change.First)
	setPtr(v, "name.last", change.Last)
	setPtr(v, "name.middle", change.Middle)
	setPtr(v, "name.suffix", change.Suffix)
	setPtr(v, "new_username", change.Username)
	setPtr(v, "org_short_name", change.Org)
	if change.Active != nil {
		v.Set("active", strconv.FormatBool(*change.Active))
	}
	var out struct {
		Updated User `json:"updated"`
	}
	_, err := c.do(ctx, call{method: http.MethodPut, path: "org/" + escape(short, "user", username), query: v,
		once: change.Username != nil || change.Org != nil}, &out)
	return out.Updated, err
}

// ResetSecret gives a user another secret; the former one is worth nothing from then on. It is sent once.
func (c *Client) ResetSecret(ctx context.Context, short, username string) (string, error) {
	var out struct {
		Secret string `json:"API-secret"`
	}
	_, err := c.do(ctx, call{method: http.MethodPut, path: "org/" + escape(short, "user", username, "reset_secret"), once: true}, &out)
	return out.Secret, err
}
