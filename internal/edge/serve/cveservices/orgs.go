package cveservices

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"tasuki/internal/authority"
)

// orgRoutes are the endpoints of organisations (reference §9).
var orgRoutes = []route{
	at(http.MethodGet, "org", member, (*call).listOrgs, (*authority.Standing).MustBeSecretariat),
	at(http.MethodPost, "org", member, (*call).addOrg, (*authority.Standing).MustBeSecretariat),
	ours(at(http.MethodGet, "org/{identifier}", member, (*call).showOrg)),
	at(http.MethodPut, "org/{shortname}", member, (*call).changeOrg, (*authority.Standing).MustBeSecretariat),
	ours(at(http.MethodGet, "org/{shortname}/id_quota", member, (*call).showQuota)),
}

// organisation is an organisation as this protocol shows it.
type organisation struct {
	UUID      string      `json:"UUID"`
	Authority activeRoles `json:"authority"`
	Name      string      `json:"name"`
	Policies  policies    `json:"policies"`
	ShortName string      `json:"short_name"`
	Time      times       `json:"time"`
}

type activeRoles struct {
	Roles []string `json:"active_roles"`
}

type policies struct {
	Quota int64 `json:"id_quota"`
}

// quota is how many identifiers an organisation may hold.
type quota struct {
	Quota     int64 `json:"id_quota"`
	Reserved  int64 `json:"total_reserved"`
	Available int64 `json:"available"`
}

func showing(o *authority.Org) organisation {
	out := organisation{UUID: o.ID, Name: o.Name, Policies: policies{o.Quota}, ShortName: o.Short, Time: times{stamp(o.Created), stamp(o.Modified)}}
	for _, r := range o.Roles {
		out.Authority.Roles = append(out.Authority.Roles, string(r))
	}
	return out
}

// orgRoles are the roles that this protocol knows, in the order of the reference's §2.
var orgRoles = []string{string(authority.CNA), string(authority.Secretariat), string(authority.BulkDownload), string(authority.RootCNA), string(authority.ADP)}

func rolesOf(names []string) (roles []authority.OrgRole) {
	for _, n := range names {
		roles = append(roles, authority.OrgRole(n))
	}
	return roles
}

// listOrgs is GET /api/org.
func (c *call) listOrgs() {
	c.names("page")
	page := c.page()
	if c.badInput() {
		return
	}
	orgs, total, err := c.Acts.Orgs(c.r.Context(), c.caller, offset(page), pageSize)
	if err != nil {
		c.fail(err)
		return
	}
	shown := make([]organisation, len(orgs))
	for i := range orgs {
		shown[i] = showing(&orgs[i])
	}
	c.list("organizations", shown, page, int64(total))
}

const quotaMessage = "id_quota must lie between 0 and 100000."

// addOrg is POST /api/org.
func (c *call) addOrg() {
	short := c.member("short_name").string().trim().nonempty().len(2, 32)
	name := c.member("name").string().trim().nonempty()
	c.object("authority")
	roles := c.member("authority.active_roles").opt().flat().upper().msg("Not an organization role.").all(orgRoles...)
	c.object("policies")
	quota := c.member("policies.id_quota").opt().notlist().msg(quotaMessage).int(0, authority.MaxQuota)
	if c.badInput() {
		return
	}
	n := authority.NewOrg{Short: short.text(), Name: name.text(), Roles: rolesOf(roles.texts())}
	if quota.given {
		n.Quota = new(quota.number(0))
	}
	if len(n.Roles) == 0 {
		n.Roles = []authority.OrgRole{authority.CNA}
	}
	if !slices.ContainsFunc(n.Roles, func(r authority.OrgRole) bool { return r != authority.ADP }) {
		n.Quota = nil // whatever was asked for: who only enriches reserves nothing
	}
	if c.given("uuid") != "" {
		c.refuse(http.StatusBadRequest, "UUID_PROVIDED", uuidsProvided("org"))
		return
	}
	c.word("short_name", n.Short)
	o, err := c.Acts.RegisterOrg(c.r.Context(), c.caller, n)
	if c.named(err, short, name) {
		return
	}
	c.ok(changed{Message: n.Short + " organization was successfully created.", Created: showing(&o)})
}

// named answers where an organisation could not be named so, or anything else went wrong, and says whether it has. Names have rules
// of ours beyond the reference's: no control characters, 400 characters at most.
func (c *call) named(err error, short, name *field) bool {
	switch {
	case err == nil:
		return false
	case errors.Is(err, authority.ErrShort):
		short.must(false)
	case errors.Is(err, authority.ErrName):
		name.must(false)
	default:
		c.fail(err)
		return true
	}
	return c.badInput()
}

func uuidsProvided(what string) string {
	return "Providing UUIDs for " + what + " creation or update is not allowed."
}

// given finds a member of the body, spelt in any letter case; "" if there is none.
func (c *call) given(names ...string) string {
	object, _ := c.inBody().(map[string]any)
	for _, n := range names {
		for have := range object {
			if strings.EqualFold(have, n) {
				return n
			}
		}
	}
	return ""
}

// object: a member of the body that others are in is an object, if it is there.
func (c *call) object(name string) {
	f := c.member(name).opt()
	_, ok := f.value.(map[string]any)
	f.must(ok)
}

// showOrg is GET /api/org/{identifier}.
func (c *call) showOrg() {
	o, err := c.acts.Org(c.r.Context(), c.caller, strings.TrimSpace(c.words["identifier"]))
	if err != nil {
		c.fail(err, problem{authority.ErrNoOrg, http.StatusNotFound, "ORG_DNE", "The organization does not exist."})
		return
	}
	c.ok(showing(&o))
}

// changeOrg is PUT /api/org/{shortname}.
func (c *call) changeOrg() {
	c.names("new_short_name", "id_quota", "name", "active_roles.add", "active_roles.remove")
	path := c.inPath("shortname").trim().len(2, 32)
	short := c.queried("new_short_name").opt().string().trim().nonempty().len(2, 32)
	quota := c.queried("id_quota").opt().msg(quotaMessage).notlist().int(0, authority.MaxQuota)
	name := c.queried("name").opt().string().trim().nonempty()
	var roles [2][]string
	for i, n := range [...]string{"active_roles.add", "active_roles.remove"} {
		roles[i] = c.queried(n).opt().flat().upper().msg("Invalid role. Valid roles are " + strings.Join(orgRoles, ", ")).all(orgRoles...).texts()
	}
	if c.badInput() {
		return
	}
	change := authority.OrgChange{Short: short.maybe(), Name: name.maybe(), Add: rolesOf(roles[0]), Remove: rolesOf(roles[1])}
	if quota.given {
		change.Quota = new(quota.number(0))
	}
	o, err := c.Acts.ChangeOrg(c.r.Context(), c.caller, path.text(), change)
	if c.named(err, short, name) {
		return
	}
	c.ok(changed{Message: path.text() + " organization was successfully updated.", Updated: showing(&o)})
}

// showQuota is GET /api/org/{shortname}/id_quota.
func (c *call) showQuota() {
	short := c.inPath("shortname").string().trim().nonempty().len(2, 32)
	if c.badInput() {
		return
	}
	q, err := c.acts.QuotaOf(c.r.Context(), c.caller, short.text())
	if err != nil {
		c.fail(err)
		return
	}
	c.ok(quota{q.Quota, q.Reserved, q.Available})
}
