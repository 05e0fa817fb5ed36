package main

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"tasuki/client"
)

// Filters are the common conditions as flags. They become a part of the query: several values of one flag are alternatives,
// several flags must all hold.
type Filters struct {
	State     []string `placeholder:"STATE" help:"published or rejected."`
	Severity  []string `placeholder:"NAME" help:"none, low, medium, high, critical or unscored."`
	Vendor    []string `placeholder:"NAME" help:"Vendor of an affected product."`
	Product   []string `placeholder:"NAME" help:"Affected product."`
	CWE       []string `name:"cwe" placeholder:"CWE-N" help:"Weakness."`
	Assigner  []string `placeholder:"NAME" help:"Short name of the CNA."`
	Year      []string `placeholder:"YYYY" help:"Year in the identifier."`
	KEV       bool     `name:"kev" help:"Only known exploited ones."`
	Published string   `placeholder:"FROM..TO" help:"Publication date, YYYY-MM-DD, either end may be missing."`
	Changed   string   `placeholder:"FROM..TO" help:"Date of the last change."`
}

// query joins the words of the command line and the filters to one text in the query language.
func (f Filters) query(words []string) string {
	given := strings.TrimSpace(strings.Join(words, " "))
	var parts []string
	for _, list := range []struct {
		field  string
		values []string
	}{{"state", f.State}, {"severity", f.Severity}, {"vendor", f.Vendor}, {"product", f.Product}, {"cwe", f.CWE}, {"assigner", f.Assigner}, {"year", f.Year}} {
		switch len(list.values) {
		case 0:
		case 1:
			parts = append(parts, list.field+":"+quoted(list.values[0]))
		default:
			quotes := make([]string, len(list.values))
			for i, v := range list.values {
				quotes[i] = quoted(v)
			}
			parts = append(parts, list.field+":("+strings.Join(quotes, ", ")+")")
		}
	}
	if f.KEV {
		parts = append(parts, "kev:yes")
	}
	if f.Published != "" {
		parts = append(parts, "published:"+f.Published)
	}
	if f.Changed != "" {
		parts = append(parts, "changed:"+f.Changed)
	}
	if given == "" {
		return strings.Join(parts, " ")
	}
	if len(parts) > 0 && alternatives.MatchString(given) {
		given = "(" + given + ")" // an OR of the words must not swallow the filters
	}
	return strings.Join(append([]string{given}, parts...), " ")
}

// alternatives finds what may be an OR; brackets too many do no harm.
var alternatives = regexp.MustCompile(`(?i)\bor\b|[|｜]`)

// plainValue is what needs no quotes as the value of a field.
var plainValue = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]*$`)

func quoted(value string) string {
	if plainValue.MatchString(value) {
		return value
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

// SearchCmd is `tasuki search`.
type SearchCmd struct {
	Query []string `arg:"" optional:"" help:"A query: words, \"a phrase\", field:value, and, or, not, brackets. Several arguments are joined."`
	Filters
	Known
	Sort    string   `enum:"newest,oldest,relevance,severity,exploited,changed" default:"newest" placeholder:"ORDER" help:"newest, oldest, relevance, severity, exploited or changed."`
	Limit   int      `default:"20" placeholder:"N" help:"Records to print, at most 1000."`
	Cursor  string   `placeholder:"CURSOR" help:"Go on where the page before ended."`
	Facets  []string `placeholder:"DIM" help:"Also count the values of these dimensions: severity, vendor, product, cwe, assigner, year, state, …"`
	Explain bool     `help:"Say how the query was read and which index answered each part."`
	Asked
}

// Help is the long description.
func (c *SearchCmd) Help() string {
	return `The query language is the same here, on the pages and in the API. Examples:

  tasuki search openssl severity>=high
  tasuki search '"remote code execution" vendor:microsoft kev:yes'
  tasuki search 'published:>30d (cwe:CWE-79 or cwe:CWE-89) not product:wordpress'
  tasuki search --at 2024-03-05 --facets severity,vendor 'vendor:jetbrains'

