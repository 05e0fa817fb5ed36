package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// SealCmd is `tasuki seal`.
type SealCmd struct {
	Now  SealNowCmd  `cmd:"" help:"End this operator's epoch in good order, under a charter that names who comes next."`
	Show SealShowCmd `cmd:"" help:"Show the seals that this copy gave, for a successor that cannot reach it."`
}

// SealNowCmd is `tasuki seal now`.
type SealNowCmd struct {
	Charter string        `arg:"" type:"existingfile" help:"The signed charter that opens the next epoch."`
	Wait    time.Duration `default:"1m" help:"How long to wait for mirrors and witnesses to cover what is written here."`
	Force   bool          `help:"Seal also when they do not: what is left here was acknowledged to nobody as durable, and may be left behind."`
	JSON    bool          `name:"json" help:"Print the result as JSON."`
}

// Help says what happens, in order.
func (*SealNowCmd) Help() string {
	return `The running node takes in nothing more, lets what is written be published, seals its origin for good and serves on read-only. Its mirrors find the charter there and seal too; then whoever the charter names opens the epoch (tasuki promote). Without this command the same happens when the charter reaches the node from a mirror, only that writes of the last moments may be left behind.`
}

// Run asks the node.
func (c *SealNowCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	raw, err := os.ReadFile(c.Charter)
	if err != nil {
		return err
	}
	got, err := operated[sealAnswer](ctx, p, s, access{}, "seal now", sealRequest{Document: string(raw), Seconds: int64(c.Wait / time.Second), Force: c.Force})
	if err != nil {
		return err
	}
	if c.JSON {
		return p.json(got)
	}
	fmt.Fprintf(p.Stdout, "sealed %s at %s leaves", got.Origin, thousands(got.Size))
	if left := got.Size - got.Published; left > 0 {
		fmt.Fprintf(p.Stdout, ", of which the last %s are not published", thousands(left))
	}
	fmt.Fprintf(p.Stdout, "\ncharter %d: %s goes on, %s\n", got.Charter, got.Operator, got.URL)
	return nil
}

// SealShowCmd is `tasuki seal show`.
type SealShowCmd struct {
	Origin string `arg:"" optional:"" help:"Print the statement about this origin as it was signed: a file for \"tasuki promote --report\"."`
	JSON   bool   `name:"json" help:"Print the result as JSON."`
}

// sealShown is a seal that this copy gave.
type sealShown struct {
	Origin  string `json:"origin"`
	Charter string `json:"charter"` // hash of the one that ended it
	Size    int64  `json:"size"`
	Root    string `json:"root"`
	Note    string `json:"note"`
}

// sealsAnswer are the seals of a copy, oldest first.
type sealsAnswer struct {
	Seals []sealShown `json:"seals"`
}

// Run asks the node, or the directory.
func (c *SealShowCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	got, err := operated[sealsAnswer](ctx, p, s, access{}, "seal show", struct{}{})
	if err != nil {
		return err
	}
	if c.Origin != "" {
		note := ""
		for _, one := range got.Seals {
			if one.Origin == c.Origin {
				note = one.Note // the newest
			}
		}
		if note == "" {
			return fmt.Errorf("this copy has given no seal of that origin")
		}
		fmt.Fprint(p.Stdout, note)
		return nil
	}
	if c.JSON {
		return p.json(got)
	}
	if len(got.Seals) == 0 {
		fmt.Fprintln(p.Stdout, "no seals: a mirror gives one when a charter ends an epoch")
	}
	for _, one := range got.Seals {
		fmt.Fprintf(p.Stdout, "%s\n  ended by charter %s\n  %s leaves, root %s\n", one.Origin, one.Charter, thousands(one.Size), one.Root)
	}
	return nil
}
