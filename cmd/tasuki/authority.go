package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// AuthorityCmd is `tasuki authority`: what whoever holds the data directory does to begin and to keep a numbering authority.
type AuthorityCmd struct {
	Init   AuthorityInitCmd   `cmd:"" help:"Begin an authority: the first Secretariat, its user and a secret, shown once."`
	Adopt  AuthorityAdoptCmd  `cmd:"" help:"Make organisations of the assigners that imported records name: they own their identifiers from then on."`
	Org    AuthorityOrgCmd    `cmd:"" help:"List, show, add and change organisations."`
	User   AuthorityUserCmd   `cmd:"" help:"List, add and change users, and reset their secrets."`
	Range  AuthorityRangeCmd  `cmd:"" help:"Open years, so that identifiers of theirs can be reserved."`
	Who    AuthorityWhoCmd    `cmd:"" help:"Say who is responsible for a product, up to the head of the hierarchy."`
	Erase  AuthorityEraseCmd  `cmd:"" name:"erase-person" help:"Erase a person: every private fact about them, and every byte of it in the store's files."`
	Block  AuthorityBlockCmd  `cmd:"" help:"Numbers of authorities that assign by themselves."`
	Key    AuthorityKeyCmd    `cmd:"" help:"Public keys of authorities, which sign what they do."`
	Attest AuthorityAttestCmd `cmd:"" help:"Set whose word counts for what an authority does: its own keys', or the operator's."`
	Scopes AuthorityScopesCmd `cmd:"" help:"List where scopes overlap, and which no program can read."`
}

// secretEnv holds a secret that was chosen elsewhere.
const secretEnv = "TASUKI_SECRET"

// Chosen is the flag of commands that set a secret. Without it, and without TASUKI_SECRET in the environment, one is drawn.
type Chosen struct {
	SecretFile string `type:"existingfile" placeholder:"FILE" help:"File with the secret, if it was chosen elsewhere (or TASUKI_SECRET in the environment); else one is drawn and printed once."`
}

// maxSecretFile is more than any secret needs.
const maxSecretFile = 4096

// secret is the chosen one, "" where one is to be drawn.
func (c Chosen) secret(p *Program) (string, error) {
	if c.SecretFile == "" {
		return p.Getenv(secretEnv), nil
	}
	raw, err := readBounded(c.SecretFile, maxSecretFile)
	if err != nil {
		return "", fmt.Errorf("--secret-file: %w", err)
	}
	key := strings.TrimRight(string(raw), "\r\n")
	if key == "" {
		return "", errors.New("--secret-file: the file is empty")
	}
	return key, nil
}

// Margins say how far above the highest imported number a year's counters begin.
type Margins struct {
	Margin         int64 `default:"10000" placeholder:"N" help:"How far above the highest imported number of a year batches go on: what the other list gave out and did not publish is unknown (default ${default})."`
	MarginPriority int64 `default:"100" placeholder:"N" help:"The same for identifiers that are reserved one by one, below 20,000 (default ${default})."`
}

func (m Margins) check() error {
	if m.Margin < 0 || m.MarginPriority < 0 {
		return errors.New("--margin, --margin-priority: a number from 0 up is needed")
	}
	return nil
}

// AuthorityInitCmd is `tasuki authority init`.
type AuthorityInitCmd struct {
	Short string   `required:"" placeholder:"NAME" help:"Short name of the Secretariat's organisation, 2 to 32 characters."`
	Name  string   `required:"" placeholder:"TEXT" help:"Its full name."`
	User  string   `required:"" placeholder:"NAME" help:"Name of its first user, such as a mail address."`
	First string   `placeholder:"TEXT" help:"The user's first name."`
	Last  string   `placeholder:"TEXT" help:"The user's last name."`
	Email []string `placeholder:"ADDRESS" help:"Public role mailboxes of the organisation."`
	Page  []string `placeholder:"URL" help:"Public contact pages of the organisation."`
	Year  []int64  `placeholder:"YEAR" help:"Years to open (default: this and the next)."`
	Margins
	Chosen
	JSON bool `name:"json" help:"Print the result, with the secret, as JSON."`
}

// Run begins an authority here or in the running node; in an empty data directory it founds the list first.
func (c *AuthorityInitCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	key, err := c.secret(p)
	if err = errors.Join(err, c.check()); err != nil {
		return err
	}
	years := c.Year
	if len(years) == 0 {
		this := int64(p.Now().UTC().Year())
		years = []int64{this, this + 1}
	}
	got, err := operated[foundedAnswer](ctx, p, s, access{Create: true}, "authority init", foundRequest{Short: c.Short, Name: c.Name, User: c.User, First: c.First,
		Last: c.Last, Emails: c.Email, Pages: c.Page, Years: years, Margin: c.Margin, MarginPriority: c.MarginPriority, Secret: key})
	if err != nil {
		return err
	}
	if c.JSON {
		return p.json(got)
	}
	fmt.Fprintf(p.Stderr, "%s is the Secretariat of this list, with rules %s; its user is %s\n", got.Org.Short, got.Pack, got.User)
	for _, r := range got.Ranges {
		fmt.Fprintln(p.Stderr, r.text())
	}
	return p.tellSecret(got.Secret, got.Org.Short, got.User)
}

