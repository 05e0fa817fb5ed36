package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"

	"tasuki/client/cveservices"
	"tasuki/spec/cve"
	"tasuki/spec/cve/schema"
)

// submitting are the flags of commands that send a container.
type submitting struct {
	NoLint bool `help:"Send it unchecked; the server checks it too."`
	DryRun bool `help:"Show what would be sent."`
	JSON   bool `name:"json" help:"Print the record that the server made of it, as JSON."`
	Signing
	Account
}

// What is said of every command that takes a document.
const takes = `FILE, or standard input, is a full record, {"cnaContainer": …}, or a container by itself; which one it is, is said. It is checked first, against the schema and the rules of "tasuki lint", and errors keep it from being sent; they name the place in the file.`

// container reads and checks the document that is to be sent for an identifier.
func (c submitting) container(p *Program, s *sending, file, id string, kind schema.Kind) (document, error) {
	if file == "" {
		file = "-"
	}
	org, _ := s.Caller()
	d, err := p.readDocument(file, kind == schema.ADP, org)
	switch {
	case err != nil:
		return d, err
	case d.id != "" && d.id != id:
		return d, fmt.Errorf("%s: %w: /cveMetadata/cveId is not %s", d.file, errDocument, id)
	case kind == schema.CNARejected && d.kind != kind:
		return d, fmt.Errorf("%s: %w: %s/rejectedReasons is missing: say why, here or with --reason", d.file, errDocument, d.place)
	case kind == schema.CNAPublished && d.kind == schema.CNARejected:
		return d, fmt.Errorf("%s: %w: it has %s/rejectedReasons: use \"tasuki cna reject\"", d.file, errDocument, d.place)
	case kind != d.kind:
		return d, fmt.Errorf("%s: %w: it is an ADP's container: use \"tasuki cna adp\"", d.file, errDocument)
	}
	if d.place != "" && d.shape == "a full record" {
		fmt.Fprintf(p.Stderr, "%s: %s; its %s is sent\n", clean(d.file), d.shape, d.place)
	} else {
		fmt.Fprintf(p.Stderr, "%s: %s\n", clean(d.file), d.shape)
	}
	if c.NoLint {
		return d, nil
	}
	v, err := schema.NewValidator()
	if err != nil {
		return d, err
	}
	if p.tell(p.Stderr, d.file, d.findings(v, id, p.Now())) {
		return d, fmt.Errorf("%s: %w: mend it, or send it as it is with --no-lint", d.file, errDocument)
	}
	return d, nil
}

// submit opens the server, reads the document and sends it. What the server finds in it is told by places in the file.
func (c submitting) submit(ctx context.Context, p *Program, text, file string, kind schema.Kind,
	send func(ctx context.Context, s *sending, id string, d document) (cveservices.Submitted, error)) error {
	id, err := identifier(text)
	if err != nil {
		return p.cna(ctx, nil, c.JSON, fmt.Errorf("%w: %w", errSettings, err))
	}
	s, err := c.open(p, true, c.DryRun)
	if err != nil {
		return p.cna(ctx, s, c.JSON, err)
	}
	d, err := c.container(p, s, file, id, kind)
	if err != nil {
		return p.cna(ctx, s, c.JSON, err)
	}
	return c.deliver(ctx, p, s, id, d, send)
}

func (c submitting) deliver(ctx context.Context, p *Program, s *sending, id string, d document,
	send func(ctx context.Context, s *sending, id string, d document) (cveservices.Submitted, error)) error {
	last, done := lasting(ctx)
	defer done()
	if c.SignKey != "" {
		send = func(ctx context.Context, s *sending, id string, d document) (cveservices.Submitted, error) {
			return c.sendSigned(ctx, p, s, id, d)
		}
	}
	got, err := send(last, s, id, d)
	if err != nil {
		code := p.cna(ctx, s, c.JSON, err)
		p.misfits(d, err)
		return code
	}
	if c.JSON {
		_, err := fmt.Fprintf(p.Stdout, "%s\n", got.Record)
		return err
	}
	if got.Message == "" {
		got.Message = id + " was taken"
	}
	fmt.Fprintln(p.Stdout, clean(got.Message))
	return nil
}

