package web

import (
	"cmp"
	"slices"
	"strings"

	"tasuki/spec/cve"
	"tasuki/web/i18n"
	"tasuki/web/record"
)

// What of a record's products a page shows at once. The largest real record names 743 products, another 4,868 versions: they
// are cut into pages by what they take up.
const (
	pageRoom    = 200 // rows of versions, or as much of anything else
	productRoom = 3   // a product's name and the facts about it, in rows
	// openProducts stand open on the first page, the rest with their names only: what to do comes next, and should be seen.
	openProducts = 3
	maxCPEs      = 40
	maxFixed     = 8 // products, and versions of each
)

// describeProducts fills what is affected, the page of it that is asked for, and in what it is fixed.
func describeProducts(l i18n.Lang, rec *cve.Record, page int, view *record.View) {
	var all []record.Product
	byCNA := false // the CNA named products itself
	for _, p := range parties(rec) {
		for i := range p.Affected {
			if prod, ok := product(l, &p.Affected[i], p.source); ok {
				prod.Folded = p.kind == "ADP" && byCNA
				all = append(all, prod)
			}
		}
		byCNA = len(all) > 0
		// An ADP repeats the CNA's versions; its word is asked only where the CNA gave no fix.
		if len(view.Fixed) == 0 {
			view.Fixed = fixes(p.Affected)
		}
	}
	pages := paginate(all)
	page = max(1, min(page, len(pages)))
	view.AffectedPages = record.Pages{At: page, Of: len(pages)}
	if len(pages) == 0 {
		return
	}
	view.Affected = pages[page-1]
	if page == 1 {
		for i := range view.Affected[min(openProducts, len(view.Affected)):] {
			view.Affected[openProducts+i].Folded = true
		}
	}
	if len(pages) > 1 {
		versions := 0
		for _, p := range all {
			versions += len(p.Ranges)
		}
		view.AffectedPages.Text = l.T("pager.affected", l.Count(int64(page)), l.Count(int64(len(pages))), l.Count(int64(len(all))), l.Count(int64(versions)))
	}
}

// paginate cuts products into pages of about pageRoom rows, within a product where it is longer than what is left.
func paginate(all []record.Product) (pages [][]record.Product) {
	var page []record.Product
	used := 0
	for _, p := range all {
		ranges, head := p.Ranges, productRoom+len(p.CPEs)/3+len(p.Parts)/3
		for first := true; first || len(ranges) > 0; first = false {
			if used > 0 && used+head+min(len(ranges), productRoom) > pageRoom {
				pages, page, used = append(pages, page), nil, 0
			}
			n := min(len(ranges), max(1, pageRoom-used-head))
			part := p
			part.Ranges = ranges[:n]
			ranges = ranges[n:]
			if !first {
				part.Continued, part.Line, part.CPEs, part.CPEMore, part.Parts, part.Platforms = true, nil, nil, 0, nil, nil
			}
			page = append(page, part)
			used += head + n
			head = productRoom
		}
	}
	if len(page) > 0 {
		pages = append(pages, page)
	}
	return pages
}

// product is one entry of affected. ok is false for the placeholder of old records ("n/a" throughout).
func product(l i18n.Lang, a *cve.Affected, source string) (p record.Product, ok bool) {
	p = record.Product{
		Vendor: given(a.Vendor), Name: cmp.Or(given(a.Product), given(a.PackageName)), Source: source,
		Package: a.PackageURL, Repo: "", Platforms: a.Platforms,
	}
	if strings.EqualFold(p.Vendor, p.Name) {
		p.Vendor = ""
	}
	if p.Package == "" && a.PackageName != "" && a.PackageName != p.Name {
		p.Package = a.PackageName
	}
	if url, _, safe := webLink(a.Repo); safe {
		p.Repo = url
	}
	p.Parts = append(append(p.Parts, a.Modules...), a.ProgramFiles...)
	for _, r := range a.ProgramRoutines {
		p.Parts = append(p.Parts, r.Name)
	}
	if a.DefaultStatus == "affected" || a.DefaultStatus == "unaffected" {
		p.Default = a.DefaultStatus
	}
	for _, v := range a.Versions {
		r, ok := versionRange(l, v)
		if !ok {
			continue
		}
		p.Ranges = append(p.Ranges, r)
	}
	p.Line = draw(p)
	p.CPEs = a.CPEs[:min(len(a.CPEs), maxCPEs)]
	p.CPEMore = len(a.CPEs) - len(p.CPEs)
	named := p.Vendor != "" || p.Name != "" || p.Package != ""
	if p.Name == "" {
		p.Name = cmp.Or(p.Package, p.Repo, "?")
	}
	return p, named || len(p.Ranges) > 0 || len(p.CPEs) > 0
}

