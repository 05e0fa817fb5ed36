package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// MirrorFollowCmd is `tasuki mirror follow`.
type MirrorFollowCmd struct {
	URL  []string `arg:"" optional:"" placeholder:"URL" help:"Servers of the list to begin with: its operator, or mirrors. What they say is proven, so any will do."`
	List string   `placeholder:"ID" help:"Id of the list, 64 hex digits: the one thing that is believed. Needed the first time."`
	Key  string   `type:"path" placeholder:"FILE" help:"The mirror's key (tasuki mirror keygen). Without one, it follows what is published and cosigns nothing."`
	AllowTest
	Network
}

// Run serves until it is asked to stop. What it was told is remembered in the data directory, where tasuki serve does the same again.
func (c *MirrorFollowCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	role := mirrorRole{List: strings.ToLower(c.List), Key: c.Key, Test: c.AllowTest.AllowTest}
	var err error
	if role.Sources, err = sourceURLs(c.URL); err != nil {
		return err
	}
	if role.List != "" && !isListID(role.List) {
		return fmt.Errorf("--list: the id of a list has 64 hex digits")
	}
	if role.Key != "" {
		if role.Key, err = filepath.Abs(role.Key); err != nil {
			return err
		}
	}
	return p.serve(ctx, s, life{mirror: &role})
}

// MirrorStatusCmd is `tasuki mirror status`.
type MirrorStatusCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run asks the mirror of the data directory.
func (c *MirrorStatusCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	got, err := operated[mirrorAnswer](ctx, p, s, access{}, "mirror status", struct{}{})
	if err != nil {
		return err
	}
	if c.JSON {
		return p.json(got)
	}
	line := func(name, format string, args ...any) {
		fmt.Fprintf(p.Stdout, "%-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("list", "%s", got.List)
	line("origin", "%s (charter %d)", got.Origin, got.Charter)
	line("stored", "%s leaves", thousands(got.Size))
	if got.Published > 0 {
		line("published", "%s leaves, cosigned last %s", thousands(got.Published), got.PublishedAt)
	} else {
		line("published", "nothing that is stored here bears the quorum yet")
	}
	if got.Key != "" {
		line("key", "%s", got.Key)
		line("cosigned", "%s leaves", thousands(got.Cosigned))
	} else {
		line("key", "none: this copy cosigns nothing")
	}
	if got.Source != "" {
		line("source", "%s", got.Source)
	}
	for _, o := range got.Sealed {
		line("sealed", "%s", o)
	}
	if got.Hold != "" {
		line("HOLD", "%s", got.Hold)
	}
	if got.Stopped != "" {
		line("STOPPED", "%s", got.Stopped)
	}
	if got.Problem != "" {
		line("problem", "%s (since %s)", got.Problem, got.Since)
	}
	return nil
}

// mirrorAnswer says how far a mirror is.
type mirrorAnswer struct {
	List        string   `json:"list"`
	Origin      string   `json:"origin"`
	Charter     int64    `json:"charter"`
	Size        int64    `json:"size"`
	Published   int64    `json:"published"`
	PublishedAt string   `json:"published_at,omitzero"`
	Key         string   `json:"key,omitzero"`
	Cosigned    int64    `json:"cosigned"`
	Source      string   `json:"source,omitzero"`
	Sealed      []string `json:"sealed,omitempty"` // origins that it will never cosign again
	Hold        string   `json:"hold,omitzero"`
	Stopped     string   `json:"stopped,omitzero"`
	Problem     string   `json:"problem,omitzero"`
	Since       string   `json:"since,omitzero"`
}

func stampText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
