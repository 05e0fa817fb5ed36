package main

import (
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	room "tasuki/internal/gcve"
	"tasuki/spec/gcve"
)

// The real directory, with its real signature and key, through the whole node: fetched, checked, logged, shown, and not a second time.
func TestRealGCVEDirectory(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "data", "gcve")
	key, err := os.ReadFile(filepath.Join(dir, "public.pem"))
	if err != nil {
		t.Skip("the real directory is not here")
	}
	srv := httptest.NewServer(http.StripPrefix("/dist/", http.FileServer(http.Dir(dir))))
	defer srv.Close()
	n, _ := opened(t, setupAt(t, "", ""))
	ask := gcveDirectoryRequest{URL: srv.URL + "/dist/gcve.json", Key: string(key)}
	got, err := n.importDirectory(t.Context(), ask, quiet{})
	if err != nil || got.Same || len(got.Added) != 14 || got.NewKey || got.SHA256 != "bac304862a09d67b0a246ba6b303015f0b0f9a11c1e79819902aea197aedc38f" {
		t.Fatalf("%+v (%v)", got, err)
	}
	if got, err = n.importDirectory(t.Context(), ask, quiet{}); err != nil || !got.Same {
		t.Errorf("again: %+v (%v)", got, err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "gcve.json"))
	if err != nil {
		t.Fatal(err)
	}
	sig, err := os.ReadFile(filepath.Join(dir, "gcve.json.sigsha512"))
	if err != nil {
		t.Fatal(err)
	}
	forged := []byte(strings.Replace(string(raw), "CIRCL", "CIRCE", 1))
	if _, err := n.importDirectory(t.Context(), gcveDirectoryRequest{Key: string(key), Directory: forged, Signature: sig}, quiet{}); !errors.Is(err, gcve.ErrSignature) {
		t.Errorf("forged: %v", err)
	}
	seen, d, err := n.gcveReads().Directory(t.Context())
	if err != nil || len(d.Authorities) != 14 || seen.Digest != hex.EncodeToString(d.SHA256[:]) {
		t.Errorf("%+v (%v)", seen, err)
	}
	list, err := n.authorities(t.Context(), gcvePullRequest{GNAs: []string{allAuthorities}})
	if err != nil || len(list) != 2 || list[0].Short != "CIRCL" || list[1].Short != "EACG" { // the second's is a directory of pages, which only asking can tell
		t.Errorf("%+v (%v)", list, err)
	}
	for _, bad := range []gcvePullRequest{{GNAs: []string{"4711"}}, {GNAs: []string{"x"}}, {GNAs: []string{"1", "2"}, Base: "https://x.example"}} {
		if list, err := n.authorities(t.Context(), bad); err == nil {
			t.Errorf("%+v: %+v", bad, list)
		}
	}
	if _, err := n.Replay(t.Context(), ReplayRequest{CheckOnly: true}, quiet{}); err != nil {
		t.Error(err)
	}
}

func TestGCVEWithoutAuthority(t *testing.T) {
	n, _ := opened(t, setupAt(t, "", ""))
	if ids, err := n.allocateGCVE(t.Context(), gcveAllocateRequest{Count: 1}, quiet{}); err == nil || !strings.Contains(err.Error(), "gcve.gna") {
		t.Errorf("%s (%v)", ids, err)
	}
	n.cfg.GCVE.GNA = "0"
	if ids, err := n.allocateGCVE(t.Context(), gcveAllocateRequest{Count: 1}, quiet{}); !errors.Is(err, room.ErrOther) {
		t.Errorf("%s (%v)", ids, err)
	}
}
