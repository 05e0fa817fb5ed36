package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// PublishCmd is `tasuki publish`.
type PublishCmd struct {
	Git  PublishGitCmd  `cmd:"" help:"As a git repository laid out like cvelistV5, one commit per change set."`
	Zips PublishZipsCmd `cmd:"" help:"As baseline and delta zips with the official names, and signed manifests beside them."`
	All  PublishAllCmd  `cmd:"" help:"As both: DIR/cvelist.git and DIR/releases."`
}

// Publishing are the flags of all publications.
type Publishing struct {
	Follow bool `help:"Go on: publish whenever the list changes, until Ctrl-C."`
	JSON   bool `name:"json" help:"Print what was done as JSON."`
}

// PublishGitCmd is `tasuki publish git`.
type PublishGitCmd struct {
	Dir  string   `arg:"" help:"Folder of the bare repository; a new one is made in an empty or absent folder."`
	Push []string `placeholder:"REMOTE" help:"Push to this remote, or address; give it as often as needed. Keep passwords out of it: git's own credential helpers and SSH keys are used."`
	Publishing
}

// Help is the long description.
func (c *PublishGitCmd) Help() string {
	return `Where the publication stands is read from the newest commit itself, so a later run goes on there, from any copy of the repository. A body that was erased is taken out of the history as well: the commits that held it become one.

  tasuki publish git list.git
  tasuki publish git list.git --push git@git.example.jp:cve/list.git --follow

A running node does this by itself with publish.git in its configuration, and serves the repository at /cvelist.git.`
}

// Run publishes, here or in the running node.
func (c *PublishGitCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	return c.publish(ctx, p, s, outwardRequest{Git: c.Dir, Push: c.Push})
}

// PublishZipsCmd is `tasuki publish zips`.
type PublishZipsCmd struct {
	Dir  string   `arg:"" help:"Folder of the releases, one folder for each inside."`
	At   string   `default:"now" placeholder:"TIME" help:"Make what is due at this instant (2026-11-21T10:00:00Z): the newest full hour with its day's baseline, and the end of the day before."`
	Keep Duration `default:"0s" help:"Delete releases that are older, at least 48h; 0s keeps all."`
	Publishing
}

// Run publishes, here or in the running node.
func (c *PublishZipsCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	q := outwardRequest{Zips: c.Dir, Keep: c.Keep}
	if err := checkKeep(c.Keep); err != nil {
		return fmt.Errorf("--keep: %w", err)
	}
	if c.At != "now" {
		at, err := time.Parse(time.RFC3339, c.At)
		switch {
		case err != nil:
			return fmt.Errorf("--at: %q is neither now nor an instant like 2026-11-21T10:00:00Z", c.At)
		case c.Follow:
			return errors.New("--follow begins now: it takes no --at")
		case at.After(p.Now()):
			return errors.New("--at: the instant has not come yet")
		}
		q.At = at.UTC()
	}
	return c.publish(ctx, p, s, q)
}

// shortestKeep is what a day's archives need of the day before.
const shortestKeep = 48 * time.Hour

func checkKeep(d Duration) error {
	if d != 0 && time.Duration(d) < shortestKeep {
		return errors.New("at least 48h are needed, or 0s to keep all: each day is made from the one before")
	}
	return nil
}

// PublishAllCmd is `tasuki publish all`.
type PublishAllCmd struct {
	Dir  string   `arg:"" help:"Folder; the repository is cvelist.git in it, the releases are in releases."`
	Push []string `placeholder:"REMOTE" help:"Push the repository to this remote, or address."`
	Keep Duration `default:"0s" help:"Delete releases that are older, at least 48h; 0s keeps all."`
	Publishing
}

// Run publishes, here or in the running node.
func (c *PublishAllCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	if err := checkKeep(c.Keep); err != nil {
		return fmt.Errorf("--keep: %w", err)
	}
	return c.publish(ctx, p, s, outwardRequest{Git: filepath.Join(c.Dir, "cvelist.git"), Push: c.Push, Zips: filepath.Join(c.Dir, "releases"), Keep: c.Keep})
}

func (c *Publishing) publish(ctx context.Context, p *Program, s *Settings, q outwardRequest) (err error) {
	q.Follow = c.Follow
	for _, dir := range []*string{&q.Git, &q.Zips} {
		if *dir != "" {
			if *dir, err = filepath.Abs(*dir); err != nil { // the running node stands elsewhere
				return err
			}
		}
	}
	got, err := operated[outwardAnswer](ctx, p, s, access{Host: true}, "publish", q)
	if c.Follow && ctx.Err() != nil {
		return nil // being ended is how following ends
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return p.json(got)
	}
	return nil
}
