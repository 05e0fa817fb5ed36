package cve

import (
	"encoding/binary"
	"math/bits"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// scanner reads a well-formed document quickly and gives up on everything else: each method returns false as soon as
// anything is out of the ordinary, and then Decode asks the JSON library, which finds the reason and words it. So this
// code may be narrower than JSON but must never be wider; FuzzDecode holds it to that, and the archive test holds it to
// the library's values.
type scanner struct {
	b      []byte
	i      int
	depth  int
	names  []name       // of the objects that are open, for finding duplicates
	buf    []byte       // unescaped strings
	recent [1024]string // short strings seen lately, so that "en" and "affected" are not allocated each time
}

// name is one member name of an open object. key holds its length and first bytes, so that most comparisons end there.
type name struct {
	key        uint64
	start, end int
}

const (
	maxScanDepth = 200 // deeper documents are left to the library
	maxScanNames = 200 // as are objects with more members: finding duplicates is quadratic here
)

var scanners = sync.Pool{New: func() any { return new(scanner) }}

// decodeFast is Decode for documents in which nothing is wrong; ok is false when it cannot tell.
func decodeFast(raw []byte, rec *Record) (ok bool) {
	s := scanners.Get().(*scanner)
	s.b, s.i, s.depth, s.names = raw, 0, 0, s.names[:0]
	ok = s.space() == '{' && s.object(rec.member) && s.space() == 0 && s.i == len(s.b)
	s.b = nil
	scanners.Put(s)
	return ok
}

// space skips white space and returns the byte after it; 0 at the end and for a control character, which no caller wants.
func (s *scanner) space() byte {
	i := s.i
	for i < len(s.b) {
		c := s.b[i]
		if c > ' ' {
			s.i = i
			return c
		}
		if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			s.i = i
			return 0
		}
		i++
		// Indentation comes in long runs.
		for i+8 <= len(s.b) {
			other := binary.LittleEndian.Uint64(s.b[i:]) ^ 0x2020202020202020
			if other != 0 {
				i += bits.TrailingZeros64(other) / 8
				break
			}
			i += 8
		}
	}
	s.i = i
	return 0
}

// object reads the object that begins at s.i. member is called at each value with its name and must consume it.
func (s *scanner) object(member func(s *scanner, name []byte) bool) bool {
	if s.depth++; s.depth > maxScanDepth {
		return false
	}
	s.i++
	first := len(s.names)
	for n := 0; ; n++ {
		c := s.space()
		if c == '}' && n == 0 {
			break
		}
		if c != '"' {
			return false
		}
		start, end, plain := s.bare()
		if !plain || !s.fresh(first, start, end) || s.space() != ':' {
			return false
		}
		s.i++
		s.space()
		if !member(s, s.b[start:end]) {
			return false
		}
		c = s.space()
		if c == '}' {
			break
		}
		if c != ',' {
			return false
		}
		s.i++
	}
	s.i++
	s.depth--
	s.names = s.names[:first]
	return true
}

// fresh records a name of the object whose names begin at first, unless it is there already.
func (s *scanner) fresh(first, start, end int) bool {
	var head [8]byte
	copy(head[:], s.b[start:end])
	key := binary.LittleEndian.Uint64(head[:]) ^ uint64(end-start)<<56
	for _, other := range s.names[first:] {
		if other.key == key && string(s.b[other.start:other.end]) == string(s.b[start:end]) {
			return false
		}
	}
	s.names = append(s.names, name{key, start, end})
	return len(s.names)-first <= maxScanNames
}

// list reads the list that begins at s.i; element is called at each value and must consume it.
func (s *scanner) list(element func(s *scanner) bool) bool {
	if s.depth++; s.depth > maxScanDepth {
		return false
	}
	s.i++
	for n := 0; ; n++ {
		c := s.space()
		if c == ']' && n == 0 {
			break
		}
		if c == 0 || !element(s) {
			return false
		}
		c = s.space()
		if c == ']' {
			break
		}
		if c != ',' {
			return false
		}
		s.i++
	}
	s.i++
	s.depth--
	return true
}

// special finds the next byte that ends a string or needs a closer look: a quote, a backslash, a control character or
// one outside of ASCII. It looks at eight bytes at once.
func (s *scanner) special(i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for i+8 <= len(s.b) {
		x := binary.LittleEndian.Uint64(s.b[i:])
		quote, slash := x^(ones*'"'), x^(ones*'\\')
		hit := (x | (x - ones*0x20) | (quote-ones)&^quote | (slash-ones)&^slash) & tops
		if hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
		i += 8
	}
	for i < len(s.b) {
		if c := s.b[i]; c == '"' || c == '\\' || c < 0x20 || c >= 0x80 {
			return i
		}
		i++
	}
	return i
}

// bare reads the string that begins at s.i if it holds ASCII only and no escapes.
func (s *scanner) bare() (start, end int, ok bool) {
	start = s.i + 1
	end = s.special(start)
	if end >= len(s.b) || s.b[end] != '"' {
		return 0, 0, false
	}
	s.i = end + 1
	return start, end, true
}

