package main

import (
	"strings"
	"testing"
	"time"
)

func TestDisplayWidth(t *testing.T) {
	for s, want := range map[string]int{"": 0, "abc": 3, "é": 1, "e\u0301": 1, "脆弱性": 6, "ﾊﾝｶｸ": 4, "…": 1, "ＡＢ": 4, "\u200bx": 1} {
		if got := displayWidth(s); got != want {
			t.Errorf("%q takes %d columns, want %d", s, got, want)
		}
	}
}

func TestTableFitsTheTerminal(t *testing.T) {
	var out strings.Builder
	rows := [][]string{
		{"CVE-2024-1234", "製品甲", "a title that is longer than what the terminal has room for"},
		{"CVE-1999-1", "nginx", "日本語の題名もここで切れるはずなのです\nさて"},
	}
	terminal{columns: 40}.table(&out, []string{"ID", "PRODUCT", "TITLE"}, rows)
	want := "" +
		"ID             PRODUCT  TITLE\n" +
		"CVE-2024-1234  製品甲   a title that is…\n" +
		"CVE-1999-1     nginx    日本語の題名も…\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
	for line := range strings.Lines(out.String()) {
		if n := displayWidth(strings.TrimSuffix(line, "\n")); n > 40 {
			t.Errorf("%q takes %d columns", line, n)
		}
	}
}

func TestTableOutsideATerminalIsWhole(t *testing.T) {
	var out strings.Builder
	long := strings.Repeat("x", 500)
	terminal{}.table(&out, []string{"A", "B"}, [][]string{{"1", long}})
	if !strings.Contains(out.String(), long) || strings.Contains(out.String(), "\x1b") {
		t.Errorf("got %q", out.String())
	}
}

// A record's text must not move the cursor, colour the terminal or turn the writing around.
func TestCleanDisarmsText(t *testing.T) {
	if got := clean("a\x1b[31mb\r\nc\u202ed\u0007e\u2028f\u009bg"); got != "a [31mb c d e f g" {
		t.Errorf("%q", got)
	}
}

func TestWrap(t *testing.T) {
	got := wrap("one two three four five six seven", 2, 22)
	if want := "one two three four\n  five six seven"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for line := range strings.Lines(wrap(strings.Repeat("脆弱性", 30), 4, 30)) {
		if displayWidth(strings.TrimSuffix(line, "\n")) > 30 {
			t.Errorf("%q is too wide", line)
		}
	}
}

func TestNumbersForPeople(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 42107: "42,107", -1234567: "-1,234,567", -123: "-123"} {
		if got := thousands(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{340 * time.Microsecond: "0s", 12 * time.Millisecond: "12ms", 1234 * time.Millisecond: "1.2s", 61400 * time.Millisecond: "1m1s", 3 * time.Hour: "3h"} {
		if got := round(Duration(d)); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

func TestProgressSaysRateAndTimeLeft(t *testing.T) {
	g := Progress{Step: "import", Done: 10000, Total: 42107, Unit: "records"}
	if got := describe(g, 5000, 2*time.Second); got != "import: 10,000 of 42,107 records, 23%, 2,500/s, 13s left" {
		t.Error(got)
	}
	// A resumed import must not claim the rate of what was done before.
	if got := describe(g, 0, 2*time.Second); got != "import: 10,000 of 42,107 records, 23%" {
		t.Error(got)
	}
	if got := describe(Progress{Step: "fetch", Done: 30 << 20, Unit: "bytes"}, 30<<20, 3*time.Second); got != "fetch: 30 MiB, 10 MiB/s" {
		t.Error(got)
	}
}

func TestConsoleOutsideATerminal(t *testing.T) {
	var out strings.Builder
	clock := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	c := &console{w: &out, now: func() time.Time { return clock }}
	for i := range int64(25) {
		c.Progress(Progress{Step: "import", Done: i * 1000, Total: 25000, Unit: "records"})
		clock = clock.Add(time.Second)
	}
	c.Step("imported")
	c.Close()
	want := "import: 10,000 of 25,000 records, 40%, 1,000/s, 15s left\nimport: 20,000 of 25,000 records, 80%, 1,000/s, 5s left\nimported\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}
