package portal

import (
	"errors"
	"net/http"
	"strings"

	"tasuki/internal/authority"
	"tasuki/internal/program"
	"tasuki/web/portal"
)

// aboutUsers mounts what is about the users of an organisation. Their addresses are by UUID: a path is logged, and a username is
// nobody else's business.
func (s *server) aboutUsers() {
	s.handle("GET /portal/orgs/{org}/users/new", s.newUser)
	s.handle("POST /portal/orgs/{org}/users/new", s.addUser)
	s.handle("GET /portal/users/{user}", func(v *visit) error {
		m, err := s.member(v)
		if err != nil {
			return err
		}
		return s.showUser(v, http.StatusOK, m, shown(&m, v.r.URL.Query().Get("saved") != ""))
	})
	s.handle("POST /portal/users/{user}", s.changeUser)
	s.handle("POST /portal/users/{user}/key", s.resetKey)
	s.handle("POST /portal/users/{user}/totp", s.clearTOTP)
	for _, of := range []string{"key", "totp"} { // loaded again by their address
		s.handle("GET /portal/users/{user}/"+of, func(v *visit) error { return v.back("/portal/users/" + v.r.PathValue("user")) })
	}
}

func (s *server) member(v *visit) (program.Member, error) {
	return s.Acts.Member(v.r.Context(), v.me.Caller, v.r.PathValue("user"))
}

// shown is the form of a user as they are.
func shown(m *program.Member, saved bool) portal.UserForm {
	return portal.UserForm{Username: m.Username, First: m.Name.First, Last: m.Name.Last, Middle: m.Name.Middle, Suffix: m.Name.Suffix, Admin: m.Admin(), Active: m.Active,
		Saved: saved}
}

func (s *server) showUser(v *visit, status int, m program.Member, out portal.UserForm) error {
	if err := v.me.MayResetSecret(m.User); err != nil {
		return err // colleagues see the list, not each other's accounts
	}
	out.Of, out.ID, out.LastUsed, out.TOTP = m.Short, m.ID, m.LastUsed, m.TOTP
	out.Self = m.ID == v.me.User.ID
	out.MayRoles = v.me.IsAdmin() || v.me.IsSecretariat()
	out.MayMove = v.me.IsSecretariat()
	v.title(m.Username)
	out.Frame = v.frame
	s.Send(v.w, v.r, status, portal.UserFormBody(out))
	return nil
}

func (s *server) newUser(v *visit) error {
	o, err := s.Acts.Org(v.r.Context(), v.me.Caller, v.r.PathValue("org"))
	if err != nil {
		return err
	}
	return s.showNewUser(v, http.StatusOK, o, portal.UserForm{Active: true})
}

func (s *server) showNewUser(v *visit, status int, o authority.Org, out portal.UserForm) error {
	if err := v.me.MayAddUser(o.ID); err != nil {
		return err
	}
	out.Of, out.MayRoles = o.Short, true
	v.title(v.frame.Page.Lang.T("portal.user.add", o.Short))
	out.Frame = v.frame
	s.Send(v.w, v.r, status, portal.UserFormBody(out))
	return nil
}

// userForm is what was typed.
func (v *visit) userForm() portal.UserForm {
	at := func(name string) string { return strings.TrimSpace(v.r.PostForm.Get(name)) }
	return portal.UserForm{Username: at("username"), First: at("first"), Last: at("last"), Middle: at("middle"), Suffix: at("suffix"), Admin: at("admin") != "",
		Active: at("active") != "", MoveTo: at("move")}
}

// userProblems is the table from the acts' errors to fields.
var userProblems = []struct {
	err        error
	field, key string
}{
	{authority.ErrUsername, "username", "username.bad"},
	{authority.ErrUserExists, "username", "username.taken"},
	{authority.ErrUsernameTaken, "username", "username.taken"},
	{authority.ErrTooManyUsers, "", "users.full"},
	{authority.ErrPersonName, "first", "person.bad"},
	{authority.ErrSelfDemote, "admin", "self.demote"},
	{program.ErrNoTarget, "move", "move.bad"},
	{authority.ErrSameOrg, "move", "move.bad"},
}

