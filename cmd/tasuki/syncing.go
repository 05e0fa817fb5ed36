package main

import (
	"context"
	"errors"
)

// SyncCmd is `tasuki sync`.
type SyncCmd struct {
	CVEList SyncCVEListCmd `cmd:"" name:"cvelist" help:"Fetch what is new in a published CVE List: its baseline once, then its deltas."`
}

// SyncCVEListCmd is `tasuki sync cvelist`.
type SyncCVEListCmd struct {
	From   string `placeholder:"URL" help:"Base URL of the published list (default: sync.cvelist of the configuration)."`
	Report string `type:"path" placeholder:"FILE" help:"Write one line of JSON per record."`
	JSON   bool   `name:"json" help:"Print the summary as JSON."`
}

// Run synchronises once, here or in the running node.
func (c *SyncCVEListCmd) Run(ctx context.Context, p *Program, s *Settings) (err error) {
	if c.From == "" {
		// A running node may have been started with another file; its own setting is not ours to guess.
		if c.From = s.Sync.CVEList; c.From == "" {
			return errors.New("no source: give --from URL, or set sync.cvelist in the configuration")
		}
	}
	x, err := p.session(ctx, s, access{Create: true, Host: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	report, closeReport, err := p.withReport(c.Report)
	if err != nil {
		return err
	}
	got, err := x.jobs.Sync(ctx, SyncRequest{From: c.From, Every: c.Report != ""}, report)
	err = errors.Join(err, closeReport())
	return p.imported(got, c.JSON, err)
}
