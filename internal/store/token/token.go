// Package token cuts text into the words that search matches: the same words on every database
// engine, on every machine, for English and for Japanese without spaces.
//
// Text is folded first (fold.go: NFKC, then case). What is left is cut into parts:
//
//   - a run of letters, digits and marks is one part: "openssl", "log4j", "straße" (as "strasse");
//   - a run of Han, kana and Hangul of n characters becomes n parts, one starting at each character:
//     the overlapping pairs, and the last character alone. 認証回避 is 認証 証回 回避 避. Every
//     substring of the run is therefore a run of consecutive parts (the last one as a prefix);
//   - "v" before a digit stands alone, so that 1.2.3 finds v1.2.3;
//   - one letter with "++" or "#" is a name: "c++", "c#";
//   - everything else separates.
//
// Parts that are joined by a single - . _ + or ~ also form a whole: "cve-2024-1234", "1.2.3",
// "use-after-free", "openssl.org". A leading dot makes a whole too: ".htaccess", and ".net" even
// inside "asp.net". A phrase of parts finds everything that its whole finds; the whole is there
// to find it quickly, and to tell ".net" from "net".
//
// No part or whole holds white space, U+0000 or invalid UTF-8, whatever the text held.
package token

import (
	"unicode"
	"unicode/utf8"
)

// MaxBytes is the length that parts are cut to, and above which wholes are not made: nobody
// types a longer word, but records carry base64 and stack traces.
const MaxBytes = 64

// Kind tells parts from wholes.
type Kind uint8

// The kinds.
const (
	Part  Kind = iota // a word; consecutive parts are neighbours for phrases
	Whole             // several parts as they were joined; follows its last part and takes no position
)

// Token is one part or whole: the bytes Text[Start:End] of the Splitter that made it.
type Token struct {
	Start, End int32
	Kind       Kind
}

// Splitter cuts texts into tokens. It keeps its buffers between texts: the zero value is ready,
// one Splitter serves one goroutine.
type Splitter struct {
	Text   []byte  // the folded text of the last Split
	Tokens []Token // its tokens, parts in reading order

	fold folder
}

// Bytes returns the bytes of t. They are valid until the next Split.
func (s *Splitter) Bytes(t Token) []byte { return s.Text[t.Start:t.End] }

// Split folds text and cuts it; the result is in Text and Tokens until the next Split.
// Texts of 2 GiB and more are cut to that length.
func (s *Splitter) Split(text string) {
	const limit = 1<<31 - 1<<16
	if len(text) > limit {
		text = text[:limit]
	}
	s.Text = s.fold.append(s.Text[:0], text)
	s.Tokens = s.Tokens[:0]
	for i := 0; i < len(s.Text); {
		class, size := classAt(s.Text, i)
		switch class {
		case word:
			i = s.group(i)
		case cjk:
			i = s.run(i)
		default: // separators, joints, and marks without a letter
			i += size
		}
	}
}

// Classes of characters in folded text.
const (
	separator = iota
	joint     // - . _ + ~ : joins parts to a whole when it stands alone between two
	word      // a letter or digit
	mark      // a combining mark: goes on with a word, never begins one
	cjk       // Han, kana, Hangul
)

var ascii = func() (t [utf8.RuneSelf]uint8) {
	for c := range t {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			t[c] = word
		case c == '-', c == '.', c == '_', c == '+', c == '~':
			t[c] = joint
		}
	}
	return t
}()

// classAt returns the class of the character at text[i] and its size in bytes.
func classAt(text []byte, i int) (class, size int) {
	if c := text[i]; c < utf8.RuneSelf {
		return int(ascii[c]), 1
	}
	r, n := utf8.DecodeRune(text[i:])
	switch {
	case isCJK(r):
		return cjk, n
	case unicode.IsLetter(r), unicode.IsNumber(r):
		return word, n
	case unicode.IsMark(r):
		return mark, n
	}
	return separator, n
}

// isCJK reports whether r is written without spaces between words: Han, kana with ー and the
// iteration marks, and Hangul (written with spaces, but searched for by stem). ・ separates.
func isCJK(r rune) bool {
	switch {
	case r < 0x1100:
		return false
	case r <= 0x11FF: // Hangul Jamo
		return true
	case r < 0x2E80:
		return false
	case r <= 0x2FDF, // radicals
		r >= 0x3005 && r <= 0x3007, r >= 0x3021 && r <= 0x3029, r >= 0x3031 && r <= 0x3035, // 々〆〇
		r >= 0x3041 && r <= 0x3096, r >= 0x3099 && r <= 0x309A, r >= 0x309D && r <= 0x309F, // hiragana
		r >= 0x30A1 && r <= 0x30FA, r >= 0x30FC && r <= 0x30FF, r >= 0x31F0 && r <= 0x31FF, // katakana, ー
		r >= 0x3131 && r <= 0x318E,                             // Hangul compatibility jamo
		r >= 0x3400 && r <= 0x4DBF, r >= 0x4E00 && r <= 0x9FFF, // Han
		r >= 0xA960 && r <= 0xA97F, r >= 0xAC00 && r <= 0xD7FF, // Hangul
		r >= 0xF900 && r <= 0xFAFF, r >= 0x20000 && r <= 0x3FFFF:
		return true
	}
	return false
}

