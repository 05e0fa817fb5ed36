// Package cvelist publishes the list in the forms in which the world reads it: a git repository laid out like cvelistV5, with
// delta.json and deltaLog.json, and the baseline and delta zips with their official names.
//
// Everything is made from the log's own sequence. What stands at a size of the log is a pure function of the log, a delta is the
// difference of two such states, and each publication begins where the one before it ended; so a baseline with the deltas after it is
// the next baseline by construction, and Verify proves it with nothing but the files. See docs/protocols/publication.md.
package cvelist

import (
	"context"
	"encoding/base64"
	"errors"
	"time"

	"tasuki/internal/catalogue"
)

// Errors that callers branch on.
var (
	// ErrForeign means a repository or folder that something else made, or that belongs to another list.
	ErrForeign = errors.New("cvelist: not a publication of this list")
	// ErrFork means a publication of a log that this one is no continuation of.
	ErrFork = errors.New("cvelist: the publication is of another history of this list")
	// ErrGit means that git is not there, or refused.
	ErrGit = errors.New("cvelist: git")
)

// Checkpoint is the newest state of the log that counts: nothing beyond it is published.
type Checkpoint struct {
	Size int64
	Root [32]byte
	Note []byte // the signed note
}

// Moment is the log at a size.
type Moment struct {
	Size int64
	Root [32]byte
	Time time.Time // when the last leaf entered, zero at size 0
}

// root is how a root is written everywhere in publications, as in checkpoints.
func (m Moment) root() string { return base64.StdEncoding.EncodeToString(m.Root[:]) }

// Source is a list as this package asks for it. It is safe for concurrent use.
type Source interface {
	// ID is the list's id: 64 hex digits.
	ID() string
	// Test says that it is a test list: nothing in it counts.
	Test() bool
	// Published is the newest checkpoint that counts; the zero value while there is none.
	Published(ctx context.Context) (Checkpoint, error)
	// At is the log at a size that it has.
	At(ctx context.Context, size int64) (Moment, error)
	// SizeAt is how many leaves the log had at a time, that included.
	SizeAt(ctx context.Context, at time.Time) (int64, error)

	Records
}

// Records is what the catalogue knows of records and sizes.
type Records interface {
	Steps(ctx context.Context, from, to int64) ([]catalogue.Step, error)
	Originals(ctx context.Context, refs []catalogue.Ref, fn func(i int, raw []byte, made bool) error) error
	Erasures(ctx context.Context, from, to int64) ([]catalogue.Erasure, error)
}

var _ Records = (*catalogue.Service)(nil)

// Links are the addresses that delta files name beside each record, each with the identifier or path appended.
type Links struct {
	Record string // of a record's page: "https://cve.example.jp/CVERecord?id="
	File   string // of the tree's files: "https://cve.example.jp/cvelist/"
}
