package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestEveryPageIsWholeAndKeepsToItself(t *testing.T) {
	f := load(t)
	h := handler(t, f)
	paths := []string{"/", "/search", "/search?q=authentication", "/search?q=nothingmatchesthis+severity:high", "/search?q=cwe:CWE-288+kev:yes+published:>7d&explain=1",
		"/search?q=vendr:microsoft", "/search?q=kev:yes&at=2026-11-20", "/search?q=kev:yes&size=3&sort=severity", "/query",
		"/vendors", "/vendors?q=sn&sort=name", "/products", "/weaknesses", "/assigners", "/vendors/juniper+networks", "/vendors/nobody", "/weaknesses/CWE-79", "/assigners/mitre",
		"/sources", "/nowhere", "/cve/nonsense", "/cve/CVE-2024-4878", "/search?after=bad&n=1"}
	for _, v := range f.views {
		paths = append(paths, "/cve/"+v.ID)
	}
	for _, path := range paths {
		for _, lang := range []string{"en", "ja"} {
			t.Run(path+" "+lang, func(t *testing.T) {
				p := fetch(t, h, path, "Accept-Language", lang)
				if p.one(t, "html").attr["lang"] != lang {
					t.Errorf("page is in %q", p.one(t, "html").attr["lang"])
				}
				if len(p.all("h1")) != 1 || p.one(t, "title").words() == "" {
					t.Errorf("%d main headings, title %q", len(p.all("h1")), p.one(t, "title").words())
				}
				ids := make(map[string]bool)
				p.root.walk(func(n *node) {
					if id := n.attr["id"]; id != "" {
						if ids[id] {
							t.Errorf("two elements have the id %q", id)
						}
						ids[id] = true
					}
					checkElement(t, n)
				})
				if csp := p.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
					t.Errorf("policy %q", csp)
				}
			})
		}
	}
}

// checkElement is what must hold of every element of every page, whatever the records say.
func checkElement(t *testing.T, n *node) {
	t.Helper()
	switch n.name {
	case "style", "iframe", "object", "embed", "base", "b#from-media":
		t.Errorf("<%s> on a page", n.name)
	case "script", "img", "link":
		if n.attr["rel"] == "alternate" {
			break // is not loaded
		}
		if at := n.attr["src"] + n.attr["href"]; !strings.HasPrefix(at, "/assets/") {
			t.Errorf("<%s> loads %q", n.name, at)
		}
	case "a":
		u, err := url.Parse(n.attr["href"])
		if err != nil || n.attr["href"] == "" {
			t.Errorf("a link to %q: %v", n.attr["href"], err)
			return
		}
		switch u.Scheme {
		case "":
			if u.Host != "" || !strings.HasPrefix(n.attr["href"], "/") && !strings.HasPrefix(n.attr["href"], "#") {
				t.Errorf("a link to %q", n.attr["href"])
			}
		case "http", "https":
			for _, want := range []string{"noopener", "noreferrer", "nofollow"} {
				if !slices.Contains(strings.Fields(n.attr["rel"]), want) {
					t.Errorf("the link to %s lacks %s", u, want)
				}
			}
		default:
			t.Errorf("a link to %q", n.attr["href"])
		}
	}
	for name := range n.attr {
		if strings.HasPrefix(name, "on") || name == "style" {
			t.Errorf("<%s %s=…>", n.name, name)
		}
	}
	if n.attr["id"] == "from-media" || strings.Contains(n.text, "tracker.invalid") {
		t.Error("supportingMedia on a page")
	}
}

func TestBadAddressesAreRefused(t *testing.T) {
	h := handler(t, load(t))
	for _, path := range []string{"/nowhere", "/cve/", "/cve/CVE-1", "/cve/CVE-2024-1234/x"} {
		if p := fetch(t, h, path); p.status != http.StatusNotFound || len(p.all("#q")) != 1 {
			t.Errorf("%s: %d", path, p.status)
		}
	}
}

