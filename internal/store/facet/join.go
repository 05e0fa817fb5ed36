package facet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrParts is wrapped when a query cannot be answered from several indexes.
var ErrParts = errors.New("facet: the query has no answer in parts")

// Part is what one of several indexes with different documents answers to one query; Join makes a Result of the parts.
type Part struct {
	Total  int
	Seq    int64 // the index had reached this
	places []place
	facets [][]Count
	bins   [][]int
}

// Part answers q for Join: where narrows this index to the documents that it answers for. Relevance weighs words against all
// documents of one index, so that an order by it is ErrParts.
func (x *Index) Part(ctx context.Context, q Query, where Node) (*Part, error) {
	if q.Sort.Relevance {
		return nil, fmt.Errorf("order by relevance: %w", ErrParts)
	}
	if q.Where != nil {
		where = And{where, q.Where}
	}
	q.Where = where
	// A page may come from one part whole, and any value may be among the first of all.
	if q.Limit > 0 {
		q.Limit = max(q.Offset, 0) + q.Limit + 1
	}
	q.Offset = 0
	q.Facets = slices.Clone(q.Facets)
	for i := range q.Facets {
		q.Facets[i].Top = 0
	}
	r, places, err := x.answer(ctx, q)
	if err != nil {
		return nil, err
	}
	return &Part{Total: r.Total, Seq: r.Seq, places: places, facets: r.Facets, bins: r.Bins}, nil
}

// Join makes one Result of what several indexes answered to q, as one index over all their documents would. Its Seq is that of
// the first part.
func Join(q Query, parts ...*Part) Result {
	r := Result{Seq: parts[0].Seq}
	var all []place
	for _, p := range parts {
		r.Total += p.Total
		all = append(all, p.places...)
	}
	slices.SortFunc(all, func(a, b place) int {
		if q.Sort.Desc {
			return b.compare(a)
		}
		return a.compare(b)
	})
	offset, limit := max(q.Offset, 0), max(q.Limit, 0)
	all = all[min(offset, len(all)):]
	if len(all) > limit && limit > 0 {
		r.Next = cursor(all[limit-1], q.Sort.tag())
	}
	for _, p := range all[:min(limit, len(all))] {
		r.Keys = append(r.Keys, string(p.key))
	}
	for i, f := range q.Facets {
		lists := make([][]Count, len(parts))
		for j, p := range parts {
			lists[j] = p.facets[i]
		}
		r.Facets = append(r.Facets, joinCounts(lists, f.Top))
	}
	for i, h := range q.Histograms {
		sum := make([]int, max(0, len(h.Edges)-1))
		for _, p := range parts {
			for j, n := range p.bins[i] {
				sum[j] += n
			}
		}
		r.Bins = append(r.Bins, sum)
	}
	return r
}

// joinCounts adds what the parts counted of each value.
func joinCounts(lists [][]Count, top int) []Count {
	sum := map[string]int{}
	for _, list := range lists {
		for _, c := range list {
			sum[c.Value] += c.Count
		}
	}
	out := make([]Count, 0, len(sum))
	for v, n := range sum {
		out = append(out, Count{v, n})
	}
	slices.SortFunc(out, func(a, b Count) int {
		if a.Count != b.Count {
			return cmp.Compare(b.Count, a.Count)
		}
		return strings.Compare(a.Value, b.Value)
	})
	if top > 0 && len(out) > top {
		out = out[:top]
	}
	return out
}
