package token

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// split renders tokens as parts and wholes, separated by spaces.
func split(text string) (parts, wholes string) {
	var s Splitter
	s.Split(text)
	var p, w []string
	for _, t := range s.Tokens {
		if t.Kind == Whole {
			w = append(w, string(s.Bytes(t)))
		} else {
			p = append(p, string(s.Bytes(t)))
		}
	}
	return strings.Join(p, " "), strings.Join(w, " ")
}

func TestSplit(t *testing.T) {
	for _, tc := range []struct{ name, in, parts, wholes string }{
		{"nothing", "", "", ""},
		{"punctuation only", " -- !? /", "", ""},
		{"words", "Buffer Overflow, in OpenSSL.", "buffer overflow in openssl", ""},
		{"identifier", "see CVE-2024-1234.", "see cve 2024 1234", "cve-2024-1234"},
		{"version", "before 1.2.3-rc1", "before 1 2 3 rc1", "1.2.3-rc1"},
		{"v before a version", "v1.2", "v 1 2", "v1.2"},
		{"a word with v", "vim v", "vim v", ""},
		{"hyphens", "use-after-free", "use after free", "use-after-free"},
		{"a dash is not a hyphen", "foo -- bar - baz", "foo bar baz", ""},
		{"underscores", "wp_ajax_nopriv", "wp ajax nopriv", "wp_ajax_nopriv"},
		{"host", "https://www.openssl.org/news?id=1", "https www openssl org news id 1", "www.openssl.org"},
		{"path", "/etc/passwd", "etc passwd", ""},
		{"languages", "C++ C# F# g++", "c++ c# f# g++", ""},
		{"c++11", "C++11", "c++ 11", "c++11"},
		{"not a language", "notepad++ id#", "notepad id", ""},
		{"net", ".NET and ASP.NET, net", "net and asp net net", ".net .net asp.net"},
		{"netmask is not net", "asp.netmask", "asp netmask", "asp.netmask"},
		{"dot file", "/.htaccess ..x", "htaccess x", ".htaccess"},
		{"case folds", "STRASSE Straße ΣΊΣΥΦΟΣ σίσυφος İI ı", "strasse strasse σίσυφοσ σίσυφοσ ii i", ""},
		{"width folds", "ＡＢＣ ﾊﾞｯﾌｧ", "abc バッ ッフ ファ ァ", ""},
		{"composed and not", "Cafe\u0301 Caf\u00e9", "café café", ""},
		{"japanese", "認証回避の脆弱性", "認証 証回 回避 避の の脆 脆弱 弱性 性", ""},
		{"prolonged sound", "サーバー", "サー ーバ バー ー", ""},
		{"punctuation between", "認証、回避", "認証 証 回避 避", ""},
		{"script changes", "CVE識別番号10", "cve 識別 別番 番号 号 10", ""},
		{"one character", "a 認 b", "a 認 b", ""},
		{"hangul", "취약점", "취약 약점 점", ""},
		{"NUL", "a\x00b", "a b", ""},
		{"invalid", "a\xffb\xe3\x81", "a b", ""},
		{"curly quotes", "“quoted” it’s", "quoted it s", ""},
		{"long", strings.Repeat("x", 100) + " y", strings.Repeat("x", 64) + " y", ""},
		{"long at a character", strings.Repeat("é", 100), strings.Repeat("é", 32), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			parts, wholes := split(tc.in)
			if parts != tc.parts || wholes != tc.wholes {
				t.Errorf("parts %q wholes %q\nwant  %q        %q", parts, wholes, tc.parts, tc.wholes)
			}
		})
	}
}

func TestQuery(t *testing.T) {
	for _, tc := range []struct {
		in     string
		prefix bool
		want   []Term
	}{
		{"", false, nil},
		{"!!", false, nil},
		{"Buffer overflow", false, []Term{{Parts: []string{"buffer"}}, {Parts: []string{"overflow"}}}},
		{`"Buffer overflow" x`, false, []Term{{Parts: []string{"buffer", "overflow"}}, {Parts: []string{"x"}}}},
		{`“a b”`, false, []Term{{Parts: []string{"a", "b"}}}},
		{`"a b`, true, []Term{{Parts: []string{"a", "b"}}}},
		{"buf over", true, []Term{{Parts: []string{"buf"}, Prefix: true}, {Parts: []string{"over"}, Prefix: true}}},
		{"CVE-2024-12", false, []Term{{Parts: []string{"cve", "2024", "12"}, Whole: "cve-2024-12"}}},
		{"CVE-2024-12", true, []Term{{Parts: []string{"cve", "2024", "12"}, Prefix: true}}},
		{"/etc/passwd", false, []Term{{Parts: []string{"etc", "passwd"}}}},
		{".NET", false, []Term{{Parts: []string{"net"}, Whole: ".net", Strict: true}}},
		{".NET", true, []Term{{Parts: []string{"net"}, Prefix: true}}},
		{"asp.net", false, []Term{{Parts: []string{"asp", "net"}, Whole: "asp.net"}}},
		{"C++", false, []Term{{Parts: []string{"c++"}}}},
		{"認証", false, []Term{{Parts: []string{"認証"}}}},
		{"認証回", true, []Term{{Parts: []string{"認証", "証回"}}}},
		{"証", false, []Term{{Parts: []string{"証"}, Prefix: true}}},
		{"認証　回避", false, []Term{{Parts: []string{"認証"}}, {Parts: []string{"回避"}}}},
		{"認証bypass", false, []Term{{Parts: []string{"認証", "証", "bypass"}}}},
		{"XSSの", false, []Term{{Parts: []string{"xss", "の"}, Prefix: true}}},
	} {
		t.Run(tc.in, func(t *testing.T) {
			got := Query(tc.in, tc.prefix)
			if !slices.EqualFunc(got, tc.want, func(a, b Term) bool {
				return slices.Equal(a.Parts, b.Parts) && a.Prefix == b.Prefix && a.Whole == b.Whole && a.Strict == b.Strict
			}) {
				t.Errorf("Query(%q, %v) = %+v, want %+v", tc.in, tc.prefix, got, tc.want)
			}
		})
	}
}

