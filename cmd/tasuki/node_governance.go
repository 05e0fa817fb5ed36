package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/governance"
	"tasuki/internal/program"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// stepRequest asks for a step of a workflow; which members it uses is the act's.
type stepRequest struct {
	As       string   `json:"as,omitzero"` // "ORG" or "ORG/USER": whose step it is; "" for the operator's own
	Case     string   `json:"case,omitzero"`
	Org      string   `json:"org,omitzero"`
	Subject  string   `json:"subject,omitzero"`
	Outcome  string   `json:"outcome,omitzero"`
	Reason   string   `json:"reason,omitzero"`
	IDs      []string `json:"ids,omitempty"`
	Yes      bool     `json:"yes,omitzero"` // accepts; anonymous; in advance; early
	Text     string   `json:"text,omitzero"`
	Evidence []string `json:"evidence,omitempty"`
}

func (q stepRequest) statement() governance.Statement {
	return governance.Statement{Text: q.Text, Evidence: q.Evidence}
}

// caseAnswer is a case for people at a terminal.
type caseAnswer struct {
	ID          string       `json:"case"`
	Workflow    string       `json:"workflow"`
	Subject     string       `json:"subject"`
	State       string       `json:"state"`
	Level       string       `json:"level,omitzero"`
	IDs         []string     `json:"ids,omitempty"`
	Hidden      bool         `json:"hidden,omitzero"`
	Party       string       `json:"party,omitzero"`
	Against     string       `json:"against,omitzero"`
	Adjudicator string       `json:"adjudicator,omitzero"`
	Opened      string       `json:"opened"`
	Due         string       `json:"due,omitzero"`
	Overdue     bool         `json:"overdue,omitzero"`
	Outcome     string       `json:"outcome,omitzero"`
	Pack        string       `json:"pack"`
	Steps       []stepAnswer `json:"steps,omitempty"`
}

type stepAnswer struct {
	Leaf     int64    `json:"leaf"`
	Kind     string   `json:"kind"`
	At       string   `json:"at"`
	By       string   `json:"by,omitzero"`
	Org      string   `json:"org,omitzero"`
	Level    string   `json:"level,omitzero"`
	Reason   string   `json:"reason,omitzero"`
	Outcome  string   `json:"outcome,omitzero"`
	Due      string   `json:"due,omitzero"`
	Text     string   `json:"text,omitzero"`
	Evidence []string `json:"evidence,omitempty"`
}

// timeText is a time as answers have it, "" for none.
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return cve.FormatTime(t)
}

func (n *node) caseAnswer(v program.CaseView) caseAnswer {
	a := caseAnswer{ID: v.ID, Workflow: string(v.Workflow), Subject: v.Subject, State: string(v.State), Level: v.Level, IDs: v.IDs, Hidden: v.Hidden,
		Party:   v.PartyName,
		Against: v.AgainstName, Adjudicator: v.AdjudicatorName, Opened: timeText(v.Opened), Due: timeText(v.Due), Overdue: v.Overdue(n.now()),
		Outcome: v.Outcome, Pack: v.Pack}
	for _, s := range v.Steps {
		a.Steps = append(a.Steps, stepAnswer{Leaf: s.Leaf, Kind: string(s.Kind), At: timeText(s.At), By: s.ByName, Org: s.OrgName, Level: s.Level, Reason: s.Reason,
			Outcome: s.Outcome, Due: timeText(s.Due), Text: s.Statement.Text, Evidence: s.Statement.Evidence})
	}
	return a
}

// errNobodyThere means an organisation without anybody to act for it.
var errNobodyThere = errors.New("the organisation has no active user; name one: --as ORG/USER")

// as is the caller that a step is carried out as. Whoever holds the store may speak for anybody in it; the log says of every step that the
// operator attests it.
func (n *node) as(ctx context.Context, command, who string) (authority.Caller, error) {
	if who == "" {
		return operator(command), nil
	}
	short, name, _ := strings.Cut(who, "/")
	c := authority.Caller{Role: authority.Member}
	err := n.db.View(ctx, func(tx *store.Tx) error {
		o, err := authority.GetOrg(ctx, tx, n.now(), short)
		if err != nil {
			return err
		}
		c.Org = o.ID
		users, _, err := authority.UsersOf(ctx, tx, o.ID, 0, authority.MaxUsers)
		for _, u := range users {
			if u.Active && c.User == "" && (name == "" || u.Username == name) {
				c.User = u.ID
			}
		}
		if err == nil && c.User == "" {
			err = fmt.Errorf("%s: %w", short, errNobodyThere)
		}
		return err
	})
	return c, err
}

