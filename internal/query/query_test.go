package query_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tasuki/internal/query"
)

// Every kind of error, with carets under what it points at, and what it suggests. A caret alone behind the text is its end.
func TestErrorsPointAtTheirCharacters(t *testing.T) {
	seen := map[string]bool{}
	for _, tc := range []struct{ code, text, carets, suggest string }{
		{"unknown-field", `vendr:microsoft`, `^^^^^`, `vendor`},
		{"unknown-field", `linux sevrity>=high`, `      ^^^^^^^`, `severity`},
		{"unknown-field", `Assignr:mitre`, `^^^^^^^`, `assigner`},
		{"unknown-field", `modifed:7d`, `^^^^^^^`, `changed`},
		{"unknown-field", `localhost:8080 x`, `^^^^^^^^^^^^^^`, `"localhost:8080"`},
		{"unknown-field", `AV:N/PR:N`, `^^^^^^^^^`, `vector:AV:N/PR:N|"AV:N/PR:N"`},
		{"unknown-field", `脆弱性 pkg:npm/a`, `    ^^^^^^^^^`, `"pkg:npm/a"`},
		{"unknown-field", `認証 ｖｅｎｄｒ：ａ`, `   ^^^^^`, `vendor`},
		{"bad-value", `severity:hihg`, `         ^^^^`, `high`},
		{"bad-value", `a ssvc:maybe`, `       ^^^^^`, `none|poc|active`},
		{"bad-value", `state:(published, rejectd)`, `                  ^^^^^^^`, `rejected`},
		{"bad-value", `has:patches`, `    ^^^^^^^`, `patch`},
		{"bad-number", `cvss:high`, `     ^^^^`, ``},
		{"bad-number", `cvss:7..x`, `        ^`, ``},
		{"bad-number", `year:2024.5`, `     ^^^^^^`, ``},
		{"out-of-range", `cvss>10.1`, `     ^^^^`, ``},
		{"bad-date", `published:2024/01/05`, `          ^^^^^^^^^^`, `2024-01-05`},
		{"bad-date", `published:20240105`, `          ^^^^^^^^`, `2024-01-05`},
		{"bad-date", `published:2024年1月5日`, `          ^^^^^^^^^`, `2024-01-05`},
		{"bad-date", `published:13.2.2024`, `          ^^^^^^^^^`, `2024-02-13`},
		{"bad-date", `published:2.3.2024`, `          ^^^^^^^^`, ``},
		{"bad-date", `published:2024-02-30`, `          ^^^^^^^^^^`, ``},
		{"bad-date", `changed:>7days`, `         ^^^^^`, ``},
		{"bad-date", `kev:maybe`, `    ^^^^^`, ``},
		{"bad-date", `kev:yes..2024`, `    ^^^`, ``},
		{"bad-id", `id:CVE-24-1`, `   ^^^^^^^^`, ``},
		{"bad-cwe", `cwe:xss`, `    ^^^`, ``},
		{"bad-vector", `vector:AV:Q`, `       ^^^^`, ``},
		{"empty-range", `published:2024-03..2024-01`, `          ^^^^^^^^^^^^^^^^`, `2024-01..2024-03`},
		{"empty-range", `cvss:9..7`, `     ^^^^`, `7..9`},
		{"empty-range", `severity:high..low`, `         ^^^^^^^^^`, `low..high`},
		{"empty-range", `changed:7d..30d`, `        ^^^^^^^`, `30d..7d`},
		{"no-order", `vendor>a`, `^^^^^^^`, `vendor:`},
		{"no-order", `severity>unscored`, `         ^^^^^^^^`, ``},
		{"no-order", `severity:low..unscored`, `              ^^^^^^^^`, ``},
		{"no-order", `kev>yes`, `    ^^^`, ``},
		{"no-order", `state>=rejected`, `^^^^^^^`, `state:`},
		{"missing-value", `vendor: microsoft`, `^^^^^^^^`, `vendor:`},
		{"missing-value", `vendor:a, b`, `^^^^^^^^^^`, `vendor:a,`},
		{"missing-value", `vendor:`, `^^^^^^^`, ``},
		{"missing-value", `(vendor:)`, `        ^`, ``},
		{"missing-value", `vendor:a,,b`, `         ^`, ``},
		{"missing-value", `vendor:""`, `       ^^`, ``},
		{"missing-value", `published:..`, `          ^^`, ``},
		{"bad-sign", `vendor:=>a`, `        ^`, ``},
		{"bad-sign", `lang=:en`, `     ^`, ``},
		{"bad-list", `vendor:(a b)`, `          ^`, `, b`},
		{"bad-list", `ref:(patch AND exploit)`, `           ^^^`, `, AND`},
		{"bad-list", `vendor:(OR a)`, `        ^^`, ``},
		{"bad-list", `cvss:(7..9, 5)`, `     ^^^^^`, ``},
		{"bad-list", `cvss:5,7..9`, `       ^^^^`, ``},
		{"bad-list", `cvss>=7,8`, `       ^`, ``},
		{"unclosed-quote", `a "use after`, `  ^^^^^^^^^^`, `"use after"`},
		{"unclosed-quote", `「認証`, `^^^`, `「認証」`},
		{"unclosed-quote", `vendor:"red`, `       ^^^^`, `"red"`},
		{"stray-quote", `認証」 x`, `  ^`, ``},
		{"unclosed-bracket", `a (b OR c`, `  ^^^^^^^`, `(b OR c)`},
		{"unclosed-bracket", `vendor:(a, b`, `       ^^^^^`, `(a, b)`},
		{"stray-bracket", `a) b`, ` ^`, ``},
		{"empty-group", `memcpy()`, `      ^^`, ``},
		{"missing-operand", `a OR`, `  ^^`, `|"or"`},
		{"missing-operand", `OR a`, `^^`, `|"or"`},
		{"missing-operand", `a and and b`, `      ^^^`, `|"and"`},
		{"missing-operand", `a (b |) c`, `     ^`, ``},
		{"missing-operand", `a NOT`, `  ^^^`, `|"not"`},
		{"bad-star", `over*flow`, `    ^`, ``},
		{"bad-star", `a *`, `  ^`, ``},
		{"bad-star", `title:a*b`, `       ^`, ``},
		{"no-word", `...`, `^^^`, ``},
		{"no-word", `a "--"`, `  ^^^^`, ``},
		{"too-deep", strings.Repeat("(", 33) + "a", strings.Repeat(" ", 32) + "^", ``},
		{"too-deep", strings.Repeat("-", 33) + "a", strings.Repeat(" ", 32) + "^", ``},
		{"too-many", strings.Repeat("a ", 64) + "bb", strings.Repeat(" ", 128) + "^^", ``},
		{"too-many", "vendor:" + strings.Repeat("a,", 64) + "bb", strings.Repeat(" ", 135) + "^^", ``},
		{"too-long", strings.Repeat("a", 2001), strings.Repeat(" ", 2000) + "^", ``},
		{"bad-encoding", "a \xff", "  ^", ``},
	} {
		_, err := query.Parse(tc.text)
		var e *query.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v, want %s", tc.text, err, tc.code)
			continue
		}
		seen[e.Code] = true
		runes := func(s string) int { return len([]rune(s)) }
		carets := strings.Repeat(" ", runes(tc.text[:e.Start])) + strings.Repeat("^", runes(tc.text[e.Start:e.End]))
		var suggest []string
		for _, s := range e.Suggest {
			suggest = append(suggest, s.Text)
		}
		if e.Code != tc.code || carets != tc.carets || strings.Join(suggest, "|") != tc.suggest {
			t.Errorf("%s\n%s %s %q, want\n%s %s %q", tc.text, carets, e.Code, suggest, tc.carets, tc.code, tc.suggest)
		}
		if want := fmt.Sprintf("query, character %d: ", strings.Index(tc.carets, "^")+1); !strings.HasPrefix(e.Error(), want) {
			t.Errorf("%s: %q does not begin with %q", tc.text, e.Error(), want)
		}
		// Whatever is suggested can be read, unless something else is wrong too.
		for _, s := range e.Suggest {
			if mended := tc.text[:e.Start] + s.Text + tc.text[e.End:]; tc.code != "bad-list" && tc.code != "no-word" {
				if _, err := query.Parse(mended); err != nil {
					t.Errorf("%s: mended as %s: %v", tc.text, mended, err)
				}
			}
		}
	}
	t.Logf("%d codes", len(seen))
	manual := manual(t)
	for code := range seen {
		if !strings.Contains(manual, "`"+code+"`") {
			t.Errorf("the manual does not know %s", code)
		}
	}
}

