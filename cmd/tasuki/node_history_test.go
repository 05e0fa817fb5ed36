package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"tasuki/internal/catalogue"
)

// A list that is founded today and brings a repository's past answers for what the repository held on any day.
func TestAnAdoptedPast(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("git is required in CI: %v", err)
		}
		t.Skip("git is not installed")
	}
	const id = "CVE-2024-0001"
	record := func(day int, state, word string) []byte {
		body := fmt.Sprintf(`"descriptions":[{"lang":"en","value":"%s in the ledger."}]`, word)
		if state == "REJECTED" {
			body = fmt.Sprintf(`"rejectedReasons":[{"lang":"en","value":"%s."}]`, word)
		}
		return fmt.Appendf(nil, `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"%s","assignerOrgId":"22222222-2222-4222-8222-222222222222","state":"%s","dateUpdated":"2024-03-%02dT08:00:00.000Z"},
			"containers":{"cna":{"providerMetadata":{"orgId":"22222222-2222-4222-8222-222222222222"},%s}}}`, id, state, day, body)
	}
	versions := [][]byte{record(1, "PUBLISHED", "overflow"), record(3, "REJECTED", "duplicate"), record(5, "PUBLISHED", "bypass")}
	commitOn := func(day int) time.Time { return time.Date(2024, 3, day, 10, 0, 0, 0, time.UTC) }
	dir := t.TempDir()
	var in bytes.Buffer
	for i, raw := range versions {
		fmt.Fprintf(&in, "commit refs/heads/main\ncommitter A <a@example.org> %d +0000\ndata 1\nx\nM 100644 inline cves/2024/0xxx/%s.json\ndata %d\n%s\n",
			commitOn(1+2*i).Unix(), id, len(raw), raw)
	}
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"fast-import", "--quiet"}} {
		c := exec.Command("git", append([]string{"-C", dir}, args...)...)
		c.Stdin = &in
		if args[0] == "init" {
			c.Stdin = nil
		}
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	k := openKit(t, kitOptions{})
	k.run(t)
	ctx := t.Context()
	for round, want := range []int64{3, 0} { // the second time there is nothing new
		sum, err := k.Import(ctx, ImportRequest{Paths: []string{dir}, History: true}, nil, quiet{})
		if err != nil || sum.Added+sum.Updated != want || sum.Files != want {
			t.Fatalf("round %d: %+v %v", round, sum, err)
		}
	}
	all, err := k.catalogue.Versions(ctx, id)
	if err != nil || len(all) != 3 {
		t.Fatalf("%+v %v", all, err)
	}
	for i, v := range all {
		if want := commitOn(5 - 2*i); !v.Source.Equal(want) {
			t.Errorf("version %d: source time %s, want %s", i, v.Source, want)
		}
	}
	for day, word := range map[int]string{1: "overflow", 2: "overflow", 3: "duplicate", 4: "duplicate", 5: "bypass", 20: "bypass"} {
		at := catalogue.At{Time: commitOn(day), Clock: catalogue.SourceClock}
		v, err := k.catalogue.GetAt(ctx, id, at)
		if err != nil {
			t.Fatalf("day %d: %v", day, err)
		}
		if raw, err := v.Raw(); err != nil || !bytes.Contains(raw, []byte(word)) {
			t.Errorf("day %d: %s %v", day, raw, err)
		}
		for _, w := range []string{"overflow", "duplicate", "bypass"} {
			page, err := k.catalogue.Search(ctx, catalogue.Query{Text: w, At: at, Limit: 5})
			if err != nil || len(page.Hits) != page.Total || (page.Total == 1) != (w == word) {
				t.Errorf("day %d, %q: %+v %v", day, w, page, err)
			}
		}
	}
	if _, err := k.catalogue.GetAt(ctx, id, catalogue.At{Time: commitOn(1).Add(-time.Millisecond), Clock: catalogue.SourceClock}); !errors.Is(err, catalogue.ErrNotFound) {
		t.Errorf("before the first commit: %v", err)
	}
	if _, err := k.catalogue.GetAt(ctx, id, catalogue.At{Time: commitOn(20)}); !errors.Is(err, catalogue.ErrNotFound) || !errors.Is(err, catalogue.ErrBefore) {
		t.Errorf("by the log's clock: %v", err)
	}
	changes, err := k.catalogue.Changes(ctx, catalogue.Span{From: catalogue.At{Time: commitOn(2), Clock: catalogue.SourceClock}, To: catalogue.At{Time: commitOn(4), Clock: catalogue.SourceClock}})
	if err != nil || len(changes.List) != 1 || changes.List[0].What != catalogue.Withdrawn {
		t.Errorf("between two days: %+v %v", changes, err)
	}
	if _, err := k.Import(ctx, ImportRequest{Paths: []string{t.TempDir()}, History: true}, nil, quiet{}); err == nil {
		t.Error("a folder without a repository brought a history")
	}
}
