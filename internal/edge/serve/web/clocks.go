package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tasuki/internal/program"
	"tasuki/web/clocks"
	"tasuki/web/i18n"
)

// onClocks is how many clocks a page shows, onTallies how many organisations.
const (
	onClocks  = 100
	onTallies = 500
)

// clocks is the page of every deadline that runs: /clocks?cna=&what=&state=overdue&page=2.
func (s *server) clocks(w http.ResponseWriter, r *http.Request) {
	all, err := s.Authority.Clocks(r.Context())
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	tallies, err := s.Authority.Tallies(r.Context())
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	p, _ := s.Page(w, r)
	l, asked := p.Lang, r.URL.Query()
	p.Title, p.Feed = l.T("clocks.title"), "/clocks.atom"
	v := clocks.View{Page: p, Filters: clockFilters(l, all, asked)}
	v.Plain = asked.Get("cna")+asked.Get("what")+asked.Get("state") == ""
	found := slices.DeleteFunc(all, func(k program.ClockView) bool {
		cna, what, state := asked.Get("cna"), asked.Get("what"), asked.Get("state")
		return cna != "" && !strings.EqualFold(k.OrgName, cna) || what != "" && k.What != what || state == "overdue" && !k.Overdue || state == "running" && k.Overdue
	})
	v.Total = len(found)
	part, prev, next := turned(r, "/clocks", len(found), onClocks)
	v.Prev, v.Next = prev, next
	for _, k := range found[part.from:part.to] {
		if row := s.clockRow(l, &k); k.Overdue {
			v.Overdue = append(v.Overdue, row)
		} else {
			v.Running = append(v.Running, row)
		}
	}
	for _, t := range tallies[:min(len(tallies), onTallies)] {
		v.Tallies = append(v.Tallies, clocks.Tally{Org: orgLink(t.Short), Running: t.Running, Overdue: t.Overdue, Met: t.Met, Missed: t.Missed,
			Share: share(t.Met, t.Missed), Clocks: addressOf("/clocks", url.Values{"cna": {t.Short}, "state": {"overdue"}})})
	}
	s.Send(w, r, http.StatusOK, clocks.Body(v))
}

func clockFilters(l i18n.Lang, all []program.ClockView, asked url.Values) []clocks.Filter {
	orgs, kinds := clocks.Filter{Name: "cna"}, clocks.Filter{Name: "what"}
	add := func(f *clocks.Filter, value, label string) {
		if value != "" && !slices.ContainsFunc(f.Options, func(o clocks.Option) bool { return o.Value == value }) {
			f.Options = append(f.Options, clocks.Option{Value: value, Label: label})
		}
	}
	for _, k := range all {
		add(&orgs, k.OrgName, k.OrgName)
		add(&kinds, k.What, clockWords(l, k.What))
	}
	states := clocks.Filter{Name: "state", Options: []clocks.Option{{Value: "overdue", Label: l.T("clocks.overdue")}, {Value: "running", Label: l.T("clocks.running")}}}
	out := []clocks.Filter{states, kinds, orgs}
	for i := range out {
		if i > 0 {
			slices.SortFunc(out[i].Options, func(a, b clocks.Option) int {
				return strings.Compare(strings.ToLower(a.Label), strings.ToLower(b.Label))
			})
		}
		choose(l, &out[i], asked)
	}
	return out
}

// clockRow is a running clock as pages show it.
func (s *server) clockRow(l i18n.Lang, k *program.ClockView) clocks.Row {
	about := k.About
	if l != i18n.English && i18n.Has("clocks.what."+k.What) {
		about = "" // the rule pack's words are English, and the reader has these
	}
	return clocks.Row{Key: k.Key, What: clockWords(l, k.What), About: about, Strength: k.Strength, Rule: k.Rule, Pack: k.Pack, Started: k.Started, Due: k.Due,
		Overdue: k.Overdue, Left: clocks.Left(l, k.Due, s.Now()), Org: orgLink(k.OrgName), CVE: k.CVE, Case: k.Case, Leaf: k.Leaf}
}

// clockWords is what a clock measures; what only another rule pack knows stands as that calls it.
func clockWords(l i18n.Lang, what string) string {
	if i18n.Has("clocks.what." + what) {
		return l.T("clocks.what." + what)
	}
	return what
}

// span of a list that a page shows.
type pageOf struct{ from, to int }

// turned is the part of a list that an address asks for, and the addresses of the pages before and after.
func turned(r *http.Request, path string, total, each int) (part pageOf, prev, next string) {
	last := max(1, (total+each-1)/each)
	at := min(number(r, "page"), last)
	part = pageOf{from: (at - 1) * each, to: min(at*each, total)}
	here := func(n int) string {
		q := r.URL.Query()
		q.Del("lang")
		q.Del("theme")
		if q.Del("page"); n > 1 {
			q.Set("page", strconv.Itoa(n))
		}
		return addressOf(path, q)
	}
	if at > 1 {
		prev = here(at - 1)
	}
	if at < last {
		next = here(at + 1)
	}
	return part, prev, next
}
