package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// PromoteCmd is `tasuki promote`.
type PromoteCmd struct {
	Charter   []string      `type:"existingfile" placeholder:"FILE" help:"Signed charter that names this machine's operator and key, if the directory does not have it yet. May be repeated, oldest first."`
	Key       string        `type:"existingfile" placeholder:"FILE" help:"The log key that the charter names (tasuki charter log-key). It is taken into the data directory."`
	EscrowKey []string      `type:"existingfile" placeholder:"FILE" help:"Key of the escrow, to open the private facts that a mirror holds encrypted: owners, users, secrets, quotas."`
	NoEscrow  bool          `help:"Go on although the list's private facts stay closed: who owns reserved identifiers and how people sign in is lost."`
	Report    []string      `type:"existingfile" placeholder:"FILE" help:"Seal of a mirror, as it came by mail or stick. Those that can be reached are asked."`
	Wait      time.Duration `default:"10m" help:"How long to wait for enough mirrors' seals."`
	Plan      bool          `help:"Say where the epoch would continue and by whose word, and change nothing."`
	JSON      bool          `name:"json" help:"Print the result as JSON."`
}

// PromoteRequest asks for the opening of an epoch.
type PromoteRequest struct {
	Charters  [][]byte
	Key       string
	EscrowKey []string
	NoEscrow  bool
	Reports   [][]byte
	Wait      time.Duration
	Plan      bool
}

// PromoteSummary says what was opened, or would be.
type PromoteSummary struct {
	Opened  bool     `json:"opened"`
	Epoch   int64    `json:"epoch"`
	Origin  string   `json:"origin"`
	Size    int64    `json:"size"`             // leaves that the epoch continues
	Reports int      `json:"reports"`          // seals in the leaf that opens it
	By      []string `json:"by,omitempty"`     // whose
	Private int64    `json:"private,omitzero"` // private facts that were opened
}

// Run opens the epoch. It needs the data directory for itself.
func (c *PromoteCmd) Run(ctx context.Context, p *Program, s *Settings) (err error) {
	if p.Backend.Promote == nil {
		return errors.New("this build has no node in it")
	}
	r := PromoteRequest{Key: c.Key, EscrowKey: c.EscrowKey, NoEscrow: c.NoEscrow, Wait: c.Wait, Plan: c.Plan}
	for _, f := range []struct {
		names []string
		into  *[][]byte
	}{{c.Charter, &r.Charters}, {c.Report, &r.Reports}} {
		for _, name := range f.names {
			raw, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			*f.into = append(*f.into, raw)
		}
	}
	dir, err := openDataDir(s.Data, false)
	if errors.Is(err, ErrRunning) {
		return fmt.Errorf("%w; stop it first: an epoch is opened while nothing else writes", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	report := p.reporter()
	got, err := p.Backend.Promote(ctx, p.setup(s, dir, false), r, report)
	report.Close()
	if err != nil {
		return err
	}
	if c.JSON {
		return p.json(got)
	}
	verb := "opened"
	if !got.Opened {
		verb = "would open"
	}
	fmt.Fprintf(p.Stdout, "%s epoch %d at leaf %s, %s\n", verb, got.Epoch, thousands(got.Size), got.Origin)
	switch {
	case got.Reports > 0:
		fmt.Fprintf(p.Stdout, "by the seals of %d mirrors: %v\n", got.Reports, got.By)
	default:
		fmt.Fprintln(p.Stdout, "where the board said: no mirror had to report")
	}
	if got.Opened {
		fmt.Fprintln(p.Stdout, "start the node (tasuki serve); its first published checkpoint makes the epoch count")
	}
	return nil
}
