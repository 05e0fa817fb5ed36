package web

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tasuki/internal/edge/serve/page/browsertest"
)

func TestInABrowser(t *testing.T) {
	b := browsertest.Open(t, handler(t, load(t)))

	t.Run("keys", func(t *testing.T) {
		b.Do(t, chromedp.Navigate(b.Base+"/cve/CVE-2024-4879"), browsertest.Press("/"))
		if got := b.Eval(t, `document.activeElement.id`); got != "q" {
			t.Errorf("after / the focus is on %v", got)
		}
		if got := b.Eval(t, `document.getElementById("q").value`); got != "" {
			t.Errorf("the slash was typed: %v", got)
		}
		b.Do(t, chromedp.SendKeys("#q", "cve-2023-44487"+kb.Enter))
		b.Until(t, `location.pathname === "/cve/CVE-2023-44487"`)
		b.Do(t, chromedp.Navigate(b.Base+"/search?kev=yes"), chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.ArrowDown))
		if got, want := b.Eval(t, `document.activeElement.textContent`), b.Eval(t, `document.querySelectorAll(".hits a.id")[1].textContent`); got != want {
			t.Errorf("two arrows down is on %v, want %v", got, want)
		}
		b.Do(t, chromedp.KeyEvent(kb.Enter))
		b.Until(t, `location.pathname.startsWith("/cve/CVE-")`)
	})

	t.Run("search", func(t *testing.T) {
		b.Do(t, chromedp.Navigate(b.Base+"/"))
		if got := b.Eval(t, `document.activeElement.id`); got != "q" {
			t.Errorf("the first page has its focus on %v", got)
		}
		b.Do(t, chromedp.SendKeys("#q", "firewall"+kb.Enter))
		b.Until(t, `location.pathname === "/search" && document.querySelectorAll(".chips a").length === 1`)
		b.Do(t, chromedp.Click("details.facet a"))
		b.Until(t, `document.querySelectorAll(".chips a").length === 2 && document.querySelectorAll(".hits li").length > 0`)
	})

	t.Run("language and theme stay chosen", func(t *testing.T) {
		b.Do(t, chromedp.Navigate(b.Base+"/"), chromedp.Click(`a[hreflang="ja"]`))
		b.Until(t, `document.documentElement.lang === "ja"`)
		b.Do(t, chromedp.Navigate(b.Base+"/?theme=dark"), chromedp.Navigate(b.Base+"/cve/CVE-2024-4879"))
		if got := b.Eval(t, `document.documentElement.lang + document.documentElement.dataset.theme`); got != "jadark" {
			t.Errorf("the next page is %v", got)
		}
		if got := b.Eval(t, `getComputedStyle(document.documentElement).backgroundColor`); got != "rgb(23, 22, 20)" {
			t.Errorf("a dark page has the ground %v", got)
		}
	})
	b.CheckQuiet(t)
}
