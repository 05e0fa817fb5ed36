package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/edge/serve/front"
)

// Backend makes nodes. It is what the commands know of the wiring in node.go.
type Backend struct {
	// Open opens the node in a data directory that the caller holds.
	Open func(ctx context.Context, s Setup) (Node, error)
	// Restore works on a data directory while no node is open in it.
	Restore func(ctx context.Context, s Setup, r RestoreRequest, report Reporter) (RestoreSummary, error)
	// Promote opens the epoch that a charter gives to this data directory, while no node is open in it.
	Promote func(ctx context.Context, s Setup, r PromoteRequest, report Reporter) (PromoteSummary, error)
}

// Setup is all that a node is made from.
type Setup struct {
	Config Config
	Dir    *DataDir
	// Create permits to found a new list when the directory is empty. Commands that only read or check never found one.
	Create bool
	// Seed is what an empty directory is filled with, nil for nothing. Its list is a test list for good.
	Seed *Seed
	// Mirror makes the directory, which must be new or this already, a copy that follows somebody else's list; nil leaves it what it is.
	Mirror *mirrorRole
	Log    *slog.Logger
	Now    func() time.Time
	Rand   io.Reader
}

// Node is an open data directory: the surfaces it offers, the work it does by itself, the jobs it can be given.
type Node interface {
	// Spaces are the protocols' URL spaces, without health, metrics and control, which the front door adds.
	Spaces() []front.Space
	// Ready returns nil once requests can be answered; else the reason in one line.
	Ready(ctx context.Context) error
	// Status is the object of /health.
	Status(ctx context.Context) any
	// Mark sets the headers that every answer of the node carries.
	Mark(h http.Header)
	// Gauges are read at every scrape of /metrics: name without prefix, and value.
	Gauges() []Gauge
	// Run does the node's own work (signing, following, schedules) until ctx ends, and returns when it has stopped.
	Run(ctx context.Context) error
	// Summary says in one line what the node holds: "42,107 records in list 9c1f00aa".
	Summary(ctx context.Context) (string, error)
	// Banner is what nobody who starts the node should overlook, "" for nothing.
	Banner() string
	// Empty reports whether no record has entered yet.
	Empty(ctx context.Context) (bool, error)

	Jobs
	// Close releases the store. The caller then closes the data directory.
	Close() error
}

// Gauge is one number that is worth watching.
type Gauge struct {
	Name, Help string
	Value      func() float64
}

// Jobs are the long pieces of work. Each stops consistently when ctx ends and then returns what was done together with
// ctx's error; each can be started in this process or, through the socket, in the one that runs the node.
type Jobs interface {
	// Import takes in records. stdin is what the path "-" reads.
	Import(ctx context.Context, r ImportRequest, stdin io.Reader, report Reporter) (ImportSummary, error)
	// Refused lists what imports refused and kept, or tries it again.
	Refused(ctx context.Context, r RefusedRequest, report Reporter) (RefusedSummary, error)
	Sync(ctx context.Context, r SyncRequest, report Reporter) (ImportSummary, error)
	Replay(ctx context.Context, r ReplayRequest, report Reporter) (ReplaySummary, error)
	Fsck(ctx context.Context, r FsckRequest, report Reporter) (FsckSummary, error)
	Backup(ctx context.Context, r BackupRequest, report Reporter) (BackupSummary, error)
	// Operate carries out one act of the operator and returns what came of it as JSON.
	Operate(ctx context.Context, r OperateRequest, report Reporter) (jsontext.Value, error)
}

// Reporter is told how a job goes on. Its methods are called from one goroutine at a time.
type Reporter interface {
	// Progress says how far a step is; it may be called as often as the job likes.
	Progress(Progress)
	// Step says in one line that a step is finished.
	Step(text string)
	// Item names one file, leaf or table that deserves a line of its own.
	Item(Item)
}

// Progress is how far a step has come.
type Progress struct {
	Step  string `json:"step"`
	Done  int64  `json:"done"`
	Total int64  `json:"total,omitzero"` // 0 while nobody knows
	Unit  string `json:"unit"`           // "records", "bytes", "leaves"
}

