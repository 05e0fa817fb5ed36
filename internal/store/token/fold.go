package token

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// folder makes equal what readers hold to be equal: NFKC (full-width ＡＢＣ and half-width ｶﾅ become
// ABC and カナ), then case, without regard to language. It is not Unicode's full case folding (UAX
// 44 CaseFolding.txt, status F): only ß has its expansion, and ı, İ and ſ fold to i and s, because a
// reader without those keys types i and s.
type folder struct {
	a, b []byte
}

// append appends the folded text to dst. Invalid bytes become U+FFFD, U+0000 becomes a space.
func (f *folder) append(dst []byte, text string) []byte {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= utf8.RuneSelf {
			// Composition can reach back to the letter before; nothing reaches further than that.
			cut := max(i-1, 0)
			return f.appendUnicode(dst[:len(dst)-(i-cut)], text[cut:])
		}
		dst = append(dst, lower[c])
	}
	return dst
}

var lower = func() (t [utf8.RuneSelf]byte) {
	for c := range t {
		t[c] = byte(c)
		if 'A' <= c && c <= 'Z' {
			t[c] = byte(c) + 'a' - 'A'
		}
	}
	t[0] = ' '
	return t
}()

// inert reports that r is in NFKC by itself and never composes with what stands before it (UAX 15,
// NFKC_Quick_Check=Yes and combining class 0). It need not know all such characters: the common
// ones of Western and Japanese prose save three quarters of the time.
func inert(r rune) bool {
	switch {
	case r < 0xC0:
		return r < 0x80
	case r <= 0x0131: // Latin
		return true
	case r >= 0x0410 && r <= 0x044F, // Cyrillic
		r == 0x2013, r == 0x2014, r >= 0x2018 && r <= 0x201D, r == 0x2022, // – — ‘ ’ “ ” •
		r >= 0x3001 && r <= 0x3015,                             // 、。「」
		r >= 0x3041 && r <= 0x3094, r >= 0x30A1 && r <= 0x30FE, // kana
		r >= 0x4E00 && r <= 0x9FFF: // Han
		return true
	}
	return false
}

func (f *folder) appendUnicode(dst []byte, text string) []byte {
	start := len(dst)
	for _, r := range text {
		if !inert(r) {
			return f.normalise(dst[:start], text)
		}
		dst = appendFolded(dst, r)
	}
	return dst
}

func (f *folder) normalise(dst []byte, text string) []byte {
	f.a = norm.NFKC.AppendString(f.a[:0], text)
	f.b = foldCase(f.b[:0], f.a)
	// Folding can leave letters that compose anew (İ with a mark below, say): once more, until
	// nothing changes. All but a handful of texts pass the first check.
	for range 4 {
		if norm.NFKC.IsNormal(f.b) {
			break
		}
		f.a = norm.NFKC.Append(f.a[:0], f.b...)
		f.b = foldCase(f.b[:0], f.a)
	}
	return append(dst, f.b...)
}

func foldCase(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		r, n := utf8.DecodeRune(src[i:])
		i += n
		dst = appendFolded(dst, r)
	}
	return dst
}

func appendFolded(dst []byte, r rune) []byte {
	switch {
	case r < utf8.RuneSelf:
		return append(dst, lower[r])
	case r >= 0x2010 && r < 0x2070, r >= 0x3000 && r < 0xA000: // punctuation, kana, Han: no case
		return utf8.AppendRune(dst, r)
	case r == 'ß', r == 'ẞ':
		return append(dst, "ss"...)
	}
	// By way of the capital, so that ς and σ meet.
	return utf8.AppendRune(dst, unicode.ToLower(unicode.ToUpper(r)))
}
