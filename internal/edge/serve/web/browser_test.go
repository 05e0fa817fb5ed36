package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// browser starts a headless Chromium against the pages. Screenshots land in TASUKI_SCREENSHOTS when that names a folder.
type browser struct {
	ctx  context.Context
	base string

	mu       sync.Mutex
	foreign  []string // requests to anywhere but the server
	problems []string // what the page complained of: scripts, policy
}

func open(t *testing.T, h http.Handler) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("no Chromium on this machine, and CI needs one")
		}
		t.Skip("no Chromium on this machine")
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "en"), chromedp.UserDataDir(t.TempDir()))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	b := &browser{ctx: ctx, base: srv.URL}
	err := chromedp.Listen(ctx, func(ev any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch ev := ev.(type) {
		case *network.EventRequestWillBeSent:
			if u, err := url.Parse(ev.Request.URL); err == nil && u.Scheme != "data" && !strings.HasPrefix(ev.Request.URL, srv.URL) {
				b.foreign = append(b.foreign, ev.Request.URL)
			}
		case *runtime.EventExceptionThrown:
			b.problems = append(b.problems, ev.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			// A 404 page is logged as a failed load; that is what it is for.
			if ev.Entry.Source != log.EntrySourceNetwork {
				b.problems = append(b.problems, ev.Entry.Text)
			}
		case *runtime.EventConsoleAPICalled:
			b.problems = append(b.problems, "console: "+string(ev.Type))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	b.do(t, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, network.Enable, network.EnableParams{})
		_, err2 := cdp.Call(ctx, tab, runtime.Enable, cdp.Empty{})
		_, err3 := cdp.Call(ctx, tab, log.Enable, cdp.Empty{})
		return errors.Join(err, err2, err3)
	}))
	return b
}

func (b *browser) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, 20*time.Second)
	defer stop()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func (b *browser) eval(t *testing.T, script string) any {
	t.Helper()
	out, err := chromedp.Run(b.ctx, chromedp.Evaluate[any](script))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// until waits for a script to give true. What leads to another page has to be waited for by what only that page has: the
// old one still answers for a while.
func (b *browser) until(t *testing.T, script string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		// An error here is a page that is going away.
		if done, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("document.readyState === 'complete' && ("+script+")")); err == nil && done {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("still not: %s", script)
		}
	}
}

// press is a key as a keyboard sends it: the character comes only if the page lets the key through. (chromedp.KeyEvent sends
// the character in any case.)
func press(key string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: key, Text: key})
		_, err2 := cdp.Call(ctx, tab, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyUp, Key: key})
		return errors.Join(err, err2)
	})
}

func (b *browser) shot(t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("TASUKI_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestInABrowser(t *testing.T) {
	b := open(t, handler(t, load(t)))

	t.Run("keys", func(t *testing.T) {
		b.do(t, chromedp.Navigate(b.base+"/cve/CVE-2024-4879"), press("/"))
		if got := b.eval(t, `document.activeElement.id`); got != "q" {
			t.Errorf("after / the focus is on %v", got)
		}
		if got := b.eval(t, `document.getElementById("q").value`); got != "" {
			t.Errorf("the slash was typed: %v", got)
		}
		b.do(t, chromedp.SendKeys("#q", "cve-2023-44487"+kb.Enter))
		b.until(t, `location.pathname === "/cve/CVE-2023-44487"`)
		b.do(t, chromedp.Navigate(b.base+"/search?kev=yes"), chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.ArrowDown))
		if got, want := b.eval(t, `document.activeElement.textContent`), b.eval(t, `document.querySelectorAll(".hits a.id")[1].textContent`); got != want {
			t.Errorf("two arrows down is on %v, want %v", got, want)
		}
		b.do(t, chromedp.KeyEvent(kb.Enter))
		b.until(t, `location.pathname.startsWith("/cve/CVE-")`)
	})

	t.Run("search", func(t *testing.T) {
		b.do(t, chromedp.Navigate(b.base+"/"))
		if got := b.eval(t, `document.activeElement.id`); got != "q" {
			t.Errorf("the first page has its focus on %v", got)
		}
		b.do(t, chromedp.SendKeys("#q", "firewall"+kb.Enter))
		b.until(t, `location.pathname === "/search" && document.querySelectorAll(".chips a").length === 1`)
		b.do(t, chromedp.Click("details.facet a"))
		b.until(t, `document.querySelectorAll(".chips a").length === 2 && document.querySelectorAll(".hits li").length > 0`)
	})

	t.Run("language and theme stay chosen", func(t *testing.T) {
		b.do(t, chromedp.Navigate(b.base+"/"), chromedp.Click(`a[hreflang="ja"]`))
		b.until(t, `document.documentElement.lang === "ja"`)
		b.do(t, chromedp.Navigate(b.base+"/?theme=dark"), chromedp.Navigate(b.base+"/cve/CVE-2024-4879"))
		if got := b.eval(t, `document.documentElement.lang + document.documentElement.dataset.theme`); got != "jadark" {
			t.Errorf("the next page is %v", got)
		}
		if got := b.eval(t, `getComputedStyle(document.documentElement).backgroundColor`); got != "rgb(23, 22, 20)" {
			t.Errorf("a dark page has the ground %v", got)
		}
	})

	// Every page at every width, theme and language: nothing wider than the window, nothing that cannot be read.
	for _, size := range []struct {
		name          string
		width, height int64
	}{{"wide", 1366, 768}, {"narrow", 390, 844}} {
		for _, look := range []string{"lang=en&theme=light", "lang=ja&theme=dark"} {
			for name, path := range map[string]string{
				"home": "/?", "search": "/search?q=a&kev=yes&", "results": "/search?", "record": "/cve/CVE-2024-4879?", "long": "/cve/CVE-2023-44487?", "panos": "/cve/CVE-2024-9468?",
				"japanese": "/cve/CVE-2026-90001?", "rejected": "/cve/CVE-2024-3514?", "linux": "/cve/CVE-2024-47703?", "absent": "/cve/CVE-2024-4878?", "sources": "/sources?", "nothing": "/search?q=nothingmatches&severity=high&",
			} {
				t.Run(strings.Join([]string{name, size.name, look[5:7]}, " "), func(t *testing.T) {
					b.do(t, chromedp.EmulateViewport(size.width, size.height), chromedp.Navigate(b.base+path+look))
					if got := b.eval(t, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); got != 0.0 {
						t.Errorf("the page is %v px too wide: %v", got, b.eval(t, `[...document.querySelectorAll("main *, header *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll, pre, .vh")).slice(0, 5).map(e => e.tagName + "." + (e.getAttribute("class") || "")).join(" ")`))
					}
					b.shot(t, strings.Join([]string{name, size.name, look[5:7]}, "-"))
				})
			}
		}
	}

	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.foreign) > 0 {
		t.Errorf("the pages asked elsewhere: %q", b.foreign)
	}
	if len(b.problems) > 0 {
		t.Errorf("the pages complained: %q", b.problems)
	}
}
