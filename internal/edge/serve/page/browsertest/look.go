package browsertest

import (
	"flag"
	"strings"
	"testing"
)

var everyLook = flag.Bool("looks", false, "let axe-core judge pages in every combination of language, theme and width, not only in two that have each once")

// Look is how a page is asked for and seen.
type Look struct {
	Name          string
	Query         string // that gives it its language and theme
	Width, Height int64
}

// Looks are both languages in both themes and at both widths. The first two alone have each of them once.
var Looks = [...]Look{
	{"en light wide", "lang=en&theme=light", 1280, 800}, {"ja dark phone", "lang=ja&theme=dark", 390, 844},
	{"en dark phone", "lang=en&theme=dark", 390, 844}, {"ja light wide", "lang=ja&theme=light", 1280, 800},
}

// See opens a path of the server in a look.
func (b *Browser) See(t testing.TB, path string, l Look) {
	t.Helper()
	b.Size(t, l.Width, l.Height)
	b.Go(t, l.Of(path))
}

// Of is the address of a page in the look.
func (l Look) Of(path string) string {
	if strings.Contains(path, "?") {
		return path + "&" + l.Query
	}
	return path + "?" + l.Query
}

// CheckLooks opens a page in every look: nothing is wider than the window, and axe-core finds nothing. Axe-core takes most of the time
// and finds much the same in each, so that it judges two looks, or all with -looks; with -short the first look is all. A picture of each
// is kept as Shot does, under the name.
func (b *Browser) CheckLooks(t *testing.T, name, path string) {
	t.Helper()
	for i, l := range Looks {
		if i > 0 && testing.Short() {
			break
		}
		t.Run(name+" "+l.Name, func(t *testing.T) {
			b.See(t, path, l)
			b.Shot(t, strings.ReplaceAll(name+"-"+l.Name, " ", "-"))
			b.CheckWidth(t)
			if i < 2 || *everyLook {
				b.CheckAxe(t)
			}
		})
	}
}

// CheckWidth fails the test if the page is wider than the window, and names what sticks out.
func (b *Browser) CheckWidth(t testing.TB) {
	t.Helper()
	if over := b.Eval(t, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over != 0.0 {
		t.Errorf("%v px wider than the window: %v", over, b.Eval(t, `[...document.querySelectorAll("header *, main *")]
			.filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll, pre, .vh, textarea"))
			.slice(0, 5).map((e) => e.tagName + "." + (e.getAttribute("class") || "")).join(" ")`))
	}
}

// CheckAxe fails the test for each thing that axe-core finds wrong.
func (b *Browser) CheckAxe(t testing.TB) {
	t.Helper()
	for _, violation := range b.Axe(t) {
		t.Error(violation)
	}
}
