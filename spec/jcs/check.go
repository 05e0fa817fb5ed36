package jcs

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Check reports whether raw is exactly canonical and at most max bytes long (max ≤ 0: any length). The error is an
// *[Error] naming the first offence. It allocates nothing when raw is good.
//
// It does not build the value and write it out again: each token is compared with the only spelling that the
// serialiser has for it, which is the same question asked sooner. FuzzCheck holds the two together.
func Check(raw []byte, max int) error {
	if max > 0 && len(raw) > max {
		return &Error{Rule: RuleSize, Offset: max, Message: fmt.Sprintf("%d bytes, at most %d are allowed", len(raw), max)}
	}
	end, err := scan(raw, 0, 0)
	if err != nil {
		return err
	}
	if end != len(raw) {
		return &Error{Rule: RuleTrailing, Offset: end, Message: "bytes after the value"}
	}
	return nil
}

// scan checks the value that begins at i, inside depth containers, and returns the offset after it.
func scan(b []byte, i, depth int) (int, error) {
	if i >= len(b) {
		return i, fail(RuleSyntax, i, "unexpected end")
	}
	switch c := b[i]; {
	case c == '{':
		return scanObject(b, i, depth+1)
	case c == '[':
		return scanArray(b, i, depth+1)
	case c == '"':
		return scanString(b, i)
	case c == '-' || c >= '0' && c <= '9':
		return scanNumber(b, i)
	case c == 't':
		return scanWord(b, i, "true")
	case c == 'f':
		return scanWord(b, i, "false")
	case c == 'n':
		if end, err := scanWord(b, i, "null"); err != nil {
			return end, err
		}
		return i, fail(RuleNull, i, "null is not part of the form; leave the member out")
	default:
		return i, unexpected(b, i, "a value")
	}
}

func scanObject(b []byte, i, depth int) (int, error) {
	if depth > MaxDepth {
		return i, fail(RuleDepth, i, "more than 8 levels")
	}
	i++
	if i < len(b) && b[i] == '}' {
		return i + 1, nil
	}
	var prev []byte
	for {
		key, next, err := scanKey(b, i)
		if err != nil {
			return i, err
		}
		if prev != nil && string(key) <= string(prev) {
			return i, fail(RuleOrder, i, "key "+string(key)+" after "+string(prev))
		}
		prev = key
		if i, err = scan(b, next, depth); err != nil {
			return i, under(err, string(key))
		}
		switch {
		case i < len(b) && b[i] == ',':
			i++
		case i < len(b) && b[i] == '}':
			return i + 1, nil
		default:
			return i, unexpected(b, i, "',' or '}'")
		}
	}
}

// scanKey reads `"key":` and returns the key and the offset after the colon.
func scanKey(b []byte, i int) ([]byte, int, error) {
	if i >= len(b) || b[i] != '"' {
		return nil, i, unexpected(b, i, "a key")
	}
	start := i + 1
	for i = start; i < len(b) && isKeyByte(b[i]); i++ {
	}
	switch {
	case i >= len(b):
		return nil, i, fail(RuleSyntax, i, "unexpected end")
	case b[i] != '"':
		return nil, i, fail(RuleKey, i, "keys are made of a-z, 0-9 and _")
	case i == start:
		return nil, i, fail(RuleKey, i, "empty key")
	case i+1 >= len(b) || b[i+1] != ':':
		return nil, i + 1, unexpected(b, i+1, "':'")
	}
	return b[start:i], i + 2, nil
}

func isKeyByte(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' }

func scanArray(b []byte, i, depth int) (int, error) {
	if depth > MaxDepth {
		return i, fail(RuleDepth, i, "more than 8 levels")
	}
	i++
	if i < len(b) && b[i] == ']' {
		return i + 1, nil
	}
	for n := 0; ; n++ {
		var err error
		if i, err = scan(b, i, depth); err != nil {
			return i, under(err, strconv.Itoa(n))
		}
		switch {
		case i < len(b) && b[i] == ',':
			i++
		case i < len(b) && b[i] == ']':
			return i + 1, nil
		default:
			return i, unexpected(b, i, "',' or ']'")
		}
	}
}

func scanString(b []byte, i int) (int, error) {
	start := i
	for i++; i < len(b); {
		c := b[i]
		switch {
		case c == '"':
			return i + 1, nil
		case c == '\\':
			n := escapeLen(b[i:])
			if n == 0 {
				return i, fail(RuleString, i, "an escape that the canonical form writes otherwise")
			}
			i += n
		case c < 0x20:
			return i, fail(RuleString, i, "a control character without its escape")
		case c < utf8.RuneSelf:
			i++
		default:
			r, n := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && n == 1 {
				return i, fail(RuleString, i, "not valid UTF-8")
			}
			i += n
		}
	}
	return i, fail(RuleSyntax, start, "a string without its end")
}

// escapeLen is the length of the canonical escape at the start of b, 0 if it is not one.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case 'b', 't', 'n', 'f', 'r', '"', '\\':
		return 2
	case 'u':
	default:
		return 0
	}
	if len(b) < 6 || b[2] != '0' || b[3] != '0' || b[4] != '0' && b[4] != '1' {
		return 0
	}
	lo := unhex(b[5])
	if lo < 0 {
		return 0
	}
	switch c := int(b[4]-'0')<<4 | lo; c {
	case '\b', '\t', '\n', '\f', '\r': // have a shorter escape
		return 0
	}
	return 6
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

func scanNumber(b []byte, i int) (int, error) {
	start := i
	if b[i] == '-' {
		i++
	}
	digits := i
	var n int64
	for ; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
		if n = n*10 + int64(b[i]-'0'); n > MaxInt {
			return start, fail(RuleNumber, start, "outside ±(2^53−1)")
		}
	}
	switch {
	case i == digits:
		return i, unexpected(b, i, "a digit")
	case b[digits] == '0' && i-digits > 1:
		return start, fail(RuleNumber, start, "leading zero")
	case n == 0 && digits > start:
		return start, fail(RuleNumber, start, "minus zero")
	case i < len(b) && (b[i] == '.' || b[i] == 'e' || b[i] == 'E'):
		return start, fail(RuleNumber, start, "only integers without an exponent")
	}
	return i, nil
}

func scanWord(b []byte, i int, word string) (int, error) {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return i, fail(RuleSyntax, i, "expected "+word)
	}
	return i + len(word), nil
}

func fail(rule Rule, offset int, message string) error {
	return &Error{Rule: rule, Offset: offset, Message: message}
}

// unexpected tells white space, which a person may have added for the eye, from bytes that are simply wrong.
func unexpected(b []byte, i int, want string) error {
	if i >= len(b) {
		return fail(RuleSyntax, i, "unexpected end, expected "+want)
	}
	switch b[i] {
	case ' ', '\t', '\r', '\n':
		return fail(RuleSpace, i, "white space is not part of the form")
	}
	return fail(RuleSyntax, i, fmt.Sprintf("expected %s, found byte 0x%02x", want, b[i]))
}
