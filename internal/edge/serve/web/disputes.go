package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tasuki/internal/edge/serve/page"
	"tasuki/internal/governance"
	"tasuki/internal/program"
	"tasuki/web/clocks"
	"tasuki/web/disputes"
	"tasuki/web/i18n"
	"tasuki/web/record"
)

const (
	onCases   = 50 // cases on a page
	onCaseIDs = 3  // identifiers in a case's line
)

var caseProblem = page.Error{Status: http.StatusNotFound, Name: "case"}

var workflows = []governance.Workflow{governance.Dispute, governance.Refusal, governance.Direction, governance.Transfer, governance.Inactivity}

// disputes is the page of all cases: /disputes?workflow=&state=open&cna=&page=2.
func (s *server) disputes(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query()
	p, _ := s.Page(w, r)
	l := p.Lang
	p.Title = l.T("disputes.title")
	v := disputes.List{Page: p, Plain: asked.Get("workflow")+asked.Get("state")+asked.Get("cna") == ""}
	kinds, names := clocks.Filter{Name: "workflow"}, clocks.Filter{Name: "cna"}
	var found []program.CaseView
	for _, flow := range workflows {
		kinds.Options = append(kinds.Options, clocks.Option{Value: string(flow), Label: l.T("disputes.workflow." + string(flow))})
		if given := asked.Get("workflow"); given != "" && given != string(flow) {
			continue
		}
		list, err := s.Authority.Cases(r.Context(), flow)
		if err != nil {
			s.Fail(w, r, err)
			return
		}
		for _, c := range list {
			for _, name := range sidesOf(&c) {
				if !slices.ContainsFunc(names.Options, func(o clocks.Option) bool { return o.Value == name }) {
					names.Options = append(names.Options, clocks.Option{Value: name, Label: name})
				}
			}
			state, cna := asked.Get("state"), asked.Get("cna")
			if state == "open" && c.Ended() || state == "ended" && !c.Ended() || cna != "" && !slices.Contains(sidesOf(&c), cna) {
				continue
			}
			found = append(found, c)
		}
	}
	states := clocks.Filter{Name: "state", Options: []clocks.Option{{Value: "open", Label: l.T("disputes.open")}, {Value: "ended", Label: l.T("disputes.ended")}}}
	slices.SortFunc(names.Options, func(a, b clocks.Option) int {
		return strings.Compare(strings.ToLower(a.Label), strings.ToLower(b.Label))
	})
	v.Filters = []clocks.Filter{kinds, states, names}
	for i := range v.Filters {
		choose(l, &v.Filters[i], asked)
	}
	slices.SortStableFunc(found, func(a, b program.CaseView) int { return int(b.Leaf - a.Leaf) })
	v.Total = len(found)
	part, prev, next := turned(r, "/disputes", len(found), onCases)
	v.Prev, v.Next = prev, next
	for _, c := range found[part.from:part.to] {
		v.Rows = append(v.Rows, s.caseRow(l, &c))
	}
	s.Send(w, r, http.StatusOK, disputes.ListBody(v))
}

