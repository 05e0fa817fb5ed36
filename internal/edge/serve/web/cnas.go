package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/governance"
	"tasuki/internal/program"
	"tasuki/spec/cve"
	"tasuki/web/clocks"
	"tasuki/web/cnas"
	"tasuki/web/i18n"
	"tasuki/web/search"
)

// Authority is what everybody may know of a list's organisations and workflows.
type Authority interface {
	Directory(ctx context.Context) (*program.Directory, error)
	Grants(ctx context.Context, short string) ([]program.GrantView, error)
	Activity(ctx context.Context, short string) (program.Activity, error)
	Clocks(ctx context.Context) ([]program.ClockView, error)
	Ended(ctx context.Context, since time.Time, limit int) ([]program.ClockView, error)
	Tallies(ctx context.Context) ([]program.Tally, error)
	Cases(ctx context.Context, w governance.Workflow) ([]program.CaseView, error)
	Case(ctx context.Context, id string) (program.CaseView, error)
	CasesAbout(ctx context.Context, id string) ([]program.CaseView, error)
	State(ctx context.Context, id string) (cve.State, error)
}

var _ Authority = (*program.Public)(nil)

// governing are the pages of the numbering authority.
func (s *server) governing(mux *http.ServeMux) {
	mux.HandleFunc("/cnas", s.cnas)
	mux.HandleFunc("/cnas/{short}", s.organisation)
	mux.HandleFunc("/responsible", s.responsible)
	mux.HandleFunc("/clocks", s.clocks)
	mux.HandleFunc("/clocks.atom", s.clockFeed)
	mux.HandleFunc("/disputes", s.disputes)
	mux.HandleFunc("/disputes/{case}", s.dispute)
}

// shownRoles are the roles that the directory filters by.
var shownRoles = []authority.OrgRole{authority.CNA, authority.LastResort, authority.Root, authority.TopLevelRoot, authority.Secretariat, authority.Board,
	authority.ADP, authority.SupplierADP}

// cnas is the directory: /cnas?q=&country=&role=&root=&type=&sort=records&view=tree.
func (s *server) cnas(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query()
	d, err := s.Authority.Directory(r.Context())
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	p, node := s.Page(w, r)
	l := p.Lang
	p.Title = l.T("cnas.title")
	v := cnas.Index{Page: p, Query: strings.TrimSpace(asked.Get("q"))}
	found := s.listed(d.Orgs, asked)
	v.Total, v.Filters = len(found), directoryFilters(l, d, asked)
	v.Plain = v.Query == "" && !slices.ContainsFunc(v.Filters, func(f clocks.Filter) bool { return asked.Get(f.Name) != "" })
	records, err := s.recordsOf(r.Context(), node.Size)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	v.Counted = records != nil
	here := func(name, value string) string {
		q := url.Values{}
		for key := range asked {
			if value := asked.Get(key); value != "" && key != "lang" && key != "theme" {
				q.Set(key, value)
			}
		}
		if q.Del(name); value != "" {
			q.Set(name, value)
		}
		return addressOf("/cnas", q)
	}
	tree, byRecords := asked.Get("view") == "tree", asked.Get("sort") == "records"
	v.Views = []search.Choice{{Label: l.T("cnas.view.list"), Href: here("view", ""), Now: !tree}, {Label: l.T("cnas.view.tree"), Href: here("view", "tree"), Now: tree}}
	v.Sorts = []search.Choice{{Label: l.T("lists.byname"), Href: here("sort", ""), Now: !byRecords}}
	if v.Counted {
		v.Sorts = append(v.Sorts, search.Choice{Label: l.T("lists.bycount"), Href: here("sort", "records"), Now: byRecords})
	}
	rows := make(map[string]cnas.Row, len(found))
	for _, o := range found {
		rows[o.Short] = orgRow(l, o, records)
	}
	if tree {
		v.Tree = branches(d, found, rows)
	} else {
		for _, o := range found {
			v.Rows = append(v.Rows, rows[o.Short])
		}
	}
	sortRows(&v, byRecords)
	s.Send(w, r, http.StatusOK, cnas.IndexBody(v))
}

// listed are the organisations that an address asks for. Those without a role are in the directory for who looks for them.
func (s *server) listed(all []*program.Listed, asked url.Values) (out []*program.Listed) {
	text := strings.ToLower(strings.TrimSpace(asked.Get("q")))
	role, country, root, kind := authority.OrgRole(asked.Get("role")), asked.Get("country"), asked.Get("root"), asked.Get("type")
	for _, o := range all {
		switch {
		case text != "" && !strings.Contains(strings.ToLower(o.Name), text) && !strings.Contains(strings.ToLower(o.Short), text):
		case text == "" && len(o.Grants) == 0:
		case role != "" && !o.Has(role), country != "" && o.Profile.Country != country, kind != "" && !slices.Contains(o.Profile.Types, kind):
		case root != "" && o.Above != root && o.Head != root && o.Short != root:
		default:
			out = append(out, o)
		}
	}
	return out
}

