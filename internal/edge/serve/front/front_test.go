package front

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// dice never runs out and never surprises.
type dice struct{}

func (dice) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 0xab
	}
	return len(p), nil
}

func newFront(t *testing.T, o Options) (*Front, *bytes.Buffer) {
	t.Helper()
	log := new(bytes.Buffer)
	o.Log = slog.New(LogHandler(slog.NewTextHandler(log, nil)))
	o.Now = time.Now
	o.Rand = dice{}
	return New(o), log
}

func text(s string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, s) })
}

func get(h http.Handler, url string, edit ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", url, nil)
	r.Host = "localhost:8080"
	for _, e := range edit {
		e(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestLongestPrefixOwnsThePath(t *testing.T) {
	f, _ := newFront(t, Options{})
	f.Handle(Space{Prefix: "/", Surface: "web", Handler: text("web")})
	f.Handle(Space{Prefix: "/api/", Surface: "cve-services", Handler: text("services"), AnyCase: true})
	f.Handle(Space{Prefix: "/api/v1/", Surface: "native", Handler: text("native")})
	f.Handle(Space{Prefix: "/checkpoint", Surface: "tiles", Handler: text("tiles")})
	f.Handle(Space{Prefix: "/charter/", Surface: "tiles", Handler: text("tiles")})
	f.Handle(Space{Prefix: "/charter", Surface: "web", Handler: text("web")})
	f.Handle(Space{Prefix: "/control/", Surface: "control", Handler: text("control"), LocalOnly: true})
	for path, want := range map[string]string{
		"/": "web", "/search": "web", "/api": "services", "/api/cve/CVE-2024-1": "services", "/API/CVE/x": "services", "/apis": "web",
		"/api/v1": "native", "/api/v1/search": "native", "/checkpoint": "tiles", "/checkpoint/x": "web", "/control/import": "web",
		"/charter": "web", "/charter/": "tiles", "/charter/1-00": "tiles",
	} {
		if got := get(f, path).Body.String(); got != want {
			t.Errorf("%s is answered by %s, want %s", path, got, want)
		}
	}
	if got := get(f.Local(), "/control/import").Body.String(); got != "control" {
		t.Errorf("the socket's /control/ is answered by %s", got)
	}
}

func TestTwoOwnersPanic(t *testing.T) {
	f, _ := newFront(t, Options{})
	f.Handle(Space{Prefix: "/api/", Surface: "a", Handler: text("")})
	defer func() {
		if recover() == nil {
			t.Error("a second owner of /api/ was accepted")
		}
	}()
	f.Handle(Space{Prefix: "/API/", Surface: "b", Handler: text("")})
}

func TestHostsAgainstRebinding(t *testing.T) {
	f, _ := newFront(t, Options{Hosts: []string{"CVE.example.jp:443", "[2001:db8::7]"}})
	f.Handle(Space{Prefix: "/api/", Surface: "x", Handler: text("in"),
		Refuse: func(w http.ResponseWriter, _ *http.Request, status int, message string) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			fmt.Fprintf(w, "{%q:%q}", "error", message)
		}})
	local := context.WithValue(context.Background(), http.LocalAddrContextKey, net.Addr(&net.TCPAddr{IP: net.ParseIP("192.0.2.9"), Port: 80}))
	for host, want := range map[string]int{
		"localhost": 200, "LOCALHOST.:8080": 200, "app.localhost": 200, "127.0.0.1:8080": 200, "127.9.9.9": 200, "[::1]:8080": 200, "": 200,
		"cve.example.jp": 200, "[2001:db8::7]:8080": 200, "192.0.2.9:80": 200,
		"evil.example": 421, "localhost.evil.example": 421, "192.0.2.10": 421, "cve.example.jp.evil.example": 421,
	} {
		w := get(f, "/api/", func(r *http.Request) { r.Host = host; *r = *r.WithContext(local) })
		if w.Code != want {
			t.Errorf("Host %q: %d, want %d", host, w.Code, want)
		}
		if w.Code == 421 && w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("Host %q: the refusal has not the space's shape: %q", host, w.Body)
		}
	}
	if w := get(f.Local(), "/api/", func(r *http.Request) { r.Host = "tasuki" }); w.Code != 200 {
		t.Errorf("an in-process caller was refused: %d", w.Code)
	}
}

func TestForwardingHeadersAreBelievedFromTheProxyOnly(t *testing.T) {
	f, log := newFront(t, Options{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	var seen *http.Request
	f.Handle(Space{Prefix: "/", Surface: "web", Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r })})
	forwarded := func(from string) func(*http.Request) {
		return func(r *http.Request) {
			r.RemoteAddr = from
			r.Header.Set("X-Forwarded-For", "198.51.100.66, 203.0.113.5, 10.1.1.1")
			r.Header.Set("X-Forwarded-Proto", "https")
			r.Header.Set("X-Request-Id", "edge-77")
		}
	}
	w := get(f, "/a", forwarded("10.0.0.2:999"))
	if seen.RemoteAddr != "203.0.113.5:0" {
		t.Errorf("behind the proxy the client is %s, want the rightmost stranger", seen.RemoteAddr)
	}
	if w.Header().Get("Strict-Transport-Security") == "" || w.Header().Get("X-Request-Id") != "edge-77" {
		t.Errorf("the proxy's word was not taken: %v", w.Header())
	}
	w = get(f, "/b", forwarded("192.0.2.1:999"))
	if seen.RemoteAddr != "192.0.2.1:999" || seen.Header.Get("X-Forwarded-For") != "" {
		t.Errorf("a stranger's headers reached the surface: %s, %v", seen.RemoteAddr, seen.Header)
	}
	if w.Header().Get("Strict-Transport-Security") != "" || w.Header().Get("X-Request-Id") != "abababababababab" {
		t.Errorf("a stranger's word was taken: %v", w.Header())
	}
	if !strings.Contains(log.String(), "client=203.0.113.5") {
		t.Errorf("log: %s", log)
	}
}

func TestPanicBecomesTheProtocolsInternalError(t *testing.T) {
	f, log := newFront(t, Options{})
	f.Handle(Space{Prefix: "/early", Surface: "web", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Disposition", "attachment")
		panic("secret detail")
	})})
	f.Handle(Space{Prefix: "/late", Surface: "web", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write(bytes.Repeat([]byte("x"), 4096))
		panic("half way")
	})})
	w := get(f, "/early", func(r *http.Request) { r.Header.Set("Accept-Encoding", "gzip") })
	if w.Code != 500 || strings.Contains(w.Body.String(), "secret") || !strings.Contains(w.Body.String(), "abababababababab") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w.Header().Get("Content-Disposition") != "" || w.Header().Get("X-Content-Type-Options") == "" {
		t.Errorf("headers after a panic: %v", w.Header())
	}
	if !strings.Contains(log.String(), "secret detail") || !strings.Contains(log.String(), "request=abababababababab") {
		t.Errorf("log: %s", log)
	}

	srv := httptest.NewServer(f)
	defer srv.Close()
	resp, err := http.Get(srv.URL + "/late")
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	if err == nil {
		t.Error("half an answer arrived as a whole one")
	}
}

