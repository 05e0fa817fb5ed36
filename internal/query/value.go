package query

import (
	"fmt"
	"slices"
	"strings"
)

// condition = name [ ":" ] comparison value | name ":" values. It reports false, without moving, where a word stands.
//
// A name is an ASCII letter and at least one more letter or digit, right before the sign. A colon makes no condition
// before "//" (an address), a second colon (std::string) or a backslash.
func (p *parser) condition() (Node, bool) {
	start := p.pos
	name, end := p.run(start, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
	})
	if len(name) < 2 || name[0] >= '0' && name[0] <= '9' {
		return nil, false
	}
	field, known := Lookup(name)
	r, n := p.peekAt(end)
	switch {
	case r == ':':
		next, m := p.peekAt(end + n)
		after, _ := p.peekAt(end + n + m)
		if next == ':' || next == '\\' || next == '/' && after == '/' {
			return nil, false
		}
	case n > 0 && (compares(r) || r == '!'):
		if next, _ := p.peekAt(end + n); r == '!' && next != '=' {
			return nil, false
		}
	case known && r == ' ': // severity >= high
		from := p.pos
		p.pos = end
		p.spaces()
		end, p.pos = p.pos, from
		if _, length := p.sign(end); length == 0 {
			return nil, false
		}
	default:
		return nil, false
	}
	at := end
	if r, n := p.peekAt(at); r == ':' {
		at += n
	}
	op, length := p.sign(at)
	if !known {
		p.unknown(start, name)
		if !p.tolerant {
			return nil, true
		}
		_, p.pos = p.run(start, endsRun)
		return nil, true
	}
	p.pos = at + length
	return p.values(field, start, op, length > 0), true
}

// sign reads a comparison at i: its operator ("" is none) and its length in bytes. "!=" is "≠".
func (p *parser) sign(i int) (op string, length int) {
	r, n := p.peekAt(i)
	next, m := p.peekAt(i + n)
	switch {
	case r == '≥', r == '>' && next != '=':
		return map[rune]string{'≥': ">=", '>': ">"}[r], n
	case r == '≤', r == '<' && next != '=':
		return map[rune]string{'≤': "<=", '<': "<"}[r], n
	case r == '≠':
		return "≠", n
	case r == '=' && next != '=':
		return "=", n
	case r == '>':
		return ">=", n + m
	case r == '<':
		return "<=", n + m
	case r == '=':
		return "=", n + m
	case r == '!' && next == '=':
		return "≠", n + m
	}
	return "", 0
}

// unknown complains about a name that is no field.
func (p *parser) unknown(start int, name string) {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	suggest := near(name, names)
	if len(suggest) == 0 {
		for alias, f := range byName {
			if distance(strings.ToLower(name), alias) == 1 && !slices.Contains(suggest, f.Name) {
				suggest = append(suggest, f.Name)
			}
		}
		slices.Sort(suggest)
	}
	message := "unknown field " + name
	for i, s := range suggest {
		message += []string{" — did you mean ", ", ", ", "}[i] + s
		if i == len(suggest)-1 {
			message += "?"
		}
	}
	_, end := p.run(start, func(r rune) bool { return !(r < 0x7F && searchable(string(r))) })
	if len(suggest) > 0 {
		p.fail(Span{start, end}, "unknown-field", message, []string{name}, suggest...)
		return
	}
	// No slip of a field's name, so that words with a colon in them are the likelier meaning.
	text, end := p.run(start, endsRun)
	if _, ok := spellVector(text); ok {
		suggest = append(suggest, "vector:"+text)
	}
	p.fail(Span{start, end}, "unknown-field", message+`; in quotes, "`+text+`" is searched as words`, []string{name}, append(suggest, quote(text))...)
}

// values reads what follows the sign of a condition.
func (p *parser) values(f *Field, start int, op string, spaced bool) Node {
	if spaced {
		p.spaces()
	}
	c := &Cond{Field: f}
	negate := op == "≠"
	switch op {
	case ">":
		c.Op = Above
	case ">=":
		c.Op = AtLeast
	case "<":
		c.Op = Below
	case "<=":
		c.Op = AtMost
	}
	if c.Op != Is && !f.Comparable() {
		p.fail(Span{start, p.pos}, "no-order", fmt.Sprintf("%s has no order to compare by", f.Name), []string{f.Name, op}, f.Name+":")
		if !p.tolerant {
			return nil
		}
		c.Op = Is
	}
	if r, _ := p.peek(); r == '(' && c.Op == Is {
		p.list(c, start)
	} else {
		p.plain(c, start)
	}
	c.At = Span{start, p.pos}
	if p.err != nil {
		return nil // completion looks at marks, not at nodes
	}
	if negate {
		return &Not{c, c.At}
	}
	return c
}

// plain = value { "," value }. A comparison takes one value, and so does a range.
func (p *parser) plain(c *Cond, start int) {
	for {
		p.value(c, start)
		r, n := p.peek()
		if r != ',' {
			return
		}
		at := Span{p.pos, p.pos + n}
		p.pos += n
		if c.Op != Is {
			p.fail(at, "bad-list", "a comparison or a range takes one value", []string{c.Field.Name})
		}
	}
}

