package portal

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"tasuki/internal/authority"
)

// newTree is a world with a hierarchy: head over root over acme and other, and a CNA of last resort under the head.
func newTree(t *testing.T) (*world, map[string]authority.Grant) {
	t.Helper()
	w := newWorld(t)
	grants := map[string]authority.Grant{}
	give := func(org string, role authority.OrgRole, under string, scope authority.Scope) {
		g, err := w.Acts.GiveGrant(t.Context(), operator, authority.NewGrant{Org: org, Role: role, Parent: grants[under].ID, Scope: scope})
		if err != nil {
			t.Fatal(err)
		}
		grants[org] = g
	}
	for _, org := range []string{"head", "root", "last"} {
		if _, err := w.Acts.RegisterOrg(t.Context(), operator, authority.NewOrg{Short: org, Name: "The " + org}); err != nil {
			t.Fatal(err)
		}
		_, key, err := w.Acts.AddUser(t.Context(), operator, org, authority.NewUser{Username: "x@" + org + ".test"})
		if err != nil {
			t.Fatal(err)
		}
		w.keys["x@"+org+".test"] = key
	}
	give("head", authority.TopLevelRoot, "", authority.Scope{Text: "everything"})
	give("root", authority.Root, "head", authority.Scope{Text: "a half"})
	give("last", authority.LastResort, "head", authority.Scope{})
	for _, org := range []string{"acme", "other"} {
		old, err := w.Acts.Grants(t.Context(), org)
		if err != nil {
			t.Fatal(err)
		}
		give(org, authority.CNA, "root", authority.Scope{Text: "products of " + org, Include: []authority.Match{{Vendor: org}}})
		for _, g := range old {
			if err := w.Acts.EndGrant(t.Context(), operator, g.ID, "replaced"); err != nil {
				t.Fatal(err)
			}
		}
	}
	return w, grants
}

// published reserves an identifier and rejects it with a reason, so that it is public.
func (c *browser) published(t *testing.T) string {
	t.Helper()
	id := c.reserve(t, "1")[0]
	a := c.submit(t, "/portal/ids", "/portal/ids/batch", "do", "reject", "id", id, "sure", "1", "reason", "Not a flaw.")
	a.has(t, "1 CVE ID is rejected.")
	return id
}

// A dispute by the pages: opened by one, acknowledged and decided by the other, taken up to the Root, decided there.
func TestDispute(t *testing.T) {
	w, _ := newTree(t)
	ann, oto, root := w.signIn(t, "ann@acme.test"), w.signIn(t, "oto@other.test"), w.signIn(t, "x@root.test")
	id := ann.published(t)
	const begin = "/portal/cases/new/dispute"
	a := oto.submit(t, begin, begin, "subject", "content", "ids", "CVE-2026-1", "text", "It is one.")
	if a.status != http.StatusUnprocessableEntity {
		t.Errorf("%d", a.status)
	}
	a.has(t, "There is no such CVE ID in this list", "It is one.", `value="CVE-2026-1"`)
	a = oto.submit(t, begin, begin, "subject", "content", "ids", strings.ToLower(id), "text", "", "evidence", "not an address")
	a.has(t, "Say something", "not an address")
	a = oto.submit(t, begin, begin, "subject", "content", "ids", id, "text", "It is a flaw indeed.", "evidence", "https://other.test/why")
	if a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	path := a.location
	page := oto.get(t, path)
	page.has(t, "It is a flaw indeed.", "https://other.test/why", id, "Withdraw it")
	page.lacks(t, "Acknowledge the dispute</button>")
	overview := ann.get(t, "/portal/")
	overview.has(t, "Acknowledge the dispute", path, "dispute policy 2.0.0", "must")
	page = ann.get(t, path)
	page.has(t, "Acknowledge the dispute</button>", "2026-11-25 23:59:59 UTC") // the end of the third business day after a Saturday
	step := func(c *browser, do string, fields ...string) answer {
		t.Helper()
		return c.submit(t, path, path, append([]string{"do", do}, fields...)...)
	}
	if a := step(ann, "acknowledge", "text", "We look into it."); a.status != http.StatusSeeOther {
		t.Fatalf("%d", a.status)
	}
	a = step(ann, "acknowledge", "text", "Once more.")
	a.has(t, "The case has moved on", "Once more.")
	if a := step(oto, "valid", "text", "x"); a.status != http.StatusForbidden {
		t.Errorf("the party decides its own dispute: %d", a.status)
	}
	step(ann, "invalid", "text", "It is none.")
	page = oto.get(t, path)
	page.has(t, "decided: invalid", "Take it one level up")
	if a := step(oto, "escalate", "text", "It is."); a.status != http.StatusSeeOther {
		t.Errorf("%d", a.status)
	}
	list := root.get(t, "/portal/cases")
	list.has(t, path, "at the Root", "Acknowledge the dispute")
	step(root, "acknowledge", "text", "The Root looks into it.")
	w.Clock.Add(24 * time.Hour)
	root = w.signIn(t, "x@root.test")
	step(root, "valid", "text", "It is a flaw.")
	page = w.signIn(t, "ann@acme.test").get(t, path)
	page.has(t, "decided: valid", "The Root looks into it.")
	if a := w.signIn(t, "ann@acme.test").get(t, "/portal/cases/00000000-0000-4000-8000-000000000000"); a.status != http.StatusNotFound {
		t.Errorf("%d", a.status)
	}
}

