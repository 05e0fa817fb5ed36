package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"

	outward "tasuki/internal/edge/publish/cvelist"
)

// VerifyDeltaCmd is `tasuki verify delta`.
type VerifyDeltaCmd struct {
	Files []string `arg:"" type:"existingfile" help:"The archives in their order: a baseline, its deltas, the next baseline."`
	Key   string   `placeholder:"VKEY" help:"Ask for manifests that this key signed: a note verifier key, or a file with one a line."`
	List  int      `default:"10" placeholder:"N" help:"Name at most so many records of each kind of difference."`
	JSON  bool     `name:"json" help:"Print the verdict as JSON."`
}

// Help is the long description.
func (c *VerifyDeltaCmd) Help() string {
	return `Applies the deltas to the baseline and compares what comes of it with the next baseline, record by record, with nothing but the files. A manifest.json beside an archive, as "tasuki publish zips" writes it, is held to the archive, says what was erased, and must leave no gap. Archives without manifests, such as those of the CVE Program, are compared all the same.

Exit status: 0 when it is the next baseline, 4 when it is not, 1 when a file cannot be read, is not what its manifest says, or does not follow the one before.

  tasuki verify delta 2026-11-21_all_CVEs_at_midnight.zip.zip 2026-11-21_delta_CVEs_at_end_of_day.zip 2026-11-22_all_CVEs_at_midnight.zip.zip`
}

// exitDiffers is the exit code of a proof that failed.
const exitDiffers = 4

// Run verifies. It neither opens a data directory nor asks anybody.
func (c *VerifyDeltaCmd) Run(ctx context.Context, p *Program) error {
	if len(c.Files) < 2 {
		return errors.New("at least a baseline and the next one are needed")
	}
	last := len(c.Files) - 1
	v := outward.Verification{Baseline: c.Files[0], Deltas: c.Files[1:last], Next: c.Files[last]}
	if c.Key != "" {
		keys, err := readVerifiers(c.Key)
		if err != nil {
			return fmt.Errorf("--key: %w", err)
		}
		v.Keys = keys
	}
	report := p.reporter()
	var read int64
	v.Progress = func(n int64) {
		read += n
		report.Progress(Progress{Step: "read", Done: read, Unit: "records"})
	}
	got, err := v.Run(ctx)
	report.Close()
	if err != nil {
		return err
	}
	if c.JSON {
		err = p.json(got)
	} else {
		err = c.print(p, got)
	}
	if err == nil && !got.Proved {
		err = exitError{exitDiffers}
	}
	return err
}

func (c *VerifyDeltaCmd) print(p *Program, got *outward.Verdict) error {
	rows := make([][]string, len(got.Archives))
	for i, a := range got.Archives {
		span, by := "", "no manifest"
		if a.Manifest {
			span, by = fmt.Sprintf("%d to %d", a.From, a.To), "manifest"
		}
		if a.Signed {
			by = "signed manifest"
		}
		rows[i] = []string{a.File, thousands(int64(a.Records)), span, by}
	}
	p.terminal(p.Stdout).table(p.Stdout, []string{"ARCHIVE", "RECORDS", "LOG", "CHECKED BY"}, rows)
	for _, kind := range []struct {
		text string
		ids  []string
	}{{"only the baseline with its deltas has", got.Missing}, {"only the next baseline has", got.Extra}, {"other bytes in the next baseline has", got.Different}} {
		for i, id := range kind.ids {
			if i == max(0, c.List) {
				fmt.Fprintf(p.Stdout, "%s %s more\n", kind.text, thousands(int64(len(kind.ids)-i)))
				break
			}
			fmt.Fprintf(p.Stdout, "%s %s\n", kind.text, id)
		}
	}
	for _, d := range got.Erased {
		fmt.Fprintf(p.Stdout, "%s was erased after the next baseline's size, by leaf %d\n", d.ID, d.Leaf)
	}
	if got.Proved {
		_, err := fmt.Fprintf(p.Stdout, "proved: the baseline with its deltas is the next baseline, %s records\n", thousands(int64(got.Records)))
		return err
	}
	_, err := fmt.Fprintf(p.Stdout, "not the next baseline: %s missing there, %s that nothing brought, %s with other bytes\n", thousands(int64(len(got.Missing))),
		thousands(int64(len(got.Extra))), thousands(int64(len(got.Different))))
	return err
}

// readVerifiers reads a verifier key, or a file of them: one a line, lines that begin with # are for people.
func readVerifiers(text string) (note.Verifiers, error) {
	if raw, err := os.ReadFile(text); err == nil {
		text = string(raw)
	}
	var all []note.Verifier
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		v, err := note.NewVerifier(line)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	if len(all) == 0 {
		return nil, errors.New("no key in it")
	}
	return note.VerifierList(all...), nil
}
