package record

import (
	"time"

	"tasuki/web/history"
	"tasuki/web/layout"
	"tasuki/web/severity"
)

// View is one record as its page shows it. Every value carries the party that said it.
type View struct {
	Page      layout.Page
	ID        string
	State     string // PUBLISHED, REJECTED
	Versions  int    // in the log
	Shown     int    // which of them this is, counted from 1
	Published time.Time
	Changed   time.Time
	Assigner  string

	AsOf AsOf

	Headline     string
	HeadlineLang string
	Tags         []Tag  // disputed, unsupported when assigned, …: they change what the reader should think
	Cases        []Case // that are open about it
	Statements   []Statement
	ReplacedBy   []string

	Scores   []Score // the one that counts first
	Disagree []string
	KEV      *KEV
	SSVC     *SSVC
	CWEs     []Weakness

	Affected      []Product
	AffectedPages Pages

	Fixed       []Fix
	Advice      []Statement
	Advisories  []Link
	Containers  []Container
	Differences []string // where the parties contradict each other, in words
	References  []RefGroup
	RefPages    Pages
	Credits     []Credit
	Timeline    []Remark
	History     history.List
	Leaf        int64    // of this version
	Verify      []string // commands; none for a version that is not the newest
	Raw, Proof  string   // addresses
	ListID      string
}

// Case is a dispute, or another case of the Program, about the record.
type Case struct {
	Href  string
	Label string // what it is and where it stands
}

// AsOf is the moment that the page answers for, and the form that asks for another.
type AsOf struct {
	Past   bool // the page is not about now
	Banner string
	Ways   []Way  // to now, to what changed since
	Day    string // what stands in the form: 2024-03-05 or ""
	Source bool   // the source's clock is chosen
	Today  string // the last day that can be asked for
}

// Way is a link with a word on it.
type Way struct{ Label, Href string }

// Pages says which page of a long section is shown, and leads to the others. The zero value is a section that fits.
type Pages struct {
	At, Of     int
	Prev, Next string // addresses; "" at the ends
	Text       string // what is on this page: "versions 1 to 200 of 4,868"
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

// Metric is one part of a vector: "AV:N", its weight from 0 (harmless) to 3, and a sentence. Impact metrics say what is
// harmed, the others how it is attacked.
type Metric struct {
	Abbr, Value string
	Weight      int
	Impact      bool
	Name        string
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

// Product is one affected entry, or the part of a long one that is on this page.
type Product struct {
	Vendor, Name string
	Package      string // purl, or package name with its collection
	Default      string // default status, when it says something
	Ranges       []Range
	Line         *Line // the ranges drawn; nil when they cannot be
	Continued    bool  // it began on the page before
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
	Commits   bool // From and To are commits: what lies between them is not for us to say
	Changes   []string
}

// Line is a product's ranges drawn over their bounds. Places are counted from 0, the first version of all, to Steps, where
// every version there will be lies.
type Line struct {
	Default string
	Steps   int
	Lanes   int
	Marks   []Mark
	Bars    []Bar
}

// Mark is a bound with its place.
type Mark struct {
	Label string
	At    int
}

// Bar is a range from place to place; From == To is a single version.
type Bar struct {
	Status    string
	From, To  int
	First     bool // from the first version on
	Inclusive bool
	Open      bool
	Lane      int
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
	Total int // of this purpose; more than len(Links) when they are on several pages
}

// Container is one party's statement as a column of "who says what".
type Container struct {
	Source  string
	Updated time.Time
	Cells   []Cell // in the order of Rows
}

// Cell is what a party says on one subject; the zero value is nothing.
type Cell struct {
	Lines []string
	Lang  string // of prose in another language than the page's
}

// Rows are the lines of "who says what".
var Rows = []string{"title", "description", "severity", "weakness", "products", "versions", "references", "exploited"}

// Credit thanks somebody.
type Credit struct{ Name, Role string }

// Remark is a dated remark of the record's timeline.
type Remark struct {
	At    time.Time
	Value string
	Lang  string
}