// tellSecret prints a secret that was drawn, alone on standard output.
func (p *Program) tellSecret(key, org, user string) error {
	if key == "" {
		return nil // they know it
	}
	fmt.Fprintf(p.Stderr, "the secret of %s of %s follows. It is shown this once and kept nowhere: put it where secrets are kept\n", user, org)
	_, err := fmt.Fprintln(p.Stdout, key)
	return err
}

// AuthorityAdoptCmd is `tasuki authority adopt`.
type AuthorityAdoptCmd struct {
	Names        []string `arg:"" optional:"" name:"short" help:"Short names, as the records have them, or UUIDs."`
	All          bool     `help:"Adopt everybody whom imported records name."`
	As           string   `placeholder:"NAME" help:"Short name here, when one is adopted whose own is taken."`
	WithoutRoles bool     `help:"Give no roles: they own their identifiers, and nobody of theirs can act."`
	DryRun       bool     `help:"Say what would happen; change nothing."`
	Margins
	JSON bool `name:"json" help:"Print the result as JSON."`
}

// Run adopts, here or in the running node.
func (c *AuthorityAdoptCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	switch {
	case c.All == (len(c.Names) > 0):
		return errors.New("give short names, or --all")
	case c.As != "" && len(c.Names) != 1:
		return errors.New("--as goes with one name")
	}
	if err := c.check(); err != nil {
		return err
	}
	got, err := operated[adoptedAnswer](ctx, p, s, access{Host: true}, "authority adopt", adoptRequest{Names: c.Names, All: c.All, As: c.As,
		WithoutRoles: c.WithoutRoles, DryRun: c.DryRun, Margin: c.Margin, MarginPriority: c.MarginPriority})
	switch {
	case err != nil && got.Adopted == 0:
	case c.JSON:
		err = errors.Join(err, p.json(got))
	default:
		what := "adopted"
		if c.DryRun {
			what = "dry run: would adopt"
			for _, o := range got.Orgs {
				fmt.Fprintf(p.Stdout, "%s\t%s\t%s\t%s records\n", clean(o.Short), o.ID, o.Outcome, thousands(o.Records))
			}
		}
		fmt.Fprintf(p.Stdout, "%s %s, here before %s, refused %s\n", what, thousands(got.Adopted), thousands(got.Here), thousands(got.Refused))
		for _, r := range got.Ranges {
			fmt.Fprintln(p.Stdout, r.text())
		}
	}
	if err == nil && got.Refused > 0 {
		err = exitError{exitSomeRefused}
	}
	return err
}

// AuthorityRangeCmd is `tasuki authority range`.
type AuthorityRangeCmd struct {
	Open AuthorityRangeOpenCmd `cmd:"" help:"Open years."`
}

// AuthorityRangeOpenCmd is `tasuki authority range open`.
type AuthorityRangeOpenCmd struct {
	Years []int64 `arg:"" name:"year" help:"Years; one that is open already is left as it is, or lifted above what was imported meanwhile."`
	Margins
	JSON bool `name:"json" help:"Print the result as JSON."`
}

// Run opens years, here or in the running node.
func (c *AuthorityRangeOpenCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	if err := c.check(); err != nil {
		return err
	}
	q := rangesRequest{Years: c.Years, Margin: c.Margin, MarginPriority: c.MarginPriority}
	got, err := operated[rangesAnswer](ctx, p, s, access{}, "authority range open", q)
	if err != nil {
		return err
	}
	if c.JSON {
		return p.json(got)
	}
	for _, r := range got.Ranges {
		fmt.Fprintln(p.Stdout, r.text())
	}
	return nil
}

// ImportCNACmd is `tasuki import cna`.
type ImportCNACmd struct {
	File string `arg:"" type:"existingfile" help:"CNAsList.json of the CVE web site."`
	JSON bool   `name:"json" help:"Print the summary as JSON."`
}

// maxPartnerFile is many times the list of today.
const maxPartnerFile = 64 << 20

// Run imports the list of partners, here or in the running node.
func (c *ImportCNACmd) Run(ctx context.Context, p *Program, s *Settings) error {
	raw, err := readBounded(c.File, maxPartnerFile)
	if err != nil {
		return err
	}
	got, err := operated[partnersAnswer](ctx, p, s, access{Create: true, Host: true}, "authority partners", partnersRequest{List: string(raw)})
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if c.JSON {
		return p.json(got)
	}
	fmt.Fprintf(p.Stdout, "imported %s partners: %s organisations made, %s adopted, %s changed; %s roles given, %s ended\n", thousands(got.Partners),
		thousands(got.Made), thousands(got.Adopted), thousands(got.Changed), thousands(got.Given), thousands(got.Ended))
	return nil
}