// sidesOf are the organisations that a case names.
func sidesOf(c *program.CaseView) (out []string) {
	for _, name := range []string{c.PartyName, c.AgainstName, c.AdjudicatorName} {
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// dispute is the page of one case.
func (s *server) dispute(w http.ResponseWriter, r *http.Request) {
	c, err := s.Authority.Case(r.Context(), r.PathValue("case"))
	if errors.Is(err, governance.ErrNoCase) {
		s.Refuse(w, r, caseProblem)
		return
	}
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	running, err := s.Authority.Clocks(r.Context())
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	d, err := s.Authority.Directory(r.Context())
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	p, _ := s.Page(w, r)
	l := p.Lang
	v := disputes.Case{Page: p, ID: c.ID, Row: s.caseRow(l, &c), IDs: c.IDs, Pack: c.Pack}
	v.Page.Title = strings.Join(append([]string{v.Row.Kind}, c.IDs[:min(1, len(c.IDs))]...), " ")
	for _, k := range running {
		if k.Case == c.ID {
			v.Clock = append(v.Clock, s.clockRow(l, &k))
		}
	}
	for i := range c.Steps {
		v.Steps = append(v.Steps, stepOf(l, d, &c.Steps[i]))
	}
	s.Send(w, r, http.StatusOK, disputes.CaseBody(v))
}

// casesAbout are the open cases about a record.
func (s *server) casesAbout(ctx context.Context, l i18n.Lang, id string) (out []record.Case, err error) {
	if s.Authority == nil {
		return nil, nil
	}
	list, err := s.Authority.CasesAbout(ctx, id)
	for _, c := range list {
		if !c.Ended() {
			row := s.caseRow(l, &c)
			out = append(out, record.Case{Href: row.Href, Label: row.Kind + l.T("list.comma") + row.State})
		}
	}
	return out, err
}

// caseRow is a case in a line.
func (s *server) caseRow(l i18n.Lang, c *program.CaseView) disputes.Row {
	r := disputes.Row{Href: caseURL(c.ID), Kind: l.T("disputes.workflow." + string(c.Workflow)), State: l.T("disputes.state." + string(c.State)),
		IDs: c.IDs[:min(len(c.IDs), onCaseIDs)], More: max(0, len(c.IDs)-onCaseIDs), Party: orgLink(c.PartyName), Against: orgLink(c.AgainstName),
		Decides: orgLink(c.AdjudicatorName), Hidden: c.Hidden, Opened: c.Opened, Changed: c.Changed, Due: c.Due, Overdue: c.Overdue(s.Now()), Finished: c.Ended()}
	r.Subject, r.Outcome = wordOf(l, "subject", c.Subject), wordOf(l, "outcome", c.Outcome)
	if c.Level != "" {
		r.Level = wordOf(l, "level", c.Level)
	}
	r.Anyone = l.T("disputes.anyone")
	if c.Workflow == governance.Inactivity || c.Workflow == governance.Direction {
		r.Anyone = l.T("disputes.program")
	}
	if !c.Due.IsZero() {
		r.Left = clocks.Left(l, c.Due, s.Now())
	}
	return r
}

// wordOf is a word of a case in the reader's language; one that the glossary does not have stands as it was written.
func wordOf(l i18n.Lang, sort, word string) string {
	key := strings.ReplaceAll(word, " ", "-")
	switch {
	case word == "":
	case sort == "subject" && i18n.Has("disputes.subject."+key):
		return l.T("disputes.subject." + key)
	case sort == "outcome" && i18n.Has("disputes.outcome."+key):
		return l.T("disputes.outcome." + key)
	case sort == "level" && i18n.Has("disputes.level."+key):
		return l.T("disputes.level." + key)
	}
	return word
}

func caseURL(id string) string { return "/disputes/" + url.PathEscape(id) }

// stepOf is a step as its page shows it.
func stepOf(l i18n.Lang, d *program.Directory, x *program.StepView) disputes.Step {
	kind, _, _ := strings.Cut(string(x.Kind), "/")
	out := disputes.Step{Words: kind, By: orgLink(x.ByName), CVE: x.CVE, Outcome: wordOf(l, "outcome", x.Outcome), Due: x.Due, At: x.At, Pack: x.Pack,
		Text: x.Statement.Text, Lang: otherLanguage(l, x.Statement.Text), Evidence: addresses(x.Statement.Evidence), Leaf: x.Leaf}
	if i18n.Has("disputes.step." + kind) {
		out.Words = l.T("disputes.step." + kind)
	}
	if x.Level != "" {
		out.Level = wordOf(l, "level", x.Level)
	}
	if x.Reason != "" {
		out.Reason = wordOf(l, "subject", x.Reason)
		if out.Reason == x.Reason {
			out.Reason = wordOf(l, "outcome", x.Reason)
		}
	}
	if x.OrgName != x.ByName {
		out.Org = orgLink(x.OrgName)
	}
	if to := d.Find(x.To); x.To != "" && to != nil && out.Org.Short == "" {
		out.Org = orgLink(to.Short)
	}
	return out
}