func directoryFilters(l i18n.Lang, d *program.Directory, asked url.Values) []clocks.Filter {
	countries, types, roots, roles := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[authority.OrgRole]bool{}
	for _, o := range d.Orgs {
		if len(o.Grants) == 0 {
			continue
		}
		countries[o.Profile.Country] = true
		for _, t := range o.Profile.Types {
			types[t] = true
		}
		for _, g := range o.Grants {
			roles[g.Role] = true
		}
		if o.Above != "" {
			roots[o.Above] = true
		}
	}
	var role []clocks.Option
	for _, r := range shownRoles {
		if roles[r] {
			role = append(role, clocks.Option{Value: string(r), Label: l.T("cnas.role." + string(r))})
		}
	}
	plain := func(set map[string]bool) (out []clocks.Option) {
		for value := range set {
			if value != "" {
				out = append(out, clocks.Option{Value: value, Label: value})
			}
		}
		slices.SortFunc(out, func(a, b clocks.Option) int { return cmp.Compare(strings.ToLower(a.Label), strings.ToLower(b.Label)) })
		return out
	}
	filters := []clocks.Filter{{Name: "role", Options: role}, {Name: "country", Options: plain(countries)}, {Name: "root", Options: plain(roots)}, {Name: "type", Options: plain(types)}}
	for i := range filters {
		choose(l, &filters[i], asked)
	}
	return filters
}

// choose marks what an address asks for, and puts "all" first.
func choose(l i18n.Lang, f *clocks.Filter, asked url.Values) {
	given := asked.Get(f.Name)
	known := false
	for i := range f.Options {
		f.Options[i].Chosen = f.Options[i].Value == given
		known = known || f.Options[i].Chosen
	}
	if given != "" && !known { // an answer for what the form does not offer says for what
		f.Options = append(f.Options, clocks.Option{Value: given, Label: given, Chosen: true})
	}
	f.Options = slices.Insert(f.Options, 0, clocks.Option{Label: l.T("clocks.filter.any"), Chosen: given == ""})
}

// recordsOf are the records of each assigner by folded short name; nil while the index is being read.
func (s *server) recordsOf(ctx context.Context, size int64) (map[string]int64, error) {
	if s.warming() {
		return nil, nil
	}
	all, err := s.namesOf(ctx, "assigner", size)
	if err != nil {
		return nil, err
	}
	out := make(map[string]int64, len(all.list))
	for _, f := range all.list {
		out[strings.ToLower(f.Value)] += int64(f.Count)
	}
	return out, nil
}

func orgRow(l i18n.Lang, o *program.Listed, records map[string]int64) cnas.Row {
	return cnas.Row{Short: o.Short, Name: cmp.Or(o.Name, o.Short), Href: orgURL(o), Roles: roleWords(l, o), Country: o.Profile.Country, Above: o.Above,
		Records: records[strings.ToLower(o.Short)]}
}

// roleWords are the standing roles of an organisation, each once.
func roleWords(l i18n.Lang, o *program.Listed) string {
	var out []string
	for _, g := range o.Grants {
		if word := l.T("cnas.role." + string(g.Role)); !slices.Contains(out, word) {
			out = append(out, word)
		}
	}
	if len(out) == 0 {
		return "–"
	}
	return strings.Join(out, l.T("list.comma"))
}

// orgURL is the page of an organisation. A short name that an address cannot hold is replaced by the permanent UUID.
func orgURL(o *program.Listed) string {
	return cnaURL(cmp.Or(map[string]string{"..": o.ID}[o.Short], o.Short))
}

func cnaURL(short string) string { return "/cnas/" + url.PathEscape(short) }

// orgLink is an organisation by short name, with its page.
func orgLink(short string) clocks.Org {
	if short == "" {
		return clocks.Org{}
	}
	return clocks.Org{Short: short, Href: cnaURL(short)}
}

// branches are the organisations that were found under those they stand under, as far as those were found too.
func branches(d *program.Directory, found []*program.Listed, rows map[string]cnas.Row) []cnas.Branch {
	done := map[string]bool{}
	var grow func(o *program.Listed) cnas.Branch
	grow = func(o *program.Listed) cnas.Branch {
		done[o.Short] = true
		b := cnas.Branch{Row: rows[o.Short]}
		for _, short := range o.Below {
			if _, in := rows[short]; in && !done[short] {
				b.Below = append(b.Below, grow(d.Find(short)))
			}
		}
		return b
	}
	var out []cnas.Branch
	for _, o := range found {
		if _, in := rows[o.Above]; !in {
			out = append(out, grow(o))
		}
	}
	for _, o := range found { // what stands under itself by way of others
		if !done[o.Short] {
			out = append(out, grow(o))
		}
	}
	return out
}

// sortRows puts the rows in order: by name, or the most records first. Of a hierarchy the larger branches come first.
func sortRows(v *cnas.Index, byRecords bool) {
	order := func(a, b cnas.Row) int {
		n := 0
		if byRecords {
			n = cmp.Compare(b.Records, a.Records)
		}
		return cmp.Or(n, cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.Short, b.Short))
	}
	slices.SortFunc(v.Rows, order)
	var sort func(list []cnas.Branch)
	sort = func(list []cnas.Branch) {
		slices.SortFunc(list, func(a, b cnas.Branch) int {
			return cmp.Or(cmp.Compare(some(len(b.Below)), some(len(a.Below))), order(a.Row, b.Row))
		})
		for _, b := range list {
			sort(b.Below)
		}
	}
	sort(v.Tree)
}

func some(n int) int { return min(n, 1) }