// matches is the meaning of a Term, by the book.
func (t Term) matches(s *Splitter) bool {
	var parts []string
	for _, tok := range s.Tokens {
		if t.Strict && tok.Kind == Whole && string(s.Bytes(tok)) == t.Whole {
			return true
		}
		if tok.Kind == Part {
			parts = append(parts, string(s.Bytes(tok)))
		}
	}
	if t.Strict {
		return false
	}
	for i := 0; i+len(t.Parts) <= len(parts); i++ {
		ok := true
		for j, p := range t.Parts {
			last := j == len(t.Parts)-1
			ok = ok && (parts[i+j] == p || last && t.Prefix && strings.HasPrefix(parts[i+j], p))
		}
		if ok {
			return true
		}
	}
	return false
}

// FuzzSplit states the laws of the splitter: tokens are short, valid UTF-8 without white space,
// in order; folded text splits as its original did; and whatever is cut out of a text at the bounds of
// parts finds that text, as a phrase and as a query of terms.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{
		"", "Buffer overflow in OpenSSL 1.0.2-rc1", "CVE-2024-1234", ".NET asp.net /.x", "C++11 v8.1 c#é",
		"認証回避の脆弱性 CVE識別番号10", "ﾊﾞｯﾌｧ が", "e\u0301\u0323 ǅ ŉ İ\u0307 ß ẞ ς", "\x00\xff\xe3", "각ᆨ ᄀ", "a\u200db ½ ²",
		"\u1fb3\u0345\u03b1", strings.Repeat("y", 130),
	} {
		f.Add(s, uint(1), uint(2))
	}
	f.Fuzz(func(t *testing.T, text string, from, to uint) {
		if len(text) > 1<<12 {
			return
		}
		var s Splitter
		s.Split(text)
		var parts []Token
		for i, tok := range s.Tokens {
			b := s.Bytes(tok)
			if len(b) == 0 || len(b) > MaxBytes || !utf8.Valid(b) || slices.ContainsFunc([]rune(string(b)), func(r rune) bool {
				return unicode.IsSpace(r) || r == 0
			}) {
				t.Fatalf("token %q of %q", b, text)
			}
			if tok.Kind == Part {
				if n := len(parts); n > 0 && tok.Start <= parts[n-1].Start {
					t.Fatalf("token %d of %q is out of order", i, text)
				}
				parts = append(parts, tok)
			}
		}
		var again Splitter
		again.Split(string(s.Text))
		if !slices.Equal(again.Tokens, s.Tokens) {
			t.Fatalf("%q splits otherwise than %q", s.Text, text)
		}
		if len(parts) == 0 {
			return
		}
		i := int(from % uint(len(parts)))
		j := i + int(to%uint(len(parts)-i))
		cut := string(s.Text[parts[i].Start:parts[j].End])
		phrase, ok := Phrase(cut)
		if !ok || !phrase.matches(&s) {
			t.Fatalf("phrase %q (%q) does not find %q", cut, phrase.Parts, s.Text)
		}
		for _, term := range Query(cut, from%2 == 0) {
			if !term.matches(&s) {
				t.Fatalf("term %+v of %q does not find %q", term, cut, s.Text)
			}
		}
	})
}

func BenchmarkSplit(b *testing.B) {
	for _, bc := range []struct{ name, text string }{
		{"english", "A use-after-free vulnerability in the HTTP/2 module of Example Server before 2.4.58 allows a remote attacker to execute arbitrary code via a crafted request to /cgi-bin/status.cgi. "},
		{"curly", "A “use-after-free” vulnerability in the HTTP/2 module of Example Server before 2.4.58 allows a remote attacker to execute arbitrary code via a crafted request to /cgi-bin/status.cgi. "},
		{"japanese", "Example Server の HTTP/2 モジュールには、解放済みメモリの使用に関する脆弱性が存在するため、遠隔の第三者によって任意のコードを実行される可能性があります。"},
	} {
		b.Run(bc.name, func(b *testing.B) {
			var s Splitter
			b.SetBytes(int64(len(bc.text)))
			for b.Loop() {
				s.Split(bc.text)
			}
		})
	}
}

// TestInert checks the shortcut past normalisation against the normaliser, for every character.
func TestInert(t *testing.T) {
	n := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) || !inert(r) {
			continue
		}
		n++
		s := string(r)
		p := norm.NFKC.PropertiesString(s)
		if !norm.NFKC.IsNormalString(s) || p.CCC() != 0 || !p.BoundaryBefore() {
			t.Errorf("%U is not inert", r)
		}
	}
	if n < 20_000 {
		t.Errorf("%d inert characters: the table shrank", n)
	}
}

func TestQuerySaysNothingTwice(t *testing.T) {
	got := Query(strings.Repeat(`a "a" A use-after-free ".net" `, 1000), true)
	if len(got) != 4 {
		t.Errorf("%d terms: %+v", len(got), got[:min(len(got), 8)])
	}
}
