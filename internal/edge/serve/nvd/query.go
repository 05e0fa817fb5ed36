package nvd

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/spec/nvd"
)

// result is one page of a request.
type result struct {
	ids   []string
	total int
	size  int64 // log size it was answered at
}

// page finds the records that a request asks for.
func (h *handler) page(ctx context.Context, p nvd.Params, now time.Time) (*result, error) {
	q := h.query(p, now)
	q.Offset, q.Limit, q.IDsOnly = p.StartIndex, p.ResultsPerPage, true
	page, err := h.Source.Search(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &result{total: page.Total, size: page.Size}
	for _, hit := range page.Hits {
		out.ids = append(out.ids, hit.ID)
	}
	return out, nil
}

// query translates a request.
func (h *handler) query(p nvd.Params, now time.Time) catalogue.Query {
	q := catalogue.Query{Sort: catalogue.Oldest}
	if p.Keyword != "" {
		q.Text, q.Zone, q.Prefix, q.Phrase = p.Keyword, "en", !p.ExactMatch, p.ExactMatch
	}
	add := func(f catalogue.Filter) { q.Filters = append(q.Filters, f) }
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
	if p.Vector != nil {
		add(vectors(p.Vector))
	}
	if p.Statuses != nil {
		add(statuses(p.Statuses, now))
	}
	return q
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

// vectors is the filter of a vector query: 3.0 and 3.1 are two dimensions of the index.
func vectors(q *nvd.VectorQuery) catalogue.Filter {
	in := func(dim string) catalogue.Filter { return catalogue.Filter{Dim: dim, Match: q.Match} }
	switch {
	case q.Major == '2':
		return in("vec2")
	case q.Major == '4':
		return in("vec40")
	case q.Minor == "3.0":
		return in("vec30")
	case q.Minor == "3.1":
		return in("vec31")
	}
	return catalogue.Filter{Any: []catalogue.Filter{in("vec31"), in("vec30")}}
}

// statuses is the filter of a list of statuses. The index knows classes; whether a waiting record is Received or Awaiting
// Analysis is decided by its age, here at the same instant at which the page is rendered.
func statuses(asked []string, now time.Time) catalogue.Filter {
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
	named := catalogue.Filter{Dim: "status", Values: classes}
	if received == awaiting {
		return named
	}
	// Received is now − published < ReceivedFor, in milliseconds as the index holds them.
	young := catalogue.Filter{Num: "published", Min: now.Add(-nvd.ReceivedFor).UnixMilli() + 1, Max: math.MaxInt64, Not: awaiting}
	waiting := catalogue.Filter{All: []catalogue.Filter{{Dim: "status", Values: []string{nvd.ClassWaiting}}, young}}
	return catalogue.Filter{Any: []catalogue.Filter{named, waiting}}
}
