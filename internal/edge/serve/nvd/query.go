package nvd

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/spec/cve"
	"tasuki/spec/nvd"
)

// result is one page of a request.
type result struct {
	hits  []catalogue.Hit
	total int
	size  int64 // log size it was answered at
}

func (p *result) ids() []string {
	ids := make([]string, len(p.hits))
	for i := range p.hits {
		ids[i] = p.hits[i].ID
	}
	return ids
}

func (p *result) lastChanged() (last time.Time) {
	for i := range p.hits {
		if p.hits[i].Changed.After(last) {
			last = p.hits[i].Changed
		}
	}
	return last
}

// page finds the records that a request asks for. Most requests are one query; some are a union that the catalogue's
// filters, which combine with AND, cannot say: those are asked as disjoint queries and merged.
func (h *handler) page(ctx context.Context, p nvd.Params, now time.Time) (*result, error) {
	parts := h.queries(p, now)
	if len(parts) == 1 {
		q := parts[0]
		q.Offset, q.Limit = p.StartIndex, p.ResultsPerPage
		page, err := h.Source.Search(ctx, q)
		if err != nil {
			return nil, err
		}
		return &result{hits: page.Hits, total: page.Total, size: page.Size}, nil
	}
	return h.union(ctx, parts, p.StartIndex, p.ResultsPerPage)
}

// queries translates a request. The queries have no record in common.
func (h *handler) queries(p nvd.Params, now time.Time) []catalogue.Query {
	base := catalogue.Query{Sort: catalogue.Oldest}
	if p.Keyword != "" {
		base.Text, base.Zone, base.Prefix, base.Phrase = p.Keyword, "en", !p.ExactMatch, p.ExactMatch
	}
	add := func(f catalogue.Filter) { base.Filters = append(base.Filters, f) }
	for _, x := range []struct {
		dim    string
		values []string
	}{
		{"id", one(p.CVEID)}, {"id", p.CVEIDs}, {"tag", one(p.Tag)}, {"cwe", one(p.CWE)},
		{"sev2", one(p.Sev2)}, {"sev3", one(p.Sev3)}, {"sev4", one(p.Sev4)},
		{"kev", flag(p.HasKEV)}, {"certalert", flag(p.HasCertAlert)}, {"certnote", flag(p.HasCertNote)}, {"oval", flag(p.HasOVAL)},
		{"source", h.sources(p.Source)},
	} {
		if len(x.values) > 0 {
			add(catalogue.Filter{Dim: x.dim, Values: x.values})
		}
	}
	if p.NoRejected {
		add(catalogue.Filter{Dim: "status", Values: []string{nvd.ClassRejected}, Not: true})
	}
	for _, x := range []struct {
		num string
		nvd.Window
	}{{"published", p.Pub}, {"changed", p.LastMod}, {"kevadded", p.KEV}} {
		if !x.IsZero() {
			add(between(x.num, x.Start, x.End))
		}
	}
	parts := []catalogue.Query{base}
	if p.Vector != nil {
		parts = split(parts, vectors(p.Vector))
	}
	if p.Statuses != nil {
		parts = split(parts, statuses(p.Statuses, now))
	}
	return parts
}

// split multiplies queries by disjoint alternatives.
func split(queries []catalogue.Query, alternatives [][]catalogue.Filter) []catalogue.Query {
	var out []catalogue.Query
	for _, q := range queries {
		for _, filters := range alternatives {
			part := q
			part.Filters = slices.Concat(q.Filters, filters)
			out = append(out, part)
		}
	}
	return out
}

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func flag(set bool) []string {
	if set {
		return []string{"yes"}
	}
	return nil
}

// sources are the organisations that a sourceIdentifier means. Records hold UUIDs, in lower case but for a few.
func (h *handler) sources(name string) []string {
	if name == "" {
		return nil
	}
	out := []string{name, strings.ToLower(name)}
	if h.SourceOrgs != nil {
		out = append(out, h.SourceOrgs(name)...)
	}
	return out
}

// between is a window with both ends included, in the whole milliseconds that replies show.
func between(num string, start, end time.Time) catalogue.Filter {
	from := start.UnixMilli()
	if start.After(time.UnixMilli(from)) {
		from++
	}
	return catalogue.Filter{Num: num, Min: from, Max: end.UnixMilli()}
}

