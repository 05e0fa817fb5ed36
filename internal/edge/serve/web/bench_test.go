package web

import (
	"net/http/httptest"
	"testing"
)

// The cost of a page over a catalogue that costs nothing: reading the address, the view, the markup.
func BenchmarkPages(b *testing.B) {
	h := handler(b, load(b))
	for name, path := range map[string]string{"record": "/cve/CVE-2024-4879", "long record": "/cve/CVE-2023-44487"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, httptest.NewRequest("GET", path, nil)); w.Code != 200 {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
