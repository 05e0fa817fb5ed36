package i18n

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
)

func TestEveryStringIsInBothLanguages(t *testing.T) {
	verb := regexp.MustCompile(`%\[\d\]s`)
	for key, e := range entries {
		if strings.TrimSpace(e.En) == "" || strings.TrimSpace(e.Ja) == "" {
			t.Errorf("%s is missing in a language", key)
		}
		for _, phrase := range []string{e.En, e.One, e.Ja} {
			if strings.Contains(verb.ReplaceAllString(phrase, ""), "%") {
				t.Errorf("%s has a placeholder that is not %%[n]s: %q", key, phrase)
			}
		}
		en, ja := verb.FindAllString(e.En, -1), verb.FindAllString(e.Ja, -1)
		slices.Sort(en)
		slices.Sort(ja)
		if !slices.Equal(en, ja) {
			t.Errorf("%s fills %q in English and %q in Japanese", key, en, ja)
		}
		if strings.ContainsFunc(e.En, func(c rune) bool { return unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Katakana) }) {
			t.Errorf("%s has Japanese in its English", key)
		}
	}
}

// The keys in the sources are the keys in the glossary, no more and no fewer. A key that is put together from data is
// known by its beginning.
func TestGlossaryMatchesThePages(t *testing.T) {
	whole := regexp.MustCompile(`\b(?:T|N|Has)\("([^"]+)"[,)]`)
	begun := regexp.MustCompile(`\b(?:T|N|Has)\("([^"]+)" ?\+`)
	keys, beginnings := map[string]string{}, []string{"cvss2.", "cvss3.", "cvss4."}
	for _, dir := range []string{"..", "../../internal/edge/serve"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_templ.go") || !strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, ".templ") {
				return err
			}
			src, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range whole.FindAllStringSubmatch(string(src), -1) {
				keys[m[1]] = path
			}
			for _, m := range begun.FindAllStringSubmatch(string(src), -1) {
				beginnings = append(beginnings, m[1])
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(keys) < 50 {
		t.Fatalf("only %d keys found in the sources", len(keys))
	}
	for key, path := range keys {
		if !Has(key) {
			t.Errorf("%s asks for %q", path, key)
		}
	}
	for key := range entries {
		if _, ok := keys[key]; !ok && !slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(key, b) }) {
			t.Errorf("%q is used nowhere", key)
		}
	}
}

func TestChoose(t *testing.T) {
	for _, tc := range []struct {
		asked, before, accept string
		want                  Lang
	}{
		{"", "", "", English},
		{"ja", "en", "en", Japanese},
		{"", "ja", "en", Japanese},
		{"xx", "", "ja", Japanese},
		{"", "", "fr, ja-JP;q=0.8, en;q=0.5", Japanese},
		{"", "", "ja;q=0.2,en-GB;q=0.9", English},
		{"", "", "en, ja", English},
		{"", "", "ja;q=0", English},
		{"", "", "ja;q=oops, de", English},
		{"", "", ";;;,,", English},
	} {
		if got := Choose(tc.asked, tc.before, tc.accept); got != tc.want {
			t.Errorf("Choose(%q, %q, %q) = %s", tc.asked, tc.before, tc.accept, got)
		}
	}
}

func TestNumbersAndTimes(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 42107: "42,107", -1234567: "-1,234,567"} {
		if got := English.Count(n); got != want {
			t.Errorf("%d is written %s", n, got)
		}
	}
	if got := English.N("node.records", 1); got != "1 record" {
		t.Error(got)
	}
	if got := English.N("edit.errors", 1); got != "One thing has to be put right" {
		t.Error(got)
	}
	now := time.Date(2026, 11, 21, 21, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		0: "just now", -time.Hour: "just now", 3 * time.Second: "3 s ago", 90 * time.Second: "1 min ago", 47 * time.Hour: "47 h ago",
		72 * time.Hour: "3 days ago", 90 * 24 * time.Hour: "3 months ago", 800 * 24 * time.Hour: "2 years ago",
	} {
		if got := English.Age(now.Add(-d), now); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	if got := Japanese.Date(now); got != "2026年11月21日" {
		t.Error(got)
	}
}

// FuzzChoose: whatever a browser sends, the page is in a language there is.
func FuzzChoose(f *testing.F) {
	f.Add("", "", "ja;q=0.8, *;q=0.1")
	f.Add("JA", "xx", "en;q=NaN,ja;q=1e309")
	f.Fuzz(func(t *testing.T, asked, before, accept string) {
		if l := Choose(asked, before, accept); !l.Known() {
			t.Fatalf("%q", l)
		}
	})
}
