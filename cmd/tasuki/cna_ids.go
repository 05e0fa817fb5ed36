package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"time"

	"tasuki/client/cveservices"
)

// CnaReserveCmd is `tasuki cna reserve`.
type CnaReserveCmd struct {
	Amount     int64  `arg:"" optional:"" name:"n" default:"1" help:"How many (default 1)."`
	Year       int64  `placeholder:"YEAR" help:"Their year (default: this one)."`
	Random     bool   `xor:"batch" help:"Numbers that tell nobody how many were reserved; asked for ten at a time."`
	Sequential bool   `xor:"batch" help:"Numbers in a row; the default for more than one."`
	For        string `placeholder:"ORG" help:"Who will own them (default: the caller's organisation)."`
	DryRun     bool   `help:"Show what would be sent."`
	JSON       bool   `name:"json" help:"Print JSON."`
	Account
}

// Help is the long description.
func (c *CnaReserveCmd) Help() string {
	return `Prints the reserved CVE IDs on standard output, one per line, and what is left of the quota on standard error.

A reservation is sent once. When the connection ends before the answer, the numbers may have been given out all the same: they are then in "tasuki cna list --state reserved". Ctrl-C waits for the answer.`
}

// atRandom is how many non-sequential identifiers servers give out at a time.
const atRandom = 10

// Run reserves.
func (c *CnaReserveCmd) Run(ctx context.Context, p *Program) error {
	if c.Amount < 1 {
		return p.cna(ctx, nil, false, fmt.Errorf("%w: the number of identifiers is at least 1", errSettings))
	}
	s, err := c.open(p, true, c.DryRun)
	if err != nil {
		return p.cna(ctx, s, c.JSON, err)
	}
	r := cveservices.Reservation{Amount: c.Amount, Year: c.Year, Org: c.For}
	if r.Year == 0 {
		r.Year = int64(p.Now().UTC().Year())
	}
	step := c.Amount
	switch {
	case c.Random:
		r.Batch, step = cveservices.NonSequential, atRandom
	case c.Sequential || c.Amount > 1:
		r.Batch = cveservices.Sequential
	}
	var got cveservices.Reserved
	for left := c.Amount; left > 0 && err == nil; left = c.Amount - int64(len(got.IDs)) {
		r.Amount = min(left, step)
		var part cveservices.Reserved
		last, done := lasting(ctx)
		part, err = s.Reserve(last, r)
		done()
		got.IDs, got.Remaining = append(got.IDs, part.IDs...), part.Remaining
		if !c.JSON {
			for _, id := range part.IDs {
				fmt.Fprintln(p.Stdout, clean(id.ID))
			}
		}
		if err == nil && ctx.Err() != nil && int64(len(got.IDs)) < c.Amount {
			err = ctx.Err()
		}
	}
	if len(got.IDs) > 0 {
		if c.JSON {
			out := struct {
				IDs       []cveservices.ID `json:"cve_ids"`
				Remaining int64            `json:"remaining_quota"`
			}{got.IDs, got.Remaining}
			if werr := p.json(out); werr != nil {
				return errors.Join(err, werr)
			}
		}
		rest := ""
		if got.Remaining >= 0 && err == nil {
			rest = fmt.Sprintf("; %s left of the quota", thousands(got.Remaining))
		}
		fmt.Fprintf(p.Stderr, "%s of %s CVE IDs of %d reserved for %s%s\n", thousands(int64(len(got.IDs))), thousands(c.Amount), r.Year, clean(c.owner(s)), rest)
	}
	err = p.cna(ctx, s, c.JSON, err)
	var code exitError
	if errors.As(err, &code) && code.code != exitUncertain && len(got.IDs) > 0 {
		return exitError{exitPart}
	}
	return err
}

func (c *CnaReserveCmd) owner(s *sending) string {
	if c.For != "" {
		return c.For
	}
	org, _ := s.Caller()
	return org
}

// CnaListCmd is `tasuki cna list`.
type CnaListCmd struct {
	State          string `placeholder:"STATE" help:"Only those in this state: reserved, published or rejected."`
	Year           int64  `placeholder:"YEAR" help:"Only those of this year."`
	ReservedAfter  string `placeholder:"TIME" help:"Reserved after this: a day (2026-01-05: its beginning, UTC) or an instant (2026-01-05T10:00:00Z)."`
	ReservedBefore string `placeholder:"TIME" help:"Reserved before this."`
	ChangedAfter   string `placeholder:"TIME" help:"Changed after this, the record too."`
	ChangedBefore  string `placeholder:"TIME" help:"Changed before this."`
	JSON           bool   `name:"json" xor:"form" help:"Print one line of JSON per CVE ID."`
	CSV            bool   `name:"csv" xor:"form" help:"Print comma-separated values (RFC 4180)."`
	Account
}

