package cvelist

import (
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// short quotes a foreign text for a message without letting it fill the screen.
func short(s string) string {
	if len(s) > 60 {
		return strconv.Quote(strings.ToValidUTF8(s[:60], "")) + "…"
	}
	return strconv.Quote(s)
}

// cut shortens a pointer: that of a depth bomb is as long as the bomb.
func cut(pointer string) string {
	if len(pointer) > 200 {
		return strings.ToValidUTF8(pointer[:200], "") + "…"
	}
	return pointer
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func hexByte(b byte) string { return "0x" + strconv.FormatUint(uint64(b)|0x100, 16)[1:] }

// firstInvalid is the offset of the first byte that is no UTF-8; raw holds one.
func firstInvalid(raw []byte) int64 {
	for i := 0; i < len(raw); {
		r, n := utf8.DecodeRune(raw[i:])
		if r == utf8.RuneError && n == 1 {
			return int64(i)
		}
		i += n
	}
	return int64(len(raw))
}

// PublicName is how a source is called where strangers read: a URL without user and query, a path without its folders.
func PublicName(source string) string {
	if !strings.Contains(source, "://") {
		return baseName(source)
	}
	u, err := url.Parse(source)
	if err != nil {
		return "a URL"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}
