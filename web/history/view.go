package history

import (
	"strconv"
	"strings"
	"time"

	"tasuki/web/i18n"
	"tasuki/web/layout"
)

// View is the page of a record's versions.
type View struct {
	Page         layout.Page
	ID           string
	Headline     string
	HeadlineLang string
	List         List
	Older        string // address of the page after, or ""
	Newer        string
}

// List is versions of one record to choose two from, newest first.
type List struct {
	ID       string
	Versions []Version
	Total    int    // of the record; more than len(Versions) when the rest is on a page of its own
	All      string // address of all of them, or ""
}

// Version is one entry of the log about a record.
type Version struct {
	N      int // counted from the oldest, which is 1
	Index  int64
	Logged time.Time
	Source time.Time // when its source had it
	Kind   string    // of the event: record.imported, …; record.put.adp for an ADP's container
	Erased bool
	First  bool // the list learnt of the record
	Shown  bool // it is what the page is about
	Who    []string
	// Lines say what changed since the version before, if it was compared (Told); More is how many further changes there are.
	Told  bool
	Lines []Line
	More  int
}

// Line is one change in words: "score", "CVSS 3.1", "7.5", "9.8", "Acme (CNA)".
type Line struct {
	Op      string // added, removed, changed
	What    string // in the page's language
	Subject string
	Before  string
	After   string
	Party   string // "Acme (CNA)"
	Short   string // the same where it stands in brackets: "CNA" for the CNA, else the name
}

// Number is a version's name: v3.
func Number(n int) string { return "v" + strconv.Itoa(n) }

// words is a line as one sentence.
func (x Line) words(l i18n.Lang) string {
	what := x.What
	if x.Subject != "" {
		what += " " + x.Subject
	}
	said := ""
	switch {
	case x.Op == "added" && x.After == "":
		said = l.T("change.added", what)
	case x.Op == "added":
		said = l.T("change.added.value", what, x.After)
	case x.Op == "removed" && x.Before == "":
		said = l.T("change.removed", what)
	case x.Op == "removed":
		said = l.T("change.removed.value", what, x.Before)
	case x.Before == "" && x.After == "":
		said = l.T("change.changed", what)
	default:
		said = l.T("change.changed.value", what, x.Before, x.After)
	}
	if x.Short != "" {
		said = l.T("change.by", said, x.Short)
	}
	return said
}

// inOneLine is what a version changed.
func (v Version) inOneLine(l i18n.Lang) string {
	said := make([]string, len(v.Lines))
	for i, x := range v.Lines {
		said[i] = x.words(l)
	}
	return strings.Join(said, l.T("change.and"))
}

// picked is whether a version is preset as the older (1) or newer (0) side of the comparison.
func (x List) picked(i, side int) bool { return i == side || len(x.Versions) == 1 && i == 0 }

// Diff is the page that compares two versions.
type Diff struct {
	Page         layout.Page
	ID           string
	Headline     string
	HeadlineLang string
	Old, New     Version
	Same         bool // both sides are one version
	Groups       []Group
	Count        int
	More         int    // changes beyond those shown
	Raw          string // address of the same comparison as JSON
	Earlier      string // the comparison before this one, and the one after; or ""
	Later        string
}

// Group is the changes that belong to one question of the record's page.
type Group struct {
	Name    string
	Changes []Change
}

// Change is one difference with what stands behind it.
type Change struct {
	Line
	Pointer string // RFC 6901, into the newer version; for what was removed into the older
	From    string // into the older, where that differs
	Old     string // the part itself as JSON, or ""
	New     string
	Words   []Word // a text compared word by word; nil for anything else
	Lang    string // of that text
}

// Word is a run of words that both versions have (Op ""), or only the older ("removed") or newer ("added").
type Word struct{ Op, Text string }
