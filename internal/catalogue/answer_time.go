package catalogue

import (
	"math"
	"time"

	"tasuki/internal/query"
	"tasuki/internal/store/facet"
)

// timed answers by a time in Unix milliseconds. An age is a moment: "within 7 days" is what came after it.
func timed(num string) func(*query.Cond, time.Time) facet.Node {
	return func(c *query.Cond, now time.Time) facet.Node {
		return anyOf(periods(c), func(v query.Value) facet.Node { return period(num, c, v, now) })
	}
}

// periods is c with one value where all of them together say one thing.
func periods(c *query.Cond) *query.Cond {
	if c.Op == query.Is {
		return c
	}
	return &query.Cond{Field: c.Field, Op: c.Op, Values: c.Values[:1]}
}

func period(num string, c *query.Cond, v query.Value, now time.Time) facet.Node {
	from, to := v.Date.Bounds(now)
	first, after := from.UnixMilli(), to.UnixMilli()
	r := facet.Range{Num: num, Min: math.MinInt64 + 1, Max: math.MaxInt64}
	switch c.Op {
	case query.Is:
		if r.Min = first; after > first { // else an age
			r.Max = after - 1
		}
	case query.Above:
		if r.Min = after; after == first {
			r.Min = after + 1
		}
	case query.AtLeast:
		r.Min = first
	case query.Below:
		r.Max = first - 1
	case query.AtMost:
		if r.Max = after - 1; after == first {
			r.Max = after
		}
	case query.Between:
		if !v.Open {
			r.Min = first
		}
		if high := c.Values[1]; !high.Open {
			from, to := high.Date.Bounds(now)
			if r.Max = to.UnixMilli() - 1; from.Equal(to) {
				r.Max = to.UnixMilli()
			}
		}
	}
	return r
}

// exploited answers kev: by yes or no, or by the day when it was added.
func exploited(c *query.Cond, now time.Time) facet.Node {
	listedAs := facet.Any{Dim: "kev", Values: []string{"yes"}}
	return anyOf(periods(c), func(v query.Value) facet.Node {
		switch {
		case !v.Date.IsZero() || v.Open:
			return period("kevadded", c, v, now)
		case v.Text == "no":
			return facet.Not{Node: listedAs}
		}
		return listedAs
	})
}
