package main

import (
	"context"
	"errors"
	"fmt"
)

// RestoreCmd is `tasuki restore`.
type RestoreCmd struct {
	Backup   string `arg:"" optional:"" type:"existingfile" help:"Backup to unpack into the data directory, which must be new. Without it, the directory as it stands is given a new epoch."`
	BoardKey string `type:"existingfile" placeholder:"FILE" help:"The board's key, which signs the new epoch's charter. Without it the restored store is read-only."`
	AllowTest
	JSON bool `name:"json" help:"Print the result as JSON."`
}

// Run restores. It needs the data directory for itself.
func (c *RestoreCmd) Run(ctx context.Context, p *Program, s *Settings) (err error) {
	if c.Backup == "" && c.BoardKey == "" {
		return errors.New("give a backup, --board-key FILE, or both")
	}
	if p.Backend.Restore == nil {
		return errors.New("this build has no node in it")
	}
	dir, err := openDataDir(s.Data, c.Backup != "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	report := p.reporter()
	got, err := p.Backend.Restore(ctx, p.setup(s, dir, false), RestoreRequest{Backup: c.Backup, BoardKey: c.BoardKey, AllowTest: c.AllowTest.AllowTest}, report)
	report.Close()
	if err != nil {
		return err
	}
	if c.JSON {
		return p.json(got)
	}
	fmt.Fprintf(p.Stdout, "restored the log up to %s leaves, epoch %d, %s\n", thousands(got.Size), got.Epoch, got.Origin)
	if got.ReadOnly {
		fmt.Fprintln(p.Stdout, "read-only: run \"tasuki restore --board-key FILE\" to open a new epoch")
	}
	return nil
}
