package jcs

import (
	"strconv"
)

// Reader walks a canonical document without building it, for the places where a million leaves pass by:
//
//	r, err := jcs.NewReader(raw, max)
//	for r.Enter('{'); r.Next(); {
//		switch r.Key() {
//		case "at": at = r.String()
//		default: r.Unknown()
//		}
//	}
//	return r.End()
//
// Enter goes into the value that comes next, Next moves to its next member and leaves it (returning false) after the
// last, and each member's value is taken by exactly one call. The first error sticks and comes back from End; after
// it Next returns false and the getters return zero values.
type Reader struct {
	b     []byte // checked by NewReader, so the walk trusts it
	i     int    // the next byte
	depth int
	stack [MaxDepth]place
	err   error
}

type place struct {
	keyLo, keyHigh int
	n              int  // members begun
	array          bool // index instead of key
	taken          bool // the current member's value was read
}

// NewReader checks raw as [Check] does and stands before its value. It keeps raw, and Raw's results point into it.
func NewReader(raw []byte, max int) (*Reader, error) {
	if err := Check(raw, max); err != nil {
		return nil, err
	}
	return &Reader{b: raw}, nil
}

// Enter goes into the next value, which must be an object ('{') or an array ('[').
func (r *Reader) Enter(kind byte) {
	if !r.take(kind) {
		return
	}
	r.i++
	r.stack[r.depth] = place{array: kind == '[', taken: true}
	r.depth++
}

// Next moves to the next member of the innermost container; false after the last, when it has left the container.
func (r *Reader) Next() bool {
	if r.err != nil || r.depth == 0 {
		return false
	}
	p := &r.stack[r.depth-1]
	if !p.taken {
		r.refuse("its value was not read")
		return false
	}
	if c := r.b[r.i]; c == '}' || c == ']' {
		r.i++
		r.depth--
		return false
	} else if c == ',' {
		r.i++
	}
	p.n++
	p.taken = false
	if !p.array {
		p.keyLo = r.i + 1
		for p.keyHigh = p.keyLo; r.b[p.keyHigh] != '"'; p.keyHigh++ {
		}
		r.i = p.keyHigh + 2
	}
	return true
}

// Key is the key of the current member, "" in an array. Comparing it with constants does not allocate.
func (r *Reader) Key() string {
	if r.err != nil || r.depth == 0 {
		return ""
	}
	p := &r.stack[r.depth-1]
	return string(r.b[p.keyLo:p.keyHigh])
}

// String takes the next value, a string.
func (r *Reader) String() string {
	if !r.take('"') {
		return ""
	}
	lo := r.i + 1
	for i := lo; ; i++ {
		switch r.b[i] {
		case '"':
			r.i = i + 1
			return string(r.b[lo:i])
		case '\\':
			return r.unescape(lo)
		}
	}
}

// unescape is String for a text with escapes, beginning at lo.
func (r *Reader) unescape(lo int) string {
	var out []byte
	i := lo
	for r.b[i] != '"' {
		if r.b[i] != '\\' {
			out = append(out, r.b[i])
			i++
			continue
		}
		switch c := r.b[i+1]; c {
		case 'b':
			out = append(out, '\b')
		case 't':
			out = append(out, '\t')
		case 'n':
			out = append(out, '\n')
		case 'f':
			out = append(out, '\f')
		case 'r':
			out = append(out, '\r')
		case 'u':
			out = append(out, byte(unhex(r.b[i+4])<<4|unhex(r.b[i+5])))
			i += 4
		default:
			out = append(out, c)
		}
		i += 2
	}
	r.i = i + 1
	return string(out)
}

// Int takes the next value, an integer.
func (r *Reader) Int() int64 {
	if !r.take('0') {
		return 0
	}
	lo := r.i
	for r.i++; r.i < len(r.b) && r.b[r.i] >= '0' && r.b[r.i] <= '9'; r.i++ {
	}
	n, _ := strconv.ParseInt(string(r.b[lo:r.i]), 10, 64) // checked: at most 2^53
	return n
}

// Bool takes the next value, true or false.
func (r *Reader) Bool() bool {
	if !r.take('t') {
		return false
	}
	if r.b[r.i] == 't' {
		r.i += len("true")
		return true
	}
	r.i += len("false")
	return false
}

// Raw takes the next value whole, as the bytes that stand in the document. It is for values that are hashed or signed
// as they are; the result is a part of the slice given to NewReader.
func (r *Reader) Raw() []byte {
	if !r.take(0) {
		return nil
	}
	lo := r.i
	end, err := scan(r.b, lo, r.depth)
	if err != nil { // cannot be: the document was checked
		r.err = err
		return nil
	}
	r.i = end
	return r.b[lo:end:end]
}

// Unknown refuses the current member: this reader has no meaning for its key.
func (r *Reader) Unknown() { r.refuse("a member that is not known here") }

// Refuse is for a value that was read well and means nothing good; message says what was wanted.
func (r *Reader) Refuse(message string) { r.refuse(message) }

// End reports the first error, or that the document was not read to its end.
func (r *Reader) End() error {
	if r.err == nil && r.i != len(r.b) {
		r.refuse("the document was not read to its end")
	}
	return r.err
}

// take checks that a value may be read here and that it is of the kind wanted ('0' number, 't' boolean, 0 any).
func (r *Reader) take(want byte) bool {
	if r.err != nil {
		return false
	}
	if r.i >= len(r.b) || r.depth > 0 && r.stack[r.depth-1].taken {
		r.refuse("no value stands here")
		return false
	}
	kind := r.b[r.i]
	switch {
	case kind == '-' || kind >= '0' && kind <= '9':
		kind = '0'
	case kind == 'f':
		kind = 't'
	}
	if want != 0 && kind != want {
		r.refuse("a " + kindName(kind) + " where a " + kindName(want) + " belongs")
		return false
	}
	if r.depth > 0 {
		r.stack[r.depth-1].taken = true
	}
	return true
}

func kindName(kind byte) string {
	switch kind {
	case '{':
		return "object"
	case '[':
		return "list"
	case '"':
		return "string"
	case '0':
		return "number"
	}
	return "boolean"
}

func (r *Reader) refuse(message string) {
	if r.err != nil {
		return
	}
	err := fail(RuleType, r.i, message)
	for d := r.depth - 1; d >= 0; d-- {
		switch p := r.stack[d]; {
		case p.n == 0:
		case p.array:
			err = under(err, strconv.Itoa(p.n-1))
		default:
			err = under(err, string(r.b[p.keyLo:p.keyHigh]))
		}
	}
	r.err = err
}
