package chart

import (
	"strconv"

	"tasuki/web/i18n"
)

// Bin is one bar: a span of time and how many records fall into it.
type Bin struct {
	Label string // of its row in the table: 2024, 2024-03
	Tick  string // below the bar; "" for a bar without one
	N     int64
	Href  string // the search that finds them; may be empty
}

// Mix is how many records there are of each level of severity, the most severe first. Levels without records are left out.
type Mix []Level

// Level is one part of a mix.
type Level struct {
	Level string // critical, high, medium, low, none, unscored
	N     int64
	Href  string // may be empty
}

func (m Mix) total() (n int64) {
	for _, l := range m {
		n += l.N
	}
	return n
}

// piece is a rectangle of the drawing; the drawing is unitless and stretched to its place.
type piece struct {
	class      string
	x, y, w, h string
}

const (
	height  = 100 // of every drawing
	step    = 10  // from one bar to the next
	width   = 8   // of a bar
	fullMix = 400 // width of a mix
	gap     = 2   // between two of its levels
)

// bars are the rectangles of counts, the highest of which fills the height. What is not zero is always to be seen.
func bars(counts []int64) (out []piece) {
	top := highest(counts)
	for i, n := range counts {
		if n <= 0 {
			continue
		}
		h := max(2, float64(height)*float64(n)/float64(top))
		out = append(out, piece{class: "inkbar", x: strconv.Itoa(i*step + 1), w: strconv.Itoa(width), y: number(height - h), h: number(h)})
	}
	return out
}

// segments are the rectangles of a mix, in its order, side by side.
func (m Mix) segments() (out []piece) {
	total := m.total()
	x := 0.0
	for _, l := range m {
		w := float64(fullMix) * float64(l.N) / float64(total)
		out = append(out, piece{class: "fill-" + l.Level, x: number(x), w: number(max(1, w-gap)), y: "0", h: strconv.Itoa(height)})
		x += w
	}
	return out
}

func highest(counts []int64) int64 {
	top := int64(1)
	for _, n := range counts {
		top = max(top, n)
	}
	return top
}

func of(bins []Bin) []int64 {
	counts := make([]int64, len(bins))
	for i, b := range bins {
		counts[i] = b.N
	}
	return counts
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 32) }

func box(bars int) string {
	return "0 0 " + strconv.Itoa(max(1, bars)*step) + " " + strconv.Itoa(height)
}

// words says a mix in one line, for who does not see it.
func (m Mix) words(l i18n.Lang) string {
	text := ""
	for i, x := range m {
		if i > 0 {
			text += l.T("list.comma")
		}
		text += l.T("severity."+x.Level) + " " + l.Count(x.N)
	}
	return text
}
