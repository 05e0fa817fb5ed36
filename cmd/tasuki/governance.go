package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

// GovernanceCmd is `tasuki governance`: the workflows of the Program, for whoever holds the data directory.
type GovernanceCmd struct {
	Dispute  DisputeCmd  `cmd:"" help:"Open disputes and take them to their end."`
	Refusal  RefusalCmd  `cmd:"" help:"Ask a CNA first, write down what it answers, and what its Root determines."`
	Direct   DirectCmd   `cmd:"" help:"Direct a CNA to assign, or to publish identifiers of another's."`
	Transfer TransferCmd `cmd:"" help:"Ask for, order and deny transfers of identifiers."`
	Split    SplitCmd    `cmd:"" help:"Write down that an identifier covered several flaws."`
	Merge    MergeCmd    `cmd:"" help:"Reject redundant identifiers in favour of one."`
	Unused   UnusedCmd   `cmd:"" help:"List, or reject, what an organisation reserved in a year and never published."`
	Seen     SeenCmd     `cmd:"" help:"Report that reserved identifiers stand in public."`
	Inactive InactiveCmd `cmd:"" help:"List CNAs that seem inactive, send them notices, and remove them."`
	Grant    GrantCmd    `cmd:"" help:"Give, change, end and list roles."`
	Rules    RulesCmd    `cmd:"" help:"Put a rule pack in force."`
	Contacts ContactsCmd `cmd:"" help:"Show, or set, whom reminders to an organisation go to; private."`
	Clocks   ClocksCmd   `cmd:"" help:"List the running deadlines, the most urgent first."`
	Show     CaseShowCmd `cmd:"" help:"Show one case with all its steps."`
}

// Acting says whose step it is, and how the answer is printed.
type Acting struct {
	As   string `placeholder:"ORG[/USER]" help:"Take the step for a user of this organisation, by whose powers it is judged (default: the operator's own)."`
	JSON bool   `name:"json" help:"Print the result as JSON."`
}

// Saying is what is said with a step.
type Saying struct {
	Text     string   `placeholder:"TEXT" help:"What is said. It is public, unless the case is about something that is not."`
	TextFile string   `type:"existingfile" placeholder:"FILE" help:"The same from a file."`
	Evidence []string `placeholder:"URL" help:"Where evidence is published."`
}

// maxTextFile is more than a statement may have.
const maxTextFile = 1 << 20

func (s Saying) into(q *stepRequest) error {
	q.Text, q.Evidence = s.Text, s.Evidence
	if s.TextFile == "" {
		return nil
	}
	if s.Text != "" {
		return errors.New("--text and --text-file: one of them")
	}
	raw, err := readBounded(s.TextFile, maxTextFile)
	q.Text = strings.TrimSpace(string(raw))
	return err
}

// step takes a step and prints the case after it.
func (p *Program) step(ctx context.Context, s *Settings, act string, a Acting, say Saying, q stepRequest) error {
	q.As = a.As
	if err := say.into(&q); err != nil {
		return err
	}
	got, err := operated[caseAnswer](ctx, p, s, access{}, "governance "+act, q)
	if got.ID == "" {
		if err == nil { // a transfer of reserved identifiers has none
			fmt.Fprintln(p.Stderr, "done; nothing of it is public, so that there is no case")
		}
		return err
	}
	return errors.Join(err, p.showCase(got, a.JSON, false))
}

// done takes a step that has no case.
func (p *Program) done(ctx context.Context, s *Settings, act string, a Acting, q stepRequest, text string) error {
	q.As = a.As
	got, err := operated[doneAnswer](ctx, p, s, access{}, "governance "+act, q)
	if err != nil {
		return err
	}
	if a.JSON {
		return p.json(got)
	}
	_, err = fmt.Fprintf(p.Stdout, text+"\n", thousands(got.Count))
	return err
}

// showCase prints a case; with its steps if they are asked for.
func (p *Program) showCase(c caseAnswer, asJSON, steps bool) error {
	if asJSON {
		return p.json(c)
	}
	fmt.Fprintf(p.Stdout, "%s  %s  %s\n", c.ID, c.Workflow, caseState(c))
	for _, line := range [][2]string{{"about", strings.Join(c.IDs, " ")}, {"subject", c.Subject}, {"party", c.Party}, {"against", c.Against}, {"decides",
		c.Adjudicator},
		{"level", c.Level}, {"due", c.Due}, {"outcome", c.Outcome}, {"rules", c.Pack}} {
		if line[1] != "" {
			fmt.Fprintf(p.Stdout, "%-9s%s\n", line[0], clean(line[1]))
		}
	}
	if c.Hidden {
		fmt.Fprintln(p.Stdout, "hidden   the public sees that there is a case, its identifiers, level and deadlines")
	}
	if !steps {
		return nil
	}
	for _, s := range c.Steps {
		fmt.Fprintf(p.Stdout, "\n%s  %s", s.At, s.Kind)
		for _, word := range []string{s.Level, s.By, s.Org, s.Reason, s.Outcome} {
			if word != "" {
				fmt.Fprintf(p.Stdout, "  %s", clean(word))
			}
		}
		if s.Due != "" {
			fmt.Fprintf(p.Stdout, "  due %s", s.Due)
		}
		fmt.Fprintln(p.Stdout)
		for _, line := range append(strings.Split(s.Text, "\n"), s.Evidence...) {
			if line = clean(line); line != "" {
				fmt.Fprintf(p.Stdout, "    %s\n", line)
			}
		}
	}
	return nil
}

