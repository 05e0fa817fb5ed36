package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"tasuki/internal/continuity/sim"
)

// SimCmd is `tasuki sim`.
type SimCmd struct {
	Mode    []string `placeholder:"NAME" help:"Kind of trouble, as --modes lists them; give it as often as needed. Default: all."`
	Seeds   int      `default:"10000" help:"Schedules of each mode."`
	Seed    *uint64  `placeholder:"N" help:"Run this one schedule and tell what happens in it."`
	First   uint64   `default:"1" help:"Seed of the first schedule."`
	Mutants bool     `help:"Leave out one rule after the other instead: each must be noticed within the schedules of a mode."`
	Mutant  string   `placeholder:"NAME" help:"Leave out this rule."`
	Modes   bool     `help:"List the modes and the rules that can be left out."`
	JSON    bool     `name:"json" help:"Print one JSON object for each run."`
}

// Run exits with 0 only when every invariant held, or with --mutants when every mutant was noticed.
func (c *SimCmd) Run(ctx context.Context, p *Program) error {
	if err := c.check(); err != nil {
		return err
	}
	// Schedules are short-lived garbage; collecting it less often is a third of the time.
	debug.SetGCPercent(1000)
	switch {
	case c.Modes:
		return c.list(p.Stdout)
	case c.Seed != nil:
		return c.one(ctx, p.Stdout)
	case c.Mutants:
		return c.mutants(ctx, p)
	}
	failed := false
	for _, mode := range c.modes() {
		r, took, err := c.run(ctx, p, mode, c.Mutant)
		if err != nil {
			return err
		}
		c.report(p.Stdout, r, took, r.Violation == nil)
		if r.Violation != nil {
			failed = true
			if !c.JSON {
				c.trace(ctx, p.Stdout, r)
			}
		}
	}
	if failed {
		return exitError{exitFailure}
	}
	return nil
}

func (c *SimCmd) check() error {
	for _, m := range c.Mode {
		if !slices.Contains(sim.Modes(), m) {
			return fmt.Errorf("--mode: one of %s", strings.Join(sim.Modes(), ", "))
		}
	}
	if c.Mutant != "" && !slices.Contains(sim.Mutants(), c.Mutant) {
		return fmt.Errorf("--mutant: one of %s", strings.Join(sim.Mutants(), ", "))
	}
	if c.Seed != nil && len(c.Mode) != 1 {
		return fmt.Errorf("--seed: say which --mode it is of")
	}
	if c.Seeds < 1 {
		return fmt.Errorf("--seeds: at least 1")
	}
	return nil
}

func (c *SimCmd) modes() []string {
	if len(c.Mode) > 0 {
		return c.Mode
	}
	return sim.Modes()
}

func (c *SimCmd) list(w io.Writer) error {
	for _, m := range sim.Modes() {
		fmt.Fprintf(w, "%-12s %s\n", m, sim.About(m))
	}
	fmt.Fprintln(w, "\nrules that can be left out:")
	for _, m := range sim.Mutants() {
		fmt.Fprintln(w, " ", m)
	}
	return nil
}

// one tells a single schedule.
func (c *SimCmd) one(ctx context.Context, w io.Writer) error {
	r := sim.Trace(ctx, sim.Options{Mode: c.Mode[0], First: *c.Seed, Mutant: c.Mutant}, func(line string) {
		if !c.JSON {
			fmt.Fprintln(w, line)
		}
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c.report(w, r, 0, r.Violation == nil)
	if r.Violation != nil {
		return exitError{exitFailure}
	}
	return nil
}

// run runs one mode and shows how far it has come.
func (c *SimCmd) run(ctx context.Context, p *Program, mode, mutant string) (sim.Report, time.Duration, error) {
	began := p.Now()
	var shown atomic.Int64
	terminal := p.terminal(p.Stderr).columns > 0
	r := sim.Run(ctx, sim.Options{Mode: mode, First: c.First, Seeds: c.Seeds, Mutant: mutant, Progress: func(done int) {
		if now := p.Now().UnixMilli(); terminal && !c.JSON && now > shown.Load()+200 {
			shown.Store(now)
			fmt.Fprintf(p.Stderr, "\r%-12s %d of %d ", mode, done, c.Seeds)
		}
	}})
	if terminal && !c.JSON {
		fmt.Fprint(p.Stderr, "\r\x1b[K")
	}
	return r, p.Now().Sub(began), ctx.Err()
}

// report is one line for a run. good says whether it is what was hoped for.
func (c *SimCmd) report(w io.Writer, r sim.Report, took time.Duration, good bool) {
	if c.JSON {
		raw, err := json.Marshal(struct {
			sim.Report
			Seconds float64 `json:"seconds"`
			OK      bool    `json:"ok"`
		}{r, took.Seconds(), good})
		if err == nil {
			fmt.Fprintf(w, "%s\n", raw)
		}
		return
	}
	word := "ok  "
	if !good {
		word = "FAIL"
	}
	s := r.Stats
	if r.Mutant != "" {
		what := "survived"
		if r.Violation != nil {
			what = r.Violation.Error()
		}
		fmt.Fprintf(w, "%s %-20s %6d schedules %6.1fs  %s\n", word, r.Mutant, s.Schedules, took.Seconds(), what)
		return
	}
	fmt.Fprintf(w, "%s %-12s %6d schedules %6.1fs  %d acknowledged, %d published, %d successions, %d decided by the board, %d waiting, %d readers holding\n",
		word, r.Mode, s.Schedules, took.Seconds(), s.Acked, s.Published, s.Successions, s.Decisions, s.Waiting, s.Holds)
	if r.Violation != nil {
		fmt.Fprintf(w, "     %v\n", r.Violation)
	}
}

// trace tells the schedule that broke something.
func (c *SimCmd) trace(ctx context.Context, w io.Writer, r sim.Report) {
	fmt.Fprintf(w, "what happened (again: tasuki sim --mode %s --seed %d):\n", r.Mode, r.Violation.Seed)
	sim.Trace(ctx, sim.Options{Mode: r.Mode, First: r.Violation.Seed, Mutant: r.Mutant}, func(line string) { fmt.Fprintln(w, line) })
}

// mutants leaves out one rule after the other.
func (c *SimCmd) mutants(ctx context.Context, p *Program) error {
	names := sim.Mutants()
	if c.Mutant != "" {
		names = []string{c.Mutant}
	}
	survived := 0
	for _, name := range names {
		modes := c.Mode
		if len(modes) == 0 {
			modes = sim.Catches(name)
		}
		var last sim.Report
		var all time.Duration
		schedules := 0
		for _, mode := range modes {
			r, took, err := c.run(ctx, p, mode, name)
			if err != nil {
				return err
			}
			last, all, schedules = r, all+took, schedules+r.Stats.Schedules
			if r.Violation != nil {
				break
			}
		}
		last.Stats.Schedules = schedules
		c.report(p.Stdout, last, all, last.Violation != nil)
		if last.Violation == nil {
			survived++
		}
	}
	if survived > 0 {
		return exitError{exitFailure}
	}
	return nil
}
