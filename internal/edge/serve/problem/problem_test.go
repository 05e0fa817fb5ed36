package problem

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestReadOnly(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /there", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("here")) })
	h := ReadOnly(mux, "only \"read\"\n", "nothing")
	for _, c := range []struct {
		method, path string
		status       int
		body, header string
	}{
		{"GET", "/there", 200, "here", ""},
		{"HEAD", "/there", 200, "", ""},
		{"OPTIONS", "/there", 204, "", "Access-Control-Allow-Methods"},
		{"GET", "/elsewhere", 404, `{"detail":"nothing","status":404,"title":"Not Found"}` + "\n", ""},
		{"POST", "/there", 405, `{"detail":"only \"read\"\n","status":405,"title":"Method Not Allowed"}` + "\n", "Allow"},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader("")))
		got := w.Body.String()
		if c.method == "HEAD" {
			got = ""
		}
		if w.Code != c.status || got != c.body || w.Header().Get("Access-Control-Allow-Origin") != "*" || c.header != "" && w.Header().Get(c.header) == "" {
			t.Errorf("%s %s: %d %q %v", c.method, c.path, w.Code, got, w.Header())
		}
		if c.status >= 400 && w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %v", c.method, c.path, w.Header())
		}
	}
}
