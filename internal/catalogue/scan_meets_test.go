package catalogue

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"tasuki/internal/query"
)

// cutWords cuts a text into words; of Japanese and the like, every character is one.
func cutWords(text string) (out []string) {
	text = strings.ToLower(norm.NFKC.String(text))
	text = strings.ReplaceAll(text, "ß", "ss")
	var run strings.Builder
	end := func() {
		if s := run.String(); len(s) > 1 && s[0] == 'v' && s[1] >= '0' && s[1] <= '9' {
			out = append(out, "v", s[1:])
		} else if s != "" {
			out = append(out, s)
		}
		run.Reset()
	}
	runes := []rune(text)
	for i, r := range runes {
		switch {
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) || r == 'ー':
			end()
			out = append(out, string(r))
		case unicode.IsLetter(r), unicode.IsNumber(r), unicode.IsMark(r) && run.Len() > 0:
			run.WriteRune(r)
		default:
			// c# and c++ are names.
			if run.Len() == 1 && (r == '#' || r == '+' && i+1 < len(runes) && runes[i+1] == '+') {
				run.WriteString(map[rune]string{'#': "#", '+': "++"}[r])
			}
			end()
		}
	}
	end()
	return out
}

// meets walks the tree.
func (d *scanned) meets(n query.Node, now time.Time) bool {
	holds := func(n query.Node) bool { return d.meets(n, now) }
	switch n := n.(type) {
	case nil:
		return true
	case *query.And:
		return !slices.ContainsFunc(n.Nodes, func(n query.Node) bool { return !holds(n) })
	case *query.Or:
		return slices.ContainsFunc(n.Nodes, holds)
	case *query.Not:
		return !holds(n.Node)
	case *query.Words:
		return d.says(n.Text, n.Prefix, "en", "title", "product", "more", "other")
	case *query.Cond:
		return d.meetsCond(n, now)
	}
	panic("a node of another kind")
}

func (d *scanned) says(text string, prefix bool, zones ...string) bool {
	want := d.cut(text)
	last := len(want) - 1
	for _, zone := range zones {
		have := d.text[zone]
		for i := range len(have) - last {
			if !slices.Equal(have[i:i+last], want[:last]) {
				continue
			}
			if have[i+last] == want[last] || prefix && strings.HasPrefix(have[i+last], want[last]) {
				return true
			}
		}
	}
	return false
}

func (d *scanned) meetsCond(c *query.Cond, now time.Time) bool {
	name := c.Field.Name
	switch {
	case name == "title":
		return slices.ContainsFunc(c.Values, func(v query.Value) bool { return d.says(strings.TrimSuffix(v.Text, "*"), v.Glob, "title") })
	case name == "description":
		return slices.ContainsFunc(c.Values, func(v query.Value) bool { return d.says(strings.TrimSuffix(v.Text, "*"), v.Glob, "en", "other") })
	case name == "vector":
		return slices.ContainsFunc(c.Values, func(v query.Value) bool {
			return slices.ContainsFunc(d.vecs, func(have string) bool { return vectorHas(have, v.Text) })
		})
	case name == "kev" && c.Op == query.Is && c.Values[0].Date.IsZero():
		return slices.ContainsFunc(c.Values, func(v query.Value) bool { return (v.Text == "yes") == (d.times["kev"] != nil) })
	case c.Field.Kind == query.Time || name == "kev":
		return meetsTime(c, d.times[name], now)
	case c.Field.Kind == query.Number:
		return slices.ContainsFunc(d.nums[name], func(n float64) bool { return meetsOrder(c, n, func(v query.Value) float64 { return v.Num }) })
	case c.Op != query.Is:
		rank := func(s string) float64 { return float64(slices.Index(c.Field.Enum, s)) }
		return slices.ContainsFunc(d.words[name], func(s string) bool {
			return rank(s) >= 0 && meetsOrder(c, rank(s), func(v query.Value) float64 { return rank(v.Text) })
		})
	}
	return slices.ContainsFunc(d.words[name], func(have string) bool {
		return slices.ContainsFunc(c.Values, func(v query.Value) bool {
			if v.Glob {
				return wild(strings.ToLower(v.Text), have)
			}
			return strings.ToLower(strings.Join(strings.Fields(v.Text), " ")) == have
		})
	})
}

func meetsOrder(c *query.Cond, n float64, of func(query.Value) float64) bool {
	first := of(c.Values[0])
	switch c.Op {
	case query.Above:
		return n > first
	case query.AtLeast:
		return n >= first
	case query.Below:
		return n < first
	case query.AtMost:
		return n <= first
	case query.Between:
		return (c.Values[0].Open || n >= first) && (c.Values[1].Open || n <= of(c.Values[1]))
	}
	return slices.ContainsFunc(c.Values, func(v query.Value) bool { return of(v) == n })
}

// meetsTime compares with periods [from, to) and with ages, which are moments.
func meetsTime(c *query.Cond, at *time.Time, now time.Time) bool {
	if at == nil {
		return false
	}
	before := func(v query.Value) bool { from, _ := v.Date.Bounds(now); return at.Before(from) }
	after := func(v query.Value) bool {
		from, to := v.Date.Bounds(now)
		return at.After(from) && !at.Before(to)
	}
	switch c.Op {
	case query.Above:
		return after(c.Values[0])
	case query.AtLeast:
		return !before(c.Values[0])
	case query.Below:
		return before(c.Values[0])
	case query.AtMost:
		return !after(c.Values[0])
	case query.Between:
		return (c.Values[0].Open || !before(c.Values[0])) && (c.Values[1].Open || !after(c.Values[1]))
	}
	return slices.ContainsFunc(c.Values, func(v query.Value) bool {
		from, to := v.Date.Bounds(now)
		return !before(v) && (from.Equal(to) || !after(v))
	})
}

// wild matches a pattern in which * stands for any characters.
func wild(pattern, s string) bool {
	if pattern == "" {
		return s == ""
	}
	if pattern[0] == '*' {
		return wild(pattern[1:], s) || s != "" && wild(pattern, s[1:])
	}
	return s != "" && s[0] == pattern[0] && wild(pattern[1:], s[1:])
}

// vectorHas compares metric by metric, whatever the letter case; a version that is named must be the vector's.
func vectorHas(have, want string) bool {
	have, want = strings.ToUpper(have), strings.ToUpper(want)
	if strings.HasPrefix(want, "CVSS:") && strings.Split(have, "/")[0] != strings.Split(want, "/")[0] {
		return false
	}
	for part := range strings.SplitSeq(want, "/") {
		if !slices.Contains(strings.Split(have, "/"), part) {
			return false
		}
	}
	return true
}
