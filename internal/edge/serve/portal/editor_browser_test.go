package portal

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tasuki/internal/edge/serve/page/browsertest"
	"tasuki/internal/edge/serve/web"
)

// whole are the portal and the public pages, as a node serves them.
func (w *world) whole() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/portal/", Handler(w.opts))
	mux.Handle("/", web.Handler(web.Options{Kit: w.opts.Kit, Catalogue: w.Catalogue}))
	return mux
}

// press presses what a selector finds, in the middle of the window, where nothing lies over it.
func press(t testing.TB, b *browsertest.Browser, selector string) {
	t.Helper()
	b.Eval(t, `document.querySelector(`+"`"+selector+"`"+`).scrollIntoView({block: "center"}), 0`)
	b.Do(t, chromedp.Click(selector))
}

// field is a control's selector by the member that it holds.
func field(name string) string { return `[name="` + name + `"]` }

// A person writes a record from the reserved identifier to the public page, by fields and buttons alone: with scripts, in
// Japanese and in English.
func TestEditorInABrowser(t *testing.T) {
	w, _ := newDesk(t)
	for _, lang := range []string{"en", "ja"} {
		t.Run(lang, func(t *testing.T) {
			id := w.reserve(t)
			b := browsertest.Open(t, w.whole())
			w.enter(t, b, "bob@acme.test")
			b.Size(t, 1366, 900)
			b.Go(t, "/portal/records/"+id+"/edit?lang="+lang)
			check := func(when string) {
				t.Helper()
				t.Run(when, func(t *testing.T) {
					b.CheckAxe(t)
					b.CheckWidth(t)
				})
			}
			check("a blank form")
			b.Shot(t, "editor-blank-"+lang)
			b.Do(t,
				chromedp.SendKeys(field("/title"), "File disclosure in Acme Widget"),
				chromedp.SendKeys(field("/descriptions/0/value"), "A path traversal in Acme Widget before 2.1 lets strangers read files of the server."),
				chromedp.SendKeys(field("/affected/0/vendor"), "Acme"),
				chromedp.SendKeys(field("/affected/0/product"), "Widget"),
				chromedp.SendKeys(field("/affected/0/versions/0/version"), "0"),
				chromedp.SendKeys(field("/affected/0/versions/0#to"), "2.1"))
			// The JSON follows without a press.
			b.Until(t, `document.getElementById("json").value.includes('"lessThan": "2.1"')`)

			// A second language: the form goes on where the new row is.
			press(t, b, `button[value="add /descriptions ja"]`)
			b.Until(t, `document.activeElement.name === "/descriptions/1/lang"`)
			b.Do(t, chromedp.SendKeys(field("/descriptions/1/value"), "Acme Widget 2.1より前のバージョンに、サーバーのファイルを読み取られる問題があります。"))

			// A weakness by words and keys.
			b.Do(t, chromedp.SendKeys(field("/problemTypes/0/descriptions/0/cweId"), "path trav"))
			b.Until(t, `document.querySelectorAll("[role=option]").length > 2`)
			check("with a list of weaknesses")
			b.Do(t, chromedp.KeyEvent(kb.ArrowDown), browsertest.Press("Enter"))
			b.Until(t, `document.getElementsByName("/problemTypes/0/descriptions/0/cweId")[0].value === "CWE-22" && document.getElementsByName("/problemTypes/0/descriptions/0/description")[0].value.startsWith("CWE-22 Improper")`)

			// A score by clicking, seen while it is made.
			press(t, b, `button[value="add /metrics cvssV3_1"]`)
			b.Until(t, `document.querySelector("[data-calc]")`)
			for _, choice := range []string{"AV:N", "AC:L", "PR:N", "UI:N", "S:U", "C:H", "I:N", "A:N"} {
				metric, value, _ := strings.Cut(choice, ":")
				press(t, b, field("/metrics/0/cvssV3_1/vectorString#"+metric)+`[value="`+value+`"] + span`)
			}
			b.Until(t, `document.querySelector("output.calc-score").innerText.includes("7.5")`)
			if got := b.Eval(t, `document.getElementsByName("/metrics/0/cvssV3_1/vectorString")[0].value`); got != "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N" {
				t.Errorf("the vector is %v", got)
			}
			b.Until(t, `document.getElementById("json").value.includes('"baseScore": 7.5')`)

			// Checked: what is missing stands at its field, and the list leads there.
			press(t, b, "#check")
			b.Until(t, `document.querySelector("#problems a") && document.activeElement.id === "problems"`)
			check("with a problem")
			b.Shot(t, "editor-problem-"+lang)
			press(t, b, "#problems a")
			b.Until(t, `document.activeElement.name === "/references/0/url"`)
			b.Do(t, chromedp.SendKeys(field("/references/0/url"), "https://acme.example/advisories/2026-1"))
			b.Until(t, `document.getElementById("f-references-0-url-p").innerText === "" && !document.querySelector("#problems .problems")`)

			// It survives the tab.
			b.Until(t, `!document.getElementById("saved").innerText.includes("…")`)
			b.Go(t, "/")
			b.Go(t, "/portal/records/"+id+"/edit")
			b.Until(t, `document.getElementsByName("/references/0/url")[0].value === "https://acme.example/advisories/2026-1"`)
			check("a draft")
			b.Shot(t, "editor-draft-"+lang)
			b.Size(t, 390, 844)
			check("a draft on a phone")
			b.Shot(t, "editor-narrow-"+lang)
			b.Size(t, 1366, 900)

			press(t, b, `button[formaction$="/preview"]`)
			b.Until(t, `location.pathname.endsWith("/preview") && document.querySelector(".as-published")`)
			check("a preview")
			b.Shot(t, "editor-preview-"+lang)
			press(t, b, "a.button")
			b.Until(t, `document.getElementById("publish")`)
			if got, want := b.Text(t, "#publish"), map[string]string{"en": "Publish " + id + " to the public list", "ja": id + " を公開リストに公開する"}[lang]; !strings.Contains(got, want) {
				t.Errorf("the button says %q", got)
			}
			press(t, b, "#publish")
			b.Until(t, `location.pathname === "/cve/`+id+`"`)
			page := b.Text(t, "main")
			for _, want := range []string{"File disclosure in Acme Widget", "7.5", "CWE-22", "2.1"} {
				if !strings.Contains(page, want) {
					t.Errorf("the public page lacks %q", want)
				}
			}
			if want := map[string]string{"en": "lets strangers read files", "ja": "読み取られる問題"}[lang]; !strings.Contains(page, want) {
				t.Errorf("the public page lacks %q", want)
			}
			b.CheckQuiet(t)
		})
	}
}

