package ledger

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// TestCommitGolden freezes the committed-event format (events.md §1): salt 00…0f, body, commitment.
func TestCommitGolden(t *testing.T) {
	salt, _ := hex.DecodeString("000102030405060708090a0b0c0d0e0f")
	for _, tc := range []struct {
		body   string
		padded int
		want   string
	}{
		{`{}`, 256, "fb1f9f5906763e4363c3b570c64f659852532e7787f464adc9c1ded1889e23e0"},
		{`{"id":"CVE-2026-0001","kind":"id.owner/1","org":"8254265b-2729-46b6-b9e3-3dfca2d5bfca"}`, 256, "82bf7d34481ebdb36707b35bfb7487ea75ad73892298a5401dff82b732eb1fe7"},
		{`"` + strings.Repeat("a", 254) + `"`, 256, "4b91d8076b2f2d00912879971f0d702b890acbc5339f3e97ffb9e5f72f86fa32"},
		{`"` + strings.Repeat("a", 255) + `"`, 1024, "fc850415d989b08b33c89a64e94e42d87f34ddc2a6dd60b6df529528be0bbb7b"},
		{`"` + strings.Repeat("a", 1023) + `"`, 4096, "3e4305ae9079775ec46246ed45668f6e793fe13e2983375a43c2b62ab3b05f75"},
		{`"` + strings.Repeat("a", 4095) + `"`, 8192, "58dd84939df2b4e878ae378d328bd200716693da5850f144d9dda68304973918"},
		{`"` + strings.Repeat("é", 4100) + `"`, 12288, "a131cf3cf26e13ecb1da7a12d844f13b7a389294b66c44abc324338ce4efc4fd"},
	} {
		h, p, err := Commit(bytes.NewReader(salt), []byte(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(h[:]); got != tc.want || len(p.Padded()) != tc.padded {
			t.Errorf("%.40s…: %s padded to %d, want %s and %d", tc.body, got, len(p.Padded()), tc.want, tc.padded)
		}
		q, err := Open(h, p.Salt, p.Padded())
		if err != nil || string(q.Body) != tc.body {
			t.Errorf("%.40s… opens as %.40s…, %v", tc.body, q.Body, err)
		}
		if _, err := Open(h, p.Salt, append(p.Padded(), ' ')); !errors.Is(err, ErrPrivate) {
			t.Errorf("one space too many: %v", err)
		}
		p.Salt[0]++
		if _, err := Open(h, p.Salt, p.Padded()); !errors.Is(err, ErrBody) {
			t.Errorf("another salt: %v", err)
		}
	}
}

func TestCommitRefuses(t *testing.T) {
	for _, body := range []string{"", "{} ", "  "} {
		if _, _, err := Commit(bytes.NewReader(make([]byte, 16)), []byte(body)); !errors.Is(err, ErrPrivate) {
			t.Errorf("%q: %v", body, err)
		}
	}
	if _, _, err := Commit(bytes.NewReader(make([]byte, 15)), []byte("{}")); err == nil {
		t.Error("15 bytes of randomness were enough for a salt")
	}
	if _, _, err := Commit(bytes.NewReader(make([]byte, 16)), make([]byte, MaxBody+1)); !errors.Is(err, ErrTooBig) {
		t.Errorf("a body beyond 4 MiB: %v", err)
	}
}

func FuzzOpenPrivate(f *testing.F) {
	f.Add([]byte(`{"a":1}`))
	f.Add(bytes.Repeat([]byte(" "), 256))
	f.Fuzz(func(t *testing.T, padded []byte) {
		// Whatever opens has one padded form: the one it came in.
		p := Private{Body: bytes.TrimRight(padded, " ")}
		q, err := Open(p.Hash(), p.Salt, padded)
		if err == nil && !bytes.Equal(q.Padded(), padded) {
			t.Fatalf("%q pads to %q", padded, q.Padded())
		}
	})
}
