package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tasuki/client"
	"tasuki/spec/cve/diff"
)

// HistoryCmd is `tasuki history`.
type HistoryCmd struct {
	ID    string `arg:"" help:"CVE identifier."`
	Limit int    `default:"20" placeholder:"N" help:"Versions to tell, the newest first; 0 is all."`
	Asked
}

// Help is the long description.
func (c *HistoryCmd) Help() string {
	return `Lists the versions of a record that this list has held: when it learnt them, when the source says it had them, and what changed, the most meaningful first. The names (v1, v2, …) and the leaf indexes are what "tasuki diff" takes.`
}

// Run tells the versions of a record.
func (c *HistoryCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	id, err := identifier(c.ID)
	if err != nil {
		return err
	}
	return c.asking(ctx, p, s, func(api *client.Client) error {
		versions, err := api.Versions(ctx, id)
		if err != nil {
			return fmt.Errorf("%s: %w", id, explained(err, ""))
		}
		if c.JSON {
			return p.json(versions)
		}
		past, err := told(ctx, api, id, versions.Versions, c.Limit)
		if err != nil {
			return err
		}
		rows := make([][]string, len(past))
		for i, v := range past {
			rows[i] = []string{v.name(), strconv.FormatInt(v.Index, 10), stamp(v.Logged), date(v.Source), strings.ToLower(v.State), v.gist}
		}
		p.terminal(p.Stdout).table(p.Stdout, []string{"VERSION", "LEAF", "LOGGED", "SOURCE", "STATE", "WHAT CHANGED"}, rows)
		fmt.Fprintf(p.Stderr, "%d of %d versions\n", len(past), len(versions.Versions))
		return nil
	})
}

// pastVersion is a version with its number, counted from 1 for the oldest, and what it changed in one line.
type pastVersion struct {
	client.Version
	number int
	gist   string
}

func (v pastVersion) name() string { return "v" + strconv.Itoa(v.number) }

func (v pastVersion) line() string {
	return fmt.Sprintf("%s, leaf %s: %s", v.Logged.UTC().Format("2006-01-02"), thousands(v.Index), v.gist)
}

// told finds out what the newest of a record's versions changed. limit 0 is all of them.
func told(ctx context.Context, api *client.Client, id string, versions []client.Version, limit int) ([]pastVersion, error) {
	n := len(versions)
	if limit > 0 {
		n = min(n, limit)
	}
	out := make([]pastVersion, n)
	for i := range n {
		out[i] = pastVersion{Version: versions[i], number: len(versions) - i}
		switch {
		case versions[i].Erased:
			out[i].gist = "its text was erased"
			continue
		case i == len(versions)-1:
			out[i].gist = "first version that this list has held"
			continue
		case versions[i+1].Erased:
			out[i].gist = "the text of the version before was erased"
			continue
		}
		d, err := api.Diff(ctx, id, leaf(versions[i+1].Index), leaf(versions[i].Index))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, explained(err, ""))
		}
		out[i].gist = gist(d.Changes)
	}
	return out, nil
}

func leaf(index int64) string { return strconv.FormatInt(index, 10) }

// recentHistory is the few newest versions up to the one that is shown.
func recentHistory(ctx context.Context, api *client.Client, rec *client.Record) ([]pastVersion, error) {
	const most = 3
	all, err := api.Versions(ctx, rec.ID)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", rec.ID, explained(err, ""))
	}
	from := max(0, slices.IndexFunc(all.Versions, func(v client.Version) bool { return v.Index == rec.Index }))
	return told(ctx, api, rec.ID, all.Versions[from:], most)
}

// sentence says a change in one line of English.
func sentence(c client.PartChange) string {
	return diff.Change{Op: diff.Op(c.Op), Kind: diff.Kind(c.Kind), Pointer: c.Pointer, Party: c.Party, CNA: c.CNA, Subject: c.Subject,
		Before: c.Before, After: c.After}.String()
}

// gist is the most meaningful changes in one line. Dates change with every version and are told only when nothing else did.
func gist(changes []client.PartChange) string {
	const most = 2
	var out []string
	n := 0
	for _, c := range changes {
		switch diff.Kind(c.Kind) {
		case diff.Date, diff.Provider:
			continue
		}
		if n++; n <= most {
			out = append(out, clip(clean(sentence(c)), 100))
		}
	}
	switch {
	case len(changes) == 0:
		return "nothing that means something"
	case n == 0:
		return "dates only"
	case n > most:
		out = append(out, fmt.Sprintf("and %d more", n-most))
	}
	return strings.Join(out, "; ")
}
