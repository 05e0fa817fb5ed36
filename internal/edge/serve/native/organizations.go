package native

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"tasuki/client"
	"tasuki/internal/authority"
	"tasuki/internal/governance"
	"tasuki/internal/program"
	"tasuki/spec/cve"
)

// Authority is what everybody may know of a list's organisations and workflows.
type Authority interface {
	Directory(ctx context.Context) (*program.Directory, error)
	Grants(ctx context.Context, short string) ([]program.GrantView, error)
	Activity(ctx context.Context, short string) (program.Activity, error)
	Clocks(ctx context.Context) ([]program.ClockView, error)
	Cases(ctx context.Context, w governance.Workflow) ([]program.CaseView, error)
	Case(ctx context.Context, id string) (program.CaseView, error)
	State(ctx context.Context, id string) (cve.State, error)
}

var _ Authority = (*program.Public)(nil)

func (a *api) organizationOperations() {
	get(a, operation{id: "list-organizations", path: "organizations", tag: "authority", summary: "List organisations",
		text: "The directory: everybody who holds a role in this list, with their public contact."}, a.organizations)
	get(a, operation{id: "get-organization", path: "organizations/{name}", tag: "authority", summary: "Get one organisation",
		text: "By short name or UUID: its grants with their scopes, and how it keeps its deadlines."}, a.organization)
	get(a, operation{id: "get-responsible", path: "responsible", tag: "authority", summary: "Ask who is responsible for a product",
		text: "By the scopes of this list, as far as programs can read them."}, a.responsible)
}

type organizationsInput struct {
	Q      string `query:"q" doc:"Only whose name or short name has this in it, whatever the letter case."`
	Role   string `query:"role" doc:"Only who holds this role." example:"CNA"`
	Offset int    `query:"offset" doc:"How many to leave out." minimum:"0" default:"0"`
	Limit  int    `query:"limit" doc:"Organisations per page." minimum:"1" maximum:"1000" default:"1000"`
}

func (a *api) organizations(ctx context.Context, in *organizationsInput) (*of[client.Organizations], error) {
	d, err := a.Authority.Directory(ctx)
	if err != nil {
		return nil, err
	}
	out := client.Organizations{Items: []client.Organization{}, Size: d.Size}
	text := strings.ToLower(in.Q)
	for _, o := range d.Orgs {
		switch {
		case text != "" && !strings.Contains(strings.ToLower(o.Name), text) && !strings.Contains(strings.ToLower(o.Short), text):
		case text == "" && len(o.Grants) == 0, in.Role != "" && !o.Has(authority.OrgRole(in.Role)):
		default:
			if out.Total++; out.Total > in.Offset && len(out.Items) < in.Limit {
				out.Items = append(out.Items, organizationOf(o))
			}
		}
	}
	return reply(out)
}

func organizationOf(o *program.Listed) client.Organization {
	p := o.Profile
	out := client.Organization{ID: o.ID, Short: o.Short, Name: o.Name, Roles: []string{}, Country: p.Country, Types: p.Types, Partner: p.PartnerID, Emails: p.Emails,
		Pages: p.Pages, Policies: p.Policies, Advisories: p.Advisories, Above: o.Above, Head: o.Head}
	for _, g := range o.Grants {
		if !slices.Contains(out.Roles, string(g.Role)) {
			out.Roles = append(out.Roles, string(g.Role))
		}
	}
	return out
}

type organizationInput struct {
	Name string `path:"name" doc:"Short name, whatever the letter case, or UUID." example:"acme"`
}