// step makes an operation of an act on cases.
func step(name string, do func(n *node, ctx context.Context, c authority.Caller, q stepRequest) (program.CaseView, error)) operation {
	return act(func(n *node, ctx context.Context, q stepRequest, _ Reporter) (caseAnswer, error) {
		c, err := n.as(ctx, "governance "+name, q.As)
		if err != nil {
			return caseAnswer{}, err
		}
		v, err := do(n, ctx, c, q)
		if v.ID == "" && err != nil {
			return caseAnswer{}, err
		}
		return n.caseAnswer(v), err
	})
}

// governing are the steps of workflows by name.
var governing = map[string]operation{
	"dispute open": step("dispute open", func(n *node, ctx context.Context, c authority.Caller, q stepRequest) (program.CaseView, error) {
		return n.acts.OpenDispute(ctx, c, program.NewDispute{Subject: q.Subject, IDs: q.IDs, Against: q.Org, Anonymous: q.Yes, Statement: q.statement()})
	}),
	"dispute acknowledge": step("dispute acknowledge", func(n *node, ctx context.Context, c authority.Caller, q stepRequest) (program.CaseView, error) {
		return n.acts.Acknowledge(ctx, c, q.Case, q.statement())
	}),
	"dispute extend": step("dispute extend", func(n *node, ctx context.Context, c authority.Caller, q stepRequest) (program.CaseView, error) {
		return n.acts.Extend(ctx, c, q.Case, q.statement())
	}),
	"dispute escalate": step("dispute escalate", func(n *node, ctx context.Context, c authority.Caller, q stepRequest) (program.CaseView, error) {
		return n.acts.Escalate(ctx, c, q.Case, q.statement())
	}),
	"dispute decide": step("dispute decide", func(n *node, ctx context.Context, c authority.Caller, q stepRequest) (program.CaseView, error) {
		return n.acts.Decide(ctx, c, q.Case, q.Outcome, q.statement())
	}),
	"dispute tag": step("dispute tag", func(n *node, ctx context.Context, c authority.Caller, q stepRequest) (program.CaseView, error) {
		return n.retag(ctx, c, q, n.acts.TagDisputed)
	}),
	"dispute untag": step("dispute untag", func(n *node, ctx context.Context, c authority.Caller, q stepRequest) (program.CaseView, error) {
		return n.retag(ctx, c, q, func(ctx context.Context, c authority.Caller, in, id, _ string) ([]byte, error) {
			return n.acts.UntagDisputed(ctx, c, in, id)
		})
	}),
	"show": step("show", func(n *node, ctx context.Context, c authority.Caller, q stepRequest) (program.CaseView, error) {
		return n.acts.Case(ctx, c, q.Case)
	}),
	"refusal ask": step("refusal ask", func(n *node, ctx context.Context, c authority.Caller, q stepRequest) (program.CaseView, error) {
		return n.acts.AskFirst(ctx, c, program.NewRefusal{Org: q.Org, InAdvance: q.Yes, IDs: q.IDs, Statement: q.statement()})
	}),
	"refusal answer": step("refusal answer", func(n *node, ctx context.Context, c authority.Caller, q stepRequest) (program.CaseView, error) {
		return n.acts.AnswerFirst(ctx, c, q.Case, q.Yes, q.statement())
	}),
	"refusal close": step("refusal close", func(n *node, ctx context.Context, c authority.Caller, q stepRequest) (program.CaseView, error) {
		return n.acts.CloseRefusal(ctx, c, q.Case, q.Outcome, q.statement())
	}),
	"direction give": step("direction give", func(n *node, ctx context.Context, c authority.Caller, q stepRequest) (program.CaseView, error) {
		return n.acts.Direct(ctx, c, program.NewDirection{Case: q.Case, Org: q.Org, IDs: q.IDs, Statement: q.statement()})
	}),
	"direction end": step("direction end", func(n *node, ctx context.Context, c authority.Caller, q stepRequest) (program.CaseView, error) {
		return n.acts.EndDirection(ctx, c, q.Case, q.Org, q.Reason)
	}),
	"transfer ask": step("transfer ask", func(n *node, ctx context.Context, c authority.Caller, q stepRequest) (program.CaseView, error) {
		return n.acts.AskTransfer(ctx, c, program.NewTransfer{IDs: q.IDs, To: q.Org, Reason: q.Reason, Statement: q.statement()})
	}),
	"transfer order": step("transfer order", func(n *node, ctx context.Context, c authority.Caller, q stepRequest) (program.CaseView, error) {
		return n.acts.Transfer(ctx, c, program.NewTransfer{Case: q.Case, IDs: q.IDs, To: q.Org, Reason: q.Reason, Statement: q.statement()})
	}),
	"transfer deny": step("transfer deny", func(n *node, ctx context.Context, c authority.Caller, q stepRequest) (program.CaseView, error) {
		return n.acts.CloseTransfer(ctx, c, q.Case, q.Outcome, q.statement())
	}),
	"inactive notify": step("inactive notify", func(n *node, ctx context.Context, c authority.Caller, q stepRequest) (program.CaseView, error) {
		return n.acts.SendNotice(ctx, c, q.Org, q.statement())
	}),
	"inactive close": step("inactive close", func(n *node, ctx context.Context, c authority.Caller, q stepRequest) (program.CaseView, error) {
		return n.acts.CloseNotice(ctx, c, q.Org, q.statement())
	}),
	"split": plain("split", func(n *node, ctx context.Context, c authority.Caller, q stepRequest) (doneAnswer, error) {
		return n.splitID(ctx, c, q)
	}),
	"merge": plain("merge", func(n *node, ctx context.Context, c authority.Caller, q stepRequest) (doneAnswer, error) {
		return n.mergeIDs(ctx, c, q)
	}),
	"seen":            plain("seen", (*node).reportSeen),
	"unused reject":   plain("unused reject", (*node).rejectUnused),
	"inactive remove": plain("inactive remove", (*node).removeOrg),
	"list":            act((*node).listCases),
	"clocks":          act((*node).listClocks),
	"inactive list":   act((*node).listInactive),
	"unused list":     act((*node).listUnused),
	"grant give":      act((*node).giveGrant),
	"grant end":       act((*node).endGrant),
	"grant scope":     act((*node).changeScope),
	"grant list":      act((*node).listGrants),
	"rules adopt":     act((*node).adoptRules),
	"erase person":    act((*node).erasePerson),
	"contacts":        act((*node).keepContacts),
}

