package native

import (
	"encoding/xml"
	"net/url"
	"strings"
	"testing"
	"time"

	"tasuki/internal/store/storetest"
)

// parsedFeed is what RFC 4287 asks of a feed and its entries, read with the namespace.
type parsedFeed struct {
	XMLName xml.Name       `xml:"http://www.w3.org/2005/Atom feed"`
	ID      []string       `xml:"http://www.w3.org/2005/Atom id"`
	Title   []string       `xml:"http://www.w3.org/2005/Atom title"`
	Updated []string       `xml:"http://www.w3.org/2005/Atom updated"`
	Links   []parsedLink   `xml:"http://www.w3.org/2005/Atom link"`
	Author  []parsedPerson `xml:"http://www.w3.org/2005/Atom author"`
	Entries []struct {
		ID      []string     `xml:"http://www.w3.org/2005/Atom id"`
		Title   []string     `xml:"http://www.w3.org/2005/Atom title"`
		Updated []string     `xml:"http://www.w3.org/2005/Atom updated"`
		Links   []parsedLink `xml:"http://www.w3.org/2005/Atom link"`
	} `xml:"http://www.w3.org/2005/Atom entry"`
}

type parsedLink struct {
	Rel  string `xml:"rel,attr"`
	Href string `xml:"href,attr"`
}

type parsedPerson struct {
	Name string `xml:"http://www.w3.org/2005/Atom name"`
}

// A feed has what RFC 4287 §4.1 demands, whatever a record says; ids are whole addresses that stay when a record changes.
func TestFeedsAreAtom(t *testing.T) {
	w := found(t, storetest.Open(t, storetest.SQLite(t)))
	tell(t, w.World)
	odd := sqlHole
	odd.id, odd.title, odd.text = "CVE-2024-1003", `<script>&amp;]]>"'`, "\u0001 control, <b>markup</b>\ufffe."
	w.Import(t, odd.json())
	read := func(query string) parsedFeed {
		t.Helper()
		answer := ask(w, "search.atom?"+query)
		if kind := answer.Header().Get("Content-Type"); kind != "application/atom+xml" {
			t.Errorf("%s: %s", query, kind)
		}
		var f parsedFeed
		d := xml.NewDecoder(answer.Body)
		d.Strict = true
		if err := d.Decode(&f); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return f
	}
	whole := func(s string) bool { u, err := url.Parse(s); return err == nil && u.IsAbs() }
	ids := map[string]string{}
	for _, query := range []string{"", "q=vendor:acme", "q=%E8%AA%8D%E8%A8%BC", "q=nothing-has-this"} {
		f := read(query)
		if len(f.ID) != 1 || len(f.Title) != 1 || len(f.Updated) != 1 || len(f.Author) != 1 || f.Author[0].Name == "" || !whole(f.ID[0]) {
			t.Errorf("%s: %+v", query, f)
		}
		if len(f.Links) != 2 || f.Links[0].Rel != "self" || f.Links[0].Href != f.ID[0] || f.Links[1].Rel != "alternate" {
			t.Errorf("%s: links %v", query, f.Links)
		}
		if other, there := ids[f.ID[0]]; there {
			t.Errorf("%s and %s have one id", query, other)
		}
		ids[f.ID[0]] = query
		last := ""
		for _, e := range f.Entries {
			if len(e.ID) != 1 || len(e.Title) != 1 || len(e.Updated) != 1 || len(e.Links) != 1 || !whole(e.ID[0]) || e.Links[0].Rel != "alternate" {
				t.Errorf("%s: %+v", query, e)
			}
			if _, err := time.Parse(time.RFC3339, e.Updated[0]); err != nil || last != "" && e.Updated[0] > last {
				t.Errorf("%s: %s after %s, %v", query, e.Updated[0], last, err)
			}
			last = e.Updated[0]
		}
		if len(f.Entries) > 0 && f.Updated[0] != f.Entries[0].Updated[0] {
			t.Errorf("%s: updated %s, its newest entry %s", query, f.Updated[0], f.Entries[0].Updated[0])
		}
	}
	before := read("q=id:CVE-2024-1003").Entries[0]
	if !strings.Contains(before.Title[0], odd.title) {
		t.Errorf("title %q", before.Title[0])
	}
	turn(w.World, "2026-05-07")
	odd.title, odd.updated = "Even now", "2026-05-06"
	w.Import(t, odd.json())
	if after := read("q=id:CVE-2024-1003").Entries[0]; after.ID[0] != before.ID[0] || after.Updated[0] <= before.Updated[0] || after.Title[0] == before.Title[0] {
		t.Errorf("%v, then %v", before, after)
	}
}