// given drops the placeholders that stand for "nothing said".
func given(s string) string {
	s = strings.TrimSpace(s)
	if strings.EqualFold(s, "n/a") || s == "-" {
		return ""
	}
	return s
}

// versionRange reads one version item. An upper bound of "*" (or ending in ".*", with lessThanOrEqual) is open within
// its branch; "0" and "*" as the lower bound mean from the first on (CVE Record Format, "versions").
func versionRange(l i18n.Lang, v cve.Version) (r record.Range, ok bool) {
	r = record.Range{Status: cmp.Or(v.Status, "unknown"), From: version(v, v.Version), Commits: v.VersionType == "git"}
	if r.Status != "affected" && r.Status != "unaffected" {
		r.Status = "unknown"
	}
	upper := cmp.Or(v.LessThan, v.LessThanOrEqual)
	switch {
	case upper == "*", upper == "" && v.Version == "*":
		r.Open = true
	case upper != "":
		r.To, r.Inclusive = version(v, upper), v.LessThan == ""
		r.Fixed = v.LessThan != "" && r.Status == "affected"
	case given(v.Version) == "":
		return r, false
	}
	if (r.Open || r.To != "") && (v.Version == "0" || v.Version == "*" || given(v.Version) == "" || strings.EqualFold(v.Version, "unspecified")) {
		r.From = ""
	}
	for _, c := range v.Changes {
		status := c.Status
		if status != "affected" && status != "unaffected" {
			status = "unknown"
		}
		r.Changes = append(r.Changes, l.T("range.change", l.T("status."+status), version(v, c.At)))
	}
	return r, true
}

// version shortens what is a commit's hash; nobody compares forty hex digits by eye, and the raw record has them.
func version(v cve.Version, text string) string {
	const full, shown = 40, 12
	if v.VersionType == "git" && len(text) >= full {
		return text[:shown] + "…"
	}
	return text
}

// fixes are the first versions that are not affected, per product: the open upper bounds of affected ranges, changes to
// unaffected inside them, and (as the Linux kernel writes it) unaffected branches over an affected default.
func fixes(affected []cve.Affected) (out []record.Fix) {
	for _, a := range affected {
		name := cmp.Or(given(a.Product), given(a.PackageName))
		add := func(v cve.Version, at string) {
			if at = strings.TrimSpace(at); at == "" || at == "*" || v.VersionType == "git" {
				return
			}
			i := slices.IndexFunc(out, func(f record.Fix) bool { return f.Product == name })
			if i < 0 {
				if len(out) == maxFixed {
					return
				}
				i = len(out)
				out = append(out, record.Fix{Product: name})
			}
			switch f := &out[i]; {
			case slices.Contains(f.Versions, at):
			case len(f.Versions) == maxFixed:
				f.More++
			default:
				f.Versions = append(f.Versions, at)
			}
		}
		for _, v := range a.Versions {
			switch v.Status {
			case "affected":
				add(v, v.LessThan)
				for _, c := range v.Changes {
					if c.Status == "unaffected" {
						add(v, c.At)
					}
				}
			case "unaffected":
				if a.DefaultStatus == "affected" && strings.HasSuffix(v.LessThanOrEqual, "*") && v.Version != "0" {
					add(v, v.Version)
				}
			}
		}
	}
	return out
}
