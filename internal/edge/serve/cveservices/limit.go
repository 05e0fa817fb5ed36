package cveservices

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// RateLimit is how many requests for single identifiers and records are answered in a span of time, by one counter for everybody
// (reference §11). The zero value is no limit, and no headers that speak of one.
type RateLimit struct {
	Window time.Duration
	Max    int
}

// window counts requests in spans that follow each other.
type window struct {
	RateLimit
	now func() time.Time

	mu    sync.Mutex
	since time.Time
	count int
}

// newWindow is nil where there is no limit.
func newWindow(l RateLimit, now func() time.Time) *window {
	if l.Max <= 0 || l.Window <= 0 {
		return nil
	}
	return &window{RateLimit: l, now: now}
}

// take counts a request, says so in its reply's headers, and reports whether it is still within the limit.
func (l *window) take(head http.Header) bool {
	if l == nil {
		return true
	}
	l.mu.Lock()
	now := l.now()
	if age := now.Sub(l.since); age < 0 || age >= l.Window {
		l.since, l.count = now, 0
	}
	l.count++
	left, reset := l.Max-l.count, l.since.Add(l.Window).Sub(now)
	l.mu.Unlock()

	whole := func(d time.Duration) string { return strconv.Itoa(int(math.Ceil(d.Seconds()))) }
	head.Set("RateLimit-Policy", strconv.Itoa(l.Max)+";w="+whole(l.Window))
	head.Set("RateLimit-Limit", strconv.Itoa(l.Max))
	head.Set("RateLimit-Remaining", strconv.Itoa(max(left, 0)))
	head.Set("RateLimit-Reset", whole(reset))
	if left < 0 {
		head.Set("Retry-After", whole(reset))
	}
	return left >= 0
}
