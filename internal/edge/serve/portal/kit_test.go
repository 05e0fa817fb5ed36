package portal

import (
	"bytes"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"context"

	"tasuki/internal/authority"
	"tasuki/internal/edge/serve/page"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/program"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve/schema"
)

var operator = authority.Caller{Role: authority.Operator, Name: "test"}

// fixed says which list this is, as far as these tests care.
type fixed struct{ w *gatetest.World }

func (f fixed) Status(context.Context) (page.Node, error) {
	return page.Node{ListID: gatetest.List, Origin: "tasuki.test/list", Checkpoint: f.w.Clock.Now(), Verified: true}, nil
}

// world is a list with a Secretariat, a CNA that is asked about most, another CNA, and their people.
type world struct {
	*gatetest.World
	Acts *program.Service
	keys map[string]string // username to key
	log  bytes.Buffer
	opts Options
}

var validator = sync.OnceValues(schema.NewValidator)

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{World: gatetest.New(t, storetest.Open(t, storetest.SQLite(t))), keys: map[string]string{}}
	v, err := authority.NewVerifier(w.DB, rand.Reader, w.Clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	valid, err := validator()
	if err != nil {
		t.Fatal(err)
	}
	w.Acts = program.New(program.Config{Gate: w.Gate, DB: w.DB, Log: w.Log, Verifier: v, Schema: valid, Now: w.Clock.Now})
	org := func(short, name string, roles ...authority.OrgRole) {
		if _, err := w.Acts.RegisterOrg(t.Context(), operator, authority.NewOrg{Short: short, Name: name, Roles: roles}); err != nil {
			t.Fatal(err)
		}
	}
	user := func(org, name string, roles ...string) {
		_, key, err := w.Acts.AddUser(t.Context(), operator, org, authority.NewUser{Username: name, Roles: roles})
		if err != nil {
			t.Fatal(err)
		}
		w.keys[name] = key
	}
	org("secretariat", "The Secretariat", authority.Secretariat, authority.CNA)
	org("acme", "Acme Corporation", authority.CNA)
	org("other", "Other & Sons", authority.CNA)
	user("secretariat", "sec@secretariat.test", authority.Admin)
	user("acme", "ann@acme.test", authority.Admin)
	user("acme", "bob@acme.test")
	user("other", "oto@other.test", authority.Admin)
	if err := w.Acts.OpenRange(t.Context(), operator, 2026); err != nil {
		t.Fatal(err)
	}
	w.opts = Options{Kit: page.Kit{Status: fixed{w.World}, Log: slog.New(slog.NewTextHandler(&w.log, nil)), Now: w.Clock.Now}, Acts: w.Acts, Rand: rand.Reader}
	return w
}

func orgOf(user string) string {
	_, domain, _ := strings.Cut(user, "@")
	return strings.TrimSuffix(domain, ".test")
}

// browser is a browser without scripts and without scruples: it sends what a test tells it to.
type browser struct {
	*http.Client
	base string
}

// visitor is a browser that nobody has signed in.
func (w *world) visitor(t testing.TB) *browser {
	t.Helper()
	srv := httptest.NewServer(Handler(w.opts))
	t.Cleanup(srv.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{&http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, srv.URL}
}

// answer is a page as it came.
type answer struct {
	status   int
	header   http.Header
	body     string
	location string
}

func (c *browser) send(t testing.TB, r *http.Request) answer {
	t.Helper()
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(body), res.Header.Get("Location")}
}

func (c *browser) get(t testing.TB, path string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.send(t, r)
}

// post sends a form as it is.
func (c *browser) post(t testing.TB, path string, form url.Values, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return c.send(t, r)
}

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// token is that of the forms on a page.
func (c *browser) token(t testing.TB, path string) string {
	t.Helper()
	a := c.get(t, path)
	m := csrfField.FindStringSubmatch(a.body)
	if m == nil {
		t.Fatalf("%s has no form: %d %s", path, a.status, a.location)
	}
	return m[1]
}

// submit sends a form of a page: with the page's token.
func (c *browser) submit(t testing.TB, on, to string, fields ...string) answer {
	t.Helper()
	form := url.Values{"csrf": {c.token(t, on)}}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return c.post(t, to, form)
}

// signIn is a browser in which somebody is signed in.
func (w *world) signIn(t testing.TB, user string) *browser {
	t.Helper()
	c := w.visitor(t)
	if a := c.submit(t, "/portal/sign-in", "/portal/sign-in", "org", orgOf(user), "user", user, "key", w.keys[user]); a.status != http.StatusSeeOther {
		t.Fatalf("%s is not let in: %d", user, a.status)
	}
	return c
}

func (a *answer) cookie(name string) *http.Cookie {
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// has fails the test where a page lacks one of the texts.
func (a *answer) has(t testing.TB, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			t.Errorf("status %d, the page lacks %q", a.status, text)
		}
	}
}

func (a *answer) lacks(t testing.TB, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(a.body, text) {
			t.Errorf("status %d, the page has %q", a.status, text)
		}
	}
}