func TestAbsentRecordOffersNeighbours(t *testing.T) {
	h := handler(t, load(t))
	for _, id := range []string{"CVE-2024-4878", "CVE-2024-8479", "CVE-2025-4879"} {
		p := fetch(t, h, "/cve/"+id)
		if p.status != http.StatusNotFound {
			t.Errorf("%s: %d", id, p.status)
		}
		found := false
		for _, a := range p.all("ul.near a") {
			found = found || a.words() == "CVE-2024-4879"
		}
		if !found {
			t.Errorf("%s does not offer CVE-2024-4879", id)
		}
	}
}

func TestPreferences(t *testing.T) {
	h := handler(t, load(t))
	p := fetch(t, h, "/?lang=ja&theme=dark", "Accept-Language", "en")
	html := p.one(t, "html")
	if html.attr["lang"] != "ja" || html.attr["data-theme"] != "dark" {
		t.Errorf("page is %v", html.attr)
	}
	cookies := p.header.Values("Set-Cookie")
	if len(cookies) != 2 {
		t.Fatalf("cookies %q", cookies)
	}
	for _, c := range cookies {
		if !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Lax") {
			t.Errorf("cookie %q", c)
		}
	}
	p = fetch(t, h, "/search", "Accept-Language", "en", "Cookie", "tasuki-lang=ja; tasuki-theme=dark")
	if html := p.one(t, "html"); html.attr["lang"] != "ja" || html.attr["data-theme"] != "dark" {
		t.Errorf("the choice is lost: %v", html.attr)
	}
	p = fetch(t, h, "/?lang=xx&theme=%22%3E", "Cookie", "tasuki-theme=evil")
	if html := p.one(t, "html"); html.attr["lang"] != "en" || html.attr["data-theme"] != "auto" || p.header.Get("Set-Cookie") != "" {
		t.Errorf("nonsense was taken: %v", html.attr)
	}
	for _, vary := range []string{"Accept-Language", "Cookie"} {
		if !strings.Contains(p.header.Get("Vary"), vary) {
			t.Errorf("Vary %q", p.header.Get("Vary"))
		}
	}
}

func TestHeadLine(t *testing.T) {
	f := load(t)
	p := fetch(t, handler(t, f), "/")
	want := fmt.Sprintf("list 9c1f00aa%d recordscheckpoint 3 s ago", len(f.views))
	if got := p.one(t, "div.node").words(); !strings.Contains(strings.ReplaceAll(got, " ", ""), strings.ReplaceAll(want, " ", "")) {
		t.Errorf("the line says %q", got)
	}
	if notice := p.one(t, "p.notice").words(); !strings.Contains(notice, "KEV") || !strings.Contains(notice, "12 Nov 2026") {
		t.Errorf("the stale source is reported as %q", notice)
	}
}

func TestOurOwnFaultTellsNothing(t *testing.T) {
	f := load(t)
	h := handler(t, f)
	f.broken = errBroken
	for _, path := range []string{"/", "/search", "/cve/CVE-2024-4879"} {
		if p := fetch(t, h, path); p.status != http.StatusInternalServerError || strings.Contains(p.raw, "secret") {
			t.Errorf("%s: %d", path, p.status)
		}
	}
}

func TestRevalidation(t *testing.T) {
	h := handler(t, load(t))
	p := fetch(t, h, "/cve/CVE-2024-4879")
	again := fetch(t, h, "/cve/CVE-2024-4879", "If-None-Match", p.header.Get("ETag"))
	if again.status != http.StatusNotModified || again.raw != "" {
		t.Errorf("%d for its own ETag", again.status)
	}
	if other := fetch(t, h, "/cve/CVE-2024-4879", "If-None-Match", p.header.Get("ETag"), "Cookie", "tasuki-lang=ja"); other.status != http.StatusOK {
		t.Errorf("%d for the other language", other.status)
	}
}
