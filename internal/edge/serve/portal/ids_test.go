package portal

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var anID = regexp.MustCompile(`CVE-\d{4}-\d{4,}`)

// ids are the identifiers that a page names, once each.
func (a *answer) ids() (out []string) {
	for _, id := range anID.FindAllString(a.body, -1) {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// reserve reserves and returns what the page after it names.
func (c *browser) reserve(t testing.TB, amount string) []string {
	t.Helper()
	a := c.submit(t, "/portal/reserve", "/portal/reserve", "for", orgOfPage(c.get(t, "/portal/reserve")), "amount", amount, "year", "2026", "batch", "sequential")
	if a.status != http.StatusSeeOther || !strings.HasPrefix(a.location, "/portal/reserved?from=") {
		t.Fatalf("%d %s", a.status, a.location)
	}
	a = c.get(t, a.location)
	return a.ids()
}

func orgOfPage(a answer) string {
	return regexp.MustCompile(`name="for"[^>]* value="([^"]*)"|name="for" value="([^"]*)"`).FindStringSubmatch(a.body)[1]
}

func TestReserve(t *testing.T) {
	w := newWorld(t)
	c := w.signIn(t, "ann@acme.test")
	a := c.get(t, "/portal/reserve")
	a.has(t, "Reserve for acme", "0 of 1,000 reserved at the same time, 1,000 can still be reserved.", `data-many="Reserve {amount} CVE IDs of {year} for {for}"`)
	ask := func(fields ...string) answer { return c.submit(t, "/portal/reserve", "/portal/reserve", fields...) }
	done := ask("for", "acme", "amount", "3", "year", "2026", "batch", "sequential")
	if done.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", done.status, done.body)
	}
	a = c.get(t, done.location)
	a.has(t, "3 CVE IDs are reserved for acme", "3 of 1,000 reserved")
	ids := a.ids()
	if len(ids) != 3 {
		t.Fatalf("%q", ids)
	}
	csv := c.get(t, strings.Replace(done.location, "/reserved?", "/reserved.csv?", 1))
	if lines := strings.Split(strings.TrimSpace(csv.body), "\n"); len(lines) != 4 || lines[0] != "cve_id,state,owner,reserved,reserved_by,changed" ||
		!strings.HasPrefix(lines[1], ids[0]+",RESERVED,acme,2026-11-21T09:00:00") || !strings.Contains(lines[1], "ann@acme.test") {
		t.Errorf("%s", csv.body)
	}
	// What somebody else of the organisation reserved is not mine; a stranger has no such page.
	bob := w.signIn(t, "bob@acme.test")
	if a := bob.get(t, done.location); a.status != http.StatusNotFound {
		t.Errorf("a colleague's reservation: %d", a.status)
	}
	for _, tc := range []struct {
		fields []string
		want   string
	}{
		{[]string{"amount", "0"}, "How many has to be a whole number"},
		{[]string{"amount", "1.5"}, "How many has to be a whole number"},
		{[]string{"amount", ""}, "How many has to be a whole number"},
		{[]string{"amount", "998"}, "Only 997 can still be reserved."},
		{[]string{"amount", "11", "batch", "nonsequential"}, "ten at a time"},
		{[]string{"year", "26"}, "The year has four digits."},
		{[]string{"year", "2027"}, "not open for reservations"},
	} {
		form := map[string]string{"for": "acme", "amount": "1", "year": "2026", "batch": "sequential"}
		for i := 0; i < len(tc.fields); i += 2 {
			form[tc.fields[i]] = tc.fields[i+1]
		}
		var fields []string
		for k, v := range form {
			fields = append(fields, k, v)
		}
		a := ask(fields...)
		if a.status != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d", tc.fields, a.status)
		}
		// In the list on top, with the way to the field, and at the field; and what was typed is still there.
		a.has(t, tc.want, `aria-invalid="true"`, `href="#`+tc.fields[0]+`"`, `value="`+tc.fields[1]+`"`)
	}
	if a := ask("for", "other", "amount", "1", "year", "2026", "batch", "sequential"); a.status != http.StatusForbidden {
		t.Errorf("for somebody else: %d", a.status)
	}
	sec := w.signIn(t, "sec@secretariat.test")
	if a := sec.submit(t, "/portal/reserve", "/portal/reserve", "for", "other", "amount", "2", "year", "2026", "batch", "nonsequential"); a.status != http.StatusSeeOther {
		t.Errorf("the Secretariat for another: %d", a.status)
	} else if a = sec.get(t, a.location); len(a.ids()) != 2 {
		t.Errorf("%q", a.ids())
	}
	if a := sec.submit(t, "/portal/reserve", "/portal/reserve", "for", "nobody", "amount", "2", "year", "2026", "batch", "nonsequential"); a.status != http.StatusUnprocessableEntity {
		t.Errorf("for nobody: %d", a.status)
	}
}

