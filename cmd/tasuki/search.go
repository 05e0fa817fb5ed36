package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Asked are the flags of commands that ask a node: the one of the data directory, or one elsewhere.
type Asked struct {
	Server string `placeholder:"URL" help:"Ask the node at this URL instead of the data directory."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// ask opens the session of a reading command.
func (a Asked) ask(ctx context.Context, p *Program, s *Settings) (*session, error) {
	if a.Server != "" {
		return elsewhere(a.Server)
	}
	return p.session(ctx, s, access{})
}

// Filters narrow a search or an export. Several values of one flag are alternatives; several flags must all hold.
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

// values puts the filters into a query string, in the names of the facet dimensions.
func (f Filters) values() url.Values {
	q := url.Values{}
	for name, list := range map[string][]string{"state": f.State, "severity": f.Severity, "vendor": f.Vendor, "product": f.Product,
		"cwe": f.CWE, "assigner": f.Assigner, "year": f.Year} {
		for _, v := range list {
			q.Add(name, v)
		}
	}
	if f.KEV {
		q.Set("kev", "yes")
	}
	if f.Published != "" {
		q.Set("published", f.Published)
	}
	if f.Changed != "" {
		q.Set("changed", f.Changed)
	}
	return q
}

// SearchCmd is `tasuki search`.
type SearchCmd struct {
	Words []string `arg:"" optional:"" help:"Words that must all occur; \"quoted\" ones as a phrase."`
	Filters
	Sort   string   `enum:"newest,oldest,relevance" default:"newest" help:"newest, oldest or relevance."`
	Limit  int      `default:"20" help:"Records to print, at most 1000."`
	Cursor string   `placeholder:"CURSOR" help:"Go on where the page before ended."`
	Facets []string `placeholder:"DIM,…" help:"Also count the values of these dimensions: severity, vendor, product, cwe, assigner, year, state."`
	Asked
}

// SearchReply is what GET /api/v1/search answers.
type SearchReply struct {
	Total  int64                   `json:"total"`
	Hits   []SearchHit             `json:"hits"`
	Next   string                  `json:"next,omitzero"`
	Facets map[string][]FacetValue `json:"facets,omitzero"`
}

// SearchHit is one record of a page of results.
type SearchHit struct {
	ID        string   `json:"id"`
	State     string   `json:"state"`
	Title     string   `json:"title,omitzero"`
	Summary   string   `json:"summary,omitzero"`
	Products  []string `json:"products,omitzero"`
	Score     float64  `json:"score,omitzero"`
	Severity  string   `json:"severity,omitzero"`
	KEV       string   `json:"kev,omitzero"`
	Published string   `json:"published,omitzero"`
}

// FacetValue is one value of a dimension and the number of hits that have it.
type FacetValue struct {
	Value string `json:"value"`
	Count int64  `json:"count"`
}

// Run searches and prints a table.
func (c *SearchCmd) Run(ctx context.Context, p *Program, s *Settings) (err error) {
	x, err := c.ask(ctx, p, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	q := c.values()
	if len(c.Words) > 0 {
		q.Set("q", strings.Join(c.Words, " "))
	}
	q.Set("sort", c.Sort)
	q.Set("limit", strconv.Itoa(c.Limit))
	if c.Cursor != "" {
		q.Set("cursor", c.Cursor)
	}
	if len(c.Facets) > 0 {
		q.Set("facets", strings.Join(c.Facets, ","))
	}
	resp, err := x.get(ctx, "/api/v1/search", q)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if c.JSON {
		return p.copyLine(resp.Body)
	}
	var reply SearchReply
	if err := json.UnmarshalRead(resp.Body, &reply); err != nil {
		return fmt.Errorf("the node's answer: %w", err)
	}
	p.printSearch(reply, c.Facets)
	return nil
}

func (p *Program) printSearch(reply SearchReply, facets []string) {
	t := p.terminal(p.Stdout)
	rows := make([][]string, len(reply.Hits))
	for i, h := range reply.Hits {
		score := ""
		if h.Severity != "" && h.Severity != "unscored" {
			score = fmt.Sprintf("%.1f %s", h.Score, strings.ToLower(h.Severity))
		}
		kev := ""
		if h.KEV != "" {
			kev = "KEV"
		}
		title := h.Title
		if title == "" {
			title = h.Summary
		}
		if h.State == "REJECTED" {
			title = "(rejected) " + title
		}
		rows[i] = []string{h.ID, day(h.Published), score, kev, clip(clean(strings.Join(h.Products, ", ")), 32), title}
	}
	if len(rows) > 0 {
		t.table(p.Stdout, []string{"ID", "PUBLISHED", "SCORE", "KEV", "PRODUCT", "TITLE"}, rows)
	}
	for _, dim := range facets {
		counts := make([][]string, 0, len(reply.Facets[dim]))
		for _, v := range reply.Facets[dim] {
			counts = append(counts, []string{thousands(v.Count), v.Value})
		}
		fmt.Fprintln(p.Stdout)
		t.table(p.Stdout, []string{"COUNT", strings.ToUpper(dim)}, counts)
	}
	fmt.Fprintf(p.Stderr, "%s of %s records", thousands(int64(len(rows))), thousands(reply.Total))
	if reply.Next != "" {
		fmt.Fprintf(p.Stderr, "; more with --cursor %s", reply.Next)
	}
	fmt.Fprintln(p.Stderr)
}

// day is the date of a timestamp.
func day(timestamp string) string { return timestamp[:min(len(timestamp), len("2006-01-02"))] }

// copyLine prints a JSON answer as one line.
func (p *Program) copyLine(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("the node's answer: %w", err)
	}
	v := jsontext.Value(raw)
	if err := v.Compact(); err != nil {
		return fmt.Errorf("the node's answer: %w", err)
	}
	_, err = p.Stdout.Write(append(v, '\n'))
	return err
}

// complaint finds the words in an error answer of any of our protocols: RFC 9457, CVE Services, or plain text.
func complaint(text []byte) string {
	var shape struct {
		Detail  string `json:"detail"`
		Title   string `json:"title"`
		Message string `json:"message"`
	}
	if json.Unmarshal(text, &shape) == nil {
		for _, s := range []string{shape.Detail, shape.Message, shape.Title} {
			if s != "" {
				return clean(s)
			}
		}
	}
	return clean(clip(string(text), 400))
}
