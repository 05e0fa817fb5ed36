package editor

import (
	"strconv"
	"strings"
	"time"

	"tasuki/web/history"
	"tasuki/web/portal"
	"tasuki/web/record"
	"tasuki/web/severity"
)

// View is the form for one identifier.
type View struct {
	portal.Frame
	ID    string
	State string // RESERVED, PUBLISHED, REJECTED: what it is on the list now
	At    string // the record's address in the portal, without an end: /portal/records/CVE-2026-1234

	// What the form carries from one request to the next.
	Doc     string // the container as the form was drawn from it
	Version int64  // of the draft it was drawn from
	Base    int64  // leaf of the published version that the writing began with, -1 for none
	Shown   []string

	Saved    time.Time // when the draft was saved; zero when there is none
	Notices  []Notice
	Checked  bool
	Problems []Problem // in the order of the form
	Errors   int
	Focus    string // id of the control to go on with
	Rules    string // version of the CNA rules that the hints speak of
	Sections []Section
	JSON     JSON
	Starts   Starts
}

// New says that nothing is published under the identifier.
func (v *View) New() bool { return v.State != "PUBLISHED" }

// Notice says what the writer has to know, and what can be done about it.
type Notice struct {
	Kind    string // "warn" or ""
	Text    string
	Ways    []Way
	Choices []Choice
}

// Way is a link with a word on it.
type Way struct{ Label, Href string }

// Choice is a button of the form: its op.
type Choice struct{ Label, Op string }

// Problem is something wrong, or to be considered, with the way to where it is.
type Problem struct {
	ID    string // of the control or row; "" for the whole
	Where string // what that is called
	Text  string
	Error bool // else a remark
}

// Section is one part of the form.
type Section struct {
	Key      string // end of the glossary key "edit.s.…" and the section's id
	Optional bool   // folded while there is nothing in it
	Open     bool
	Rule     string // of the CNA rules, "" where they ask nothing
	Items    []Item
}

// Item is a field, a list of rows, a calculator or items under a fold. Exactly one is set.
type Item struct {
	Field *Field
	Rows  *Rows
	Calc  *Calc
	Fold  *Fold
}

// Fold is items that most records do without.
type Fold struct {
	Label string
	Open  bool
	Items []Item
}

// Field is one control, or two that belong together.
type Field struct {
	Name, ID string
	Label    string
	Hint     string
	Kind     string // line, prose, choice, free, list, tags, time, weak, bound
	Value    string
	Which    string   // of a bound: the other control's value
	Options  []Option // of choice, free, tags, bound
	Lang     string   // of what is written in it, "" for the page's
	Mono     bool
	Narrow   bool
	Wide     bool
	Needed   bool
	Odd      string // JSON of a member that no field can show
	Found    []Weakness
	Problems []Problem
}

// Option is a value that can be chosen.
type Option struct {
	Value, Label string
	On           bool
}

// Weakness is an entry of CWE that a search found.
type Weakness struct{ ID, Name, Usage string }

// Rows is a list of objects.
type Rows struct {
	Name, ID string
	Label    string
	Hint     string
	Rows     []Row
	Adds     []Choice
	More     int // rows that are there and not shown
	Inner    bool
	Problems []Problem
}

// Row is one of them.
type Row struct {
	Name, ID string
	Legend   string
	First    bool
	Line     bool // its fields stand in one line where there is room
	Items    []Item
	Kept     []Kept
	Problems []Problem
}

// Kept is a member that no field shows.
type Kept struct {
	Name  string
	Label string
	JSON  string
}

// Calc is a CVSS calculator.
type Calc struct {
	Field    Field // the vector
	Version  string
	Groups   []Group
	Score    *severity.Score // nil while the vector is not whole
	Problems []Problem
}

// Group is the metrics of one kind.
type Group struct {
	Label   string
	Open    bool
	Metrics []Metric
}

// Metric is one choice.
type Metric struct {
	Name, ID string
	Abbr     string
	Label    string
	Values   []MetricValue
}

// MetricValue is a value that a metric can have.
type MetricValue struct {
	Short, Label, Sentence string
	On                     bool
}

// JSON is the container as text.
type JSON struct {
	Text    string
	Problem string
	Kept    []Kept // members that no field shows
}

// Starts is what a new record can begin with.
type Starts struct {
	Templates []string
	Records   []string
}

// ID makes an element's id of a field's name, which is a JSON pointer and perhaps a part of it.
func ID(name string) string {
	var b strings.Builder
	b.WriteByte('f')
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			b.WriteByte(c)
		case c == '/':
			b.WriteByte('-')
		default:
			b.WriteString("_" + strconv.FormatInt(int64(c), 16))
		}
	}
	return b.String()
}

// about lists what explains a control to those who hear the page.
func (f *Field) about() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.ID+"-h")
	}
	return strings.Join(append(ids, f.ID+"-p"), " ")
}

func (f *Field) invalid() bool {
	for _, p := range f.Problems {
		if p.Error {
			return true
		}
	}
	return false
}

// lines is how many lines a text's control shows.
func (f *Field) lines() string {
	n := 2
	if f.Kind == "prose" {
		n = 4
	}
	return strconv.Itoa(min(14, max(n, strings.Count(f.Value, "\n")+1+len(f.Value)/90)))
}

// Preview is the record as its page will show it, and what changes by it.
type Preview struct {
	portal.Frame
	ID      string
	At      string
	New     bool
	Version int64
	Errors  int
	Record  record.View
	Changes []history.Group
	Count   int
}

// Desk is the page of somebody's drafts and their organisation's templates.
type Desk struct {
	portal.Frame
	Drafts    []Draft
	Templates []Template
}

// Draft is a record that is being written.
type Draft struct {
	ID string
	At time.Time
}

// Template is one of them.
type Template struct {
	Name string
	By   string // username, "" when that is not known
	At   time.Time
}
