package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tasuki/internal/edge/serve/page/browsertest"
)

// pageRecords are the records of the pages' own tests: real ones with much to show, and a Japanese one.
const pageRecords = "../../internal/edge/serve/web/testdata/records"

// browsed is a whole node for readers: the sample, the records of pageRecords, one of them (browsedID) in two versions a day
// apart, all under a signed checkpoint.
type browsed struct {
	*kitNode
	clock  *atomic.Int64                                         // milliseconds since 1970
	tamper atomic.Pointer[func(path string, body []byte) []byte] // what a lying server does to its answers; nil: nothing
}

const browsedID = "CVE-2024-4879"

func openBrowsed(t *testing.T, store string) *browsed {
	t.Helper()
	var clock atomic.Int64
	clock.Store(time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC).UnixMilli())
	k := openKit(t, kitOptions{store: store, now: func() time.Time { return time.UnixMilli(clock.Load()).UTC() }})
	take := func(paths ...string) {
		t.Helper()
		if _, err := k.Import(t.Context(), ImportRequest{Paths: paths}, nil, quiet{}); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(filepath.Join(pageRecords, browsedID+".json"))
	if err != nil {
		t.Fatal(err)
	}
	older := strings.NewReplacer(`"dateUpdated": "2024-08-01`, `"dateUpdated": "2024-07-20`, `"metrics"`, `"x_metrics"`).Replace(string(raw))
	if older == string(raw) {
		t.Fatal("the record has changed: there is no older version to make of it")
	}
	first := filepath.Join(t.TempDir(), browsedID+".json")
	if err := os.WriteFile(first, []byte(older), 0o600); err != nil {
		t.Fatal(err)
	}
	take(first)
	clock.Add((24 * time.Hour).Milliseconds())
	take(sampleFiles(t, 500), pageRecords)
	clock.Add((12 * time.Hour).Milliseconds())
	if _, err := k.signed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := k.catalogue.Warm(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return &browsed{kitNode: k, clock: &clock}
}

// turn turns the clock on.
func (b *browsed) turn(d time.Duration) { b.clock.Add(d.Milliseconds()) }

// ServeHTTP is the node, or the liar that tamper makes of it.
func (b *browsed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	lie := b.tamper.Load()
	if lie == nil {
		b.door.ServeHTTP(w, r)
		return
	}
	r.Header.Del("Accept-Encoding")
	rec := httptest.NewRecorder()
	b.door.ServeHTTP(rec, r)
	body := (*lie)(r.URL.Path, rec.Body.Bytes())
	for name, values := range rec.Header() {
		w.Header()[name] = values
	}
	w.Header().Del("Content-Length")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(rec.Code)
	_, _ = w.Write(body)
}

// lying makes the node change the answers below a path while fn runs.
func (b *browsed) lying(prefix string, change func([]byte) []byte, fn func()) {
	lie := func(path string, body []byte) []byte {
		if strings.HasPrefix(path, prefix) {
			return change(bytes.Clone(body))
		}
		return body
	}
	b.tamper.Store(&lie)
	defer b.tamper.Store(nil)
	fn()
}

// TestJourneys walks what readers come for, in both languages, wide and narrow, with scripts and without.
func TestJourneys(t *testing.T) {
	if testing.Short() {
		t.Skip("walks each way through a browser eight times")
	}
	node := openBrowsed(t, "")
	b := browsertest.Open(t, node)
	for _, lang := range []string{"en", "ja"} {
		for _, window := range []struct {
			name          string
			width, height int64
		}{{"wide", 1280, 800}, {"phone", 390, 844}} {
			for _, scripts := range []bool{true, false} {
				name := lang + " " + window.name + map[bool]string{true: " scripts", false: " no scripts"}[scripts]
				t.Run(name, func(t *testing.T) {
					b.Scripts(t, scripts)
					b.Size(t, window.width, window.height)
					b.Go(t, "/?lang="+lang)
					(&reader{browsed: node, b: b, scripts: scripts, lang: lang}).walk(t)
				})
			}
		}
	}
	b.CheckQuiet(t)
}

type reader struct {
	*browsed
	b       *browsertest.Browser
	scripts bool
	lang    string
}

// ask types into the search box of the page that is open.
func (r *reader) ask(t *testing.T, text string) {
	t.Helper()
	r.b.Do(t, chromedp.Clear("#q"), chromedp.SendKeys("#q", text+kb.Enter))
}

// at waits for a page by its path.
func (r *reader) at(t *testing.T, path, there string) {
	t.Helper()
	r.b.Until(t, `location.pathname === "`+path+`" && (`+there+`)`)
	if got := r.b.Eval(t, `document.documentElement.lang`); got != r.lang {
		t.Errorf("%s is in %v", path, got)
	}
	if over := r.b.Eval(t, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over != 0.0 {
		t.Errorf("%s is %v px wider than the window", path, over)
	}
}

func (r *reader) walk(t *testing.T) {
	b, record := r.b, "/cve/"+browsedID

	// By its id, as somebody would type it.
	r.ask(t, "cve-2024-4879")
	r.at(t, record, `document.querySelector("h1")`)

	// By a Japanese word.
	r.ask(t, "認証回避")
	r.at(t, "/search", `document.querySelectorAll(".hits a.id").length > 0`)
	if ids := b.Eval(t, `[...document.querySelectorAll(".hits a.id")].map(a => a.textContent.trim()).join(" ")`).(string); !strings.Contains(ids, "CVE-2026-90001") {
		t.Errorf("認証回避 finds %s", ids)
	}

	// By vendor and severity, and from the row to the record.
	r.ask(t, "vendor:servicenow severity:critical")
	r.at(t, "/search", `new URLSearchParams(location.search).get("q").startsWith("vendor") && document.querySelectorAll(".hits a.id").length > 0`)
	b.Do(t, chromedp.Click(`.hits a.id[href="`+record+`"]`))
	r.at(t, record, `document.querySelector("h1")`)

	// What it is, how bad, and from which version it is mended, is on the page without pressing anything.
	says := b.Text(t, "main")
	for _, want := range []string{"ServiceNow", "9.8", "Utah"} {
		if !strings.Contains(says, want) {
			t.Errorf("the record does not say %q", want)
		}
	}
	if n := b.Eval(t, `[...document.querySelectorAll("main svg, main table")].filter(e => e.checkVisibility()).length`).(float64); n < 1 {
		t.Error("no range is drawn or listed")
	}

	// Two versions, compared.
	b.Do(t, chromedp.Click(`main a[href^="`+record+`/history"], main a[href="`+record+`/diff"]`))
	b.Until(t, `location.pathname.startsWith("`+record+`/")`)
	if b.Eval(t, `location.pathname`) == record+"/history" {
		b.Do(t, chromedp.Click(`form.history button[type="submit"]`))
	}
	r.at(t, record+"/diff", `document.querySelectorAll(".diffs li").length > 0`)
	if says := b.Text(t, "main"); !strings.Contains(says, "9.8") {
		t.Error("the diff does not show the score that was added")
	}

	// As it was on a day before.
	b.Go(t, record)
	b.Do(t, chromedp.Click("details.asof summary"))
	b.Eval(t, `document.getElementById("at").value = "2026-11-20"`)
	b.Do(t, chromedp.Click(`details.asof button[type="submit"]`))
	r.at(t, record, `new URLSearchParams(location.search).get("at") === "2026-11-20" && document.querySelector(".banner")`)
	if says := b.Text(t, "main .facts"); strings.Contains(says, "9.8") {
		t.Error("the past knows the score of the next day")
	}

	// Its proof.
	b.Go(t, record)
	b.Do(t, chromedp.Click(`main a[href="/verify?id=`+browsedID+`"]`))
	r.at(t, "/verify", `document.querySelector("#verify")`)
	if r.scripts {
		r.verify(t)
	} else if says := b.Text(t, "main"); !strings.Contains(says, "tasuki verify record "+browsedID) || !strings.Contains(says, "JavaScript") {
		t.Errorf("without scripts the page does not show another way: %s", says)
	}

	// On paper.
	b.Go(t, record)
	if pdf := b.PDF(t); !bytes.HasPrefix(pdf, []byte("%PDF-")) || len(pdf) < 10_000 {
		t.Errorf("%d bytes of PDF", len(pdf))
	}
}

// verify pins the list and waits for the proof to hold.
func (r *reader) verify(t *testing.T) {
	t.Helper()
	r.b.Eval(t, `localStorage.clear()`)
	r.b.Go(t, "/verify?id="+browsedID)
	r.b.Until(t, `document.getElementById("verify").dataset.verdict === "unpinned"`)
	r.b.Do(t, chromedp.SendKeys("#list", strings.ToUpper(r.chain.ListID())+kb.Enter))
	r.b.Until(t, `document.getElementById("verify").dataset.verdict === "proved"`)
	if got := r.steps(t); got != "proof=ok charter=ok signature=ok leaf=ok path=ok body=ok record=ok" {
		t.Error(got)
	}
}

// steps are the states of what was checked.
func (r *reader) steps(t *testing.T) string {
	t.Helper()
	return r.b.Eval(t, `[...document.querySelectorAll("[data-step]")].map(li => li.dataset.step + "=" + li.dataset.state).join(" ")`).(string)
}
