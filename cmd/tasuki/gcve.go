package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/spec/gcve"
)

// GcveCmd is `tasuki gcve`.
type GcveCmd struct {
	ID        GcveIDCmd        `cmd:"" name:"id" help:"Read identifiers: whose each is, and what is an alias of it by computation."`
	Lookup    GcveLookupCmd    `cmd:"" help:"Show everything known of an identifier of any scheme, and who said it."`
	Allocate  GcveAllocateCmd  `cmd:"" help:"Give out identifiers of this node's own authority."`
	Publish   GcvePublishCmd   `cmd:"" help:"Write the record of an identifier of this node's own authority."`
	Reject    GcveRejectCmd    `cmd:"" help:"End an identifier that has no record and will have none."`
	Pull      GcvePullCmd      `cmd:"" help:"Read what other authorities published since the last pull."`
	Directory GcveDirectoryCmd `cmd:"" help:"Import and show the signed directory of authorities."`
}

// GcveIDCmd is `tasuki gcve id`.
type GcveIDCmd struct {
	IDs  []string `arg:"" name:"id" help:"GCVE or CVE identifiers."`
	JSON bool     `name:"json" help:"Print as JSON."`
}

// readID is what an identifier says by itself.
type readID struct {
	ID     string `json:"id"`
	GNA    int    `json:"gna"`
	Key    string `json:"key"`            // one spelling for all
	Alias  string `json:"alias,omitzero"` // computed
	Issued bool   `json:"issued"`         // in the form that is given out: GCVE-<gna>-<year>-<n>
	Name   string `json:"name"`           // for a path or a file name
}

// Run reads identifiers; no node is asked.
func (c *GcveIDCmd) Run(p *Program) error {
	var out []readID
	var rows [][]string
	for _, text := range c.IDs {
		id, alias, err := eitherID(text)
		if err != nil {
			return err
		}
		_, _, issued := id.Numbered()
		r := readID{ID: id.String(), GNA: int(id.GNA()), Key: id.Key(), Alias: alias, Issued: issued, Name: id.Name()}
		out = append(out, r)
		rows = append(rows, []string{r.Key, id.GNA().String(), r.Alias, r.Name})
	}
	if c.JSON {
		return p.json(out)
	}
	p.terminal(p.Stdout).table(p.Stdout, []string{"ID", "GNA", "ALIAS", "NAME"}, rows)
	return nil
}

// eitherID reads a GCVE identifier, or a CVE one as what it is the alias of.
func eitherID(text string) (id gcve.ID, alias string, err error) {
	if id, err = gcve.ParseID(text); err == nil {
		if c, ok := id.CVE(); ok {
			alias = c.String()
		}
		return id, alias, nil
	}
	if !strings.HasPrefix(strings.ToUpper(text), "CVE-") {
		return id, "", err
	}
	if id, err = gcve.ParseID("GCVE-0-" + text[len("CVE-"):]); err != nil {
		return id, "", err
	}
	c, ok := id.CVE()
	if !ok {
		return id, "", errors.New("not a CVE identifier")
	}
	return id, c.String(), nil
}

// GcveLookupCmd is `tasuki gcve lookup`.
type GcveLookupCmd struct {
	ID     string `arg:"" name:"id" help:"An identifier of any scheme."`
	Server string `placeholder:"URL" help:"Ask a node on the network."`
	JSON   bool   `name:"json" help:"Print everything, records included, as JSON."`
}

