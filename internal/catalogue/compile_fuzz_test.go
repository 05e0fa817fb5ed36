package catalogue

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"tasuki/internal/query"
)

// FuzzCompile: whatever parses is answered, and a query and its negation find every record between them, none twice; a query
// finds what its canonical form finds.
func FuzzCompile(f *testing.F) {
	for _, x := range []string{"overflow", "vendor:micro* -kev:", "vector:AV:N/PR:N OR cvss>=7.55", "published:2024-01..30d", "id:*-1 title:\"a b\"", "ref:(patch, x*)",
		"source:cve lang≠en", "year:2000..", "kev:..2024", "desc:認*", "severity:..low", "cwe:noinfo,7*", "has:fix status:waiting", "changed:<7d", "-(a | b c)", "ｋｅｖ：今日"} {
		f.Add(x)
	}
	w := worldOf(f, filepath.Join("..", "..", "cmd", "tasuki", "sample", "cve5-sample-500.zip"), 10)
	total := func(t *testing.T, n query.Node) int {
		fq, err := translate(Query{Tree: &query.Query{Root: n}, Now: asked})
		if err != nil {
			t.Fatal(err)
		}
		r, err := w.index.Search(context.Background(), fq)
		if err != nil {
			t.Fatalf("%s: %v", query.Text(n), err)
		}
		return r.Total
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := query.Parse(text)
		if err != nil {
			return
		}
		n := total(t, q.Root)
		again, err := query.Parse(q.String())
		if err != nil {
			t.Fatal(err)
		}
		if m := total(t, again.Root); m != n {
			t.Fatalf("%q finds %d, %q finds %d", text, n, q, m)
		}
		if q.Root == nil {
			return
		}
		if m := total(t, &query.Not{Node: q.Root}); n+m != len(w.docs) {
			t.Fatalf("%q finds %d of %d, its negation %d", text, n, len(w.docs), m)
		}
	})
}

// A pattern has one meaning, whatever its stars.
func TestGlob(t *testing.T) {
	for _, tc := range []struct {
		pattern, value string
		want           bool
	}{
		{"a*", "abc", true}, {"a*", "ba", false}, {"*a", "ba", true}, {"*", "", true}, {"a*a", "a", false}, {"a*a", "aa", true},
		{"a*b*c", "axxbyyc", true}, {"a*b*c", "acb", false}, {"**", "x", true}, {"A*", "abc", true}, {"a*", "ABC", true}, {"*ab*ab*", "abab", true}, {"*ab*ab*", "aab", false},
	} {
		if got := glob(tc.pattern, strings.ToLower)(tc.value); got != tc.want {
			t.Errorf("%s on %s: %t", tc.pattern, tc.value, got)
		}
	}
}

// A query with all that a reader may put in is not refused by the index, and dates of one moment are what they say.
func TestEveryOperatorOfEveryField(t *testing.T) {
	w := worldOf(t, filepath.Join("..", "..", "cmd", "tasuki", "sample", "cve5-sample-500.zip"), 1)
	asks := 0
	for _, f := range query.Fields() {
		q, err := query.Parse(f.Example)
		if err != nil {
			t.Fatal(err)
		}
		value := query.Quote(q.Root.(*query.Cond).Values[0].Text)
		for _, form := range []string{"%s:%s", "%s=%[2]s", "%s!=%s", "%s>%s", "%s>=%s", "%s<%s", "%s<=%s", "%s:%s..", "%s:..%s", "%s:%s..%[2]s"} {
			text := fmt.Sprintf(form, f.Name, value)
			q, err := query.Parse(text)
			if err != nil {
				if f.Comparable() {
					t.Errorf("%s: %v", text, err)
				}
				continue
			}
			asks++
			differ(t, text, w.find(t, q), w.scanAll(q))
		}
	}
	t.Logf("%d conditions", asks)
}
