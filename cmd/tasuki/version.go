package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// VersionCmd is `tasuki version`.
type VersionCmd struct {
	JSON bool `name:"json" help:"Print as JSON."`
}

// Version describes the running program.
type Version struct {
	Version  string `json:"version"`            // the module's version, or the commit, or "devel"
	Modified bool   `json:"modified,omitzero"`  // built from a tree with local changes
	Go       string `json:"go"`                 // of the compiler
	Platform string `json:"platform"`           // "linux/amd64"
	Format   int    `json:"data_format"`        // newest data directory understood
	Time     string `json:"committed,omitzero"` // of the commit, RFC 3339
}

// version reads what the compiler noted.
func version() Version {
	v := Version{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Format: dataFormat}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if m := info.Main.Version; m != "" && m != "(devel)" {
		v.Version = m
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			if v.Version == "devel" {
				v.Version = s.Value
			}
		case "vcs.time":
			v.Time = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

// Run prints the version.
func (c *VersionCmd) Run(p *Program) error {
	v := version()
	if c.JSON {
		return p.json(v)
	}
	_, err := fmt.Fprintf(p.Stdout, "tasuki %s (%s, %s)\n", v.Version, v.Go, v.Platform)
	return err
}
