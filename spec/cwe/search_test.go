package cwe

import (
	"slices"
	"strings"
	"testing"
)

func TestSearch(t *testing.T) {
	for query, want := range map[string]string{
		"79": "CWE-79", "CWE-787": "CWE-787", "cwe 022": "CWE-22", "xss": "CWE-79", "Cross-site Scripting": "CWE-79", "sql injection": "CWE-89", "sql inj": "CWE-89",
		"use after free": "CWE-416", "path trav": "CWE-22", "SQLインジェクション": "CWE-89", "クロスサイトスクリプティング": "CWE-79", "バッファオーバーフロー": "CWE-120", "csrf": "CWE-352",
		"out-of-bounds write": "CWE-787", "null pointer": "CWE-476", "hard-coded cred": "CWE-798",
	} {
		found := Search(query, 8)
		if len(found) == 0 || found[0].String() != want {
			t.Errorf("%q finds %v, want %s first", query, found, want)
		}
	}
	for _, query := range []string{"", " ", "CWE-9999999", "no such weakness", "-", "deprecated location"} {
		if found := Search(query, 8); len(found) != 0 {
			t.Errorf("%q finds %v", query, found)
		}
	}
	if found := Search("a", 5); len(found) != 5 {
		t.Errorf("%d found, want no more than asked for", len(found))
	}
	for word, ids := range aliases {
		if word != plain(word) {
			t.Errorf("%q is never found: it is compared as %q", word, plain(word))
		}
		for _, id := range ids {
			if e, ok := Lookup(Entry{ID: id}.String()); !ok || e.Kind != Weakness || e.Deprecated() {
				t.Errorf("%q means %d, which is no weakness", word, id)
			}
		}
	}
}

// FuzzSearch: what is found is a weakness to use, once, and no more than asked for; its number finds it first.
func FuzzSearch(f *testing.F) {
	for _, s := range []string{"79", "CWE-", "cwe-0", "xss", "認証", "a b c", "\xff", "  improper  ", "cwe-00079"} {
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, query string, n int) {
		n = max(0, n%20)
		found := Search(query, n)
		if len(found) > n {
			t.Fatalf("%d of %d", len(found), n)
		}
		for i, e := range found {
			if e.Kind != Weakness || e.Deprecated() || slices.Contains(found[:i], e) {
				t.Fatalf("%q finds %v", query, e)
			}
			if by := Search(strings.ToLower(e.String()), 1); by[0] != e {
				t.Fatalf("%s finds %s", e, by[0])
			}
		}
	})
}
