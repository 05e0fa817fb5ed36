package cve

import (
	"errors"
	"slices"
	"testing"
)

func TestParseID(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want ID
		path string
	}{
		{"CVE-1999-0001", ID{1999, 1}, "cves/1999/0xxx/CVE-1999-0001.json"},
		{"CVE-2024-0000", ID{2024, 0}, "cves/2024/0xxx/CVE-2024-0000.json"},
		{"CVE-2025-14617", ID{2025, 14617}, "cves/2025/14xxx/CVE-2025-14617.json"},
		{"CVE-2026-310042", ID{2026, 310042}, "cves/2026/310xxx/CVE-2026-310042.json"},
		{"CVE-1900-1234", ID{1900, 1234}, "cves/1900/1xxx/CVE-1900-1234.json"},
		{"CVE-0007-9999999999999999999", ID{7, 9999999999999999999}, "cves/0007/9999999999999999xxx/CVE-0007-9999999999999999999.json"},
	} {
		got, err := ParseID(tc.in)
		if err != nil || got != tc.want {
			t.Errorf("ParseID(%q) = %v, %v", tc.in, got, err)
		}
		if got.String() != tc.in || got.Path() != tc.path {
			t.Errorf("%q: String %q, Path %q", tc.in, got, got.Path())
		}
	}
	for _, bad := range []string{"", "CVE", "CVE-", "CVE-2024", "CVE-2024-", "CVE-2024-123", "CVE-2024-00123", "cve-2024-0123", "CVE-24-0123",
		"CVE-2024-01234", "CVE-2024-12345678901234567890", "CVE-2024-12a4", "CVE-2024-1234 ", " CVE-2024-1234", "CVE-2024-+123", "CVE-２024-1234",
		"CVE-2024_1234", "CVE-20241-2345", "CVE--024-1234"} {
		if id, err := ParseID(bad); !errors.Is(err, ErrID) || !id.IsZero() {
			t.Errorf("ParseID(%q) = %v, %v", bad, id, err)
		}
	}
}

func TestIDOrder(t *testing.T) {
	ids := []ID{{2024, 10000}, {1999, 7}, {2024, 9999}, {2023, 123456}}
	slices.SortFunc(ids, ID.Compare)
	if want := []ID{{1999, 7}, {2023, 123456}, {2024, 9999}, {2024, 10000}}; !slices.Equal(ids, want) {
		t.Errorf("sorted %v", ids)
	}
}

// FuzzParseID: what parses is its own canonical form, and the order agrees with itself.
func FuzzParseID(f *testing.F) {
	for _, s := range []string{"CVE-1999-0001", "CVE-2024-00123", "CVE-2024-9999999999999999999", "CVE-0000-0000", "cve-2024-1", "CVE-2024-１２３４"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseID(s)
		if err != nil {
			if !errors.Is(err, ErrID) {
				t.Fatalf("untyped %v", err)
			}
			return
		}
		if id.String() != s {
			t.Fatalf("%q became %q", s, id)
		}
		var back ID
		text, _ := id.MarshalText()
		if err := back.UnmarshalText(text); err != nil || back != id || back.Compare(id) != 0 {
			t.Fatalf("%v does not come back: %v %v", id, back, err)
		}
	})
}
