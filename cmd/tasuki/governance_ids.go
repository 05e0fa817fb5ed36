package main

import (
	"context"
	"fmt"
)

// SplitCmd is `tasuki governance split`.
type SplitCmd struct {
	ID   string   `arg:"" name:"id" help:"The identifier that covered several flaws."`
	Into []string `arg:"" name:"into" help:"Identifiers of the others, published."`
	Acting
	Saying
}

// Run writes a split down.
func (c *SplitCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	q := stepRequest{IDs: append([]string{c.ID}, c.Into...)}
	if err := c.into(&q); err != nil {
		return err
	}
	return p.done(ctx, s, "split", c.Acting, q, c.ID+" was split; identifiers beside it: %s")
}

// MergeCmd is `tasuki governance merge`.
type MergeCmd struct {
	Keep      string   `arg:"" name:"keep" help:"The identifier that stays; anybody's."`
	Redundant []string `arg:"" name:"redundant" help:"Those that are rejected in its favour."`
	Reason    string   `placeholder:"TEXT" help:"Why, in English; it stands in the records."`
	Acting
}

// Run merges.
func (c *MergeCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	if c.As == "" {
		return fmt.Errorf("say with --as whose identifiers they are: a record has an organisation for its author")
	}
	q := stepRequest{IDs: append([]string{c.Keep}, c.Redundant...), Text: c.Reason}
	return p.done(ctx, s, "merge", c.Acting, q, "identifiers that "+c.Keep+" stands for now: %s")
}

// UnusedCmd is `tasuki governance unused`.
type UnusedCmd struct {
	Org    string `arg:"" help:"Short name."`
	Year   int64  `arg:"" help:"Year of the identifiers."`
	Reject bool   `help:"Reject them."`
	JSON   bool   `name:"json" help:"Print the result as JSON."`
}

// Run lists or rejects.
func (c *UnusedCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	ids, err := operated[[]string](ctx, p, s, access{}, "governance unused list", unusedRequest{Org: c.Org, Year: c.Year})
	if err != nil {
		return err
	}
	if c.Reject {
		return p.done(ctx, s, "unused reject", Acting{JSON: c.JSON}, stepRequest{IDs: ids}, "rejected %s")
	}
	if c.JSON {
		return p.json(ids)
	}
	for _, id := range ids {
		fmt.Fprintln(p.Stdout, id)
	}
	return nil
}

// SeenCmd is `tasuki governance seen`.
type SeenCmd struct {
	URL string   `arg:"" name:"url" help:"Where they stand in public."`
	IDs []string `arg:"" name:"id" help:"Reserved identifiers."`
	Acting
}

// Run reports.
func (c *SeenCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.done(ctx, s, "seen", c.Acting, stepRequest{IDs: c.IDs, Reason: c.URL}, "noted %s; the others are not reserved, or were seen before")
}

// InactiveCmd is `tasuki governance inactive`.
type InactiveCmd struct {
	List   InactiveListCmd   `cmd:"" help:"List CNAs that seem inactive, and what comes next."`
	Notify InactiveNotifyCmd `cmd:"" help:"Send the next notice."`
	Close  InactiveCloseCmd  `cmd:"" help:"End the notices: it is active."`
	Remove InactiveRemoveCmd `cmd:"" help:"Take an organisation out of the Program."`
}

// InactiveListCmd is `tasuki governance inactive list`.
type InactiveListCmd struct{ Acting }

// Run lists.
func (c *InactiveListCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	got, err := operated[[]quietAnswer](ctx, p, s, access{}, "governance inactive list", stepRequest{As: c.As})
	if err != nil {
		return err
	}
	if c.JSON {
		return p.json(got)
	}
	var rows [][]string
	for _, q := range got {
		rows = append(rows, []string{q.Org, q.Since, fmt.Sprint(q.Notices), q.Step, q.Next})
	}
	p.terminal(p.Stdout).table(p.Stdout, []string{"ORG", "SINCE", "NOTICES", "NEXT", "FROM"}, rows)
	return nil
}

// InactiveNotifyCmd is `tasuki governance inactive notify`.
type InactiveNotifyCmd struct {
	Org string `arg:"" help:"Short name."`
	Acting
	Saying
}

// Run sends a notice.
func (c *InactiveNotifyCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.step(ctx, s, "inactive notify", c.Acting, c.Saying, stepRequest{Org: c.Org})
}

// InactiveCloseCmd is `tasuki governance inactive close`.
type InactiveCloseCmd struct {
	Org string `arg:"" help:"Short name."`
	Acting
	Saying
}

// Run ends notices.
func (c *InactiveCloseCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.step(ctx, s, "inactive close", c.Acting, c.Saying, stepRequest{Org: c.Org})
}

