package facet

import (
	"fmt"
	"slices"
)

// histogram counts the hits per bin.
func (s *search) histogram(h Histogram, hits set) ([]int, error) {
	i, ok := s.x.numbers[h.Num]
	if !ok {
		return nil, fmt.Errorf("number %q: %w", h.Num, ErrName)
	}
	bins := make([]int, max(0, len(h.Edges)-1))
	if len(bins) == 0 {
		return bins, nil
	}
	col := &s.g.nums[i]
	low, high := h.Edges[0], h.Edges[len(bins)]
	hits.each(func(ord uint32) {
		v := col.at(ord)
		if v == Absent || v < low || v >= high {
			return
		}
		at, exact := slices.BinarySearch(h.Edges, v)
		if !exact {
			at-- // the edge below v
		}
		for exact && at+1 < len(bins) && h.Edges[at+1] == v { // an empty bin begins where the next does
			at++
		}
		bins[at]++
	})
	return bins, nil
}

// histograms counts the hits for all that q asks.
func (s *search) histograms(q *Query, hits set) ([][]int, error) {
	var out [][]int
	for _, h := range q.Histograms {
		bins, err := s.histogram(h, hits)
		if err != nil {
			return nil, err
		}
		out = append(out, bins)
	}
	return out, nil
}
