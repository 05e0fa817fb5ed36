package web

import (
	"reflect"
	"strings"
	"testing"

	"tasuki/web/history"
)

func TestCompareWords(t *testing.T) {
	for _, tc := range []struct {
		before, after string
		want          []history.Word
	}{
		{"a b c", "a b c", []history.Word{{Op: "", Text: "a b c"}}},
		{"a flaw in 1.0 allows", "a flaw in 1.0 and 1.1 allows", []history.Word{{Op: "", Text: "a flaw in 1.0 "}, {Op: "added", Text: "and 1.1 "}, {Op: "", Text: "allows"}}},
		{"remote attackers", "local attackers", []history.Word{{Op: "removed", Text: "remote "}, {Op: "added", Text: "local "}, {Op: "", Text: "attackers"}}},
		{"認証回避の脆弱性", "認可回避の脆弱性", []history.Word{{Op: "", Text: "認"}, {Op: "removed", Text: "証"}, {Op: "added", Text: "可"}, {Op: "", Text: "回避の脆弱性"}}},
	} {
		if got := compareWords(tc.before, tc.after); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%q to %q: %q", tc.before, tc.after, got)
		}
	}
	long := strings.Repeat("one two ", 5000)
	if got := compareWords("x "+long+" y", "y "+strings.ToUpper(long)+" x"); len(got) != 2 {
		t.Errorf("a text too long to compare comes in %d runs", len(got))
	}
}

// FuzzCompareWords: what is kept and added is the newer text, what is kept and removed the older.
func FuzzCompareWords(f *testing.F) {
	f.Add("a b c", "a c d")
	f.Add("認証回避の 脆弱性", "認可 の脆弱性です")
	f.Add("", " \n")
	f.Add("\xff\xfe a", "a \xff")
	f.Fuzz(func(t *testing.T, before, after string) {
		var older, newer strings.Builder
		for _, w := range compareWords(before, after) {
			if w.Op != "added" {
				older.WriteString(w.Text)
			}
			if w.Op != "removed" {
				newer.WriteString(w.Text)
			}
		}
		if older.String() != before || newer.String() != after {
			t.Fatalf("%q to %q came back as %q to %q", before, after, older.String(), newer.String())
		}
	})
}
