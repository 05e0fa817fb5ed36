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

// A hit is two lines that fit the terminal, whatever its words are.
func TestHitsFitTheTerminal(t *testing.T) {
	published := time.Date(2024, 3, 4, 18, 0, 0, 0, time.UTC)
	hits := []client.Hit{
		{ID: "CVE-2024-27198", Severity: "critical", Score: 9.8, Title: "Authentication bypass allowing admin actions", KEV: "2024-03-07",
			Products: []string{"JetBrains TeamCity < 2023.11.4"}, Published: &published, Assigner: "JetBrains"},
		{ID: "CVE-2024-1", Severity: "unscored", Summary: strings.Repeat("脆弱性", 30), Products: []string{strings.Repeat("製品", 30)}, Assigner: "jpcert"},
		{ID: "CVE-2024-2", Severity: "low", Score: 10, State: "REJECTED", Title: "gone"},
	}
	var out strings.Builder
	terminal{columns: 80}.hits(&out, hits)
	want := "" +
		"● 9.8   CVE-2024-27198  JetBrains TeamCity < 2023.1…  KEV  2024-03-04  JetBrains\n" +
		"        Authentication bypass allowing admin actions\n" +
		"○       CVE-2024-1  製品製品製品製品製品製品製品製品製品製品製品製品製…   jpcert\n" +
		"        脆弱性脆弱性脆弱性脆弱性脆弱性脆弱性脆弱性脆弱性脆弱性脆弱性脆弱性脆弱…\n" +
		"◔ 10.0  CVE-2024-2\n" +
		"        (rejected) gone\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
	for line := range strings.Lines(out.String()) {
		if n := displayWidth(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%q takes %d columns", line, n)
		}
	}
}