// manual is docs/query.md.
func manual(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "query.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// The same question in its canonical form and with everything written out.
func TestCanonicalForm(t *testing.T) {
	for _, tc := range []struct{ text, canonical, explicit string }{
		{"", "", ""},
		{" * ", "", ""},
		{"a AND b", "a b", "a AND b"},
		{"a b|c", "a b OR c", "(a AND b) OR c"},
		{"a (b OR c) NOT d", "a (b OR c) -d", "a AND (b OR c) AND NOT d"},
		{"((a b) c)", "a b c", "a AND b AND c"},
		{"!(a | b)", "-(a OR b)", "NOT (a OR b)"},
		{"NOT NOT a", "--a", "NOT NOT a"},
		{"『認証 回避』", `"認証 回避"`, `"認証 回避"`},
		{`"say \"yes\" \\ no"`, `"say \"yes\" \\ no"`, `"say \"yes\" \\ no"`},
		{"SEV ≥ High", "severity>=high", "severity>=high"},
		{"kev:", "kev:yes", "kev:yes"},
		{"state != published", "-state:published", "NOT state:published"},
		{`vendor:("Red Hat" OR a,"b")`, `vendor:"Red Hat",a,b`, `vendor:"Red Hat",a,b`},
		{`product:"*"`, `product:"*"`, `product:"*"`},
		{"cve:2024-1234", "id:CVE-2024-1234", "id:CVE-2024-1234"},
		{"published:..2024-03 cvss:7..", "published:..2024-03 cvss:7..", "published:..2024-03 AND cvss:7.."},
		{"a & b … + c", "a b c", "a AND b AND c"},
		{"ａ－ｂ", "a-b", "a-b"},
		{">=1.0 = 2.x", "1.0 2.x", "1.0 AND 2.x"},
		{"changed>7d kev>=2024", "changed:>7d kev:>=2024", "changed:>7d AND kev:>=2024"},
		{"and, \"and\"", `and, "and"`, `and, AND "and"`},
	} {
		q, err := query.Parse(tc.text)
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
			continue
		}
		if q.String() != tc.canonical || q.Explicit() != tc.explicit {
			t.Errorf("%s is written\n%s, want %s\n%s, want %s", tc.text, q.String(), tc.canonical, q.Explicit(), tc.explicit)
		}
	}
}

