package lists

import (
	"strconv"

	"tasuki/web/chart"
	"tasuki/web/layout"
	"tasuki/web/search"
)

// Index is a page of one of the lists.
type Index struct {
	Page    layout.Page
	Kind    string // vendors, products, weaknesses, assigners
	Query   string // part of a name
	Total   int    // entries, or those that match Query
	From    int    // number of the first row, from 1
	Rows    []Row
	Sorts   []search.Choice
	Prev    string // "" at the ends
	Next    string
	Pairs   *Pairs
	Warming bool
}

// Row is one entry of a list.
type Row struct {
	Name  string
	Note  string // what a weakness is called
	Href  string
	N     int64
	Find  string  // the search for its records
	Years []int64 // for the line of small bars
	Span  string  // what the line shows, in words
	Mix   chart.Mix
}

// Pairs is a table of counts: how many records are about both a row and a column.
type Pairs struct {
	Title         string
	Columns       []Cell // N is not shown
	Rows          []PairRow
	Rowed, Headed string // what rows and columns are
}

// PairRow is one row of Pairs.
type PairRow struct {
	Head  Cell
	Cells []Cell
}

// Cell is a name or a count that leads somewhere.
type Cell struct {
	Label string
	Title string // the name in full, where Label is short
	N     int64
	Href  string
	Tone  int // 0 to 4: how much of the largest count
}

// One is the page of one entry.
type One struct {
	Page     layout.Page
	Kind     string // vendors, products, weaknesses, assigners
	Name     string
	Note     string
	Facts    []Fact
	Total    int64
	Find     string
	Feed     string
	Org      string // of an assigner: the page of the organisation; "" for none
	Over     string // what the chart counts
	Years    []chart.Bin
	Mix      chart.Mix
	Tops     []Top
	Newest   search.Column
	Severest search.Column
}

// Fact is a count beside the total that is a search.
type Fact struct {
	Label string
	N     int64
	Href  string
}

// Top is what an entry occurs with most often, by one dimension.
type Top struct {
	Label string
	Rows  []TopRow
}

// TopRow is one value of it. Share is the bar's length, 0 to 100.
type TopRow struct {
	Label string
	Href  string // its own page
	Find  string // both together
	N     int64
	Share int
}

func tone(n int) string { return "tone" + strconv.Itoa(n) }
