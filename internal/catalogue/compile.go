package catalogue

import (
	"slices"
	"time"

	"tasuki/internal/query"
	"tasuki/internal/store/facet"
	"tasuki/internal/store/token"
)

// compile turns a tree into what the index is asked. now is what ages are counted back from.
func compile(n query.Node, now time.Time) facet.Node {
	each := func(nodes []query.Node) []facet.Node {
		out := make([]facet.Node, len(nodes))
		for i, n := range nodes {
			out[i] = compile(n, now)
		}
		return out
	}
	switch n := n.(type) {
	case *query.And:
		return facet.And(each(n.Nodes))
	case *query.Or:
		return facet.Or(each(n.Nodes))
	case *query.Not:
		return facet.Not{Node: compile(n.Node, now)}
	case *query.Words:
		return words(n.Text, n.Phrase, n.Prefix, nil)
	case *query.Cond:
		return answers[n.Field.Name].node(n, now)
	}
	return facet.All{}
}

// plan is compile for a whole query. What the reader chose in a facet's list is a condition at the top of the tree that lists
// values of that dimension; the first of each becomes a filter, so that the list goes on showing what else there is to choose.
// A comparison or a pattern is no choice: what lies beyond it could not be chosen beside it.
func plan(root query.Node, now time.Time) (where []facet.Node, filters []facet.Filter) {
	nodes := []query.Node{root}
	if and, ok := root.(*query.And); ok {
		nodes = and.Nodes
	}
	for _, n := range nodes {
		if c, ok := n.(*query.Cond); ok && lists(c) {
			dim := answers[c.Field.Name].dim
			if dim != "" && !slices.ContainsFunc(filters, func(f facet.Filter) bool { return f.Dim == dim }) {
				filters = append(filters, facet.Filter{Dim: dim, Node: compile(c, now)})
				continue
			}
		}
		if n != nil {
			where = append(where, compile(n, now))
		}
	}
	return where, filters
}

// lists reports whether a condition names the values that may hold, each in full.
func lists(c *query.Cond) bool {
	return c.Op == query.Is && !slices.ContainsFunc(c.Values, func(v query.Value) bool { return v.Glob || !v.Date.IsZero() })
}

// nothing holds for no record.
var nothing = facet.Or{}

// words asks for text in the zones. Where no part of it is a word to the index, nothing holds.
func words(text string, phrase, prefix bool, zones []string) facet.Node {
	var terms []token.Term
	if phrase {
		if t, ok := token.Phrase(text); ok {
			if prefix {
				t.Prefix, t.Whole = true, ""
			}
			terms = []token.Term{t}
		}
	} else {
		terms = token.Query(text, prefix)
	}
	if len(terms) == 0 {
		return nothing
	}
	return facet.Text{Terms: terms, Zones: zones}
}
