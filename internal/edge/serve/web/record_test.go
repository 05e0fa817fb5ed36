package web

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"tasuki/spec/cve"
	"tasuki/web/i18n"
	"tasuki/web/record"
)

func TestRecordAnswersInOrder(t *testing.T) {
	h := handler(t, load(t))
	p := fetch(t, h, "/cve/CVE-2024-4879")
	var order []string
	for _, n := range p.all("div.content h2") {
		order = append(order, n.words())
	}
	want := []string{"What it is", "What is affected", "What to do", "Who says what", "References", "Background", "History", "This page can be checked: here is how"}
	if !slices.Equal(order, want) {
		t.Errorf("sections %q", order)
	}
	facts := p.one(t, "aside.facts").words()
	for _, want := range []string{"9.3", "Critical", "CVSS 4.0", "since 2024-07-29", "Exploitation active", "CWE-1287"} {
		if !strings.Contains(facts, want) {
			t.Errorf("how bad it is lacks %q: %s", want, facts)
		}
	}
	for _, want := range []string{"/cve/CVE-2024-4879.json", "/proof/CVE-2024-4879"} {
		if !slices.ContainsFunc(p.all("div.ways a"), func(n *node) bool { return n.attr["href"] == want }) {
			t.Errorf("no way to %s", want)
		}
	}
	if !strings.Contains(p.one(t, "section#verify").words(), "--list-id 9c1f00aa5d77e013") {
		t.Error("the page does not say how it is checked")
	}
}

func TestJapaneseRecord(t *testing.T) {
	h := handler(t, load(t))
	p := fetch(t, h, "/cve/CVE-2026-90001", "Accept-Language", "ja")
	if got := p.one(t, "p.headline"); !strings.Contains(got.words(), "認証回避") || got.attr["lang"] != "" {
		t.Errorf("headline %q in %q", got.words(), got.attr["lang"])
	}
	if got := p.all("div.statement p.prose"); len(got) < 3 || !strings.Contains(got[0].words(), "<script>") {
		t.Error("the text is not shown as it was written")
	}
	if got := p.one(t, "details.statement p.prose"); got.attr["lang"] != "en" {
		t.Errorf("the English text is tagged %q", got.attr["lang"])
	}
	for _, want := range []string{"2.3.0", "修正バージョン", "3.0.3-p1"} {
		if !strings.Contains(p.one(t, "div.content").words(), want) {
			t.Errorf("no %q", want)
		}
	}
	if got := p.one(t, "p.disagree").words(); !strings.Contains(got, "スコープ") || !strings.Contains(got, "9.8") {
		t.Errorf("disagreement %q", got)
	}
	english := fetch(t, h, "/cve/CVE-2026-90001", "Accept-Language", "en")
	if got := english.one(t, "p.headline").attr["lang"]; got != "ja" {
		t.Errorf("the Japanese headline of an English page is tagged %q", got)
	}
	if got := english.one(t, "p.disagree").words(); !strings.Contains(got, "differ in scope") {
		t.Errorf("disagreement %q", got)
	}
	if unsafe := english.all("span.unsafe"); len(unsafe) != 1 || len(english.all("section ul.links li")) < 4 {
		t.Errorf("%d references shown as text", len(unsafe))
	}
}

func TestRejectedRecord(t *testing.T) {
	p := fetch(t, handler(t, load(t)), "/cve/CVE-2024-3514")
	if p.one(t, "span.state").words() != "REJECTED" || !strings.Contains(p.one(t, "#what").words(), "rejected") {
		t.Error("the page does not say that the record is rejected")
	}
	if len(p.all("#todo")) != 0 || len(p.all("p.score")) != 0 {
		t.Error("a rejected record has scores or advice")
	}
}

func TestVersionRanges(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   cve.Version
		want record.Range
	}{
		{"from the first", cve.Version{Version: "0", LessThan: "2.3", Status: "affected"}, record.Range{Status: "affected", To: "2.3", Fixed: true}},
		{"through", cve.Version{Version: "1.0", LessThanOrEqual: "1.9", Status: "affected"}, record.Range{Status: "affected", From: "1.0", To: "1.9", Inclusive: true}},
		{"open", cve.Version{Version: "5.0", LessThan: "*", Status: "affected"}, record.Range{Status: "affected", From: "5.0", Open: true}},
		{"every version", cve.Version{Version: "*", Status: "affected"}, record.Range{Status: "affected", Open: true}},
		{"one", cve.Version{Version: "1.2.3", Status: "unaffected"}, record.Range{Status: "unaffected", From: "1.2.3"}},
		{"zero alone is a version", cve.Version{Version: "0", Status: "affected"}, record.Range{Status: "affected", From: "0"}},
		{"a bound that is not affected is no fix", cve.Version{Version: "0", LessThan: "5.7", Status: "unaffected"}, record.Range{Status: "unaffected", To: "5.7"}},
		{"range as text", cve.Version{Version: "< 1.2", Status: "affected"}, record.Range{Status: "affected", From: "< 1.2"}},
		{"unheard status", cve.Version{Version: "1", Status: "maybe"}, record.Range{Status: "unknown", From: "1"}},
		{"commit", cve.Version{Version: strings.Repeat("a", 40), LessThan: strings.Repeat("b", 40), Status: "affected", VersionType: "git"},
			record.Range{Status: "affected", From: "aaaaaaaaaaaa…", To: "bbbbbbbbbbbb…", Fixed: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := versionRange(i18n.English, tc.in)
			if !ok || got.Status != tc.want.Status || got.From != tc.want.From || got.To != tc.want.To || got.Open != tc.want.Open || got.Inclusive != tc.want.Inclusive || got.Fixed != tc.want.Fixed {
				t.Errorf("%+v, want %+v", got, tc.want)
			}
		})
	}
	if _, ok := versionRange(i18n.English, cve.Version{Version: "n/a", Status: "affected"}); ok {
		t.Error("n/a is shown as a version")
	}
}

