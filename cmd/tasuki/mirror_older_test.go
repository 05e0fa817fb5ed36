package main

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tasuki/internal/edge/serve/page/browsertest"
	"tasuki/internal/edge/serve/tiles"
)

// What was published can be read and proved for as long as anybody has it, also while mirrors or the operator are away and a newer version of it, which is
// stored and shown already, is under no checkpoint that counts. What never was under one has no proof.
func TestOlderVersionsAreProvedMeanwhile(t *testing.T) {
	t.Parallel() // it waits more than it works
	const old, fresh = "CVE-2024-70001", "CVE-2024-70002"
	w := newMirrored(t, 2, 2, kitOptions{}, func(k *kitNode) {
		if _, err := k.bringBytes(t.Context(), oneRecord(old)); err != nil {
			t.Fatal(err)
		}
	}, nil)
	w.work()
	w.published()
	w.caughtUp(0)
	size := w.operator.checkpoint.Load().Size
	before := w.mirrors[0].get(t, "/cve/"+old+".json")
	if got := w.mirrors[0].ask("/proof/" + old); got.Code != http.StatusOK || got.Header().Get(tiles.Older) != "" {
		t.Fatalf("%d %v", got.Code, got.Header())
	}

	w.stops[1]()
	w.places[1].let(nil)
	changed := kitRecord(old, "PUBLISHED", "2024-01-01T00:00:00.000Z", "2024-01-02T00:00:00.000Z", "someone", "en", "A worse flaw.")
	if sum, err := w.operator.bringBytes(t.Context(), append(changed, oneRecord(fresh)...)); err != nil || sum.Added != 1 || sum.Updated != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	soon(t, time.Minute, func() string {
		if got := w.mirrors[0].get(t, "/cve/"+old+".json"); bytes.Equal(got, before) {
			return "the mirror shows the older version"
		}
		return ""
	})
	for _, k := range []*kitNode{w.operator, w.mirrors[0]} {
		got := k.ask("/proof/" + old)
		if got.Code != http.StatusOK || got.Header().Get(tiles.Older) != fmt.Sprint(size) {
			t.Fatalf("%d %v", got.Code, got.Header())
		}
		if got := k.get(t, versionProved(old, got.Header())); !bytes.Equal(got, before) {
			t.Errorf("%s, want %s", got, before)
		}
		if got := k.ask("/api/v1/records/" + old + "/proof"); got.Code != http.StatusOK || got.Header().Get(tiles.Older) != fmt.Sprint(size) {
			t.Errorf("%d %v", got.Code, got.Header())
		}
		if got := k.ask("/proof/" + fresh); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", fresh, got.Code)
		}
		var out, said bytes.Buffer
		p := &Program{Stdout: &out, Stderr: &said, Getenv: func(string) string { return "" }, Now: time.Now}
		check := ClientCheckCmd{ID: []string{old}, List: w.list(), From: k.at(t), AllowTest: AllowTest{true}}
		if err := check.Run(t.Context(), p); err != nil || !strings.Contains(said.String(), "a newer version") || !strings.Contains(out.String(), "the record given is the same") {
			t.Errorf("%v\n%s%s", err, out.String(), said.String())
		}
	}
	t.Run("browser", func(t *testing.T) {
		b := browsertest.Open(t, w.mirrors[0].door)
		b.Go(t, "/verify?id="+old)
		b.Until(t, `document.getElementById("verify").dataset.verdict`)
		if got := b.Eval(t, `document.getElementById("verify").dataset.verdict`); got != "unpinned" {
			t.Errorf("verdict %v: %s", got, b.Text(t, "#result"))
		}
		if b.Text(t, "#newer:not([hidden])") == "" {
			t.Error("nothing says that there is a newer version")
		}
	})

	w.stops[1] = w.mirrors[1].run(t)
	w.places[1].let(w.mirrors[1])
	w.published()
	w.caughtUp(0)
	for _, id := range []string{old, fresh} {
		if got := w.mirrors[0].ask("/proof/" + id); got.Code != http.StatusOK || got.Header().Get(tiles.Older) != "" {
			t.Errorf("%s: %d %v", id, got.Code, got.Header())
		}
	}
}
