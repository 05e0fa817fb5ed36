package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// DrillCmd is `tasuki drill`: the loss of an operator, tried out with real processes on this machine.
type DrillCmd struct {
	Seed       uint64  `default:"1" placeholder:"N" help:"What is left to chance follows from this number (default ${default})."`
	Seeds      int     `placeholder:"N" help:"Run so many drills one after the other, from --seed on; what --results has already is not run again. Every second one loses a mirror too."`
	Minutes    float64 `default:"3" placeholder:"N" help:"How long it may take about; at 1 the list is without an operator for 10 seconds (default ${default})."`
	Mirrors    int     `default:"3" placeholder:"N" help:"Mirrors of the first operator (default ${default})."`
	Q          int     `name:"q" default:"2" placeholder:"N" help:"How many of them have to have stored a write before it counts (default ${default})."`
	AlsoMirror bool    `help:"A mirror is lost together with the operator, disk and all."`
	Records    int     `default:"2000" placeholder:"N" help:"Records that the list begins with (default ${default})."`
	Keep       bool    `help:"Leave the directories of the drill for a look, as after one in which something did not hold; every process ends all the same."`
	Report     string  `type:"path" default:"drill-report.json" placeholder:"FILE" help:"Where the report goes; a page of text is written beside it (default ${default})."`
	Results    string  `type:"path" default:"drill-results.jsonl" placeholder:"FILE" help:"With --seeds, one line for each drill (default ${default})."`
	Dir        string  `type:"path" placeholder:"DIR" help:"Where the directories of the drill are made (default: the system's for temporary files)."`
}

// Help is the long description.
func (c *DrillCmd) Help() string {
	return `Founds a list on loopback with processes of its own: an operator, mirrors, a spare, witnesses, authorities with nodes of their own, one that uses the API, readers who verify. Then it kills the operator in the middle of a write, removes its disk, lets the board name a successor, brings the old operator back from a copy, and counts what was lost.

Exit status 0 means that nothing was. docs/continuity.md says what the report holds.`
}

// Run exits with 0 only when everything held.
func (c *DrillCmd) Run(ctx context.Context, p *Program) error {
	if err := c.check(); err != nil {
		return err
	}
	if c.Seeds > 0 {
		return c.many(ctx, p)
	}
	report, err := c.one(ctx, p, c.Seed, c.AlsoMirror)
	if err != nil {
		return err
	}
	if err := report.write(c.Report); err != nil {
		return err
	}
	fmt.Fprint(p.Stdout, report.text())
	if !report.OK {
		return exitError{exitFailure}
	}
	return nil
}

func (c *DrillCmd) check() error {
	switch {
	case c.Minutes < 0.05 || c.Minutes > 600:
		return errors.New("--minutes: 0.05 to 600")
	case c.Mirrors < 2 || c.Mirrors > 7:
		return errors.New("--mirrors: 2 to 7")
	case c.Q < 2 || c.Q > c.Mirrors || 2*c.Q <= c.Mirrors:
		return errors.New("--q: at least two, and more than half of the mirrors")
	case (c.AlsoMirror || c.Seeds > 1) && c.Mirrors < 3:
		return errors.New("--also-mirror, --seeds: of two mirrors none can be spared, for the successor and the one that stays are both needed")
	case c.Records < 1 || c.Records > 50_000:
		return errors.New("--records: 1 to 50000")
	case c.Seeds < 0:
		return errors.New("--seeds: at least 1")
	}
	return nil
}

// many runs drills one after the other and goes on where an earlier run was interrupted.
func (c *DrillCmd) many(ctx context.Context, p *Program) error {
	sum, err := readDrillResults(c.Results, c.setting())
	if err != nil {
		return err
	}
	for i := range c.Seeds {
		seed := c.Seed + uint64(i)
		if sum.has(seed) {
			continue
		}
		report, err := c.one(ctx, p, seed, c.AlsoMirror || seed%2 == 0)
		if err != nil {
			return err
		}
		if err := sum.add(c.Results, report); err != nil {
			return err
		}
		fmt.Fprintln(p.Stdout, report.line())
		if !report.OK {
			if err := report.write(strings.TrimSuffix(c.Report, filepath.Ext(c.Report)) + fmt.Sprintf("-seed%d.json", seed)); err != nil {
				return err
			}
		}
	}
	all := sum.of(c.Seed, c.Seeds)
	if err := all.write(c.Report); err != nil {
		return err
	}
	fmt.Fprint(p.Stdout, all.text())
	if !all.OK {
		return exitError{exitFailure}
	}
	return nil
}

// setting is what has to be the same for results to belong together.
func (c *DrillCmd) setting() drillSetting {
	return drillSetting{Minutes: c.Minutes, Mirrors: c.Mirrors, Q: c.Q, Records: c.Records}
}

// one runs the drill of a seed. An error is one of the machine, or Ctrl-C; whatever the list did wrong is in the report.
func (c *DrillCmd) one(ctx context.Context, p *Program, seed uint64, alsoMirror bool) (*drillReport, error) {
	if c.Dir != "" {
		if err := os.MkdirAll(c.Dir, 0o700); err != nil {
			return nil, err
		}
	}
	dir, err := os.MkdirTemp(c.Dir, "tasuki-drill-")
	if err != nil {
		return nil, err
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	d := &drill{program: p, plan: c.setting(), seed: seed, alsoMirror: alsoMirror, dir: dir, exe: exe, began: p.Now(),
		report: &drillReport{Seed: seed, Setting: c.setting(), AlsoMirror: alsoMirror}}
	err = d.run(ctx)
	d.endAll()
	d.report.Seconds.Whole = tenths(p.Now().Sub(d.began))
	if err != nil {
		// A step that could not be done at all: the drill has failed, and says where.
		d.report.fail("%v", err)
	}
	d.report.judge()
	// What went wrong is in everybody's logs.
	if c.Keep || !d.report.OK && ctx.Err() == nil {
		fmt.Fprintf(p.Stderr, "kept: %s\n", dir)
	} else if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	return d.report, ctx.Err()
}

// drill is one run: a town of processes around one list, and what was seen of it.
type drill struct {
	program    *Program
	plan       drillSetting
	seed       uint64
	alsoMirror bool
	dir, exe   string
	began      time.Time
	report     *drillReport

	drillCrew
	drillTown
	drillTruth
	drillShift
}

// run goes through the steps. Whatever ends it, endAll ends its processes.
func (d *drill) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		d.readers.Wait() // they end with ctx, and write into the directories until then
		d.working.Wait()
	}()
	d.drillTruth.init()
	d.running = map[*drillProcess]bool{}
	d.http = readerClient()
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"found the list", d.found},
		{"first quorum", d.firstQuorum},
		{"load", d.load},
		{"the operator is lost", d.lose},
		{"without an operator", d.without},
		{"the board names a successor", d.succeed},
		{"the old operator comes back", d.zombie},
		{"everything is handed in", d.settle},
		{"verify", d.verify},
	} {
		d.say("%s", step.name)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

// say tells how far the drill is.
func (d *drill) say(format string, args ...any) {
	d.report.note(d.program.Now().Sub(d.began), fmt.Sprintf(format, args...))
	fmt.Fprintf(d.program.Stderr, "[seed %d, %6.1f s] %s\n", d.seed, d.program.Now().Sub(d.began).Seconds(), fmt.Sprintf(format, args...))
}

// readDrillJSON reads what a command printed as JSON.
func readDrillJSON[T any](text string) (v T, err error) {
	err = json.Unmarshal([]byte(text), &v)
	return v, err
}
