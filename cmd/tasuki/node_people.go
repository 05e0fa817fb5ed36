package main

import (
	"context"
	"slices"
	"strings"

	"tasuki/internal/authority"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// orgAnswer is an organisation for the operator.
type orgAnswer struct {
	Short    string   `json:"short_name"`
	Name     string   `json:"name"`
	ID       string   `json:"UUID"`
	Roles    []string `json:"roles"` // in a list all of them, elsewhere those that CVE Services knows
	Quota    int64    `json:"id_quota"`
	Adopted  bool     `json:"adopted,omitzero"`
	Created  string   `json:"created"`
	Modified string   `json:"modified"`
}

func orgAnswerOf(o authority.Org) orgAnswer {
	a := orgAnswer{Short: o.Short, Name: o.Name, ID: o.ID, Roles: []string{}, Quota: o.Quota, Adopted: o.Adopted,
		Created: cve.FormatTime(o.Created), Modified: cve.FormatTime(o.Modified)}
	for _, r := range o.Roles {
		a.Roles = append(a.Roles, string(r))
	}
	return a
}

// orgWhole is everything that the operator may know of an organisation.
type orgWhole struct {
	orgAnswer
	Reserved int64         `json:"reserved"`
	Emails   []string      `json:"emails,omitempty"`
	Pages    []string      `json:"pages,omitempty"`
	Policies []string      `json:"policies,omitempty"`
	Grants   []grantAnswer `json:"grants"`
}

type grantAnswer struct {
	ID     string `json:"id"`
	Role   string `json:"role"`
	Parent string `json:"parent,omitzero"`
	Scope  string `json:"scope,omitzero"`
	From   string `json:"from"`
	To     string `json:"to,omitzero"`
}

type orgRequest struct{ Name string }

// everybody is more than a list has: the operator's own questions are not paged.
const everybody = 1 << 20

func (n *node) listOrgs(ctx context.Context, _ struct{}, _ Reporter) ([]orgAnswer, error) {
	list, _, err := n.acts.Orgs(ctx, operator("authority org list"), 0, everybody)
	if err != nil {
		return nil, err
	}
	out, place := make([]orgAnswer, len(list)), map[string]*orgAnswer{}
	for i, o := range list {
		out[i] = orgAnswerOf(o)
		place[o.ID] = &out[i]
	}
	err = n.db.View(ctx, func(tx *store.Tx) error {
		grants, err := authority.Grants(ctx, tx)
		for _, g := range grants {
			if o := place[g.Org]; o != nil && g.StandsAt(n.now()) && !slices.Contains(o.Roles, string(g.Role)) {
				o.Roles = append(o.Roles, string(g.Role))
			}
		}
		return err
	})
	return out, err
}

func (n *node) showOrg(ctx context.Context, q orgRequest, _ Reporter) (out orgWhole, err error) {
	o, err := n.acts.Org(ctx, operator("authority org show"), q.Name)
	if err != nil {
		return out, err
	}
	quota, err := n.acts.QuotaOf(ctx, operator("authority org show"), o.Short)
	if err != nil {
		return out, err
	}
	out = orgWhole{orgAnswer: orgAnswerOf(o), Reserved: quota.Reserved, Emails: o.Profile.Emails, Pages: o.Profile.Pages, Policies: o.Profile.Policies,
		Grants: []grantAnswer{}}
	err = n.db.View(ctx, func(tx *store.Tx) error {
		grants, err := authority.GrantsOf(ctx, tx, o.ID)
		for _, g := range grants {
			if !g.StandsAt(n.now()) {
				continue
			}
			a := grantAnswer{ID: g.ID, Role: string(g.Role), Parent: g.Parent, Scope: g.Scope.Text, From: cve.FormatTime(g.From)}
			if !g.To.IsZero() {
				a.To = cve.FormatTime(g.To)
			}
			out.Grants = append(out.Grants, a)
		}
		return err
	})
	return out, err
}

type newOrgRequest struct {
	Short, Name   string
	Roles         []string
	Quota         *int64
	Emails, Pages []string
}

func (n *node) addOrg(ctx context.Context, q newOrgRequest, _ Reporter) (orgAnswer, error) {
	o, err := n.acts.RegisterOrg(ctx, operator("authority org add"), authority.NewOrg{Short: q.Short, Name: q.Name, Roles: rolesOf(q.Roles), Quota: q.Quota,
		Profile: authority.Profile{Emails: q.Emails, Pages: q.Pages}})
	return orgAnswerOf(o), err
}

type orgChangeRequest struct {
	Short          string
	NewShort, Name *string
	Quota          *int64
	Add, Remove    []string
}

func (n *node) changeOrg(ctx context.Context, q orgChangeRequest, _ Reporter) (orgAnswer, error) {
	o, err := n.acts.ChangeOrg(ctx, operator("authority org change"), q.Short, authority.OrgChange{Short: q.NewShort, Name: q.Name, Quota: q.Quota,
		Add: rolesOf(q.Add), Remove: rolesOf(q.Remove)})
	return orgAnswerOf(o), err
}

func rolesOf(names []string) (out []authority.OrgRole) {
	for _, name := range names {
		out = append(out, authority.OrgRole(strings.ToUpper(name)))
	}
	return out
}

// userAnswer is a user for the operator.
type userAnswer struct {
	Org      string `json:"org"`
	Username string `json:"username"`
	ID       string `json:"UUID"`
	First    string `json:"first,omitzero"`
	Last     string `json:"last,omitzero"`
	Middle   string `json:"middle,omitzero"`
	Suffix   string `json:"suffix,omitzero"`
	Active   bool   `json:"active"`
	Admin    bool   `json:"admin,omitzero"`
	Created  string `json:"created"`
	LastUsed string `json:"last_used,omitzero"` // the hour in which the secret was used last
	Secret   string `json:"secret,omitzero"`    // where one was drawn just now
}

func (u userAnswer) display() string {
	return strings.Join(strings.Fields(strings.Join([]string{u.First, u.Middle, u.Last, u.Suffix}, " ")), " ")
}

func userAnswerOf(org string, u authority.User) userAnswer {
	return userAnswer{Org: org, Username: u.Username, ID: u.ID, First: u.Name.First, Last: u.Name.Last, Middle: u.Name.Middle, Suffix: u.Name.Suffix,
		Active: u.Active, Admin: u.Admin(), Created: cve.FormatTime(u.Created)}
}

func (n *node) listUsers(ctx context.Context, q orgRequest, _ Reporter) (out []userAnswer, err error) {
	me := operator("authority user list")
	var list []authority.User
	if q.Name == "" {
		list, _, err = n.acts.Users(ctx, me, 0, everybody)
	} else {
		list, _, err = n.acts.UsersOf(ctx, me, q.Name, 0, everybody)
	}
	if err != nil {
		return nil, err
	}
	orgs, err := n.listOrgs(ctx, struct{}{}, quiet{})
	if err != nil {
		return nil, err
	}
	short := map[string]string{}
	for _, o := range orgs {
		short[o.ID] = o.Short
	}
	n.noteUse(ctx)
	err = n.db.View(ctx, func(tx *store.Tx) error {
		for _, u := range list {
			a := userAnswerOf(short[u.Org], u)
			used, err := authority.LastUsed(ctx, tx, u.ID)
			if err != nil {
				return err
			}
			if !used.IsZero() {
				a.LastUsed = cve.FormatTime(used)
			}
			out = append(out, a)
		}
		return nil
	})
	return out, err
}

type newUserRequest struct {
	Org, User string
	Admin     bool
	Person    Person
	Secret    string
}

func (n *node) addUser(ctx context.Context, q newUserRequest, _ Reporter) (userAnswer, error) {
	fresh := authority.NewUser{Username: q.User, Name: authority.PersonName{First: deref(q.Person.First), Last: deref(q.Person.Last),
		Middle: deref(q.Person.Middle), Suffix: deref(q.Person.Suffix)}}
	if q.Admin {
		fresh.Roles = []string{authority.Admin}
	}
	if q.Secret != "" {
		var err error
		if fresh.PHC, err = authority.HashSecret(n.rand, q.Secret); err != nil {
			return userAnswer{}, err
		}
	}
	u, key, err := n.acts.AddUser(ctx, operator("authority user add"), q.Org, fresh)
	a := userAnswerOf(q.Org, u)
	a.Secret = key
	return a, err
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

type userChangeRequest struct {
	Org, User       string
	NewName, MoveTo *string
	Active, Admin   *bool
	Person          Person
}

func (n *node) changeUser(ctx context.Context, q userChangeRequest, _ Reporter) (userAnswer, error) {
	c := authority.UserChange{Username: q.NewName, Active: q.Active, First: q.Person.First, Last: q.Person.Last, Middle: q.Person.Middle, Suffix: q.Person.Suffix}
	if q.Admin != nil && *q.Admin {
		c.Add = []string{authority.Admin}
	} else if q.Admin != nil {
		c.Remove = []string{authority.Admin}
	}
	u, err := n.acts.ChangeUser(ctx, operator("authority user change"), q.Org, q.User, c, q.MoveTo)
	org := q.Org
	if q.MoveTo != nil {
		org = *q.MoveTo
	}
	return userAnswerOf(org, u), err
}

type secretRequest struct{ Org, User, Secret string }

func (n *node) resetSecret(ctx context.Context, q secretRequest, _ Reporter) (userAnswer, error) {
	me := operator("authority user reset-secret")
	a := userAnswer{Org: q.Org, Username: q.User}
	if q.Secret != "" {
		return a, n.acts.SetSecret(ctx, me, q.Org, q.User, q.Secret)
	}
	key, err := n.acts.ResetSecret(ctx, me, q.Org, q.User)
	a.Secret = key
	return a, err
}
