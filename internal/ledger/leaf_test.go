package ledger

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// goldenLeaf is frozen: a change of one byte makes every log ever written unreadable.
const goldenLeaf = `{"e":{"at":"2026-11-21T21:00:07.000Z","body":{"h":"5b1c","n":6412},"by":"8254265b-2729-46b6-b9e3-3dfca2d5bfca",` +
	`"id":"CVE-2026-310042","kind":"record.put/1","list":"9c1f","prev":""},"o":{"back":73110,"own":{"i":73104,"salt":"000102030405060708090a0b0c0d0e0f"},` +
	`"t":"2026-11-21T21:00:08.310Z"},"s":[{"k":"acme/1","sig":"c2ln"},{"k":"acme/2","sig":""}]}`

func TestLeafGolden(t *testing.T) {
	l, err := ParseLeaf([]byte(goldenLeaf))
	if err != nil {
		t.Fatal(err)
	}
	if l.Stamp.Back != 73110 || l.Stamp.Time != 1795294808310 || l.Stamp.Own == nil || l.Stamp.Own.Index != 73104 || l.Stamp.Own.Salt[15] != 15 {
		t.Errorf("stamp %+v", l.Stamp)
	}
	if len(l.Sigs) != 2 || l.Sigs[0] != (Sig{"acme/1", "c2ln"}) {
		t.Errorf("signatures %+v", l.Sigs)
	}
	again, err := l.Marshal()
	if err != nil || string(again) != goldenLeaf {
		t.Errorf("encodes as %s, %v", again, err)
	}
	for want, h := range map[string]Hash{
		"e1e36adb687fda3244cfff81a433facb12f06954e37aa58e3e964d7111724914": LeafHash([]byte(goldenLeaf)),
		"e3cb978a651bdb10a3612bd9e5338b3d8eeeda8f00cbee62bda9a53b24e01f49": EventHash(l.Event),
	} {
		if got := hex.EncodeToString(h[:]); got != want {
			t.Errorf("hash %s, want %s", got, want)
		}
	}
}

func TestParseLeafRefuses(t *testing.T) {
	swap := func(old, new string) string {
		if !strings.Contains(goldenLeaf, old) {
			t.Fatalf("golden leaf does not contain %s", old)
		}
		return strings.Replace(goldenLeaf, old, new, 1)
	}
	for name, leaf := range map[string]string{
		"empty":             "",
		"white space":       swap(`,"o"`, `, "o"`),
		"unsorted event":    swap(`"at":"2026-11-21T21:00:07.000Z","body"`, `"zt":"2026-11-21T21:00:07.000Z","body"`),
		"unknown member":    swap(`,"s":[`, `,"r":1,"s":[`),
		"unknown in stamp":  swap(`"t":"2026-11-21T21:00:08.310Z"`, `"t":"2026-11-21T21:00:08.310Z","u":1`),
		"no stamp":          swap(goldenLeaf[strings.Index(goldenLeaf, `,"o"`):], `}`),
		"leading zero":      swap(`"back":73110`, `"back":073110`),
		"minus zero":        swap(`"back":73110`, `"back":-0`),
		"float":             swap(`"back":73110`, `"back":7.5`),
		"2^53":              swap(`"back":73110`, `"back":9007199254740992`),
		"seconds only":      swap(`08.310Z`, `08Z`),
		"four digits":       swap(`08.310Z`, `08.3101Z`),
		"zone":              swap(`08.310Z`, `08.310+00:00`),
		"no such day":       swap(`2026-11-21T21:00:08`, `2026-11-31T21:00:08`),
		"salt in capitals":  swap(`0a0b0c0d0e0f`, `0A0b0c0d0e0f`),
		"short salt":        swap(`0a0b0c0d0e0f`, `0a`),
		"signature order":   swap(`{"k":"acme/1","sig":"c2ln"}`, `{"sig":"c2ln","k":"acme/1"}`),
		"escape in key":     swap(`acme/1`, `acme\/1`),
		"event not object":  `{"e":[],"o":{"back":-1,"t":"2026-11-21T21:00:08.310Z"},"s":[]}`,
		"trailing":          goldenLeaf + " ",
		"signatures absent": swap(`[{"k":"acme/1","sig":"c2ln"},{"k":"acme/2","sig":""}]`, `null`),
		"too long":          swap(`"prev":""`, `"prev":"`+strings.Repeat("a", MaxLeaf)+`"`),
		"invalid UTF-8":     swap(`record.put/1`, "record\xff"),
	} {
		if _, err := ParseLeaf([]byte(leaf)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzLeaf(f *testing.F) {
	f.Add([]byte(goldenLeaf))
	f.Add([]byte(`{"e":{},"o":{"back":-1,"t":"1970-01-01T00:00:00.000Z"},"s":[]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, err := ParseLeaf(raw)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if again, err := l.Marshal(); err != nil || !bytes.Equal(again, raw) {
			t.Fatalf("%q encodes as %q, %v", raw, again, err)
		}
		if quick, err := splitLeaf(raw); err != nil || quick.Stamp.Time != l.Stamp.Time {
			t.Fatalf("the quick reader disagrees: %+v, %v", quick, err)
		}
	})
}
