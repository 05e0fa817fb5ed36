package record

import (
	"time"

	"tasuki/web/layout"
	"tasuki/web/severity"
)

// View is one record as its page shows it. Every value carries the party that said it.
type View struct {
	Page      layout.Page
	ID        string
	State     string // PUBLISHED, REJECTED
	Versions  int
	Published time.Time
	Changed   time.Time
	Assigner  string

	Headline     string
	HeadlineLang string
	Tags         []Tag // disputed, unsupported when assigned, …: they change what the reader should think
	Statements   []Statement
	ReplacedBy   []string

	Scores   []Score // the one that counts first
	Disagree []string
	KEV      *KEV
	SSVC     *SSVC
	CWEs     []Weakness

	Affected     []Product
	AffectedMore int // entries beyond those shown

	Fixed      []Fix
	Advice     []Statement
	Advisories []Link
	Containers []Container
	References []RefGroup
	Credits    []Credit
	Timeline   []Remark
	History    []Version
	Verify     []string // commands
	Raw, Proof string   // addresses
	ListID     string
	LogSize    int64
}

// Tag is a record's tag in words.
type Tag struct{ Label, Explain string }

// Statement is prose by somebody in some language. It is text, never markup.
type Statement struct {
	Kind   string // "" for a description, else solution, workaround, configuration, exploit, reason
	Value  string
	Lang   string // differs from the page's language, or ""
	Source string
	Hidden bool // the same in another language: shown folded
}

// Score is a severity with what its vector says, metric by metric.
type Score struct {
	severity.Score
	Metrics  []Metric
	Computed bool // from the vector; else as its author states it
	Scenario string
}

// Metric is one part of a vector: "AV:N", its weight from 0 (harmless) to 3, and a sentence.
type Metric struct {
	Abbr, Value string
	Weight      int
	Sentence    string
}

// KEV is an entry of the list of known exploited vulnerabilities.
type KEV struct {
	Added  string
	Source string
}

// SSVC is a Stakeholder-Specific Vulnerability Categorization (decision points and their values).
type SSVC struct {
	Points []Point
	Source string
	At     time.Time
}

// Point is one decision point.
type Point struct{ Name, Value string }

// Weakness is a CWE entry, or a weakness in words when ID is "".
type Weakness struct {
	ID, Name, Source string
}

// Product is one affected entry.
type Product struct {
	Vendor, Name string
	Package      string // purl, or package name with its collection
	Default      string // default status, when it says something
	Ranges       []Range
	More         int // ranges beyond those shown
	CPEs         []string
	CPEMore      int
	Platforms    []string
	Parts        []string // modules, files, functions
	Folded       bool     // repeats in other words what the CNA said: shown folded
	Repo         string   // http(s) only
	Source       string
}

// Range is a version or a range with its status. An empty From is "from the first"; an empty To is a single version,
// or open-ended when Open.
type Range struct {
	Status    string // affected, unaffected, unknown
	From, To  string
	Inclusive bool // To itself has the status
	Open      bool
	Fixed     bool // To is the first version that is not affected
	Changes   []string
}

// Fix names the first versions of a product that are not affected, one per branch.
type Fix struct {
	Product  string
	Versions []string
	More     int // versions beyond those shown
}

// Link is a reference.
type Link struct {
	URL, Host, Text string
	Safe            bool // http or https; anything else is shown as text
	Tags            []string
	Source          string
}

// RefGroup is references of one purpose.
type RefGroup struct {
	Name  string
	Links []Link
}

// Container is one party's statement as a column of "who says what".
type Container struct {
	Title   string
	Source  string
	Updated time.Time
	Cells   []string // in the order of Rows
}

// Rows are the lines of "who says what".
var Rows = []string{"title", "description", "severity", "weakness", "products", "references", "exploited"}

// Credit thanks somebody.
type Credit struct{ Name, Role string }

// Remark is a dated remark of the record's timeline.
type Remark struct {
	At    time.Time
	Value string
	Lang  string
}

// Version is one entry of the log about this record.
type Version struct {
	N      int
	Index  int64
	Logged time.Time
	Source time.Time // what the record itself says
	Kind   string
}
