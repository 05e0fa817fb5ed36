package portal

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/program"
	"tasuki/web/portal"
)

// aboutGrants mounts what is about roles and their scopes.
func (s *server) aboutGrants() {
	s.handle("GET /portal/grants", s.listGrants)
	s.handle("GET /portal/grants/new", func(v *visit) error {
		return s.showGrant(v, http.StatusOK, portal.Grant{Short: v.r.URL.Query().Get("org"), Role: string(authority.CNA)})
	})
	s.handle("POST /portal/grants/new", s.giveGrant)
	s.handle("GET /portal/grants/{grant}", func(v *visit) error {
		g, err := s.Acts.Grant(v.r.Context(), v.r.PathValue("grant"))
		if err != nil {
			return err
		}
		out := grantForm(&g)
		out.Saved = v.r.URL.Query().Get("saved") != ""
		return s.showGrant(v, http.StatusOK, out)
	})
	s.handle("POST /portal/grants/{grant}", s.changeScope)
	s.handle("POST /portal/grants/{grant}/end", s.endGrant)
	s.handle("GET /portal/grants/{grant}/end", func(v *visit) error { return v.back("/portal/grants/" + v.r.PathValue("grant")) })
}

// mayGive says that whoever is signed in has the power at all; over whom, the acts say.
func (v *visit) mayGive() bool { return v.me.Can(authority.ApproveScope) }

func (s *server) listGrants(v *visit) error {
	q := v.r.URL.Query()
	out := portal.Grants{Of: strings.TrimSpace(q.Get("org")), MayGive: v.mayGive(), Past: q.Get("past") != ""}
	list, err := s.Acts.Grants(v.r.Context(), out.Of)
	if err != nil && !errors.Is(err, authority.ErrNoOrg) {
		return err
	}
	for _, g := range list {
		if g.Stands || out.Past {
			out.Rows = append(out.Rows, portal.GrantRow{ID: g.ID, Short: g.Short, Role: string(g.Role), Above: g.Above, Text: g.Scope.Text, From: g.From, To: g.To, Stands: g.Stands})
		}
	}
	v.title(v.frame.Page.Lang.T("portal.nav.grants"))
	out.Frame = v.frame
	s.Send(v.w, v.r, http.StatusOK, portal.GrantsBody(out))
	return nil
}

// grantForm is the form of a grant as it is.
func grantForm(g *program.GrantView) portal.Grant {
	out := portal.Grant{ID: g.ID, Short: g.Short, Role: string(g.Role), Parent: g.Parent, Above: g.Above, From: g.From, Stands: g.Stands, Ended: g.Ended, Reason: g.Reason,
		Text: g.Scope.Text, Include: formatPatterns(g.Scope.Include), Exclude: formatPatterns(g.Scope.Exclude), Kind: string(g.Scope.Kind), EOL: string(g.Scope.EOL),
		Calendar: g.Scope.Calendar, Decision: g.Decision.Text, DecisionRef: g.Decision.Ref}
	if !g.To.IsZero() {
		out.To = g.To.UTC().Format(time.DateOnly)
	}
	return out
}

// givable are the roles that a form offers.
var givable = []authority.OrgRole{authority.CNA, authority.LastResort, authority.Root, authority.TopLevelRoot, authority.ADP, authority.SupplierADP, authority.Secretariat,
	authority.Board, authority.BulkDownload}

func (s *server) showGrant(v *visit, status int, out portal.Grant) error {
	lang := v.frame.Page.Lang
	out.MayChange = v.mayGive() && (out.ID == "" || out.Stands)
	if out.ID == "" && !out.MayChange {
		return authority.ErrDenied
	}
	var err error
	if out.Calendars, err = s.Acts.Calendars(v.r.Context()); err != nil {
		return err
	}
	if out.ID == "" {
		for _, r := range givable {
			out.Roles = append(out.Roles, string(r))
		}
		out.Parents = []portal.Option{{Value: "", Text: lang.T("portal.grant.under.none")}}
		all, err := s.Acts.Grants(v.r.Context(), "")
		if err != nil {
			return err
		}
		for _, g := range all {
			if g.Stands && slices.Contains([]authority.OrgRole{authority.Board, authority.Secretariat, authority.TopLevelRoot, authority.Root}, g.Role) {
				out.Parents = append(out.Parents, portal.Option{Value: g.ID, Text: g.Short + ": " + string(g.Role)})
				if out.Parent == "" && g.Org == v.me.Org.ID && v.r.Method == http.MethodGet {
					out.Parent = g.ID // a Root gives below itself
				}
			}
		}
	}
	v.title(lang.T("portal.nav.grants"))
	out.Frame = v.frame
	s.Send(v.w, v.r, status, portal.GrantBody(out))
	return nil
}