// misfits tells what the server's schema says, by places in the file.
func (p *Program) misfits(d document, err error) {
	var e *cveservices.Error
	if !errors.As(err, &e) {
		return
	}
	var found []cve.Finding
	for _, m := range e.Misfits() {
		pointer := m.Pointer
		for _, body := range []string{"/cnaContainer", "/adpContainer", "/containers/cna"} {
			if rest, ok := strings.CutPrefix(pointer, body); ok && (rest == "" || rest[0] == '/') {
				pointer = d.place + rest
				break
			}
		}
		found = append(found, cve.Finding{Pointer: pointer, Rule: "server:" + clean(m.Keyword), Severity: cve.SeverityError, Message: m.Message})
	}
	p.tell(p.Stderr, d.file, found)
}

// CnaPublishCmd is `tasuki cna publish`.
type CnaPublishCmd struct {
	ID       string `arg:"" help:"CVE identifier."`
	File     string `arg:"" optional:"" help:"The document; - (the default) is standard input."`
	OrUpdate bool   `help:"Update the record if there is one already."`
	submitting
}

// Help is the long description.
func (c *CnaPublishCmd) Help() string { return takes }

// Run publishes.
func (c *CnaPublishCmd) Run(ctx context.Context, p *Program) error {
	return c.submit(ctx, p, c.ID, c.File, schema.CNAPublished, func(ctx context.Context, s *sending, id string, d document) (cveservices.Submitted, error) {
		got, err := s.Publish(ctx, id, []byte(d.container))
		if c.OrUpdate && cveservices.HasCode(err, cveservices.RecordExists) {
			return s.Update(ctx, id, []byte(d.container))
		}
		return got, err
	})
}

// CnaUpdateCmd is `tasuki cna update`.
type CnaUpdateCmd struct {
	ID   string `arg:"" help:"CVE identifier."`
	File string `arg:"" optional:"" help:"The document; - (the default) is standard input."`
	submitting
}

// Help is the long description.
func (c *CnaUpdateCmd) Help() string {
	return takes + ` It takes the place of the former container as a whole. A rejected record is published again by it.`
}

// Run updates.
func (c *CnaUpdateCmd) Run(ctx context.Context, p *Program) error {
	return c.submit(ctx, p, c.ID, c.File, schema.CNAPublished, func(ctx context.Context, s *sending, id string, d document) (cveservices.Submitted, error) {
		return s.Update(ctx, id, []byte(d.container))
	})
}

// CnaADPCmd is `tasuki cna adp`.
type CnaADPCmd struct {
	ID   string `arg:"" help:"CVE identifier, anybody's."`
	File string `arg:"" optional:"" help:"The document; - (the default) is standard input."`
	submitting
}

// Help is the long description.
func (c *CnaADPCmd) Help() string {
	return `FILE, or standard input, is {"adpContainer": …}, a container by itself, or a full record, of which the organisation's own ADP container is sent. It takes the place of the one that the organisation has in the record.`
}

// Run puts the container.
func (c *CnaADPCmd) Run(ctx context.Context, p *Program) error {
	return c.submit(ctx, p, c.ID, c.File, schema.ADP, func(ctx context.Context, s *sending, id string, d document) (cveservices.Submitted, error) {
		return s.PutADP(ctx, id, []byte(d.container))
	})
}

// CnaRejectCmd is `tasuki cna reject`.
type CnaRejectCmd struct {
	ID         string   `arg:"" help:"CVE identifier."`
	File       string   `arg:"" optional:"" help:"The rejection: a full record, {\"cnaContainer\": …} or a container; - is standard input."`
	Reason     string   `placeholder:"TEXT" help:"Why, in English, instead of a file."`
	ReplacedBy []string `placeholder:"ID" sep:"," help:"CVE IDs to use instead, with --reason."`
	IDOnly     bool     `name:"id-only" help:"Reject the CVE ID without a record; strangers see the state alone."`
	Yes        bool     `help:"Do not ask."`
	submitting
}

