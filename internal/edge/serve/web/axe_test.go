package web

import (
	"strings"
	"testing"

	"tasuki/internal/edge/serve/page/browsertest"
)

// everyPage is one address of every type of page, errors too. (The node's own test in cmd/tasuki walks them over a real list.)
var everyPage = map[string]string{
	"home": "/", "search": "/search?q=kev:yes", "results": "/search", "nothing": "/search?q=nothingmatches", "grammar": "/query",
	"badquery": "/search?q=severity:purple", "vendors": "/vendors", "products": "/products", "weaknesses": "/weaknesses", "assigners": "/assigners",
	"record": "/cve/CVE-2024-4879", "long": "/cve/CVE-2023-44487", "panos": "/cve/CVE-2024-9468", "japanese": "/cve/CVE-2026-90001", "rejected": "/cve/CVE-2024-3514",
	"linux": "/cve/CVE-2024-47703", "absent": "/cve/CVE-2024-4878", "past": "/cve/CVE-2024-4879?at=2026-11-20", "history": "/cve/CVE-2024-4879/history",
	"diff": "/cve/CVE-2024-4879/diff", "changes": "/changes", "log": "/log", "entry": "/log/3", "verify": "/verify?id=CVE-2024-4879", "charter": "/charter",
	"sources": "/sources", "api": "/api", "nowhere": "/nowhere",
}

// looks are both languages in both themes and at both widths. The first two alone have each of them once.
var looks = []struct {
	name, query   string
	width, height int64
}{
	{"en light wide", "lang=en&theme=light", 1280, 800}, {"ja dark phone", "lang=ja&theme=dark", 390, 844},
	{"en dark phone", "lang=en&theme=dark", 390, 844}, {"ja light wide", "lang=ja&theme=light", 1280, 800},
}

// TestAxe runs axe-core over every type of page, in both languages and both themes, and at both widths: no violation.
func TestAxe(t *testing.T) {
	b := browsertest.Open(t, handler(t, load(t)))
	for name, path := range everyPage {
		for i, look := range looks {
			if i > 1 && testing.Short() {
				break
			}
			t.Run(name+" "+look.name, func(t *testing.T) {
				b.Size(t, look.width, look.height)
				joint := "?"
				if strings.Contains(path, "?") {
					joint = "&"
				}
				b.Go(t, path+joint+look.query)
				for _, violation := range b.Axe(t) {
					t.Error(violation)
				}
			})
		}
	}
	b.CheckQuiet(t)
}
