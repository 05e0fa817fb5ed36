package catalogue

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tasuki/internal/query"
	"tasuki/internal/store/facet"
)

// answer says how one field is answered from the index.
type answer struct {
	dim   string // keyword whose facets count without the field's own conditions; "" has none
	index string // what answers, for Explain
	node  func(c *query.Cond, now time.Time) facet.Node
}

// answers has one entry per field of the query language; a test holds the two lists together.
var answers = map[string]answer{
	"id":          {"", "identifiers", ids},
	"year":        {"year", "keyword year", numbered("year")},
	"state":       {"state", "keyword state", listed("state", strings.ToUpper)},
	"vendor":      {"vendor", "keyword vendor", nameOf("vendor")},
	"product":     {"product", "keyword product", nameOf("product")},
	"severity":    {"severity", "keyword severity", listed("severity", same)},
	"cvss":        {"", "number score", scored},
	"cvss2":       {"", "keyword score2", numbered("score2")},
	"cvss3":       {"", "keyword score3", numbered("score3")},
	"cvss4":       {"", "keyword score4", numbered("score4")},
	"vector":      {"", "keywords vec2, vec30, vec31, vec40", vectors},
	"kev":         {"kev", "keyword kev, number kevadded", exploited},
	"ssvc":        {"ssvc", "keyword ssvc", listed("ssvc", same)},
	"cwe":         {"cwe", "keyword cwe", keyword("cwe", same)},
	"published":   {"", "number published", timed("published")},
	"changed":     {"", "number changed", timed("changed")},
	"updated":     {"", "number updated", timed("updated")},
	"reserved":    {"", "number reserved", timed("reserved")},
	"assigner":    {"assigner", "keyword assigner", folded("assigner")},
	"source":      {"", "keywords source, party", sources},
	"tag":         {"tag", "keyword tag", folded("tag")},
	"ref":         {"reference", "keyword reference", folded("reference")},
	"has":         {"has", "keyword has", listed("has", same)},
	"lang":        {"lang", "keyword lang", keyword("lang", strings.ToLower)},
	"status":      {"status", "keyword status", listed("status", same)},
	"title":       {"", "words of zone title", zoned("title")},
	"description": {"", "words of zones en, other", zoned("en", "other")},
}

func same(s string) string { return s }

// anyOf joins what holds for the values of a condition.
func anyOf(c *query.Cond, node func(v query.Value) facet.Node) facet.Node {
	or := make(facet.Or, len(c.Values))
	for i, v := range c.Values {
		or[i] = node(v)
	}
	if len(or) == 1 {
		return or[0]
	}
	return or
}

func zoned(zones ...string) func(*query.Cond, time.Time) facet.Node {
	return func(c *query.Cond, _ time.Time) facet.Node {
		return anyOf(c, func(v query.Value) facet.Node {
			text := v.Text
			if v.Glob {
				text = strings.TrimSuffix(text, "*")
			}
			several := strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("\"“”", r) })
			return words(text, several, v.Glob, zones)
		})
	}
}

// keyword answers a condition by values as the index spells them.
func keyword(dim string, spell func(string) string) func(*query.Cond, time.Time) facet.Node {
	return func(c *query.Cond, _ time.Time) facet.Node {
		var plain []string
		var globs []func(string) bool
		for _, v := range c.Values {
			if v.Glob {
				globs = append(globs, glob(spell(v.Text), same)) // one letter case, so that values need no folding
			} else {
				plain = append(plain, spell(v.Text))
			}
		}
		return either(dim, plain, globs)
	}
}

func either(dim string, plain []string, matches []func(string) bool) facet.Node {
	var or facet.Or
	if len(plain) > 0 {
		or = append(or, facet.Any{Dim: dim, Values: plain})
	}
	if len(matches) > 0 { // in one pass over the values
		or = append(or, facet.Match{Dim: dim, Func: func(value string) bool {
			return slices.ContainsFunc(matches, func(match func(string) bool) bool { return match(value) })
		}})
	}
	if len(or) == 1 {
		return or[0]
	}
	return or
}

// nameOf is keyword for names of vendors and products, which the index holds in lower case with single spaces.
func nameOf(dim string) func(*query.Cond, time.Time) facet.Node {
	return keyword(dim, func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) })
}

