package native

import (
	"context"
	"encoding/xml"
	"net/url"
	"strings"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/internal/query"
)

type atomInput struct {
	Q     string `query:"q" doc:"The query. Without it: every record." example:"vendor:jetbrains severity>=high"`
	Limit int    `query:"limit" doc:"Entries at most." minimum:"1" maximum:"200" default:"50"`
}

// feed is an Atom feed (RFC 4287).
type feed struct {
	XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string   `xml:"id"`
	Title   string   `xml:"title"`
	Updated string   `xml:"updated"`
	Links   []link   `xml:"link"`
	Author  person   `xml:"author"`
	Entries []entry  `xml:"entry"`
}

type entry struct {
	ID         string     `xml:"id"`
	Title      string     `xml:"title"`
	Updated    string     `xml:"updated"`
	Published  string     `xml:"published,omitempty"`
	Author     *person    `xml:"author,omitempty"`
	Link       link       `xml:"link"`
	Categories []category `xml:"category"`
	Summary    *text      `xml:"summary,omitempty"`
}

type link struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr,omitempty"`
	Href string `xml:"href,attr"`
}

type person struct {
	Name string `xml:"name"`
}

type category struct {
	Scheme string `xml:"scheme,attr"`
	Term   string `xml:"term,attr"`
}

type text struct {
	Type string `xml:"type,attr"`
	Lang string `xml:"http://www.w3.org/XML/1998/namespace lang,attr,omitempty"`
	Text string `xml:",chardata"`
}

// atom answers a search as a feed. Identifiers are the addresses that the records have on this node, so they last as long as
// its base URL; a feed's is the address of its query in canonical form.
func (a *api) atom(ctx context.Context, in *atomInput) (*bytesOf, error) {
	tree, err := query.Parse(in.Q)
	if err != nil {
		return nil, err
	}
	page, err := a.find(ctx, catalogue.Query{Tree: tree, Sort: catalogue.Touched, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	head, err := a.Catalogue.Resolve(ctx, catalogue.At{})
	if err != nil {
		return nil, err
	}
	q := tree.String()
	self := a.BaseURL + Prefix + "search.atom"
	pages := a.BaseURL + "/search"
	title := "Tasuki"
	if q != "" {
		self += "?" + url.Values{"q": {q}}.Encode()
		pages += "?" + url.Values{"q": {q}}.Encode()
		title += ": " + q
	}
	out := feed{ID: self, Title: title, Updated: moment(head.Time), Author: person{"Tasuki"}, Links: []link{
		{Rel: "self", Type: "application/atom+xml", Href: self}, {Rel: "alternate", Type: "text/html", Href: pages}}}
	for i, h := range page.Hits {
		if i == 0 {
			out.Updated = moment(h.Changed)
		}
		out.Entries = append(out.Entries, a.entry(h))
	}
	raw, err := xml.Marshal(out)
	return &bytesOf{"application/atom+xml", append([]byte(xml.Header), append(raw, '\n')...)}, err
}

func (a *api) entry(h catalogue.Hit) entry {
	address := a.BaseURL + "/cve/" + url.PathEscape(h.ID)
	e := entry{ID: address, Title: h.ID, Updated: moment(h.Changed), Link: link{Rel: "alternate", Type: "text/html", Href: address}}
	switch {
	case h.Title != "":
		e.Title += ": " + h.Title
	case len(h.Products) > 0:
		e.Title += ": " + strings.Join(h.Products, ", ")
	}
	if !h.Published.IsZero() {
		e.Published = moment(h.Published)
	}
	if h.Assigner != "" {
		e.Author = &person{h.Assigner}
	}
	if h.Summary != "" {
		e.Summary = &text{Type: "text", Lang: h.Lang, Text: h.Summary}
	}
	add := func(scheme, term string) {
		if term != "" {
			e.Categories = append(e.Categories, category{a.BaseURL + "/query#" + scheme, term})
		}
	}
	add("state", strings.ToLower(string(h.State)))
	if h.Score != nil {
		add("severity", h.Score.Severity)
	}
	if h.KEV != "" {
		add("kev", "yes")
	}
	return e
}

// moment is a time as RFC 3339 writes it.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
