package portal

import (
	"regexp"
	"strings"
	"testing"
)

var older = regexp.MustCompile(`href="(/portal/trail\?deeds=[0-9][^"]*)"`)

// Everybody finds what they did and what was refused to them, and nothing of others.
func TestTrail(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.signIn(t, "ann@acme.test"), w.signIn(t, "bob@acme.test")
	ids, bobs := ann.reserve(t, "2"), bob.reserve(t, "1")
	ann.submit(t, "/portal/ids", "/portal/ids/batch", "do", "reject", "id", ids[0], "sure", "1", "reason", "Not a flaw.")
	ann.submit(t, "/portal/account", "/portal/reserve", "for", "other", "amount", "1", "year", "2026", "batch", "sequential")
	a := ann.get(t, "/portal/trail")
	a.has(t, ids[0], ids[1], "<td>rejected</td>", "only the Secretariat reserves for others")
	a.lacks(t, bobs[0], "member:", "authority:")
	b := bob.get(t, "/portal/trail")
	b.has(t, bobs[0], "<td>rejected</td>") // the organisation's
	b.lacks(t, ids[1], "only the Secretariat reserves for others")
	o := w.signIn(t, "oto@other.test").get(t, "/portal/trail")
	o.lacks(t, ids[0], ids[1], bobs[0])
	o.has(t, "Nothing.")
	// Page by page, all of it once.
	ann.reserve(t, "60")
	first := ann.get(t, "/portal/trail")
	first.has(t, "Older")
	seen := map[string]bool{}
	path := "/portal/trail"
	for range 5 {
		a := ann.get(t, path)
		for _, id := range a.ids() {
			seen[id] = true
		}
		next := older.FindStringSubmatch(a.body)
		if next == nil {
			break
		}
		path = strings.ReplaceAll(next[1], "&amp;", "&")
	}
	if len(seen) != 62 {
		t.Errorf("%d identifiers on all pages, want 62", len(seen))
	}
}
