package web

import (
	"strings"
	"unicode"

	"tasuki/spec/cwe"
	"tasuki/web/i18n"
	"tasuki/web/severity"
)

// label says a value of a dimension in the reader's language.
func label(l i18n.Lang, dim, value string) string {
	switch dim {
	case "severity":
		if i18n.Has("severity." + strings.ToLower(value)) {
			return l.T("severity." + severity.Level(value))
		}
	case "kev":
		if value == "yes" {
			return l.T("value.yes")
		}
	case "ssvc":
		if i18n.Has("value." + value) {
			return l.T("value." + value)
		}
	case "state":
		if i18n.Has("state." + strings.ToUpper(value)) {
			return l.T("state." + strings.ToUpper(value))
		}
	case "tag":
		if i18n.Has("tag." + value) {
			return strings.TrimRight(l.T("tag."+value), ".。")
		}
	case "cwe":
		if e, ok := cwe.Lookup(canonicalCWE(value)); ok {
			return e.String() + " " + e.Name
		}
	}
	return value
}

// canonicalCWE is a weakness as the standard writes it, for one as a query may: 79, cwe-79.
func canonicalCWE(s string) string {
	s = strings.ToUpper(strings.TrimSpace(s))
	if s != "" && strings.Trim(s, "0123456789") == "" {
		return "CWE-" + s
	}
	return s
}

// otherLanguage guesses the language of a text that comes without a tag, for its lang attribute: kana or Han make it
// Japanese, everything else in this field is English. It is "" when it is the page's own.
func otherLanguage(l i18n.Lang, text string) string {
	of := i18n.English
	if strings.ContainsFunc(text, func(c rune) bool { return unicode.In(c, unicode.Hiragana, unicode.Katakana, unicode.Han) }) {
		of = i18n.Japanese
	}
	if of == l {
		return ""
	}
	return string(of)
}
