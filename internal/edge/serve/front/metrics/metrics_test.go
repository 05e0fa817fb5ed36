package metrics

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tasuki/internal/edge/serve/front"
)

func TestScrape(t *testing.T) {
	m := New()
	size := 3.0
	m.Gauge("log_size", "Leaves in the log.", func() float64 { return size })
	m.Begin("nvd")
	m.Begin("nvd")
	m.End(front.Finished{Surface: "nvd", Method: "GET", Status: 200, Bytes: 120, Took: 3 * time.Millisecond})
	size = 4
	scrape := func(remote string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", "/metrics", nil)
		r.RemoteAddr = remote
		w := httptest.NewRecorder()
		m.Space([]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}).Handler.ServeHTTP(w, r)
		return w
	}
	body := scrape("127.0.0.1:1").Body.String()
	for _, want := range []string{
		`tasuki_log_size 4`, `tasuki_requests_in_flight{surface="nvd"} 1`, `tasuki_reply_bytes_total{surface="nvd"} 120`,
		`tasuki_request_seconds_bucket{status="200",surface="nvd",le="0.002"} 0`,
		`tasuki_request_seconds_bucket{status="200",surface="nvd",le="0.005"} 1`, `go_goroutines`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the scrape lacks %s", want)
		}
	}
	for remote, status := range map[string]int{"[::1]:9": 200, "@": 200, "192.0.2.77:9": 200, "198.51.100.1:9": 403} {
		if w := scrape(remote); w.Code != status {
			t.Errorf("a scrape from %s: %d, want %d", remote, w.Code, status)
		}
	}
}
