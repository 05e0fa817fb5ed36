package web

import (
	"net/http"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/web/home"
	"tasuki/web/i18n"
	"tasuki/web/search"
)

// onHome is how many records each column of the first page lists; homeDays is how far its sparklines look back.
const (
	onHome   = 8
	homeDays = 30
)

// figures are the counts of the first page: what happened in the last day, with the days before. text finds the last thirty
// days, day the last one.
var figures = []struct{ name, text, day, num string }{
	{"published", "published:>30d", "published:>1d", "published"},
	{"changed", "changed:>30d", "changed:>1d", "changed"},
	{"kev", "kev:>30d", "kev:>1d", "kevadded"},
	{"rejected", "state:rejected changed:>30d", "state:rejected changed:>1d", "changed"},
}

// homeExamples are queries to try; each means something on a real list. The second is for readers of Japanese.
var homeExamples = []string{"vendor:microsoft severity>=high published:>30d", `"sql injection" kev:yes`, "cwe:CWE-79 has:fix -state:rejected", "product:openssl cvss>=7"}

// finding are the pages that find records: the first page, search, the lists of names.
func (s *server) finding(mux *http.ServeMux) {
	mux.HandleFunc("/{$}", s.home)
	mux.HandleFunc("/search", s.search)
	mux.HandleFunc("/search.atom", s.feed)
	mux.HandleFunc("/search/complete", s.complete)
	mux.HandleFunc("/query", s.queryHelp)
	for _, k := range allLists {
		mux.HandleFunc("/"+k.kind, s.listIndex(k))
		mux.HandleFunc("/"+k.kind+"/{name}", s.listOne(k))
	}
	mux.HandleFunc("/products/{vendor}/{name}", s.listOne(allLists[1]))
}

func (s *server) home(w http.ResponseWriter, r *http.Request) {
	p, node := s.page(w, r)
	p.Focus = true
	v := home.View{Page: p, Sources: sourceRows(p.Lang, node)}
	v.Warming = s.warming()
	if node.Records > 0 && !v.Warming {
		if err := s.fillHome(r, p.Lang, &v); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	s.send(w, r, http.StatusOK, home.Body(v))
}

// fillHome asks the searches that the first page is made of; each of its figures is the link to its search.
func (s *server) fillHome(r *http.Request, l i18n.Lang, v *home.View) error {
	edges := days(s.Now(), homeDays)
	for _, f := range figures {
		page, err := s.ask(r.Context(), f.text, func(q *catalogue.Query) { q.Series = []catalogue.Series{{Num: f.num, Edges: edges}} })
		if err != nil {
			return err
		}
		c := home.Count{Label: l.T("home." + f.name), Month: int64(page.Total), Href: finds(f.day), MonthHref: finds(f.text)}
		if len(page.Series) > 0 {
			c.Days = counts(page.Series[0])
			c.N = c.Days[len(c.Days)-1]
		}
		v.Counts = append(v.Counts, c)
	}
	for _, c := range []struct {
		text, sort string
		into       *search.Column
	}{{"kev:yes", "exploited", &v.Exploited}, {"state:published", "newest", &v.Newest}} {
		there := asked{text: c.text, sort: c.sort}
		page, err := s.ask(r.Context(), c.text, func(q *catalogue.Query) { q.Sort, q.Limit = there.order(), onHome })
		if err != nil {
			return err
		}
		c.into.Hits, c.into.More = hits(l, page.Hits), there.url()
	}
	v.Examples = homeTries(v.Newest.Hits)
	return nil
}

// days are the bounds of the n days before now, oldest first; the last day ends with this moment, which is in it.
func days(now time.Time, n int) []int64 {
	edges := make([]int64, n+1)
	for i := range edges {
		edges[i] = now.Add(time.Duration(i-n) * 24 * time.Hour).UnixMilli()
	}
	edges[n]++
	return edges
}

func counts(bins []int) []int64 {
	out := make([]int64, len(bins))
	for i, n := range bins {
		out[i] = int64(n)
	}
	return out
}

func homeTries(newest []search.Hit) (out []home.Example) {
	if len(newest) > 0 {
		out = append(out, home.Example{Label: newest[0].ID, Href: "/cve/" + newest[0].ID})
	}
	for _, text := range homeExamples {
		out = append(out, home.Example{Label: text, Href: finds(text)})
	}
	return out
}

func sourceRows(l i18n.Lang, node Node) []home.Source {
	rows := make([]home.Source, len(node.Sources))
	for i, src := range node.Sources {
		rows[i] = home.Source{Name: jobWords(l, src.Name), Checked: src.Checked, Stale: src.Stale, Note: src.Note}
		if src.Counts != nil {
			rows[i].Note = outcomeWords(l, src.Counts)
		}
	}
	return rows
}
