package web

import (
	"net/http"

	"tasuki/internal/catalogue"
	"tasuki/web/home"
	"tasuki/web/i18n"
	"tasuki/web/search"
)

// onHome is how many records each column of the first page lists; lately, in days, what its counts call new.
const (
	onHome = 8
	lately = 7
)

func (s *server) home(w http.ResponseWriter, r *http.Request) {
	p, node := s.page(w, r)
	p.Focus = true
	v := home.View{Page: p, Sources: sourceRows(node)}
	if node.Records > 0 {
		if err := s.fillHome(r, p.Lang, &v); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	s.send(w, r, http.StatusOK, home.Body(v))
}

// fillHome asks the searches that the first page is made of; each of its figures is the link to its search.
func (s *server) fillHome(r *http.Request, l i18n.Lang, v *home.View) error {
	exploited := query{values: map[string][]string{"kev": {"yes"}}, sort: "newest"}
	critical := query{values: map[string][]string{"severity": {"critical"}}}
	rejected := query{values: map[string][]string{"state": {"REJECTED"}}}
	published := query{days: map[string]int{"published": lately}}
	changed := query{days: map[string]int{"changed": lately}}
	weakness := query{values: map[string][]string{"cwe": {"CWE-79"}}}
	words := query{text: "sql injection"}

	for _, c := range []struct {
		label string
		q     query
		n     int
	}{
		{l.T("home.published"), published, 0},
		{l.T("home.changed"), changed, 0},
		{l.T("home.kev"), exploited, onHome},
		{l.T("home.critical"), critical, 0},
		{l.T("home.rejected"), rejected, 0},
	} {
		page, err := s.brief(r, c.q, c.n)
		if err != nil {
			return err
		}
		v.Counts = append(v.Counts, home.Count{Label: c.label, N: int64(page.Total), Href: c.q.url()})
		if c.n > 0 {
			v.Exploited = hits(l, page.Hits)
		}
	}
	newest, err := s.brief(r, query{values: map[string][]string{"state": {"PUBLISHED"}}}, onHome)
	if err != nil {
		return err
	}
	v.Newest = hits(l, newest.Hits)
	v.Examples = examples(l, v.Newest, words, weakness)
	return nil
}

// brief is a search without facets.
func (s *server) brief(r *http.Request, q query, limit int) (*catalogue.Page, error) {
	c := q.catalogue(s.Now())
	c.Facets, c.Limit = nil, limit
	return s.Catalogue.Search(r.Context(), c)
}

func examples(l i18n.Lang, newest []search.Hit, words, weakness query) (es []home.Example) {
	if len(newest) > 0 {
		es = append(es, home.Example{Label: newest[0].ID, Href: "/cve/" + newest[0].ID})
	}
	return append(es,
		home.Example{Label: words.text, Href: words.url()},
		home.Example{Label: label(l, "cwe", "CWE-79"), Href: weakness.url()})
}

func sourceRows(node Node) []home.Source {
	rows := make([]home.Source, len(node.Sources))
	for i, src := range node.Sources {
		rows[i] = home.Source{Name: src.Name, Checked: src.Checked, Stale: src.Stale, Note: src.Note}
	}
	return rows
}
