package portal

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/spec/totp"
)

var offered = regexp.MustCompile(`name="secret" value="([A-Z2-7]+)"`)

// setUp sets one-time passwords up by the page for that, and returns their key.
func (w *world) setUp(t testing.TB, c *browser) []byte {
	t.Helper()
	a := c.get(t, totpPath)
	m := offered.FindStringSubmatch(a.body)
	if m == nil {
		t.Fatalf("no key is offered: %d", a.status)
	}
	key, err := totp.ParseKey(m[1])
	if err != nil {
		t.Fatal(err)
	}
	a = c.submit(t, totpPath, totpPath, "secret", m[1], "code", "000000")
	if a.status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong code: %d", a.status)
	}
	a.has(t, m[1], "The code is not good")
	if a = c.submit(t, totpPath, totpPath, "secret", m[1], "code", totp.Code(key, totp.Step(w.Clock.Now()))); a.status != http.StatusSeeOther {
		t.Fatalf("the right code: %d\n%s", a.status, a.body)
	}
	return key
}

func (w *world) code(key []byte) string {
	w.Clock.Add(totp.Period)
	return totp.Code(key, totp.Step(w.Clock.Now()))
}

func TestTOTP(t *testing.T) {
	w := newWorld(t)
	c, other := w.signIn(t, "ann@acme.test"), w.signIn(t, "ann@acme.test")
	key := w.setUp(t, c)
	if a := c.get(t, "/portal/account"); a.status != http.StatusOK {
		t.Errorf("the session that set them up ended: %d", a.status)
	}
	if a := other.get(t, "/portal/account"); a.status != http.StatusSeeOther {
		t.Errorf("a session without one-time password lives: %d", a.status)
	}
	in := func(code string) (*browser, int) {
		c := w.visitor(t)
		a := c.submit(t, "/portal/sign-in", "/portal/sign-in", "org", "acme", "user", "ann@acme.test", "key", w.keys["ann@acme.test"], "code", code)
		return c, a.status
	}
	if _, status := in(""); status != http.StatusForbidden {
		t.Errorf("without a code: %d", status)
	}
	good := w.code(key)
	if _, status := in(good[:3] + " " + good[3:]); status != http.StatusSeeOther {
		t.Errorf("with a code: %d", status)
	}
	if _, status := in(good); status != http.StatusForbidden {
		t.Errorf("with a code that was used: %d", status)
	}
	if a := c.submit(t, "/portal/account", "/portal/account/totp/off", "code", good); a.status != http.StatusUnprocessableEntity {
		t.Errorf("switched off by a used code: %d", a.status)
	}
	// An administrator does it for somebody who lost their phone, but not for themselves.
	anns := "/portal/users/" + w.userID(t, "ann@acme.test")
	if a := c.submit(t, "/portal/account", anns+"/totp"); a.location != "/portal/account" {
		t.Errorf("%d %s", a.status, a.location)
	}
	if _, status := in(""); status != http.StatusForbidden {
		t.Errorf("switched off without a code: %d", status)
	}
	sec := w.signIn(t, "sec@secretariat.test")
	page := sec.get(t, anns)
	page.has(t, "Switch the one-time codes of ann@acme.test off")
	if a := sec.submit(t, anns, anns+"/totp"); a.status != http.StatusSeeOther {
		t.Errorf("%d", a.status)
	}
	if _, status := in(""); status != http.StatusSeeOther {
		t.Errorf("after they were switched off: %d", status)
	}
	w.Clock.Add(time.Minute)
	key = w.setUp(t, c)
	if a := c.submit(t, "/portal/account", "/portal/account/totp/off", "code", w.code(key)); a.status != http.StatusSeeOther || a.location != "/portal/account?did=totpoff" {
		t.Errorf("switched off by a code: %d", a.status)
	}
	if _, status := in(""); status != http.StatusSeeOther {
		t.Errorf("after that: %d", status)
	}
}

