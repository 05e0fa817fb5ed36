package totp

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"net/url"
	"strings"
	"testing"
	"time"
)

// The table of RFC 6238, appendix B. The keys are the ASCII digits repeated to the length of the hash (erratum 2866).
func TestVectors(t *testing.T) {
	const digits = "1234567890123456789012345678901234567890123456789012345678901234"
	modes := []struct {
		name string
		hash func() hash.Hash
		key  string
	}{{"SHA1", sha1.New, digits[:20]}, {"SHA256", sha256.New, digits[:32]}, {"SHA512", sha512.New, digits}}
	for _, row := range []struct {
		unix int64
		want [3]string
	}{
		{59, [3]string{"94287082", "46119246", "90693936"}},
		{1111111109, [3]string{"07081804", "68084774", "25091201"}},
		{1111111111, [3]string{"14050471", "67062674", "99943326"}},
		{1234567890, [3]string{"89005924", "91819424", "93441116"}},
		{2000000000, [3]string{"69279037", "90698825", "38618901"}},
		{20000000000, [3]string{"65353130", "77737706", "47863826"}},
	} {
		for i, m := range modes {
			if got := code(m.hash, []byte(m.key), Step(time.Unix(row.unix, 0)), 8); got != row.want[i] {
				t.Errorf("%s at %d: %s, want %s", m.name, row.unix, got, row.want[i])
			}
		}
	}
}

// The table of RFC 4226, appendix D: six digits.
func TestCounterVectors(t *testing.T) {
	for i, want := range []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"} {
		if got := Code([]byte("12345678901234567890"), int64(i)); got != want {
			t.Errorf("%d: %s, want %s", i, got, want)
		}
	}
}

func TestFind(t *testing.T) {
	key := []byte("12345678901234567890")
	now := time.Unix(1111111111, 0)
	at := Step(now)
	for d := int64(-3); d <= 3; d++ {
		step, ok := Find(key, Code(key, at+d), now)
		if want := d >= -1 && d <= 1; ok != want || ok && step != at+d {
			t.Errorf("%+d: %v %d", d, ok, step-at)
		}
	}
	good := Code(key, at)
	if _, ok := Find(key, good[:3]+" "+good[3:], now); !ok {
		t.Error("a space in the middle counts")
	}
	for _, bad := range []string{"", good[:5], good + "0", "０００００００", "-" + good[1:]} {
		if _, ok := Find(key, bad, now); ok {
			t.Errorf("%q is good", bad)
		}
	}
}

func TestURI(t *testing.T) {
	key := []byte("12345678901234567890")
	got := URI("Tasuki cve.example", "acme/ann@acme.test", key)
	u, err := url.Parse(got)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Tasuki cve.example:acme/ann@acme.test" ||
		u.Query().Get("secret") != "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" || u.Query().Get("issuer") != "Tasuki cve.example" {
		t.Errorf("%s (%v)", got, err)
	}
}

// FuzzParseKey: what is read as a key is written as the same text, but for spaces and case.
func FuzzParseKey(f *testing.F) {
	f.Add("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
	f.Add("gezd gnbv gy3t qojq gezd gnbv gy3t qojq")
	f.Add("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJR")
	f.Add("1")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := ParseKey(text)
		if err != nil {
			return
		}
		out := FormatKey(key)
		if len(key) != KeyLen || out != strings.ToUpper(strings.ReplaceAll(text, " ", "")) {
			t.Fatalf("%q is read as %q", text, out)
		}
		if again, err := ParseKey(out); err != nil || !bytes.Equal(again, key) {
			t.Fatalf("%q: %v", out, err)
		}
	})
}