// typedGrant is what was typed over a form, and the scope and the decision that it makes.
func (v *visit) typedGrant(out *portal.Grant) (n authority.NewGrant) {
	form, lang := v.r.PostForm, v.frame.Page.Lang
	at := func(name string) string { return strings.TrimSpace(form.Get(name)) }
	out.Text, out.Include, out.Exclude, out.Kind, out.EOL, out.Calendar = at("scope"), form.Get("include"), form.Get("exclude"), at("kind"), at("eol"), at("calendar")
	out.Decision, out.DecisionRef = at("decision"), at("ref")
	out.Vendor, out.Product, out.PURL, out.CPE, out.EndOfLife = at("vendor"), at("product"), at("purl"), at("cpe"), form.Get("endoflife") != ""
	wrong := func(field, text string) {
		out.Problems = append(out.Problems, portal.Problem{Field: field, Text: text})
	}
	n.Org, n.Role, n.Parent = out.Short, authority.OrgRole(out.Role), out.Parent
	n.Scope = authority.Scope{Text: strings.ReplaceAll(out.Text, "\r\n", "\n"), Kind: authority.ScopeKind(out.Kind), EOL: authority.EOL(out.EOL), Calendar: out.Calendar}
	n.Decision = authority.Decision{By: v.me.Org.ID, Text: strings.ReplaceAll(out.Decision, "\r\n", "\n"), Ref: out.DecisionRef}
	for _, part := range []struct {
		field, text string
		to          *[]authority.Match
	}{{"include", out.Include, &n.Scope.Include}, {"exclude", out.Exclude, &n.Scope.Exclude}} {
		list, line := parsePatterns(part.text)
		if line != 0 {
			wrong(part.field, lang.T("portal.grant.pattern.bad", strconv.Itoa(line)))
		}
		*part.to = list
	}
	if len(out.Problems) == 0 && n.Scope.Check() != nil {
		wrong("scope", lang.T("portal.grant.scope.bad"))
	}
	return n
}

// grantProblems is the table from the acts' errors to fields.
var grantProblems = []struct {
	err        error
	field, key string
}{
	{authority.ErrNoOrg, "org", "target.bad"},
	{authority.ErrRole, "role", "grant.role.bad"},
	{authority.ErrParent, "parent", "grant.under.bad"},
	{authority.ErrEnded, "parent", "grant.under.bad"},
	{authority.ErrNoGrant, "parent", "grant.under.bad"},
	{authority.ErrScope, "scope", "grant.scope.bad"},
	{authority.ErrValidity, "to", "grant.to.bad"},
}

func (v *visit) grantProblem(err error) (portal.Problem, bool) {
	for _, known := range grantProblems {
		if errors.Is(err, known.err) {
			return portal.Problem{Field: known.field, Text: v.frame.Page.Lang.T("portal." + known.key)}, true
		}
	}
	return portal.Problem{}, false
}