Put a query in quotes when it has characters that mean something to the shell: < > ( ) * | !. A query that begins with a dash comes behind "--".`
}

// Run searches and prints a table.
func (c *SearchCmd) Run(ctx context.Context, p *Program, s *Settings) error {
	query := c.query(c.Query)
	return c.asking(ctx, p, s, func(api *client.Client) error {
		page, err := api.SearchPage(ctx, client.Query{Q: query, Sort: c.Sort, Limit: c.Limit, Cursor: c.Cursor, Facets: c.Facets, At: c.moment(), Explain: c.Explain})
		if err != nil {
			return explained(err, query)
		}
		if c.JSON {
			return p.json(page)
		}
		p.printSearch(page, c.Facets)
		return nil
	})
}

func (p *Program) printSearch(page *client.Page, facets []string) {
	t := p.terminal(p.Stdout)
	if page.Explanation != nil {
		t.explanation(p.Stdout, page.Explanation)
	}
	t.hits(p.Stdout, page.Hits)
	for _, dim := range facets {
		counts := make([][]string, 0, len(page.Facets[dim]))
		for _, v := range page.Facets[dim] {
			counts = append(counts, []string{thousands(int64(v.Count)), v.Value})
		}
		fmt.Fprintln(p.Stdout)
		t.table(p.Stdout, []string{"COUNT", strings.ToUpper(dim)}, counts)
	}
	fmt.Fprintf(p.Stderr, "%s of %s records", thousands(int64(len(page.Hits))), thousands(int64(page.Total)))
	if text := known(page.Moment); text != "" {
		fmt.Fprintf(p.Stderr, ", %s", text)
	}
	if page.Next != "" {
		fmt.Fprintf(p.Stderr, "; more with --cursor %s", page.Next)
	}
	fmt.Fprintln(p.Stderr)
}

// hits prints records: for a reader two lines each, as the pages have them; for a program that reads along a table.
func (t terminal) hits(w io.Writer, hits []client.Hit) {
	if t.columns == 0 {
		rows := make([][]string, len(hits))
		for i, h := range hits {
			rows[i] = []string{h.ID, date(h.Published), scoreOf(h), kevOf(h), clip(productsOf(h), 32), headline(h)}
		}
		if len(rows) > 0 {
			t.table(w, []string{"ID", "PUBLISHED", "SCORE", "KEV", "PRODUCT", "TITLE"}, rows)
		}
		return
	}
	const margin = 8 // under which the second line begins: a shape, a score up to 10.0, two spaces
	for _, h := range hits {
		shape, paint := t.severity(h.Severity)
		score := shape
		if scoreOf(h) != "" {
			score = fmt.Sprintf("%s %.1f", shape, h.Score)
		}
		facts := strings.Join(nonEmpty(kevOf(h), date(h.Published), clean(h.Assigner)), "  ")
		// Products give way to what follows them.
		room := t.columns - margin - displayWidth(h.ID) - displayWidth(facts) - 4
		products := clip(productsOf(h), max(room, 8))
		rest := "  " + products + strings.Repeat(" ", max(room-displayWidth(products), 0)+2) + facts
		fmt.Fprintf(w, "%s%s%s%s\n", paint(score), strings.Repeat(" ", margin-displayWidth(score)), t.bold(h.ID), strings.TrimRight(rest, " "))
		fmt.Fprintf(w, "%s%s\n", strings.Repeat(" ", margin), clip(clean(headline(h)), t.columns-margin))
	}
}

func productsOf(h client.Hit) string { return clean(strings.Join(h.Products, ", ")) }

func nonEmpty(list ...string) []string {
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}

// explanation prints how a query was read.
func (t terminal) explanation(w io.Writer, e *client.Explanation) {
	fmt.Fprintf(w, "read as %s\n", clean(e.Read))
	rows := make([][]string, len(e.Nodes))
	for i, n := range e.Nodes {
		rows[i] = []string{thousands(int64(n.Hits)), n.Index, strings.Repeat("· ", n.Depth) + n.Text}
	}
	t.table(w, []string{"RECORDS", "INDEX", "PART"}, rows)
	fmt.Fprintf(w, "answered in %s\n\n", (time.Duration(e.Micros) * time.Microsecond).String())
}

// headline is what a record is called in one line.
func headline(h client.Hit) string {
	title := h.Title
	if title == "" {
		title = h.Summary
	}
	if h.State == "REJECTED" {
		title = "(rejected) " + title
	}
	return title
}

func scoreOf(h client.Hit) string {
	if h.Severity == "" || h.Severity == "unscored" {
		return ""
	}
	return fmt.Sprintf("%.1f %s", h.Score, h.Severity)
}

func kevOf(h client.Hit) string {
	if h.KEV == "" {
		return ""
	}
	return "KEV"
}

// date is the day of a moment that may be missing.
func date(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}
