package web

import (
	"testing"

	"tasuki/internal/edge/serve/page/browsertest"
)

// everyPage is one address of every type of page, errors too. (The node's own test in cmd/tasuki walks them over a real list.)
var everyPage = map[string]string{
	"home": "/", "search": "/search?q=kev:yes", "results": "/search", "nothing": "/search?q=nothingmatches", "grammar": "/query",
	"badquery": "/search?q=severity:purple", "vendors": "/vendors", "products": "/products", "weaknesses": "/weaknesses", "assigners": "/assigners",
	"record": "/cve/CVE-2024-4879", "long": "/cve/CVE-2023-44487", "panos": "/cve/CVE-2024-9468", "japanese": "/cve/CVE-2026-90001", "rejected": "/cve/CVE-2024-3514",
	"linux": "/cve/CVE-2024-47703", "absent": "/cve/CVE-2024-4878", "past": "/cve/CVE-2024-4879?at=2026-11-20", "history": "/cve/CVE-2024-4879/history",
	"diff": "/cve/CVE-2024-4879/diff", "changes": "/changes", "log": "/log", "entry": "/log/3", "verify": "/verify?id=CVE-2024-4879", "charter": "/charter", "mirrors": "/mirrors", "epochs": "/epochs", "evidence": "/evidence",
	"sources": "/sources", "api": "/api", "nowhere": "/nowhere",
	"explained": asks("severity>=high", "explain", "1"), "searched as of": asks("", "at", "2026-11-20"), "filtered": "/search?q=a&kev=yes", "fault": asks("vendor:x severity:hgih"),
	"vendor": "/vendors/microsoft", "weakness": "/weaknesses/CWE-416", "unknown vendor": "/vendors/nobody",
}

// TestAxe looks at every type of page: nothing wider than the window, and axe-core finds nothing.
func TestAxe(t *testing.T) {
	b := browsertest.Open(t, handler(t, load(t)))
	for name, path := range everyPage {
		b.CheckLooks(t, name, path)
	}
	b.CheckQuiet(t)
}
