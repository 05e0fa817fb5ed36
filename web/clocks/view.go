package clocks

import (
	"net/url"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"tasuki/web/i18n"
	"tasuki/web/layout"
)

// View is the page of all clocks.
type View struct {
	Page    layout.Page
	Filters []Filter
	Plain   bool // nothing is filtered
	Overdue []Row
	Running []Row
	Total   int    // that the filter finds
	Prev    string // addresses of the pages before and after; "" at the ends
	Next    string
	Tallies []Tally // by organisation
}

// Filter is a choice of values; the first option is all of them.
type Filter struct {
	Name    string // of the parameter, and the end of its glossary key "clocks.filter.…"
	Options []Option
}

// Option is one value of a filter.
type Option struct {
	Value, Label string
	Chosen       bool
}

// Row is one clock.
type Row struct {
	Key      string // names it for good
	What     string // what it measures, in words
	About    string // of the rule, in the rule pack's words; may be empty
	Strength string // must, should, may
	Rule     string // where the Program says so; may be empty
	Pack     string // version of the rule pack
	Started  time.Time
	Due      time.Time
	Overdue  bool
	Left     string // how long until then, or since, in words
	Org      Org    // who is to act; empty while that is not public
	CVE      string
	Case     string
	Leaf     int64 // that started it
}

// Org is an organisation with its page; Href may be empty.
type Org struct{ Short, Href string }

// Tally is how an organisation keeps its deadlines.
type Tally struct {
	Org         Org
	Running     int64
	Overdue     int64
	Met, Missed int64
	Share       string // of those that ended or ran out, that were met: "96 %"; "" while there are none
	Clocks      string // address of its clocks
}

// Left says how long before or after now a deadline is, in the largest unit that fits.
func Left(l i18n.Lang, due, now time.Time) string {
	d, late := due.Sub(now), now.After(due)
	if late {
		d = -d
	}
	n, unit := int64(d/(24*time.Hour)), "days"
	switch {
	case d < time.Hour:
		n, unit = int64(d/time.Minute), "minutes"
	case d < 48*time.Hour:
		n, unit = int64(d/time.Hour), "hours"
	}
	if late {
		return l.N("clocks.late."+unit, n)
	}
	return l.N("clocks.left."+unit, n)
}

func leaf(n int64) string { return "/log/" + strconv.FormatInt(n, 10) }

func caseURL(id string) string { return "/disputes/" + url.PathEscape(id) }

// english tags the rule pack's words, which are English.
func english(l i18n.Lang) templ.Attributes {
	if l == i18n.English {
		return nil
	}
	return templ.Attributes{"lang": string(i18n.English)}
}
