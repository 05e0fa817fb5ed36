package web

import (
	"net/url"
	"slices"
	"strings"

	"tasuki/spec/cve"
	"tasuki/web/i18n"
	"tasuki/web/record"
)

// How many references "what to do" repeats, and how many a page lists at once.
const (
	maxAdvisories = 5
	pageLinks     = 100
)

// describeReferences groups the references of all parties by purpose, each address once, and fills the page asked for.
func describeReferences(l i18n.Lang, rec *cve.Record, page int, view *record.View) {
	var links []record.Link
	at := make(map[string]int)
	for _, p := range parties(rec) {
		for _, ref := range p.References {
			i, seen := at[ref.URL]
			if !seen {
				i = len(links)
				at[ref.URL] = i
				links = append(links, reference(ref))
			}
			x := &links[i]
			for _, t := range ref.Tags {
				// x_ tags tell how the reference came here, not what it is.
				if !strings.HasPrefix(t, "x_") && !slices.Contains(x.Tags, t) {
					x.Tags = append(x.Tags, t)
				}
			}
			switch {
			case x.Source == "":
				x.Source = p.source
			case !strings.Contains(x.Source, p.source):
				x.Source += ", " + p.source
			}
		}
	}
	groups := []record.RefGroup{{Name: "advisory"}, {Name: "patch"}, {Name: "exploit"}, {Name: "other"}}
	for _, x := range links {
		g := purpose(x.Tags)
		groups[g].Links = append(groups[g].Links, x)
		if x.Safe && len(view.Advisories) < maxAdvisories && (slices.Contains(x.Tags, "vendor-advisory") || slices.Contains(x.Tags, "patch") || slices.Contains(x.Tags, "mitigation")) {
			view.Advisories = append(view.Advisories, x)
		}
	}
	pages := (len(links) + pageLinks - 1) / pageLinks
	page = max(1, min(page, pages))
	view.RefPages = record.Pages{At: page, Of: pages}
	if pages > 1 {
		view.RefPages.Text = l.T("pager.references", l.Count(int64(page)), l.Count(int64(pages)), l.Count(int64(len(links))))
	}
	skip, room := (page-1)*pageLinks, pageLinks
	for _, g := range groups {
		g.Total = len(g.Links)
		from := min(skip, len(g.Links))
		to := min(from+room, len(g.Links))
		skip, room = skip-from, room-(to-from)
		if g.Links = g.Links[from:to]; len(g.Links) > 0 {
			view.References = append(view.References, g)
		}
	}
}

// purpose is the group of a reference with these tags (CVE Record Format, tags/reference-tags).
func purpose(tags []string) int {
	switch {
	case slices.Contains(tags, "exploit"):
		return 2
	case slices.Contains(tags, "patch"):
		return 1
	case slices.Contains(tags, "vendor-advisory"), slices.Contains(tags, "third-party-advisory"), slices.Contains(tags, "government-resource"):
		return 0
	}
	return 3
}

func reference(ref cve.Reference) record.Link {
	u, parsed, safe := webLink(ref.URL)
	x := record.Link{URL: ref.URL, Safe: safe}
	if !safe {
		return x
	}
	x.URL, x.Host = u, parsed.Host
	x.Text = strings.TrimSuffix(parsed.EscapedPath(), "/")
	if parsed.RawQuery != "" {
		x.Text += "?" + parsed.RawQuery
	}
	if name := strings.TrimSpace(ref.Name); name != "" && name != ref.URL && !strings.HasPrefix(name, "http") {
		x.Text = name
	}
	const longest = 90
	if r := []rune(x.Text); len(r) > longest {
		x.Text = string(r[:longest]) + "…"
	}
	return x
}

// webLink reports whether a text may become a link: http or https, with a host. Anything else (javascript:, data:, a
// broken scheme) stays text.
func webLink(text string) (string, *url.URL, bool) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", nil, false
	}
	return u.String(), u, true
}
