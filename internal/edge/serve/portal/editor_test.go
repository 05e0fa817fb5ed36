package portal

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/authority"
	"tasuki/internal/program"
	"tasuki/spec/cve/form"
	"tasuki/web/editor"
	"tasuki/web/i18n"
)

func canonical(t testing.TB, raw []byte) string {
	t.Helper()
	v := jsontext.Value(slices.Clone(raw))
	if err := v.Canonicalize(); err != nil {
		t.Fatal(err)
	}
	return string(v)
}

// A page of the form that is sent back as it came changes nothing of the record: over the page itself, in both languages.
func TestUntouchedPageChangesNothing(t *testing.T) {
	paths, err := filepath.Glob("../../../../spec/cve/testdata/records/*.json")
	if err != nil || len(paths) < 20 {
		t.Fatalf("%d samples, %v", len(paths), err)
	}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		cna, err := cnaOf(raw)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range i18n.Languages {
			state, err := form.Parse(cna)
			if err != nil {
				t.Fatal(err)
			}
			state.Invite()
			b := builder{l: l, places: map[string]place{}}
			v := editor.View{ID: "CVE-2026-1000", At: "/portal/records/CVE-2026-1000", Doc: string(state.Encode()), Sections: b.sections(state), JSON: editor.JSON{Text: pretty(state)}}
			v.Page.Lang = l
			page, err := rendered(t.Context(), editor.Form(v))
			if err != nil {
				t.Fatal(err)
			}
			values := url.Values{}
			for _, x := range controls(t, page) {
				values.Add(x.name, x.value)
			}
			if got := values.Get("doc"); got != string(state.Encode()) {
				t.Fatalf("%s: the form carries %s", path, got)
			}
			if got := strings.ReplaceAll(values.Get("json"), "\r\n", "\n"); got != pretty(state) {
				t.Fatalf("%s: the JSON comes back as %s", path, got)
			}
			state.Apply(values)
			if clean, _ := state.Clean(); canonical(t, clean) != canonical(t, cna) {
				t.Errorf("%s in %s:\n got %s\nwant %s", path, l, canonical(t, clean), canonical(t, cna))
			}
		}
	}
}