func TestBatch(t *testing.T) {
	w := newWorld(t)
	c := w.signIn(t, "ann@acme.test")
	ids := c.reserve(t, "4")
	batch := func(fields ...string) answer { return c.submit(t, "/portal/ids", "/portal/ids/batch", fields...) }
	all := func(do string, more ...string) []string {
		fields := append([]string{"do", do}, more...)
		for _, id := range ids {
			fields = append(fields, "id", id)
		}
		return fields
	}
	if a := batch("do", "reject"); a.status != http.StatusUnprocessableEntity {
		t.Errorf("nothing selected: %d", a.status)
	} else {
		a.has(t, "Select at least one")
	}
	a := batch(all("reject")...)
	a.has(t, "Reject 4 CVE IDs", `name="sure"`, ids[3])
	if a := c.get(t, "/portal/ids?state=REJECTED"); len(a.ids()) != 0 {
		t.Errorf("rejected without being sure: %q", a.ids())
	}
	a = batch(all("reject", "sure", "1")...)
	a.has(t, "4 CVE IDs are rejected.")
	a = batch(all("reject")...)
	a.has(t, "4 are left as they are", "is rejected already")
	a = batch("do", "restore", "id", ids[0], "sure", "1", "id", ids[1])
	a.has(t, "2 CVE IDs are reserved again.")
	// With a reason, there is a record that says so, and it is published again instead of restored.
	a = batch("do", "reject", "id", ids[0], "sure", "1", "reason", "Not a flaw.", "reason_ja", "脆弱性ではない。", "replaced", strings.ToLower(ids[1])+", "+ids[2])
	a.has(t, "1 CVE ID is rejected.")
	view, err := w.Catalogue.Get(t.Context(), ids[0])
	if err != nil {
		t.Fatal(err)
	}
	raw, err := view.Raw()
	if err != nil || !strings.Contains(string(raw), `"Not a flaw."`) || !strings.Contains(string(raw), `脆弱性ではない。`) ||
		!strings.Contains(string(raw), `"replacedBy":["`+ids[1]+`","`+ids[2]+`"]`) {
		t.Errorf("%s (%v)", raw, err)
	}
	a = batch("do", "restore", "id", ids[0])
	a.has(t, "has a record")
	page := c.get(t, "/portal/ids/"+ids[0])
	page.has(t, "Publish "+ids[0]+" again", "Transfer "+ids[0])
	a = batch("do", "reject", "id", ids[1], "sure", "1", "replaced", "CVE-1")
	a.has(t, "something that is not a CVE ID", `value="CVE-1"`)
	a = batch("do", "reject", "id", ids[1], "sure", "1", "replaced", ids[2])
	a.has(t, "Say the reason in English too")
	if a = batch("do", "transfer", "id", ids[1], "sure", "1", "target", "nobody"); a.status != http.StatusUnprocessableEntity {
		t.Errorf("to nobody: %d", a.status)
	}
	a.has(t, "There is no organisation of this short name.", `value="nobody"`)
	a = batch("do", "transfer", "id", ids[1], "sure", "1", "target", "other")
	a.has(t, "1 CVE ID has a new owner.")
	a = c.get(t, "/portal/ids/"+ids[1])
	a.has(t, "not your organisation")
	a.lacks(t, "Reserved by", ">other<", "Transfer ")
	a = batch("do", "reject", "id", ids[1], "id", "CVE-2026-49999999", "sure", "1")
	a.has(t, "2 are left as they are", "belongs to another organisation")
	// All that a list has.
	a = batch("do", "reject", "every", "1", "state", "RESERVED", "year", "2026")
	if a.status != http.StatusUnprocessableEntity {
		t.Errorf("all of none: %d", a.status)
	}
	c.reserve(t, "120")
	list := c.get(t, "/portal/ids?state=RESERVED")
	list.has(t, "1 to 100 of 120", "all 120 that the list has", `rel="next"`)
	a = batch("do", "reject", "every", "1", "state", "RESERVED")
	a.has(t, "Reject 120 CVE IDs")
	csv := c.get(t, "/portal/ids.csv?state=RESERVED")
	if n := strings.Count(csv.body, "\n"); n != 121 {
		t.Errorf("%d lines", n)
	}
}
