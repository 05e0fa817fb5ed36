package gcve_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"tasuki/spec/cve"
	"tasuki/spec/gcve"
)

func TestParseID(t *testing.T) {
	for _, tc := range []struct {
		text string
		gna  gcve.GNA
		key  string
	}{
		{"GCVE-1-2025-0005", 1, "GCVE-1-2025-0005"},
		{"gcve-1-2025-0005", 1, "GCVE-1-2025-0005"},
		{"GCVE-001-x", 1, "GCVE-1-x"},
		{"GCVE-0-2026-1234", 0, "GCVE-0-2026-1234"},
		{"GCVE-0-2026-12ab", 0, "GCVE-0-2026-12AB"},
		{"GCVE-65535-2021-XX-[222]_XX{1}/1/1", 65535, "GCVE-65535-2021-XX-[222]_XX{1}/1/1"},
		{"GCVE-65535-GHSA-jc7w-c686-c4v9", 65535, "GCVE-65535-GHSA-jc7w-c686-c4v9"},
		{`GCVE-7-"~\`, 7, `GCVE-7-"~\`},
	} {
		id, err := gcve.ParseID(tc.text)
		if err != nil || id.String() != tc.text || id.GNA() != tc.gna || id.Key() != tc.key {
			t.Errorf("%s: %s of %d, key %s (%v)", tc.text, id, id.GNA(), id.Key(), err)
		}
	}
	for _, text := range []string{"", "GCVE-", "GCVE-1", "GCVE-1-", "GCVE--x", "GCVE-x-1", "GCVE-65536-1", "GCVE-99999999999999999999-1", "CVE-2026-1234",
		"GCVE-1-a b", "GCVE-1-a!", "GCVE-1-é", "GCVE-1-a\x7f", "GCVE-1-a\n", "GCVE-1-" + strings.Repeat("x", 1024)} {
		if id, err := gcve.ParseID(text); !errors.Is(err, gcve.ErrID) {
			t.Errorf("%q was read as %s (%v)", text, id, err)
		}
	}
}

func TestIssue(t *testing.T) {
	for n, want := range map[int64]string{1: "GCVE-65535-2026-0001", 9999: "GCVE-65535-2026-9999", 12345: "GCVE-65535-2026-12345"} {
		id := gcve.Issue(gcve.GNATest, 2026, n)
		year, back, ok := id.Numbered()
		if id.String() != want || !ok || year != 2026 || back != n {
			t.Errorf("%d: %s, back %d %d %v", n, id, year, back, ok)
		}
	}
	for _, text := range []string{"GCVE-1-2026-001", "GCVE-1-2026-00001", "GCVE-1-26-0001", "GCVE-1-2026-1x", "GCVE-1-2026", "GCVE-1-+026-0001", "gcve-1-2026-0001"} {
		id, err := gcve.ParseID(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, ok := id.Numbered(); ok {
			t.Errorf("%s counts as one that is given out", text)
		}
	}
}

// The alias of a CVE identifier is computed, in both directions, and nothing else maps to one.
func TestAlias(t *testing.T) {
	for _, text := range []string{"CVE-1999-0001", "CVE-2026-310042", "CVE-2026-1234567890123456789"} {
		c, err := cve.ParseID(text)
		if err != nil {
			t.Fatal(err)
		}
		g := gcve.FromCVE(c)
		back, ok := g.CVE()
		again, err := gcve.ParseID(g.String())
		if g.String() != "GCVE-0-"+strings.TrimPrefix(text, "CVE-") || !ok || back != c || err != nil || again != g {
			t.Errorf("%s: %s, back %s %v (%v)", text, g, back, ok, err)
		}
	}
	for _, text := range []string{"GCVE-1-2026-1234", "GCVE-0-2026-123", "GCVE-0-2026-01234", "GCVE-0-x"} {
		id, err := gcve.ParseID(text)
		if err != nil {
			t.Fatal(err)
		}
		if c, ok := id.CVE(); ok {
			t.Errorf("%s is the alias of %s", text, c)
		}
	}
}

// FuzzParseID: what is accepted is what BCP-04's expression accepts (with any letter case of the prefix and numbers up to 65535); the text is kept;
// the key is an identifier of the same authority and its own key; the name can stand in any path and says which identifier it is of.
func FuzzParseID(f *testing.F) {
	for _, s := range []string{"GCVE-1-2025-0005", "GCVE-65535-2021-XX-[222]_XX{1}/1/1", "GCVE-0-2026-12ab", "GCVE-00-..", "gCvE-9-%2F", "GCVE-1-!"} {
		f.Add(s)
	}
	form := regexp.MustCompile(`^[Gg][Cc][Vv][Ee]-[0-9]+-[\x22-\x7E]+$`)
	safe := regexp.MustCompile(`^[0-9A-Za-z%._-]+$`)
	f.Fuzz(func(t *testing.T, s string) {
		id, err := gcve.ParseID(s)
		if err != nil {
			if form.MatchString(s) && len(s) <= 255 && !tooLarge(s) {
				t.Fatalf("%q is refused: %v", s, err)
			}
			return
		}
		if !form.MatchString(s) || id.String() != s {
			t.Fatalf("%q is read as %q", s, id)
		}
		key, err := gcve.ParseID(id.Key())
		if err != nil || key.Key() != id.Key() || key.GNA() != id.GNA() {
			t.Fatalf("%q has the key %q: %v", s, id.Key(), err)
		}
		if name := id.Name(); !safe.MatchString(name) || strings.HasPrefix(name, ".") {
			t.Fatalf("%q has the name %q", s, name)
		}
		if c, ok := id.CVE(); ok && gcve.FromCVE(c).Key() != id.Key() {
			t.Fatalf("%q is the alias of %s, which has another", s, c)
		}
		if y, n, ok := id.Numbered(); ok && gcve.Issue(id.GNA(), y, n) != id {
			t.Fatalf("%q is number %d of %d", s, n, y)
		}
	})
}

// tooLarge says that the number of the authority is above 65535, which the expression does not know.
func tooLarge(s string) bool {
	number, _, _ := strings.Cut(s[len("GCVE-"):], "-")
	number = strings.TrimLeft(number, "0")
	return len(number) > 5 || len(number) == 5 && number > "65535"
}