// Run lists.
func (c *CnaListCmd) Run(ctx context.Context, p *Program) error {
	s, err := c.open(p, true, false)
	if err == nil {
		err = c.list(ctx, p, s)
	}
	return p.cna(ctx, s, c.JSON, err)
}

func (c *CnaListCmd) list(ctx context.Context, p *Program, s *sending) error {
	f, err := c.filter()
	if err != nil {
		return err
	}
	var ids []cveservices.ID
	for id, err := range s.IDs(ctx, f) {
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	switch {
	case c.JSON:
		return lines(p, ids)
	case len(ids) == 0 && !c.CSV:
		fmt.Fprintln(p.Stderr, "no CVE IDs")
		return nil
	}
	head := []string{"ID", "STATE", "OWNER", "RESERVED", "REQUESTED BY", "CHANGED"}
	rows := make([][]string, len(ids))
	for i, id := range ids {
		rows[i] = []string{id.ID, id.State, id.OwningCNA, minute(id.Reserved), requester(id), minute(id.Time.Modified)}
	}
	if !c.CSV {
		p.terminal(p.Stdout).table(p.Stdout, head, rows)
		return nil
	}
	w := csv.NewWriter(p.Stdout)
	w.UseCRLF = true
	for i, id := range ids {
		rows[i] = []string{id.ID, id.State, id.OwningCNA, instant(id.Reserved), requester(id), instant(id.Time.Modified)}
	}
	return w.WriteAll(append([][]string{head}, rows...))
}

func (c *CnaListCmd) filter() (f cveservices.IDFilter, err error) {
	f.Year = c.Year
	switch f.State = strings.ToUpper(c.State); f.State {
	case "", "RESERVED", "PUBLISHED", "REJECTED":
	default:
		return f, fmt.Errorf("%w: --state is reserved, published or rejected", errSettings)
	}
	for _, t := range []struct {
		flag, text string
		to         *time.Time
	}{
		{"--reserved-after", c.ReservedAfter, &f.Reserved.After}, {"--reserved-before", c.ReservedBefore, &f.Reserved.Before},
		{"--changed-after", c.ChangedAfter, &f.Modified.After}, {"--changed-before", c.ChangedBefore, &f.Modified.Before},
	} {
		if *t.to, err = dayOrInstant(t.text); err != nil {
			return f, fmt.Errorf("%w: %s: %w", errSettings, t.flag, err)
		}
	}
	return f, nil
}

// dayOrInstant reads a day or an instant; "" is the zero time.
func dayOrInstant(text string) (t time.Time, err error) {
	if text == "" {
		return t, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err = time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return t, errors.New("not a day like 2026-01-05 nor an instant like 2026-01-05T10:00:00Z")
}

func minute(t cveservices.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04")
}

func instant(t cveservices.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(cveservices.TimeFormat)
}

// requester is who asked for an identifier, with the organisation where it is not the owner.
func requester(id cveservices.ID) string {
	switch r := id.RequestedBy; {
	case r.User == "" || r.CNA == "" || r.CNA == id.OwningCNA:
		return r.User
	default:
		return r.User + " (" + r.CNA + ")"
	}
}

// CnaShowCmd is `tasuki cna show`.
type CnaShowCmd struct {
	ID     string `arg:"" help:"CVE identifier."`
	Record bool   `help:"Show the record instead of the CVE ID's state."`
	JSON   bool   `name:"json" help:"Print JSON; a record as it came."`
	Account
}

// Help is the long description.
func (c *CnaShowCmd) Help() string {
	return `Without credentials it shows what anyone may see.

  tasuki cna show CVE-2026-0017 --record > CVE-2026-0017.json
  tasuki cna update CVE-2026-0017 CVE-2026-0017.json`
}

// Run shows.
func (c *CnaShowCmd) Run(ctx context.Context, p *Program) error {
	s, err := c.open(p, false, false)
	if err == nil {
		err = c.show(ctx, p, s)
	}
	return p.cna(ctx, s, c.JSON, err)
}

func (c *CnaShowCmd) show(ctx context.Context, p *Program, s *sending) error {
	id, err := identifier(c.ID)
	if err != nil {
		return fmt.Errorf("%w: %w", errSettings, err)
	}
	if c.Record {
		rec, err := s.Record(ctx, id)
		if err != nil {
			return err
		}
		if c.JSON {
			_, err := fmt.Fprintf(p.Stdout, "%s\n", rec)
			return err
		}
		return p.indented(rec)
	}
	got, err := s.ID(ctx, id)
	if err != nil {
		return err
	}
	if c.JSON {
		return p.json(got)
	}
	p.showID(got)
	return nil
}

func (p *Program) showID(id cveservices.ID) {
	t := sheet{p.terminal(p.Stdout), p.Stdout}
	fmt.Fprintf(p.Stdout, "%s  %s\n", t.t.bold(clean(id.ID)), clean(id.State))
	changed := id.Time.Modified
	if changed.IsZero() {
		changed = id.DateUpdated
	}
	t.line("owner", id.OwningCNA)
	t.line("reserved", instant(id.Reserved))
	t.line("requested", requester(id))
	t.line("changed", instant(changed))
}

// CnaUndoRejectCmd is `tasuki cna undo-reject`.
type CnaUndoRejectCmd struct {
	ID string `arg:"" help:"CVE identifier."`
	changing
}

// changing are the flags of commands that change one identifier.
type changing struct {
	DryRun bool `help:"Show what would be sent."`
	JSON   bool `name:"json" help:"Print JSON."`
	Account
}

// Help is the long description.
func (c *CnaUndoRejectCmd) Help() string {
	return `A CVE ID that was rejected with a record has reasons that others have read: "tasuki cna update" publishes a record in its place.`
}

// Run puts the identifier back.
func (c *CnaUndoRejectCmd) Run(ctx context.Context, p *Program) error {
	return c.change(ctx, p, c.ID, cveservices.IDChange{State: "RESERVED"})
}

func (c changing) change(ctx context.Context, p *Program, text string, change cveservices.IDChange) error {
	id, err := identifier(text)
	if err != nil {
		return p.cna(ctx, nil, c.JSON, fmt.Errorf("%w: %w", errSettings, err))
	}
	s, err := c.open(p, true, c.DryRun)
	if err == nil {
		last, done := lasting(ctx)
		defer done()
		var got cveservices.ID
		if got, err = s.ChangeID(last, id, change); err == nil {
			if c.JSON {
				return p.json(got)
			}
			p.showID(got)
			return nil
		}
	}
	return p.cna(ctx, s, c.JSON, err)
}

// CnaTransferCmd is `tasuki cna transfer`.
type CnaTransferCmd struct {
	ID  string `arg:"" help:"CVE identifier."`
	To  string `arg:"" name:"to" help:"Short name of the organisation that gets it."`
	Yes bool   `help:"Do not ask."`
	changing
}

// Run gives the identifier away.
func (c *CnaTransferCmd) Run(ctx context.Context, p *Program) error {
	if !c.Yes && !c.DryRun {
		if err := p.confirm(fmt.Sprintf("Give %s to %s? The organisation cannot take it back.", clean(c.ID), clean(c.To))); err != nil {
			return p.cna(ctx, nil, c.JSON, err)
		}
	}
	return c.change(ctx, p, c.ID, cveservices.IDChange{Org: c.To})
}

// CnaQuotaCmd is `tasuki cna quota`.
type CnaQuotaCmd struct {
	Of   string `arg:"" optional:"" name:"organisation" help:"Short name (default: the caller's organisation)."`
	JSON bool   `name:"json" help:"Print JSON."`
	Account
}

// Run tells the quota.
func (c *CnaQuotaCmd) Run(ctx context.Context, p *Program) error {
	s, err := c.open(p, true, false)
	if err == nil {
		if c.Of == "" {
			c.Of, _ = s.Caller()
		}
		var q cveservices.Quota
		if q, err = s.QuotaOf(ctx, c.Of); err == nil {
			if c.JSON {
				return p.json(q)
			}
			fmt.Fprintf(p.Stdout, "%s: %s of %s reserved, %s left\n", clean(c.Of), thousands(q.Reserved), thousands(q.Quota), thousands(q.Available))
			return nil
		}
	}
	return p.cna(ctx, s, c.JSON, err)
}
