package portal

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"tasuki/internal/authority"
	"tasuki/internal/edge/serve/page/browsertest"
	"tasuki/web/assets"
)

// site is the portal with what its pages load.
func (w *world) site() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(assets.Prefix, assets.Handler())
	mux.Handle("/portal/", Handler(w.opts))
	return mux
}

// enter signs somebody in as they do it: by typing.
func (w *world) enter(t *testing.T, b *browsertest.Browser, user string) {
	t.Helper()
	b.Go(t, "/portal/sign-in")
	b.Until(t, `document.activeElement.id === "org"`)
	b.Do(t, chromedp.SendKeys("#org", orgOf(user)), chromedp.SendKeys("#user", user), chromedp.SendKeys("#key", w.keys[user]+"\n"))
	b.Until(t, `location.pathname === "/portal/" && document.querySelector(".whoami")`)
}

func TestInABrowser(t *testing.T) {
	w := newWorld(t)
	b := browsertest.Open(t, w.site())
	b.Size(t, 1280, 800)

	t.Run("a day's work", func(t *testing.T) {
		b.Go(t, "/portal/reserve")
		b.Until(t, `location.pathname === "/portal/sign-in" && document.activeElement.id === "org"`)
		b.Do(t, chromedp.SendKeys("#org", "acme"), chromedp.SendKeys("#user", "ann@acme.test"), chromedp.SendKeys("#key", w.keys["ann@acme.test"]+"\n"))
		b.Until(t, `location.pathname === "/portal/reserve"`) // where it was going
		b.Eval(t, `document.getElementById("amount").select()`)
		b.Do(t, chromedp.SendKeys("#amount", "5"))
		b.Until(t, `document.querySelector("button.primary").textContent === "Reserve 5 CVE IDs of 2026 for acme"`)
		b.Do(t, chromedp.Click("button.primary"))
		b.Until(t, `document.querySelectorAll(".chosen a").length === 5`)
		b.Go(t, "/portal/ids?state=RESERVED")
		b.Do(t, chromedp.Click(`.rows thead input`))
		b.Until(t, `document.querySelectorAll(".rows tbody input:checked").length === 5`)
		b.Do(t, chromedp.Click(`.rows tbody input`), chromedp.Click(`button[value="reject"]`))
		b.Until(t, `document.querySelector("h1").textContent === "Reject 4 CVE IDs"`)
		b.Do(t, chromedp.Click("main button.primary"))
		b.Until(t, `document.querySelector(".done") && document.querySelector(".done").textContent.startsWith("4 CVE IDs are rejected")`)
	})

	t.Run("a form is sent once", func(t *testing.T) {
		w.Clock.Add(time.Second)
		b.Go(t, "/portal/reserve")
		before := w.Size(t)
		b.Eval(t, `(() => { const b = document.querySelector("button.primary"); b.click(); b.click(); b.click(); })()`)
		b.Until(t, `document.querySelectorAll(".chosen a").length === 1`)
		if grown := w.Size(t) - before; grown != 3 {
			t.Errorf("three clicks gave %d leaves, want one reservation's 3", grown)
		}
	})

	t.Run("without scripts", func(t *testing.T) {
		w.Clock.Add(time.Second)
		b.Scripts(t, false)
		b.Go(t, "/portal/reserve?lang=ja")
		b.Do(t, chromedp.Click("button.primary"))
		b.Until(t, `document.querySelectorAll(".chosen a").length === 1`)
		if got := b.Text(t, "h1"); got != "acme 用に 1 件のCVE IDを予約しました" {
			t.Error(got)
		}
		b.Do(t, chromedp.Click(".chosen a"), chromedp.Click(`button[value="reject"]`))
		b.Until(t, `document.querySelector('input[name="sure"]')`)
		b.Do(t, chromedp.SendKeys("#reason", "Reserved by mistake."), chromedp.Click("main .portal button.primary"))
		b.Until(t, `document.querySelector(".done")`)
		b.Do(t, chromedp.Click(`.portal-head form button`))
		b.Until(t, `location.pathname === "/portal/sign-in"`)
		b.Go(t, "/portal/ids")
		b.Until(t, `location.pathname === "/portal/sign-in"`)
		b.Scripts(t, true)
	})
	t.Run("the answer follows the form", func(t *testing.T) {
		w, grants := newTree(t)
		b := browsertest.Open(t, w.site())
		w.enter(t, b, "x@root.test")
		b.Go(t, "/portal/grants/"+grants["acme"].ID)
		b.Do(t, chromedp.SendKeys("#vendor", "rocketeers"))
		b.Until(t, `document.getElementById("answer").textContent.includes("A gap")`)
		b.Eval(t, `(() => { const a = document.getElementById("include"); a.value += "\nvendor=rocketeers"; a.dispatchEvent(new Event("input", { bubbles: true })); })()`)
		b.Until(t, `document.getElementById("answer").textContent.includes("Responsible: acme")`)
		b.CheckQuiet(t)
	})
	b.CheckQuiet(t)
}

