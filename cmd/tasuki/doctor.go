package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// DoctorCmd is `tasuki doctor`.
type DoctorCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// finding is one thing that was looked at.
type finding struct {
	Name  string `json:"name"`
	Level string `json:"level"` // ok, warn, fail
	Text  string `json:"text"`
	Do    string `json:"do,omitzero"` // what to do about it
}

// The levels.
const (
	levelOK   = "ok"
	levelWarn = "warn"
	levelFail = "fail"
)

// doctorAnswer is everything that was looked at.
type doctorAnswer struct {
	Role     string    `json:"role"` // operator, mirror, client
	List     string    `json:"list,omitzero"`
	Findings []finding `json:"findings"`
}

func (a *doctorAnswer) say(level, name, do, format string, args ...any) {
	a.Findings = append(a.Findings, finding{name, level, fmt.Sprintf(format, args...), do})
}

func (a *doctorAnswer) ok(name, format string, args ...any) {
	a.say(levelOK, name, "", format, args...)
}

func (a *doctorAnswer) count(level string) (n int) {
	for _, f := range a.Findings {
		if f.Level == level {
			n++
		}
	}
	return n
}

// Run looks at everything that this copy of the list depends on. It works beside a running node and without one, and exits with 1 when something fails.
func (c *DoctorCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	var got doctorAnswer
	x, err := p.session(ctx, s, access{})
	switch {
	case err == nil:
		report := p.reporter()
		got, err = operate[doctorAnswer](ctx, x, "doctor", struct{}{}, report)
		report.Close()
		if err = errors.Join(err, x.Close()); err != nil {
			return err
		}
	case ctx.Err() != nil || errors.Is(err, ErrNoData):
		return err
	default:
		// A store that cannot be opened has files that can be looked at.
		got.Role = "unknown"
		got.say(levelFail, "store", "if nothing else helps, \"tasuki restore\" brings a backup back", "the node cannot be opened: %v", err)
		lookAtFiles(&got, s.Data)
	}
	if c.JSON {
		err = p.json(got)
	} else {
		err = p.printFindings(got)
	}
	if err == nil && got.count(levelFail) > 0 {
		err = exitError{exitFailure}
	}
	return err
}

func (p *Program) printFindings(got doctorAnswer) error {
	t := p.terminal(p.Stdout)
	for _, f := range got.Findings {
		level := fmt.Sprintf("%-4s", f.Level)
		if f.Level == levelFail {
			level = t.red(level)
		}
		fmt.Fprintf(p.Stdout, "%s  %-14s %s\n", level, f.Name, clean(f.Text))
		if f.Do != "" {
			fmt.Fprintf(p.Stdout, "      %-14s → %s\n", "", clean(f.Do))
		}
	}
	_, err := fmt.Fprintf(p.Stdout, "%d looked at: %d warnings, %d failures\n", len(got.Findings), got.count(levelWarn), got.count(levelFail))
	return err
}

// lookAtFiles checks what can be seen of a data directory from outside.
func lookAtFiles(a *doctorAnswer, dir string) {
	for _, name := range []string{logKeyFile, boardKeyFile} {
		info, err := os.Stat(filepath.Join(dir, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			a.say(levelFail, "keys", "", "%s: %v", name, err)
		default:
			a.mode(filepath.Join(dir, name), info)
		}
	}
	a.disk(dir)
}

// mode checks that a key is its owner's alone.
func (a *doctorAnswer) mode(path string, info fs.FileInfo) {
	if info.Mode().Perm()&0o077 != 0 && !windowsModes {
		a.say(levelFail, "keys", "chmod 600 "+path, "%s can be read by others (mode %04o)", path, info.Mode().Perm())
		return
	}
	a.ok("keys", "%s is its owner's alone", path)
}

// How little room is a warning, and a failure.
const (
	diskWarn = 5 << 30
	diskFail = 512 << 20
)

// disk checks the room that is left.
func (a *doctorAnswer) disk(dir string) {
	free, err := diskFree(dir)
	switch {
	case err != nil:
		a.say(levelWarn, "disk", "look at it by hand", "the room that is left is not known: %v", err)
	case free < diskFail:
		a.say(levelFail, "disk", "make room now: a full disk stops every write", "%s left for %s", bytesText(free), dir)
	case free < diskWarn:
		a.say(levelWarn, "disk", "make room", "%s left for %s", bytesText(free), dir)
	default:
		a.ok("disk", "%s left for %s", bytesText(free), dir)
	}
}