func (s *server) giveGrant(v *visit) error {
	at := func(name string) string { return strings.TrimSpace(v.r.PostForm.Get(name)) }
	out := portal.Grant{Short: at("org"), Role: at("role"), Parent: at("parent"), To: at("to")}
	n := v.typedGrant(&out)
	if out.To != "" {
		var err error
		if n.To, err = time.Parse(time.DateOnly, out.To); err != nil {
			out.Problems = append(out.Problems, portal.Problem{Field: "to", Text: v.frame.Page.Lang.T("portal.grant.to.bad")})
		}
	}
	if at("do") == "ask" || len(out.Problems) > 0 {
		return s.askGrant(v, out, n)
	}
	g, err := s.Acts.GiveGrant(v.r.Context(), v.me.Caller, n)
	if err == nil {
		return v.back("/portal/grants/" + g.ID + "?saved=1")
	}
	wrong, ours := v.grantProblem(err)
	if !ours {
		return err
	}
	out.Problems = portal.Problems{wrong}
	return s.showGrant(v, http.StatusUnprocessableEntity, out)
}

func (s *server) changeScope(v *visit) error {
	g, err := s.Acts.Grant(v.r.Context(), v.r.PathValue("grant"))
	if err != nil {
		return err
	}
	out := grantForm(&g)
	n := v.typedGrant(&out)
	if v.r.PostForm.Get("do") == "ask" || len(out.Problems) > 0 {
		return s.askGrant(v, out, n)
	}
	changed, err := s.Acts.ChangeScope(v.r.Context(), v.me.Caller, g.ID, n.Scope, n.Decision)
	if err == nil {
		return v.back("/portal/grants/" + changed.ID + "?saved=1")
	}
	wrong, ours := v.grantProblem(err)
	if !ours {
		return err
	}
	out.Problems = portal.Problems{wrong}
	return s.showGrant(v, http.StatusUnprocessableEntity, out)
}

// askGrant shows the form again, with who would be responsible for the product that is asked about.
func (s *server) askGrant(v *visit, out portal.Grant, n authority.NewGrant) error {
	p := authority.Product{Vendor: out.Vendor, Name: out.Product, PURL: out.PURL, CPE: out.CPE, EOL: out.EndOfLife}
	if len(out.Problems) == 0 && (p != authority.Product{EOL: p.EOL}) {
		r, err := s.Acts.WhoWith(v.r.Context(), n, out.ID, p)
		if errors.Is(err, authority.ErrNoOrg) {
			out.Problems = portal.Problems{{Field: "org", Text: v.frame.Page.Lang.T("portal.target.bad")}}
		} else if err != nil {
			return err
		} else {
			out.Answer = answered(r)
		}
	}
	status := http.StatusOK
	if len(out.Problems) > 0 {
		status = http.StatusUnprocessableEntity
	}
	return s.showGrant(v, status, out)
}

// answered is who would be responsible, as the page says it.
func answered(r *authority.Responsibility) *portal.Answer {
	a := &portal.Answer{Overlap: r.Overlap()}
	for _, c := range r.Holders {
		a.Holders = append(a.Holders, portal.Holder{Short: c.Short, Why: formatPatterns([]authority.Match{c.Match})})
	}
	for _, c := range r.Outside {
		why := "excluded"
		if c.Why != why {
			why = "eol"
		}
		a.Outside = append(a.Outside, portal.Holder{Short: c.Short, Why: why})
	}
	for list, to := range map[*[]authority.Claim]*[]string{&r.Wider: &a.Wider, &r.LastResort: &a.LastResort} {
		for _, c := range *list {
			*to = append(*to, c.Short)
		}
	}
	for _, l := range r.Chain {
		a.Chain = append(a.Chain, l.Short)
	}
	if r.Arbiter != nil {
		a.Arbiter = r.Arbiter.Short
	}
	return a
}

func (s *server) endGrant(v *visit) error {
	id, reason := v.r.PathValue("grant"), strings.TrimSpace(v.r.PostForm.Get("reason"))
	if reason == "" {
		g, err := s.Acts.Grant(v.r.Context(), id)
		if err != nil {
			return err
		}
		out := grantForm(&g)
		out.Problems = portal.Problems{{Field: "reason", Text: v.frame.Page.Lang.T("portal.grant.end.bad")}}
		return s.showGrant(v, http.StatusUnprocessableEntity, out)
	}
	if err := s.Acts.EndGrant(v.r.Context(), v.me.Caller, id, reason); err != nil && !errors.Is(err, authority.ErrEnded) {
		return err
	}
	return v.back("/portal/grants/" + id)
}
