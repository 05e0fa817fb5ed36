package portal

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"tasuki/internal/program"
	"tasuki/spec/cve"
	"tasuki/spec/cve/form"
	"tasuki/web/editor"
	"tasuki/web/i18n"
)

// What a script is told: the version it saves on, what is wrong where, the JSON, the scores.
func TestScriptsAreTold(t *testing.T) {
	w, id := newDesk(t)
	c := w.signIn(t, "ann@acme.test")
	p := c.paper(t, id).press("add /metrics cvssV2_0").set("/title", "T", "/metrics/0/cvssV2_0/vectorString", "AV:N/AC:L/Au:N/C:P/I:P/A:P")
	tell := func() (out told) {
		t.Helper()
		a := c.post(t, "/portal/records/"+id+"/draft", p.values, "Accept", "application/json")
		if a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %v", a.status, a.header)
		}
		if err := json.Unmarshal([]byte(a.body), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	p.values.Del("json")
	got := tell()
	if got.Version < 2 || got.Stale || !strings.Contains(got.JSON, `"baseScore": 7.5`) || !strings.Contains(got.Scores["f-metrics-0-cvssV2_5f0-vectorString"], "7.5") ||
		!strings.Contains(got.Saved, "Draft saved") || got.Listed != "" || len(got.Problems["f-descriptions-0-value"]) == 0 || !got.Problems["f-descriptions-0-value"][0].Error {
		t.Errorf("%+v", got)
	}
	p.set("/title", "U")
	if again := tell(); !again.Stale {
		t.Errorf("a tab with version %s saved over version %d", p.values.Get("version"), got.Version)
	}
	for path, want := range map[string]string{
		"/portal/cwe?q=xss": "CWE-79", "/portal/cwe?q=": `"options":[]`,
		"/portal/cvss?version=3.1&vector=CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H": "9.8",
		"/portal/cvss?version=4.0&vector=CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H": "not scored yet",
	} {
		a := c.get(t, path)
		a.has(t, want)
		if a.header.Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("%s is %s", path, a.header.Get("Content-Type"))
		}
	}
	if a := w.visitor(t).get(t, "/portal/cwe?q=xss"); a.status != http.StatusSeeOther {
		t.Errorf("a stranger searches: %d", a.status)
	}
}

// A record with thousands of rows is still a page, and keeps them all.
func TestManyRows(t *testing.T) {
	w, id := newDesk(t)
	var versions []string
	for i := range 3000 {
		versions = append(versions, `{"version":"`+itoa(i)+`","status":"affected"}`)
	}
	raw := strings.Replace(complete, `[{"version":"1","status":"affected"}]`, "["+strings.Join(versions, ",")+"]", 1)
	p := w.signIn(t, "ann@acme.test").paper(t, id).set("json", raw).press("json")
	p.answer.has(t, "2,960 more rows are not shown")
	p.values.Del("json")
	p.set("/affected/0/versions/7/version", "seven").press("show /affected/0/versions")
	if _, ok := p.values["/affected/0/versions/800/version"]; !ok {
		t.Error("not shown")
	}
	p.values.Del("json")
	p.press("/publish")
	got := w.record(t, id).Containers.CNA.Affected[0].Versions
	if len(got) != 3000 || got[7].Version != "seven" || got[2999].Version != "2999" {
		t.Errorf("%d versions", len(got))
	}
	// Many products with many versions, all asked for: still a form that comes back.
	id = w.reserve(t)
	product := `{"vendor":"Acme","product":"Widget","versions":[` + strings.Join(versions[:30], ",") + `],"defaultStatus":"unaffected"}`
	raw = strings.Replace(complete, `[{"vendor"`, "["+strings.Repeat(product+",", 300)+`{"vendor"`, 1)
	p = p.c.paper(t, id).set("json", raw).press("json").press("show /affected")
	if n := len(p.values); n < 2000 || n > 9000 {
		t.Errorf("the form has %d controls", n)
	}
	p.set("/affected/3/versions/7/version", "seven").press("/publish")
	if all := w.record(t, id).Containers.CNA.Affected; len(all) != 301 || all[3].Versions[7].Version != "seven" || len(all[299].Versions) != 30 {
		t.Errorf("%d products", len(all))
	}
}

