package nvd

import (
	"slices"
	"strings"

	"tasuki/spec/cve"
)

// Unmapped says which affected entry could not be turned into criteria, in whole or in part, and why.
type Unmapped struct {
	Vendor  string `json:"vendor,omitzero"`
	Product string `json:"product,omitzero"`
	Reason  string `json:"reason"`
}

// deriver turns affected entries into criteria. emit is told each criterion as it is found and says
// whether to go on, so that asking "is there any?" costs one criterion.
type deriver struct {
	emit func(item *item, m CPEMatch) bool
	note func(a *cve.Affected, reason string)
}

// item is one affected entry that has names.
type item struct {
	names     []cpeName
	platforms []cpeName // operating systems it must run on, for an AND
}

// container derives from every affected entry of a container. It returns false when emit stopped it.
func (d *deriver) container(c *cve.Container) bool {
	for i := range c.Affected {
		if !d.affected(&c.Affected[i]) {
			return false
		}
	}
	return true
}

func (d *deriver) affected(a *cve.Affected) bool {
	if len(a.CPEs) == 0 {
		d.note(a, noName)
		return true
	}
	it := &item{}
	var names distinct[cpeName]
	for _, s := range a.CPEs {
		n, err := parseName(s)
		if err != nil {
			d.note(a, badName)
			continue
		}
		names.add(&it.names, n)
	}
	if len(it.names) == 0 {
		return true
	}
	if packageVersions(a) {
		return d.asNamed(it, a)
	}
	spans, notes := affectedSpans(a)
	for _, reason := range notes {
		d.note(a, reason)
	}
	it.fit(a.Platforms)
	for _, s := range spans {
		if !d.span(it, a, s) {
			return false
		}
	}
	return true
}

// packageVersions tells entries whose versions are those of a package inside the product that the CPE
// name stands for: Red Hat names a product stream (cpe:/a:redhat:openshift:4.12) and gives RPM versions.
// The stream is affected or not; its version is not to be replaced by the package's.
func packageVersions(a *cve.Affected) bool {
	if a.PackageName == "" {
		return false
	}
	for i := range a.Versions {
		if a.Versions[i].VersionType != "rpm" {
			return false
		}
	}
	return true
}

// asNamed emits the names as they are, if anything about the entry is affected.
func (d *deriver) asNamed(it *item, a *cve.Affected) bool {
	affected := a.DefaultStatus == "affected"
	for i := range a.Versions {
		affected = affected || a.Versions[i].Status == "affected"
	}
	if !affected {
		d.note(a, notAffected)
		return true
	}
	for _, n := range it.names {
		if !d.emit(it, CPEMatch{Vulnerable: true, Criteria: n.String()}) {
			return false
		}
	}
	return true
}

// span emits the criteria of one stretch of versions. The names give the product and the entry gives the
// versions: a version in a name may be the fixed one (Microsoft) and NA may be a place holder (CISA). Only
// where an entry lists a single version that some name names as well do those names stand for it, and
// hardware named without a version stays as it is.
func (d *deriver) span(it *item, a *cve.Affected, s span) bool {
	m := CPEMatch{Vulnerable: true}
	if s.exact != "" {
		quoted, ok := quoteValue(s.exact)
		if !ok {
			d.note(a, proseRange)
			return true
		}
		if names := it.naming(quoted); len(names) > 0 {
			for _, n := range names {
				m.Criteria = n.String()
				if !d.emit(it, m) {
					return false
				}
			}
			return true
		}
	}
	for _, n := range it.open(s) {
		switch {
		case n[attrPart] == "h" && n[attrVersion] == "-", s == span{} && n.concrete():
			m = CPEMatch{Vulnerable: true, Criteria: n.String()}
		case s.exact != "":
			n = n.opened()
			n[attrVersion], n[attrUpdate] = splitUpdate(s.exact, n[attrUpdate])
			m = CPEMatch{Vulnerable: true, Criteria: n.String()}
		default:
			m = CPEMatch{Vulnerable: true, Criteria: n.opened().String()}
			m.bound(s)
		}
		if !d.emit(it, m) {
			return false
		}
	}
	return true
}

// bound copies a range into the four members of a criterion.
func (m *CPEMatch) bound(s span) {
	switch {
	case s.lo != "" && s.loExcl:
		m.VersionStartExcluding = s.lo
	case s.lo != "":
		m.VersionStartIncluding = s.lo
	}
	switch {
	case s.hi != "" && s.hiIncl:
		m.VersionEndIncluding = s.hi
	case s.hi != "":
		m.VersionEndExcluding = s.hi
	}
}

// naming gives the names whose own version is this one.
func (it *item) naming(version string) []cpeName {
	var out []cpeName
	for _, n := range it.names {
		if n[attrVersion] == version {
			out = append(out, n)
		}
	}
	return out
}

// open gives the names that a stretch of versions is fitted into: for a single version those that name
// no version themselves, if there are any, else all of them; names that differ in the version alone once.
func (it *item) open(s span) []cpeName {
	var out []cpeName
	seen := func(n cpeName) bool {
		return slices.ContainsFunc(out, func(o cpeName) bool { return o.anyVersion() == n.anyVersion() })
	}
	for _, n := range it.names {
		if !n.concrete() && (s != span{} || !seen(n)) {
			out = append(out, n)
		}
	}
	if len(out) > 0 && (s.exact != "" || s == span{}) {
		return out
	}
	for _, n := range it.names {
		if n.concrete() && (s == span{} || !seen(n)) {
			out = append(out, n)
		}
	}
	return out
}

// opened opens a name for other versions: NA and a concrete version become ANY. The update goes
// with a concrete version, which it qualified.
func (n cpeName) opened() cpeName {
	if n.concrete() {
		return n.anyVersion()
	}
	n[attrVersion] = "*"
	return n
}

// splitUpdate writes a pre-release as the dictionary does: 2.0-beta9 becomes version 2.0, update beta9. A
// name that says its update keeps it.
func splitUpdate(version, update string) (string, string) {
	if update == "*" {
		if stem, rest, ok := strings.Cut(strings.ToLower(version), "-"); ok && stem != "" {
			word := strings.TrimRight(rest, "0123456789.-")
			number := strings.TrimLeft(rest[len(word):], ".-")
			if slices.Contains(preReleases, word) && (number == "" || digitsOnly(number)) && stem[0]-'0' <= 9 {
				if quoted, ok := quoteValue(stem); ok {
					return quoted, word + number
				}
			}
		}
	}
	quoted, _ := quoteValue(version)
	return quoted, update
}

var preReleases = []string{"alpha", "beta", "rc", "milestone", "preview", "pre", "dev"}