// A first refusal by the pages: asked, declined, directed to the CNA of last resort, assigned.
func TestFirstRefusal(t *testing.T) {
	w, _ := newTree(t)
	oto, ann, root, last := w.signIn(t, "oto@other.test"), w.signIn(t, "ann@acme.test"), w.signIn(t, "x@root.test"), w.signIn(t, "x@last.test")
	const begin = "/portal/cases/new/refusal"
	a := oto.submit(t, begin, begin, "org", "nobody", "text", "A public flaw.")
	a.has(t, "There is no organisation of this short name", "A public flaw.")
	a = oto.submit(t, begin, begin, "org", "acme", "text", "A public flaw.")
	if a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	path := a.location
	due := ann.get(t, "/portal/cases")
	due.has(t, "Answer whether you assign", path)
	page := ann.get(t, path)
	page.has(t, "We assign", "We decline", "2026-11-24 09:00:00 UTC") // 72 hours
	ann.submit(t, path, path, "do", "decline", "text", "Not ours.")
	page = root.get(t, path)
	page.has(t, "Direct the CNA named above", "Not ours.")
	a = root.submit(t, path, path, "do", "direct", "org", "nobody", "text", "Assign.")
	a.has(t, "There is no organisation of this short name", `value="nobody"`)
	if a = root.submit(t, path, path, "do", "direct", "org", "last", "text", "Assign."); a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	last.submit(t, "/portal/account", path, "do", "assigned", "text", "Done.")
	page = oto.get(t, path)
	page.has(t, "assigned", "Done.")
}

