package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"
)

// ImportCmd is `tasuki import`.
type ImportCmd struct {
	CVEList CVEListCmd   `cmd:"" name:"cvelist" help:"Import CVE records: a baseline or delta zip, a directory or git checkout, single files, - for standard input."`
	CNA     ImportCNACmd `cmd:"" name:"cna" help:"Import the Program's list of partners: organisations, roles and scopes, each under its Root."`
	Refused RefusedCmd   `cmd:"" help:"List the files that imports refused and kept, or try them again."`
}

// CVEListCmd is `tasuki import cvelist`.
type CVEListCmd struct {
	Paths   []string `arg:"" name:"path" help:"What to import; - reads standard input."`
	History bool     `help:"The paths are git repositories: import every version that their commits hold, each as of its commit's time."`
	DryRun  bool     `help:"Say what would happen; change nothing."`
	Report  string   `type:"path" placeholder:"FILE" help:"Write one line of JSON per file."`
	JSON    bool     `name:"json" help:"Print the summary as JSON."`
}

// Run imports, here or in the running node.
func (c *CVEListCmd) Run(ctx context.Context, p *Program, s *Settings) (err error) {
	req := ImportRequest{History: c.History, DryRun: c.DryRun, Every: c.Report != ""}
	var stdin io.Reader
	for _, path := range c.Paths {
		if path == "-" && c.History {
			return errors.New("--history reads a git repository, not standard input")
		} else if path == "-" {
			stdin = p.Stdin
		} else if path, err = filepath.Abs(path); err != nil {
			return err
		} else if _, err := os.Stat(path); err != nil {
			// Better said here than from inside another process.
			return err
		}
		req.Paths = append(req.Paths, path)
	}
	if c.DryRun {
		var done func()
		if s, done, err = s.forDryRun(); err != nil {
			return err
		}
		defer done()
	}
	x, err := p.session(ctx, s, access{Create: true, Host: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	report, closeReport, err := p.withReport(c.Report)
	if err != nil {
		return err
	}
	got, err := x.jobs.Import(ctx, req, stdin, report)
	err = errors.Join(err, closeReport())
	return p.imported(got, c.JSON, err)
}

// forDryRun is the settings of a dry run. Where there is no list yet none may be founded, so it is tried against an empty one
// elsewhere, which done throws away.
func (s *Settings) forDryRun() (_ *Settings, done func(), err error) {
	if s.Store != "" || !errors.Is(readFormat(s.Data), ErrNoData) {
		return s, func() {}, nil
	}
	tmp, err := os.MkdirTemp("", "tasuki-dry-run")
	if err != nil {
		return nil, nil, err
	}
	dry := *s
	dry.Data, dry.HighWater, dry.Log.Level = filepath.Join(tmp, "data"), "off", "error"
	dry.From = map[string]string{"log.level": "dry run"}
	return &dry, func() { os.RemoveAll(tmp) }, nil
}

// imported prints an import's summary and turns refusals into their exit code.
func (p *Program) imported(got ImportSummary, asJSON bool, err error) error {
	if asJSON {
		if werr := p.json(got); werr != nil {
			return errors.Join(err, werr)
		}
	} else if err == nil || got.Files > 0 {
		if got.DryRun {
			fmt.Fprintf(p.Stdout, "dry run over %s files in %s: %s would be handed over, %s unchanged, %s refused\n",
				thousands(got.Files), round(got.Took), thousands(got.Added), thousands(got.Unchanged), thousands(got.Refused))
		} else {
			fmt.Fprintf(p.Stdout, "imported %s files in %s: %s added, %s updated, %s unchanged, %s stale, %s divergent, %s refused\n",
				thousands(got.Files), round(got.Took), thousands(got.Added), thousands(got.Updated), thousands(got.Unchanged),
				thousands(got.Stale), thousands(got.Divergent), thousands(got.Refused))
		}
	}
	if err != nil {
		return err
	}
	if got.Refused > 0 {
		if !got.DryRun {
			fmt.Fprintln(p.Stderr, "refused files are kept: see \"tasuki import refused\"")
		}
		return exitError{exitSomeRefused}
	}
	return nil
}

// RefusedCmd is `tasuki import refused`.
type RefusedCmd struct {
	Retry bool `help:"Try them again."`
	Clear bool `help:"Forget them."`
	JSON  bool `name:"json" help:"Print one line of JSON per file."`
}

// Run lists, retries or clears.
func (c *RefusedCmd) Run(ctx context.Context, p *Program, s *Settings) (err error) {
	if c.Retry && c.Clear {
		return errors.New("--retry and --clear exclude each other")
	}
	x, err := p.session(ctx, s, access{Host: c.Retry})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	console := p.reporter()
	list := &listing{Reporter: console}
	got, err := x.jobs.Refused(ctx, RefusedRequest{Retry: c.Retry, Clear: c.Clear}, list)
	console.Close()
	if err != nil {
		return err
	}
	if c.JSON {
		for _, i := range list.items {
			if err := p.json(i); err != nil {
				return err
			}
		}
	} else if len(list.items) > 0 {
		rows := make([][]string, len(list.items))
		for n, i := range list.items {
			rows[n] = []string{i.Code, i.Name, i.Reason}
		}
		p.terminal(p.Stdout).table(p.Stdout, []string{"CODE", "FILE", "REASON"}, rows)
	}
	if got.Imported != nil {
		return p.imported(*got.Imported, c.JSON, nil)
	}
	if !c.JSON {
		fmt.Fprintf(p.Stdout, "%s files kept\n", thousands(got.Kept))
	}
	return nil
}

// listing keeps the items for a table and passes everything else on.
type listing struct {
	Reporter
	items []Item
}

// Item keeps the item.
func (l *listing) Item(i Item) { l.items = append(l.items, i) }

// withReport is the console, with every item also written to a report file where one is asked for. The returned function
// closes both and returns the first error of writing the report.
func (p *Program) withReport(name string) (Reporter, func() error, error) {
	console := p.reporter()
	if name == "" {
		return console, func() error { console.Close(); return nil }, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, nil, fmt.Errorf("report: %w", err)
	}
	w := &reportFile{Reporter: console, out: bufio.NewWriter(f)}
	return w, func() error {
		console.Close()
		if err := errors.Join(w.err, w.out.Flush(), f.Close()); err != nil {
			return fmt.Errorf("report: %w", err)
		}
		return nil
	}, nil
}

// reportFile writes items as JSON lines; only those that need somebody's attention also reach the console.
type reportFile struct {
	Reporter
	out *bufio.Writer
	err error
}

// Item writes one line.
func (r *reportFile) Item(i Item) {
	if i.Outcome == "refused" || i.Outcome == "divergent" || i.Outcome == "problem" {
		r.Reporter.Item(i)
	}
	if r.err == nil {
		if r.err = json.MarshalWrite(r.out, i); r.err == nil {
			_, r.err = r.out.WriteString("\n")
		}
	}
}

// json prints a value as one line of JSON.
func (p *Program) json(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("print as JSON: %w", err)
	}
	_, err = p.Stdout.Write(append(line, '\n'))
	return err
}