// Item is one outcome.
type Item struct {
	// Outcome is added, updated, unchanged, stale, divergent, refused; or problem, for checks.
	Outcome string `json:"outcome"`
	// Name is the file as its source calls it, or what a check looked at: "leaf 7", "tile 0/3".
	Name   string `json:"name"`
	ID     string `json:"id,omitzero"`
	Code   string `json:"code,omitzero"`
	Reason string `json:"reason,omitzero"`
	SHA256 string `json:"sha256,omitzero"`
}

// ImportRequest asks for an import. Paths are absolute, or "-".
type ImportRequest struct {
	Paths []string `json:"paths"`
	// History asks for every version that the git repositories at Paths hold.
	History bool `json:"history,omitzero"`
	// Sample asks for the records that the program carries; Paths is empty then.
	Sample bool `json:"sample,omitzero"`
	DryRun bool `json:"dry_run,omitzero"`
	// Every asks for an Item per file; otherwise only refused and divergent ones are reported.
	Every bool `json:"every,omitzero"`
}

// ImportSummary counts an import's outcomes.
type ImportSummary struct {
	Files     int64    `json:"files"`
	Added     int64    `json:"added"` // in a dry run: what would be handed over, new or newer
	Updated   int64    `json:"updated"`
	Unchanged int64    `json:"unchanged"`
	Stale     int64    `json:"stale"`
	Divergent int64    `json:"divergent"`
	Refused   int64    `json:"refused"`
	Ignored   int64    `json:"ignored,omitzero"` // files of a source that are no records and do not claim to be
	Took      Duration `json:"took"`
	DryRun    bool     `json:"dry_run,omitzero"`
	// Size is the log's size afterwards.
	Size int64 `json:"size"`
}

// RefusedRequest asks for the list of refused files (an Item each), or for another try.
type RefusedRequest struct {
	Retry bool `json:"retry,omitzero"`
	Clear bool `json:"clear,omitzero"` // forget them
}

// RefusedSummary is the count after the request was done.
type RefusedSummary struct {
	Kept     int64          `json:"kept"`
	Imported *ImportSummary `json:"imported,omitzero"` // after a retry
}

// SyncRequest asks for one synchronisation now.
type SyncRequest struct {
	// From is the base URL.
	From  string `json:"from"`
	Every bool   `json:"every,omitzero"` // as in ImportRequest
}

// ReplayRequest asks to fold the log again.
type ReplayRequest struct {
	// CheckOnly compares and leaves the tables as they were.
	CheckOnly bool `json:"check_only,omitzero"`
}

// ReplaySummary has the digests before and after.
type ReplaySummary struct {
	Leaves int64          `json:"leaves"`
	Tables []TableCompare `json:"tables"`
	Took   Duration       `json:"took"`
}

// TableCompare is one projection's digest before and after a replay, in hex.
type TableCompare struct {
	Name   string `json:"name"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// FsckRequest asks for a check of the store.
type FsckRequest struct {
	// Quick leaves bodies and folds out.
	Quick bool `json:"quick,omitzero"`
}

// FsckSummary counts what was checked. Problems are reported as Items as well.
type FsckSummary struct {
	Leaves   int64    `json:"leaves"`
	Problems int64    `json:"problems"`
	Root     string   `json:"root"`
	Took     Duration `json:"took"`
}

// BackupRequest asks for a backup into a new file, absolute.
type BackupRequest struct {
	To string `json:"to"`
	// WithKey includes the log's private key.
	WithKey bool `json:"with_key,omitzero"`
}

// BackupSummary describes the file.
type BackupSummary struct {
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
	Size  int64  `json:"size"` // of the log inside
}

// RestoreRequest asks to bring a backup back, to open a new epoch, or both.
type RestoreRequest struct {
	// Backup is the file to unpack into the data directory, which must be new; empty works on the directory as it is.
	Backup string
	// BoardKey is the file of the board's key, with which charter v+1 is signed; without it the store stays read-only.
	BoardKey string
	// AllowTest takes the backup of a test list too.
	AllowTest bool
}

// RestoreSummary says what is there now.
type RestoreSummary struct {
	Size     int64  `json:"size"`
	Epoch    int64  `json:"epoch"`
	ReadOnly bool   `json:"read_only"`
	Origin   string `json:"origin"`
}
