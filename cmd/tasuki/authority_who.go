package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// AuthorityWhoCmd is `tasuki authority who`.
type AuthorityWhoCmd struct {
	What    string `arg:"" optional:"" name:"product" help:"A product's name, a package URL (pkg:…) or a CPE name (cpe:2.3:…)."`
	Vendor  string `placeholder:"NAME" help:"Who makes it."`
	Product string `placeholder:"NAME" help:"Its name."`
	PURL    string `name:"purl" placeholder:"PURL" help:"Its package URL."`
	CPE     string `name:"cpe" placeholder:"CPE" help:"Its CPE 2.3 name."`
	EOL     bool   `name:"eol" help:"Every version in question is at the end of its life."`
	JSON    bool   `name:"json" help:"Print as JSON."`
}

// Run says who is responsible.
func (c *AuthorityWhoCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	q := whoRequest{Vendor: c.Vendor, Product: c.Product, PURL: c.PURL, CPE: c.CPE, EOL: c.EOL}
	into := &q.Product
	switch {
	case strings.HasPrefix(c.What, "pkg:"):
		into = &q.PURL
	case strings.HasPrefix(c.What, "cpe:"):
		into = &q.CPE
	}
	if c.What != "" {
		if *into != "" {
			return errors.New("the product is given twice")
		}
		*into = c.What
	}
	if q == (whoRequest{EOL: c.EOL}) {
		return errors.New("say which product: its name, --vendor, --purl or --cpe")
	}
	got, err := operated[whoAnswer](ctx, p, s, access{}, "authority who", q)
	if err != nil {
		return err
	}
	if c.JSON {
		return p.json(got)
	}
	var rows [][]string
	add := func(what string, list []claimAnswer) {
		for _, c := range list {
			rows = append(rows, []string{what, c.Org, c.Role, strings.Join(strings.Fields(c.Match+" "+c.Why), " ")})
		}
	}
	add("responsible", got.Holders)
	add("also covers it", got.Wider)
	add("not covered by", got.Outside)
	add("coordinates", got.Coordinators)
	add("last resort", got.LastResort)
	for i, l := range got.Chain {
		if i > 0 { // the first is named above
			rows = append(rows, []string{"reports to", l.Org, l.Role, ""})
		}
	}
	if len(rows) > 0 {
		p.terminal(p.Stdout).table(p.Stdout, []string{"WHAT", "ORG", "ROLE", "BY"}, rows)
	}
	switch {
	case got.Overlap && got.Arbiter != nil:
		_, err = fmt.Fprintf(p.Stdout, "overlap: they cooperate; where they cannot, %s decides\n", clean(got.Arbiter.Org))
	case got.Overlap:
		_, err = fmt.Fprintln(p.Stdout, "overlap across hierarchies: they cooperate; where they cannot, the Council of Roots decides")
	case got.Gap:
		_, err = fmt.Fprintln(p.Stdout, "gap: no CNA covers it; a CNA of last resort is to be asked")
	}
	return err
}

// AuthorityScopesCmd is `tasuki authority scopes`.
type AuthorityScopesCmd struct {
	JSON bool `name:"json" help:"Print as JSON."`
}

// Run reviews all scopes.
func (c *AuthorityScopesCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	got, err := operated[scopesAnswer](ctx, p, s, access{}, "authority scopes", struct{}{})
	if err != nil {
		return err
	}
	if c.JSON {
		return p.json(got)
	}
	var rows [][]string
	for _, o := range got.Overlaps {
		names := make([]string, len(o.Holders))
		for i, h := range o.Holders {
			names[i] = h.Org
		}
		decides := "Council of Roots"
		if o.Arbiter != nil {
			decides = o.Arbiter.Org
		}
		rows = append(rows, []string{"overlap", strings.Join(names, ", "), o.Match + "; " + decides + " decides"})
	}
	for _, l := range got.TextOnly {
		rows = append(rows, []string{"words only", l.Org, "no program can read its scope; its products look like gaps"})
	}
	for _, l := range got.Orphans {
		rows = append(rows, []string{"orphan", l.Org, "the grant that its role " + l.Role + " stands under has ended"})
	}
	p.terminal(p.Stdout).table(p.Stdout, []string{"WHAT", "WHO", "WHY"}, rows)
	_, err = fmt.Fprintf(p.Stdout, "%s overlaps, %s scopes in words only, %s orphans\n",
		thousands(int64(len(got.Overlaps))), thousands(int64(len(got.TextOnly))), thousands(int64(len(got.Orphans))))
	return err
}
