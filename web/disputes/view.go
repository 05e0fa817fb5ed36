package disputes

import (
	"strconv"
	"time"

	"github.com/a-h/templ"

	"tasuki/web/clocks"
	"tasuki/web/i18n"
	"tasuki/web/layout"
)

// List is the page of all cases.
type List struct {
	Page    layout.Page
	Filters []clocks.Filter
	Plain   bool // nothing is filtered
	Total   int
	Rows    []Row
	Prev    string
	Next    string
}

// Row is a case in a line.
type Row struct {
	Href     string
	Kind     string // of workflow, in words
	Subject  string // in words; may be empty
	State    string // in words
	Level    string // in words; may be empty
	Outcome  string // in words; "" while it runs
	IDs      []string
	More     int // identifiers beyond those
	Party    clocks.Org
	Against  clocks.Org
	Decides  clocks.Org
	Hidden   bool
	Opened   time.Time
	Changed  time.Time
	Due      time.Time // zero for none
	Overdue  bool
	Left     string
	Anyone   string // what stands for a party without a name here
	Finished bool
}

// Case is the page of one case.
type Case struct {
	Page  layout.Page
	ID    string
	Row   Row
	IDs   []string // all of them
	Steps []Step   // oldest first
	Clock []clocks.Row
	Pack  string
}

// Step is one step of a case.
type Step struct {
	Words    string // what was done
	By       clocks.Org
	Org      clocks.Org // whom it concerns; empty where that is who did it
	CVE      string
	Level    string
	Outcome  string
	Reason   string
	Due      time.Time
	At       time.Time
	Pack     string
	Text     string
	Lang     string // of the text, when it is not the page's
	Evidence []string
	Leaf     int64
}

func leaf(n int64) string { return "/log/" + strconv.FormatInt(n, 10) }

// joined is a word and what it is about.
func joined(l i18n.Lang, word, of string) string {
	if of == "" {
		return word
	}
	return word + l.T("disputes.colon") + of
}

// tagged marks what people wrote in a language that is not the page's.
func tagged(lang string) templ.Attributes {
	if lang == "" {
		return nil
	}
	return templ.Attributes{"lang": lang}
}
