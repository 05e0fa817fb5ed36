package charter

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/describe.*.txt")

// The wording is read in the diff; what must be said is asserted.
func TestDescribe(t *testing.T) {
	c, board := found(t)
	escrowed, err := c.Amend(clock, func(n *Charter) {
		n.Escrow = []string{"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"}
		n.Emergency = &Emergency{MandateOver: true, NoticeHours: 24}
	})
	if err != nil {
		t.Fatal(err)
	}
	escrowed.Sign(board.ID, board.Private)
	test, _, err := Genesis(Options{Log: pub(firstLog), Test: true, Mandate: &Mandate{"2026-11-21", "2026-12-21"}}, &dice{}, clock)
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range []string{"en", "ja"} {
		var b strings.Builder
		for _, d := range []*Document{c.Genesis(), test, escrowed, fullCharter(t)} {
			for _, line := range Describe(d, lang) {
				if strings.Contains(line, "%!") {
					t.Errorf("%s: %s", lang, line)
				}
				b.WriteString(line + "\n")
			}
			b.WriteString("\n")
		}
		golden := "testdata/describe." + lang + ".txt"
		if *update {
			if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if b.String() != string(want) {
			t.Errorf("%s:\n%s\nwant\n%s", lang, b.String(), want)
		}
	}
	if Describe(c.Genesis(), "ja-JP")[0] != Describe(c.Genesis(), "ja")[0] || Describe(c.Genesis(), "fr")[0] != Describe(c.Genesis(), "en")[0] {
		t.Error("languages are not chosen by their first part, with English as the rest")
	}
}
