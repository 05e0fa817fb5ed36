package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/web/changes"
	"tasuki/web/i18n"
)

// changesPage is how many changes stand on a page, defaultSpan how far back it looks where nothing is asked.
const (
	changesPage = 50
	defaultSpan = 7 * 24 * time.Hour
)

// kinds of change in the order in which the page counts them.
var kinds = []catalogue.What{catalogue.Added, catalogue.Changed, catalogue.Withdrawn, catalogue.Restored, catalogue.Erased}

// changes is the page that compares the list at two moments: from and to are days, instants or numbers of leaves; to may be
// left out, which is now.
func (s *server) changes(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p, _ := s.Page(w, r)
	v := changes.View{Page: p, Source: q.Get("clock") == string(catalogue.SourceClock)}
	v.Page.Title = p.Lang.T("changes.title")
	v.From.Value = cmp.Or(q.Get("from"), s.Now().UTC().Add(-defaultSpan).Format(time.DateOnly))
	v.To.Value = q.Get("to")
	span := catalogue.Span{Limit: changesPage, Cursor: q.Get("after")}
	if what := catalogue.What(q.Get("what")); what != "" {
		span.Kinds = []catalogue.What{what}
	}
	from, err := parseSide(v.From.Value, q.Get("clock"))
	to, err2 := parseSide(v.To.Value, q.Get("clock"))
	if span.From, span.To = from, to; err == nil {
		err = err2
	}
	var found *catalogue.Changes
	if err == nil {
		found, err = s.Catalogue.Changes(r.Context(), span)
	}
	status := http.StatusOK
	switch {
	case errors.Is(err, catalogue.ErrAt):
		v.Problem, status = p.Lang.T("changes.bad"), http.StatusBadRequest
	case errors.Is(err, catalogue.ErrQuery):
		s.Refuse(w, r, queryProblem)
		return
	case err != nil:
		s.Fail(w, r, err)
		return
	default:
		s.fillChanges(r.Context(), found, span, q, &v)
	}
	s.Send(w, r, status, changes.Body(v))
}

// parseSide reads one end of a comparison; "" is now.
func parseSide(text, clock string) (catalogue.At, error) {
	if _, err := strconv.ParseInt(text, 10, 64); err == nil {
		return catalogue.ParseAt("", text, clock)
	}
	return catalogue.ParseAt(text, "", clock)
}

func (s *server) fillChanges(ctx context.Context, found *catalogue.Changes, span catalogue.Span, q url.Values, v *changes.View) {
	v.From.Size, v.To.Size = found.From.Size, found.To.Size
	here := func(set ...string) string {
		to := url.Values{"from": {v.From.Value}}
		for _, name := range []string{"to", "clock", "what"} {
			if value := q.Get(name); value != "" {
				to.Set(name, value)
			}
		}
		for i := 0; i < len(set); i += 2 {
			if to.Del(set[i]); set[i+1] != "" {
				to.Set(set[i], set[i+1])
			}
		}
		return "?" + to.Encode()
	}
	v.Export = "/api/v1/diff" + here()
	if found.Total != nil {
		all := 0
		for _, n := range found.Total {
			all += n
		}
		v.Totals = append(v.Totals, changes.Total{What: "all", Href: "/changes" + here("what", ""), N: int64(all), On: span.Kinds == nil})
		for _, what := range kinds {
			if n := found.Total[what]; n > 0 {
				on := len(span.Kinds) > 0 && span.Kinds[0] == what
				v.Totals = append(v.Totals, changes.Total{What: string(what), Href: "/changes" + here("what", string(what)), N: int64(n), On: on})
			}
		}
	}
	texts := s.headlines(ctx, v.Page.Lang, found.List)
	for _, c := range found.List {
		row := changes.Row{ID: c.ID, What: string(c.What), Time: c.Time, Href: "/cve/" + c.ID}
		row.Headline, row.Lang = texts[c.ID].text, texts[c.ID].lang
		switch {
		case c.What == catalogue.Erased:
			row.Href += "/history"
		case c.Old >= 0 && c.New >= 0:
			row.Href += fmt.Sprintf("/diff?from=%d&to=%d", c.Old, c.New)
		}
		v.Rows = append(v.Rows, row)
	}
	if found.Next != "" {
		v.Next = "/changes" + here("after", found.Next)
	}
	if span.Cursor != "" {
		v.First = "/changes" + here()
	}
}

type phrase struct{ text, lang string }

// headlines are the records of a page in one line each, asked for at once. A list that is still being indexed has none: the
// page does not wait for them.
func (s *server) headlines(ctx context.Context, l i18n.Lang, list []catalogue.Change) map[string]phrase {
	out := make(map[string]phrase)
	var ids []string
	for _, c := range list {
		ids = append(ids, c.ID)
	}
	if len(ids) == 0 {
		return out
	}
	ctx, stop := context.WithTimeout(ctx, time.Second)
	defer stop()
	page, err := s.Catalogue.Search(ctx, catalogue.Query{Filters: []catalogue.Filter{{Dim: "id", Values: ids}}, Limit: len(ids)})
	if err != nil {
		return out
	}
	for _, h := range page.Hits {
		if h.Title != "" {
			out[h.ID] = phrase{h.Title, otherLanguage(l, h.Title)}
		} else {
			out[h.ID] = phrase{firstSentence(h.Summary), tagged(l, h.Lang)}
		}
	}
	return out
}
