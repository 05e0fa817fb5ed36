package record

import (
	"strings"

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

func join(parts []string) string { return strings.Join(parts, ", ") }

// end is where the line of a range stops: short of an open ring, so that it does not run through it.
func end(r Range) string {
	switch {
	case r.Open:
		return "57"
	case r.Inclusive:
		return "55"
	}
	return "51"
}

// bound says a range's upper end in words, for who cannot see the line.
func bound(l i18n.Lang, r Range) string {
	switch {
	case r.Open:
		return l.T("range.onwards")
	case r.Inclusive:
		return l.T("range.through")
	}
	return l.T("range.before")
}

// differs reports whether two parties that both judge (severity, weakness) judge differently. In other rows it is no
// news that they say different things.
func differs(containers []Container, row int) bool {
	if name := Rows[row]; name != "severity" && name != "weakness" {
		return false
	}
	first := ""
	for _, c := range containers {
		switch said := c.Cells[row]; {
		case said == "":
		case first == "":
			first = said
		case said != first:
			return true
		}
	}
	return false
}
