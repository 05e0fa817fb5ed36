package search

import (
	"strconv"
	"time"

	"github.com/a-h/templ"
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
