package web

import (
	"testing"

	"github.com/chromedp/chromedp"

	"tasuki/internal/edge/serve/page/browsertest"
	"tasuki/internal/store/storetest"
)

// The authority's pages in a browser: nothing wider than the window, nothing that axe-core complains of, in both languages, themes
// and widths; and the way from a product to whom to write to without a script.
func TestAuthorityInABrowser(t *testing.T) {
	w := busy(t, storetest.Open(t, storetest.SQLite(t)))
	b := browsertest.Open(t, w)
	for name, path := range map[string]string{
		"cnas": "/cnas", "tree": "/cnas?view=tree", "nothing": "/cnas?q=zzz", "org": "/cnas/acme", "root": "/cnas/isle", "clocks": "/clocks", "cases": "/disputes",
		"dispute": "/disputes/" + w.cases["dispute"], "hidden": "/disputes/" + w.cases["hidden"], "ask": "/responsible", "holder": "/responsible?vendor=acme&product=rocket",
		"overlap": "/responsible?vendor=acme&product=shared", "gap": "/responsible?vendor=acme&product=fossil&eol=1", "disputed": "/cve/" + w.ids["disputed"],
	} {
		b.CheckLooks(t, "authority "+name, path)
	}
	t.Run("from a product to an address", func(t *testing.T) {
		b.Scripts(t, false)
		defer b.Scripts(t, true)
		b.Size(t, 1280, 800)
		b.Go(t, "/cnas?lang=en")
		b.Do(t, chromedp.SendKeys(`.ask input[name="vendor"]`, "acme"), chromedp.SendKeys(`.ask input[name="product"]`, "rocket"), chromedp.Click(`.ask button`))
		b.Until(t, `location.pathname === "/responsible" && document.querySelector(".write") !== null`)
		if got := b.Text(t, ".write .contacts a"); got != "psirt@acme.example" {
			t.Errorf("whom to write to is %q", got)
		}
		if top := b.Eval(t, `document.querySelector(".write .contacts a").getBoundingClientRect().bottom <= innerHeight`); top != true {
			t.Error("whom to write to is not on the first screen")
		}
	})
	b.CheckQuiet(t)
}
