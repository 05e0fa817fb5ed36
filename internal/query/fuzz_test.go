package query_test

import (
	"errors"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	"tasuki/internal/query"
)

// bare is a tree without spans, for comparison.
func bare(n query.Node) query.Node {
	each := func(nodes []query.Node) (out []query.Node) {
		for _, n := range nodes {
			out = append(out, bare(n))
		}
		return out
	}
	switch n := n.(type) {
	case *query.And:
		return &query.And{Nodes: each(n.Nodes)}
	case *query.Or:
		return &query.Or{Nodes: each(n.Nodes)}
	case *query.Not:
		return &query.Not{Node: bare(n.Node)}
	case *query.Words:
		w := *n
		w.At = query.Span{}
		return &w
	case *query.Cond:
		c := &query.Cond{Field: n.Field, Op: n.Op}
		for _, v := range n.Values {
			v.At = query.Span{}
			c.Values = append(c.Values, v)
		}
		return c
	}
	return nil
}

// laws are what holds for every text: Parse gives a tree or an *Error whose spans lie inside the text on the bounds of
// characters; the canonical form reads as the same tree and is its own canonical form.
func laws(t *testing.T, text string) {
	q, err := query.Parse(text)
	if err != nil {
		var e *query.Error
		if !errors.As(err, &e) || q != nil {
			t.Fatalf("%q: %T beside %v", text, err, q)
		}
		if e.Start < 0 || e.Start > e.End || e.End > len(text) || e.Start == e.End && e.End < len(text) {
			t.Fatalf("%q: span %v of %s", text, e.Span, e.Code)
		}
		if utf8.ValidString(text) && (!utf8.ValidString(text[:e.Start]) || !utf8.ValidString(text[e.Start:e.End]) ||
			e.Column != utf8.RuneCountInString(text[:e.Start])+1) {
			t.Fatalf("%q: span %v cuts a character, or column %d is another's", text, e.Span, e.Column)
		}
		return
	}
	inside(t, text, q.Root, query.Span{End: len(text)})
	canonical := q.String()
	again, err := query.Parse(canonical)
	if err != nil {
		t.Fatalf("%q is written %q, which does not parse: %v", text, canonical, err)
	}
	if !reflect.DeepEqual(bare(q.Root), bare(again.Root)) {
		t.Fatalf("%q is written %q, which reads as another tree: %s", text, canonical, again.Explicit())
	}
	if s := again.String(); s != canonical {
		t.Fatalf("%q is written %q, then %q", text, canonical, s)
	}
	explicit, err := query.Parse(q.Explicit())
	if err != nil { // all its brackets may lead beyond a limit, but nowhere else
		if len(q.Explicit()) < query.MaxText/2 && depth(q.Root) < query.MaxDepth/2 {
			t.Fatalf("%q is explained as %q, which does not parse: %v", text, q.Explicit(), err)
		}
	} else if !reflect.DeepEqual(bare(q.Root), bare(explicit.Root)) {
		t.Fatalf("%q is explained as %q, which reads as another tree: %s", text, q.Explicit(), explicit.Explicit())
	}
}

func depth(n query.Node) int {
	d := 0
	switch n := n.(type) {
	case *query.And:
		for _, c := range n.Nodes {
			d = max(d, depth(c)+1)
		}
	case *query.Or:
		for _, c := range n.Nodes {
			d = max(d, depth(c)+1)
		}
	case *query.Not:
		d = depth(n.Node) + 1
	}
	return d
}

