package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tasuki/internal/edge/serve/page/browsertest"
)

// pageType is one address of a type of page.
type pageType struct{ name, path string }

// pageTypes are every type of page that says what the list holds, over a browsed node, in the order of the contact sheet.
var pageTypes = []pageType{
	{"home", "/"},
	{"search", "/search?q=severity%3E%3Dhigh+published%3A2024"},
	{"results", "/search?q=authentication"},
	{"nothing", "/search?q=nothingmatchesthis"},
	{"mistake", "/search?q=severity%3Apurple"},
	{"explain", "/search?q=kev%3Ayes&explain=1"},
	{"grammar", "/query"},
	{"vendors", "/vendors"},
	{"vendor", "/vendors/servicenow"},
	{"products", "/products"},
	{"product", "/products/servicenow/now%20platform"},
	{"weaknesses", "/weaknesses"},
	{"weakness", "/weaknesses/CWE-79"},
	{"assigners", "/assigners"},
	{"assigner", "/assigners/VulDB"},
	{"record", "/cve/" + browsedID},
	{"long record", "/cve/CVE-2023-44487"},
	{"many versions", "/cve/CVE-2024-47703"},
	{"Japanese record", "/cve/CVE-2026-90001"},
	{"rejected", "/cve/CVE-2024-3514"},
	{"as of", "/cve/" + browsedID + "?at=2026-11-20"},
	{"not yet known", "/cve/CVE-2023-44487?at=2026-11-20"},
	{"absent", "/cve/CVE-2024-4878"},
	{"history", "/cve/" + browsedID + "/history"},
	{"diff", "/cve/" + browsedID + "/diff"},
	{"changes", "/changes?from=2026-11-20&to=2026-11-21"},
	{"log", "/log"},
	{"entry", "/log/3"},
	{"verify", "/verify?id=" + browsedID},
	{"charter", "/charter"},
	{"mirrors", "/mirrors"},
	{"epochs", "/epochs"},
	{"evidence", "/evidence"},
	{"sources", "/sources"},
	{"api", "/api"},
	{"nowhere", "/nowhere"},
}

// What a reader's browser may have to fetch for a page (issue 3, acceptance): the first one ever, and any later one.
const (
	firstVisit = 100_000
	laterVisit = 30_000
)

// TestEveryPage opens one page of every type over a whole node, in one look after the other: it is the page it should be, axe-core
// finds nothing, it is no wider than the window, nothing is asked of another server, and no more bytes come over the wire than
// promised. The pages' own tests look at each in every look.
func TestEveryPage(t *testing.T) {
	if testing.Short() {
		t.Skip("minutes; the pages' own tests look at each type once")
	}
	town := openTown(t)
	b := browsertest.Open(t, town)
	worst := map[string]int64{}
	for _, v := range town.visits() {
		town.enter(t, b, v.user)
		for i, page := range v.pages {
			look := browsertest.Looks[i%2]
			t.Run(strings.TrimSpace(v.user+" "+page.name+" "+look.Name), func(t *testing.T) {
				b.Forget(t)
				first := weigh(b.Traffic(t, func() { b.See(t, page.path, look) }))
				settled(t, b)
				refusal := b.Eval(t, `Boolean(document.querySelector(".nothing"))`).(bool)
				if meant := slices.Contains(refusals, page.name); refusal != meant {
					t.Errorf("a page that says that something is not there: %v, want %v: %s", refusal, meant, b.Text(t, "h1"))
				}
				b.CheckWidth(t)
				b.CheckAxe(t)
				// A later visit: the assets are there from another page, this page is not.
				b.Forget(t)
				b.Go(t, "/no-such-page")
				later := weigh(b.Traffic(t, func() { b.Go(t, look.Of(page.path)) }))
				if first > firstVisit || later > laterVisit {
					t.Errorf("%d bytes on a first visit, %d on a later one", first, later)
				}
				worst["first"], worst["later"] = max(worst["first"], first), max(worst["later"], later)
			})
		}
	}
	t.Logf("at most %d bytes on a first visit, %d on a later one", worst["first"], worst["later"])
	b.CheckQuiet(t)
}

// refusals are the pages that say that something is not there.
var refusals = []string{"nothing", "mistake", "absent", "reserved", "not yet known", "nowhere"}

// settled waits for what a page's script does by itself.
func settled(t *testing.T, b *browsertest.Browser) {
	t.Helper()
	b.Until(t, `!document.getElementById("verify")?.dataset.proof || document.getElementById("verify").dataset.verdict`)
}

func weigh(requests []browsertest.Request) (sum int64) {
	for _, r := range requests {
		if !r.Cached {
			sum += r.Bytes
		}
	}
	return sum
}

// TestContactSheet writes a picture of every type of page in every look, and a page that shows them all, into the folder that
// TASUKI_SHEET names (make sheet).
func TestContactSheet(t *testing.T) {
	dir := os.Getenv("TASUKI_SHEET")
	if dir == "" {
		t.Skip("TASUKI_SHEET names no folder; see make sheet")
	}
	town := openTown(t)
	b := browsertest.Open(t, town)
	var sheet strings.Builder
	sheet.WriteString("<!doctype html><meta charset=utf-8><title>Tasuki: every type of page</title><style>body{font:14px sans-serif}" +
		"div{display:flex;gap:8px;align-items:start}a{width:24%}img{width:100%;max-height:40rem;object-fit:cover;object-position:top;border:1px solid #999}</style>\n")
	for _, v := range town.visits() {
		town.enter(t, b, v.user)
		for _, page := range v.pages {
			title := strings.TrimSpace(v.user + " " + page.name)
			sheet.WriteString("<h2>" + title + "</h2><div>\n")
			for _, look := range browsertest.Looks {
				b.See(t, page.path, look)
				settled(t, b)
				name := strings.ReplaceAll(title+" "+look.Name, " ", "-") + ".png"
				if err := os.WriteFile(filepath.Join(dir, name), b.Picture(t), 0o600); err != nil {
					t.Fatal(err)
				}
				sheet.WriteString(`<a href="` + name + `"><img loading=lazy alt="` + look.Name + `" src="` + name + `"></a>` + "\n")
			}
			sheet.WriteString("</div>\n")
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte(sheet.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}
