package portal

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/store"
)

// posts are the forms of the portal, with what would make them do something.
var posts = map[string]url.Values{
	"/portal/reserve":              {"for": {"acme"}, "amount": {"1"}, "year": {"2026"}, "batch": {"sequential"}},
	"/portal/ids/batch":            {"do": {"reject"}, "sure": {"1"}, "every": {"1"}},
	"/portal/account/name":         {"first": {"Mallory"}},
	"/portal/account/key":          {"key": {"KEY"}},
	"/portal/account/totp":         {"secret": {"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}, "code": {"755224"}},
	"/portal/account/sessions":     {"others": {"1"}},
	"/portal/orgs/acme/users/new":  {"username": {"mallory@acme.test"}},
	"/portal/sign-out":             {},
	"/portal/orgs/acme/edit":       {"name": {"Mallory Inc."}, "short": {"acme"}, "quota": {"1"}},
	"/portal/orgs/new":             {"name": {"Mallory Inc."}, "short": {"mallory"}, "quota": {"1"}},
	"/portal/account/totp/off":     {"code": {"1"}},
	"/portal/users/UUID":           {"first": {"Mallory"}},
	"/portal/users/UUID/key":       {},
	"/portal/users/UUID/totp":      {},
	"/portal/no-such-form/anymore": {},
}

// Without the session's token, with another session's, or from another origin, no form does anything.
func TestForeignFormsDoNothing(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.signIn(t, "ann@acme.test"), w.signIn(t, "bob@acme.test")
	good, bobs := ann.token(t, "/portal/account"), bob.token(t, "/portal/account")
	size := w.Size(t)
	for path, form := range posts {
		path = strings.Replace(path, "UUID", w.userID(t, "bob@acme.test"), 1)
		if form.Get("key") != "" {
			form = url.Values{"key": {w.keys["ann@acme.test"]}}
		}
		with := func(csrf ...string) url.Values {
			out := url.Values{"csrf": csrf}
			for k, v := range form {
				out[k] = v
			}
			return out
		}
		for name, a := range map[string]answer{
			"no token":           ann.post(t, path, with()),
			"empty token":        ann.post(t, path, with("")),
			"another's token":    ann.post(t, path, with(bobs)),
			"cross-site":         ann.post(t, path, with(good), "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"),
			"same site":          ann.post(t, path, with(good), "Sec-Fetch-Site", "same-site", "Origin", "https://sub.evil.test"),
			"old browser abroad": ann.post(t, path, with(good), "Origin", "https://evil.test"),
			"no origin at all":   ann.post(t, path, with(good), "Origin", "null"),
		} {
			if path == "/portal/no-such-form/anymore" && a.status == http.StatusNotFound {
				continue
			}
			if a.status != http.StatusForbidden {
				t.Errorf("%s to %s: %d %s", name, path, a.status, a.location)
			}
		}
		if a := w.visitor(t).post(t, path, with(good)); a.status != http.StatusSeeOther && a.status != http.StatusNotFound {
			t.Errorf("%s without a session: %d", path, a.status)
		}
	}
	if w.Size(t) != size {
		t.Errorf("the log grew by %d leaves", w.Size(t)-size)
	}
	if a := ann.get(t, "/portal/"); a.status != http.StatusOK {
		t.Errorf("the session was ended by a foreign form: %d", a.status)
	}
}

// What changes something is a POST: no address that a stranger could make a browser open does.
func TestGettingChangesNothing(t *testing.T) {
	w := newWorld(t)
	c := w.signIn(t, "sec@secretariat.test")
	size := w.Size(t)
	for path, fields := range posts {
		form := url.Values{"csrf": {c.token(t, "/portal/account")}}
		for k, v := range fields {
			form[k] = v
		}
		c.get(t, strings.Replace(path, "UUID", w.userID(t, "bob@acme.test"), 1)+"?"+form.Encode())
	}
	if w.Size(t) != size {
		t.Errorf("the log grew by %d leaves", w.Size(t)-size)
	}
	if a := c.get(t, "/portal/"); a.status != http.StatusOK {
		t.Errorf("signed out by an address: %d", a.status)
	}
}

func (w *world) userID(t testing.TB, name string) (id string) {
	t.Helper()
	u, err := w.Acts.User(t.Context(), operator, orgOf(name), name)
	if err != nil {
		t.Fatal(err)
	}
	return u.ID
}

// The session after signing in is a new one, whatever the browser brought along; what it brought is worth nothing from then on.
func TestNoFixation(t *testing.T) {
	w := newWorld(t)
	mallory := w.signIn(t, "oto@other.test")
	planted := mallory.session()
	victim := w.visitor(t)
	u, _ := url.Parse(victim.base)
	victim.Jar.SetCookies(u, []*http.Cookie{{Name: sessionCookie, Value: planted, Path: "/"}})
	a := victim.submit(t, "/portal/sign-in", "/portal/sign-in", "org", "acme", "user", "ann@acme.test", "key", w.keys["ann@acme.test"])
	if a.status != http.StatusSeeOther {
		t.Fatal(a.status)
	}
	if got := victim.session(); got == planted || len(got) != 43 {
		t.Errorf("the session is %q", got)
	}
	if a := mallory.get(t, "/portal/"); a.status != http.StatusSeeOther {
		t.Errorf("the planted session lives: %d", a.status)
	}
	// A made-up one is never taken over.
	victim.Jar.SetCookies(u, []*http.Cookie{{Name: sessionCookie, Value: strings.Repeat("A", 43), Path: "/"}})
	if a := victim.get(t, "/portal/"); a.status != http.StatusSeeOther || a.cookie(sessionCookie) == nil || a.cookie(sessionCookie).MaxAge >= 0 {
		t.Errorf("a made-up session: %d", a.status)
	}
}

// session is the token that a browser holds.
func (c *browser) session() string {
	u, _ := url.Parse(c.base)
	for _, cookie := range c.Jar.Cookies(u) {
		if cookie.Name == sessionCookie {
			return cookie.Value
		}
	}
	return ""
}

// Nobody can sign a stranger's browser in: the form is bound to the browser that asked for it.
func TestLoginCSRF(t *testing.T) {
	w := newWorld(t)
	mallory := w.visitor(t)
	form := url.Values{"csrf": {mallory.token(t, "/portal/sign-in")}, "org": {"other"}, "user": {"oto@other.test"}, "key": {w.keys["oto@other.test"]}}
	victim := w.visitor(t)
	if a := victim.post(t, "/portal/sign-in", form); a.status != http.StatusForbidden || a.cookie(sessionCookie) != nil {
		t.Errorf("without the cookie: %d", a.status)
	}
	victim.get(t, "/portal/sign-in")
	if a := victim.post(t, "/portal/sign-in", form); a.status != http.StatusForbidden || a.cookie(sessionCookie) != nil {
		t.Errorf("with another browser's token: %d", a.status)
	}
	if a := mallory.post(t, "/portal/sign-in", form, "Sec-Fetch-Site", "cross-site"); a.status != http.StatusForbidden || a.cookie(sessionCookie) != nil {
		t.Errorf("cross-site: %d", a.status)
	}
	if a := mallory.post(t, "/portal/sign-in", form); a.status != http.StatusSeeOther {
		t.Errorf("the browser that asked: %d", a.status)
	}
}

// Whatever is wrong, the answer is the same, and nothing of what was typed but the names comes back.
func TestOneAnswerForAllThatIsWrong(t *testing.T) {
	w := newWorld(t)
	inactive := false
	if _, err := w.Acts.ChangeUser(t.Context(), operator, "acme", "bob@acme.test", authority.UserChange{Active: &inactive}, nil); err != nil {
		t.Fatal(err)
	}
	var bodies []string
	for _, cr := range [][3]string{
		{"acme", "ann@acme.test", "wrong-secret"}, {"acme", "nobody", "wrong-secret"}, {"nowhere", "ann@acme.test", "wrong-secret"},
		{"other", "ann@acme.test", w.keys["ann@acme.test"]}, {"acme", "bob@acme.test", w.keys["bob@acme.test"]}, {"", "", ""},
	} {
		c := w.visitor(t)
		a := c.submit(t, "/portal/sign-in", "/portal/sign-in", "org", cr[0], "user", cr[1], "key", cr[2])
		if a.status != http.StatusForbidden {
			t.Errorf("%q: %d", cr, a.status)
		}
		a.has(t, "These do not belong together", `value="`+cr[0]+`"`)
		if cr[2] != "" {
			a.lacks(t, cr[2])
		}
		body := csrfField.ReplaceAllString(a.body, "")
		body = strings.NewReplacer(`value="`+cr[0]+`"`, "", `value="`+cr[1]+`"`, "", " autofocus", "").Replace(body)
		bodies = append(bodies, body)
	}
	if got := len(slices.Compact(bodies[:5])); got != 1 {
		t.Errorf("%d different answers", got)
	}
}

// Guessing is slowed; whoever has the key comes in at once, also in the middle of it.
func TestGuessingIsSlowed(t *testing.T) {
	w := newWorld(t)
	c := w.visitor(t)
	guess := func(key string) (answer, time.Duration) {
		began := time.Now()
		a := c.submit(t, "/portal/sign-in", "/portal/sign-in", "org", "acme", "user", "ann@acme.test", "key", key)
		return a, time.Since(began)
	}
	for range 4 {
		guess("wrong")
	}
	if _, took := guess("wrong"); took < 450*time.Millisecond {
		t.Errorf("the fifth wrong key was answered after %v", took)
	}
	a, _ := guess(w.keys["ann@acme.test"])
	if a.status != http.StatusSeeOther {
		t.Errorf("the right key after five wrong ones: %d", a.status)
	}
}

func TestCookies(t *testing.T) {
	for _, tc := range []struct {
		base string
		tls  bool
		name string
	}{{"", false, sessionCookie}, {"http://cve.test", false, sessionCookie}, {"https://cve.test", false, "__Host-" + sessionCookie}, {"", true, "__Host-" + sessionCookie}} {
		w := newWorld(t)
		w.opts.BaseURL, w.opts.Secure = tc.base, tc.tls
		secure := tc.name != sessionCookie
		c := w.visitor(t)
		// Over clear text a jar keeps no secure cookie, so that the test carries them itself.
		door := c.get(t, "/portal/sign-in")
		doors := door.cookie(strings.Replace(tc.name, sessionCookie, doorCookie, 1))
		if doors == nil || !doors.HttpOnly || doors.SameSite != http.SameSiteStrictMode || doors.Secure != secure {
			t.Fatalf("%s: %+v", tc.base, doors)
		}
		form := url.Values{"csrf": csrfField.FindStringSubmatch(door.body)[1:], "org": {"acme"}, "user": {"ann@acme.test"}, "key": {w.keys["ann@acme.test"]}}
		c.Jar = nil
		in := c.post(t, "/portal/sign-in", form, "Cookie", doors.Name+"="+doors.Value)
		session := in.cookie(tc.name)
		if session == nil || !session.HttpOnly || session.SameSite != http.SameSiteStrictMode || session.Secure != secure || session.Path != "/" || session.Domain != "" ||
			session.MaxAge != 0 || !session.Expires.IsZero() {
			t.Fatalf("%s: %+v", tc.base, session)
		}
		if strings.Contains(in.location, session.Value) || strings.Contains(in.body, session.Value) {
			t.Errorf("the session stands in the answer: %s", in.location)
		}
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, c.base+"/portal/", nil)
		r.Header.Set("Cookie", tc.name+"="+session.Value)
		page := c.send(t, r)
		if page.status != http.StatusOK {
			t.Errorf("%s: %d", tc.base, page.status)
		}
		page.lacks(t, session.Value)
		if secure {
			// The same value under the name that clear text uses is nobody's.
			r.Header.Set("Cookie", sessionCookie+"="+session.Value)
			if a := c.send(t, r); a.status != http.StatusSeeOther {
				t.Errorf("a cookie without the prefix is taken: %d", a.status)
			}
		}
		if strings.Contains(w.log.String(), session.Value) {
			t.Error("the session stands in the log")
		}
	}
}

// Nothing of the portal is kept by anybody, framed, or told to another site, whatever became of the request.
func TestHeaders(t *testing.T) {
	w := newWorld(t)
	c, nobody := w.signIn(t, "ann@acme.test"), w.visitor(t)
	for name, a := range map[string]answer{
		"page": c.get(t, "/portal/"), "list": c.get(t, "/portal/ids"), "table": c.get(t, "/portal/ids.csv"), "account": c.get(t, "/portal/account"),
		"not there": c.get(t, "/portal/nowhere"), "not allowed": c.get(t, "/portal/orgs"), "no such id": c.get(t, "/portal/ids/CVE-2026-1"),
		"foreign form": c.post(t, "/portal/sign-out", nil), "sign-in": nobody.get(t, "/portal/sign-in"), "led away": nobody.get(t, "/portal/"),
		"kept": c.send(t, withTag(t, c.base+"/portal/")),
	} {
		h := a.header
		if h.Get("Cache-Control") != "no-store" || h.Get("ETag") != "" {
			t.Errorf("%s: Cache-Control %q, ETag %q", name, h.Get("Cache-Control"), h.Get("ETag"))
		}
		csp := h.Get("Content-Security-Policy")
		if h.Get("X-Frame-Options") != "DENY" || !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "form-action 'self'") ||
			!strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %q %q", name, h.Get("X-Frame-Options"), csp)
		}
		if h.Get("Referrer-Policy") != "same-origin" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cross-Origin-Opener-Policy") != "same-origin" {
			t.Errorf("%s: %v", name, h)
		}
		if a.status == http.StatusNotModified {
			t.Errorf("%s: kept by the browser", name)
		}
	}
}

