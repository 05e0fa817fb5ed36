package cveservices

import (
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestQuery(t *testing.T) {
	type list = []any
	type object = map[string]any
	for _, tc := range []struct {
		raw   string
		names []string
		want  object
	}{
		{"", nil, object{}},
		{"&&=x&[a]=1", []string{"[a]"}, object{"[a]": "1"}},
		{"a=1", []string{"a"}, object{"a": "1"}},
		{"a", []string{"a"}, object{"a": ""}},
		{"b=2&a=1&b=3", []string{"b", "a"}, object{"a": "1", "b": list{"2", "3"}}},
		{"a[]=x", []string{"a"}, object{"a": list{"x"}}},
		{"a[]=x&a=y", []string{"a"}, object{"a": list{"x", "y"}}},
		{"a[0]=x&a[1]=y", []string{"a"}, object{"a": list{"x", "y"}}},
		{"a[21]=x", []string{"a"}, object{"a": object{"21": "x"}}},
		{"a[b]=x&a[c]=y&a[b]=z", []string{"a"}, object{"a": object{"b": list{"x", "z"}, "c": "y"}}},
		{"a[][b]=x", []string{"a"}, object{"a": list{object{"b": "x"}}}},
		{"a=1&a[b]=x", []string{"a"}, object{"a": list{"1", object{"b": "x"}}}},
		{"a%5Bb%5D=x", []string{"a"}, object{"a": object{"b": "x"}}},
		{"a[b=c]=d", []string{"a"}, object{"a": object{"b=c": "d"}}},
		{"a[b=c", []string{"a[b"}, object{"a[b": "c"}},
		{"a]=c", []string{"a]"}, object{"a]": "c"}},
		{"name.first=a+b%2Bc", []string{"name.first"}, object{"name.first": "a b+c"}},
		{"a=%zz+%", []string{"a"}, object{"a": "%zz %"}},
		{"a=%FF", []string{"a"}, object{"a": "%FF"}},
		{"a[1][2][3][4][5][6]=x", []string{"a"}, object{"a": list{list{list{list{list{object{"[6]": "x"}}}}}}}},
	} {
		q := parseQuery(tc.raw)
		if !reflect.DeepEqual(q.values, tc.want) || !reflect.DeepEqual(q.names, tc.names) {
			t.Errorf("%q: %#v %q\nwant %#v %q", tc.raw, q.values, q.names, tc.want, tc.names)
		}
	}
}

// FuzzQuery: every text is a query, its values are JSON's strings, lists and objects of bounded depth in well-formed UTF-8, names are
// those of the values in the order in which they came; and where there are no brackets it says what net/url says.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{"a=1&a=2", "a[]=x&a[b]=y&a[][c]=z", "page=%31&x%5By%5D[z]", "a[b][c][d][e][f][g][h]=1", "+=%2B&%=%FF",
		strings.Repeat("a[]=1&", 1001)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q := parseQuery(raw)
		if len(q.names) != len(q.values) {
			t.Fatalf("%d names of %d values", len(q.names), len(q.values))
		}
		seen := map[string]bool{}
		for _, n := range q.names {
			if _, ok := q.values[n]; !ok || seen[n] {
				t.Fatalf("name %q", n)
			}
			seen[n] = true
		}
		if leaves := walk(t, q.values, 0); leaves > maxParameters {
			t.Fatalf("%d values", leaves)
		}
		if strings.ContainsAny(raw, "[]%;") || strings.Count(raw, "&") >= maxParameters || !utf8.ValidString(raw) {
			return
		}
		want, err := url.ParseQuery(raw)
		if err != nil {
			t.Skip(err)
		}
		delete(want, "")
		if len(want) != len(q.values) {
			t.Fatalf("%v, net/url says %v", q.values, want)
		}
		for name, list := range want {
			have := elements(q.values[name])
			if len(have) != len(list) {
				t.Fatalf("%q: %v, net/url says %q", name, have, list)
			}
			for i := range list {
				if have[i] != list[i] {
					t.Fatalf("%q: %v, net/url says %q", name, have, list)
				}
			}
		}
	})
}

// walk counts the strings of a value and looks at each.
func walk(t *testing.T, v any, depth int) (leaves int) {
	if depth > maxDepth+3 {
		t.Fatal("too deep")
	}
	switch v := v.(type) {
	case string:
		if !utf8.ValidString(v) {
			t.Fatalf("%q is no text", v)
		}
		return 1
	case []any:
		for _, e := range v {
			leaves += walk(t, e, depth+1)
		}
	case map[string]any:
		for name, e := range v {
			if !utf8.ValidString(name) {
				t.Fatalf("name %q is no text", name)
			}
			leaves += walk(t, e, depth+1)
		}
	default:
		t.Fatalf("a %T", v)
	}
	return leaves
}

// FuzzTime: what is taken for a timestamp is one, and reads back as itself in UTC.
func FuzzTime(f *testing.F) {
	for _, s := range []string{"2026-11-21T09:00:00", "2026-11-21t09:00:00.123456789z", "2026-11-21T09:00:00+09:00", "2026-11-21", "2026-02-29T00:00:00Z",
		"0001-01-01T00:00:00-23:59"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, ok := parseTime(s)
		if !ok {
			return
		}
		again, ok := parseTime(at.Format("2006-01-02T15:04:05.999999999Z07:00"))
		if year := at.Year(); year >= 0 && year <= 9999 && (!ok || !again.Equal(at)) {
			t.Fatalf("%q is %s, which reads back as %s (%v)", s, at, again, ok)
		}
		if day, err := strconv.Atoi(strings.TrimSpace(s)[8:10]); err != nil || day < 1 || day > 31 {
			t.Fatalf("%q has no day", s)
		}
	})
}
