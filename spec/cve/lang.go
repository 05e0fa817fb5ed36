package cve

import (
	"slices"
	"strings"
)

// Any stands for whatever language there is, as the last resort of Pick (the wildcard of RFC 4647, section 2.1).
const Any = "*"

// threeLetter maps the ISO 639-2 codes that authors write for languages with a two-letter code, which BCP 47 (RFC 5646,
// section 2.2.1) wants instead. Both the terminological and the bibliographic codes are here; seen in the real list is "eng".
var threeLetter = map[string]string{
	"ara": "ar", "ces": "cs", "cze": "cs", "chi": "zh", "zho": "zh", "dan": "da", "deu": "de", "ger": "de", "dut": "nl", "nld": "nl",
	"ell": "el", "gre": "el", "eng": "en", "est": "et", "fin": "fi", "fra": "fr", "fre": "fr", "heb": "he", "hin": "hi", "hun": "hu",
	"ind": "id", "ita": "it", "jpn": "ja", "kor": "ko", "lav": "lv", "lit": "lt", "may": "ms", "msa": "ms", "nor": "no", "pol": "pl",
	"por": "pt", "ron": "ro", "rum": "ro", "rus": "ru", "slk": "sk", "slo": "sk", "slv": "sl", "spa": "es", "swe": "sv", "tha": "th",
	"tur": "tr", "ukr": "uk", "vie": "vi",
}

// Language returns the base language of a tag in its BCP 47 form: "en" for "en", "EN-us", "en_GB" and "eng". An absent
// tag is "en", the default of the CVE Record Format (definitions/language). What is no tag at all gives "".
func Language(tag string) string {
	if tag == "" || tag == "en" {
		return "en"
	}
	base := tag
	if i := strings.IndexAny(tag, "-_"); i >= 0 {
		base = tag[:i]
	}
	if len(base) < 2 || len(base) > 4 {
		return ""
	}
	for i := range len(base) {
		if c := base[i] | 0x20; c < 'a' || c > 'z' {
			return ""
		}
	}
	base = strings.ToLower(base)
	if two, ok := threeLetter[base]; ok {
		return two
	}
	return base
}

// Pick returns the first text with words in it in the first of the languages that has one; ok is false when none has.
// Pick(texts, "ja", "en", Any) is "Japanese, else English, else anything".
func Pick(texts []Text, langs ...string) (text Text, ok bool) {
	for _, lang := range langs {
		i := slices.IndexFunc(texts, func(t Text) bool {
			return (lang == Any || Language(t.Lang) == lang) && strings.TrimSpace(t.Value) != ""
		})
		if i >= 0 {
			return texts[i], true
		}
	}
	return Text{}, false
}
