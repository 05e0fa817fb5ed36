package log

import (
	"time"

	"tasuki/web/layout"
)

// View is what the page of the log shows.
type View struct {
	Page    layout.Page
	Signed  *Signed // nil when nothing has been signed yet
	Size    int64   // leaves in the log, signed or not
	Entries []Entry // newest first
	Newer   string  // addresses of the neighbouring pages; "" where there is none
	Older   string
}

// Signed is a checkpoint.
type Signed struct {
	Text    string // the note, as signed
	Origin  string
	Size    int64
	Root    string // hex
	Time    time.Time
	Signers []Signer
}

// Signer is one signature of a checkpoint.
type Signer struct {
	Name string
	Role string // whose key of the charters this node checked it with: log, mirror, witness; "" for none
}

// Entry is a row of the log.
type Entry struct {
	Index  int64
	Kind   string // in words
	ID     string // the record that it is about; "" for none
	Detail string // what else tells it from others of its kind
	By     string // who says so
	Logged time.Time
}

// EntryView is what the page of one entry shows.
type EntryView struct {
	Page     layout.Page
	Entry    Entry
	Sentence string
	Kind     string    // as the log writes it
	By       string    // the author's permanent identifier
	At       time.Time // when the author says that it happened
	Covered  bool      // a signed checkpoint covers it
	Hash     string    // of the leaf, hex
	Leaf     string    // the exact bytes
	Readable string    // the same, set out over lines
	Beside   *Beside   // nil when the event names none
	Back     int64     // the previous entry about the same thing; -1 when there is none
	Sigs     int       // authors' signatures; 0 means that the operator vouches
	Previous string    // addresses; "" where there is none
	Next     string
	Commands string // how to check this entry without this server, a command a line
}

// Beside is the body that stands beside a leaf.
type Beside struct {
	Hash  string // hex, salted
	Bytes int64
	State string // present, erased, committed
	Href  string
}
