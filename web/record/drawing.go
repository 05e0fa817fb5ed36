package record

import (
	"net/url"
	"slices"
	"strconv"
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

// The line of versions is drawn in percent of its width and pixels of its height, so that its words keep their size on a
// narrow page. Marks' words stand in two rows by turns.
const (
	lineEdge  = 3  // percent left and right of the first and last place
	laneTop   = 12 // pixels
	laneEach  = 14
	labelEach = 16
)

// x is a place as a percentage of the line's width.
func (l *Line) x(place int) string {
	return strconv.FormatFloat(lineEdge+float64(place)*(100-2*lineEdge)/float64(l.Steps), 'f', 2, 64) + "%"
}

func laneY(lane int) string { return strconv.Itoa(laneTop + lane*laneEach) }

func (l *Line) bottom() int { return laneTop + (l.Lanes-1)*laneEach + 10 }

func (l *Line) labelRows() int {
	if len(l.Marks) > 2 {
		return 2
	}
	return 1
}

func (l *Line) labelY(i int) string {
	return strconv.Itoa(l.bottom() + labelEach*(1+i%l.labelRows()))
}

func (l *Line) height() string { return strconv.Itoa(l.bottom() + labelEach*l.labelRows() + 4) }

// label is a version short enough to stand on the line; the table has it whole.
func label(v string) string {
	const longest = 14
	if r := []rune(v); len(r) > longest {
		return string(r[:longest-1]) + "…"
	}
	return v
}

// A row of the table of versions: a range, or single versions of one status that follow one another.
type row struct {
	Range
	singles []string
}

func rows(ranges []Range) (out []row) {
	for _, r := range ranges {
		single := r.To == "" && !r.Open && len(r.Changes) == 0
		if last := len(out) - 1; single && last >= 0 && out[last].singles != nil && out[last].Status == r.Status {
			out[last].singles = append(out[last].singles, r.From)
			continue
		}
		next := row{Range: r}
		if single {
			next.singles = []string{r.From}
		}
		out = append(out, next)
	}
	return out
}

// firstRows is how many rows of a product's versions stand open: what to do comes next on the page, and should be seen with
// them. One row more is not worth folding.
const firstRows = 6

func opened(all []row) []row {
	if len(all) > firstRows+1 {
		return all[:firstRows]
	}
	return all
}

// upTo says a range's upper end in words.
func upTo(l i18n.Lang, r Range) string {
	switch {
	case r.Open:
		return l.T("range.open")
	case r.To == "":
		return "–"
	case r.Inclusive:
		return l.T("range.through", r.To)
	}
	return l.T("range.before", r.To)
}

// differs reports whether two parties that both judge (severity, weakness) judge differently. In other rows it is no
// news that they say different things.
func differs(containers []Container, row int) bool {
	if name := Rows[row]; name != "severity" && name != "weakness" {
		return false
	}
	var first []string
	for _, c := range containers {
		switch said := c.Cells[row].Lines; {
		case len(said) == 0:
		case first == nil:
			first = said
		case !slices.Equal(first, said):
			return true
		}
	}
	return false
}

// assigner is the assigner's name as a part of an address.
func (v View) assigner() string { return url.PathEscape(v.Assigner) }