// vectors are the alternatives of a vector query: 3.0 and 3.1 are two dimensions of the index.
func vectors(q *nvd.VectorQuery) [][]catalogue.Filter {
	in := func(dim string, not bool) catalogue.Filter {
		return catalogue.Filter{Dim: dim, Match: q.Match, Not: not}
	}
	switch {
	case q.Major == '2':
		return [][]catalogue.Filter{{in("vec2", false)}}
	case q.Major == '4':
		return [][]catalogue.Filter{{in("vec40", false)}}
	case q.Minor == "3.0":
		return [][]catalogue.Filter{{in("vec30", false)}}
	case q.Minor == "3.1":
		return [][]catalogue.Filter{{in("vec31", false)}}
	}
	return [][]catalogue.Filter{{in("vec31", false)}, {in("vec30", false), in("vec31", true)}}
}

// statuses are the alternatives of a list of statuses. The index knows classes; whether a waiting record is Received or
// Awaiting Analysis is decided by its age, here at the same instant at which the page is rendered.
func statuses(asked []string, now time.Time) [][]catalogue.Filter {
	has := func(status string) bool { return slices.Contains(asked, status) }
	var classes []string
	for _, x := range []struct{ status, class string }{{nvd.Analyzed, nvd.ClassAnalyzed}, {nvd.Modified, nvd.ClassModified}, {nvd.Rejected, nvd.ClassRejected}} {
		if has(x.status) {
			classes = append(classes, x.class)
		}
	}
	received, awaiting := has(nvd.Received), has(nvd.AwaitingAnalysis)
	if received && awaiting {
		classes = append(classes, nvd.ClassWaiting)
	}
	// Undergoing Analysis and Deferred are nobody's here: without a class the filter matches nothing.
	out := [][]catalogue.Filter{{{Dim: "status", Values: classes}}}
	if received == awaiting {
		return out
	}
	// Received is now − published < ReceivedFor, in milliseconds as the index holds them.
	young := catalogue.Filter{Num: "published", Min: now.Add(-nvd.ReceivedFor).UnixMilli() + 1, Max: math.MaxInt64, Not: awaiting}
	waiting := []catalogue.Filter{{Dim: "status", Values: []string{nvd.ClassWaiting}}, young}
	if len(classes) == 0 {
		return [][]catalogue.Filter{waiting}
	}
	return append(out, waiting)
}

// union answers a page of several disjoint queries in the common order. For a page further in it looks for the instant from
// which on the page's records were published, counting what comes before, so that no query reads more than a page.
func (h *handler) union(ctx context.Context, parts []catalogue.Query, offset, limit int) (*result, error) {
	out := &result{}
	var first, last int64 = math.MaxInt64, math.MinInt64
	for _, q := range parts {
		q.Limit = 1
		page, err := h.Source.Search(ctx, q)
		if err != nil {
			return nil, err
		}
		out.total += page.Total
		out.size = max(out.size, page.Size)
		if len(page.Hits) > 0 {
			first = min(first, page.Hits[0].Published.UnixMilli())
		}
	}
	if offset >= out.total {
		return out, nil
	}
	from, before := int64(math.MinInt64), 0
	if offset > 0 {
		for _, q := range parts {
			q.Sort, q.Limit = catalogue.Newest, 1
			page, err := h.Source.Search(ctx, q)
			if err != nil {
				return nil, err
			}
			if len(page.Hits) > 0 {
				last = max(last, page.Hits[0].Published.UnixMilli())
			}
		}
		// The latest instant before which no more than offset records were published.
		for low, high := first, last; low <= high; {
			middle := low + (high-low)/2
			n := 0
			for _, q := range parts {
				q.Filters = slices.Concat(q.Filters, []catalogue.Filter{{Num: "published", Min: math.MinInt64, Max: middle - 1}})
				page, err := h.Source.Search(ctx, q)
				if err != nil {
					return nil, err
				}
				n += page.Total
			}
			if n <= offset {
				from, before, low = middle, n, middle+1
			} else {
				high = middle - 1
			}
		}
	}
	for _, q := range parts {
		if before > 0 {
			q.Filters = slices.Concat(q.Filters, []catalogue.Filter{{Num: "published", Min: from, Max: math.MaxInt64}})
		}
		q.Limit = offset - before + limit
		page, err := h.Source.Search(ctx, q)
		if err != nil {
			return nil, err
		}
		out.hits = append(out.hits, page.Hits...)
	}
	slices.SortStableFunc(out.hits, compareHits)
	out.hits = out.hits[min(offset-before, len(out.hits)):]
	out.hits = out.hits[:min(limit, len(out.hits))]
	return out, nil
}

// compareHits is the order of pages: published, then the identifier by year and number.
func compareHits(a, b catalogue.Hit) int {
	if c := cmp.Compare(a.Published.UnixMilli(), b.Published.UnixMilli()); c != 0 {
		return c
	}
	x, errX := cve.ParseID(a.ID)
	y, errY := cve.ParseID(b.ID)
	if errX != nil || errY != nil {
		return strings.Compare(a.ID, b.ID)
	}
	return x.Compare(y)
}
