package web

import (
	"fmt"
	"net/http"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/internal/edge/serve/page"
	"tasuki/web/home"
	"tasuki/web/i18n"
	"tasuki/web/search"
)

// onHome is how many records each column of the first page lists; homeDays is how far its sparklines look back.
const (
	onHome   = 8
	homeDays = 30
)

// figures are the counts of the first page: what happened in a day, and day by day in the thirty up to it. %s is the time, as
// queries write it.
var figures = []struct{ name, text, num string }{
	{"published", "published:%s", "published"},
	{"changed", "changed:%s", "changed"},
	{"kev", "kev:%s", "kevadded"},
	{"rejected", "state:rejected changed:%s", "changed"},
}

// homeExamples are queries to try; each means something on a real list.
var homeExamples = []string{"vendor:microsoft severity>=high", `"sql injection" kev:yes`, "cwe:CWE-79 has:fix published:>1y"}

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
	p, node := s.Page(w, r)
	p.Focus = true
	v := home.View{Page: p, Sources: sourceRows(p.Lang, node)}
	v.Warming = s.warming()
	if node.Records > 0 && !v.Warming {
		if err := s.fillHome(r, p.Lang, &v); err != nil {
			s.Fail(w, r, err)
			return
		}
	}
	s.Send(w, r, http.StatusOK, home.Body(v))
}

// fillHome asks the searches that the first page is made of; each of its figures is the link to its search.
func (s *server) fillHome(r *http.Request, l i18n.Lang, v *home.View) error {
	var newest time.Time
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
		if len(page.Hits) > 0 {
			newest = page.Hits[0].Published
		}
	}
	of := lately(s.Now())
	v.When = l.T("home.lately")
	if age := s.Now().Sub(newest); !newest.IsZero() && age > homeDays*24*time.Hour {
		// An old copy: that nothing happened in its last thirty days would say nothing about it.
		of = upTo(newest)
		v.When = l.T("home.upto", l.Date(newest))
	}
	for _, f := range figures {
		month, day := fmt.Sprintf(f.text, of.month), fmt.Sprintf(f.text, of.day)
		page, err := s.ask(r.Context(), month, func(q *catalogue.Query) { q.Series = []catalogue.Series{{Num: f.num, Edges: of.edges}} })
		if err != nil {
			return err
		}
		c := home.Count{Label: l.T("home." + f.name), Month: int64(page.Total), Href: finds(day), MonthHref: finds(month)}
		if len(page.Series) > 0 {
			c.Days = counts(page.Series[0])
			c.N = c.Days[len(c.Days)-1]
		}
		v.Counts = append(v.Counts, c)
	}
	v.Examples = homeTries(v.Newest.Hits)
	return nil
}

// stretch is thirty days and the last of them, as queries write them, and the bounds of each day.
type stretch struct {
	month, day string
	edges      []int64
}

// lately are the thirty days before now, which is in them, as the moment that an age means is not.
func lately(now time.Time) stretch {
	sp := stretch{month: fmt.Sprintf(">%dd", homeDays), day: ">1d"}
	for i := -homeDays; i <= 0; i++ {
		sp.edges = append(sp.edges, now.Add(time.Duration(i)*24*time.Hour).UnixMilli()+1)
	}
	return sp
}

// upTo are the thirty days in UTC that end with the day of t.
func upTo(t time.Time) stretch {
	day := t.UTC().Truncate(24 * time.Hour)
	first := day.AddDate(0, 0, 1-homeDays)
	sp := stretch{month: first.Format(time.DateOnly) + ".." + day.Format(time.DateOnly), day: day.Format(time.DateOnly)}
	for i := range homeDays + 1 {
		sp.edges = append(sp.edges, first.AddDate(0, 0, i).UnixMilli())
	}
	return sp
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

func sourceRows(l i18n.Lang, node page.Node) []home.Source {
	rows := make([]home.Source, len(node.Sources))
	for i, src := range node.Sources {
		rows[i] = home.Source{Name: page.JobWords(l, src.Name), Checked: src.Checked, Stale: src.Stale, Note: src.Note}
		if src.Counts != nil {
			rows[i].Note = outcomeWords(l, src.Counts)
		}
	}
	return rows
}