// list = "(" value { ("," | "OR" | "|") value } ")".
func (p *parser) list(c *Cond, start int) {
	opened := p.pos
	_, n := p.peek()
	p.pos += n
	for {
		p.spaces()
		if at, word := p.operator(); word != "" {
			p.fail(at, "bad-list", "in this list a value is missing here; values are separated by a comma or OR", []string{c.Field.Name})
			p.pos = max(p.pos, at.End)
			return
		}
		p.value(c, start)
		if c.Op != Is {
			p.fail(Span{opened, p.pos}, "bad-list", "a range stands alone, not in a list", []string{c.Field.Name})
			return
		}
		p.spaces()
		r, n := p.peek()
		if r == ')' {
			p.pos += n
			return
		}
		at, word := p.operator()
		switch {
		case n == 0:
			p.fail(Span{opened, len(p.text)}, "unclosed-bracket", "this bracket is never closed", nil, p.text[opened:]+")")
			return
		case r == ',':
			p.pos += n
		case word == "or" || word == "|":
			p.pos = at.End
		default:
			text, end := p.run(p.pos, endsRun)
			if end == p.pos {
				end += n
			}
			p.fail(Span{p.pos, end}, "bad-list", "values in brackets are separated by a comma or OR; to ask for all of them, repeat the field",
				[]string{c.Field.Name}, ", "+text)
			return
		}
	}
}

// endsValue is endsRun for values, which a comma ends too.
func endsValue(r rune) bool { return r == ',' || endsRun(r) }

// value reads one value, or a range, into c.
func (p *parser) value(c *Cond, start int) {
	f := c.Field
	r, n := p.peek()
	if _, opens := closers(r); opens && n > 0 {
		text, at := p.quoted()
		p.mark(mark{at: at, field: f, cond: start, quote: true})
		if text == "" {
			p.fail(at, "missing-value", fmt.Sprintf("%s: there is nothing between these quotes", f.Name), []string{f.Name})
			return
		}
		p.add(c, f.read(p, text, at, true))
		return
	}
	text, end := p.run(p.pos, endsValue)
	at := Span{p.pos, end}
	p.mark(mark{at: at, field: f, cond: start})
	p.pos = end
	switch {
	case text != "":
	case f.Kind == Flag && c.Op == Is && len(c.Values) == 0:
		p.add(c, Value{Text: "yes", At: at})
		return
	default:
		p.missing(f, start)
		return
	}
	if signed(text) {
		_, n := p.peekAt(at.Start)
		p.fail(Span{at.Start, at.Start + n}, "bad-sign", "a value that begins with a sign stands in quotes", []string{f.Name, text})
		return
	}
	low, high, isRange := strings.Cut(text, "..")
	if !isRange || !f.Comparable() || c.Op != Is {
		p.add(c, f.read(p, text, at, false))
		return
	}
	if len(c.Values) > 0 {
		p.fail(at, "bad-list", "a range stands alone, not in a list", []string{f.Name})
		return
	}
	c.Op = Between
	p.between(c, low, high, at)
}

// between reads a range.
func (p *parser) between(c *Cond, low, high string, at Span) {
	f := c.Field
	if low == "" && high == "" {
		p.fail(at, "missing-value", "a range needs at least one end", []string{f.Name})
		return
	}
	dots := p.dots(at)
	for i, end := range []struct {
		text string
		at   Span
	}{{low, Span{at.Start, dots.Start}}, {high, Span{dots.End, at.End}}} {
		v := Value{Open: true, At: end.at}
		if end.text != "" {
			v = f.read(p, end.text, end.at, false)
			if p.err == nil && f.Kind == Flag && v.Date.IsZero() {
				p.fail(end.at, "bad-date", "a range of this field is of dates", []string{end.text})
			}
			if p.err == nil && slices.Contains(f.Outside, v.Text) {
				p.outside(f, v)
			}
		}
		p.part(end.at)
		c.Values = append(c.Values, v)
		if i == 1 && p.err == nil && f.backward(c.Values[0], v) {
			p.fail(at, "empty-range", "the range ends before it begins", []string{low, high}, high+".."+low)
		}
	}
}

// dots finds the first ".." within at. Folding changes lengths, so it is looked for in the text itself.
func (p *parser) dots(at Span) Span {
	for i := at.Start; i < at.End; {
		r, n := p.peekAt(i)
		if next, m := p.peekAt(i + n); r == '.' && next == '.' {
			return Span{i, i + n + m}
		}
		i += n
	}
	return Span{at.End, at.End}
}

// add appends a value and counts it.
func (p *parser) add(c *Cond, v Value) {
	if c.Op != Is && p.err == nil {
		if slices.Contains(c.Field.Outside, v.Text) {
			p.outside(c.Field, v)
		}
		if c.Field.Kind == Flag && v.Date.IsZero() {
			p.fail(v.At, "no-order", "only the date of "+c.Field.Name+" can be compared", []string{c.Field.Name, v.Text})
		}
	}
	p.part(v.At)
	c.Values = append(c.Values, v)
}
