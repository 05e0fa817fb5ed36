// Package browsertest opens pages in a real Chromium, for tests: what a reader sees and presses, what goes over the wire, and
// what a page complains of. Without a Chromium the test is skipped, except where CI=true says that there has to be one.
package browsertest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Patience is how long a page may take for what a test waits for. The machine may be busy with other tests.
const Patience = 30 * time.Second

// Browser is one tab of a headless Chromium with one server's pages.
type Browser struct {
	Base string // the server's address
	ctx  context.Context

	mu       sync.Mutex
	requests map[network.RequestID]*Request
	order    []network.RequestID
	problems []string
}

// Request is one request of the tab.
type Request struct {
	URL    string
	Bytes  int64 // received for it, headers included, as they came over the wire
	Cached bool  // answered by the browser's own cache
	Done   bool
}

// Open serves h and opens a tab on it. When the test ends, the tab and the server close.
func Open(t testing.TB, h http.Handler) *Browser {
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
	b := &Browser{ctx: ctx, Base: srv.URL, requests: make(map[network.RequestID]*Request)}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	b.Do(t, step(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, network.Enable, network.EnableParams{})
		_, err2 := cdp.Call(ctx, tab, runtime.Enable, cdp.Empty{})
		_, err3 := cdp.Call(ctx, tab, log.Enable, cdp.Empty{})
		return errors.Join(err, err2, err3)
	}))
	return b
}

func step(fn func(ctx context.Context, tab *chromedp.Target) error) chromedp.Action[chromedp.Void] {
	return chromedp.Func(fn)
}

// hear keeps what the tab tells.
func (b *Browser) hear(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(ev.Request.URL, "data:") {
			if b.requests[ev.RequestID] == nil { // else a redirect, which goes on under the same name
				b.order = append(b.order, ev.RequestID)
				b.requests[ev.RequestID] = &Request{}
			}
			b.requests[ev.RequestID].URL = ev.Request.URL
		}
	case *network.EventRequestServedFromCache:
		if r := b.requests[ev.RequestID]; r != nil {
			r.Cached = true
		}
	case *network.EventResponseReceived:
		if r := b.requests[ev.RequestID]; r != nil && ev.Response.FromDiskCache {
			r.Cached = true
		}
	case *network.EventLoadingFinished:
		if r := b.requests[ev.RequestID]; r != nil {
			r.Bytes, r.Done = int64(ev.EncodedDataLength), true
		}
	case *network.EventLoadingFailed:
		if r := b.requests[ev.RequestID]; r != nil {
			r.Done = true
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
}

// Do carries steps out.
func (b *Browser) Do(t testing.TB, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, Patience)
	defer stop()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// Go opens a path of the server.
func (b *Browser) Go(t testing.TB, path string) {
	t.Helper()
	b.Do(t, chromedp.Navigate(b.Base+path))
}

// Eval is the value of a script in the page. It works on pages whose own scripts are off, too.
func (b *Browser) Eval(t testing.TB, script string) any {
	t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, Patience)
	defer stop()
	out, err := chromedp.Run(ctx, chromedp.Evaluate[any](script))
	if err != nil {
		t.Fatalf("%v in %.100s", err, script)
	}
	return out
}

// Text is what a reader reads of the first element that a selector finds; "" when there is none.
func (b *Browser) Text(t testing.TB, selector string) string {
	t.Helper()
	text, _ := b.Eval(t, `(document.querySelector(`+strconv.Quote(selector)+`) || {}).innerText || ""`).(string)
	return text
}

// Until waits for a script to give true. What leads to another page has to be waited for by what only that page has: the old
// one still answers for a while.
func (b *Browser) Until(t testing.TB, script string) {
	t.Helper()
	for end := time.Now().Add(Patience); ; time.Sleep(20 * time.Millisecond) {
		ctx, stop := context.WithTimeout(b.ctx, Patience)
		// An error here is a page that is going away.
		done, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("document.readyState === 'complete' && Boolean("+script+")"))
		stop()
		if err == nil && done {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("still not at %v: %s", b.Eval(t, "location.href"), script)
		}
	}
}

// Press is a key as a keyboard sends it: the character comes only if the page lets the key through. (chromedp.KeyEvent sends
// the character in any case.)
func Press(key string) chromedp.Action[chromedp.Void] {
	text := key
	if key == "Enter" {
		text = "\r"
	}
	return step(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: key, Text: text})
		_, err2 := cdp.Call(ctx, tab, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyUp, Key: key})
		return errors.Join(err, err2)
	})
}

// Size sets the window, in CSS pixels.
func (b *Browser) Size(t testing.TB, width, height int64) {
	t.Helper()
	b.Do(t, chromedp.EmulateViewport(width, height))
}

// Scripts turns the scripts of pages on or off, from the next page on.
func (b *Browser) Scripts(t testing.TB, on bool) {
	t.Helper()
	b.Do(t, step(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	}))
}

// PDF is the page as it is printed.
func (b *Browser) PDF(t testing.TB) []byte {
	t.Helper()
	var pdf []byte
	b.Do(t, step(func(ctx context.Context, tab *chromedp.Target) error {
		out, err := cdp.Call(ctx, tab, page.PrintToPDF, page.PrintToPDFParams{})
		pdf = out.Data
		return err
	}))
	return pdf
}

// Shot keeps a picture of the whole page when TASUKI_SCREENSHOTS names a folder.
func (b *Browser) Shot(t testing.TB, name string) {
	t.Helper()
	dir := os.Getenv("TASUKI_SCREENSHOTS")
	if dir == "" {
		return
	}
	png := b.Picture(t)
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Picture is the whole page as a PNG.
func (b *Browser) Picture(t testing.TB) []byte {
	t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, Patience)
	defer stop()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	return png
}

// Traffic is the requests of what fn does, when all of them have ended. The icon of a page is the browser's own affair: whether
// it is asked for, and whether its end is told, changes from visit to visit, so that a second without news is the end too.
func (b *Browser) Traffic(t testing.TB, fn func()) []Request {
	t.Helper()
	b.mu.Lock()
	from := len(b.order)
	b.mu.Unlock()
	fn()
	var last []Request
	for quiet := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		b.mu.Lock()
		var out []Request
		done := true
		for _, id := range b.order[from:] {
			out = append(out, *b.requests[id])
			done = done && b.requests[id].Done
		}
		b.mu.Unlock()
		if !slices.Equal(out, last) {
			quiet, last = time.Now(), out
		}
		if len(out) > 0 && (done || time.Since(quiet) > time.Second) {
			return out
		}
		if time.Since(quiet) > Patience {
			t.Fatal("no request at all")
		}
	}
}

// Forget empties the browser's cache: the next visit is a first one.
func (b *Browser) Forget(t testing.TB) {
	t.Helper()
	b.Do(t, step(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, network.ClearBrowserCache, cdp.Empty{})
		return err
	}))
}

// CheckQuiet fails the test if any page so far asked another server, or complained (of its policy, a script's fault).
func (b *Browser) CheckQuiet(t testing.TB) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range b.order {
		u, err := url.Parse(b.requests[id].URL)
		if err != nil || u.Scheme+"://"+u.Host != b.Base {
			t.Errorf("a page asked elsewhere: %s", b.requests[id].URL)
		}
	}
	for _, p := range b.problems {
		t.Errorf("a page complained: %s", p)
	}
}
