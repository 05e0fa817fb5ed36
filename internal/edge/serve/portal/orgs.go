package portal

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tasuki/internal/authority"
	"tasuki/web/portal"
)

// aboutOrgs mounts what is about organisations.
func (s *server) aboutOrgs() {
	s.handle("GET /portal/org", func(v *visit) error { return v.back(orgPath(v.me.Org.Short)) })
	s.handle("GET /portal/orgs", s.listOrgs)
	s.handle("GET /portal/orgs/new", func(v *visit) error {
		return s.showOrgForm(v, http.StatusOK, portal.OrgForm{Quota: strconv.Itoa(authority.StartQuota), Roles: rolesOf([]authority.OrgRole{authority.CNA})})
	})
	s.handle("POST /portal/orgs/new", s.registerOrg)
	s.handle("GET /portal/orgs/{org}", s.oneOrg)
	s.handle("GET /portal/orgs/{org}/edit", s.editOrg)
	s.handle("POST /portal/orgs/{org}/edit", s.changeOrg)
}

func orgPath(short string) string { return "/portal/orgs/" + url.PathEscape(short) }

func (s *server) oneOrg(v *visit) error {
	short := v.r.PathValue("org")
	o, err := s.Acts.Org(v.r.Context(), v.me.Caller, short)
	if err == nil && o.Short != short {
		return v.back(orgPath(o.Short)) // it was asked for by its UUID
	}
	if err != nil {
		return err
	}
	members, err := s.Acts.Members(v.r.Context(), v.me.Caller, o.Short)
	if err != nil {
		return err
	}
	out := portal.Org{Short: o.Short, Name: o.Name, UUID: o.ID, Created: o.Created, Assigns: o.Has(authority.CNA), MayEdit: v.me.MustBeSecretariat() == nil,
		MayAdd: v.me.MayAddUser(o.ID) == nil, Profile: facts(o.Profile)}
	if o.ID == v.me.Org.ID {
		for _, r := range v.me.Roles {
			out.Roles = append(out.Roles, string(r))
		}
	} else {
		for _, r := range o.Roles {
			out.Roles = append(out.Roles, string(r))
		}
	}
	if out.Assigns {
		h, err := s.Acts.Holdings(v.r.Context(), v.me.Caller, o.Short)
		if err != nil {
			return err
		}
		out.Quota = portal.Meter(h.Quota)
	}
	for _, m := range members {
		out.Users = append(out.Users, portal.UserRow{ID: m.ID, Name: m.Username, Person: person(m.Name), Admin: m.Admin(), Active: m.Active, TOTP: m.TOTP, LastUsed: m.LastUsed})
	}
	v.title(o.Short)
	out.Frame = v.frame
	s.Send(v.w, v.r, http.StatusOK, portal.OrgBody(out))
	return nil
}

func person(n authority.PersonName) string {
	return strings.Join(strings.Fields(strings.Join([]string{n.First, n.Middle, n.Last, n.Suffix}, " ")), " ")
}

// facts are what the public sees of an organisation, in the order of the form.
func facts(p authority.Profile) (out []portal.Fact) {
	add := func(key string, list ...string) {
		if text := strings.Join(list, ", "); text != "" {
			out = append(out, portal.Fact{Key: key, Value: text})
		}
	}
	add("emails", p.Emails...)
	add("pages", p.Pages...)
	add("policies", p.Policies...)
	add("advisories", p.Advisories...)
	add("country", p.Country)
	return out
}

func (s *server) listOrgs(v *visit) error {
	q := v.r.URL.Query()
	text := q.Get("find")
	page, err := strconv.Atoi(q.Get("page"))
	if err != nil || page < 1 || page > 1_000_000 {
		page = 1
	}
	list, total, err := s.Acts.FindOrgs(v.r.Context(), v.me.Caller, text, (page-1)*perPage, perPage)
	if err != nil {
		return err
	}
	out := portal.Orgs{Text: text, Total: int64(total), From: int64((page-1)*perPage) + 1}
	for _, o := range list {
		row := portal.OrgRow{Short: o.Short, Name: o.Name, Quota: o.Quota}
		for _, r := range o.Roles {
			row.Roles = append(row.Roles, string(r))
		}
		out.Rows = append(out.Rows, row)
	}
	turn := func(to int) string {
		return "/portal/orgs?" + url.Values{"find": {text}, "page": {strconv.Itoa(to)}}.Encode()
	}
	if page > 1 {
		out.Prev = turn(page - 1)
	}
	if page*perPage < total {
		out.Next = turn(page + 1)
	}
	v.title(v.frame.Page.Lang.T("portal.nav.orgs"))
	out.Frame = v.frame
	s.Send(v.w, v.r, http.StatusOK, portal.OrgsBody(out))
	return nil
}

// tickable are the roles that a form gives with a tick: those that CVE Services knows. All else is a grant with its scope.
var tickable = []authority.OrgRole{authority.CNA, authority.ADP, authority.Secretariat, authority.BulkDownload, authority.RootCNA}

func rolesOf(held []authority.OrgRole) (out []portal.Role) {
	for _, r := range tickable {
		out = append(out, portal.Role{Name: string(r), Held: slices.Contains(held, r)})
	}
	return out
}

func (s *server) showOrgForm(v *visit, status int, out portal.OrgForm) error {
	if err := v.me.MustBeSecretariat(); err != nil {
		return err
	}
	v.title(v.frame.Page.Lang.T("portal.nav.orgs"))
	out.Frame = v.frame
	s.Send(v.w, v.r, status, portal.OrgFormBody(out))
	return nil
}

