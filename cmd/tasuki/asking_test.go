package main

import (
	"strings"
	"testing"
	"time"

	"tasuki/client"
	"tasuki/internal/query"
)

// The mark stands under the character on a terminal, also behind wide ones and in the middle of a long query.
func TestMarkStandsUnderTheCharacter(t *testing.T) {
	long := strings.Repeat("word ", 40)
	for _, test := range []struct {
		query string
		at    client.Span
		want  string
	}{
		{"vendr:x", client.Span{Start: 0, End: 5}, "  vendr:x\n  ^^^^^"},
		{"脆弱性 vendr:x", client.Span{Start: 10, End: 15}, "  脆弱性 vendr:x\n         ^^^^^"},
		{"severity:", client.Span{Start: 9, End: 9}, "  severity:\n           ^"},
		{"a\x1b[31m\tb", client.Span{Start: 7, End: 8}, "  a [31m b\n         ^"},
		{long + "vendr:x " + long, client.Span{Start: 200, End: 205}, "  …word word word word word word word vendr:x word word word word word word w…\n" + strings.Repeat(" ", 38) + "^^^^^"},
	} {
		got := pointed(test.query, test.at, nil)
		if got != test.want {
			t.Errorf("got\n%s\nwant\n%s", got, test.want)
		}
		lines := strings.Split(got, "\n")
		for _, line := range lines {
			if displayWidth(line) > 80 {
				t.Errorf("%q takes %d columns", line, displayWidth(line))
			}
		}
	}
	got := pointed("vendr:x a", client.Span{Start: 0, End: 5}, []string{"vendor", "sender", "tender", "render"})
	if want := "  vendr:x a\n  ^^^^^\n  did you mean: vendor:x a\n            or: sender:x a\n            or: tender:x a"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Flags say the same as the query that they become.
func TestFiltersBecomeAQuery(t *testing.T) {
	for _, test := range []struct {
		f     Filters
		words []string
		want  string
	}{
		{Filters{}, nil, ""},
		{Filters{}, []string{"buffer overflow", "severity>=high"}, "buffer overflow severity>=high"},
		{Filters{Vendor: []string{"Red Hat"}, KEV: true}, []string{"kernel"}, `kernel vendor:"Red Hat" kev:yes`},
		{Filters{Severity: []string{"high", "critical"}, Published: "2024-01..2024-03"}, nil, "severity:(high, critical) published:2024-01..2024-03"},
		{Filters{Year: []string{"2024"}}, []string{"a", "or", "b"}, "(a or b) year:2024"},
		{Filters{Product: []string{`say "hi" \o/`}}, nil, `product:"say \"hi\" \\o/"`},
		{Filters{CWE: []string{"CWE-79"}, State: []string{"rejected"}, Assigner: []string{"acme"}, Changed: "2024-01-01.."}, nil,
			"state:rejected cwe:CWE-79 assigner:acme changed:2024-01-01.."},
	} {
		got := test.f.query(test.words)
		if got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
		if _, err := query.Parse(got); err != nil {
			t.Errorf("%q cannot be read: %v", got, err)
		}
	}
}

func TestChangeFitsALine(t *testing.T) {
	change := client.Change{Index: 7, ID: "CVE-2026-0001", What: "withdrawn", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Hit: &client.Hit{State: "REJECTED", Title: "脆弱性\x1b[31m" + strings.Repeat("長", 60), Products: []string{"製品甲 < 1.2"}}}
	line := terminal{columns: 110}.changeLine(change)
	if want := "2026-01-02 03:04:05Z  withdrawn  CVE-2026-0001                 製品甲 < 1.2 (rejected) 脆弱性 [31m長長長長"; !strings.HasPrefix(line, want) || displayWidth(line) > 110 || !strings.HasSuffix(line, "…") {
		t.Errorf("%q takes %d columns", line, displayWidth(line))
	}
	gone := terminal{}.changeLine(client.Change{ID: "CVE-2026-0001", What: "erased", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)})
	if want := "2026-01-02 03:04:05Z  erased     CVE-2026-0001"; gone != want {
		t.Errorf("%q, want %q", gone, want)
	}
}

func TestGistLeavesDatesOut(t *testing.T) {
	dates := []client.PartChange{{Op: "changed", Kind: "date", Subject: "dateUpdated", Before: "a", After: "b"}, {Op: "changed", Kind: "provider"}}
	score := client.PartChange{Op: "changed", Kind: "metric", Subject: "CVSS 3.1", Before: "7.5", After: "9.8", CNA: true}
	for _, test := range []struct {
		changes []client.PartChange
		want    string
	}{
		{nil, "nothing that means something"},
		{dates, "dates only"},
		{append([]client.PartChange{score}, dates...), "score CVSS 3.1: 7.5 → 9.8 (CNA)"},
		{[]client.PartChange{score, score, score, score}, "score CVSS 3.1: 7.5 → 9.8 (CNA); score CVSS 3.1: 7.5 → 9.8 (CNA); and 2 more"},
	} {
		if got := gist(test.changes); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
