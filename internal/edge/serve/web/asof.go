package web

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/internal/edge/serve/page"
	"tasuki/web/i18n"
	"tasuki/web/record"
)

// momentProblem answers an address whose moment cannot be read.
var momentProblem = page.Error{Status: http.StatusBadRequest, Name: "moment"}

// moment is what an address says with at, size and clock. Not ok means that the answer is given.
func (s *server) moment(w http.ResponseWriter, r *http.Request) (catalogue.At, bool) {
	q := r.URL.Query()
	at, err := catalogue.ParseAt(q.Get("at"), q.Get("size"), q.Get("clock"))
	if err != nil {
		s.Refuse(w, r, momentProblem)
		return at, false
	}
	return at, true
}

// address writes a moment as an address does, with its question mark; "" for now.
func address(at catalogue.At) string {
	q := make(url.Values)
	when, size, clock := at.Params()
	for name, value := range map[string]string{"at": when, "size": size, "clock": clock} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// said is a moment in words: "5 Mar 2024", "5 Mar 2024 10:00:00 UTC", "a log of 41 entries".
func said(l i18n.Lang, at catalogue.At) string {
	when, size, _ := at.Params()
	switch {
	case size != "":
		return l.T("asof.size", l.Count(at.Size))
	case len(when) == len(time.DateOnly):
		return l.Date(at.Time)
	}
	return l.Date(at.Time) + at.Time.Format(" 15:04:05 UTC")
}

// asOf fills the form that asks for another moment and, where the page is not about now, says so: as of when, and how much
// has happened to the record since.
func (s *server) asOf(l i18n.Lang, id string, at catalogue.At, v *catalogue.View, versions []catalogue.Version) record.AsOf {
	a := record.AsOf{Past: !at.IsZero(), Source: at.Clock == catalogue.SourceClock, Today: s.Now().UTC().Format(time.DateOnly)}
	if when, _, _ := at.Params(); len(when) >= len(time.DateOnly) {
		a.Day = when[:len(time.DateOnly)]
	}
	if !a.Past {
		return a
	}
	since := 0
	for _, x := range versions {
		if x.Index > v.Index {
			since++
		}
	}
	if at.Size > 0 {
		a.Banner = l.T("asof.banner.size", l.Count(at.Size)) + " "
	} else if a.Source {
		a.Banner = l.T("asof.banner.source", said(l, at)) + " "
	} else {
		a.Banner = l.T("asof.banner.log", said(l, at)) + " "
	}
	if since == 0 {
		a.Banner += l.T("asof.same")
	} else {
		a.Banner += l.N("asof.since", int64(since))
		diff := "/cve/" + id + "/diff?from=" + strconv.FormatInt(v.Index, 10) + "&to=" + strconv.FormatInt(versions[0].Index, 10)
		a.Ways = append(a.Ways, record.Way{Label: l.T("asof.diff"), Href: diff})
	}
	a.Ways = append(a.Ways, record.Way{Label: l.T("asof.tonow"), Href: "/cve/" + id})
	return a
}