// text reads the string that begins at s.i. escaped tells that the result lies in s.buf until the next string.
func (s *scanner) text() (text []byte, escaped, ok bool) {
	start := s.i + 1
	i := s.special(start)
	ascii := true
	for i < len(s.b) {
		switch c := s.b[i]; {
		case c == '"':
			s.i = i + 1
			if escaped {
				unquoted, err := jsontext.AppendUnquote(s.buf[:0], s.b[start-1:s.i])
				s.buf = unquoted
				return unquoted, true, err == nil
			}
			return s.b[start:i], false, ascii || utf8.Valid(s.b[start:i])
		case c == '\\':
			escaped = true
			i = s.special(min(i+2, len(s.b)))
		case c < 0x20:
			return nil, false, false
		default:
			ascii = false
			for i < len(s.b) && s.b[i] >= 0x80 {
				i++
			}
			i = s.special(i)
		}
	}
	return nil, false, false
}

// str reads a string member; null leaves it empty.
func (s *scanner) str(into *string) bool {
	if s.i >= len(s.b) {
		return false
	}
	if s.b[s.i] != '"' {
		return s.null()
	}
	text, _, ok := s.text()
	if ok {
		*into = s.share(text)
	}
	return ok
}

// share makes a string, the same one for short texts that come again and again.
func (s *scanner) share(text []byte) string {
	n := len(text)
	if n == 0 {
		return ""
	}
	if n > 40 {
		return string(text)
	}
	var head, tail [8]byte
	copy(head[:], text)
	copy(tail[:], text[max(0, n-8):])
	h := (binary.LittleEndian.Uint64(head[:]) ^ bits.RotateLeft64(binary.LittleEndian.Uint64(tail[:]), 29) ^ uint64(n)) * 0x9E3779B97F4A7C15
	slot := &s.recent[h>>54]
	if *slot != string(text) {
		*slot = string(text)
	}
	return *slot
}

func (s *scanner) word(word string) bool {
	if len(s.b)-s.i < len(word) || string(s.b[s.i:s.i+len(word)]) != word {
		return false
	}
	s.i += len(word)
	return true
}

func (s *scanner) null() bool { return s.word("null") }

func (s *scanner) boolean(into *bool) bool {
	switch {
	case s.word("true"):
		*into = true
		return true
	case s.word("false"):
		return true
	}
	return s.null()
}

// number reads the number that begins at s.i (RFC 8259, section 6).
func (s *scanner) number() (text []byte, ok bool) {
	start := s.i
	at := func() byte {
		if s.i < len(s.b) {
			return s.b[s.i]
		}
		return 0
	}
	run := func() bool {
		from := s.i
		for s.i < len(s.b) && s.b[s.i]-'0' <= 9 {
			s.i++
		}
		return s.i > from
	}
	if at() == '-' {
		s.i++
	}
	if at() == '0' {
		s.i++
	} else if !run() {
		return nil, false
	}
	if at() == '.' {
		s.i++
		if !run() {
			return nil, false
		}
	}
	if at()|0x20 == 'e' {
		s.i++
		if c := at(); c == '+' || c == '-' {
			s.i++
		}
		if !run() {
			return nil, false
		}
	}
	return s.b[start:s.i], true
}

func (s *scanner) float(into *float64) bool {
	if s.i < len(s.b) && s.b[s.i] == 'n' {
		return s.null()
	}
	text, ok := s.number()
	if !ok {
		return false
	}
	f, err := strconv.ParseFloat(string(text), 64)
	*into = f
	return err == nil
}

// skip reads any value, with all checks.
func (s *scanner) skip() bool {
	if s.i >= len(s.b) {
		return false
	}
	switch c := s.b[s.i]; c {
	case '{':
		return s.object(func(s *scanner, _ []byte) bool { return s.skip() })
	case '[':
		return s.list((*scanner).skip)
	case '"':
		_, _, ok := s.text()
		return ok
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.null()
	default:
		_, ok := s.number()
		return ok
	}
}

// sub reads a member that is an object; null leaves it as it is.
func (s *scanner) sub(member func(s *scanner, name []byte) bool) bool {
	if s.i < len(s.b) && s.b[s.i] == '{' {
		return s.object(member)
	}
	return s.null()
}

// strs reads a list of strings.
func (s *scanner) strs(into *[]string) bool {
	if s.i >= len(s.b) || s.b[s.i] != '[' {
		return s.null()
	}
	*into = []string{}
	return s.list(func(s *scanner) bool {
		var text string
		ok := s.str(&text)
		*into = append(*into, text)
		return ok
	})
}

// objects reads a list of objects. A method expression names how one of them takes its members.
func objects[T any](s *scanner, into *[]T, member func(t *T, s *scanner, name []byte) bool) bool {
	if s.i >= len(s.b) || s.b[s.i] != '[' {
		return s.null()
	}
	list := []T{}
	ok := s.list(func(s *scanner) bool {
		var zero T
		list = append(list, zero)
		t := &list[len(list)-1]
		return s.sub(func(s *scanner, name []byte) bool { return member(t, s, name) })
	})
	*into = list
	return ok
}

// pointer reads a member that is an object of its own.
func pointer[T any](s *scanner, into **T, member func(t *T, s *scanner, name []byte) bool) bool {
	if s.i < len(s.b) && s.b[s.i] == 'n' {
		return s.null()
	}
	t := new(T)
	*into = t
	return s.i < len(s.b) && s.b[s.i] == '{' && s.object(func(s *scanner, name []byte) bool { return member(t, s, name) })
}
