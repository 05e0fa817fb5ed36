package web

import (
	"cmp"
	"slices"
	"strings"

	"tasuki/web/record"
)

// What of a product's ranges is drawn: a line with more marks or lanes than this says less than the table under it.
const (
	maxMarks = 12
	maxLanes = 5
)

// draw sets a product's ranges on one common line, its marks the bounds in the order of versions, equally far apart. It
// gives nil when the versions have no order that we know (commits, words), when there is no range to draw, or too many.
func draw(p record.Product) *record.Line {
	var marks []string
	spans := 0
	for _, r := range p.Ranges {
		if r.Commits {
			return nil
		}
		if r.To != "" || r.Open {
			spans++
		}
		for _, v := range []string{r.From, r.To} {
			if v == "" {
				continue
			}
			if _, ok := versionKey(v); !ok {
				return nil
			}
			if !slices.ContainsFunc(marks, func(m string) bool { return compareVersions(m, v) == 0 }) {
				if marks = append(marks, v); len(marks) > maxMarks {
					return nil
				}
			}
		}
	}
	if spans == 0 || len(marks) == 0 {
		return nil
	}
	slices.SortFunc(marks, compareVersions)
	place := func(v string) int {
		return 1 + slices.IndexFunc(marks, func(m string) bool { return compareVersions(m, v) == 0 })
	}
	line := &record.Line{Default: p.Default, Steps: len(marks) + 1}
	for i, m := range marks {
		line.Marks = append(line.Marks, record.Mark{Label: m, At: i + 1})
	}
	var lanes []int // where each lane's last bar ends
	for _, r := range bars(p.Ranges, place, line.Steps) {
		lane := slices.IndexFunc(lanes, func(end int) bool { return end <= r.From })
		if lane < 0 {
			if lane = len(lanes); lane == maxLanes {
				return nil
			}
			lanes = append(lanes, 0)
		}
		lanes[lane], r.Lane = r.To, lane
		if r.From == r.To {
			lanes[lane]++ // two single versions never share a place, a range may begin where another ends
		}
		line.Bars = append(line.Bars, r)
	}
	line.Lanes = len(lanes)
	return line
}

// bars are the ranges as places on the line, by where they begin. What ends before it begins is not drawn: the table shows
// what its author wrote.
func bars(ranges []record.Range, place func(string) int, end int) (out []record.Bar) {
	for _, r := range ranges {
		b := record.Bar{Status: r.Status, Inclusive: r.Inclusive, Open: r.Open}
		if b.First = r.From == ""; !b.First {
			b.From = place(r.From)
		}
		switch {
		case r.Open:
			b.To = end
		case r.To != "":
			b.To = place(r.To)
		default:
			b.To = b.From
		}
		if b.To >= b.From {
			out = append(out, b)
		}
	}
	slices.SortStableFunc(out, func(a, b record.Bar) int { return cmp.Compare(a.From, b.From) })
	return out
}

// compareVersions orders versions as most schemes do: numbers by value, what marks a version before its release (rc, beta)
// before nothing, other words after it. It is for drawing only: which version is affected is for the record to say. Both have
// to have a key.
func compareVersions(a, b string) int {
	x, _ := versionKey(a)
	y, _ := versionKey(b)
	for i := range max(len(x), len(y)) {
		var p, q part
		if i < len(x) {
			p = x[i]
		}
		if i < len(y) {
			q = y[i]
		}
		if c := cmp.Or(cmp.Compare(p.rank(), q.rank()), cmp.Compare(len(p.number), len(q.number)), strings.Compare(p.number, q.number), strings.Compare(p.word, q.word)); c != 0 {
			return c
		}
	}
	return 0
}

// part is a number without leading zeros, or a word in lower case; "*" is the end of a branch. The zero part stands for a
// version that has ended; a number 0 is the same, so that 2.0 and 2.0.0 share a place.
type part struct{ number, word string }

func (p part) rank() int {
	switch {
	case p.word == "*":
		return 4
	case p.word != "" && slices.Contains([]string{"a", "alpha", "b", "beta", "c", "dev", "ea", "m", "milestone", "pre", "preview", "rc", "snapshot"}, p.word):
		return 0
	case p.word != "":
		return 2
	case p.number != "":
		return 3
	}
	return 1
}

// versionKey cuts a version into numbers and words. ok is false for what does not begin with a number (after a "v"), or
// holds anything but letters, digits, the usual marks between them and a star at the end.
func versionKey(v string) (key []part, ok bool) {
	v = strings.ToLower(strings.TrimSpace(v))
	if len(v) > 1 && v[0] == 'v' {
		v = v[1:]
	}
	const digits, letters = "0123456789", "abcdefghijklmnopqrstuvwxyz"
	if v == "" || !strings.Contains(digits, v[:1]) || len(v) > 60 {
		return nil, false
	}
	for v != "" {
		number := v[:len(v)-len(strings.TrimLeft(v, digits))]
		word := v[:len(v)-len(strings.TrimLeft(v, letters))]
		switch {
		case number != "":
			key = append(key, part{number: strings.TrimLeft(number, "0")})
			v = v[len(number):]
		case word != "":
			key = append(key, part{word: word})
			v = v[len(word):]
		case v == "*":
			key, v = append(key, part{word: v}), ""
		case strings.ContainsAny(v[:1], ".-_+~"):
			v = v[1:]
		default:
			return nil, false
		}
	}
	return key, true
}
