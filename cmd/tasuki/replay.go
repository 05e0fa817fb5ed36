package main

import (
	"context"
	"errors"
	"fmt"
)

// ReplayCmd is `tasuki replay`.
type ReplayCmd struct {
	CheckOnly bool `help:"Compare the tables with the log; change nothing."`
	JSON      bool `name:"json" help:"Print the result as JSON."`
}

// Run folds the log again. It fails when a table was not what the log says, also after having mended it.
func (c *ReplayCmd) Run(ctx context.Context, p *Program, s *Settings) (err error) {
	x, err := p.session(ctx, s, access{Host: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	report := p.reporter()
	got, err := x.jobs.Replay(ctx, ReplayRequest{CheckOnly: c.CheckOnly}, report)
	report.Close()
	if err != nil {
		return err
	}
	wrong := 0
	rows := make([][]string, 0, len(got.Tables))
	for _, t := range got.Tables {
		verdict := "same"
		if t.Before != t.After {
			verdict, wrong = "was "+t.Before, wrong+1
		}
		rows = append(rows, []string{t.Name, t.After, verdict})
	}
	if c.JSON {
		err = p.json(got)
	} else {
		p.terminal(p.Stdout).table(p.Stdout, []string{"PROJECTION", "DIGEST", "BEFORE"}, rows)
		fmt.Fprintf(p.Stdout, "folded %s leaves in %s\n", thousands(got.Leaves), round(got.Took))
	}
	if err == nil && wrong > 0 {
		verb := "were mended"
		if c.CheckOnly {
			verb = "are wrong"
		}
		err = fmt.Errorf("%d of %d projections differed from the log and %s", wrong, len(got.Tables), verb)
	}
	return err
}
