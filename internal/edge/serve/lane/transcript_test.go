package lane_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata/transcript.txt")

// TestTranscript holds the node to testdata/transcript.txt, which is meant to be read: requests that follow each other on one node, and
// their answers. Times, numbers and identifiers are what they are because clock and dice are the test's. A line "as:" says who asks,
// organisation/user and key if it is not the right one; ">" begins the body, "<" the answer: status, headers of ours, body.
func TestTranscript(t *testing.T) {
	const name = "testdata/transcript.txt"
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, t.TempDir())
	defer w.close(t)
	var out strings.Builder
	var method, target, as, body string
	ask := func() {
		if method == "" {
			return
		}
		w.add(time.Second)
		rec := w.ask(method, target, as, body)
		fmt.Fprintf(&out, "< %d\n", rec.Code)
		if left := rec.Header().Get("CVE-API-REMAINING-QUOTA"); left != "" {
			fmt.Fprintf(&out, "< cve-api-remaining-quota: %s\n", left)
		}
		if rec.Body.Len() > 0 {
			fmt.Fprintf(&out, "< %s\n", rec.Body)
		}
		method, target, as, body = "", "", "", ""
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(raw), "\n"), "\n") {
		mark, rest, _ := strings.Cut(line, " ")
		switch {
		case mark == "<":
			continue
		case line == "" || strings.HasPrefix(line, "#") || mark == "==":
			ask()
		case mark == "as:":
			as = rest
		case mark == ">":
			body += rest
		default:
			ask()
			method, target = mark, rest
		}
		out.WriteString(line + "\n")
	}
	ask()
	if w.log.Len() > 0 {
		t.Errorf("the surface had no answer: %s", w.log)
	}
	if *update {
		if err := os.WriteFile(name, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, got := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n"), strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			t.Fatalf("%s:%d: got\n%s\nwant\n%s", name, i+1, strings.Join(got[i:min(i+3, len(got))], "\n"), strings.Join(want[i:min(i+3, len(want))], "\n"))
		}
	}
}
