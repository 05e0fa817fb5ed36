package query

import (
	"strings"
)

// pass moves over one word without a letter or digit, or over signs of comparison that begin a word: they compare nothing.
func (p *parser) pass() bool {
	p.spaces()
	r, n := p.peek()
	if n == 0 || endsRun(r) {
		return false
	}
	text, end := p.run(p.pos, endsRun)
	next, more := p.peekAt(end)
	switch {
	case searchable(text):
		if compares(r) {
			p.pos += n
			return true
		}
		return false
	case strings.Trim(text, "-!") == "" && more > 0 && next != ' ' && next != ')' && next != '|':
		return false // negates what is in quotes or brackets
	case strings.Contains(text, "*"):
		return false // a star has a meaning, if not here
	}
	if p.noise == nil {
		p.noise = &Span{p.pos, end}
	}
	p.pos = end
	return true
}

// primary = group | phrase | condition | word.
func (p *parser) primary() Node {
	start := p.pos
	r, n := p.peek()
	switch {
	case n == 0, r == ')', r == '|':
		return nil
	case r == '(':
		return p.group()
	case r == '」', r == '』':
		p.fail(Span{start, start + n}, "stray-quote", "this quote was never opened", nil, "")
		p.pos = max(p.pos, start+n)
		return nil
	case isQuote(r):
		return p.phrase()
	}
	if c, ok := p.condition(); ok {
		return c
	}
	return p.word()
}

// group = "(" or ")".
func (p *parser) group() Node {
	start := p.pos
	_, n := p.peek()
	if !p.deeper(Span{start, start + n}) {
		return nil
	}
	defer func() { p.depth-- }()
	p.pos += n
	inner := p.or()
	r, n := p.peek()
	if n == 0 {
		p.fail(Span{start, len(p.text)}, "unclosed-bracket", "this bracket is never closed", nil, p.text[start:]+")")
		return inner
	}
	if r != ')' { // or stops only at a bracket or the end, or where it complained
		return inner
	}
	end := p.pos + n
	if inner == nil {
		p.fail(Span{start, end}, "empty-group", "there is nothing between these brackets", nil, "")
		p.pos = max(p.pos, end)
		return nil
	}
	p.pos = end
	switch n := inner.(type) { // a chip is removed with its brackets
	case *And:
		n.At = Span{start, end}
	case *Or:
		n.At = Span{start, end}
	}
	return inner
}

// phrase = quote, text, quote, [ "*" ].
func (p *parser) phrase() Node {
	start := p.pos
	text, at := p.quoted()
	w := &Words{Text: text, Phrase: true}
	if r, n := p.peek(); r == '*' {
		w.Prefix = true
		p.pos += n
	}
	w.At = Span{start, max(p.pos, at.End)}
	p.mark(mark{at: at, quote: true})
	if !searchable(text) {
		p.fail(w.At, "no-word", "there is no letter or digit between these quotes to search for", nil, "")
		return nil
	}
	p.part(w.At)
	return w
}

// word reads one word.
func (p *parser) word() Node {
	start := p.pos
	text, end := p.run(start, endsRun)
	w := &Words{Text: text, At: Span{start, end}}
	p.pos = end
	p.mark(mark{at: w.At})
	if stars := strings.Count(text, "*"); stars > 0 {
		w.Text, w.Prefix = strings.TrimSuffix(text, "*"), true
		if stars > 1 || w.Text == text || w.Text == "" {
			p.badStar(w.At, text)
			return nil
		}
	}
	if !searchable(w.Text) { // "!*"
		p.badStar(w.At, text)
		return nil
	}
	p.part(w.At)
	return w
}

// badStar points at the first star that is not the last character.
func (p *parser) badStar(at Span, text string) {
	offset := at.Start
	for i, r := range p.text[at.Start:at.End] {
		if fold(r) == '*' {
			offset += i
			break
		}
	}
	_, n := p.peekAt(offset)
	message := "a star stands at the end of a word, for any letters that may follow"
	p.fail(Span{offset, offset + n}, "bad-star", message, []string{text}, "")
}
