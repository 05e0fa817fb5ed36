package cveservices

import (
	"net/http"
	"regexp"

	"tasuki/internal/authority"
	"tasuki/internal/program"
)

// userRoutes are the endpoints of users (reference §9, §10).
var userRoutes = []route{
	at(http.MethodGet, "users", member, (*call).listUsers, (*authority.Standing).MustBeSecretariat),
	ours(at(http.MethodGet, "org/{shortname}/users", member, (*call).listUsersOf)),
	at(http.MethodPost, "org/{shortname}/user", member, (*call).addUser, (*authority.Standing).MustBeSecretariatOrAdmin, (*authority.Standing).MustBePartner),
	ours(at(http.MethodGet, "org/{shortname}/user/{username}", member, (*call).showUser)),
	at(http.MethodPut, "org/{shortname}/user/{username}", member, (*call).changeUser, (*authority.Standing).MustBePartner),
	at(http.MethodPut, "org/{shortname}/user/{username}/reset_secret", member, (*call).resetSecret, (*authority.Standing).MustBePartner),
}

// user is a user as this protocol shows them.
type user struct {
	Username  string      `json:"username"`
	OrgUUID   string      `json:"org_UUID"`
	UUID      string      `json:"UUID"`
	Active    bool        `json:"active"`
	Authority activeRoles `json:"authority"`
	Name      personName  `json:"name"`
	Time      times       `json:"time"`
	Secret    string      `json:"secret,omitzero"` // once, when they are created
}

type personName struct {
	First  string `json:"first"`
	Last   string `json:"last"`
	Middle string `json:"middle"`
	Suffix string `json:"suffix"`
}

func person(u *authority.User) user {
	return user{Username: u.Username, OrgUUID: u.Org, UUID: u.ID, Active: u.Active, Authority: activeRoles{u.Roles},
		Name: personName(u.Name), Time: times{stamp(u.Created), stamp(u.Modified)}}
}

func persons(users []authority.User) []user {
	shown := make([]user, len(users))
	for i := range users {
		shown[i] = person(&users[i])
	}
	return shown
}

// listUsers is GET /api/users.
func (c *call) listUsers() {
	c.names("page")
	page := c.page()
	if c.badInput() {
		return
	}
	users, total, err := c.Acts.Users(c.r.Context(), c.caller, offset(page), pageSize)
	if err != nil {
		c.fail(err)
		return
	}
	c.list("users", persons(users), page, int64(total))
}

// listUsersOf is GET /api/org/{shortname}/users.
func (c *call) listUsersOf() {
	page := c.page()
	short := c.inPath("shortname").trim().text()
	if c.badInput() {
		return
	}
	users, total, err := c.acts.UsersOf(c.r.Context(), c.caller, short, offset(page), pageSize)
	if err != nil {
		c.fail(err)
		return
	}
	c.list("users", persons(users), page, int64(total))
}

var usernames = regexp.MustCompile(`^[A-Za-z0-9\-_@.]{3,128}$`)

const usernameMessage = "Usernames have 3 to 128 characters: letters, digits and -_@."

// addUser is POST /api/org/{shortname}/user.
func (c *call) addUser() {
	short := c.inPath("shortname").trim().nonempty().len(2, 32)
	username := c.member("username").string().trim().nonempty().msg(usernameMessage).matches(usernames)
	c.member("org_uuid").opt().string()
	c.member("uuid").opt().string()
	var n authority.NewUser
	for _, part := range nameParts {
		*part.of(&n.Name) = c.member("name."+part.name).opt().string().trim().msg("name."+part.name+" is longer than 100 characters.").len(0, 100).text()
	}
	c.object("authority")
	roles := c.member("authority.active_roles").opt().flat().upper().msg("Not a user role.").all(authority.Admin)
	if c.badInput() {
		return
	}
	n.Username, n.Roles = username.text(), roles.texts()
	claim := c.given("org_uuid", "uuid")
	n.ID = claim // refused by the act, in its turn
	c.word("username", n.Username)
	u, secret, err := c.Acts.AddUser(c.r.Context(), c.caller, short.text(), n)
	if err != nil {
		what := "user"
		if claim == "org_uuid" {
			what = "org"
		}
		c.fail(err, problem{program.ErrIDGiven, http.StatusBadRequest, "UUID_PROVIDED", uuidsProvided(what)})
		return
	}
	shown := person(&u)
	shown.Secret = secret
	c.ok(changed{Message: n.Username + " was successfully created.", Created: shown})
}

// nameParts are the parts of a name, in the order in which they are checked.
var nameParts = []struct {
	name string
	of   func(*authority.PersonName) *string
}{
	{"first", func(n *authority.PersonName) *string { return &n.First }},
	{"last", func(n *authority.PersonName) *string { return &n.Last }},
	{"middle", func(n *authority.PersonName) *string { return &n.Middle }},
	{"suffix", func(n *authority.PersonName) *string { return &n.Suffix }},
}

// userPath checks the parts of the path that name a user.
func (c *call) userPath() (short, username string) {
	short = c.inPath("shortname").trim().len(2, 32).text()
	return short, c.inPath("username").msg(usernameMessage).matches(usernames).text()
}

// showUser is GET /api/org/{shortname}/user/{username}.
func (c *call) showUser() {
	short, username := c.userPath()
	if c.badInput() {
		return
	}
	u, err := c.acts.User(c.r.Context(), c.caller, short, username)
	if err != nil {
		c.fail(err)
		return
	}
	c.ok(person(&u))
}

// changeUser is PUT /api/org/{shortname}/user/{username}.
func (c *call) changeUser() {
	c.names("name.first", "name.last", "name.middle", "name.suffix", "new_username", "active", "active_roles.add", "active_roles.remove", "org_short_name")
	short, username := c.userPath()
	active := c.queried("active").opt().notlist().bool()
	rename := c.queried("new_username").opt().string().trim().nonempty().msg(usernameMessage).matches(usernames)
	to := c.queried("org_short_name").opt().string().trim().nonempty().len(2, 32)
	change := authority.UserChange{Username: rename.maybe()}
	for i, part := range []**string{&change.First, &change.Last, &change.Middle, &change.Suffix} {
		name := "name." + nameParts[i].name
		*part = c.queried(name).opt().string().trim().msg(name+" is longer than 100 characters.").len(0, 100).maybe()
	}
	for _, set := range []struct {
		name string
		to   *[]string
	}{{"active_roles.add", &change.Add}, {"active_roles.remove", &change.Remove}} {
		*set.to = c.queried(set.name).opt().flat().upper().msg("Invalid role. Valid role is ADMIN").all(authority.Admin).texts()
	}
	if c.badInput() {
		return
	}
	if active.given {
		yes, _ := truth(active.text())
		change.Active = &yes
	}
	c.word("org_short_name", to.text())
	u, err := c.Acts.ChangeUser(c.r.Context(), c.caller, short, username, change, to.maybe())
	if err != nil {
		c.fail(err)
		return
	}
	message := username + " was successfully updated."
	if change.Empty() && !to.given {
		message = "Nothing to update for " + username + "."
	}
	c.ok(changed{Message: message, Updated: person(&u)})
}

// resetSecret is PUT /api/org/{shortname}/user/{username}/reset_secret.
func (c *call) resetSecret() {
	short, username := c.userPath()
	if c.badInput() {
		return
	}
	secret, err := c.Acts.ResetSecret(c.r.Context(), c.caller, short, username)
	if err != nil {
		c.fail(err)
		return
	}
	c.ok(struct {
		Secret string `json:"API-secret"`
	}{secret})
}
