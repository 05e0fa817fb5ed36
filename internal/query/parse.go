package query

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of a query. They bound the work that one question can ask for.
const (
	MaxText  = 2000 // bytes, as given and as String writes it
	MaxParts = 64   // words, phrases and values
	MaxDepth = 32   // brackets and negations inside each other
)

// Parse reads a query. An error is an *Error.
func Parse(text string) (*Query, error) {
	q, _, err := read(text, false)
	if err != nil {
		return nil, err
	}
	return q, nil
}

// read parses text. A tolerant parser notes the first error and goes on as well as it can, for completion.
func read(text string, tolerant bool) (*Query, []mark, error) {
	p := &parser{text: text, tolerant: tolerant}
	switch {
	case len(text) > MaxText:
		p.tolerant = false // not a byte is read
		p.fail(Span{cut(text), len(text)}, "too-long", fmt.Sprintf("a query has at most %d bytes", MaxText), []string{fmt.Sprint(MaxText)})
	case !utf8.ValidString(text):
		for i, r := range text {
			if _, n := utf8.DecodeRuneInString(text[i:]); r == utf8.RuneError && n == 1 {
				p.tolerant = false
				p.fail(Span{i, i + 1}, "bad-encoding", "the query is not UTF-8", nil)
				break
			}
		}
	}
	q := &Query{Text: text}
	if p.err == nil {
		q.Root = p.query()
	}
	if p.err == nil && len(q.String()) > MaxText {
		p.fail(Span{0, len(text)}, "too-long", fmt.Sprintf("written out in full, a query has at most %d bytes", MaxText), []string{fmt.Sprint(MaxText)})
	}
	if p.err != nil { // not as an error that holds a nil *Error
		return q, p.marks, p.err
	}
	return q, p.marks, nil
}

// cut is the largest length up to MaxText that splits no character.
func cut(text string) int {
	n := MaxText
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return n
}

type parser struct {
	text     string
	pos      int
	depth    int
	parts    int
	tolerant bool
	err      *Error
	noise    *Span // the first word without a letter or digit
	marks    []mark
}

// mark notes a word or value while it is read, for Context.
type mark struct {
	at    Span
	field *Field // of a value; nil for a word
	cond  int    // of a value: where its condition begins
	quote bool
}

// fail notes the first error.
func (p *parser) fail(at Span, code, message string, args []string, suggest ...string) {
	if p.err == nil {
		p.err = &Error{Span: at, Column: utf8.RuneCountInString(p.text[:at.Start]) + 1, Code: code, Args: args, Message: message}
		for _, s := range suggest {
			p.err.Suggest = append(p.err.Suggest, Suggestion{s})
		}
	}
	if !p.tolerant {
		p.pos = len(p.text) // what follows finds the end, and no second error counts
	}
}

// query = [ or ]. A * alone asks for everything, as nothing does.
func (p *parser) query() Node {
	if star, end := p.run(p.skip(), endsRun); star == "*" && strings.TrimFunc(p.text[end:], func(r rune) bool { return fold(r) == ' ' }) == "" {
		return nil
	}
	var root Node
	for {
		before := p.pos
		n := p.or()
		if root == nil {
			root = n
		}
		r, size := p.peek()
		if size == 0 {
			break
		}
		if r == ')' {
			p.fail(Span{p.pos, p.pos + size}, "stray-bracket", "this bracket was never opened", nil, "")
		}
		if r == ')' || p.pos == before { // after a complaint, whatever stopped the parser
			p.pos = min(p.pos+size, len(p.text))
		}
	}
	if root == nil && p.noise != nil {
		p.fail(*p.noise, "no-word", fmt.Sprintf("%s has no letter or digit to search for", p.text[p.noise.Start:p.noise.End]), nil, "")
	}
	return root
}

// skip moves over spaces and says where that led.
func (p *parser) skip() int {
	p.spaces()
	return p.pos
}

