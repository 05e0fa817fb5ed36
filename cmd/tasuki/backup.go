package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
)

// BackupCmd is `tasuki backup`.
type BackupCmd struct {
	File    string `arg:"" help:"File to write; it must not exist."`
	WithKey bool   `help:"Include the log's private key. Keep such a file like the key itself."`
	JSON    bool   `name:"json" help:"Print the result as JSON."`
}

// Run writes a backup, here or in the running node.
func (c *BackupCmd) Run(ctx context.Context, p *Program, s *Settings) (err error) {
	to, err := filepath.Abs(c.File)
	if err != nil {
		return err
	}
	x, err := p.session(ctx, s, access{Host: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	report := p.reporter()
	got, err := x.jobs.Backup(ctx, BackupRequest{To: to, WithKey: c.WithKey}, report)
	report.Close()
	if err != nil {
		return err
	}
	if c.JSON {
		return p.json(got)
	}
	fmt.Fprintf(p.Stdout, "%s: %s, the log up to %s leaves\n", got.File, bytesText(got.Bytes), thousands(got.Size))
	return nil
}
