package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// secretsOf are private values by what they are, each with a marker in it that is nowhere else.
type secretsOf map[string]string

// forms are the spellings of a value in which it must not appear: itself, hex, base64 however it is aligned, JSON strings with escapes
// are not among them, for markers need none. The same goes for its unsalted hash.
func forms(value string) map[string][]byte {
	out := map[string][]byte{}
	sum := sha256.Sum256([]byte(value))
	for of, raw := range map[string][]byte{"": []byte(value), "SHA-256, ": sum[:]} {
		out[of+"as it is"] = raw
		out[of+"hex"] = []byte(hex.EncodeToString(raw))
		out[of+"HEX"] = bytes.ToUpper([]byte(hex.EncodeToString(raw)))
		for before := range 3 {
			// What stands before it, and what comes after, decides the characters at both ends; those in between are its own.
			padded := append(make([]byte, before), raw...)
			first, last := (before*8+5)/6, len(padded)*8/6
			for name, enc := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
				out[fmt.Sprintf("%s%s after %d bytes", of, name, before)] = []byte(enc.EncodeToString(padded))[first:last]
			}
		}
	}
	return out
}

// found says which private values a text holds, and how they are spelt. Every spelling is looked for by its first bytes, in one pass.
func (s secretsOf) found(text []byte) (out []string) {
	const head = 6
	type spelling struct {
		needle []byte
		is     string
	}
	all := map[[head]byte][]spelling{}
	for what, value := range s {
		for how, needle := range forms(value) {
			at := [head]byte(needle)
			all[at] = append(all[at], spelling{needle, fmt.Sprintf("%s (%s)", what, how)})
		}
	}
	seen := map[string]bool{}
	for i := 0; i+head <= len(text); i++ {
		for _, f := range all[[head]byte(text[i:])] {
			if !seen[f.is] && bytes.HasPrefix(text[i:], f.needle) {
				seen[f.is] = true
				out = append(out, f.is)
			}
		}
	}
	slices.Sort(out)
	return out
}

// foundNumbers says which of some numbers stand in a text as numbers: the digits alone occur in every hash.
func foundNumbers(text []byte, numbers []string) (out []string) {
	for _, n := range numbers {
		if regexp.MustCompile(`(^|[^0-9A-Za-z./+_-])` + n + `($|[^0-9A-Za-z/+_-])`).Match(text) {
			out = append(out, n)
		}
	}
	return out
}

// The search has to find what it is there for.
func TestTheSearchForSecrets(t *testing.T) {
	const value = "zq-marker-of-somebody"
	s := secretsOf{"a name": value}
	sum := sha256.Sum256([]byte(value))
	for _, text := range []string{
		"..." + value + "...", hex.EncodeToString([]byte("x" + value)), strings.ToUpper(hex.EncodeToString([]byte(value + "y"))), "=" + string(sum[:]) + "=",
		hex.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString(sum[:]), base64.URLEncoding.EncodeToString(append([]byte("q"), sum[:]...)),
		base64.StdEncoding.EncodeToString([]byte(value)), base64.StdEncoding.EncodeToString([]byte("a" + value + "zzz")),
		base64.RawURLEncoding.EncodeToString([]byte("ab" + value + "?")), base64.StdEncoding.EncodeToString([]byte("abc\xff" + value + "\xff\xff")),
	} {
		if len(s.found([]byte(text))) == 0 {
			t.Errorf("not found in %q", text)
		}
	}
	if got := s.found([]byte("zq-marker-of-somebodies " + base64.StdEncoding.EncodeToString([]byte("zq-marker-of-anybody")))); len(got) > 0 {
		t.Errorf("found where it is not: %v", got)
	}
	if got := slices.Sorted(maps.Keys(forms("marker"))); len(got) != 2*(3+6) {
		t.Errorf("forms %v", got)
	}
	for text, want := range map[string]int{`{"q":77713}`: 1, `a77713b`: 0, `177713`: 0, "id_quota=77713&": 1, "x/77713+": 0, "77713": 1, "0.77713": 0} {
		if got := foundNumbers([]byte(text), []string{"77713"}); len(got) != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
