package sources

import (
	"time"

	"tasuki/web/layout"
)

// View is what the page shows.
type View struct {
	Page    layout.Page
	Jobs    []Job
	Imports []Import // newest first
	Older   string   // address of older imports; "" when there are none
	Refused Refused
}

// Job is a source that the node follows by itself.
type Job struct {
	Name     string
	Last     time.Time // end of the last run; zero when none ended
	Next     time.Time
	Sentence string // what the last run did or why it failed
	Failed   bool
	Running  bool
}

// Import is one finished import.
type Import struct {
	Leaf     int64
	Source   string
	Digest   string // hex, of the snapshot
	Sample   bool
	Outcome  string // in words
	Finished time.Time
}

// Refused is what was not taken in, a page at a time.
type Refused struct {
	Total   int64
	Reasons []Reason
	Rows    []Row
	Before  string // address of the page before; "" for none
	After   string
}

// Reason is why files were refused, and how many.
type Reason struct {
	Words string
	Code  string // the feed's word
	N     int64
}

// Row is one refused file.
type Row struct {
	Source, Path, Subject, Code, Reason, Digest string
	At                                          time.Time
}
