package web

import (
	"slices"
	"strings"

	"tasuki/internal/query"
	"tasuki/web/i18n"
	"tasuki/web/search"
)

// A query is refined by changing its tree and writing the tree out again: the address that a facet or a chip links to is a
// query that the reader could have typed.

// parts are what must hold together: what the query lists side by side.
func parts(q *query.Query) []query.Node {
	if q == nil || q.Root == nil {
		return nil
	}
	if and, ok := q.Root.(*query.And); ok {
		return and.Nodes
	}
	return []query.Node{q.Root}
}

// written is the text of a query in which all nodes must hold.
func written(nodes ...query.Node) string {
	switch len(nodes) {
	case 0:
		return ""
	case 1:
		return query.Text(nodes[0])
	}
	return query.Text(&query.And{Nodes: nodes})
}

// is a condition that a field has one of the values.
func is(field string, values ...string) *query.Cond {
	f, _ := query.Lookup(field)
	c := &query.Cond{Field: f, Op: query.Is}
	for _, v := range values {
		if field == "cwe" {
			v = canonicalCWE(v)
		}
		for _, known := range f.Enum {
			if strings.EqualFold(known, v) {
				v = known
			}
		}
		c.Values = append(c.Values, query.Value{Text: v})
	}
	return c
}

// chosen finds the condition that a facet's choice stands in: the first that asks for values of the field and nothing else.
func chosen(nodes []query.Node, field string) (at int, c *query.Cond) {
	for i, n := range nodes {
		if c, ok := n.(*query.Cond); ok && c.Field.Name == field && c.Op == query.Is && !slices.ContainsFunc(c.Values, func(v query.Value) bool { return v.Glob }) {
			return i, c
		}
	}
	return -1, nil
}

// same reports whether a value as a query writes it is a facet's.
func same(field, written, value string) bool {
	if field == "cwe" {
		return strings.TrimPrefix(strings.ToUpper(written), "CWE-") == strings.TrimPrefix(value, "CWE-")
	}
	return strings.EqualFold(written, value)
}

// picked are the values of a facet that the query asks for.
func picked(nodes []query.Node, field string) (values []string) {
	if _, c := chosen(nodes, field); c != nil {
		for _, v := range c.Values {
			values = append(values, v.Text)
		}
	}
	return values
}

// toggled is the query with one value of a field more or, when it asks for it already, one less.
func toggled(nodes []query.Node, field, value string) string {
	at, c := chosen(nodes, field)
	if c == nil {
		return written(append(slices.Clone(nodes), is(field, value))...)
	}
	if i := slices.IndexFunc(c.Values, func(v query.Value) bool { return same(field, v.Text, value) }); i >= 0 {
		return without(nodes, at, i)
	}
	more := *c
	more.Values = append(slices.Clone(c.Values), is(field, value).Values...)
	nodes = slices.Clone(nodes)
	nodes[at] = &more
	return written(nodes...)
}

// without is the query without one value of a part or, where that was the only one, without the part.
func without(nodes []query.Node, part, value int) string {
	nodes = slices.Clone(nodes)
	if c, ok := nodes[part].(*query.Cond); ok && c.Op == query.Is && len(c.Values) > 1 {
		less := *c
		less.Values = slices.Delete(slices.Clone(c.Values), value, value+1)
		nodes[part] = &less
		return written(nodes...)
	}
	return written(slices.Delete(nodes, part, part+1)...)
}

// chips are the parts of the query, each with the address of the search without it.
func chips(l i18n.Lang, a asked) (out []search.Chip) {
	nodes := parts(a.tree)
	for i, n := range nodes {
		var name string
		var values []string
		switch n := n.(type) {
		case *query.Words:
			name, values = l.T("search.words"), []string{written(n)}
		case *query.Cond:
			name, values = fieldName(l, n.Field), conditionValues(l, n)
		default:
			values = []string{written(n)}
		}
		for j, value := range values {
			out = append(out, search.Chip{Label: name, Value: value, Without: a.with(without(nodes, i, j)).url()})
		}
	}
	return out
}

// conditionValues say what a condition asks of its field: each value that may hold by itself, or one line.
func conditionValues(l i18n.Lang, c *query.Cond) (out []string) {
	switch c.Op {
	case query.Is:
		for _, v := range c.Values {
			out = append(out, label(l, c.Field.Name, v.Text))
		}
		return out
	case query.Between:
		return []string{c.Values[0].Text + " … " + c.Values[1].Text}
	}
	sign := map[query.Op]string{query.Above: ">", query.AtLeast: "≥", query.Below: "<", query.AtMost: "≤"}[c.Op]
	return []string{sign + " " + label(l, c.Field.Name, c.Values[0].Text)}
}

// fieldName is a field as the page calls it, or as queries do where the page has no word for it.
func fieldName(l i18n.Lang, f *query.Field) string {
	if key := "dim." + f.Name; i18n.Has(key) {
		return l.T("dim." + f.Name)
	}
	return f.Name
}
