package cve

import "bytes"

// Mentions calls fn for every CVE identifier that stands in raw, in order and as often as it stands there, until fn returns false.
// Identifiers are found in capital and in small letters (web addresses have both) and given in capitals; the slice is fn's only
// until it returns. raw may be JSON as it is written. A letter or digit on either side makes it part of something else.
func Mentions(raw []byte, fn func(id []byte) bool) {
	var buf [idNumberFrom + idMaxDigits]byte
	upper, lower := next(raw, 0, "CVE-"), next(raw, 0, "cve-")
	for {
		at := min(upper, lower)
		if at == len(raw) {
			return
		}
		if id := mentionAt(raw, at, buf[:0]); id != nil && !fn(id) {
			return
		}
		if at == upper {
			upper = next(raw, at+4, "CVE-")
		} else {
			lower = next(raw, at+4, "cve-")
		}
	}
}

// next is where what is written next at or after from; the end of raw for nowhere.
func next(raw []byte, from int, what string) int {
	if i := bytes.Index(raw[from:], []byte(what)); i >= 0 {
		return from + i
	}
	return len(raw)
}

// mentionAt is the identifier that begins at a position, written into buf; nil where there is none.
func mentionAt(raw []byte, at int, buf []byte) []byte {
	if at > 0 && wordByte(raw[at-1]) && !escaped(raw[:at]) {
		return nil
	}
	rest := raw[at+len(idPrefix):]
	const year = idNumberFrom - 1 - len(idPrefix)
	if len(rest) <= year || rest[year] != '-' || digitRun(rest) != year {
		return nil
	}
	number := rest[year+1:]
	n := digitRun(number)
	if n < idMinDigits || n > idMaxDigits || n > idMinDigits && number[0] == '0' || n < len(number) && wordByte(number[n]) {
		return nil
	}
	buf = append(buf, idPrefix...)
	return append(buf, rest[:year+1+n]...)
}

// escaped says that a text ends in a short escape of JSON, whose letter is no part of a word.
func escaped(b []byte) bool {
	return len(b) > 1 && b[len(b)-2] == '\\' && bytes.IndexByte([]byte("nrtbf"), b[len(b)-1]) >= 0
}

// digitRun is how many ASCII digits b begins with.
func digitRun(b []byte) int {
	n := 0
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	return n
}

func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
