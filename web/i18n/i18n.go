// Package i18n holds the words of the pages in Japanese and English. Both come from one glossary, the toml files beside this
// one (glossary.toml for what all pages share, one per page or component); a key that
// is missing in either language, is used by no page, or is asked for by a page and not there, fails a test.
package i18n

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// Lang is a language of the pages, as a BCP 47 tag.
type Lang string

// The languages. English is what a reader gets whose browser asks for neither.
const (
	English  Lang = "en"
	Japanese Lang = "ja"
)

// Languages lists them in the order of the switch at the head of each page.
var Languages = []Lang{Japanese, English}

// Name is what a language calls itself.
func (l Lang) Name() string {
	if l == Japanese {
		return "日本語"
	}
	return "English"
}

// Known reports whether the pages exist in l.
func (l Lang) Known() bool { return l == English || l == Japanese }

// entry is one line of the glossary. One is the English singular, for entries that count; Japanese needs none.
type entry struct {
	En  string `toml:"en"`
	One string `toml:"one"`
	Ja  string `toml:"ja"`
}

//go:embed *.toml
var glossary embed.FS

var entries = mustRead(glossary)

func mustRead(files embed.FS) map[string]entry {
	all := make(map[string]entry)
	names, err := files.ReadDir(".")
	if err != nil {
		panic("i18n: " + err.Error())
	}
	for _, f := range names {
		raw, err := files.ReadFile(f.Name())
		if err != nil {
			panic("i18n: " + err.Error())
		}
		m := make(map[string]entry)
		if err := toml.Unmarshal(raw, &m); err != nil {
			panic("i18n: " + f.Name() + ": " + err.Error())
		}
		for key, e := range m {
			if _, twice := all[key]; twice {
				panic("i18n: " + f.Name() + ": " + key + " is in another file too")
			}
			all[key] = e
		}
	}
	return all
}

// T is the phrase for key, with args put where the phrase has %s (or %[2]s, as word order differs).
// An unknown key is returned as itself: visible, and a test finds it first.
func (l Lang) T(key string, args ...any) string {
	e, ok := entries[key]
	if !ok {
		return key
	}
	return l.format(l.pick(e), args)
}

// N is T for a phrase about a count, which becomes its first argument.
func (l Lang) N(key string, n int64, args ...any) string {
	e, ok := entries[key]
	if !ok {
		return key
	}
	phrase := l.pick(e)
	if l == English && n == 1 && e.One != "" {
		phrase = e.One
	}
	return l.format(phrase, append([]any{l.Count(n)}, args...))
}

// Has reports whether the glossary has key: for keys made from data, such as a CVSS metric's value.
func Has(key string) bool {
	_, ok := entries[key]
	return ok
}

func (l Lang) pick(e entry) string {
	if l == Japanese {
		return e.Ja
	}
	return e.En
}

func (l Lang) format(phrase string, args []any) string {
	if len(args) == 0 || !strings.Contains(phrase, "%") { // "One thing is missing" has no place for its number
		return phrase
	}
	return fmt.Sprintf(phrase, args...)
}

// Count writes a whole number with its thousands set apart, as both languages do: 42,107.
func (l Lang) Count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	b.WriteString(sign)
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// Date is the long form for running text: 21 Nov 2026, 2026年11月21日. UTC.
func (l Lang) Date(t time.Time) string {
	if l == Japanese {
		return t.UTC().Format("2006年1月2日")
	}
	return t.UTC().Format("2 Jan 2006")
}

// Age says how long before now t was, in the largest unit that fits: "3 s ago", "9 days ago". What lies ahead of now
// (clocks differ) counts as this moment.
func (l Lang) Age(t, now time.Time) string {
	d := now.Sub(t)
	switch {
	case d < time.Second:
		return l.T("age.now")
	case d < time.Minute:
		return l.N("age.seconds", int64(d/time.Second))
	case d < time.Hour:
		return l.N("age.minutes", int64(d/time.Minute))
	case d < 48*time.Hour:
		return l.N("age.hours", int64(d/time.Hour))
	case d < 60*24*time.Hour:
		return l.N("age.days", int64(d/(24*time.Hour)))
	case d < 2*365*24*time.Hour:
		return l.N("age.months", int64(d/(30*24*time.Hour)))
	default:
		return l.N("age.years", int64(d/(365*24*time.Hour)))
	}
}

// Choose picks the language for a reader: what the address asks for, else what was chosen before (a cookie), else
// the best of an Accept-Language field (RFC 9110 §12.5.4), else English.
func Choose(asked, before, accept string) Lang {
	for _, tag := range []string{asked, before} {
		if l := Lang(tag); l.Known() {
			return l
		}
	}
	best, weight := English, 0.0
	for part := range strings.SplitSeq(accept, ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		q := 1.0
		if v, ok := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q="); ok {
			f, err := strconv.ParseFloat(v, 64)
			if err != nil {
				continue
			}
			q = f
		}
		if l := Lang(primary); l.Known() && q > weight {
			best, weight = l, q
		}
	}
	return best
}
