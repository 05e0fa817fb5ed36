package web

import (
	"bytes"
	"encoding/xml"
	"errors"
	"net/http"
	"strings"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/web/severity"
)

// onFeed is how many records a feed holds.
const onFeed = 50

// The Atom Syndication Format (RFC 4287), as far as a feed of records needs it.
type (
	atomFeed struct {
		XMLName   xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
		Lang      string      `xml:"xml:lang,attr"`
		ID        string      `xml:"id"`
		Title     string      `xml:"title"`
		Updated   string      `xml:"updated"`
		Generator string      `xml:"generator"`
		Links     []atomLink  `xml:"link"`
		Entries   []atomEntry `xml:"entry"`
	}
	atomLink struct {
		Rel  string `xml:"rel,attr"`
		Type string `xml:"type,attr"`
		Href string `xml:"href,attr"`
	}
	atomEntry struct {
		ID         string         `xml:"id"`
		Title      string         `xml:"title"`
		Updated    string         `xml:"updated"`
		Published  string         `xml:"published,omitempty"`
		Author     *atomPerson    `xml:"author"`
		Categories []atomCategory `xml:"category"`
		Link       atomLink       `xml:"link"`
		Summary    *atomText      `xml:"summary"`
	}
	atomPerson struct {
		Name string `xml:"name"`
	}
	atomCategory struct {
		Term string `xml:"term,attr"`
	}
	atomText struct {
		Lang string `xml:"xml:lang,attr,omitempty"`
		Text string `xml:",chardata"`
	}
)

// feed answers a search as an Atom feed, last changed first, so that a reader of feeds sees what is new and what changed.
func (s *server) feed(w http.ResponseWriter, r *http.Request) {
	a, _, err := readAsked(r.URL.Query())
	switch {
	case err != nil || a.fault != nil || !a.at.IsZero():
		message := "no such search"
		if a.fault != nil {
			message = a.fault.Error()
		}
		http.Error(w, message, http.StatusBadRequest)
		return
	case s.warming():
		w.Header().Set("Retry-After", "5")
		http.Error(w, "the index is still being read", http.StatusServiceUnavailable)
		return
	}
	page, err := s.Catalogue.Search(r.Context(), catalogue.Query{Tree: a.tree, Now: s.Now(), Sort: catalogue.Touched, Limit: onFeed})
	if err != nil {
		if errors.Is(err, catalogue.ErrQuery) {
			http.Error(w, "no such search", http.StatusBadRequest)
			return
		}
		s.Fail(w, r, err)
		return
	}
	f := s.atom(a, page.Hits)
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := xml.NewEncoder(&b).Encode(f); err != nil {
		s.Fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "public, no-cache")
	s.Write(w, r, http.StatusOK, "application/atom+xml; charset=utf-8", b.Bytes())
}

// atom is the feed of a search. A feed without entries was last updated when time began: it must have a date, and one that
// moved would look like news.
func (s *server) atom(a asked, hits []catalogue.Hit) atomFeed {
	self := s.BaseURL + addressOf("/search.atom", asked{text: a.text}.values())
	f := atomFeed{Lang: "en", ID: self, Title: "Tasuki: " + a.text, Updated: stamp(time.Unix(0, 0)), Generator: "Tasuki", Links: []atomLink{
		{Rel: "self", Type: "application/atom+xml", Href: self}, {Rel: "alternate", Type: "text/html", Href: s.BaseURL + finds(a.text)},
	}}
	if a.text == "" {
		f.Title = "Tasuki"
	}
	if len(hits) > 0 {
		f.Updated = stamp(hits[0].Changed)
	}
	for _, h := range hits {
		place := s.BaseURL + "/cve/" + h.ID
		e := atomEntry{ID: place, Title: feedTitle(h), Updated: stamp(h.Changed), Link: atomLink{Rel: "alternate", Type: "text/html", Href: place}}
		if !h.Published.IsZero() {
			e.Published = stamp(h.Published)
		}
		name := h.Assigner
		if name == "" {
			name = "unknown" // RFC 4287 §4.1.2 asks for an author
		}
		e.Author = &atomPerson{Name: name}
		for _, term := range categories(h) {
			e.Categories = append(e.Categories, atomCategory{Term: term})
		}
		if h.Summary != "" {
			e.Summary = &atomText{Lang: h.Lang, Text: h.Summary}
		}
		f.Entries = append(f.Entries, e)
	}
	return f
}

// feedTitle is a record in a line: id, score, what of whom.
func feedTitle(h catalogue.Hit) string {
	text := []string{h.ID}
	if h.State == "REJECTED" {
		text = append(text, "REJECTED")
	}
	if h.Score != nil {
		text = append(text, severity.Number(h.Score.Value))
	}
	switch {
	case h.Title != "":
		text = append(text, h.Title)
	case len(h.Products) > 0:
		text = append(text, h.Products[0])
	}
	return strings.Join(text, " ")
}

func categories(h catalogue.Hit) (out []string) {
	if h.Score != nil {
		out = append(out, "severity:"+h.Score.Severity)
	}
	if h.KEV != "" {
		out = append(out, "kev:yes")
	}
	for _, c := range h.CWE {
		out = append(out, "cwe:"+c)
	}
	return out
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
