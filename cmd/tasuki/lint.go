package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"tasuki/internal/edge/feeds/cvelist"
	"tasuki/spec/cve"
	"tasuki/spec/cve/lint"
	"tasuki/spec/cve/schema"
)

// LintCmd is `tasuki lint`.
type LintCmd struct {
	Paths  []string `arg:"" name:"file" help:"Records, directories or zips of records; - reads standard input."`
	Schema string   `default:"${schema}" placeholder:"VERSION" help:"Version of the CVE Record Format to check against: 5.1.0, 5.1.1 or 5.2.0 (default ${default})."`
	Strict bool     `help:"Fail on warnings too."`
	JSON   bool     `name:"json" help:"Print one line of JSON per finding."`
}

// lintFinding is a finding with the file it is in.
type lintFinding struct {
	File string `json:"file"`
	cve.Finding
}

// Run checks every file and fails when one has an error. It needs no data directory.
func (c *LintCmd) Run(ctx context.Context, p *Program) error {
	validator, err := schema.New(c.Schema)
	if err != nil {
		return err
	}
	t := p.terminal(p.Stdout)
	report := p.reporter()
	defer report.Close()
	var files, errorsFound, warnings int64
	emit := func(f *cvelist.File) error {
		files++
		report.Progress(Progress{Step: "lint", Done: files, Unit: "files"})
		for _, found := range p.lint(validator, f) {
			if found.Severity == cve.SeverityError {
				errorsFound++
			} else {
				warnings++
			}
			if c.JSON {
				if err := p.json(lintFinding{f.Where(), found}); err != nil {
					return err
				}
				continue
			}
			severity := string(found.Severity)
			if found.Severity == cve.SeverityError {
				severity = t.red(severity)
			}
			where := clean(found.Pointer)
			if where == "" {
				where = "(whole document)"
			}
			report.Close()
			fmt.Fprintf(p.Stdout, "%s: %s: %s: %s [%s]\n", clean(f.Where()), severity, where, clean(found.Message), found.Rule)
		}
		return nil
	}
	for _, path := range c.Paths {
		if path == "-" {
			_, err = cvelist.WalkReader(ctx, "standard input", p.Stdin, cvelist.Limits{}, emit)
		} else {
			_, err = cvelist.Walk(ctx, path, cvelist.Limits{}, named(path, emit))
		}
		if err != nil {
			return err
		}
	}
	report.Close()
	if !c.JSON {
		fmt.Fprintf(p.Stdout, "%s files, %s errors, %s warnings\n", thousands(files), thousands(errorsFound), thousands(warnings))
	}
	switch {
	case files == 0:
		return errors.New("no CVE record in what was given")
	case errorsFound > 0 || c.Strict && warnings > 0:
		return exitError{exitFailure}
	}
	return nil
}

// named shows a single file under the path that the caller gave, as an editor wants it.
func named(path string, emit func(*cvelist.File) error) func(*cvelist.File) error {
	return func(f *cvelist.File) error {
		if f.Archive == "" && f.Path == filepath.Base(path) {
			f.Path = filepath.ToSlash(path)
		}
		return emit(f)
	}
}

// lint judges one file: what the reader refused, what the schema says, and what is doubtful beyond the schema.
func (p *Program) lint(v *schema.Validator, f *cvelist.File) []cve.Finding {
	var refused []cve.Finding
	if r := f.Refused; r != nil {
		refused = []cve.Finding{{Pointer: r.Pointer, Rule: "file:" + string(r.Code), Severity: cve.SeverityError, Message: r.Text}}
		switch r.Code {
		case cvelist.CodeWrongID, cvelist.CodeID, cvelist.CodeNotRecord, cvelist.CodeBodyTooLarge:
			// The JSON is sound; what else is wrong with it is worth knowing.
		default:
			return refused
		}
	}
	if f.Raw == nil {
		return refused
	}
	found := [][]cve.Finding{refused, v.Record(f.Raw)}
	// What does not fit the types is the schema's to name; the rules beyond it judge the rest.
	if rec, _, err := cve.DecodeLoose(f.Raw); err == nil {
		found = append(found, lint.Record(rec, lint.Options{Now: p.Now()}))
	}
	return cve.Merge(found...)
}