func TestFixes(t *testing.T) {
	got := fixes([]cve.Affected{
		{Product: "TeamCity", Versions: []cve.Version{{Version: "0", LessThan: "2023.11.4", Status: "affected"}, {Version: "2022", LessThan: "2022.10.5", Status: "affected"}}},
		{Product: "Linux", DefaultStatus: "affected", Versions: []cve.Version{
			{Version: "0", LessThan: "5.7", Status: "unaffected"},
			{Version: "5.10.226", LessThanOrEqual: "5.10.*", Status: "unaffected"},
			{Version: "6.11", LessThanOrEqual: "*", Status: "unaffected"},
		}},
		{Product: "Git", Versions: []cve.Version{{Version: "a", LessThan: "b", Status: "affected", VersionType: "git"}}},
		{Product: "PAN-OS", Versions: []cve.Version{{Version: "11.0", LessThan: "*", Status: "affected", Changes: []cve.Change{{At: "11.0.5", Status: "unaffected"}}}}},
	})
	want := []record.Fix{{Product: "TeamCity", Versions: []string{"2023.11.4", "2022.10.5"}}, {Product: "Linux", Versions: []string{"5.10.226", "6.11"}}, {Product: "PAN-OS", Versions: []string{"11.0.5"}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestFirstSentence(t *testing.T) {
	for in, want := range map[string]string{
		"Short.": "Short.",
		"A flaw in Foo 1.2.3 allows remote attackers to read files. More text follows here.": "A flaw in Foo 1.2.3 allows remote attackers to read files",
		"管理画面に脆弱性があります。更新してください。":                                                            "管理画面に脆弱性があります。",
		"A\n  line\tbroken": "A line broken",
	} {
		if got := firstSentence(in); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := firstSentence(strings.Repeat("word ", 80)); len([]rune(got)) > maxSentence+1 || !strings.HasSuffix(got, "word…") {
		t.Errorf("cut to %q", got)
	}
}

func TestWebLinks(t *testing.T) {
	for _, bad := range []string{"javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:x", "data:text/html,x", "ZDI-CAN-22854https://x.example", "CVSS", "//host/x", "http:///x", "https:", "vbscript:x", "ftp://x.example/"} {
		if u, _, ok := webLink(bad); ok {
			t.Errorf("%q became the link %q", bad, u)
		}
	}
	if u, _, ok := webLink(" https://a.example/x?y=1&z=2 "); !ok || u != "https://a.example/x?y=1&z=2" {
		t.Errorf("%q %v", u, ok)
	}
}

// FuzzWebLink: whatever becomes a link is http or https with a host, for a browser too: no control characters or spaces
// that one might strip to find another scheme.
func FuzzWebLink(f *testing.F) {
	for _, s := range []string{"https://x.example/", "java\tscript:alert(1)", "http://[::1]/", "https://user:pw@h/", "\x01javascript:x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		u, _, ok := webLink(in)
		if !ok {
			return
		}
		if !strings.HasPrefix(u, "http://") && !strings.HasPrefix(u, "https://") || strings.ContainsAny(u, " \t\r\n\"<>") {
			t.Fatalf("%q became %q", in, u)
		}
	})
}

// FuzzReadID: what is recognised is a CVE id in canonical form, and typing that form again gives the same.
func FuzzReadID(f *testing.F) {
	for _, s := range []string{"CVE-2024-4879", "ＣＶＥ－２０２４－４８７９", "cve 2024 4879", "CVE-2024-00001", "CVE-2024-9999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		id, ok := readID(in)
		if !ok {
			return
		}
		if _, err := cve.ParseID(id); err != nil {
			t.Fatalf("%q gave %q: %v", in, id, err)
		}
		if again, ok := readID(id); !ok || again != id {
			t.Fatalf("%q gave %q, which gives %q", in, id, again)
		}
		for _, n := range neighbours(id) {
			if n == id {
				t.Fatalf("%q is its own neighbour", id)
			}
		}
	})
}
