package facet

import (
	"bytes"
	"slices"
	"strings"
)

// tally is one value and its count, before its name is looked up.
type tally struct {
	value uint32
	n     uint32
}

// facet counts the values of a keyword over the hits: by reading the hits' values, as there are
// keywords with tens of thousands of values.
func (s *search) facet(dim int, f Facet, hits set) []Count {
	values := &s.x.values[dim]
	k := &s.g.words[dim]
	counts := make([]uint32, values.len())
	hits.each(func(ord uint32) {
		first := k.first.at(ord)
		switch {
		case first == 0:
		case first&manyBit == 0:
			counts[first-1]++
		default:
			at := first &^ manyBit
			for j := range k.more.at(at) {
				counts[k.more.at(at+1+j)]++
			}
		}
	})
	top := leading[tally]{k: f.Top, before: func(a, b tally) bool {
		if a.n != b.n {
			return a.n > b.n
		}
		return bytes.Compare(values.at(a.value), values.at(b.value)) < 0
	}}
	if f.Top <= 0 {
		top.k = len(counts)
	}
	for v, n := range counts {
		if n > 0 && (f.Prefix == "" || strings.HasPrefix(string(values.at(uint32(v))), f.Prefix)) {
			top.add(tally{uint32(v), n})
		}
	}
	best := top.from(0)
	out := make([]Count, len(best))
	for i, t := range best {
		out[i] = Count{string(values.at(t.value)), int(t.n)}
	}
	return out
}

// order sorts b by before.
func order[T any](b []T, before func(a, b T) bool) {
	slices.SortFunc(b, func(x, y T) int {
		switch {
		case before(x, y):
			return -1
		case before(y, x):
			return 1
		}
		return 0
	})
}
