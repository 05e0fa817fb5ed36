package assets

import (
	"math"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestHandler(t *testing.T) {
	for _, file := range []string{"style.css", "keys.js", "mark.svg"} {
		w := httptest.NewRecorder()
		Handler().ServeHTTP(w, httptest.NewRequest("GET", URL(file), nil))
		h := w.Result().Header
		if w.Code != 200 || w.Body.Len() == 0 || h.Get("Content-Type") == "" || !strings.Contains(h.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, %v", file, w.Code, h)
		}
		r := httptest.NewRequest("GET", URL(file), nil)
		r.Header.Set("If-None-Match", h.Get("ETag"))
		again := httptest.NewRecorder()
		if Handler().ServeHTTP(again, r); again.Code != 304 {
			t.Errorf("%s: %d for its own ETag", file, again.Code)
		}
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, httptest.NewRequest("GET", "/assets/style.00000000.css", nil))
	if w.Code != 404 || strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("another release's sheet: %d, %q", w.Code, w.Header().Get("Cache-Control"))
	}
}

// Nothing on a page may be fetched from elsewhere; the style sheet could, by @import or url().
func TestNothingIsFetchedFromElsewhere(t *testing.T) {
	for _, file := range []string{"style.css", "keys.js"} {
		if text := string(byURL[URL(file)].content); regexp.MustCompile(`(?i)@import|url\(|https?://|fetch\(|XMLHttpRequest`).MatchString(text) {
			t.Errorf("%s reaches out", file)
		}
	}
}

// The tones keep their contrast on the paper in both themes: 4.5:1 for text, 3:1 for lines that carry meaning (WCAG 2.2,
// 1.4.3 and 1.4.11).
func TestContrast(t *testing.T) {
	css := string(byURL[URL("style.css")].content)
	tone := regexp.MustCompile(`--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)`)
	tones := map[string][2]string{}
	for _, m := range tone.FindAllStringSubmatch(css, -1) {
		tones[m[1]] = [2]string{m[2], m[3]}
	}
	least := map[string]float64{
		"ink": 4.5, "muted": 4.5, "link": 4.5, "sash": 4.5, "sev-none": 4.5, "sev-low": 4.5, "sev-medium": 4.5, "sev-high": 4.5, "sev-critical": 4.5, "edge": 3,
	}
	for name, want := range least {
		for theme := range 2 {
			for _, ground := range []string{"paper", "tint"} {
				c := contrast(t, tones[name][theme], tones[ground][theme])
				if c < want {
					t.Errorf("%s on %s, theme %d: %.2f:1, want %.1f:1", name, ground, theme, c, want)
				}
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	x, y := luminance(t, a), luminance(t, b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	if len(hex) != 7 {
		t.Fatalf("%q is no tone", hex)
	}
	var l float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		l += weight * c
	}
	return l
}
