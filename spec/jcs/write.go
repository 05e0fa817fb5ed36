package jcs

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Writer appends one canonical value to a byte slice, in the order in which its bytes stand: the caller names keys
// already sorted, and is told when they are not. The first error sticks and comes back from Bytes. The zero Writer is
// ready; Reset makes it so again and keeps the memory. A Writer serves one goroutine.
type Writer struct {
	buf   []byte
	err   error
	depth int
	stack [MaxDepth]frame
	wrote bool // the top-level value is complete or begun
}

type frame struct {
	object         bool
	value          bool // object: a key is waiting for its value
	n              int  // members begun
	keyLo, keyHigh int  // where the last key stands in buf
}

// Reset starts a new value in buf[:0]; nil lets the Writer find its own memory.
func (w *Writer) Reset(buf []byte) { *w = Writer{buf: buf[:0]} }

// Bytes returns the value, which must be complete. The slice is the Writer's own until the next Reset.
func (w *Writer) Bytes() ([]byte, error) {
	switch {
	case w.err != nil:
		return nil, w.err
	case w.depth > 0 || !w.wrote:
		return nil, fail(RuleSyntax, len(w.buf), "the value is not complete")
	}
	return w.buf, nil
}

// Object opens an object; EndObject closes it.
func (w *Writer) Object() { w.open('{', true) }

// EndObject closes the innermost container, which must be an object.
func (w *Writer) EndObject() { w.shut('}', true) }

// Array opens an array; EndArray closes it.
func (w *Writer) Array() { w.open('[', false) }

// EndArray closes the innermost container, which must be an array.
func (w *Writer) EndArray() { w.shut(']', false) }

// Key names the member whose value comes next. Keys are [a-z0-9_]+ and each greater than the one before it.
func (w *Writer) Key(key string) {
	if w.err != nil {
		return
	}
	if w.depth == 0 || !w.stack[w.depth-1].object || w.stack[w.depth-1].value {
		w.fail(RuleSyntax, "a key outside an object, or two without a value")
		return
	}
	f := &w.stack[w.depth-1]
	for i := 0; i < len(key); i++ {
		if !isKeyByte(key[i]) {
			w.fail(RuleKey, fmt.Sprintf("key %q: keys are made of a-z, 0-9 and _", key))
			return
		}
	}
	if key == "" {
		w.fail(RuleKey, "empty key")
		return
	}
	if f.n > 0 {
		if prev := string(w.buf[f.keyLo:f.keyHigh]); key <= prev {
			w.fail(RuleOrder, "key "+key+" after "+prev)
			return
		}
		w.buf = append(w.buf, ',')
	}
	w.buf = append(w.buf, '"')
	f.keyLo = len(w.buf)
	w.buf = append(w.buf, key...)
	f.keyHigh = len(w.buf)
	w.buf = append(w.buf, '"', ':')
	f.n++
	f.value = true
}

// String writes s, which must be UTF-8.
func (w *Writer) String(s string) {
	if w.before() {
		if at := invalid(s); at >= 0 {
			w.fail(RuleString, fmt.Sprintf("byte %d of the text is not valid UTF-8", at))
			return
		}
		w.buf = appendString(w.buf, s)
	}
}

// Hex writes b as a string of lower-case hexadecimal digits.
func (w *Writer) Hex(b []byte) {
	if w.before() {
		w.buf = append(w.buf, '"')
		w.buf = hex.AppendEncode(w.buf, b)
		w.buf = append(w.buf, '"')
	}
}

// Int writes n, |n| ≤ MaxInt.
func (w *Writer) Int(n int64) {
	if w.before() {
		if n > MaxInt || n < -MaxInt {
			w.fail(RuleNumber, "outside ±(2^53−1)")
			return
		}
		w.buf = strconv.AppendInt(w.buf, n, 10)
	}
}

// Bool writes true or false.
func (w *Writer) Bool(v bool) {
	if w.before() {
		w.buf = strconv.AppendBool(w.buf, v)
	}
}

// Raw writes a value that is canonical already; it is checked, its depth counted from here.
func (w *Writer) Raw(value []byte) {
	if !w.before() {
		return
	}
	end, err := scan(value, 0, w.depth)
	if err == nil && end != len(value) {
		err = fail(RuleTrailing, end, "bytes after the value")
	}
	if err != nil {
		w.stick(err)
		return
	}
	w.buf = append(w.buf, value...)
}

// before makes room for a value: the comma, and whether one may stand here at all.
func (w *Writer) before() bool {
	if w.err != nil {
		return false
	}
	if w.depth == 0 {
		if w.wrote {
			w.fail(RuleTrailing, "a second value")
			return false
		}
		w.wrote = true
		return true
	}
	f := &w.stack[w.depth-1]
	if f.object {
		if !f.value {
			w.fail(RuleSyntax, "a member without a key")
			return false
		}
		f.value = false
		return true
	}
	if f.n > 0 {
		w.buf = append(w.buf, ',')
	}
	f.n++
	return true
}

func (w *Writer) open(c byte, object bool) {
	if !w.before() {
		return
	}
	if w.depth == MaxDepth {
		w.fail(RuleDepth, "more than 8 levels")
		return
	}
	w.stack[w.depth] = frame{object: object}
	w.depth++
	w.buf = append(w.buf, c)
}

func (w *Writer) shut(c byte, object bool) {
	if w.err != nil {
		return
	}
	if w.depth == 0 || w.stack[w.depth-1].object != object || w.stack[w.depth-1].value {
		w.fail(RuleSyntax, "'"+string(c)+"' where nothing is open, or a key waits for its value")
		return
	}
	w.depth--
	w.buf = append(w.buf, c)
}

func (w *Writer) fail(rule Rule, message string) { w.stick(fail(rule, len(w.buf), message)) }

// stick keeps the first error, with the pointer to where the Writer stands.
func (w *Writer) stick(err error) {
	for i := w.depth - 1; i >= 0; i-- {
		switch f := w.stack[i]; {
		case f.n == 0:
		case f.object:
			err = under(err, string(w.buf[f.keyLo:f.keyHigh]))
		default:
			err = under(err, strconv.Itoa(f.n-1))
		}
	}
	w.err = err
}

// invalid is the offset of the first byte of s that is not UTF-8, −1 if there is none.
func invalid(s string) int {
	if utf8.ValidString(s) {
		return -1
	}
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// appendString writes valid UTF-8 as RFC 8785 §3.2.2.2 says.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, '\\', 'b')
		case '\t':
			b = append(b, '\\', 't')
		case '\n':
			b = append(b, '\\', 'n')
		case '\f':
			b = append(b, '\\', 'f')
		case '\r':
			b = append(b, '\\', 'r')
		default:
			const digits = "0123456789abcdef"
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}