func (a *api) organization(ctx context.Context, in *organizationInput) (*of[client.Profile], error) {
	d, err := a.Authority.Directory(ctx)
	if err != nil {
		return nil, err
	}
	o := d.Find(in.Name)
	if o == nil {
		return nil, refuse(codeNoOrg, "")
	}
	out := client.Profile{Organization: organizationOf(o), Below: append([]string{}, o.Below...), Grants: []client.Grant{}, Size: d.Size}
	grants, err := a.Authority.Grants(ctx, o.Short)
	if err != nil {
		return nil, err
	}
	for i := range grants {
		g := &grants[i]
		out.Grants = append(out.Grants, client.Grant{ID: g.ID, Role: string(g.Role), Stands: g.Stands, Above: g.Above, Scope: scopeOf(&g.Scope), From: g.From,
			To: some(g.To), Ended: some(g.Ended), Reason: g.Reason, Pack: g.Pack, Leaf: g.Leaf})
	}
	does, err := a.Authority.Activity(ctx, o.Short)
	if err != nil {
		return nil, err
	}
	out.Timeliness = client.Timeliness{Met: does.Met, Missed: does.Missed, Running: does.Running, Overdue: does.Overdue, Published: does.Published,
		Median: int64(does.Median.Seconds())}
	return reply(out)
}

func scopeOf(s *authority.Scope) client.Scope {
	out := client.Scope{Text: s.Text, Kind: string(s.Kind), EOL: string(s.EOL)}
	for _, m := range s.Include {
		out.Include = append(out.Include, patternOf(m))
	}
	for _, m := range s.Exclude {
		out.Exclude = append(out.Exclude, patternOf(m))
	}
	return out
}

func patternOf(m authority.Match) client.Pattern {
	return client.Pattern{Vendor: m.Vendor, Product: m.Product, Namespace: m.Namespace, PURL: m.PURL, CPE: m.CPE, Derived: m.Derived}
}

type responsibleInput struct {
	Vendor  string `query:"vendor" doc:"The vendor's name." maxLength:"1000" example:"acme"`
	Product string `query:"product" doc:"The product's name." maxLength:"1000"`
	PURL    string `query:"purl" doc:"A package URL." maxLength:"1000"`
	CPE     string `query:"cpe" doc:"A CPE 2.3 name." maxLength:"1000"`
	EOL     bool   `query:"eol" doc:"Whether every version in question is at the end of its life."`
}

func (a *api) responsible(ctx context.Context, in *responsibleInput) (*of[client.Responsible], error) {
	if in.Vendor+in.Product+in.PURL+in.CPE == "" {
		return nil, wrong("vendor", "At least one of vendor, product, purl and cpe is needed.")
	}
	d, err := a.Authority.Directory(ctx)
	if err != nil {
		return nil, err
	}
	r := d.Scopes.Responsible(authority.Product{Vendor: in.Vendor, Name: in.Product, PURL: in.PURL, CPE: in.CPE, EOL: in.EOL})
	out := client.Responsible{Verdict: "holder", Holders: claimsOf(d, r.Holders), Wider: claimsOf(d, r.Wider), Outside: claimsOf(d, r.Outside),
		Coordinators: claimsOf(d, r.Coordinators), LastResort: claimsOf(d, r.LastResort), Chain: []client.Claim{}}
	for _, l := range r.Chain {
		out.Chain = append(out.Chain, claimOf(d, authority.Claim{Grant: l.Grant, Short: l.Short}))
	}
	switch {
	case r.Overlap():
		out.Verdict = "overlap"
		if r.Arbiter != nil {
			out.Arbiter = r.Arbiter.Short
		}
	case r.Gap() && len(r.LastResort) == 0:
		out.Verdict = "nobody"
	case r.Gap():
		out.Verdict = "gap"
	}
	return reply(out)
}

func claimsOf(d *program.Directory, list []authority.Claim) []client.Claim {
	out := []client.Claim{}
	for _, c := range list {
		out = append(out, claimOf(d, c))
	}
	return out
}

func claimOf(d *program.Directory, c authority.Claim) client.Claim {
	out := client.Claim{Short: c.Short, Name: c.Short, Role: string(c.Grant.Role), Grant: c.Grant.ID, Why: c.Why}
	if c.Match != (authority.Match{}) {
		m := patternOf(c.Match)
		out.Match = &m
	}
	if o := d.Find(c.Grant.Org); o != nil {
		out.Name, out.Emails, out.Pages = cmp.Or(o.Name, o.Short), o.Profile.Emails, o.Profile.Pages
	}
	return out
}
