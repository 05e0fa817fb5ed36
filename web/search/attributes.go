package search

import (
	"strconv"
	"time"

	"github.com/a-h/templ"

	"tasuki/web/i18n"
)

// lang is the lang attribute of a text in another language than the page's; none when they agree.
func lang(tag string) templ.Attributes {
	if tag == "" {
		return nil
	}
	return templ.Attributes{"lang": tag}
}

// pressed tells a screen reader which facet values are on.
func pressed(on bool) templ.Attributes {
	if !on {
		return nil
	}
	return templ.Attributes{"aria-current": "true"}
}

// took writes a duration in milliseconds with one decimal.
func took(d time.Duration) string {
	return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 1, 64)
}

// dates says when a record was published and last changed, for the pointer over its date.
func dates(l i18n.Lang, h Hit, now time.Time) string {
	text := l.T("dim.published") + " " + l.Age(h.Published, now)
	if !h.Changed.IsZero() {
		text += l.T("list.comma") + l.T("dim.changed") + " " + h.Changed.UTC().Format(time.DateOnly)
	}
	return text
}

// depth is the class that sets a part of the query in, as far as there is room.
func depth(n int) string { return "d" + strconv.Itoa(min(n, 6)) }