// inside checks that spans nest and that operands are what their operators need.
func inside(t *testing.T, text string, n query.Node, outer query.Span) {
	if n == nil {
		return
	}
	at := n.Span()
	if at.Start < outer.Start || at.End > outer.End || at.Start >= at.End {
		t.Fatalf("%q: %T at %v within %v", text, n, at, outer)
	}
	switch n := n.(type) {
	case *query.And:
		if len(n.Nodes) < 2 {
			t.Fatalf("%q: and of %d", text, len(n.Nodes))
		}
		for _, c := range n.Nodes {
			inside(t, text, c, at)
		}
	case *query.Or:
		if len(n.Nodes) < 2 {
			t.Fatalf("%q: or of %d", text, len(n.Nodes))
		}
		for _, c := range n.Nodes {
			inside(t, text, c, at)
		}
	case *query.Not:
		inside(t, text, n.Node, at)
	case *query.Cond:
		want := 1
		if n.Op == query.Between {
			want = 2
		}
		if len(n.Values) < want || n.Op != query.Is && len(n.Values) > want {
			t.Fatalf("%q: %d values", text, len(n.Values))
		}
		for _, v := range n.Values {
			if v.At.Start < at.Start || v.At.End > at.End {
				t.Fatalf("%q: value at %v within %v", text, v.At, at)
			}
			if _, to := v.Date.Bounds(time.Unix(0, 0)); n.Field.Kind == query.Time && !v.Open && to.IsZero() {
				t.Fatalf("%q: a date without an end", text)
			}
		}
	}
}

var seeds = []string{
	"", "*", "openssl", `"use after free"`, "log4*", "a b", "a AND b OR not c", "-(a | b) !c", "vendor:microsoft severity>=high",
	"vendor:(microsoft, adobe OR \"red hat\")", "vendor:micro*,adobe", "cvss>=7", "cvss:7..9", "cvss3:..4", "severity:medium..critical", "severity >= high",
	"published:2024-01..2024-03", "changed:>7d", "changed:<7d", "updated:yesterday", "reserved:2024-01-15T10:00:00Z", "kev:", "kev:yes", "kev:>30d", "kev>=2024-01",
	"cwe:79", "cwe:CWE-79,89", "id:CVE-2024-*", "2024-1234", "id:2024-1234", "vector:AV:N/PR:N", "vector:CVSS:3.1/AV:N", "has:cpe -has:fix", "title:overflow*",
	"深刻度　ｓｅｖｅｒｉｔｙ：ｈｉｇｈ", "（脆弱性　ＯＲ　「認証 回避」）", "http://example.com/a?b=1", "std::string", `C:\windows`, "1.2.3:4", "vendr:x", "a OR", "OR a", "(a",
	"a)", "()", `"a`, "vendor:", "vendor:a,", "cvss:high", "published:2024/01/05", "severity>unscored", "severity!=low", "-kev:no", "--a", `-"a" -(-b)`, "a=-=b",
	"vendor AND >=5", "a -", "...", "… | …", "title:(a b)", "vendor:(a AND b)", "ref:(patch | exploit)", "lang≠en", "year≥2020", `"a \" b \\ c"`, "“a” „b”",
	"『x」y』", "x*y", "**", "a|b||c", "cvss:7..9,5", "kev:yes..2024", "-=(a)", "foo(bar)", `vendor:"a"b`, "NOT NOT NOT a", "((((((a))))))", "a AND AND b", `product:"*"`,
}

func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(laws)
}

// Whatever is typed, the place of a completion lies around the cursor.
func FuzzContext(f *testing.F) {
	for _, s := range seeds {
		f.Add(s, len(s))
		f.Add(s, len(s)/2)
	}
	f.Fuzz(func(t *testing.T, text string, cursor int) {
		p := query.Context(text, cursor)
		at := max(0, min(cursor, len(text)))
		for at > 0 && at < len(text) && !utf8.RuneStart(text[at]) {
			at--
		}
		if p.Span.Start < 0 || p.Span.Start > at || p.Span.End < at || p.Span.End > len(text) {
			t.Fatalf("%q at %d: %+v", text, cursor, p)
		}
		if p.Whole.Start > p.Span.Start || p.Whole.End < p.Span.End || p.Typing == query.Operand && p.Field == nil {
			t.Fatalf("%q at %d: %+v", text, cursor, p)
		}
	})
}