func withTag(t *testing.T, address string) *http.Request {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("If-None-Match", "*")
	return r
}

// After signing in, or at any other time, the portal leads nowhere but into itself.
func TestNoOpenRedirect(t *testing.T) {
	w := newWorld(t)
	for _, next := range []string{"https://evil.test/", "//evil.test/portal/", "/\\evil.test", "\\\\evil.test", "/portal/../..//evil.test", "/portal//evil.test", "javascript:alert(1)",
		"/portal/\t/evil", "http:///evil.test/portal/", "/portal@evil.test", "portal/", "/search", "/portal/%2e%2e/%2e%2e//evil.test", "/portal/x#y", "https:/portal/", "/portal/\r\nSet-Cookie: a=b"} {
		if got := local(next); got != "/portal/" {
			t.Errorf("%q leads to %q", next, got)
		}
	}
	for next, want := range map[string]string{"/portal/": "/portal/", "/portal/ids?state=RESERVED&lang=ja": "/portal/ids?state=RESERVED", "/portal/orgs/a%20b": "/portal/orgs/a%20b",
		"/portal/orgs/a%2Fb": "/portal/orgs/a/b"} {
		if got := local(next); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
	c := w.visitor(t)
	a := c.get(t, "/portal/ids?year=2026")
	if a.status != http.StatusSeeOther || a.location != "/portal/sign-in?next=%2Fportal%2Fids%3Fyear%3D2026" {
		t.Fatalf("%d %s", a.status, a.location)
	}
	a = c.submit(t, a.location, "/portal/sign-in", "next", "//evil.test", "org", "acme", "user", "ann@acme.test", "key", w.keys["ann@acme.test"])
	if a.location != "/portal/" {
		t.Errorf("led to %s", a.location)
	}
}

// FuzzLocal: whatever an address asks for, the way on stays on this host and in the portal, in the form that browsers read.
func FuzzLocal(f *testing.F) {
	for _, seed := range []string{"/portal/", "/portal/ids?state=RESERVED", "//evil.test", "/portal/..//evil.test", "/portal/\\..\\..\\evil", "/portal/%5c%5cevil", "/portal/a%2fb?next=//x", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, next string) {
		got := local(next)
		if !strings.HasPrefix(got, "/portal/") || strings.ContainsAny(got, "\\\r\n\t\x00 #") || strings.Contains(strings.SplitN(got, "?", 2)[0], "//") {
			t.Fatalf("%q leads to %q", next, got)
		}
		base, _ := url.Parse("https://cve.test/portal/sign-in")
		u, err := base.Parse(got)
		if err != nil || u.Host != "cve.test" || u.Scheme != "https" || !strings.HasPrefix(u.Path, "/portal/") {
			t.Fatalf("%q leads to %v (%v)", next, u, err)
		}
		if again := local(got); again != got {
			t.Fatalf("%q, then %q", got, again)
		}
	})
}