// The same without scripts, as far as a page load for each button goes.
func TestEditorWithoutScripts(t *testing.T) {
	w, id := newDesk(t)
	b := browsertest.Open(t, w.whole())
	w.enter(t, b, "ann@acme.test")
	b.Scripts(t, false)
	b.Go(t, "/portal/records/"+id+"/edit")
	b.Do(t, chromedp.SendKeys(field("/descriptions/0/value"), "A flaw in Acme Widget 1."),
		chromedp.SendKeys(field("/affected/0/vendor"), "Acme"), chromedp.SendKeys(field("/affected/0/product"), "Widget"), chromedp.SendKeys(field("/affected/0/versions/0/version"), "1"),
		chromedp.SendKeys(field("/references/0/url"), "https://acme.example/1"), chromedp.SendKeys(field("/problemTypes/0/descriptions/0/cweId"), "sql injection"))
	press(t, b, ".find-weakness")
	b.Until(t, `document.querySelector(".edit-weaknesses button")`)
	press(t, b, `.edit-weaknesses button[value$=" CWE-89"]`)
	b.Until(t, `document.getElementsByName("/problemTypes/0/descriptions/0/cweId")[0].value === "CWE-89"`)
	press(t, b, "#publish")
	b.Until(t, `location.pathname === "/cve/`+id+`"`)
	if page := b.Text(t, "main"); !strings.Contains(page, "A flaw in Acme Widget 1.") || !strings.Contains(page, "CWE-89") {
		t.Errorf("the public page says %s", page)
	}
	b.CheckQuiet(t)
}

// rich is a container with something in every part of the form, some of it wrong.
const rich = `{"title":"Everything","descriptions":[{"lang":"en","value":"A flaw.","supportingMedia":[{"type":"text/html","value":"<p>A flaw.</p>"}]},{"lang":"ja","value":"欠陥。"}],
	"affected":[{"vendor":"Acme","product":"Widget","packageURL":"pkg:npm/widget","platforms":["Linux","Windows"],"cpes":["nonsense"],"defaultStatus":"unknown",
		"versions":[{"version":"0","status":"affected","lessThan":"2.1","versionType":"semver","changes":[{"at":"1.5","status":"unaffected"}]},{"version":"3","status":"affected"}]}],
	"problemTypes":[{"descriptions":[{"lang":"en","cweId":"CWE-79","description":"XSS","type":"CWE"},{"lang":"ja","description":"XSS"}]}],
	"metrics":[{"format":"CVSS","cvssV4_0":{"version":"4.0","vectorString":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:N/VA:N/SC:N/SI:N/SA:N/E:A","baseScore":8.7,"baseSeverity":"HIGH"},"scenarios":[{"lang":"en","value":"GENERAL"}]},
		{"cvssV2_0":{"version":"2.0","vectorString":"AV:N/AC:L","baseScore":5}},{"other":{"type":"ssvc","content":{"a":1}}}],
	"references":[{"url":"https://acme.example/1","name":"Advisory","tags":["vendor-advisory","x_own"]}],
	"solutions":[{"lang":"en","value":"Update."}],"impacts":[{"capecId":"CAPEC-63","descriptions":[{"lang":"en","value":"XSS"}]}],
	"credits":[{"lang":"en","value":"Eve","type":"finder"}],"timeline":[{"time":"2026-11-01T00:00:00.000Z","lang":"en","value":"Found"},{"time":"soon","lang":"en","value":"Fixed"}],
	"tags":["disputed"],"datePublic":"2026-11-20T00:00:00.000Z","source":{"discovery":"EXTERNAL","defect":["1","2"]},"taxonomyMappings":[],"x_own":1}`

// A form with everything in it can be read by everybody, wide and narrow, light and dark.
func TestRichFormInABrowser(t *testing.T) {
	w, id := newDesk(t)
	w.signIn(t, "ann@acme.test").paper(t, id).set("json", rich).press("json").set("template", "All of it").press("template")
	b := browsertest.Open(t, w.whole())
	w.enter(t, b, "ann@acme.test")
	for _, look := range browsertest.Looks[:2] {
		for name, path := range map[string]string{"form": "/portal/records/" + id + "/edit?checked=1", "preview": "/portal/records/" + id + "/preview", "desk": "/portal/templates"} {
			t.Run(name+" "+look.Name, func(t *testing.T) {
				b.See(t, path, look)
				b.Eval(t, `document.querySelectorAll("details").forEach((d) => { d.open = true; })`)
				b.CheckAxe(t)
				b.CheckWidth(t)
				b.Shot(t, "editor-rich-"+name+"-"+strings.ReplaceAll(look.Name, " ", "-"))
			})
		}
	}
	b.CheckQuiet(t)
}
