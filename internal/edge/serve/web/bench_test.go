package web

import (
	"net/http/httptest"
	"testing"
)

// The cost of a page, from its address to the last byte, over a list in SQLite. The budget of a record's page at rest is 5 ms.
func BenchmarkPages(b *testing.B) {
	h := handler(b, load(b))
	for name, path := range map[string]string{
		"record": "/cve/CVE-2023-38831", "record of two versions": "/cve/CVE-2024-4879", "long record": "/cve/CVE-2023-44487", "as of": "/cve/CVE-2024-4879?at=2026-11-20",
		"history": "/cve/CVE-2024-4879/history", "diff": "/cve/CVE-2024-4879/diff", "changes": "/changes?from=2026-11-20", "absent": "/cve/CVE-2024-9999",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, httptest.NewRequest("GET", path, nil)); w.Code != 200 && w.Code != 404 {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