// Every word that the form can ask for is in the glossary, whatever the record.
func TestEveryFieldHasWords(t *testing.T) {
	for _, l := range i18n.Languages {
		state, err := form.Parse([]byte(complete))
		if err != nil {
			t.Fatal(err)
		}
		for _, add := range []string{
			"/descriptions ja", "/affected/0/versions", "/affected/0/versions/0/changes", "/problemTypes", "/problemTypes/0/descriptions", "/metrics cvssV4_0", "/metrics cvssV3_1", "/metrics cvssV3_0",
			"/metrics cvssV2_0", "/metrics/0/scenarios en", "/solutions en", "/workarounds en", "/configurations en", "/exploits en", "/impacts", "/impacts/0/descriptions ja", "/credits", "/timeline",
		} {
			name, variant, _ := strings.Cut(add, " ")
			if _, ok := state.Add(name, variant); !ok {
				t.Fatalf("%s is not added", name)
			}
		}
		b := builder{l: l, places: map[string]place{}}
		v := editor.View{ID: "CVE-2026-1000", State: "PUBLISHED", Sections: b.sections(state), Checked: true}
		v.Page.Lang = l
		clean, at := state.Clean()
		valid, err := validator()
		if err != nil {
			t.Fatal(err)
		}
		v.Problems = b.place(state, at, findings(valid, &writing{Identifier: program.Identifier{}}, clean, time.Time{}))
		page, err := rendered(t.Context(), editor.Form(v))
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range strings.Split(page, "edit.")[1:] {
			t.Errorf("%s lacks a word: edit.%.40s", l, key)
		}
	}
}

func TestWords(t *testing.T) {
	valid, err := validator()
	if err != nil {
		t.Fatal(err)
	}
	// The schema's sentences that the form can provoke are said in words of our own.
	raw := `{"title":"","descriptions":[{"lang":"e","value":""}],"affected":[{"versions":[{"version":"1","lessThan":"2"}],"cpes":["x"]},{"vendor":"v","product":"p"}],"problemTypes":[{"descriptions":[{"lang":"en","cweId":"7"}]}],
		"references":[{"url":"x","tags":["y"]},{"url":"x","tags":["y"]}],"metrics":[{"cvssV3_1":{"version":"3.1","vectorString":"x","baseScore":1,"baseSeverity":"HIGH"}},{"format":"f"}],"impacts":[{"capecId":"1"}],
		"timeline":[{"time":"x"}],"credits":[{"lang":"en","value":"v","user":"x"}],"tags":["x"],"noSuch":1}`
	for _, f := range valid.Container(0, []byte(raw)) {
		if got := words(i18n.Japanese, f); got == f.Message || strings.HasPrefix(got, "edit.") || got == strings.ToUpper(f.Message[:1])+f.Message[1:] {
			if !strings.HasPrefix(f.Message, "must be one of") && !strings.HasPrefix(f.Message, "must be 3.1") && !strings.HasPrefix(f.Message, "must be affected") {
				t.Errorf("%s has no words in Japanese: %s", f.Rule, f.Message)
			}
		}
	}
	for rule, want := range map[string]string{"cvss-score": "基本スコア", "date-zone": "タイムゾーン", "duty-itself": "CNA規則 5.3"} {
		if got := words(i18n.Japanese, cve.Finding{Rule: rule, Message: "m"}); !strings.Contains(got, want) {
			t.Errorf("%s is %q", rule, got)
		}
	}
}

// What no field can hold is shown, said to be wrong, and kept.
func TestOddMembers(t *testing.T) {
	w, id := newDesk(t)
	odd := `{"title":7,"descriptions":"text","source":[],"affected":[{"vendor":"Acme","versions":[{"lessThan":"1","lessThanOrEqual":"2"}]}],"metrics":[{"cvssV3_1":"AV:N"}]}`
	p := w.signIn(t, "ann@acme.test").paper(t, id).set("json", odd).press("json")
	if n := strings.Count(p.answer.body, "no field can show"); n != 5 {
		t.Errorf("%d members are shown to be odd", n)
	}
	p.set("/affected/0/product", "Widget").press("/check")
	if said := p.at("f-title"); !strings.Contains(said, "Must be a string, not a number") {
		t.Errorf("at the title: %s", said)
	}
	state, err := form.Parse([]byte(p.values.Get("doc")))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(odd, `"vendor":"Acme"`, `"vendor":"Acme","product":"Widget"`, 1)
	if got, _ := state.Clean(); string(got) != want {
		t.Errorf("the container became %s", got)
	}
}

// What is too large to keep is not lost without a word.
func TestTooLargeForADraft(t *testing.T) {
	w, id := newDesk(t)
	p := w.signIn(t, "ann@acme.test").paper(t, id)
	p.set("/descriptions/0/value", strings.Repeat("x", 4<<20)).press("/draft")
	if p.answer.status != http.StatusConflict {
		t.Fatalf("%d", p.answer.status)
	}
	p.answer.has(t, "could not be kept")
}
