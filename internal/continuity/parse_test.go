package continuity_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"tasuki/internal/continuity"
	"tasuki/spec/c2sp"
)

// sealText is frozen.
const sealText = `tasuki-seal/v1
9c1f00aa5d77e0139c1f00aa5d77e0139c1f00aa5d77e0139c1f00aa5d77e013
tasuki/9c1f00aa5d77e013/1-first
00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
5201
ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100
`

func TestSealText(t *testing.T) {
	s, err := continuity.ParseSeal(sealText)
	if err != nil || s.String() != sealText || s.Size != 5201 || s.Origin != "tasuki/9c1f00aa5d77e013/1-first" {
		t.Fatalf("%+v, %v", s, err)
	}
	h, err := continuity.ParseHolding(strings.Replace(sealText, "tasuki-seal/v1", "tasuki-holding/v1", 1))
	if err != nil || h.Tree != s.Tree || h.Nonce != s.Charter {
		t.Errorf("%+v, %v", h, err)
	}
	line := strings.SplitAfter(sealText, "\n")
	for name, bad := range map[string]string{
		"another header":  strings.Replace(sealText, "seal", "Seal", 1),
		"a holding":       h.String(),
		"a line too few":  strings.Join(line[:5], ""),
		"a line too many": sealText + "x\n",
		"not ended":       strings.TrimSuffix(sealText, "\n"),
		"upper-case hex":  strings.Replace(sealText, "aabb", "AABB", 1),
		"a short hash":    strings.Replace(sealText, "0011", "00", 1),
		"leading zero":    strings.Replace(sealText, "\n5201\n", "\n05201\n", 1),
		"a sign":          strings.Replace(sealText, "\n5201\n", "\n+5201\n", 1),
		"below zero":      strings.Replace(sealText, "\n5201\n", "\n-1\n", 1),
		"too large":       strings.Replace(sealText, "\n5201\n", "\n9223372036854775808\n", 1),
		"no origin":       strings.Replace(sealText, "tasuki/9c1f00aa5d77e013/1-first", "", 1),
		"carriage return": strings.Replace(sealText, "1-first\n", "1-first\r\n", 1),
		"empty":           "",
	} {
		if s, err := continuity.ParseSeal(bad); !errors.Is(err, continuity.ErrSeal) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

// Law: what is read writes itself, and a statement is never a checkpoint, so that no line can pass from one to the other.
func FuzzParseSeal(f *testing.F) {
	f.Add(sealText)
	f.Add(strings.Replace(sealText, "tasuki-seal/v1", "tasuki-holding/v1", 1))
	f.Add(strings.Replace(sealText, "5201", "0", 1))
	f.Add(c2sp.Checkpoint{Origin: "tasuki-seal/v1", Size: 3}.String())
	f.Fuzz(func(t *testing.T, text string) {
		s, serr := continuity.ParseSeal(text)
		h, herr := continuity.ParseHolding(text)
		if serr == nil && (s.String() != text || herr == nil) || herr == nil && h.String() != text {
			t.Fatalf("%q reads as %+v and %+v", text, s, h)
		}
		if _, err := c2sp.ParseCheckpoint(text); err == nil && (serr == nil || herr == nil) {
			t.Fatalf("%q is a checkpoint too", text)
		}
	})
}

// Law: what is read is written in one spelling that reads the same.
func FuzzParseReports(f *testing.F) {
	f.Add([]byte(`[]`))
	f.Add([]byte(`["a","— b\n"]`))
	f.Add([]byte(`[1]`))
	f.Add([]byte(`null`))
	f.Add([]byte("[\"\xff\"]"))
	f.Fuzz(func(t *testing.T, body []byte) {
		notes, err := continuity.ParseReports(body)
		if err != nil {
			if !errors.Is(err, continuity.ErrSeal) {
				t.Fatal(err)
			}
			return
		}
		raw, err := continuity.EncodeReports(notes)
		if err != nil {
			return // restricted JSON has no control characters but the escaped ones, and no lone surrogates
		}
		again, err := continuity.ParseReports(raw)
		if err != nil || len(again) != len(notes) {
			t.Fatalf("%d notes, then %d, %v", len(notes), len(again), err)
		}
		for i := range notes {
			if !bytes.Equal(notes[i], again[i]) {
				t.Fatalf("%q, then %q", notes[i], again[i])
			}
		}
	})
}

func TestReportsAreBounded(t *testing.T) {
	long := [][]byte{bytes.Repeat([]byte("x"), 5000)}
	many := make([][]byte, 300)
	for i := range many {
		many[i] = []byte("x")
	}
	for name, notes := range map[string][][]byte{"a long report": long, "too many": many} {
		if _, err := continuity.EncodeReports(notes); !errors.Is(err, continuity.ErrSeal) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClientPolicy(t *testing.T) {
	hash := strings.Repeat("0a", 32)
	l := found(t, 0, 0, 0, 0)
	for _, tc := range []struct {
		text string
		want continuity.ClientPolicy
		ok   bool
	}{
		{"", continuity.ClientPolicy{}, true},
		{"# a comment\n\non_conflict = hold\n", continuity.ClientPolicy{}, true},
		{"on_conflict=prefer " + hash, continuity.ClientPolicy{Prefer: hash}, true},
		{"on_conflict = prefer " + l.chain.Head().VKey() + "\nfollow = " + hash + ", " + hash + "\n",
			continuity.ClientPolicy{Prefer: l.chain.Head().VKey(), Follow: []string{hash, hash}}, true},
		{"on_conflict = prefer", continuity.ClientPolicy{}, false},
		{"on_conflict = prefer somebody", continuity.ClientPolicy{}, false},
		{"on_conflict = hold now", continuity.ClientPolicy{}, false},
		{"on_conflict = hold\non_conflict = hold\n", continuity.ClientPolicy{}, false},
		{"follow = abc", continuity.ClientPolicy{}, false},
		{"lead = " + hash, continuity.ClientPolicy{}, false},
		{"follow", continuity.ClientPolicy{}, false},
	} {
		got, err := continuity.ParseClientPolicy(tc.text)
		if (err == nil) != tc.ok || err != nil && !errors.Is(err, continuity.ErrPolicy) || tc.ok && got.String() != tc.want.String() {
			t.Errorf("%q: %+v, %v", tc.text, got, err)
		}
	}
}

// Law: a policy that is read writes itself in one spelling, which reads the same.
func FuzzParseClientPolicy(f *testing.F) {
	f.Add("on_conflict = hold\nfollow = " + strings.Repeat("0a", 32) + "\n")
	f.Add("on_conflict = prefer " + strings.Repeat("0a", 32))
	f.Add("# nothing\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := continuity.ParseClientPolicy(text)
		if err != nil {
			return
		}
		again, err := continuity.ParseClientPolicy(p.String())
		if err != nil || again.String() != p.String() {
			t.Fatalf("%q: %q, then %q, %v", text, p, again, err)
		}
	})
}
