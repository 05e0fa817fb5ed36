package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"tasuki/client"
)

// DiffCmd is `tasuki diff`.
type DiffCmd struct {
	What  string   `arg:"" name:"id" help:"CVE identifier; with --lists the first moment."`
	From  string   `arg:"" optional:"" help:"The older version: v3, a leaf index, a day or an instant (default: the one before TO); with --lists the second moment (default: now)."`
	To    string   `arg:"" optional:"" help:"The newer version (default: the current one)."`
	Lists bool     `help:"Compare the whole list at two moments instead of two versions of one record."`
	Kinds []string `placeholder:"KIND" help:"With --lists: only added, changed, withdrawn, restored or erased."`
	Clock string   `enum:"log,source" default:"log" placeholder:"CLOCK" help:"With --lists: by whose time the moments are meant, log or source."`
	Limit int      `default:"100" placeholder:"N" help:"With --lists: records to print; 0 is all."`
	Asked
}

// Help is the long description.
func (c *DiffCmd) Help() string {
	return `Says how two versions of a record differ, by meaning: the order of references, ranges or metrics says nothing. Lines begin with + for what came, - for what went, ~ for what changed.

  tasuki diff CVE-2024-27198                 the newest two versions
  tasuki diff CVE-2024-27198 v1              the first against the current one
  tasuki diff CVE-2024-27198 2024-03-05 2024-06-01
  tasuki diff --lists 2024-03-05             what the list learnt since`
}

// Run compares two versions of a record, or two states of the list.
func (c *DiffCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	if c.Lists {
		if c.To != "" {
			return errors.New("--lists compares two moments, and three were given")
		}
		return c.asking(ctx, p, s, func(api *client.Client) error { return c.lists(ctx, p, api) })
	}
	id, err := identifier(c.What)
	if err != nil {
		return err
	}
	return c.asking(ctx, p, s, func(api *client.Client) error {
		from, to, err := namedVersions(ctx, api, id, c.From, c.To)
		if err != nil {
			return fmt.Errorf("%s: %w", id, explained(err, ""))
		}
		d, err := api.Diff(ctx, id, from, to)
		if err != nil {
			return fmt.Errorf("%s: %w", id, explained(err, ""))
		}
		if c.JSON {
			return p.json(d)
		}
		p.printDiff(d)
		return nil
	})
}

// versionName is how history calls a version.
var versionName = regexp.MustCompile(`^v([1-9][0-9]*)$`)

// namedVersions puts leaf indexes in the place of names such as v3.
func namedVersions(ctx context.Context, api *client.Client, id string, given ...string) (from, to string, err error) {
	for i, name := range given {
		m := versionName.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		all, err := api.Versions(ctx, id)
		if err != nil {
			return "", "", err
		}
		n, err := strconv.Atoi(m[1])
		if err != nil || n > len(all.Versions) {
			return "", "", fmt.Errorf("%w: there are %d versions, and no %s", errNotFound, len(all.Versions), name)
		}
		given[i] = leaf(all.Versions[len(all.Versions)-n].Index)
	}
	return given[0], given[1], nil
}

func (p *Program) printDiff(d *client.Difference) {
	t := p.terminal(p.Stdout)
	side := func(v *client.Version) string {
		if v == nil {
			return "not known"
		}
		return fmt.Sprintf("leaf %s, %s", thousands(v.Index), stamp(v.Logged))
	}
	fmt.Fprintf(p.Stdout, "%s  %s → %s\n", t.bold(d.ID), side(d.From), side(d.To))
	for _, c := range d.Changes {
		sign, paint := "~", t.yellow
		switch c.Op {
		case "added":
			sign, paint = "+", t.green
		case "removed":
			sign, paint = "-", t.red
		}
		// The sign says it already.
		text := strings.TrimPrefix(clean(sentence(c)), c.Op+" ")
		fmt.Fprintf(p.Stdout, "%s %s\n", paint(sign), wrap(text, 2, t.columns))
	}
	if len(d.Changes) == 0 {
		fmt.Fprintln(p.Stdout, "  nothing differs")
	}
}

// readMoment reads a moment of a command line: a size, a day or an instant.
func readMoment(given, clock string) client.At {
	// Four digits are a year and are left to the node's judgement.
	if n, err := strconv.ParseInt(given, 10, 64); err == nil && len(given) != len("2024") {
		return client.At{Size: n}
	}
	return client.At{Moment: given, Clock: clock}
}

// lists compares the list at two moments.
func (c *DiffCmd) lists(ctx context.Context, p *Program, api *client.Client) error {
	ask := client.Lists{From: readMoment(c.What, c.Clock), Kinds: c.Kinds, Limit: c.Limit}
	ask.From.Clock = c.Clock
	if c.From != "" {
		ask.To = readMoment(c.From, c.Clock)
	}
	if c.Limit == 0 {
		ask.Limit = 1000
	}
	t := p.terminal(p.Stdout)
	var rows [][]string
	for {
		page, err := api.ListDiff(ctx, ask)
		if err != nil {
			return explained(err, "")
		}
		if page.Totals != nil && !c.JSON {
			p.printTotals(page)
		}
		if c.JSON {
			// A page is a line, so that a list of any length can be read as it comes.
			if err := p.json(page); err != nil {
				return err
			}
		}
		for _, ch := range page.Changes {
			rows = append(rows, changeRow(ch))
		}
		ask.Cursor = page.Next
		if page.Next == "" || c.Limit > 0 {
			break
		}
	}
	if !c.JSON && len(rows) > 0 {
		t.table(p.Stdout, changeHead, rows)
	}
	if ask.Cursor != "" {
		fmt.Fprintln(p.Stderr, "there are more; --limit 0 prints all")
	}
	return nil
}

func (p *Program) printTotals(d *client.ListDifference) {
	var parts []string
	for _, kind := range []string{"added", "changed", "withdrawn", "restored", "erased"} {
		if n := d.Totals[kind]; n > 0 {
			parts = append(parts, thousands(int64(n))+" "+kind)
		}
	}
	if parts == nil {
		parts = []string{"nothing differs"}
	}
	fmt.Fprintf(p.Stderr, "%s; from the first %s to the first %s of %s leaves\n", strings.Join(parts, ", "), thousands(d.From.Size), thousands(d.To.Size), thousands(d.To.Head))
}

// changeHead and changeRow are how a change in the list is told, by diff and by watch.
var changeHead = []string{"TIME", "WHAT", "ID", "SCORE", "PRODUCT", "TITLE"}

func changeRow(ch client.Change) []string {
	row := []string{stamp(ch.Time), ch.What, ch.ID, "", "", ""}
	if h := ch.Hit; h != nil {
		row[3], row[4], row[5] = scoreOf(*h), clip(productsOf(*h), 32), headline(*h)
	}
	return row
}