func TestAccount(t *testing.T) {
	w := newWorld(t)
	c, other := w.signIn(t, "ann@acme.test"), w.signIn(t, "ann@acme.test")
	a := c.get(t, "/portal/account")
	a.has(t, "ann@acme.test", "Acme Corporation", "administrator", "127.0.0.1", "this one", "End the other session")
	a = c.submit(t, "/portal/account", "/portal/account/name", "first", "Ann", "last", "Lee")
	a = c.get(t, a.location)
	a.has(t, "Your name is saved.", `value="Lee"`)
	a = c.submit(t, "/portal/account", "/portal/account/name", "first", strings.Repeat("x", 101))
	if a.status != http.StatusUnprocessableEntity {
		t.Errorf("%d", a.status)
	}
	a.has(t, "at most 100 characters")
	// Another session is ended by its name, and a stranger's cannot be.
	name := regexp.MustCompile(`name="end" value="([0-9a-f]{16})"`).FindStringSubmatch(c.get(t, "/portal/account").body)[1]
	w.signIn(t, "oto@other.test").submit(t, "/portal/account", "/portal/account/sessions", "end", name)
	if a := other.get(t, "/portal/"); a.status != http.StatusOK {
		t.Errorf("a stranger ended it: %d", a.status)
	}
	c.submit(t, "/portal/account", "/portal/account/sessions", "end", name)
	if a := other.get(t, "/portal/"); a.status != http.StatusSeeOther {
		t.Errorf("it lives: %d", a.status)
	}
	other = w.signIn(t, "ann@acme.test")
	c.submit(t, "/portal/account", "/portal/account/sessions", "others", "1")
	if a, b := c.get(t, "/portal/"), other.get(t, "/portal/"); a.status != http.StatusOK || b.status != http.StatusSeeOther {
		t.Errorf("%d %d", a.status, b.status)
	}
	// Another key needs the present one; it is shown once, and the session that asked goes on.
	other = w.signIn(t, "ann@acme.test")
	if a = c.submit(t, "/portal/account", "/portal/account/key", "key", "wrong"); a.status != http.StatusUnprocessableEntity {
		t.Errorf("by a wrong key: %d", a.status)
	}
	a.has(t, "This is not your present key.")
	a = c.submit(t, "/portal/account", "/portal/account/key", "key", w.keys["ann@acme.test"])
	fresh := regexp.MustCompile(`<code id="secret">([0-9a-f]{36})</code>`).FindStringSubmatch(a.body)
	if fresh == nil || fresh[1] == w.keys["ann@acme.test"] {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := other.get(t, "/portal/"); a.status != http.StatusSeeOther {
		t.Errorf("another session outlived the key: %d", a.status)
	}
	if a := c.get(t, "/portal/account"); a.status != http.StatusOK || strings.Contains(a.body, fresh[1]) {
		t.Errorf("%d", a.status)
	}
	w.keys["ann@acme.test"] = fresh[1]
	w.signIn(t, "ann@acme.test")
	if strings.Contains(w.log.String(), fresh[1]) {
		t.Error("the key stands in the log")
	}
}

func TestUsers(t *testing.T) {
	w := newWorld(t)
	ann := w.signIn(t, "ann@acme.test")
	const form = "/portal/orgs/acme/users/new"
	a := ann.submit(t, form, form, "username", "eve@acme.test", "first", "Eve", "admin", "1")
	a.has(t, "eve@acme.test is a user of acme now", "shown now and never again")
	w.keys["eve@acme.test"] = regexp.MustCompile(`<code id="secret">([0-9a-f]{36})</code>`).FindStringSubmatch(a.body)[1]
	eve := w.signIn(t, "eve@acme.test")
	for fields, want := range map[[4]string]string{
		{"username", "eve@acme.test", "first", "x"}:                 "has a user of this name already",
		{"username", "é", "first", "Keep me"}:                       "A username has 3 to 128",
		{"username", "new", "first", strings.Repeat("y", 101)}:      "at most 100 characters",
		{"username", "bob@acme.test", "last", "Typed and not lost"}: "has a user of this name already",
	} {
		a := ann.submit(t, form, form, fields[:]...)
		if a.status != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d", fields, a.status)
		}
		a.has(t, want, `value="`+fields[3]+`"`)
	}
	bobs := "/portal/users/" + w.userID(t, "bob@acme.test")
	a = ann.submit(t, bobs, bobs, "username", "rob@acme.test", "first", "Rob", "active", "1", "admin", "1")
	a = ann.get(t, a.location)
	a.has(t, "Saved.", "rob@acme.test of acme")
	w.keys["rob@acme.test"] = w.keys["bob@acme.test"]
	rob := w.signIn(t, "rob@acme.test")
	if u, err := w.Acts.User(t.Context(), operator, "acme", "rob@acme.test"); err != nil || !u.Admin() || u.Name.First != "Rob" {
		t.Errorf("%+v %v", u, err)
	}
	a = rob.submit(t, bobs, bobs, "username", "rob@acme.test", "first", "Rob", "active", "1") // one's own box of the administrator is shut
	if u, err := w.Acts.User(t.Context(), operator, "acme", "rob@acme.test"); a.status != http.StatusSeeOther || err != nil || !u.Admin() {
		t.Errorf("%d %+v %v", a.status, u, err)
	}
	a = ann.submit(t, bobs, bobs+"/key")
	a.has(t, "The new key of rob@acme.test")
	if a := rob.get(t, "/portal/"); a.status != http.StatusSeeOther {
		t.Errorf("rob is in with a key that was reset: %d", a.status)
	}
	a = ann.submit(t, bobs, bobs, "username", "rob@acme.test", "first", "Rob")
	a = ann.get(t, "/portal/org")
	a = ann.get(t, a.location)
	a.has(t, "rob@acme.test", "switched off", "active, administrator", "Acme Corporation")
	// Moving is the Secretariat's.
	sec := w.signIn(t, "sec@secretariat.test")
	a = sec.submit(t, bobs, bobs, "username", "rob@acme.test", "first", "Rob", "move", "nowhere")
	a.has(t, "There is no other organisation of this short name.", `value="nowhere"`)
	if a = sec.submit(t, bobs, bobs, "username", "rob@acme.test", "first", "Rob", "active", "1", "move", "other"); a.status != http.StatusSeeOther {
		t.Errorf("%d", a.status)
	}
	if _, err := w.Acts.User(t.Context(), operator, "other", "rob@acme.test"); err != nil {
		t.Error(err)
	}
	if a := eve.get(t, bobs); a.status != http.StatusNotFound {
		t.Errorf("a user of another organisation: %d", a.status)
	}
	if log := w.log.String(); strings.Contains(log, "rob@") || strings.Contains(log, "eve@") {
		t.Errorf("the log names people: %s", log)
	}
}

