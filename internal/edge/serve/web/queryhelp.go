package web

import (
	"net/http"
	"strings"

	"tasuki/internal/query"
	"tasuki/web/i18n"
	"tasuki/web/queryhelp"
)

// lessons are the ways to write a query, with an example each. A test reads every example.
var lessons = []struct{ name, text string }{
	{"words", "sql injection"}, {"phrase", `"use after free"`}, {"prefix", "overflow*"}, {"japanese", "認証回避"},
	{"field", "vendor:microsoft"}, {"spaced", `product:"windows server 2019"`}, {"any", "severity:(high, critical)"}, {"glob", "product:*firewall*"},
	{"compare", "cvss>=9"}, {"between", "published:2024-01..2024-03"},
	{"and", "vendor:apache kev:yes"}, {"or", "cwe:CWE-78 OR cwe:CWE-77"}, {"not", "-state:rejected"}, {"brackets", "(vendor:cisco OR vendor:juniper) severity>=high"},
	{"wide", "vendor：シスコ　severity>=high"},
}

// dateLessons are the ways to write a date.
var dateLessons = []struct{ name, text string }{
	{"year", "published:2024"}, {"month", "published:2024-01"}, {"day", "published:2024-01-15"}, {"moment", "changed:2024-01-15T10:00:00Z..2024-01-15T12:00:00Z"},
	{"range", "published:2024-01..2024-03"}, {"open", "published:2024-06.."}, {"since", "changed:>7d"}, {"before", "changed:<1y"}, {"today", "published:today"},
}

// queryHelp is the page that explains the query language.
func (s *server) queryHelp(w http.ResponseWriter, r *http.Request) {
	p, _ := s.Page(w, r)
	p.Title = p.Lang.T("query.title")
	v := queryhelp.View{Page: p}
	for _, x := range lessons {
		v.Lessons = append(v.Lessons, queryhelp.Lesson{Text: x.text, Href: finds(x.text), Says: p.Lang.T("query.lesson." + x.name)})
	}
	for _, x := range dateLessons {
		v.Dates = append(v.Dates, queryhelp.Lesson{Text: x.text, Href: finds(x.text), Says: p.Lang.T("query.date." + x.name)})
	}
	for _, f := range query.Fields() {
		v.Fields = append(v.Fields, fieldHelp(p.Lang, f))
	}
	s.Send(w, r, http.StatusOK, queryhelp.Body(v))
}

func fieldHelp(l i18n.Lang, f *query.Field) queryhelp.Field {
	h := queryhelp.Field{Name: f.Name, Aliases: strings.Join(f.Aliases, ", "), Help: f.Help[string(l)], Example: f.Example, Href: finds(f.Example)}
	if values := f.Values(); f.Kind == query.Enum {
		h.Values = values
	}
	kinds := map[query.Kind]string{query.Keyword: "keyword", query.Enum: "enum", query.Number: "number", query.Time: "time", query.Flag: "flag", query.Zone: "zone"}
	h.Kind = l.T("query.kind." + kinds[f.Kind])
	h.Signs = ":"
	if f.Comparable() {
		h.Signs = ": > >= < <= .."
	}
	return h
}