// folded is keyword for few values that the index holds as they were written.
func folded(dim string) func(*query.Cond, time.Time) facet.Node {
	return func(c *query.Cond, _ time.Time) facet.Node {
		var matches []func(string) bool
		for _, v := range c.Values {
			if v.Glob {
				matches = append(matches, glob(v.Text, strings.ToLower))
			} else {
				matches = append(matches, func(value string) bool { return strings.EqualFold(value, v.Text) })
			}
		}
		return either(dim, nil, matches)
	}
}

// glob matches folded values against a folded pattern in which * stands for any characters.
func glob(pattern string, fold func(string) string) func(string) bool {
	parts := strings.Split(fold(pattern), "*")
	first, last := parts[0], parts[len(parts)-1]
	middle := parts[1 : len(parts)-1]
	return func(value string) bool {
		value = fold(value)
		if len(value) < len(first)+len(last) || !strings.HasPrefix(value, first) || !strings.HasSuffix(value, last) {
			return false
		}
		value = value[len(first) : len(value)-len(last)]
		for _, m := range middle {
			i := strings.Index(value, m)
			if i < 0 {
				return false
			}
			value = value[i+len(m):]
		}
		return true
	}
}

// ids answers by identifier.
func ids(c *query.Cond, _ time.Time) facet.Node {
	return anyOf(c, func(v query.Value) facet.Node {
		if !v.Glob {
			return facet.Keys{v.Text}
		}
		return facet.KeyMatch(glob(v.Text, same))
	})
}

// sources answers by who says something: organisations by UUID, or by short name.
func sources(c *query.Cond, now time.Time) facet.Node {
	return facet.Or{keyword("source", strings.ToLower)(c, now), keyword("party", strings.ToLower)(c, now)}
}

// listed answers a condition on values of a list, or on a stretch of its order.
func listed(dim string, spell func(string) string) func(*query.Cond, time.Time) facet.Node {
	return func(c *query.Cond, _ time.Time) facet.Node {
		if c.Op == query.Is {
			return keyword(dim, spell)(c, time.Time{})
		}
		var values []string
		in := inside(c, func(v query.Value) float64 { return float64(slices.Index(c.Field.Enum, v.Text)) })
		for i, v := range c.Field.Enum {
			if in(float64(i)) {
				values = append(values, spell(v))
			}
		}
		return facet.Any{Dim: dim, Values: values}
	}
}

// inside is a condition as a function of a number; of is the number that an operand means.
func inside(c *query.Cond, of func(query.Value) float64) func(float64) bool {
	end := func(i int, open float64) float64 {
		if c.Values[i].Open {
			return open
		}
		return of(c.Values[i])
	}
	switch c.Op {
	case query.Above:
		return func(n float64) bool { return n > of(c.Values[0]) }
	case query.AtLeast:
		return func(n float64) bool { return n >= of(c.Values[0]) }
	case query.Below:
		return func(n float64) bool { return n < of(c.Values[0]) }
	case query.AtMost:
		return func(n float64) bool { return n <= of(c.Values[0]) }
	case query.Between:
		low, high := end(0, math.Inf(-1)), end(1, math.Inf(1))
		return func(n float64) bool { return low <= n && n <= high }
	default:
		return func(n float64) bool {
			return slices.ContainsFunc(c.Values, func(v query.Value) bool { return of(v) == n })
		}
	}
}

func number(v query.Value) float64 { return v.Num }

// numbered answers a number by a keyword with few values that are numbers.
func numbered(dim string) func(*query.Cond, time.Time) facet.Node {
	return func(c *query.Cond, _ time.Time) facet.Node {
		in := inside(c, number)
		return facet.Match{Dim: dim, Func: func(value string) bool {
			n, err := strconv.ParseFloat(value, 64)
			return err == nil && in(n)
		}}
	}
}

// scored answers by the score to judge by, which the index holds in tenths.
func scored(c *query.Cond, _ time.Time) facet.Node {
	in := inside(c, number)
	var or facet.Or
	for from := int64(0); from <= 100; {
		if !in(float64(from) / 10) {
			from++
			continue
		}
		to := from
		for to < 100 && in(float64(to+1)/10) {
			to++
		}
		or = append(or, facet.Range{Num: "score", Min: from, Max: to})
		from = to + 1
	}
	if len(or) == 1 {
		return or[0]
	}
	return or
}