// orgForm is what was typed, as it is shown again; the roles that were ticked, the profile and the quota as they are meant.
func (v *visit) orgForm(of string) (out portal.OrgForm, roles []authority.OrgRole, p authority.Profile, quota int64) {
	form, lang := v.r.PostForm, v.frame.Page.Lang
	for _, r := range form["role"] {
		if slices.Contains(tickable, authority.OrgRole(r)) {
			roles = append(roles, authority.OrgRole(r))
		}
	}
	out = portal.OrgForm{Of: of, Short: strings.TrimSpace(form.Get("short")), Name: strings.TrimSpace(form.Get("name")), Quota: strings.TrimSpace(form.Get("quota")),
		Roles: rolesOf(roles), Emails: form.Get("emails"), Pages: form.Get("pages"), Policies: form.Get("policies"), Advisories: form.Get("advisories"),
		Country: strings.TrimSpace(form.Get("country"))}
	p = authority.Profile{Emails: textLines(out.Emails), Pages: textLines(out.Pages), Policies: textLines(out.Policies), Advisories: textLines(out.Advisories), Country: out.Country}
	quota, err := strconv.ParseInt(out.Quota, 10, 64)
	if err != nil || quota < 0 || quota > authority.MaxQuota {
		out.Problems = append(out.Problems, portal.Problem{Field: "quota", Text: lang.T("portal.quota.bad")})
	}
	return out, roles, p, quota
}

// textLines are the lines of a field that are not empty.
func textLines(text string) (out []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// orgProblem is what an act found wrong with a form, at its field; false when it is nothing of the form's.
func (v *visit) orgProblem(err error) (portal.Problem, bool) {
	lang := v.frame.Page.Lang
	switch {
	case errors.Is(err, authority.ErrShort):
		return portal.Problem{Field: "short", Text: lang.T("portal.short.bad")}, true
	case errors.Is(err, authority.ErrOrgExists), errors.Is(err, authority.ErrShortTaken):
		return portal.Problem{Field: "short", Text: lang.T("portal.short.taken")}, true
	case errors.Is(err, authority.ErrName):
		return portal.Problem{Field: "name", Text: lang.T("portal.name.bad")}, true
	case errors.Is(err, authority.ErrQuota):
		return portal.Problem{Field: "quota", Text: lang.T("portal.quota.bad")}, true
	}
	return portal.Problem{}, false
}

func (s *server) registerOrg(v *visit) error {
	out, roles, profile, quota := v.orgForm("")
	if len(out.Problems) == 0 {
		o, err := s.Acts.RegisterOrg(v.r.Context(), v.me.Caller, authority.NewOrg{Short: out.Short, Name: out.Name, Profile: profile, Roles: roles, Quota: &quota})
		if err == nil {
			return v.back(orgPath(o.Short))
		}
		wrong, ours := v.orgProblem(err)
		if !ours {
			return err
		}
		out.Problems = append(out.Problems, wrong)
	}
	return s.showOrgForm(v, http.StatusUnprocessableEntity, out)
}

func (s *server) editOrg(v *visit) error {
	o, err := s.Acts.Org(v.r.Context(), v.me.Caller, v.r.PathValue("org"))
	if err != nil {
		return err
	}
	join := func(list []string) string { return strings.Join(list, "\n") }
	return s.showOrgForm(v, http.StatusOK, portal.OrgForm{Of: o.Short, Short: o.Short, Name: o.Name, Quota: strconv.FormatInt(o.Quota, 10), Roles: rolesOf(o.Roles),
		Emails: join(o.Profile.Emails), Pages: join(o.Profile.Pages), Policies: join(o.Profile.Policies), Advisories: join(o.Profile.Advisories),
		Country: o.Profile.Country, Saved: v.r.URL.Query().Get("saved") != ""})
}

func (s *server) changeOrg(v *visit) error {
	o, err := s.Acts.Org(v.r.Context(), v.me.Caller, v.r.PathValue("org"))
	if err != nil {
		return err
	}
	out, roles, profile, quota := v.orgForm(o.Short)
	if len(out.Problems) == 0 {
		change := authority.OrgChange{Name: &out.Name, Quota: &quota}
		if out.Short != o.Short {
			change.Short = &out.Short
		}
		profile.Types, profile.PartnerID = o.Profile.Types, o.Profile.PartnerID // no field shows them
		if strings.Join(flat(profile), "\n") != strings.Join(flat(o.Profile), "\n") {
			change.Profile = &profile
		}
		for _, r := range tickable {
			switch had, has := slices.Contains(o.Roles, r), slices.Contains(roles, r); {
			case has && !had:
				change.Add = append(change.Add, r)
			case had && !has:
				change.Remove = append(change.Remove, r)
			}
		}
		changed, err := s.Acts.ChangeOrg(v.r.Context(), v.me.Caller, o.Short, change)
		if err == nil {
			return v.back(orgPath(changed.Short) + "/edit?saved=1")
		}
		wrong, ours := v.orgProblem(err)
		if !ours {
			return err
		}
		out.Problems = append(out.Problems, wrong)
	}
	return s.showOrgForm(v, http.StatusUnprocessableEntity, out)
}

// flat is what the form shows of a profile as one list, each part with its beginning marked.
func flat(p authority.Profile) (out []string) {
	for _, part := range [][]string{p.Emails, p.Pages, p.Policies, p.Advisories, {p.Country}} {
		out = append(append(out, ""), part...)
	}
	return out
}
