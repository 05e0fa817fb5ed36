package gcve_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tasuki/spec/gcve"
)

// real reads a file of the real directory; it lies beside the checkout on the machines that have it.
func real(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "gcve", name))
	if err != nil {
		t.Skip("the real directory is not here")
	}
	return raw
}

// The real directory is signed by the real key, bears what the reference says, and not a byte of it may change.
func TestRealDirectory(t *testing.T) {
	raw, sig := real(t, "gcve.json"), real(t, "gcve.json.sigsha512")
	key, err := gcve.ParseKey(real(t, "public.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Verify(raw, sig); err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, len(raw) / 2, len(raw) - 1} {
		forged := slices.Clone(raw)
		forged[i] ^= 1
		if err := key.Verify(forged, sig); !errors.Is(err, gcve.ErrSignature) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	d, err := gcve.ParseDirectory(raw)
	if err != nil || len(d.Authorities) != 14 {
		t.Fatalf("%d authorities (%v)", len(d.Authorities), err)
	}
	circl, ok := d.Find(1)
	if !ok || circl.Short != "CIRCL" || circl.Base() != "https://vulnerability.circl.lu" ||
		!slices.Equal(circl.Dumps(), []string{"https://vulnerability.circl.lu/dumps/gna-1.ndjson"}) {
		t.Errorf("%+v: base %q, dumps %q", circl, circl.Base(), circl.Dumps())
	}
	for _, g := range []gcve.GNA{100, 107, 2342} { // pages for people, relative addresses
		if a, _ := d.Find(g); len(a.Dumps()) > 0 || a.Base() != "" {
			t.Errorf("%d: base %q, dumps %q", g, a.Base(), a.Dumps())
		}
	}
	if cveProgram, _ := d.Find(gcve.GNACVE); cveProgram.Short != "CVE" {
		t.Errorf("%+v", cveProgram)
	}
}

func testKey(t *testing.T) (*rsa.PrivateKey, []byte) {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return k, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func TestKey(t *testing.T) {
	private, text := testKey(t)
	_, strange := testKey(t)
	key, err := gcve.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	other, err := gcve.ParseKey(strange)
	if err != nil {
		t.Fatal(err)
	}
	raw := []byte(`[{"id":1}]`)
	sum := sha512.Sum512(raw)
	sig, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA512, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := base64.StdEncoding.EncodeToString(sig)
	if err := key.Verify(raw, []byte(signature[:80]+"\n"+signature[80:]+"\r\n")); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"another key": other.Verify(raw, []byte(signature)), "another text": key.Verify([]byte(`[]`), []byte(signature)),
		"no base64": key.Verify(raw, []byte("?")), "no signature": key.Verify(raw, nil), "no key": gcve.Key{}.Verify(raw, []byte(signature)),
	} {
		if !errors.Is(err, gcve.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A TXT record holds the key in one of several forms, in pieces that were put together.
	bare := strings.Join(strings.Fields(strings.NewReplacer("-----BEGIN PUBLIC KEY-----", "", "-----END PUBLIC KEY-----", "").Replace(string(text))), "")
	for _, form := range []string{string(text), bare, bare[:100] + " " + bare[100:], "-----BEGIN PUBLIC KEY-----" + bare + "-----END PUBLIC KEY-----"} {
		if k, err := gcve.ParseKeyText(form); err != nil || !k.Equal(key) || k.Equal(other) {
			t.Errorf("%q: %v", form[:20], err)
		}
	}
	for _, form := range []string{"", "v=spf1 -all", bare[:40]} {
		if _, err := gcve.ParseKeyText(form); !errors.Is(err, gcve.ErrKey) {
			t.Errorf("%q: %v", form, err)
		}
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip("this toolchain makes no weak keys to refuse")
	}
	der, err := x509.MarshalPKIXPublicKey(&weak.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gcve.ParseKey(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})); !errors.Is(err, gcve.ErrKey) {
		t.Errorf("a key of 1024 bits: %v", err)
	}
}

func TestParseDirectory(t *testing.T) {
	d, err := gcve.ParseDirectory([]byte(`[
		{"id":1,"short_name":"a","gcve_pull_api":"https://a.example/base/","gcve_sync_api":"https://old.example","updated_at":"2026-10-01T08:00:00+02:00","new":{"x":1}},
		{"id":2,"short_name":7,"gcve_sync_api":"https://b.example","gcve_dump":"https://d.example/files/","updated_at":"yesterday"},
		{"id":3,"gcve_pull_api":"<a href='https://c.example'>here</a>","gcve_dump":"https://c.example/page?x=1/"},
		{"id":4,"gcve_pull_api":"ftp://d.example/","gcve_dump":"https://user@d.example/"}]`))
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 10, 1, 6, 0, 0, 0, time.UTC); !d.Updated.Equal(want) {
		t.Errorf("updated %s, want %s", d.Updated, want)
	}
	for g, want := range map[gcve.GNA][]string{
		1: {"https://a.example/base/dumps/gna-1.ndjson"},
		2: {"https://d.example/files/gna-2.ndjson", "https://b.example/dumps/gna-2.ndjson"},
		3: nil, 4: nil,
	} {
		if a, _ := d.Find(g); !slices.Equal(a.Dumps(), want) {
			t.Errorf("%d: %q, want %q", g, a.Dumps(), want)
		}
	}
	for _, bad := range []string{``, `{}`, `null x`, `[1]`, `[{}]`, `[{"id":"1"}]`, `[{"id":-1}]`, `[{"id":65536}]`, `[{"id":1.5}]`, `[{"id":1},{"id":1}]`, `[{"id":1}] x`} {
		if _, err := gcve.ParseDirectory([]byte(bad)); !errors.Is(err, gcve.ErrDirectory) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// FuzzDirectory: what is read has each authority once, and every address that it offers a program is an absolute web address.
func FuzzDirectory(f *testing.F) {
	f.Add([]byte(`[{"id":1,"short_name":"a","gcve_pull_api":"https://a.example/","gcve_dump":"https://a.example/dumps/"}]`))
	f.Add([]byte(`[{"id":0},{"id":65535,"gcve_dump":"//x/"}]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := gcve.ParseDirectory(raw)
		if err != nil {
			return
		}
		seen := map[gcve.GNA]bool{}
		for _, a := range d.Authorities {
			if seen[a.ID] {
				t.Fatalf("%d twice", a.ID)
			}
			seen[a.ID] = true
			for _, s := range append(a.Dumps(), a.Base()) {
				if s != "" && !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") {
					t.Fatalf("%q", s)
				}
			}
			if u := a.Updated(); u.After(d.Updated) {
				t.Fatalf("%s after %s", u, d.Updated)
			}
		}
	})
}
