package portal

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"tasuki/internal/authority"
	"tasuki/internal/governance"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/spec/cve"
	"tasuki/web/i18n"
	"tasuki/web/portal"
)

// aboutCases mounts what is about disputes, refusals, directions, transfers and inactive CNAs.
func (s *server) aboutCases() {
	s.handle("GET /portal/cases", s.listCases)
	s.handle("POST /portal/cases/notice", s.sendNotice)
	s.handle("GET /portal/cases/notice", func(v *visit) error { return v.back("/portal/cases") })
	s.handle("GET /portal/cases/new/{what}", s.newCase)
	s.handle("POST /portal/cases/new/{what}", s.beginCase)
	s.handle("GET /portal/cases/{case}", func(v *visit) error {
		c, err := s.Acts.Case(v.r.Context(), v.me.Caller, v.r.PathValue("case"))
		if err != nil {
			return err
		}
		return s.showCase(v, http.StatusOK, c, portal.Case{})
	})
	s.handle("POST /portal/cases/{case}", s.stepCase)
}

// dues are the clocks that wait for the caller's organisation, the most urgent first.
func (s *server) dues(v *visit) (out []portal.Due, err error) {
	clocks, err := s.Acts.Clocks(v.r.Context(), v.me.Caller)
	if err != nil {
		return nil, err
	}
	for _, k := range clocks {
		if !k.Mine {
			continue
		}
		d := portal.Due{What: k.What, About: k.CVE, Href: "/portal/ids/" + k.CVE, Rule: k.Rule, Must: k.Strength == "must", At: k.Due, Overdue: k.Overdue}
		if k.Case != "" {
			d.Href = "/portal/cases/" + k.Case
		}
		if !i18n.Has("portal.due." + d.What) {
			d.What = "other" // a rule pack may know deadlines that this program has no words for
		}
		out = append(out, d)
	}
	return out, nil
}

func caseRow(c *program.CaseView, overdue bool) portal.CaseRow {
	return portal.CaseRow{ID: c.ID, Workflow: string(c.Workflow), Subject: c.Subject, State: string(c.State), Level: c.Level, Outcome: c.Outcome, IDs: c.IDs,
		With: c.AgainstName, Due: c.Due, Overdue: overdue, Changed: c.Changed}
}

func (s *server) listCases(v *visit) (err error) {
	var out portal.Cases
	if out.Dues, err = s.dues(v); err != nil {
		return err
	}
	for _, w := range []governance.Workflow{governance.Dispute, governance.Refusal, governance.Direction, governance.Transfer, governance.Inactivity} {
		list, err := s.Acts.Cases(v.r.Context(), v.me.Caller, w)
		if err != nil {
			return err
		}
		for _, c := range list {
			if !c.Whole {
				continue // the public pages have those of others
			}
			if row := caseRow(&c, c.Overdue(s.Now())); c.Ended() {
				out.Ended = append(out.Ended, row)
			} else {
				out.Running = append(out.Running, row)
			}
		}
	}
	late := func(a, b portal.CaseRow) int { return a.Due.Compare(b.Due) }
	slices.SortStableFunc(out.Running, late)
	slices.SortStableFunc(out.Ended, func(a, b portal.CaseRow) int { return b.Changed.Compare(a.Changed) })
	out.Ended = out.Ended[:min(len(out.Ended), 50)]
	out.Begin = v.mayBegin()
	quiet, err := s.Acts.Inactive(v.r.Context(), v.me.Caller)
	if err != nil {
		return err
	}
	for _, q := range quiet {
		out.Quiet = append(out.Quiet, portal.Quiet{Short: q.Short, Since: q.Since, Notices: q.Notices, Next: q.Next, Ready: q.Step == "notice" && !q.Next.After(s.Now()),
			Revoke: q.Step != "notice"})
	}
	v.title(v.frame.Page.Lang.T("portal.nav.cases"))
	out.Frame = v.frame
	s.Send(v.w, v.r, http.StatusOK, portal.CasesBody(out))
	return nil
}

// mayBegin is what whoever is signed in may begin.
func (v *visit) mayBegin() []string {
	out := []string{"dispute", "refusal"}
	if v.me.MustBeCNA() == nil || v.me.Can(authority.Transfer) {
		out = append(out, "transfer")
	}
	if v.me.Can(authority.Direct) {
		out = append(out, "direction")
	}
	return out
}

func (s *server) sendNotice(v *visit) error {
	c, err := s.Acts.SendNotice(v.r.Context(), v.me.Caller, v.r.PostForm.Get("org"), governance.Statement{})
	if errors.Is(err, program.ErrTooEarly) || errors.Is(err, governance.ErrState) {
		return v.back("/portal/cases") // somebody else was faster
	}
	if err != nil {
		return err
	}
	return v.back("/portal/cases/" + c.ID)
}

