package cnas

import (
	"net/url"
	"time"

	"github.com/a-h/templ"

	"tasuki/web/chart"
	"tasuki/web/clocks"
	"tasuki/web/disputes"
	"tasuki/web/i18n"
	"tasuki/web/layout"
	"tasuki/web/search"
)

// Question is the form that asks who is responsible.
type Question struct {
	Vendor, Product string
	Code            string // package URL or CPE name
	EOL             bool
}

// Index is the directory.
type Index struct {
	Page    layout.Page
	Ask     Question
	Query   string // part of a name
	Filters []clocks.Filter
	Sorts   []search.Choice
	Views   []search.Choice
	Plain   bool // nothing is filtered
	Total   int
	Counted bool // the records of each are known
	Rows    []Row
	Tree    []Branch // in place of Rows
}

// Row is an organisation in a line.
type Row struct {
	Short, Name, Href string
	Roles             string
	Country, Above    string
	Records           int64
}

// Branch is an organisation with those that stand under it.
type Branch struct {
	Row
	Below []Branch
}

// Org is the page of an organisation.
type Org struct {
	Page     layout.Page
	Short    string
	Name     string
	ID       string
	Imported bool // no organisation of this list: known by its records alone
	Adopted  bool
	Facts    []Fact
	Contact  Contact
	Policies []string
	Advises  []string // pages of advisories
	Grants   []Grant
	Former   []Grant
	Chain    []clocks.Org // from above it up to the head of its hierarchy
	Below    []Row
	Records  int64
	Rejected int64
	Find     string // the search for its records
	Feed     string
	Assigner string // its page among the assigners; "" without records
	Warming  bool
	Over     string // what the chart counts
	Months   []chart.Bin
	Undone   string
	Rejects  []chart.Bin
	Newest   search.Column
	Keeps    *Keeps
	Clocks   []clocks.Row
	Cases    []disputes.Row
}

// Fact is a term and what is said of it, in words.
type Fact struct{ Term, Text string }

// Contact is how the public reaches an organisation.
type Contact struct{ Emails, Pages []string }

// Empty says that there is no way to reach it.
func (c Contact) Empty() bool { return len(c.Emails)+len(c.Pages) == 0 }

// Grant is a role with its scope.
type Grant struct {
	Role     string // CNA, ROOT, … in words
	Text     string // the scope in its author's words
	Covers   []string
	Not      []string
	EOL      string
	Kind     string // of coordination, in words; "" for products
	Derived  bool   // the part for programs was read out of the words
	Above    clocks.Org
	Decided  clocks.Org
	Decision string
	Ref      string
	From, To time.Time
	Pack     string
	Leaf     int64
	Ended    time.Time
	Reason   string
}

// Keeps is how an organisation keeps its deadlines.
type Keeps struct {
	Met, Missed, Running, Overdue int64
	Share                         string // "" while none has ended
	Published                     int64
	Median                        string // in words
}

// Answer says who is responsible for a product.
type Answer struct {
	Page       layout.Page
	Ask        Question
	Asked      bool
	Headline   string
	Kind       string // holder, overlap, gap, nobody: which the headline is
	Explain    []string
	Write      []Writer // whom to write to, the first first
	Groups     []Group
	Chain      []Step
	Arbiter    string // who decides where holders cannot agree, in words
	ArbiterOrg clocks.Org
	Named      []Row // organisations that are called like the vendor and whose scope no program can read
}

// Writer is somebody to write to.
type Writer struct {
	Org     clocks.Org
	Name    string
	Why     string // what makes it them, in words
	Contact Contact
	Policy  []string
}

// Group is claims of one sort.
type Group struct {
	Title, Text string
	Claims      []Claim
}

// Claim is a scope that has to do with the product.
type Claim struct {
	Org   clocks.Org
	Name  string
	Match string // the pattern in words
	Why   string
}

// Step is one link of the chain of responsibility.
type Step struct {
	Org  clocks.Org
	Name string
	Role string
}

// english tags what has no Japanese, such as names and scopes.
func english(l i18n.Lang) templ.Attributes {
	if l == i18n.English {
		return nil
	}
	return templ.Attributes{"lang": string(i18n.English)}
}

// queried is the part of an address that asks for an organisation's clocks.
func queried(short string) string { return "/clocks?cna=" + url.QueryEscape(short) }