// Help is the long description.
func (c *CnaRejectCmd) Help() string {
	return `Looks first whether there is a record: a published one becomes a rejected one, and a CVE ID without a record gets a rejected one that says why. With --id-only nothing is written but the state, which "undo-reject" takes back.

  tasuki cna reject CVE-2026-0017 --reason "Not a vulnerability." --replaced-by CVE-2026-0012
  tasuki cna reject CVE-2026-0018 --id-only`
}

// Run rejects.
func (c *CnaRejectCmd) Run(ctx context.Context, p *Program) error {
	id, err := identifier(c.ID)
	switch {
	case err != nil:
	case c.IDOnly && (c.File != "" || c.Reason != ""):
		err = errors.New("--id-only writes no record, so there is no place for reasons")
	case c.File != "" && c.Reason != "":
		err = errors.New("FILE and --reason exclude each other")
	case len(c.ReplacedBy) > 0 && c.Reason == "":
		err = errors.New("--replaced-by goes with --reason; a file says it in replacedBy")
	}
	if err != nil {
		return p.cna(ctx, nil, c.JSON, fmt.Errorf("%w: %w", errSettings, err))
	}
	if c.IDOnly {
		if err := c.ask(p, id, ""); err != nil {
			return p.cna(ctx, nil, c.JSON, err)
		}
		return changing{c.DryRun, c.JSON, c.Account}.change(ctx, p, id, cveservices.IDChange{State: string(cve.Rejected)})
	}
	s, err := c.open(p, true, c.DryRun)
	if err != nil {
		return p.cna(ctx, s, c.JSON, err)
	}
	d, err := c.rejection(p, s, id)
	if err != nil {
		return p.cna(ctx, s, c.JSON, err)
	}
	_, err = s.Record(ctx, id)
	there := err == nil
	if err != nil && !cveservices.HasCode(err, cveservices.NoRecord) {
		return p.cna(ctx, s, c.JSON, err)
	}
	what := " It has no record yet."
	if there {
		what = " It has a record, which becomes a rejected one."
	}
	if err := c.ask(p, id, what); err != nil {
		return p.cna(ctx, s, c.JSON, err)
	}
	return c.deliver(ctx, p, s, id, d, func(ctx context.Context, s *sending, id string, d document) (cveservices.Submitted, error) {
		if there {
			return s.RejectRecord(ctx, id, []byte(d.container))
		}
		got, err := s.Reject(ctx, id, []byte(d.container))
		if cveservices.HasCode(err, cveservices.RecordExists) { // published a moment ago
			return s.RejectRecord(ctx, id, []byte(d.container))
		}
		return got, err
	})
}

func (c *CnaRejectCmd) ask(p *Program, id, what string) error {
	if c.Yes || c.DryRun {
		return nil
	}
	return p.confirm("Reject " + id + "?" + what)
}

// rejection is the rejected container, of a file or of the flags.
func (c *CnaRejectCmd) rejection(p *Program, s *sending, id string) (document, error) {
	if c.Reason == "" {
		return c.container(p, s, c.File, id, schema.CNARejected)
	}
	type reason struct {
		Lang  string `json:"lang"`
		Value string `json:"value"`
	}
	raw, err := json.Marshal(struct {
		Reasons    []reason `json:"rejectedReasons"`
		ReplacedBy []string `json:"replacedBy,omitempty"`
	}{[]reason{{"en", c.Reason}}, c.ReplacedBy})
	if err != nil {
		return document{}, err
	}
	d := document{file: "--reason", shape: "a bare container", container: raw, kind: schema.CNARejected}
	if c.NoLint {
		return d, nil
	}
	v, err := schema.NewValidator()
	if err != nil {
		return d, err
	}
	if p.tell(p.Stderr, d.file, d.findings(v, id, p.Now())) {
		return d, fmt.Errorf("%w: the reason does not comply", errDocument)
	}
	return d, nil
}