// offers are the steps that are offered in a case. The acts decide: who may not, is told so.
func (v *visit) offers(c *program.CaseView) (out []string) {
	mine := func(org string) bool { return org == v.me.Org.ID }
	switch {
	case c.Workflow == governance.Dispute:
		for _, step := range c.May {
			if step == "decide" {
				out = append(out, governance.Valid, governance.Invalid, governance.Unresolved)
			} else {
				out = append(out, step)
			}
		}
		return out
	case c.Ended():
		return nil
	}
	above := v.me.Can(authority.Direct) || v.me.Can(authority.Transfer) || v.me.IsSecretariat()
	switch c.Workflow {
	case governance.Refusal:
		if c.State == governance.Asked && mine(c.Against) {
			out = append(out, "accept", "decline")
		}
		if v.me.Can(authority.Direct) && c.State != governance.Asked {
			out = append(out, "direct", "novuln")
		}
		if c.State == governance.Directed {
			out = append(out, "assigned")
		}
		if mine(c.Party) {
			out = append(out, "withdraw")
		}
	case governance.Direction:
		out = append(out, "ended")
	case governance.Transfer:
		if above {
			out = append(out, "transfer", "deny")
		}
		if c.Whole && (mine(c.Party) || !above) {
			out = append(out, "withdraw")
		}
	case governance.Inactivity:
		if !mine(c.Against) {
			out = append(out, "active")
		}
	}
	return out
}

func (s *server) showCase(v *visit, status int, c program.CaseView, out portal.Case) error {
	out.CaseRow, out.Hidden, out.Opened = caseRow(&c, c.Overdue(s.Now())), c.Hidden, c.Opened
	out.Party, out.Adjudicator = c.PartyName, c.AdjudicatorName
	lang := v.frame.Page.Lang
	for _, step := range c.Steps {
		out.Steps = append(out.Steps, portal.CaseStep{At: step.At, What: kindWords(lang, string(step.Kind)), By: step.ByName, Text: step.Statement.Text, Evidence: step.Statement.Evidence,
			Outcome: step.Outcome, Leaf: step.Leaf})
	}
	if c.Whole || v.me.Can(authority.Adjudicate) {
		out.May = v.offers(&c)
	}
	out.NeedsOrg = slices.Contains(out.May, "direct")
	v.title(lang.T("portal.case." + string(c.Workflow)))
	out.Frame = v.frame
	s.Send(v.w, v.r, status, portal.CaseBody(out))
	return nil
}

// said is what somebody typed as their statement.
func (v *visit) said() governance.Statement {
	return governance.Statement{Text: strings.TrimSpace(v.r.PostForm.Get("text")), Evidence: textLines(v.r.PostForm.Get("evidence"))}
}

func (s *server) stepCase(v *visit) error {
	ctx, me, id := v.r.Context(), v.me.Caller, v.r.PathValue("case")
	c, err := s.Acts.Case(ctx, me, id)
	if err != nil {
		return err
	}
	say, named := v.said(), strings.TrimSpace(v.r.PostForm.Get("org"))
	switch do := v.r.PostForm.Get("do"); do {
	case "acknowledge":
		_, err = s.Acts.Acknowledge(ctx, me, id, say)
	case "extend":
		_, err = s.Acts.Extend(ctx, me, id, say)
	case governance.Valid, governance.Invalid, governance.Unresolved:
		_, err = s.Acts.Decide(ctx, me, id, do, say)
	case "escalate":
		_, err = s.Acts.Escalate(ctx, me, id, say)
	case "tag":
		for _, cveID := range c.IDs {
			if _, err = s.Acts.TagDisputed(ctx, me, id, cveID, say.Text); err != nil {
				break
			}
		}
	case "accept", "decline":
		_, err = s.Acts.AnswerFirst(ctx, me, id, do == "accept", say)
	case "direct":
		_, err = s.Acts.Direct(ctx, me, program.NewDirection{Case: id, Org: named, IDs: c.IDs, Statement: say})
	case "novuln":
		_, err = s.Acts.CloseRefusal(ctx, me, id, governance.NoVuln, say)
	case "assigned":
		_, err = s.Acts.CloseRefusal(ctx, me, id, governance.Assigned, say)
	case "ended":
		_, err = s.Acts.EndDirection(ctx, me, id, c.AgainstName, "done")
	case "transfer":
		_, err = s.Acts.Transfer(ctx, me, program.NewTransfer{Case: id, Statement: say})
	case "deny":
		_, err = s.Acts.CloseTransfer(ctx, me, id, governance.Denied, say)
	case "active":
		_, err = s.Acts.CloseNotice(ctx, me, c.AgainstName, say)
	case "withdraw":
		switch c.Workflow {
		case governance.Refusal:
			_, err = s.Acts.CloseRefusal(ctx, me, id, governance.Withdrawn, say)
		case governance.Transfer:
			_, err = s.Acts.CloseTransfer(ctx, me, id, governance.Withdrawn, say)
		default:
			_, err = s.Acts.Decide(ctx, me, id, governance.Withdrawn, say)
		}
	default:
		return s.showCase(v, http.StatusOK, c, portal.Case{})
	}
	if err == nil {
		return v.back("/portal/cases/" + id)
	}
	wrong, ours := v.caseProblem(err)
	if !ours {
		return err
	}
	return s.showCase(v, http.StatusUnprocessableEntity, c, portal.Case{Text: say.Text, Evidence: v.r.PostForm.Get("evidence"), Named: named, Problems: portal.Problems{wrong}})
}

