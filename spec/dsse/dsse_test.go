package dsse

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"testing"
)

// The first row is the example of the DSSE protocol document.
func TestPAE(t *testing.T) {
	for _, tc := range []struct{ typ, body, want string }{
		{"http://example.com/HelloWorld", "hello world", "DSSEv1 29 http://example.com/HelloWorld 11 hello world"},
		{"", "", "DSSEv1 0  0 "},
		{TypeEvent, "é", "DSSEv1 33 application/vnd.tasuki.event+json 2 é"},
	} {
		if got := string(PAE(tc.typ, []byte(tc.body))); got != tc.want {
			t.Errorf("PAE = %q, want %q", got, tc.want)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	pub := key.Public().(ed25519.PublicKey)
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32)).Public().(ed25519.PublicKey)
	e := []byte(`{"kind":"x/1"}`)
	sig := SignEvent(key, e)
	if err := VerifyEvent(pub, e, sig); err != nil {
		t.Fatal(err)
	}
	raw, _ := base64.StdEncoding.DecodeString(sig)
	for name, err := range map[string]error{
		"another key":     VerifyEvent(other, e, sig),
		"another body":    VerifyEvent(pub, []byte(`{"kind":"x/2"}`), sig),
		"another type":    Verify(pub, TypeCharter, e, sig),
		"no signature":    VerifyEvent(pub, e, ""),
		"line break":      VerifyEvent(pub, e, sig[:40]+"\n"+sig[40:]),
		"line break, cut": VerifyEvent(pub, e, "\n"+sig[:87]),
		"no padding":      VerifyEvent(pub, e, strings.TrimRight(sig, "=")),
		"stray bits":      VerifyEvent(pub, e, sig[:85]+string(sig[85]+1)+"=="),
		"hexadecimal":     VerifyEvent(pub, e, strings.Repeat("00", 44)),
		"short key":       VerifyEvent(pub[:31], e, sig),
		"no key":          VerifyEvent(nil, e, sig),
		"cut signature":   VerifyEvent(pub, e, base64.StdEncoding.EncodeToString(raw[:63])),
	} {
		if !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzPAE: the encoding can be read back in one way only, so no two (type, body) share one.
func FuzzPAE(f *testing.F) {
	f.Add("http://example.com/HelloWorld", []byte("hello world"))
	f.Add("", []byte{})
	f.Add("1 2", []byte(" 3 4"))
	f.Fuzz(func(t *testing.T, typ string, body []byte) {
		rest, ok := bytes.CutPrefix(PAE(typ, body), []byte("DSSEv1 "))
		if !ok {
			t.Fatal("no DSSEv1")
		}
		field := func() []byte {
			digits, after, _ := bytes.Cut(rest, []byte(" "))
			n, err := strconv.Atoi(string(digits))
			if err != nil || n > len(after) {
				t.Fatalf("length %q before %q", digits, after)
			}
			rest = after[n:]
			return after[:n]
		}
		gotType := field()
		if rest, ok = bytes.CutPrefix(rest, []byte(" ")); !ok {
			t.Fatal("no space after the type")
		}
		if gotBody := field(); string(gotType) != typ || !bytes.Equal(gotBody, body) || len(rest) != 0 {
			t.Fatalf("read back %q, %q, rest %q", gotType, gotBody, rest)
		}
	})
}

// FuzzParseKey: a key that is accepted has one spelling.
func FuzzParseKey(f *testing.F) {
	f.Add(EncodeKey(make(ed25519.PublicKey, 32)))
	f.Add(strings.Repeat("A", 42) + "B=")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if key, err := ParseKey(s); err == nil && EncodeKey(key) != s {
			t.Fatalf("ParseKey accepts %q, written %q", s, EncodeKey(key))
		}
	})
}