func TestOrgs(t *testing.T) {
	w := newWorld(t)
	sec := w.signIn(t, "sec@secretariat.test")
	a := sec.get(t, "/portal/orgs?find=SONS")
	a.has(t, "Other &amp; Sons")
	a.lacks(t, "Acme Corporation")
	fields := []string{"short", "new/one", "name", "A new one", "quota", "7", "role", "CNA", "role", "ADP", "emails", "psirt@new.test\r\n\r\nsecurity@new.test"}
	a = sec.submit(t, "/portal/orgs/new", "/portal/orgs/new", fields...)
	if a.location != "/portal/orgs/new%2Fone" {
		t.Fatalf("%d %s\n%s", a.status, a.location, a.body)
	}
	page := sec.get(t, a.location)
	page.has(t, "A new one", "psirt@new.test, security@new.test", "0 of 7 reserved", "CNA", "ADP")
	a = sec.submit(t, "/portal/orgs/new", "/portal/orgs/new", fields...)
	a.has(t, "Another organisation has this short name.", "psirt@new.test", `value="A new one"`)
	a = sec.submit(t, "/portal/orgs/new", "/portal/orgs/new", "short", "x", "name", "", "quota", "100001")
	a.has(t, "from 0 to 100,000")
	a = sec.submit(t, "/portal/orgs/new", "/portal/orgs/new", "short", "x", "name", "Y", "quota", "1")
	a.has(t, "2 to 32 characters.")
	a = sec.submit(t, "/portal/orgs/new", "/portal/orgs/new", "short", "xx", "name", "", "quota", "1")
	a.has(t, "The organisation needs a name.")
	const edit = "/portal/orgs/new%2Fone/edit"
	a = sec.submit(t, edit, edit, "short", "newone", "name", "A newer one", "quota", "9", "role", "CNA", "country", "Japan")
	if a.location != "/portal/orgs/newone/edit?saved=1" {
		t.Fatalf("%d %s", a.status, a.location)
	}
	o, err := w.Acts.Org(t.Context(), operator, "newone")
	if err != nil || o.Name != "A newer one" || o.Quota != 9 || o.Has(authority.ADP) || !o.Has(authority.CNA) || o.Profile.Country != "Japan" || len(o.Profile.Emails) != 0 {
		t.Errorf("%+v %v", o, err)
	}
	size := w.Size(t)
	sec.submit(t, "/portal/orgs/newone/edit", "/portal/orgs/newone/edit", "short", "newone", "name", "A newer one", "quota", "9", "role", "CNA", "country", "Japan")
	if w.Size(t) != size {
		t.Error("nothing was changed, and the log grew")
	}
	a = sec.submit(t, "/portal/orgs/newone/edit", "/portal/orgs/newone/edit", "short", "acme", "name", "A newer one", "quota", "9")
	a.has(t, "Another organisation has this short name.")
}