func TestBodyLimit(t *testing.T) {
	f, _ := newFront(t, Options{BodyLimit: 10})
	var readErr error
	f.Handle(Space{Prefix: "/", Surface: "web", Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, readErr = io.ReadAll(r.Body) })})
	f.Handle(Space{Prefix: "/wide", Surface: "web", BodyLimit: -1, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })})
	post := func(path, body string, length int64) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", path, strings.NewReader(body))
		r.Host, r.ContentLength = "localhost", length
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r)
		return w
	}
	if w := post("/", "0123456789abc", 13); w.Code != 413 || w.Header().Get("Connection") != "close" {
		t.Errorf("announced: %d %v", w.Code, w.Header())
	}
	var tooLarge *http.MaxBytesError
	if post("/", "0123456789abc", -1); !errors.As(readErr, &tooLarge) {
		t.Errorf("unannounced: %v", readErr)
	}
	if post("/", "0123456789", 10); readErr != nil {
		t.Errorf("exactly the limit: %v", readErr)
	}
	if w := post("/wide", "0123456789abc", 13); w.Body.Len() != 13 {
		t.Errorf("without a limit: %d %s", w.Code, w.Body)
	}
}

func TestCompressedRepliesHaveTheirOwnEntityTag(t *testing.T) {
	f, _ := newFront(t, Options{})
	long := strings.Repeat("CVE-2024-1234 ", 400)
	f.Handle(Space{Prefix: "/", Surface: "web", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"abc"`)
		if r.Header.Get("If-None-Match") == `"abc"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, long)
	})})
	f.Handle(Space{Prefix: "/plain", Surface: "web", Plain: true, Handler: text(long)})
	gz := func(r *http.Request) { r.Header.Set("Accept-Encoding", "gzip") }
	w := get(f, "/", gz)
	if w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("ETag") != `"abc-gzip"` {
		t.Fatalf("%v", w.Header())
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := io.ReadAll(z); err != nil || string(back) != long {
		t.Errorf("the reply does not unpack to what was sent: %v", err)
	}
	if w := get(f, "/", gz, func(r *http.Request) { r.Header.Set("If-None-Match", `"abc-gzip"`) }); w.Code != 304 {
		t.Errorf("revalidation of the compressed form: %d", w.Code)
	}
	if w := get(f, "/plain", gz); w.Header().Get("Content-Encoding") != "" || w.Body.String() != long {
		t.Errorf("a plain space was compressed: %v", w.Header())
	}
}

