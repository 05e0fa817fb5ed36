package native

import (
	"context"
	"errors"
	"strings"

	"tasuki/client"
	"tasuki/internal/governance"
	"tasuki/internal/program"
)

func (a *api) governanceOperations() {
	get(a, operation{id: "list-clocks", path: "clocks", tag: "authority", summary: "List running deadlines",
		text: "Every deadline of the Program's rules that runs in public, as the event that started it was stamped; overdue ones first."}, a.clocks)
	get(a, operation{id: "list-disputes", path: "disputes", tag: "authority", summary: "List cases",
		text: "Of one workflow; disputes unless another is named."}, a.disputes)
	get(a, operation{id: "get-dispute", path: "disputes/{case}", tag: "authority", summary: "Get one case",
		text: "Of any workflow, with its public steps; the leaf of each is the evidence for it."}, a.dispute)
}

type clocksInput struct {
	Org string `query:"org" doc:"Only where this organisation is to act, by short name, as far as that is public." example:"acme"`
}

func (a *api) clocks(ctx context.Context, in *clocksInput) (*of[client.Clocks], error) {
	list, err := a.Authority.Clocks(ctx)
	if err != nil {
		return nil, err
	}
	out := client.Clocks{Items: []client.Clock{}}
	for i := range list {
		k := &list[i]
		if in.Org != "" && !strings.EqualFold(in.Org, k.OrgName) {
			continue
		}
		if k.Overdue {
			out.Overdue++
		}
		out.Items = append(out.Items, client.Clock{Key: k.Key, What: k.What, About: k.About, Rule: k.Rule, Strength: k.Strength, Pack: k.Pack, Started: k.Started, Due: k.Due,
			Overdue: k.Overdue, Org: k.OrgName, CVE: k.CVE, Case: k.Case, Leaf: k.Leaf})
	}
	return reply(out)
}

type disputesInput struct {
	Workflow string `query:"workflow" doc:"Of which workflow." enum:"dispute,refusal,direction,transfer,inactivity" default:"dispute"`
	State    string `query:"state" doc:"Only open, or only ended ones." enum:"open,ended"`
	Offset   int    `query:"offset" doc:"How many to leave out." minimum:"0" default:"0"`
	Limit    int    `query:"limit" doc:"Cases per page." minimum:"1" maximum:"1000" default:"100"`
}

func (a *api) disputes(ctx context.Context, in *disputesInput) (*of[client.Cases], error) {
	list, err := a.Authority.Cases(ctx, governance.Workflow(in.Workflow))
	if err != nil {
		return nil, err
	}
	out := client.Cases{Items: []client.Case{}}
	for i := range list {
		if c := &list[i]; in.State == "" || (in.State == "ended") == c.Ended() {
			if out.Total++; out.Total > in.Offset && len(out.Items) < in.Limit {
				out.Items = append(out.Items, a.caseOf(c))
			}
		}
	}
	return reply(out)
}

type disputeInput struct {
	Case string `path:"case" doc:"The case's UUID." maxLength:"100"`
}

func (a *api) dispute(ctx context.Context, in *disputeInput) (*of[client.CaseSteps], error) {
	c, err := a.Authority.Case(ctx, in.Case)
	if errors.Is(err, governance.ErrNoCase) {
		return nil, refuse(codeNoCase, "")
	}
	if err != nil {
		return nil, err
	}
	out := client.CaseSteps{Case: a.caseOf(&c), Steps: []client.Step{}}
	for i := range c.Steps {
		x := &c.Steps[i]
		out.Steps = append(out.Steps, client.Step{Leaf: x.Leaf, Kind: string(x.Kind), At: x.At, By: x.ByName, Org: x.OrgName, CVE: x.CVE, Level: x.Level, Reason: x.Reason,
			Outcome: x.Outcome, Due: some(x.Due), Text: x.Statement.Text, Evidence: x.Statement.Evidence})
	}
	return reply(out)
}

func (a *api) caseOf(c *program.CaseView) client.Case {
	return client.Case{ID: c.ID, Workflow: string(c.Workflow), Subject: c.Subject, State: string(c.State), Ended: c.Ended(), Level: c.Level, Outcome: c.Outcome,
		IDs: append([]string{}, c.IDs...), Hidden: c.Hidden, Party: c.PartyName, Against: c.AgainstName, Adjudicator: c.AdjudicatorName, Opened: c.Opened,
		Changed: c.Changed, Due: some(c.Due), Overdue: c.Overdue(a.Now()), Pack: c.Pack}
}
