package web

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tasuki/internal/edge/serve/page/browsertest"
)

// What a reader does with the keyboard to find a record, and the same without scripts.
func TestFindingInABrowser(t *testing.T) {
	h := handler(t, load(t))
	total(t, h, "/search") // completion answers for what searches have seen
	b := browsertest.Open(t, h)
	shownOptions := `!document.getElementById("q-options").hidden && document.querySelectorAll("#q-options [role=option]").length`

	t.Run("completion", func(t *testing.T) {
		b.Go(t, "/")
		b.Do(t, chromedp.SendKeys("#q", "vend"))
		b.Until(t, shownOptions+` > 0 && document.getElementById("q").getAttribute("aria-expanded") === "true"`)
		b.Do(t, chromedp.KeyEvent(kb.ArrowDown))
		if got := b.Eval(t, `document.getElementById(document.getElementById("q").getAttribute("aria-activedescendant")).textContent.trim().split(" ")[0]`); got != "vendor:" {
			t.Errorf("the first option is %v", got)
		}
		b.Do(t, browsertest.Press("Enter")) // half a condition: its values follow
		b.Until(t, `document.getElementById("q").value === "vendor:" && document.querySelectorAll("#q-options .count").length > 0`)
		b.Do(t, chromedp.SendKeys("#q", "juni"))
		b.Until(t, shownOptions+` === 1`)
		b.Do(t, chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.Tab))
		b.Until(t, `document.getElementById("q").value === 'vendor:"juniper networks" ' && document.getElementById("q-options").hidden`)
		b.Do(t, chromedp.SendKeys("#q", "se"))
		b.Until(t, shownOptions+` > 0`)
		b.Shot(t, "completion")
		if v := b.Axe(t); len(v) > 0 {
			t.Errorf("open list: %q", v)
		}
		b.Do(t, chromedp.KeyEvent(kb.Escape))
		b.Until(t, `document.getElementById("q-options").hidden && document.getElementById("q").value.endsWith("se")`)
		// Without an option chosen, Enter searches.
		b.Do(t, chromedp.SendKeys("#q", kb.Backspace+kb.Backspace+kb.Enter))
		b.Until(t, `location.pathname === "/search" && document.querySelectorAll(".hits a.id").length === 1`)
	})

	t.Run("keys", func(t *testing.T) {
		b.Go(t, asks("kev:yes"))
		b.Do(t, chromedp.KeyEvent(kb.ArrowDown))
		if got := b.Eval(t, `getComputedStyle(document.activeElement.closest(".hit").querySelector(".whose")).clipPath`); got != "none" {
			t.Errorf("whose score it is does not show on focus: %v", got)
		}
		raw := b.Eval(t, `document.activeElement.dataset.raw`)
		b.Do(t, browsertest.Press("o"))
		b.Until(t, `location.pathname === "`+raw.(string)+`"`)
	})

	for _, scripts := range []bool{true, false} {
		name := map[bool]string{true: "with scripts", false: "without scripts"}[scripts]
		t.Run(name, func(t *testing.T) {
			b.Scripts(t, scripts)
			defer b.Scripts(t, true)
			for _, lang := range []string{"en", "ja"} {
				for _, width := range []int64{1280, 390} {
					b.Size(t, width, 900)
					// By a Japanese word; then narrowed and widened again; then from a list.
					b.Go(t, asks("認証", "lang", lang))
					if got := b.Text(t, ".hits a.id"); got != "CVE-2026-90001" {
						t.Errorf("by a Japanese word: %q", got)
					}
					b.Go(t, asks("", "lang", lang))
					b.Do(t, chromedp.Click(`details[data-dim="severity"] li a`))
					b.Until(t, `document.querySelectorAll(".chips a").length === 1`)
					b.Do(t, chromedp.Click(".chips a"))
					b.Until(t, `document.querySelectorAll(".chips a").length === 0 && document.querySelectorAll(".hits li").length > 10`)
					b.Go(t, "/search?q=severity:hgih")
					b.Do(t, chromedp.Click(".tries a"))
					b.Until(t, `new URLSearchParams(location.search).get("q") === "severity:high" && document.querySelectorAll(".hits li").length > 0`)
					b.Go(t, "/vendors?q=juniper")
					b.Do(t, chromedp.Click(".names th a"))
					b.Until(t, `location.pathname.startsWith("/vendors/") && document.querySelector("h1").textContent === "Juniper Networks"`)
					b.Do(t, chromedp.Click(".brief .id"))
					b.Until(t, `location.pathname === "/cve/CVE-2023-36833"`)
				}
			}
		})
	}
	b.CheckQuiet(t)
}
