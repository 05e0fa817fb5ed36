package query

import (
	"strings"
	"unicode/utf8"
)

// String writes the query in its canonical form: a space for AND, OR, - for NOT, brackets only where they are needed.
// Parse reads it as the same tree, but for the spans.
func (q *Query) String() string { return Text(q.Root) }

// Text is the canonical form of one node.
func Text(n Node) string { return write(n, false) }

// Explicit is the query with every operator and bracket written out, for whoever wants to see how it was read.
func (q *Query) Explicit() string {
	if q == nil {
		return ""
	}
	return write(q.Root, true)
}

func write(n Node, explicit bool) string {
	if n == nil {
		return ""
	}
	w := writer{explicit: explicit}
	w.node(n)
	return w.String()
}

type writer struct {
	strings.Builder
	explicit bool
}

func (w *writer) node(n Node) {
	switch n := n.(type) {
	case *And:
		sign := " "
		if w.explicit {
			sign = " AND "
		}
		w.list(n.Nodes, sign, func(n Node) bool { _, or := n.(*Or); return or })
	case *Or:
		w.list(n.Nodes, " OR ", func(n Node) bool { _, and := n.(*And); return and && w.explicit })
	case *Not:
		sign := "-"
		if w.explicit {
			sign = "NOT "
		}
		w.WriteString(sign)
		w.inner(n.Node, isList(n.Node))
	case *Words:
		w.words(n)
	case *Cond:
		w.cond(n)
	}
}

func isList(n Node) bool {
	switch n.(type) {
	case *And, *Or:
		return true
	}
	return false
}

func (w *writer) list(nodes []Node, sign string, brackets func(Node) bool) {
	for i, n := range nodes {
		if i > 0 {
			w.WriteString(sign)
		}
		w.inner(n, brackets(n))
	}
}

func (w *writer) inner(n Node, brackets bool) {
	if brackets {
		w.WriteByte('(')
	}
	w.node(n)
	if brackets {
		w.WriteByte(')')
	}
}

func (w *writer) words(n *Words) {
	if n.Phrase {
		w.WriteString(quote(n.Text))
	} else {
		w.WriteString(n.Text)
	}
	if n.Prefix {
		w.WriteByte('*')
	}
}

var signs = map[Op]string{Above: ">", AtLeast: ">=", Below: "<", AtMost: "<="}

func (w *writer) cond(c *Cond) {
	w.WriteString(c.Field.Name)
	switch c.Op {
	case Is:
		w.WriteByte(':')
		for i, v := range c.Values {
			if i > 0 {
				w.WriteByte(',')
			}
			w.value(v)
		}
	case Between:
		w.WriteByte(':')
		w.value(c.Values[0])
		w.WriteString("..")
		w.value(c.Values[1])
	default:
		if c.Field.Kind == Time || c.Field.Kind == Flag { // "changed:>7d": an age is read, not compared
			w.WriteByte(':')
		}
		w.WriteString(signs[c.Op])
		w.value(c.Values[0])
	}
}

func (w *writer) value(v Value) {
	switch {
	case v.Open:
	case v.bare():
		w.WriteString(v.Text)
	default:
		w.WriteString(quote(v.Text))
	}
}

// Quote writes a text as a value that is meant literally: in quotes where it needs them.
func Quote(text string) string {
	var w writer
	w.value(Value{Text: text})
	return w.String()
}

// bare reports whether the value reads as itself without quotes.
func (v Value) bare() bool {
	for _, r := range v.Text {
		if f := fold(r); f != r || endsValue(f) || f == '*' && !v.Glob {
			return false
		}
	}
	return v.Text != "" && !signed(v.Text)
}

// signed reports whether a folded value begins like something else: a comparison, or what keeps a colon from making a condition.
func signed(text string) bool {
	r, _ := utf8.DecodeRuneInString(text)
	return compares(r) || r == '!' || r == ':' || r == '\\' || strings.HasPrefix(text, "//")
}