// caseProblems is the table from the acts' errors to fields.
var caseProblems = []struct {
	err        error
	field, key string
}{
	{governance.ErrStatement, "text", "text.bad"},
	{registry.ErrNotFound, "ids", "ids.bad"},
	{program.ErrUnheard, "ids", "ids.bad"},
	{registry.ErrNoRecord, "ids", "ids.bad"},
	{authority.ErrNoOrg, "org", "org.bad"},
	{program.ErrNobody, "org", "nobody"},
	{governance.ErrState, "", "moved"},
	{governance.ErrOutcome, "", "moved"},
	{program.ErrTooEarly, "", "moved"},
	{program.ErrFinal, "", "final"},
}

func (v *visit) caseProblem(err error) (portal.Problem, bool) {
	for _, known := range caseProblems {
		if errors.Is(err, known.err) {
			return portal.Problem{Field: known.field, Text: v.frame.Page.Lang.T("portal.case." + known.key)}, true
		}
	}
	return portal.Problem{}, false
}

func (s *server) newCase(v *visit) error {
	q := v.r.URL.Query()
	return s.showBegin(v, http.StatusOK, portal.Begin{What: v.r.PathValue("what"), Subject: q.Get("subject"), IDs: q.Get("id"), Named: q.Get("org")})
}

func (s *server) showBegin(v *visit, status int, out portal.Begin) error {
	if !slices.Contains(v.mayBegin(), out.What) {
		return governance.ErrNoCase
	}
	out.Subjects, out.MayOrder = governance.Subjects, v.me.Can(authority.Transfer)
	v.title(v.frame.Page.Lang.T("portal.begin." + out.What))
	out.Frame = v.frame
	s.Send(v.w, v.r, status, portal.BeginBody(out))
	return nil
}

// idList reads identifiers as they are typed into one field; false when something among them is none.
func idList(text string) (out []string, ok bool) {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,、\u3000\r\n\t", r) }) {
		id, err := cve.ParseID(strings.ToUpper(word))
		if err != nil {
			return nil, false
		}
		out = append(out, id.String())
	}
	return out, true
}

func (s *server) beginCase(v *visit) error {
	form, ctx, me := v.r.PostForm, v.r.Context(), v.me.Caller
	out := portal.Begin{What: v.r.PathValue("what"), Subject: form.Get("subject"), IDs: strings.TrimSpace(form.Get("ids")), Named: strings.TrimSpace(form.Get("org")),
		Declined: form.Get("declined") != "", Anon: form.Get("anonymous") != "", Now: form.Get("now") != "", Text: form.Get("text"), Evidence: form.Get("evidence")}
	if !slices.Contains(v.mayBegin(), out.What) {
		return governance.ErrNoCase
	}
	say := v.said()
	ids, ok := idList(out.IDs)
	if !ok || len(ids) == 0 && (out.What == "transfer" || out.What == "direction") {
		out.Problems = portal.Problems{{Field: "ids", Text: v.frame.Page.Lang.T("portal.case.ids.bad")}}
		return s.showBegin(v, http.StatusUnprocessableEntity, out)
	}
	var c program.CaseView
	var err error
	switch out.What {
	case "dispute":
		c, err = s.Acts.OpenDispute(ctx, me, program.NewDispute{Subject: out.Subject, IDs: ids, Against: out.Named, Anonymous: out.Anon, Statement: say})
	case "refusal":
		c, err = s.Acts.AskFirst(ctx, me, program.NewRefusal{Org: out.Named, InAdvance: out.Declined, IDs: ids, Statement: say})
	case "transfer":
		n := program.NewTransfer{IDs: ids, To: out.Named, Reason: "scope", Statement: say}
		if out.Now && v.me.Can(authority.Transfer) {
			c, err = s.Acts.Transfer(ctx, me, n)
		} else {
			c, err = s.Acts.AskTransfer(ctx, me, n)
		}
	case "direction":
		c, err = s.Acts.Direct(ctx, me, program.NewDirection{Org: out.Named, IDs: ids, Statement: say})
	}
	if err == nil {
		return v.back("/portal/cases/" + c.ID) // the list, where nothing of it is public
	}
	wrong, ours := v.caseProblem(err)
	if !ours {
		return err
	}
	out.Problems = portal.Problems{wrong}
	return s.showBegin(v, http.StatusUnprocessableEntity, out)
}
