package ledger

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

var packSeeds = []string{
	"", " ", "{}", "{\n}", "{\n  \"a\": 1\n}", "{\n  \"a\": 1\n}\n", "{\n    \"a\": [\n        1,\n        {}\n    ]\n}",
	"{\n\t\"a\": \"\\\\\\\" , : { } \\u0000\"\n}", "[\n   1,\n   2\n]", "[\n \"a\"\n]\n\n", "{\n  \"a\" : 1\n}", "{\r\n  \"a\": 1\r\n}",
	"{\n  \"a\": \"\xff\"\n}", "{\n  \"a\": \"open", "{\n  \"a\": []\n}", "{\n  \"a\": [\n  ]\n}", "}}\n  ]]", "{\n        \"a\": 1e5\n}", "{\n  \n}", "[\n \n}", "{\n  ]}\\\"",
}

// TestPackStyles pins which inputs are stored as compact JSON and which as they are.
func TestPackStyles(t *testing.T) {
	for _, tc := range []struct {
		raw string
		enc uint8
	}{
		{"{\n  \"a\": 1\n}", 1}, {"{\n    \"a\": [\n        1,\n        {}\n    ]\n}", 2}, {"{\n\t\"a\": 1\n}", 3}, {"{\n  \"a\": 1\n}\n", 9},
		{`{"a":1}`, 0}, {"{\n  \"a\" : 1\n}", 0}, {"{\r\n  \"a\": 1\r\n}", 0}, {"{\n  \"a\": 1\n}\n\n", 0}, {"", 0},
	} {
		b, err := Pack(rand.Reader, []byte(tc.raw))
		if err != nil || b.Enc != tc.enc {
			t.Errorf("%q: encoding %d, %v; want %d", tc.raw, b.Enc, err, tc.enc)
		}
		if c, err := b.Compact(); err != nil || tc.enc == 0 && string(c) != tc.raw || tc.enc > 0 && strings.ContainsAny(string(c), " \n\t") {
			t.Errorf("%q: compact form %q, %v", tc.raw, c, err)
		}
		if err := b.Check(); err != nil {
			t.Errorf("%q: %v", tc.raw, err)
		}
	}
}

// TestPackDeepNesting is the input for which naive re-indenting would write gigabytes.
func TestPackDeepNesting(t *testing.T) {
	raw := append([]byte("[\n  "), bytes.Repeat([]byte("["), MaxBody-4)...)
	b, err := Pack(rand.Reader, raw)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := b.Bytes(); err != nil || !bytes.Equal(got, raw) {
		t.Fatalf("%d bytes come back as %d, %v", len(raw), len(got), err)
	}
	if _, err := Pack(rand.Reader, append(raw, ' ')); !errors.Is(err, ErrTooBig) {
		t.Errorf("a body beyond 4 MiB: %v", err)
	}
}

func FuzzPack(f *testing.F) {
	for _, s := range packSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := Pack(rand.Reader, raw)
		if err != nil {
			t.Fatal(err)
		}
		b.dict = nil // as if read from its row
		got, err := b.Bytes()
		if err != nil || !bytes.Equal(got, raw) {
			t.Fatalf("%q comes back as %q (encoding %d), %v", raw, got, b.Enc, err)
		}
		if err := b.Check(); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzLayout: what compact accepts, restore gives back, in every style.
func FuzzLayout(f *testing.F) {
	for _, s := range packSeeds {
		for l := range layout(16) {
			f.Add(uint8(l), []byte(s))
		}
	}
	f.Fuzz(func(t *testing.T, style uint8, raw []byte) {
		l := layout(style)
		if !l.valid() {
			return
		}
		c, ok := l.compact(nil, raw)
		if got := l.restore(nil, c, len(raw)); ok && !bytes.Equal(got, raw) {
			t.Fatalf("style %d accepts %q as %q, which comes back as %q", l, raw, c, got)
		}
	})
}

// FuzzUnpack feeds damaged rows: an error or other bytes, never a panic and never more than MaxBody and a line.
func FuzzUnpack(f *testing.F) {
	for _, s := range packSeeds {
		b, err := Pack(rand.Reader, []byte(s))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b.Enc, b.Dict, b.N, b.Packed)
	}
	f.Fuzz(func(t *testing.T, enc uint8, dict, n int64, packed []byte) {
		b := &Body{Enc: enc, Dict: dict, N: n, Packed: packed}
		got, err := b.Bytes()
		if err != nil && !errors.Is(err, ErrEncoding) {
			t.Fatalf("untyped error %v", err)
		}
		if len(got) > 3*MaxBody {
			t.Fatalf("%d bytes out of a row of %d", len(got), len(packed))
		}
	})
}

// TestDictionaryFrozen holds the dictionary and two bodies packed with it: stores hold bodies like these.
func TestDictionaryFrozen(t *testing.T) {
	if current.id != 0x7a530001 {
		t.Errorf("dictionary id %#x", current.id)
	}
	sum := EventHash(dict1)
	if got := hex.EncodeToString(sum[:]); got != goldenDict {
		t.Errorf("dictionary %s, want %s: a dictionary that bodies were written with never changes", got, goldenDict)
	}
	packed, err := hex.DecodeString(goldenPacked)
	if err != nil {
		t.Fatal(err)
	}
	b := &Body{Enc: 2, Dict: 0x7a530001, N: int64(len(goldenBody)), Packed: packed}
	if got, err := b.Bytes(); err != nil || string(got) != goldenBody {
		t.Errorf("%q, %v", got, err)
	}
}

const (
	goldenDict   = "b7409052e6364c65b65ada4efc21c2b436e37da23df181b61f4c8e11c5792ae4"
	goldenBody   = "{\n    \"dataType\": \"CVE_RECORD\",\n    \"containers\": {}\n}"
	goldenPacked = "28b52ffd03000100537a550000107d7d01540007222601"
)
