package cve

import "testing"

func TestLanguage(t *testing.T) {
	for tag, want := range map[string]string{
		"": "en", "en": "en", "EN": "en", "en-US": "en", "en_GB": "en", "eng": "en", "de": "de", "ger": "de", "deu": "de", "ja": "ja", "jpn": "ja",
		"ja-JP": "ja", "zh-Hant-TW": "zh", "fil": "fil", "x": "", "english": "", "日本": "", "e1": "", "-en": "",
	} {
		if got := Language(tag); got != want {
			t.Errorf("Language(%q) = %q, want %q", tag, got, want)
		}
	}
}

func TestPick(t *testing.T) {
	texts := []Text{{Lang: "de", Value: "Überlauf"}, {Lang: "en", Value: " \n"}, {Lang: "en-US", Value: "overflow"}, {Lang: "eng", Value: "second"}, {Lang: "ja", Value: "脆弱性"}}
	for _, tc := range []struct {
		langs []string
		want  string
	}{
		{[]string{"en"}, "overflow"}, {[]string{"ja", "en"}, "脆弱性"}, {[]string{"fr", "de"}, "Überlauf"}, {[]string{"fr"}, ""}, {nil, ""}, {[]string{"fr", Any}, "Überlauf"},
	} {
		got, ok := Pick(texts, tc.langs...)
		if got.Value != tc.want || ok != (tc.want != "") {
			t.Errorf("Pick(%v) = %q, %v", tc.langs, got.Value, ok)
		}
	}
	if _, ok := Pick(nil, Any); ok {
		t.Error("picked from nothing")
	}
}