// A link from elsewhere comes without the session's cookie (SameSite=Strict): the portal asks the browser to come again from here.
func TestComingFromElsewhere(t *testing.T) {
	w := newWorld(t)
	c := w.visitor(t)
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, c.base+"/portal/ids?year=2026", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	a := c.send(t, r)
	if a.status != http.StatusOK || a.header.Get("Refresh") != "0; url=/portal/ids?year=2026" {
		t.Errorf("%d %q", a.status, a.header.Get("Refresh"))
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if a = c.send(t, r); a.status != http.StatusSeeOther {
		t.Errorf("and once more: %d", a.status)
	}
}

// Somebody who is switched off, whose key is reset, or who signs out is out at the next request, on every node.
func TestOutAtOnce(t *testing.T) {
	w := newWorld(t)
	inactive := false
	for name, end := range map[string]func(c *browser) error{
		"switched off": func(*browser) error {
			_, err := w.Acts.ChangeUser(t.Context(), operator, "acme", "bob@acme.test", authority.UserChange{Active: &inactive}, nil)
			return err
		},
		"key reset": func(*browser) error {
			key, err := w.Acts.ResetSecret(t.Context(), operator, "acme", "ann@acme.test")
			w.keys["ann@acme.test"] = key
			return err
		},
		"sign-out": func(c *browser) error {
			c.submit(t, "/portal/account", "/portal/sign-out")
			return nil
		},
		"idle": func(*browser) error { w.Clock.Add(authority.SessionIdle); return nil },
	} {
		user := "ann@acme.test"
		if name == "switched off" {
			user = "bob@acme.test"
		}
		c := w.signIn(t, user)
		token := c.session()
		if a := c.get(t, "/portal/"); a.status != http.StatusOK {
			t.Fatal(a.status)
		}
		if err := end(c); err != nil {
			t.Fatal(err)
		}
		// Another node of the same store, with the cookie as it was.
		other := w.visitor(t)
		u, _ := url.Parse(other.base)
		other.Jar.SetCookies(u, []*http.Cookie{{Name: sessionCookie, Value: token, Path: "/"}})
		for where, b := range map[string]*browser{"here": c, "on another node": other} {
			if a := b.get(t, "/portal/ids"); a.status != http.StatusSeeOther || !strings.HasPrefix(a.location, "/portal/sign-in") {
				t.Errorf("%s, %s: %d", name, where, a.status)
			}
		}
	}
}

// Nothing from which somebody could be impersonated is in the store.
func TestStoreHoldsHashesOnly(t *testing.T) {
	w := newWorld(t)
	c := w.signIn(t, "ann@acme.test")
	err := w.DB.View(t.Context(), func(tx *store.Tx) error {
		var hash string
		if err := tx.QueryRow(context.Background(), store.Inline("hash", `SELECT hash FROM authority_session`)).Scan(&hash); err != nil {
			return err
		}
		if strings.Contains(hash, c.session()) || hash == formToken(c.session()) {
			t.Errorf("%s for %s", hash, c.session())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What others must not see, they do not; what they must not do, they cannot.
func TestOthersBusiness(t *testing.T) {
	w := newWorld(t)
	ann, bob, oto := w.signIn(t, "ann@acme.test"), w.signIn(t, "bob@acme.test"), w.signIn(t, "oto@other.test")
	id := ann.reserve(t, "1")[0]
	a := oto.get(t, "/portal/ids/"+id)
	a.has(t, "RESERVED", "not your organisation")
	a.lacks(t, "acme", "ann@")
	anns := "/portal/users/" + w.userID(t, "ann@acme.test")
	for path, want := range map[string]int{
		"/portal/orgs/acme": http.StatusForbidden, "/portal/orgs/nobody": http.StatusForbidden, "/portal/ids?org=acme": http.StatusForbidden, "/portal/ids.csv?org=acme": http.StatusForbidden,
		"/portal/orgs": http.StatusForbidden, "/portal/orgs/new": http.StatusForbidden, "/portal/orgs/other/edit": http.StatusForbidden, anns: http.StatusNotFound,
		"/portal/orgs/acme/users/new": http.StatusForbidden, "/portal/reserve?org=acme": http.StatusForbidden,
	} {
		if a := oto.get(t, path); a.status != want {
			t.Errorf("%s: %d, want %d", path, a.status, want)
		} else {
			a.lacks(t, "ann@")
		}
	}
	size := w.Size(t)
	for path, form := range map[string][]string{
		anns: {"first", "X"}, anns + "/key": nil, anns + "/totp": nil, "/portal/orgs/acme/users/new": {"username", "mallory"}, "/portal/orgs/acme/edit": {"short", "acme", "name", "X", "quota", "1"},
		"/portal/orgs/new": {"short", "zzz", "name", "X", "quota", "1"}, "/portal/reserve": {"for", "acme", "amount", "1", "year", "2026", "batch", "sequential"},
	} {
		if a := oto.submit(t, "/portal/account", path, form...); a.status != http.StatusForbidden && a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
		// A colleague without the role of an administrator neither, but for reserving.
		if a := bob.submit(t, "/portal/account", path, form...); path != "/portal/reserve" && a.status != http.StatusForbidden {
			t.Errorf("bob at %s: %d", path, a.status)
		}
	}
	if grown := w.Size(t) - size; grown != 3 {
		t.Errorf("the log grew by %d leaves, want bob's reservation alone", grown)
	}
	oto.submit(t, "/portal/account", "/portal/ids/batch", "do", "reject", "id", id, "sure", "1")
	if a := ann.get(t, "/portal/ids?state=RESERVED"); !slices.Contains(a.ids(), id) {
		t.Errorf("%s was rejected by a stranger", id)
	}
}