// Somebody writes and publishes a record without a script, without JSON.
func TestWriteARecord(t *testing.T) {
	w, id := newDesk(t)
	c := w.signIn(t, "bob@acme.test")
	p := c.paper(t, id)
	p.answer.has(t, "Publish "+id+" to the public list", "CNA rules 5.2")
	p.set("/descriptions/0/value", "A flaw in Acme Widget before 2.1 lets strangers read files.", "/affected/0/vendor", "Acme", "/affected/0/product", "Widget",
		"/affected/0/versions/0/version", "0", "/affected/0/versions/0#to", "2.1")
	p.press("add /descriptions ja").set("/descriptions/1/value", "Acme Widget 2.1より前に、ファイルを読み取られる問題があります。")
	p.press("find /problemTypes/0/descriptions/0/cweId")
	p.set("/problemTypes/0/descriptions/0/cweId", "path trav").press("find /problemTypes/0/descriptions/0/cweId")
	p.answer.has(t, "cwe /problemTypes/0/descriptions/0/cweId CWE-22")
	p.press("cwe /problemTypes/0/descriptions/0/cweId CWE-22")
	p.press("add /metrics cvssV3_1")
	for _, choice := range []string{"AV:N", "AC:L", "PR:N", "UI:N", "S:U", "C:H", "I:N", "A:N"} {
		metric, value, _ := strings.Cut(choice, ":")
		p.set("/metrics/0/cvssV3_1/vectorString#"+metric, value)
	}
	p.press("/check")
	p.answer.has(t, "7.5", "high", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N")
	if said := p.at("f-references-0-url"); !strings.Contains(said, "This is required.") {
		t.Errorf("a record without a reference: %s", said)
	}
	p.set("/references/0/url", "https://acme.example/advisories/1").tick("/references/0/tags", "vendor-advisory")
	p.press("/check")
	p.answer.has(t, "can be published")

	// It survives: another browser of the same person, after this one signed out.
	c.submit(t, "/portal/", "/portal/sign-out")
	p = w.signIn(t, "bob@acme.test").paper(t, id)
	if got := p.values.Get("/affected/0/versions/0#to"); got != "2.1" {
		t.Errorf("the draft has %q", got)
	}
	p.press("/preview")
	p.answer.has(t, "Acme", "2.1", "lets strangers read files", "CWE-22")
	if _, err := w.Catalogue.Get(t.Context(), id); err == nil {
		t.Error("a preview published")
	}
	p = p.c.paper(t, id).press("/publish")
	if p.answer.status != http.StatusSeeOther || p.answer.location != "/cve/"+id {
		t.Fatalf("%d %s\n%s", p.answer.status, p.answer.location, p.at("f-references-0-url"))
	}
	cna := w.record(t, id).Containers.CNA
	if cna.Provider.ShortName != "acme" || len(cna.Descriptions) != 2 || cna.Affected[0].Versions[0].LessThan != "2.1" || cna.ProblemTypes[0].Descriptions[0].CWEID != "CWE-22" ||
		cna.Metrics[0].CVSSv31.BaseScore != 7.5 || !slices.Equal(cna.References[0].Tags, []string{"vendor-advisory"}) {
		t.Errorf("published %+v", cna)
	}
	if list, err := w.opts.Editing.Drafts.List(t.Context(), w.caller(t, "bob@acme.test").User); err != nil || len(list) != 0 {
		t.Errorf("%d drafts are left, %v", len(list), err)
	}
	// And it is updated: the form begins with what is published, with what no field shows.
	p = p.c.paper(t, id)
	p.answer.has(t, "Update "+id+" on the public list")
	p.set("/title", "Path traversal in Acme Widget").press("/preview")
	p.answer.has(t, "Path traversal in Acme Widget", "What changes")
	p = p.c.paper(t, id).press("/publish")
	if p.answer.location != "/cve/"+id || w.record(t, id).Containers.CNA.Title != "Path traversal in Acme Widget" {
		t.Errorf("the update: %d %s", p.answer.status, p.answer.location)
	}
}

// caller is somebody by name.
func (w *world) caller(t testing.TB, user string) authority.Caller {
	t.Helper()
	caller, err := w.Acts.Login(t.Context(), orgOf(user), user, w.keys[user], "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	return caller
}

const complete = `{"descriptions":[{"lang":"en","value":"A flaw."}],"affected":[{"vendor":"Acme","product":"Widget","versions":[{"version":"1","status":"affected"}],"defaultStatus":"unaffected"}],
	"problemTypes":[{"descriptions":[{"lang":"en","description":"none of the known"}]}],"references":[{"url":"https://acme.example/1"}],"x_own":{"a":[1,2.50]},"taxonomyMappings":[{"taxonomyName":"t","taxonomyRelations":[{"taxonomyId":"1","relationshipName":"r","relationshipValue":"v"}]}]}`

func TestJSONBothWays(t *testing.T) {
	w, id := newDesk(t)
	p := w.signIn(t, "ann@acme.test").paper(t, id)
	p.set("json", complete).press("json")
	if got := p.values.Get("/affected/0/product"); got != "Widget" {
		t.Errorf("the form says %q", got)
	}
	p.answer.has(t, "x_own", "taxonomyMappings")
	// Without the button, too, and back from the fields.
	p.set("json", strings.Replace(complete, "Widget", "Gadget", 1)).press("/check")
	if got := p.values.Get("/affected/0/product"); got != "Gadget" {
		t.Errorf("the form says %q", got)
	}
	p.set("/affected/0/product", "Sprocket").press("/check")
	if !strings.Contains(p.values.Get("json"), `"product": "Sprocket"`) || !strings.Contains(p.values.Get("json"), "2.50") {
		t.Errorf("the JSON says %s", p.values.Get("json"))
	}
	// Both ways at once: nothing is chosen, nothing is lost.
	p.set("/affected/0/product", "One", "json", strings.Replace(p.values.Get("json"), "Sprocket", "Two", 1)).press("/publish")
	if p.answer.status != http.StatusConflict || p.values.Get("/affected/0/product") != "One" || !strings.Contains(p.values.Get("json"), "Two") {
		t.Errorf("%d: %s", p.answer.status, p.values.Get("/affected/0/product"))
	}
	p.answer.has(t, "Fields and JSON were both changed")
	p.press("json")
	if got := p.values.Get("/affected/0/product"); got != "Two" {
		t.Errorf("the form says %q", got)
	}
	// What is no JSON stays where it was typed.
	p.set("json", `{"title": `).press("json")
	p.answer.has(t, "cannot be read as a container")
	if got := p.values.Get("json"); got != `{"title": ` {
		t.Errorf("the text became %q", got)
	}
	// A whole record is taken by its CNA container.
	p.set("json", `{"containers":{"cna":{"title":"Pasted","providerMetadata":{"orgId":"x"}}}}`).press("json")
	if p.values.Get("/title") != "Pasted" || strings.Contains(p.values.Get("json"), "providerMetadata") {
		t.Errorf("pasted: %s", p.values.Get("json"))
	}
	p.set("json", complete).press("/publish")
	if p.answer.location != "/cve/"+id {
		t.Fatalf("%d", p.answer.status)
	}
	v, err := w.Catalogue.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := v.Compact()
	if err != nil {
		t.Fatal(err)
	}
	cna, err := cnaOf(raw)
	if err != nil || canonical(t, cna) != canonical(t, []byte(complete)) {
		t.Errorf("published %s, %v", cna, err)
	}
}

// Two tabs: the later one is told, and what either wrote is still there.
func TestTwoTabs(t *testing.T) {
	w, id := newDesk(t)
	c := w.signIn(t, "ann@acme.test")
	one, two := c.paper(t, id), c.paper(t, id)
	one.set("/title", "first").press("/draft")
	two.set("/title", "second").press("/draft")
	if two.answer.status != http.StatusConflict || two.values.Get("/title") != "second" {
		t.Fatalf("%d %q", two.answer.status, two.values.Get("/title"))
	}
	two.answer.has(t, "Another tab or device saved this draft")
	if got := c.paper(t, id).values.Get("/title"); got != "first" {
		t.Errorf("the draft is %q", got)
	}
	two.press("/publish")
	if two.answer.status != http.StatusConflict {
		t.Errorf("the later tab published: %d", two.answer.status)
	}
	// The browser crashes: the loser is kept beside the draft.
	crashed := c.paper(t, id)
	crashed.answer.has(t, "was kept when two tabs wrote at once")
	if a := c.get(t, "/portal/records/"+id+"/edit?draft=aside"); !strings.Contains(a.body, `value="second"`) {
		t.Error("what lost is not shown")
	}
	two.press("overrule")
	if got := c.paper(t, id).values.Get("/title"); got != "second" {
		t.Errorf("the draft is %q", got)
	}
	one = c.paper(t, id).press("drop-aside")
	one.answer.lacks(t, "was kept when two tabs wrote at once")
	one.press("discard")
	if got := c.paper(t, id).values.Get("/title"); got != "" {
		t.Errorf("discarded, and yet %q", got)
	}
}

func TestErrorsAtTheirFields(t *testing.T) {
	w, id := newDesk(t)
	p := w.signIn(t, "ann@acme.test").paper(t, id)
	p.press("add /references").set("/descriptions/0/value", "Reported by Eve.", "/references/1/url", "no address", "/affected/0/vendor", "Acme",
		"/affected/0/product", "Widget", "/affected/0/versions/0/version", "2", "/affected/0/versions/0#to", "1", "/affected/0/versions/0/versionType", "semver",
		"/title", strings.Repeat("x", 257))
	p.press("add /metrics cvssV4_0").set("/metrics/0/cvssV4_0/vectorString", "CVSS:4.0/AV:N").press("/publish")
	if p.answer.status != http.StatusUnprocessableEntity {
		t.Fatalf("%d", p.answer.status)
	}
	for id, want := range map[string]string{
		"f-title": "At most 256 characters, there are 257.", "f-references-1-url": "An address such as", "f-descriptions-0-value": "credits",
		"f-metrics-0-cvssV4_5f0-vectorString": "choose a value for every base metric", "f-affected-0-versions-0_23to": "",
		"f-problemTypes-0-descriptions-0-cweId": "best by a CWE",
	} {
		if said := p.at(id); want != "" && !strings.Contains(said, want) {
			t.Errorf("at %s: %q, want %q", id, said, want)
		}
	}
	listed, _, _ := strings.Cut(p.answer.body, "edit-grid")
	var order []int
	for _, id := range []string{"f-title", "f-metrics-0-cvssV4_5f0-vectorString", "f-references-1-url"} {
		order = append(order, strings.Index(listed, "#"+id))
	}
	if order[0] < 0 || !slices.IsSorted(order) {
		t.Errorf("the list is not in the order of the form: %d", order)
	}
	p.answer.has(t, `href="#f-title"`, "Nothing was published", `aria-invalid="true"`)
	if _, err := w.Catalogue.Get(t.Context(), id); err == nil {
		t.Error("published")
	}
	// The same in Japanese.
	a := p.c.get(t, "/portal/records/"+id+"/edit?checked=1&lang=ja")
	a.has(t, "256 文字までです（いま 257 文字）", "か所を直してください", "公開リストに公開する")
}

// Whoever may not write sees nothing of it, and nothing of a draft.
func TestWhoMayWrite(t *testing.T) {
	w, id := newDesk(t)
	p := w.signIn(t, "bob@acme.test").paper(t, id)
	p.set("/title", "a secret flaw").press("/draft")
	if a := w.visitor(t).get(t, "/portal/records/"+id+"/edit"); a.status != http.StatusSeeOther || !strings.HasPrefix(a.location, "/portal/sign-in") {
		t.Errorf("a stranger: %d %s", a.status, a.location)
	}
	other := w.signIn(t, "oto@other.test")
	for _, what := range []string{"/edit", "/edit?draft=aside", "/preview"} {
		if a := other.get(t, "/portal/records/"+id+what); a.status != http.StatusForbidden {
			t.Errorf("another CNA %s: %d", what, a.status)
		}
		if a := other.get(t, "/portal/records/CVE-2026-999999"+what); a.status != http.StatusForbidden {
			t.Errorf("another CNA on what there is not: %d", a.status)
		}
	}
	form := url.Values{"csrf": {other.token(t, "/portal/")}, "doc": {complete}, "version": {"0"}, "base": {"-1"}}
	for _, to := range []string{"/edit", "/check", "/draft", "/preview", "/publish"} {
		if a := other.post(t, "/portal/records/"+id+to, form); a.status != http.StatusForbidden {
			t.Errorf("another CNA posts %s: %d", to, a.status)
		}
	}
	// A colleague may write, and begins anew: a draft is its writer's.
	colleague := w.signIn(t, "ann@acme.test").paper(t, id)
	if colleague.values.Get("/title") != "" || strings.Contains(colleague.answer.body, "a secret flaw") {
		t.Error("a colleague sees the draft")
	}
	if strings.Contains(w.log.String(), "secret flaw") {
		t.Errorf("the log says %s", w.log.String())
	}
	for _, bad := range []string{"/portal/records/CVE-1/edit", "/portal/records/x/edit"} {
		if a := p.c.get(t, bad); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", bad, a.status)
		}
	}
	for name, form := range map[string]url.Values{
		"nothing": {}, "no version": {"doc": {"{}"}}, "no document": {"doc": {"[1]"}, "version": {"0"}, "base": {"0"}}, "words": {"doc": {"{}"}, "version": {"x"}, "base": {"0"}},
	} {
		form.Set("csrf", p.values.Get("csrf"))
		if a := p.c.post(t, "/portal/records/"+id+"/publish", form); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, a.status)
		}
	}
}