func (n *node) retag(ctx context.Context, c authority.Caller, q stepRequest, do func(ctx context.Context, c authority.Caller, in, id,
	reason string) ([]byte, error)) (program.CaseView, error) {
	for _, id := range q.IDs {
		if _, err := do(ctx, c, q.Case, id, q.Text); err != nil {
			return program.CaseView{}, err
		}
	}
	return n.acts.Case(ctx, c, q.Case)
}

// doneAnswer is what came of a step that is no case.
type doneAnswer struct {
	Count int64 `json:"count"`
}

func plain(name string, do func(n *node, ctx context.Context, c authority.Caller, q stepRequest) (doneAnswer, error)) operation {
	return act(func(n *node, ctx context.Context, q stepRequest, _ Reporter) (doneAnswer, error) {
		c, err := n.as(ctx, "governance "+name, q.As)
		if err != nil {
			return doneAnswer{}, err
		}
		return do(n, ctx, c, q)
	})
}

func (n *node) splitID(ctx context.Context, c authority.Caller, q stepRequest) (doneAnswer, error) {
	return doneAnswer{int64(len(q.IDs) - 1)}, n.acts.Split(ctx, c, q.IDs[0], q.IDs[1:], q.statement())
}

func (n *node) mergeIDs(ctx context.Context, c authority.Caller, q stepRequest) (doneAnswer, error) {
	return doneAnswer{int64(len(q.IDs) - 1)}, n.acts.Merge(ctx, c, q.IDs[0], q.IDs[1:], q.Text)
}

func (n *node) reportSeen(ctx context.Context, c authority.Caller, q stepRequest) (doneAnswer, error) {
	var a doneAnswer
	for _, id := range q.IDs {
		fresh, err := n.acts.ReportSighting(ctx, c, id, q.Reason)
		if err != nil {
			return a, err
		}
		if fresh {
			a.Count++
		}
	}
	return a, nil
}

func (n *node) rejectUnused(ctx context.Context, c authority.Caller, q stepRequest) (doneAnswer, error) {
	count, err := n.acts.RejectUnused(ctx, c, q.IDs)
	return doneAnswer{int64(count)}, err
}

func (n *node) removeOrg(ctx context.Context, c authority.Caller, q stepRequest) (doneAnswer, error) {
	return doneAnswer{1}, n.acts.Remove(ctx, c, program.Removal{Org: q.Org, Heir: q.Outcome, Reason: q.Reason, Early: q.Yes, Statement: q.statement()})
}