// InactiveRemoveCmd is `tasuki governance inactive remove`.
type InactiveRemoveCmd struct {
	Org    string `arg:"" help:"Short name."`
	Heir   string `placeholder:"ORG" help:"Short name of who takes its public identifiers."`
	Reason string `default:"inactive" placeholder:"WORD" help:"Why, in a word (default ${default})."`
	Early  bool   `help:"Also when it has not had every notice: for a decertification, which has a procedure of its own."`
	Acting
	Saying
}

// Run removes an organisation.
func (c *InactiveRemoveCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	q := stepRequest{Org: c.Org, Outcome: c.Heir, Reason: c.Reason, Yes: c.Early}
	if err := c.into(&q); err != nil {
		return err
	}
	return p.done(ctx, s, "inactive remove", c.Acting, q, "organisations taken out of the Program: %s")
}

// GrantCmd is `tasuki governance grant`.
type GrantCmd struct {
	Give  GrantGiveCmd  `cmd:"" help:"Give an organisation a role."`
	Scope GrantScopeCmd `cmd:"" help:"Put another scope in a grant's place."`
	End   GrantEndCmd   `cmd:"" help:"End a grant."`
	List  GrantListCmd  `cmd:"" help:"List grants."`
}

// Scoping is the scope of a grant and what it rests on.
type Scoping struct {
	Scope    string `type:"existingfile" placeholder:"FILE" help:"The scope, JSON: text, include, exclude, eol, kind, calendar."`
	Words    string `placeholder:"TEXT" help:"The scope in words, where no file says it."`
	Calendar string `placeholder:"NAME" help:"Calendar of the rule pack for those below, where no file says it."`
	Decision string `placeholder:"TEXT" help:"What it rests on; public."`
	Ref      string `placeholder:"URL" help:"Where the decision is published."`
}

func (c Scoping) into(q *grantRequest) (err error) {
	q.Text, q.Calendar, q.Decision, q.Ref = c.Words, c.Calendar, c.Decision, c.Ref
	q.Scope, err = scopeOf(c.Scope)
	return err
}

// GrantGiveCmd is `tasuki governance grant give`.
type GrantGiveCmd struct {
	Org   string `arg:"" help:"Short name."`
	Role  string `arg:"" help:"CNA, CNA_LR, ROOT, TL_ROOT, SECRETARIAT, BOARD, ADP, SADP, BULK_DOWNLOAD."`
	Under string `placeholder:"UUID" help:"The grant that it stands under."`
	Scoping
	Acting
}

// Run gives a grant.
func (c *GrantGiveCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	q := grantRequest{As: c.As, Org: c.Org, Role: c.Role, Under: c.Under}
	if err := c.into(&q); err != nil {
		return err
	}
	return p.granted(ctx, s, "grant give", q, c.JSON)
}

// GrantScopeCmd is `tasuki governance grant scope`.
type GrantScopeCmd struct {
	Grant string `arg:"" help:"The grant's UUID."`
	Scoping
	Acting
}

// Run changes a scope.
func (c *GrantScopeCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	q := grantRequest{As: c.As, Grant: c.Grant}
	if err := c.into(&q); err != nil {
		return err
	}
	return p.granted(ctx, s, "grant scope", q, c.JSON)
}

func (p *Program) granted(ctx context.Context, s *Settings, act string, q grantRequest, asJSON bool) error {
	got, err := operated[roleGrant](ctx, p, s, access{}, "governance "+act, q)
	if err != nil {
		return err
	}
	if asJSON {
		return p.json(got)
	}
	_, err = fmt.Fprintf(p.Stdout, "%s\n", got.ID)
	return err
}

// GrantEndCmd is `tasuki governance grant end`.
type GrantEndCmd struct {
	Grant  string `arg:"" help:"The grant's UUID."`
	Reason string `required:"" placeholder:"TEXT" help:"Why; public."`
	Acting
}

// Run ends a grant.
func (c *GrantEndCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	got, err := operated[doneAnswer](ctx, p, s, access{}, "governance grant end", grantRequest{As: c.As, Grant: c.Grant, Reason: c.Reason})
	if err == nil && c.JSON {
		return p.json(got)
	}
	return err
}

// GrantListCmd is `tasuki governance grant list`.
type GrantListCmd struct {
	Org  string `arg:"" optional:"" help:"Short name; without it everybody's."`
	All  bool   `help:"Ended ones too."`
	JSON bool   `name:"json" help:"Print the result as JSON."`
}

// Run lists grants.
func (c *GrantListCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	got, err := operated[[]roleGrant](ctx, p, s, access{}, "governance grant list", grantRequest{Org: c.Org, All: c.All})
	if err != nil {
		return err
	}
	if c.JSON {
		return p.json(got)
	}
	var rows [][]string
	for _, g := range got {
		rows = append(rows, []string{g.ID, g.Org, g.Role, g.Above, g.From, g.Ended, g.Scope})
	}
	p.terminal(p.Stdout).table(p.Stdout, []string{"GRANT", "ORG", "ROLE", "UNDER", "FROM", "ENDED", "SCOPE"}, rows)
	return nil
}
