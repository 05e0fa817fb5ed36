package query

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// fold reads the full-width forms that Japanese input methods make of ASCII characters (U+FF01–U+FF5E) as these, and
// white space and control characters as a space. Quotes keep their shape: which one opened says which one closes.
func fold(r rune) rune {
	switch {
	case r >= '！' && r <= '～' && r != '＂':
		return r - '！' + '!'
	case r > ' ' && r < 0x7F:
		return r
	case unicode.IsSpace(r), unicode.IsControl(r):
		return ' '
	}
	return r
}

// closers says which characters close the quote that r opens.
func closers(r rune) (string, bool) {
	switch r {
	case '"', '＂':
		return `"＂`, true
	case '“', '”', '„', '‟':
		return "“”", true
	case '「':
		return "」", true
	case '『':
		return "』", true
	}
	return "", false
}

func isQuote(r rune) bool {
	_, opens := closers(r)
	return opens || r == '」' || r == '』'
}

// endsRun reports whether an unquoted word ends before the folded r.
func endsRun(r rune) bool {
	return r == ' ' || r == '(' || r == ')' || r == '|' || isQuote(r)
}

// compares reports whether r, which is folded, begins a comparison.
func compares(r rune) bool {
	return r == '<' || r == '>' || r == '=' || r == '≤' || r == '≥' || r == '≠'
}

// searchable reports whether text has a letter or a digit.
func searchable(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) })
}

// peek returns the folded character at p.pos and its size in bytes; a size of 0 means the end.
func (p *parser) peek() (rune, int) { return p.peekAt(p.pos) }

func (p *parser) peekAt(i int) (rune, int) {
	if i >= len(p.text) {
		return 0, 0
	}
	r, n := utf8.DecodeRuneInString(p.text[i:])
	return fold(r), n
}

// spaces moves over white space.
func (p *parser) spaces() {
	for {
		r, n := p.peek()
		if n == 0 || r != ' ' {
			return
		}
		p.pos += n
	}
}

// run reads unquoted characters from i on, folded, until stop says that one does not belong to them.
func (p *parser) run(i int, stop func(rune) bool) (text string, end int) {
	var b strings.Builder
	for {
		r, n := p.peekAt(i)
		if n == 0 || stop(r) {
			return b.String(), i
		}
		b.WriteRune(r)
		i += n
	}
}

// quoted reads what stands between the quote at p.pos and the one that closes it. A backslash before a closing quote or
// another backslash takes that as it is.
func (p *parser) quoted() (text string, span Span) {
	start := p.pos
	opened, n := utf8.DecodeRuneInString(p.text[start:])
	ends, _ := closers(opened)
	var b strings.Builder
	for i := start + n; i < len(p.text); {
		r, n := utf8.DecodeRuneInString(p.text[i:])
		switch {
		case strings.ContainsRune(ends, r):
			p.pos = i + n
			return b.String(), Span{start, p.pos}
		case r == '\\':
			next, m := utf8.DecodeRuneInString(p.text[i+n:])
			if m > 0 && (next == '\\' || strings.ContainsRune(ends, next)) {
				r, n = next, n+m
			}
		case unicode.IsControl(r):
			r = ' '
		}
		b.WriteRune(r)
		i += n
	}
	p.pos = len(p.text)
	span = Span{start, p.pos}
	first, _ := utf8.DecodeRuneInString(ends)
	p.fail(span, "unclosed-quote", "this quote is never closed", []string{string(opened)}, p.text[start:]+string(first))
	return b.String(), span
}

// quote writes text so that quoted reads it back.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		if r == '"' || r == '＂' || r == '\\' {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	b.WriteByte('"')
	return b.String()
}