// listCases lists the cases of the workflow in Subject, or those of one identifier.
func (n *node) listCases(ctx context.Context, q stepRequest, _ Reporter) (out []caseAnswer, err error) {
	c, err := n.as(ctx, "governance list", q.As)
	if err != nil {
		return nil, err
	}
	var list []program.CaseView
	if len(q.IDs) > 0 {
		list, err = n.acts.CasesAbout(ctx, c, q.IDs[0])
	} else {
		list, err = n.acts.Cases(ctx, c, governance.Workflow(q.Subject))
	}
	for _, v := range list {
		if q.Yes || !v.Ended() {
			out = append(out, n.caseAnswer(v))
		}
	}
	return out, err
}

type clockAnswer struct {
	Key      string `json:"key"`
	What     string `json:"what"`
	Case     string `json:"case,omitzero"`
	CVE      string `json:"cve,omitzero"`
	Org      string `json:"org,omitzero"`
	Due      string `json:"due"`
	Left     string `json:"left"`
	Overdue  bool   `json:"overdue,omitzero"`
	Strength string `json:"strength"`
	Rule     string `json:"rule,omitzero"`
	Mine     bool   `json:"mine,omitzero"`
}

func (n *node) listClocks(ctx context.Context, q stepRequest, _ Reporter) (out []clockAnswer, err error) {
	c, err := n.as(ctx, "governance clocks", q.As)
	if err != nil {
		return nil, err
	}
	list, err := n.acts.Clocks(ctx, c)
	for _, k := range list {
		if q.Yes && !k.Overdue {
			continue
		}
		out = append(out, clockAnswer{Key: k.Key, What: k.What, Case: k.Case, CVE: k.CVE, Org: k.OrgName, Due: timeText(k.Due), Left: left(k.Left),
			Overdue:  k.Overdue,
			Strength: k.Strength, Rule: k.Rule, Mine: k.Mine})
	}
	return out, err
}

// left is a time span as people count it: days, or hours and minutes.
func left(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	if d >= 48*time.Hour {
		return fmt.Sprintf("%s%d days", sign, int(d.Hours()/24))
	}
	return fmt.Sprintf("%s%d:%02d h", sign, int(d.Hours()), int(d.Minutes())%60)
}

type quietAnswer struct {
	Org     string `json:"org"`
	Since   string `json:"since"`
	Notices int    `json:"notices"`
	Step    string `json:"step"`
	Next    string `json:"next"`
	Case    string `json:"case,omitzero"`
}

func (n *node) listInactive(ctx context.Context, q stepRequest, _ Reporter) (out []quietAnswer, err error) {
	c, err := n.as(ctx, "governance inactive list", q.As)
	if err != nil {
		return nil, err
	}
	list, err := n.acts.Inactive(ctx, c)
	for _, i := range list {
		out = append(out, quietAnswer{Org: i.Short, Since: timeText(i.Since), Notices: i.Notices, Step: i.Step, Next: timeText(i.Next), Case: i.Case})
	}
	return out, err
}

// unusedRequest asks for what an organisation left unused in a year.
type unusedRequest struct {
	Org  string `json:"org"`
	Year int64  `json:"year"`
}

func (n *node) listUnused(ctx context.Context, q unusedRequest, _ Reporter) (ids []string, err error) {
	for {
		list, total, err := n.acts.Unused(ctx, operator("governance unused"), q.Org, q.Year, len(ids), 500)
		if err != nil {
			return nil, err
		}
		for _, i := range list {
			ids = append(ids, i.ID)
		}
		if len(list) == 0 || int64(len(ids)) >= total {
			return ids, nil
		}
	}
}

// contactsRequest reads an organisation's contacts, or puts others in their place.
type contactsRequest struct {
	Org    string   `json:"org"`
	Set    bool     `json:"set,omitzero"`
	Emails []string `json:"emails,omitempty"`
}

func (n *node) keepContacts(ctx context.Context, q contactsRequest, _ Reporter) (emails []string, err error) {
	c := operator("governance contacts")
	if q.Set {
		var list []authority.Contact
		for _, e := range q.Emails {
			list = append(list, authority.Contact{Email: e})
		}
		if err := n.acts.SetContacts(ctx, c, q.Org, list); err != nil {
			return nil, err
		}
	}
	list, err := n.acts.Contacts(ctx, c, q.Org)
	for _, c := range list {
		emails = append(emails, c.Email)
	}
	return emails, err
}