// group cuts the words joined from text[i] on, and their whole. It returns where they end.
func (s *Splitter) group(i int) int {
	text := s.Text
	start, parts := i, 0
	s.dotted(i)
	for {
		j := i
		for j < len(text) {
			if c := text[j]; c < utf8.RuneSelf {
				if ascii[c] != word {
					break
				}
				j++
				continue
			}
			class, size := classAt(text, j)
			if class != word && class != mark {
				break
			}
			j += size
		}
		j, parts = s.word(i, j, parts)
		switch {
		case j < len(text) && text[j] < utf8.RuneSelf && ascii[text[j]] == word: // 11 of c++11
			i = j
		case j+1 < len(text) && text[j] < utf8.RuneSelf && ascii[text[j]] == joint && startsWord(text, j+1):
			i = j + 1
			if text[j] == '.' && isNet(text, i) {
				s.Tokens = append(s.Tokens, Token{int32(j), int32(j + 4), Whole})
			}
		default:
			if parts > 1 && j-start <= MaxBytes {
				s.Tokens = append(s.Tokens, Token{int32(start), int32(j), Whole})
			}
			return j
		}
	}
}

// startsWord reports whether a word, not a CJK run, starts at text[i].
func startsWord(text []byte, i int) bool {
	class, _ := classAt(text, i)
	return class == word
}

// word emits the parts of the run text[i:j] and returns where they end and how many parts the
// group has by now.
func (s *Splitter) word(i, j, parts int) (int, int) {
	text := s.Text
	switch n := j - i; {
	case n == 1 && text[i] >= 'a' && j < len(text):
		if text[j] == '#' {
			j++
		} else if text[j] == '+' && j+1 < len(text) && text[j+1] == '+' {
			j += 2
		}
	case n > 1 && text[i] == 'v' && '0' <= text[i+1] && text[i+1] <= '9':
		s.part(i, i+1)
		i++
		parts++
	}
	s.part(i, j)
	return j, parts + 1
}

// part emits text[i:j], cut to MaxBytes at a character.
func (s *Splitter) part(i, j int) {
	if j-i > MaxBytes {
		j = i + MaxBytes
		for !utf8.RuneStart(s.Text[j]) {
			j--
		}
	}
	s.Tokens = append(s.Tokens, Token{int32(i), int32(j), Part})
}

// dotted emits the whole ".name" for a group that starts at text[i] after a dot of its own.
// Before the dot may stand anything but another dot; a word cannot, the dot would have joined it.
func (s *Splitter) dotted(i int) {
	text := s.Text
	if i == 0 || text[i-1] != '.' || i > 1 && text[i-2] == '.' {
		return
	}
	j := i
	for j < len(text) && text[j] < utf8.RuneSelf && ascii[text[j]] == word {
		j++
	}
	if j < len(text) {
		if class, _ := classAt(text, j); class == word || class == mark {
			return
		}
	}
	if n := j - i; n > 1 && n < MaxBytes {
		s.Tokens = append(s.Tokens, Token{int32(i - 1), int32(j), Whole})
	}
}

// isNet reports whether the word at text[i] is exactly "net", as in ASP.NET.
func isNet(text []byte, i int) bool {
	if i+3 > len(text) || string(text[i:i+3]) != "net" {
		return false
	}
	if i+3 == len(text) {
		return true
	}
	class, _ := classAt(text, i+3)
	return class != word && class != mark
}

// run cuts a run of CJK characters into the parts that start at each of them.
func (s *Splitter) run(i int) int {
	_, size := utf8.DecodeRune(s.Text[i:])
	for {
		next := i + size
		if next < len(s.Text) {
			r, n := utf8.DecodeRune(s.Text[next:])
			if isCJK(r) {
				s.Tokens = append(s.Tokens, Token{int32(i), int32(next + n), Part})
				i, size = next, n
				continue
			}
		}
		s.Tokens = append(s.Tokens, Token{int32(i), int32(next), Part})
		return next
	}
}