func TestTransferAskedFor(t *testing.T) {
	w, _ := newTree(t)
	ann, root := w.signIn(t, "ann@acme.test"), w.signIn(t, "x@root.test")
	id := ann.published(t)
	w.Clock.Add(time.Second)
	reserved := ann.reserve(t, "1")[0]
	const begin = "/portal/cases/new/transfer"
	a := ann.submit(t, begin, begin, "ids", reserved, "org", "other", "text", "It is theirs.")
	a.has(t, "it is not public yet")
	a = ann.submit(t, begin, begin, "ids", "", "org", "other", "text", "It is theirs.")
	a.has(t, "There is no such CVE ID")
	a = ann.submit(t, begin, begin, "ids", id, "org", "other", "text", "It is theirs.")
	if a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	page := root.get(t, a.location)
	page.has(t, "Transfer the CVE IDs", "Deny the transfer")
	if b := root.submit(t, a.location, a.location, "do", "transfer", "text", "Yes."); b.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", b.status, b.body)
	}
	if i, err := w.Acts.ID(t.Context(), operator, id); err != nil || i.OwnerName != "other" {
		t.Errorf("%s %v", i.OwnerName, err)
	}
	for _, path := range []string{"/portal/cases/new/direction", "/portal/cases/new/nonsense"} {
		if a := ann.get(t, path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

func TestGrants(t *testing.T) {
	w, grants := newTree(t)
	root, ann := w.signIn(t, "x@root.test"), w.signIn(t, "ann@acme.test")
	path := "/portal/grants/" + grants["acme"].ID
	page := root.get(t, path)
	page.has(t, "vendor=acme", "products of acme", "Change the scope of acme", "End the role CNA of acme")
	page = ann.get(t, path)
	page.has(t, "vendor=acme")
	page.lacks(t, "Change the scope", "End the role")
	form := []string{"scope", "acme and rockets", "include", "vendor=acme\nvendor=rocketeers; product=rocket*", "exclude", "vendor=acme; product=toys", "eol", "excluded"}
	ask := func(fields ...string) answer {
		return root.submit(t, path, path, append(append([]string{"do", "ask"}, form...), fields...)...)
	}
	// The answer is that of the form, not of what stands.
	a := ask("vendor", "rocketeers", "product", "Rocket 9")
	a.has(t, "Responsible: acme", "vendor=rocketeers; product=rocket*", "Chain of responsibility: acme, root, head")
	a = ask("vendor", "acme", "product", "toys")
	a.has(t, "A gap", "acme excludes it.", "CNAs of last resort: last")
	a = ask("vendor", "acme", "product", "engine", "endoflife", "1")
	a.has(t, "does not take products at the end of their life")
	a = root.submit(t, path, path, "do", "ask", "include", "vendor=other", "vendor", "other")
	a.has(t, "Responsible: acme, other", "An overlap: they cooperate, and root decides")
	if again, err := w.Acts.Grant(t.Context(), grants["acme"].ID); err != nil || !again.Stands || again.Scope.Text != "products of acme" {
		t.Errorf("asking changed something: %+v %v", again, err)
	}
	a = root.submit(t, path, path, "do", "save", "include", "vendor=acme\nrockets", "scope", "kept")
	if a.status != http.StatusUnprocessableEntity {
		t.Errorf("%d", a.status)
	}
	a.has(t, "Line 2 is no pattern.", "kept", "rockets")
	a = root.submit(t, path, path, "do", "save", "exclude", "vendor=acme")
	a.has(t, "must not consist of exceptions alone")
	a = root.submit(t, path, path, append([]string{"do", "save", "decision", "So decided.", "ref", "https://root.test/1"}, form...)...)
	if a.status != http.StatusSeeOther || !strings.HasSuffix(a.location, "?saved=1") {
		t.Fatalf("%d %s\n%s", a.status, a.location, a.body)
	}
	page = root.get(t, a.location)
	page.has(t, "Saved.", "acme and rockets", "vendor=rocketeers; product=rocket*", "So decided.")
	if a := root.submit(t, path, path, append([]string{"do", "save"}, form...)...); a.status != http.StatusUnprocessableEntity {
		t.Errorf("a scope that was replaced already: %d", a.status)
	}
	// A Root gives below itself, and nowhere else.
	const fresh = "/portal/grants/new"
	give := func(c *browser, fields ...string) answer {
		return c.submit(t, fresh, fresh, append([]string{"do", "save"}, fields...)...)
	}
	a = give(root, "org", "last", "role", "CNA", "parent", grants["root"].ID, "include", "vendor=last", "to", "2027-11-21")
	if a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	given := regexp.MustCompile(`/portal/grants/([0-9a-f-]{36})`).FindStringSubmatch(a.location)[1]
	if a := give(root, "org", "last", "role", "CNA", "parent", grants["head"].ID); a.status != http.StatusForbidden {
		t.Errorf("beside itself: %d", a.status)
	}
	a = give(root, "org", "nobody", "role", "CNA", "parent", grants["root"].ID, "scope", "typed")
	a.has(t, "There is no organisation of this short name.", "typed", `value="nobody"`)
	a = give(root, "org", "last", "role", "TL_ROOT", "parent", grants["root"].ID)
	a.has(t, "cannot give this role")
	if a := ann.get(t, fresh); a.status != http.StatusForbidden {
		t.Errorf("a CNA gives roles: %d", a.status)
	}
	a = root.submit(t, "/portal/grants/"+given, "/portal/grants/"+given+"/end", "reason", " ")
	a.has(t, "A reason is needed.")
	if a := ann.submit(t, "/portal/account", "/portal/grants/"+given+"/end", "reason", "x"); a.status != http.StatusForbidden {
		t.Errorf("a CNA ends roles: %d", a.status)
	}
	root.submit(t, "/portal/grants/"+given, "/portal/grants/"+given+"/end", "reason", "no longer needed")
	page = root.get(t, "/portal/grants/"+given)
	page.has(t, "no longer needed")
	page.lacks(t, "End the role")
	list := root.get(t, "/portal/grants?org=last")
	list.has(t, "CNA_LR")
	list.lacks(t, given)
	list = root.get(t, "/portal/grants?org=last&past=1")
	list.has(t, given)
}