// or = and { ("OR" | "|") and }.
func (p *parser) or() Node {
	var nodes []Node
	var or *Span // waits for what it joins
	for {
		n := p.and()
		at, word := p.operator()
		isOr := word == "or" || word == "|"
		switch {
		case n != nil:
			nodes = append(nodes, n)
		case isOr:
			p.operand(at, "before")
		case or != nil:
			p.operand(*or, "after")
		}
		if !isOr {
			return join(nodes, func(nodes []Node, at Span) Node { return &Or{nodes, at} })
		}
		p.pos, or = max(at.End, p.pos), &at
	}
}

// and = not { [ "AND" ] not }.
func (p *parser) and() Node {
	var nodes []Node
	var and *Span // waits for what it joins
	for {
		n := p.not()
		if n != nil {
			nodes, and = append(nodes, n), nil
			continue
		}
		at, word := p.operator()
		if word != "and" {
			if and != nil {
				p.operand(*and, "after")
			}
			return join(nodes, func(nodes []Node, at Span) Node { return &And{nodes, at} })
		}
		if len(nodes) == 0 || and != nil {
			p.operand(at, "before")
		}
		p.pos, and = max(at.End, p.pos), &at
	}
}

// operand complains that an operator stands beside nothing.
func (p *parser) operand(at Span, side string) {
	word := strings.ToUpper(p.text[at.Start:at.End])
	suggest := []string{""}
	if searchable(word) {
		suggest = append(suggest, quote(strings.ToLower(word)))
	}
	p.fail(at, "missing-operand", fmt.Sprintf("%s needs something %s it", word, side), []string{word, side}, suggest...)
}

// join makes one node of several; those of the same kind inside lose their brackets.
func join(nodes []Node, make func([]Node, Span) Node) Node {
	switch len(nodes) {
	case 0:
		return nil
	case 1:
		return nodes[0]
	}
	at := Span{nodes[0].Span().Start, nodes[len(nodes)-1].Span().End}
	whole := make(nil, at)
	var flat []Node
	for _, n := range nodes {
		switch n := n.(type) {
		case *And:
			if _, same := whole.(*And); same {
				flat = append(flat, n.Nodes...)
				continue
			}
		case *Or:
			if _, same := whole.(*Or); same {
				flat = append(flat, n.Nodes...)
				continue
			}
		}
		flat = append(flat, n)
	}
	return make(flat, at)
}

// operator tells which of and, or, not and | comes next, without moving past it; "" is none of them.
func (p *parser) operator() (Span, string) {
	p.spaces()
	if r, n := p.peek(); r == '|' {
		end := p.pos + n
		if r, n := p.peekAt(end); r == '|' {
			end += n
		}
		return Span{p.pos, end}, "|"
	}
	text, end := p.run(p.pos, endsRun)
	switch word := strings.ToLower(text); word {
	case "and", "or", "not":
		return Span{p.pos, end}, word
	}
	return Span{p.pos, p.pos}, ""
}

// not = ("NOT" | "-" | "!") not | primary. It gives nil where neither begins.
func (p *parser) not() Node {
	for p.pass() {
	}
	start := p.pos
	end := 0
	at, word := p.operator()
	switch r, n := p.peek(); {
	case word == "not":
		end = at.End
	case word != "":
		return nil
	case r == '-', r == '!':
		end = p.pos + n
	default:
		return p.primary()
	}
	if !p.deeper(Span{start, end}) {
		return nil
	}
	defer func() { p.depth-- }()
	p.pos = end
	n := p.not()
	if n == nil {
		p.operand(Span{start, end}, "after")
		return nil
	}
	return &Not{n, Span{start, n.Span().End}}
}

// deeper notes one more level of nesting.
func (p *parser) deeper(at Span) bool {
	if p.depth == MaxDepth {
		p.fail(at, "too-deep", fmt.Sprintf("brackets and negations stand inside each other at most %d times", MaxDepth), []string{fmt.Sprint(MaxDepth)})
		p.pos = len(p.text)
		return false
	}
	p.depth++
	return true
}

// part counts a word or value.
func (p *parser) part(at Span) {
	if p.parts++; p.parts > MaxParts {
		p.fail(at, "too-many", fmt.Sprintf("a query has at most %d words and values", MaxParts), []string{fmt.Sprint(MaxParts)})
		p.pos = len(p.text)
	}
}

func (p *parser) mark(m mark) {
	if p.tolerant {
		p.marks = append(p.marks, m)
	}
}