// What somebody else publishes while one writes is not written over without a word.
func TestOvertaken(t *testing.T) {
	w, id := newDesk(t)
	c := w.signIn(t, "ann@acme.test")
	p := c.paper(t, id).set("json", complete).press("json")
	publish := func(title string, want program.Want) {
		t.Helper()
		raw := jsontext.Value(strings.Replace(complete, "{", `{"title":"`+title+`",`, 1))
		if _, err := w.Acts.Publish(t.Context(), w.caller(t, "bob@acme.test"), program.Submission{ID: id, Container: raw, Want: want}); err != nil {
			t.Fatal(err)
		}
	}
	publish("by a tool", program.WantNone)
	p.press("/publish")
	if p.answer.status != http.StatusConflict || w.record(t, id).Containers.CNA.Title != "by a tool" {
		t.Fatalf("%d %q", p.answer.status, w.record(t, id).Containers.CNA.Title)
	}
	p.answer.has(t, "has changed since you began", "Update "+id)
	p.set("/title", "mine after all").press("/publish")
	if p.answer.location != "/cve/"+id || w.record(t, id).Containers.CNA.Title != "mine after all" {
		t.Errorf("%d %q", p.answer.status, w.record(t, id).Containers.CNA.Title)
	}
}

func TestTemplates(t *testing.T) {
	w, id := newDesk(t)
	c := w.signIn(t, "ann@acme.test")
	p := c.paper(t, id).set("json", complete).press("json").set("/datePublic", "2026-11-20T00:00", "template", "Widgets")
	p.press("template")
	p.answer.has(t, "The template is saved.")
	p.press("/publish")
	p.set("template", " ").press("template")
	p.answer.lacks(t, "The template is saved.")
	list := c.get(t, "/portal/templates")
	list.has(t, "Widgets", "ann@acme.test")
	if list := c.paper(t, w.reserve(t)).set("/title", "begun").press("/draft").c.get(t, "/portal/templates"); !strings.Contains(list.body, "/edit\">CVE-2026-") {
		t.Error("a draft is not listed")
	}

	second := w.reserve(t)
	bob := w.signIn(t, "bob@acme.test").paper(t, second)
	bob.answer.has(t, "template Widgets", "record "+id)
	bob.set("start", "template Widgets").press("start")
	if bob.values.Get("/affected/0/vendor") != "Acme" || bob.values.Get("/datePublic") != "" {
		t.Errorf("begun with %q, public %q", bob.values.Get("/affected/0/vendor"), bob.values.Get("/datePublic"))
	}
	if got := bob.c.paper(t, second).values.Get("/affected/0/vendor"); got != "Acme" {
		t.Errorf("the draft has %q", got)
	}
	third := bob.c.paper(t, w.reserve(t))
	third.set("start", "record "+id).press("start")
	if third.values.Get("/affected/0/product") != "Widget" {
		t.Error("not begun with a record")
	}
	if a := w.signIn(t, "oto@other.test").get(t, "/portal/templates"); strings.Contains(a.body, "Widgets") {
		t.Error("another organisation sees the template")
	}
	c.submit(t, "/portal/templates", "/portal/templates", "remove", "Widgets")
	list = c.get(t, "/portal/templates")
	list.lacks(t, "Widgets")
}