// pages are one address of every type of page, for somebody of acme and for the Secretariat.
func (w *world) pages(t *testing.T, grants map[string]authority.Grant) map[string]map[string]string {
	ann, oto := w.signIn(t, "ann@acme.test"), w.signIn(t, "oto@other.test")
	disputed := ann.published(t)
	w.Clock.Add(time.Second)
	id := ann.reserve(t, "3")[0]
	bob := w.userID(t, "bob@acme.test")
	const begin = "/portal/cases/new/dispute"
	dispute := oto.submit(t, begin, begin, "subject", "content", "ids", disputed, "text", "It is a flaw indeed.", "evidence", "https://other.test/why").location
	ann.submit(t, "/portal/account", "/portal/reserve", "for", "other", "amount", "1", "year", "2026", "batch", "sequential")
	return map[string]map[string]string{
		"ann@acme.test": {
			"overview": "/portal/", "ids": "/portal/ids", "ids-none": "/portal/ids?state=PUBLISHED", "id": "/portal/ids/" + id, "reserve": "/portal/reserve", "org": "/portal/orgs/acme",
			"user-new": "/portal/orgs/acme/users/new", "user": "/portal/users/" + bob, "account": "/portal/account", "totp": "/portal/account/totp", "denied": "/portal/orgs", "trail": "/portal/trail", "cases": "/portal/cases", "case": dispute,
			"begin-dispute": begin, "begin-transfer": "/portal/cases/new/transfer", "grant-seen": "/portal/grants/" + grants["acme"].ID,
		},
		"x@root.test": {
			"root-overview": "/portal/", "grants": "/portal/grants", "grant": "/portal/grants/" + grants["acme"].ID, "grant-new": "/portal/grants/new", "root-cases": "/portal/cases",
			"begin-refusal": "/portal/cases/new/refusal", "begin-direction": "/portal/cases/new/direction",
		},
		"sec@secretariat.test": {
			"sec-overview": "/portal/", "orgs": "/portal/orgs", "org-new": "/portal/orgs/new", "org-edit": "/portal/orgs/acme/edit", "sec-reserve": "/portal/reserve",
			"sec-user": "/portal/users/" + bob,
		},
	}
}

// TestAxe looks at every type of page: nothing wider than the window, and axe-core finds nothing.
func TestAxe(t *testing.T) {
	w, grants := newTree(t)
	pages := w.pages(t, grants)
	b := browsertest.Open(t, w.site())
	b.CheckLooks(t, "sign-in", "/portal/sign-in")
	for user, list := range pages {
		b.Go(t, "/portal/?lang=en")
		w.enter(t, b, user)
		for name, path := range list {
			b.CheckLooks(t, name, path)
		}
		b.Go(t, "/portal/")
		b.Do(t, chromedp.Click(`.portal-head form button`))
		b.Until(t, `location.pathname === "/portal/sign-in"`)
	}
	// Pages that only a form leads to.
	w.enter(t, b, "ann@acme.test")
	for name, steps := range map[string]string{
		"confirm":       `document.querySelector("tbody input").checked = true; document.querySelector('button[value="reject"]').click()`,
		"confirm-move":  `document.querySelector("tbody input").checked = true; document.querySelector('button[value="transfer"]').click()`,
		"none-selected": `document.querySelector('button[value="reject"]').click()`,
	} {
		t.Run(name, func(t *testing.T) {
			b.Size(t, 1280, 800)
			b.Go(t, "/portal/ids?state=RESERVED&lang=en&theme=light")
			b.Eval(t, steps)
			b.Until(t, `document.querySelector(".problems, input[name=sure]")`)
			b.Shot(t, name)
			b.CheckAxe(t)
		})
	}
	t.Run("wrong-sign-in", func(t *testing.T) {
		b.Go(t, "/portal/sign-in?lang=ja")
		b.Until(t, `document.activeElement.id === "org"`)
		b.Do(t, chromedp.SendKeys("#org", "acme"), chromedp.SendKeys("#user", "x"), chromedp.SendKeys("#key", strconv.Itoa(1)+"\n"))
		b.Until(t, `document.querySelector(".problems")`)
		b.Shot(t, "wrong-sign-in")
		b.CheckAxe(t)
	})
	b.CheckQuiet(t)
}