// Run asks the node, here or elsewhere.
func (c *GcveLookupCmd) Run(ctx context.Context, p *Program, s *Settings) (err error) {
	var x *session
	if c.Server != "" {
		x, err = elsewhere(c.Server)
	} else {
		x, err = p.session(ctx, s, access{})
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	resp, err := x.get(ctx, "/api/gcve/lookup", url.Values{"id": {c.ID}})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var found []struct {
		ID      string         `json:"id"`
		SaidBy  string         `json:"said_by"`
		Source  string         `json:"source"`
		State   string         `json:"state"`
		Logged  string         `json:"logged"`
		Leaf    int64          `json:"leaf"`
		Aliases []string       `json:"aliases"`
		Record  jsontext.Value `json:"record"`
	}
	if err := json.Unmarshal(raw, &found); err != nil {
		return fmt.Errorf("the node's answer: %w", err)
	}
	if c.JSON {
		return p.indented(raw)
	}
	if len(found) == 0 {
		return fmt.Errorf("%w: nobody said anything about it here", errNotFound)
	}
	var rows [][]string
	for _, f := range found {
		from := f.Source
		if from == "" {
			from = "this list"
		}
		rows = append(rows, []string{f.ID, f.State, f.SaidBy, strings.Join(f.Aliases, ", "), f.Logged, from})
	}
	p.terminal(p.Stdout).table(p.Stdout, []string{"ID", "STATE", "SAID BY", "ALIASES", "KNOWN SINCE", "FROM"}, rows)
	return nil
}

// GcveAllocateCmd is `tasuki gcve allocate`.
type GcveAllocateCmd struct {
	Count int  `arg:"" optional:"" default:"1" help:"How many (default ${default})."`
	Year  int  `placeholder:"YEAR" help:"Year in the identifiers (default: this one)."`
	JSON  bool `name:"json" help:"Print as JSON."`
}

// Run gives out identifiers.
func (c *GcveAllocateCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	got, err := operated[[]string](ctx, p, s, access{Create: true}, "gcve allocate", gcveAllocateRequest{Year: c.Year, Count: c.Count})
	if err != nil {
		return err
	}
	if c.JSON {
		return p.json(got)
	}
	for _, id := range got {
		fmt.Fprintln(p.Stdout, id)
	}
	return nil
}

// GcvePublishCmd is `tasuki gcve publish`.
type GcvePublishCmd struct {
	ID   string `arg:"" name:"id" help:"The identifier."`
	File string `arg:"" type:"existingfile" help:"The record: CVE Record Format with BCP-05's members. Identifier, dates and x_gcve are put in."`
	JSON bool   `name:"json" help:"Print the result as JSON."`
}

// maxGCVE is the largest record, in bytes.
const maxGCVE = 4 << 20

// Run writes a record.
func (c *GcvePublishCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	raw, err := readBounded(c.File, maxGCVE)
	if err != nil {
		return err
	}
	return p.wroteGCVE(ctx, s, "gcve publish", gcveRecordRequest{ID: c.ID, Raw: raw}, c.JSON)
}

// GcveRejectCmd is `tasuki gcve reject`.
type GcveRejectCmd struct {
	ID     string `arg:"" name:"id" help:"The identifier."`
	Reason string `required:"" placeholder:"TEXT" help:"Why; public."`
	JSON   bool   `name:"json" help:"Print the result as JSON."`
}

// Run rejects an identifier.
func (c *GcveRejectCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return p.wroteGCVE(ctx, s, "gcve reject", gcveRecordRequest{ID: c.ID, Reason: c.Reason}, c.JSON)
}

func (p *Program) wroteGCVE(ctx context.Context, s *Settings, act string, q gcveRecordRequest, asJSON bool) error {
	got, err := operated[gcveRecordAnswer](ctx, p, s, access{}, act, q)
	if err != nil {
		return err
	}
	if asJSON {
		return p.json(got)
	}
	_, err = fmt.Fprintf(p.Stdout, "%s %s, leaf %d\n", got.ID, got.State, got.Leaf)
	return err
}

// GcvePullCmd is `tasuki gcve pull`.
type GcvePullCmd struct {
	GNA  []string `arg:"" optional:"" name:"gna" help:"Numbers of authorities, or all (default: gcve.pull of the configuration)."`
	Base string   `placeholder:"URL" help:"Ask this address in place of the directory's."`
	JSON bool     `name:"json" help:"Print the result as JSON."`
}

// Run pulls.
func (c *GcvePullCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	q := gcvePullRequest{GNAs: c.GNA, Base: c.Base}
	if len(q.GNAs) == 0 { // a running node may have been started with another file
		q.GNAs = s.GCVE.Pull
	}
	if len(q.GNAs) == 0 {
		return errors.New("say from which authorities: their numbers, or all")
	}
	got, err := operated[[]gcvePullAnswer](ctx, p, s, access{Create: true}, "gcve pull", q)
	if c.JSON {
		return errors.Join(p.json(got), err)
	}
	for _, g := range got {
		if g.Error == "" {
			fmt.Fprintln(p.Stdout, g.text())
		}
	}
	return err
}

// GcveDirectoryCmd is `tasuki gcve directory`.
type GcveDirectoryCmd struct {
	Import GcveDirectoryImportCmd `cmd:"" help:"Fetch the directory, check its signature with the pinned key, and take it in unless it goes back."`
	Show   GcveDirectoryShowCmd   `cmd:"" help:"List the authorities of the newest directory."`
}

// GcveDirectoryImportCmd is `tasuki gcve directory import`.
type GcveDirectoryImportCmd struct {
	URL    string   `name:"url" placeholder:"URL" help:"Address of gcve.json; its signature is beside it (default: gcve.directory of the configuration)."`
	Key    string   `type:"existingfile" placeholder:"FILE" help:"The pinned key, PEM (default: gcve.key_file)."`
	TXT    string   `name:"txt" placeholder:"NAME" help:"TXT record that has to hold the same key (default: gcve.txt)."`
	File   []string `type:"existingfile" placeholder:"FILE" help:"Take these two files in place of fetching: gcve.json and gcve.json.sigsha512."`
	Accept string   `placeholder:"SHA256" help:"Take a directory that lost authorities without a date that says it is newer, by its digest."`
	JSON   bool     `name:"json" help:"Print the result as JSON."`
}

// Run imports the directory.
func (c *GcveDirectoryImportCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	q := gcveDirectoryRequest{URL: c.URL, TXT: c.TXT, Accept: c.Accept}
	if q.URL == "" {
		q.URL = s.GCVE.Directory
	}
	if q.TXT == "" {
		q.TXT = s.GCVE.TXT
	}
	name := c.Key
	if name == "" {
		name = s.GCVE.KeyFile
	}
	if name == "" {
		return errors.New("which key? Give --key FILE, or set gcve.key_file: the directory is checked with a key that you hold, never with one from its own host")
	}
	key, err := readBounded(name, 64<<10)
	if err != nil {
		return err
	}
	q.Key = string(key)
	switch {
	case len(c.File) == 2:
		if q.Directory, err = readBounded(c.File[0], gcve.MaxDirectory); err == nil {
			q.Signature, err = readBounded(c.File[1], 64<<10)
		}
	case len(c.File) != 0:
		err = errors.New("--file: two are needed, the directory and its signature")
	case q.URL == "":
		err = errors.New("from where? Give --url, or set gcve.directory")
	}
	if err != nil {
		return err
	}
	got, err := operated[gcveDirectoryAnswer](ctx, p, s, access{Create: true}, "gcve directory import", q)
	if err != nil {
		return err
	}
	if c.JSON {
		return p.json(got)
	}
	if got.NewKey {
		fmt.Fprintln(p.Stderr, "its host publishes ANOTHER KEY than the pinned one: ask by another way what that is about before you pin it")
	}
	_, err = fmt.Fprintln(p.Stdout, got.text())
	return err
}

// GcveDirectoryShowCmd is `tasuki gcve directory show`.
type GcveDirectoryShowCmd struct {
	JSON bool `name:"json" help:"Print as JSON."`
}

// Run lists authorities.
func (c *GcveDirectoryShowCmd) Run(ctx context.Context, p *Program, s *Settings) (err error) {
	x, err := p.session(ctx, s, access{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	resp, err := x.get(ctx, "/api/gcve/directory", nil)
	if errors.Is(err, errNotFound) {
		return errors.New("no directory is known: \"tasuki gcve directory import\"")
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if c.JSON {
		return p.indented(raw)
	}
	var d struct {
		Leaf        int64            `json:"leaf"`
		Source      string           `json:"source"`
		Logged      string           `json:"logged"`
		Authorities []gcve.Authority `json:"authorities"`
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return fmt.Errorf("the node's answer: %w", err)
	}
	var rows [][]string
	for _, a := range d.Authorities {
		rows = append(rows, []string{a.ID.String(), a.Short, a.Full, a.Base()})
	}
	p.terminal(p.Stdout).table(p.Stdout, []string{"GNA", "SHORT", "NAME", "ASKED AT"}, rows)
	_, err = fmt.Fprintf(p.Stdout, "from %s, leaf %d, %s\n", clean(d.Source), d.Leaf, d.Logged)
	return err
}