func caseState(c caseAnswer) string {
	if c.Overdue {
		return c.State + ", overdue"
	}
	return c.State
}

// listed prints cases one a line.
func (p *Program) listed(ctx context.Context, s *Settings, a Acting, workflow string, all bool) error {
	got, err := operated[[]caseAnswer](ctx, p, s, access{}, "governance list", stepRequest{As: a.As, Subject: workflow, Yes: all})
	if err != nil {
		return err
	}
	if a.JSON {
		return p.json(got)
	}
	var rows [][]string
	for _, c := range got {
		rows = append(rows, []string{c.ID, caseState(c), c.Level, c.Against, strings.Join(c.IDs, " "), c.Due})
	}
	p.terminal(p.Stdout).table(p.Stdout, []string{"CASE", "STATE", "LEVEL", "WITH", "ABOUT", "DUE"}, rows)
	return nil
}

// Listing are the flags of lists of cases.
type Listing struct {
	Acting
	All bool `help:"Those that have ended, too."`
}

// CaseShowCmd is `tasuki governance show`.
type CaseShowCmd struct {
	Case string `arg:"" help:"The case's UUID."`
	Acting
}

// Run shows a case.
func (c *CaseShowCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	got, err := operated[caseAnswer](ctx, p, s, access{}, "governance show", stepRequest{As: c.As, Case: c.Case})
	if err != nil {
		return err
	}
	return p.showCase(got, c.JSON, true)
}

// ClocksCmd is `tasuki governance clocks`.
type ClocksCmd struct {
	Acting
	Overdue bool `help:"Only those that have run out."`
}

// Run lists running deadlines.
func (c *ClocksCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	got, err := operated[[]clockAnswer](ctx, p, s, access{}, "governance clocks", stepRequest{As: c.As, Yes: c.Overdue})
	if err != nil {
		return err
	}
	if c.JSON {
		return p.json(got)
	}
	var rows [][]string
	for _, k := range got {
		rows = append(rows, []string{k.Due, k.Left, k.Strength, k.What, k.Org, k.CVE + k.Case})
	}
	p.terminal(p.Stdout).table(p.Stdout, []string{"DUE", "LEFT", "STRENGTH", "WHAT", "WHOSE", "ABOUT"}, rows)
	return nil
}

// RulesCmd is `tasuki governance rules`.
type RulesCmd struct {
	Adopt RulesAdoptCmd `cmd:"" help:"Put a rule pack in force; what was decided before is measured by the one it was decided under."`
}

// RulesAdoptCmd is `tasuki governance rules adopt`.
type RulesAdoptCmd struct {
	File string `arg:"" optional:"" type:"existingfile" help:"The pack, JSON; without it the one that comes with the program."`
	Acting
}

// maxPack is many times a rule pack.
const maxPack = 4 << 20

// Run puts a rule pack in force.
func (c *RulesAdoptCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	q := rulesRequest{As: c.As}
	if c.File != "" {
		raw, err := readBounded(c.File, maxPack)
		if err != nil {
			return err
		}
		q.Pack = string(raw)
	}
	got, err := operated[rulesAnswer](ctx, p, s, access{}, "governance rules adopt", q)
	if err != nil {
		return err
	}
	if c.JSON {
		return p.json(got)
	}
	_, err = fmt.Fprintf(p.Stdout, "rules %s are in force\n", clean(got.Version))
	return err
}

// scopeOf reads a scope's file, "" for none.
func scopeOf(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	raw, err := readBounded(file, maxPack)
	if errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("--scope: %w", err)
	}
	return string(raw), err
}

// ContactsCmd is `tasuki governance contacts`.
type ContactsCmd struct {
	Org    string   `arg:"" help:"Short name."`
	Emails []string `arg:"" optional:"" name:"address" help:"Mail addresses, in place of those that are there."`
	Clear  bool     `help:"Have none."`
	JSON   bool     `name:"json" help:"Print the result as JSON."`
}

// Run shows or sets contacts.
func (c *ContactsCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	if c.Clear && len(c.Emails) > 0 {
		return errors.New("--clear goes without addresses")
	}
	got, err := operated[[]string](ctx, p, s, access{}, "governance contacts", contactsRequest{Org: c.Org, Set: c.Clear || len(c.Emails) > 0, Emails: c.Emails})
	if err != nil {
		return err
	}
	if c.JSON {
		return p.json(got)
	}
	for _, e := range got {
		fmt.Fprintln(p.Stdout, e)
	}
	return nil
}
