package cve_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tasuki/spec/cve"
)

func mentions(raw string) (out []string) {
	cve.Mentions([]byte(raw), func(id []byte) bool {
		out = append(out, string(id))
		return true
	})
	return out
}

func TestMentions(t *testing.T) {
	for _, tc := range []struct{ raw, want string }{
		{`{"cveId":"CVE-2026-1234"}`, "CVE-2026-1234"},
		{"https://a.test/cve-2026-12345/?x=CVE-2026-0001#cve-2026-0001.", "CVE-2026-12345 CVE-2026-0001 CVE-2026-0001"},
		{`line\nCVE-2026-1234\tCVE-2026-1235`, "CVE-2026-1234 CVE-2026-1235"},
		{"CVE-2026-123 CVE-2026-01234 CVE-20266-1234 XCVE-2026-1234 CVE-2026-1234x CVE-2026-12345678901234567890 CVE-", ""},
		{"CVE-2026-1234CVE-2026-1235 (CVE-2026-1236)", "CVE-2026-1236"},
		{"認証CVE-2026-1234を", "CVE-2026-1234"},
		{"GCVE-0-2026-1234 _CVE-2026-1234_", "CVE-2026-1234"},
	} {
		if got := strings.Join(mentions(tc.raw), " "); got != tc.want {
			t.Errorf("%q mentions %q, want %q", tc.raw, got, tc.want)
		}
	}
	n := 0
	cve.Mentions([]byte("CVE-2026-1234 CVE-2026-1235"), func([]byte) bool { n++; return false })
	if n != 1 {
		t.Errorf("it went on %d times after it was told to stop", n-1)
	}
}

// The oracle is a regular expression; what stands around a find is compared by hand, for RE2 knows no looking around.
var mentioned = regexp.MustCompile(`(?:CVE|cve)-[0-9]{4}-[0-9]+`)

func FuzzMentions(f *testing.F) {
	for _, seed := range []string{"CVE-2026-1234", `\ncve-2026-12345`, "xCVE-2026-1234", "CVE-2026-01234", "CVE-cve-2026-1234", "CVE-2026-1234CVE-2026-1235"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var want []string
		word := func(c byte) bool {
			return strings.IndexByte("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", c) >= 0
		}
		for _, at := range mentioned.FindAllStringIndex(raw, -1) {
			before, after := raw[:at[0]], raw[at[1]:]
			id := strings.ToUpper(raw[at[0]:at[1]])
			escape := len(before) > 1 && before[len(before)-2] == '\\' && strings.IndexByte("nrtbf", before[len(before)-1]) >= 0
			if _, err := cve.ParseID(id); err != nil || before != "" && word(before[len(before)-1]) && !escape || after != "" && word(after[0]) {
				continue
			}
			want = append(want, id)
		}
		if got := mentions(raw); !slices.Equal(got, want) {
			t.Errorf("%q mentions %q, want %q", raw, got, want)
		}
	})
}

// The import does this to every document while something is reserved.
func BenchmarkMentions(b *testing.B) {
	raw, err := os.ReadFile("testdata/records/CVE-1999-0038.json")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		cve.Mentions(raw, func([]byte) bool { return true })
	}
}