// Where a colon or another sign makes no condition.
func TestWordsWithSigns(t *testing.T) {
	for _, text := range []string{"http://example.com/a", "std::string", `c:\windows`, "x:y", "1.2.3:4", "CVE-2024-1234:", "認証:回避", "12:30", "a>b", "1>2", "index.php?id=1", "foo!bar"} {
		q, err := query.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if w, ok := q.Root.(*query.Words); !ok || w.Text != text {
			t.Errorf("%s is read as %s", text, q.Explicit())
		}
	}
}

// Dates as the manual's table has them, asked at noon of 2024-05-15.
func TestDates(t *testing.T) {
	now := time.Date(2024, 5, 15, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct{ text, from, to string }{
		{"2024", "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"},
		{"2024-02", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"},
		{"2024-02-29", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"},
		{"2024-02-29T10:20", "2024-02-29T10:20:00Z", "2024-02-29T10:21:00Z"},
		{"2024-02-29T10:20:30Z", "2024-02-29T10:20:30Z", "2024-02-29T10:20:31Z"},
		{"2024-02-29T10:20:30.5+09:00", "2024-02-29T01:20:30.5Z", "2024-02-29T01:20:30.501Z"},
		{"today", "2024-05-15T00:00:00Z", "2024-05-16T00:00:00Z"},
		{"Yesterday", "2024-05-14T00:00:00Z", "2024-05-15T00:00:00Z"},
		{"12h", "2024-05-15T00:00:00Z", "2024-05-15T00:00:00Z"},
		{"7D", "2024-05-08T12:00:00Z", "2024-05-08T12:00:00Z"},
		{"2w", "2024-05-01T12:00:00Z", "2024-05-01T12:00:00Z"},
		{"1m", "2024-04-15T12:00:00Z", "2024-04-15T12:00:00Z"},
		{"1y", "2023-05-16T12:00:00Z", "2023-05-16T12:00:00Z"},
	} {
		q, err := query.Parse("published:" + tc.text)
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
			continue
		}
		from, to := q.Root.(*query.Cond).Values[0].Date.Bounds(now)
		if from.Format(time.RFC3339Nano) != tc.from || to.Format(time.RFC3339Nano) != tc.to {
			t.Errorf("%s is %s to %s, want %s to %s", tc.text, from.Format(time.RFC3339Nano), to.Format(time.RFC3339Nano), tc.from, tc.to)
		}
	}
}

// What is being typed where the text has its | .
func TestContext(t *testing.T) {
	names := []string{"name", "operator", "operand", "phrase"}
	for _, tc := range []struct{ text, want string }{
		{"¦", `name "" [] []`},
		{"ven¦", `name "ven" [ven] [ven]`},
		{"linux seve¦r x", `name "seve" [sever] [sever]`},
		{"-(a OR ven¦)", `name "ven" [ven] [ven]`},
		{"cvss¦", `operator "cvss" [cvss] [cvss] cvss`},
		{"vendor:¦", `operand "" [] [vendor:] vendor`},
		{"a vendor:mic¦ro b", `operand "mic" [micro] [vendor:micro] vendor`},
		{"vendor:adobe,mi¦", `operand "mi" [mi] [vendor:adobe,mi] vendor`},
		{"vendor:(adobe OR mi¦) b", `operand "mi" [mi] [vendor:(adobe OR mi] vendor`},
		{`vendor:"red h¦`, `operand "red h" ["red h] [vendor:"red h] vendor quoted`},
		{`vendor:"red h¦at" b`, `operand "red h" ["red hat"] [vendor:"red hat"] vendor quoted`},
		{"severity >= hi¦", `operand "hi" [hi] [severity >= hi] severity`},
		{"published:2024-01..2024¦", `operand "2024" [2024] [published:2024-01..2024] published`},
		{"ｖｅｎｄｏｒ：ｍｉ¦", `operand "mi" [ｍｉ] [ｖｅｎｄｏｒ：ｍｉ] vendor`},
		{`"use aft¦er`, `phrase "use aft" ["use aft] ["use aft] quoted`},
		{"vendr:x severity:¦", `operand "" [] [severity:] severity`},
		{"a ) ( cwe:7¦", `operand "7" [7] [cwe:7] cwe`},
		{"vendor:a ¦", `name "" [] []`},
		{`"a b"¦`, `name "" [] []`},
	} {
		text := strings.Replace(tc.text, "¦", "", 1)
		p := query.Context(text, strings.Index(tc.text, "¦"))
		got := fmt.Sprintf("%s %q [%s] [%s]", names[p.Typing], p.Text, text[p.Span.Start:p.Span.End], text[p.Whole.Start:p.Whole.End])
		if p.Field != nil {
			got += " " + p.Field.Name
		}
		if p.Quoted {
			got += " quoted"
		}
		if got != tc.want {
			t.Errorf("%s\n got  %s\n want %s", tc.text, got, tc.want)
		}
	}
}

// The list of fields is fit for a manual and for help pages.
func TestFields(t *testing.T) {
	manual := manual(t)
	for _, f := range query.Fields() {
		for _, name := range append(append(slices.Clone(f.Aliases), f.Name), f.Values()...) {
			if !strings.Contains(manual, "`"+name+"`") {
				t.Errorf("%s: the manual does not know %s", f.Name, name)
			}
		}
		for _, lang := range []string{"en", "ja"} {
			if f.Help[lang] == "" {
				t.Errorf("%s has no help in %s", f.Name, lang)
			}
		}
		q, err := query.Parse(f.Example)
		if err != nil {
			t.Errorf("the example of %s: %v", f.Name, err)
			continue
		}
		if c, ok := q.Root.(*query.Cond); !ok || c.Field != f || q.String() != f.Example {
			t.Errorf("%s: the example %s is of something else, or is written %s", f.Name, f.Example, q)
		}
		for _, name := range append(slices.Clone(f.Aliases), f.Name, strings.ToUpper(f.Name)) {
			if found, _ := query.Lookup(name); found != f {
				t.Errorf("%s is not found as %s", f.Name, name)
			}
		}
		for _, v := range f.Values() {
			if _, err := query.Parse(f.Name + ":" + v); err != nil {
				t.Errorf("%s:%s: %v", f.Name, v, err)
			}
		}
	}
}
