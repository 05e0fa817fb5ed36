package cwe

import (
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	for _, tc := range []struct {
		id         string
		kind       Kind
		name       string
		usage      string
		deprecated bool
	}{
		{"CWE-79", Weakness, "Improper Neutralization of Input During Web Page Generation ('Cross-site Scripting')", "Allowed", false},
		{"CWE-20", Weakness, "Improper Input Validation", "Discouraged", false},
		{"CWE-264", Category, "Permissions, Privileges, and Access Controls", "Prohibited", true},
		{"CWE-310", Category, "Cryptographic Issues", "Prohibited", false},
		{"CWE-699", View, "Software Development", "Prohibited", false},
		{"CWE-1", Category, "DEPRECATED: Location", "Prohibited", true},
		{"CWE-1423", Weakness, "Exposure of Sensitive Information caused by Shared Microarchitectural Predictor State that Influences Transient Execution", "Allowed", false},
	} {
		e, ok := Lookup(tc.id)
		if !ok || e.Kind != tc.kind || e.Name != tc.name || e.Usage != tc.usage || e.Deprecated() != tc.deprecated || e.String() != tc.id {
			t.Errorf("Lookup(%s) = %+v, %v (deprecated %v)", tc.id, e, ok, e.Deprecated())
		}
	}
	for _, id := range []string{"", "79", "CWE-", "CWE-079", "cwe-79", "CWE-79 ", "CWE-9999999", "CWE-99999999999999999999", "CWE-7x", "NVD-CWE-noinfo", "CWE-0"} {
		if e, ok := Lookup(id); ok {
			t.Errorf("Lookup(%q) = %+v", id, e)
		}
	}
}

func TestTable(t *testing.T) {
	if Version() != "4.19.1" || Len() != 969+420+58 {
		t.Errorf("version %s with %d entries", Version(), Len())
	}
	count := map[Kind]int{}
	for _, e := range catalogue().entries {
		count[e.Kind]++
		if (e.Abstraction != "") != (e.Kind == Weakness) || e.Status == "" {
			t.Errorf("incomplete: %+v", e)
		}
	}
	if count[Weakness] != 969 || count[Category] != 420 || count[View] != 58 {
		t.Errorf("counts %v", count)
	}
	if len(table) > 150_000 {
		t.Errorf("the table takes %d bytes", len(table))
	}
	if !strings.Contains(table, "The MITRE Corporation") {
		t.Error("the copyright line is gone")
	}
}

func TestParseRefuses(t *testing.T) {
	for _, bad := range []string{
		"", "version\t1\n5\tW\tDraft\tBase\tAllowed", "version\t1\n5\tX\tDraft\tBase\tAllowed\tn", "5\tW\tDraft\tBase\tAllowed\tn",
		"version\t1\n6\tW\tDraft\tBase\tAllowed\tn\n5\tW\tDraft\tBase\tAllowed\tn", "version\t1\n5\tW\tDraft\tBase\tAllowed\t",
	} {
		if _, err := parse(bad); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
}

// FuzzParseID: an identifier that is read writes itself back.
func FuzzParseID(f *testing.F) {
	for _, s := range []string{"CWE-79", "CWE-1423", "CWE-0", "CWE-01", "cwe-1", "CWE-9999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if id, ok := ParseID(s); ok && (Entry{ID: id}).String() != s {
			t.Fatalf("%q became %d", s, id)
		}
	})
}