type counter struct{ begun, ended []string }

func (c *counter) Begin(s string) { c.begun = append(c.begun, s) }
func (c *counter) End(f Finished) {
	c.ended = append(c.ended, fmt.Sprintf("%s %s %d %d", f.Surface, f.Method, f.Status, f.Bytes))
}

func TestEveryRequestIsObservedAndLoggedOnce(t *testing.T) {
	c := new(counter)
	f, log := newFront(t, Options{Observe: c})
	f.Handle(Space{Prefix: "/hello", Surface: "web", Handler: text("hello")})
	get(f, "/hello?q=private")
	get(f, "/nowhere")
	want := "[web GET 200 5 none GET 404 31]"
	if got := fmt.Sprint(c.ended); got != want || len(c.begun) != 2 {
		t.Errorf("observed %s of %v, want %s", got, c.begun, want)
	}
	if n := strings.Count(log.String(), "request finished"); n != 2 {
		t.Errorf("%d lines: %s", n, log)
	}
	if strings.Contains(log.String(), "private") {
		t.Errorf("the query is in the log: %s", log)
	}
}

// discreet is a handler whose paths name people.
type discreet struct{ http.Handler }

func (discreet) LogPath(path string) string { return strings.ReplaceAll(path, "ann", "{username}") }

func TestPathsThatNamePeopleAreNotLogged(t *testing.T) {
	f, log := newFront(t, Options{})
	f.Handle(Space{Prefix: "/people/", Surface: "people", Handler: discreet{text("ann")}})
	get(f, "/people/ann")
	if line := log.String(); !strings.Contains(line, "path=/people/{username} ") || strings.Contains(line, "ann") {
		t.Error(line)
	}
}

func TestHealth(t *testing.T) {
	f, _ := newFront(t, Options{})
	var notReady error
	f.HandleHealth(Health{
		Ready:  func(context.Context) error { return notReady },
		Status: func(context.Context) any { return map[string]int{"size": 7} },
	})
	elsewhere := func(r *http.Request) { r.Host = "10.1.2.3" }
	if w := get(f, "/healthz", elsewhere); w.Code != 200 || w.Body.String() != "ok\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	notReady = errors.New("index is at 5 of 7")
	if w := get(f, "/healthz"); w.Code != 503 || w.Body.String() != "index is at 5 of 7\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := get(f, "/health"); w.Code != 503 || w.Body.String() != `{"size":7}`+"\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
