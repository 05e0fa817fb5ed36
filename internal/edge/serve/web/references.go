package web

import (
	"net/url"
	"slices"
	"strings"

	"tasuki/spec/cve"
	"tasuki/web/i18n"
	"tasuki/web/record"
	"tasuki/web/severity"
)

// maxAdvisories is how many references "what to do" repeats.
const maxAdvisories = 5

// describeReferences groups the references of all parties by purpose, each address once.
func describeReferences(rec *cve.Record, view *record.View) {
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
	for _, g := range groups {
		if len(g.Links) > 0 {
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

// containers set the parties side by side, in the order of record.Rows.
func containers(l i18n.Lang, rec *cve.Record) (out []record.Container) {
	for _, p := range parties(rec) {
		c := record.Container{Title: p.Title, Source: p.source}
		if at, _, err := cve.ParseTime(p.Provider.DateUpdated); err == nil {
			c.Updated = at
		}
		var bad []string
		exploited := ""
		for i := range p.Metrics {
			for _, s := range scores(l, &p.Metrics[i]) {
				bad = append(bad, severity.Number(s.Value)+" "+l.T("severity."+s.Level)+" ("+s.Version+")")
			}
			var seen record.View
			readOther(l, p.Metrics[i].Other, "", &seen)
			if seen.KEV != nil {
				exploited = l.T("kev.name") + " " + l.T("kev.since", seen.KEV.Added)
			}
			if seen.SSVC != nil && exploited == "" && len(seen.SSVC.Points) > 0 {
				exploited = "SSVC: " + seen.SSVC.Points[0].Value
			}
		}
		var weak []string
		for _, w := range weaknesses(l, p) {
			if w.ID != "" {
				weak = append(weak, w.ID)
			}
		}
		described := ""
		if t, ok := cve.Pick(p.Descriptions, string(l), "en", cve.Any); ok {
			described = l.N("says.chars", int64(len([]rune(t.Value))), cve.Language(t.Lang))
		}
		entries := func(n int) string {
			if n == 0 {
				return ""
			}
			return l.N("says.entries", int64(n))
		}
		named := 0
		for i := range p.Affected {
			if _, ok := product(l, &p.Affected[i], ""); ok {
				named++
			}
		}
		comma := l.T("list.comma")
		c.Cells = []string{p.Title, described, strings.Join(bad, comma), strings.Join(weak, comma), entries(named), entries(len(p.References)), exploited}
		out = append(out, c)
	}
	return out
}