// userProblem is what an act found wrong with a form; false when it is nothing of the form's.
func (v *visit) userProblem(err error) (portal.Problem, bool) {
	for _, known := range userProblems {
		if errors.Is(err, known.err) {
			return portal.Problem{Field: known.field, Text: v.frame.Page.Lang.T("portal." + known.key)}, true
		}
	}
	return portal.Problem{}, false
}

func (s *server) addUser(v *visit) error {
	o, err := s.Acts.Org(v.r.Context(), v.me.Caller, v.r.PathValue("org"))
	if err != nil {
		return err
	}
	out := v.userForm()
	n := authority.NewUser{Username: out.Username, Name: authority.PersonName{First: out.First, Last: out.Last, Middle: out.Middle, Suffix: out.Suffix}}
	if out.Admin {
		n.Roles = []string{authority.Admin}
	}
	u, key, err := s.Acts.AddUser(v.r.Context(), v.me.Caller, o.Short, n)
	if err == nil {
		return s.showSecret(v, portal.Secret{Of: o.Short, Username: u.Username, Key: key, Fresh: true, On: orgPath(o.Short)})
	}
	wrong, ours := v.userProblem(err)
	if !ours {
		return err
	}
	out.Problems = portal.Problems{wrong}
	return s.showNewUser(v, http.StatusUnprocessableEntity, o, out)
}

func (s *server) showSecret(v *visit, out portal.Secret) error {
	v.title(v.frame.Page.Lang.T("signin.key"))
	out.Frame = v.frame
	s.Send(v.w, v.r, http.StatusOK, portal.SecretBody(out))
	return nil
}

func (s *server) changeUser(v *visit) error {
	m, err := s.member(v)
	if err != nil {
		return err
	}
	if err := v.me.MayResetSecret(m.User); err != nil {
		return err
	}
	out := v.userForm()
	change := authority.UserChange{First: &out.First, Last: &out.Last, Middle: &out.Middle, Suffix: &out.Suffix}
	var to *string
	if v.me.IsAdmin() || v.me.IsSecretariat() {
		if out.Username != m.Username {
			change.Username = &out.Username
		}
		if out.Active != m.Active {
			change.Active = &out.Active
		}
		switch self := m.ID == v.me.User.ID; {
		case out.Admin && !m.Admin():
			change.Add = []string{authority.Admin}
		case !out.Admin && m.Admin() && !self: // one's own box is shut, and so not sent
			change.Remove = []string{authority.Admin}
		}
		if out.MoveTo != "" {
			to = &out.MoveTo
		}
	}
	if _, err = s.Acts.ChangeUser(v.r.Context(), v.me.Caller, m.Short, m.Username, change, to); err == nil {
		return v.back("/portal/users/" + m.ID + "?saved=1")
	}
	wrong, ours := v.userProblem(err)
	if !ours {
		return err
	}
	out.Problems = portal.Problems{wrong}
	return s.showUser(v, http.StatusUnprocessableEntity, m, out)
}

func (s *server) resetKey(v *visit) error {
	m, err := s.member(v)
	if err != nil {
		return err
	}
	if m.ID == v.me.User.ID {
		return v.back("/portal/account") // there the present key is asked for
	}
	key, err := s.Acts.ResetSecret(v.r.Context(), v.me.Caller, m.Short, m.Username)
	if err != nil {
		return err
	}
	return s.showSecret(v, portal.Secret{Of: m.Short, Username: m.Username, Key: key, On: "/portal/users/" + m.ID})
}

func (s *server) clearTOTP(v *visit) error {
	m, err := s.member(v)
	if err != nil {
		return err
	}
	if m.ID == v.me.User.ID {
		return v.back("/portal/account") // there a password is asked for
	}
	if err := s.Acts.ClearTOTP(v.r.Context(), v.me.Caller, m.ID); err != nil {
		return err
	}
	return v.back("/portal/users/" + m.ID + "?saved=1")
}
