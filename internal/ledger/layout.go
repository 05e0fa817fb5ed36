package ledger

import "bytes"

// layout is a white-space style of pretty-printed JSON: how deep a level is indented, and whether the text ends
// in a line feed. Names are followed by ": ", empty containers stay closed, as JSON.stringify and Python write them.
//
//	bits 0–2  index into indents
//	bit  3    line feed at the end
type layout uint8

const finalLF layout = 1 << 3

// indents are frozen in this order: stored bodies name them by number.
var indents = [...]string{"  ", "    ", "\t", " ", "   ", "        "}

func (l layout) valid() bool { return l < 16 && int(l&7) < len(indents) }

// guessLayout reads the style off the first indented line. ok is false when raw does not look like indented JSON;
// that it is, only restoring and comparing tells.
func guessLayout(raw []byte) (l layout, ok bool) {
	if len(raw) < 4 || raw[0] != '{' && raw[0] != '[' || raw[1] != '\n' {
		return 0, false
	}
	n := 0
	for n < len(raw)-2 && (raw[2+n] == ' ' || raw[2+n] == '\t') {
		n++
	}
	for i, in := range indents {
		if string(raw[2:2+n]) == in {
			if raw[len(raw)-1] == '\n' {
				return layout(i) | finalLF, true
			}
			return layout(i), true
		}
	}
	return 0, false
}

// compact appends raw without the white space outside strings, and says whether that white space is exactly what
// restore writes: then restoring the result gives raw back. It does not judge raw otherwise: what is not JSON is
// merely some bytes that follow the style or do not. Checking while compacting is what Pack would else restore and
// compare for, at twice the cost.
func (l layout) compact(dst, raw []byte) (c []byte, ok bool) {
	if l&finalLF != 0 {
		if len(raw) == 0 || raw[len(raw)-1] != '\n' {
			return dst, false
		}
		raw = raw[:len(raw)-1]
	}
	indent := indents[l&7]
	depth := 0
	for i := 0; i < len(raw); {
		switch ch := raw[i]; ch {
		case '"':
			end := stringEnd(raw, i)
			dst = append(dst, raw[i:end]...)
			i = end
			continue
		case '{', '[':
			if i+1 < len(raw) && raw[i+1] == ch+2 {
				dst = append(dst, ch, ch+2)
				i += 2
				continue
			}
			dst = append(dst, ch)
			depth++
			i = afterNewline(raw, i+1, indent, depth)
		case ',':
			dst = append(dst, ch)
			i = afterNewline(raw, i+1, indent, depth)
		case ':':
			dst = append(dst, ch)
			if i += 2; i > len(raw) || raw[i-1] != ' ' {
				return dst, false
			}
		case '\n': // only before what closes a container
			depth--
			i = afterNewline(raw, i, indent, depth)
			if i < 0 || i == len(raw) || raw[i] != '}' && raw[i] != ']' || len(dst) > 0 && dst[len(dst)-1] == raw[i]-2 {
				return dst, false // the last: an empty container that is not closed at once
			}
			dst = append(dst, raw[i])
			i++
		case '}', ']', ' ', '\t', '\r':
			return dst, false
		default:
			dst = append(dst, ch)
			i++
		}
		if i < 0 {
			return dst, false
		}
	}
	return dst, true
}

// afterNewline returns the index after the line feed and indentation that begin at raw[i], or -1 if other bytes do.
func afterNewline(raw []byte, i int, indent string, depth int) int {
	rest := raw[min(i, len(raw)):]
	if n := depth * len(indent); indent[0] == ' ' && n >= 0 && n <= len(spaces) {
		if len(rest) > n && rest[0] == '\n' && string(rest[1:1+n]) == spaces[:n] {
			return i + 1 + n
		}
		return -1
	}
	if len(rest) == 0 || rest[0] != '\n' {
		return -1
	}
	for i++; depth > 0; depth-- {
		if !bytes.HasPrefix(raw[i:], []byte(indent)) {
			return -1
		}
		i += len(indent)
	}
	return i
}

// stringEnd returns the index after the string that begins at raw[i], or len(raw) if it does not end.
func stringEnd(raw []byte, i int) int {
	for i++; ; {
		k := bytes.IndexByte(raw[i:], '"')
		if k < 0 {
			return len(raw)
		}
		i += k + 1
		// The quote ends the string unless an odd number of backslashes stands before it.
		esc := 0
		for j := i - 2; raw[j] == '\\'; j-- {
			esc++
		}
		if esc%2 == 0 {
			return i
		}
	}
}

// restore appends compact JSON re-indented in style l. It never judges; it gives up (and returns less
// than the whole) once dst would grow beyond limit bytes, so that hostile nesting cannot make it write gigabytes.
func (l layout) restore(dst, c []byte, limit int) []byte {
	indent := indents[l&7]
	depth := 0
	for i := 0; i < len(c) && len(dst) <= limit; {
		switch ch := c[i]; ch {
		case '"':
			end := stringEnd(c, i)
			dst = append(dst, c[i:end]...)
			i = end
			continue
		case '{', '[':
			dst = append(dst, ch)
			if i+1 < len(c) && c[i+1] == ch+2 { // '{'+2 is '}', '['+2 is ']'
				dst = append(dst, ch+2)
				i += 2
				continue
			}
			depth++
			dst = newline(dst, indent, depth, limit)
		case '}', ']':
			depth--
			dst = newline(dst, indent, depth, limit)
			dst = append(dst, ch)
		case ',':
			dst = append(dst, ',')
			dst = newline(dst, indent, depth, limit)
		case ':':
			dst = append(dst, ':', ' ')
		default:
			dst = append(dst, ch)
		}
		i++
	}
	if l&finalLF != 0 {
		dst = append(dst, '\n')
	}
	return dst
}

const spaces = "                                                                "

func newline(dst []byte, indent string, depth, limit int) []byte {
	dst = append(dst, '\n')
	if n := depth * len(indent); indent[0] == ' ' && n >= 0 && n <= len(spaces) {
		return append(dst, spaces[:n]...)
	}
	for i := 0; i < depth && len(dst) <= limit; i++ {
		dst = append(dst, indent...)
	}
	return dst
}
