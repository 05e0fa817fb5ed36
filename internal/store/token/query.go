package token

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

// Term is one condition on a text: that Parts occur in it one after the other.
type Term struct {
	// Parts are neighbouring parts; a single one is a word.
	Parts []string
	// Prefix lets the last part match every part that begins with it.
	Prefix bool
	// Whole is the whole that the term is, if it is one: where the whole occurs, Parts do.
	Whole string
	// Strict asks for Whole itself and not for Parts: ".net", not "net".
	Strict bool
}

// Query reads what somebody typed into a search box. White space separates terms, all of which
// must match; what stands between double quotes (" or “ ”; the last may be missing) is one phrase.
// A term with punctuation inside is a phrase of its parts: "use-after-free", "/etc/passwd".
// With prefix, a term's last part may go on (NVD keywordSearch: "circle" finds "circles");
// quoted phrases stay exact. Terms of punctuation alone are dropped, and so is what was said before.
//
// A term matches every text that contains it, cut out at the bounds of parts.
func Query(text string, prefix bool) []Term {
	var s Splitter
	var terms []Term
	for _, u := range units(text) {
		t, ok := s.term(u.text, prefix && !u.quoted)
		if ok && !slices.ContainsFunc(terms, t.equal) {
			terms = append(terms, t)
		}
	}
	return terms
}

func (t Term) equal(o Term) bool {
	return t.Prefix == o.Prefix && t.Strict == o.Strict && t.Whole == o.Whole && slices.Equal(t.Parts, o.Parts)
}

// Phrase reads all of text as one phrase, without regard to quotes (NVD keywordExactMatch).
// It reports false if nothing in it is a word.
func Phrase(text string) (Term, bool) {
	var s Splitter
	t, ok := s.term(text, false)
	t.Strict = false
	return t, ok
}

type unit struct {
	text   string
	quoted bool
}

// units cuts at white space outside quotes, and at quotes.
func units(text string) []unit {
	var us []unit
	start, quoted := 0, false
	flush := func(end int) {
		if start < end {
			us = append(us, unit{text[start:end], quoted})
		}
	}
	for i, r := range text {
		switch {
		case r == '"', r == '“', r == '”':
			flush(i)
			quoted = !quoted
		case !quoted && (unicode.IsSpace(r) || r == 0):
			flush(i)
		default:
			continue
		}
		start = i + utf8.RuneLen(r)
	}
	flush(len(text))
	return us
}

// term reads one unit. The document's side made a part of every CJK character with its neighbour;
// at the end of a unit that neighbour is not known, so the last character is dropped if it is part of
// the pair before, and matches as a prefix if it stands alone.
func (s *Splitter) term(text string, prefix bool) (Term, bool) {
	s.Split(text)
	var t Term
	var first, last Token
	n := 0
	for _, tok := range s.Tokens {
		if tok.Kind != Part {
			continue
		}
		if n == 0 {
			first = tok
		}
		if n > 0 && tok.End == last.End { // the second half of the last pair of a run
			if !s.goesOn(tok) {
				continue
			}
		}
		n++
		last = tok
		t.Parts = append(t.Parts, string(s.Bytes(tok)))
	}
	if n == 0 {
		return Term{}, false
	}
	end := t.Parts[n-1]
	if r, size := utf8.DecodeRuneInString(end); isCJK(r) {
		t.Prefix = size == len(end)
	} else {
		t.Prefix = prefix
	}
	if t.Prefix {
		return t, true
	}
	for _, tok := range s.Tokens {
		if tok.Kind != Whole || tok.End != last.End {
			continue
		}
		if n > 1 && tok.Start == first.Start {
			t.Whole = string(s.Bytes(tok))
		}
		if n == 1 && tok.Start == first.Start-1 {
			t.Whole, t.Strict = string(s.Bytes(tok)), true
		}
	}
	return t, true
}

// goesOn reports whether a part follows tok.
func (s *Splitter) goesOn(tok Token) bool {
	for i := len(s.Tokens) - 1; i >= 0; i-- {
		if s.Tokens[i].Kind == Part {
			return s.Tokens[i].Start > tok.Start
		}
	}
	return false
}
