package facet

import "context"

// Search answers q from one state of the index. It errs only on names and cursors that do not fit, and when ctx ends: it is
// asked before every node and every term, since writers wait meanwhile.
func (x *Index) Search(ctx context.Context, q Query) (Result, error) {
	r, places, err := x.answer(ctx, q)
	if err != nil {
		return Result{}, err
	}
	r.Keys = make([]string, len(places))
	for i, p := range places {
		r.Keys[i] = string(p.key)
	}
	return r, nil
}

// answer is Search with the places of the page's documents instead of their keys.
func (x *Index) answer(ctx context.Context, q Query) (Result, []place, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	s := &search{ctx: ctx, x: x, g: x.seg}

	base := s.copyOf(s.g.live)
	defer s.giveBack(base)
	if err := s.narrow(q.Where, base); err != nil {
		return Result{}, nil, err
	}
	hits := s.copyOf(base)
	defer s.giveBack(hits)
	for _, f := range q.Filters {
		if err := s.narrow(f.Node, hits); err != nil {
			return Result{}, nil, err
		}
	}
	r := Result{Total: hits.count(), Seq: x.seq}
	for _, f := range q.Facets {
		dim, err := x.keyword(f.Dim)
		if err != nil {
			return Result{}, nil, err
		}
		over, err := s.sideways(&q, f, base, hits)
		if err != nil {
			return Result{}, nil, err
		}
		r.Facets = append(r.Facets, s.facet(dim, f, over, over.count()))
		s.giveBack(over)
	}
	var err error
	if r.Bins, err = s.histograms(&q, hits); err != nil {
		return Result{}, nil, err
	}
	// Last, because the scorer lets writers in between hits.
	places, next, err := s.page(&q, hits, r.Total)
	if err != nil {
		return Result{}, nil, err
	}
	r.Next = next
	return r, places, nil
}

// sideways returns a copy of what facet f counts over: the hits, or what they would be without the filters on
// its own keyword.
func (s *search) sideways(q *Query, f Facet, base, hits set) (set, error) {
	own := false
	for _, c := range q.Filters {
		own = own || c.Dim == f.Dim
	}
	if !f.Sideways || !own {
		return s.copyOf(hits), nil
	}
	over := s.copyOf(base)
	for _, c := range q.Filters {
		if c.Dim == f.Dim {
			continue
		}
		if err := s.narrow(c.Node, over); err != nil {
			return nil, err
		}
	}
	return over, nil
}
