package nvd

import (
	"time"

	"tasuki/spec/cve"
	"tasuki/spec/cvss"
)

// Facets is everything by which /cves/2.0 can filter a record, apart from its text and its dates. Lists hold each
// value once, in the order of the record. A rejected record has a class, sources and nothing else,
// because its rendered form has nothing else.
type Facets struct {
	Class                      string   // StatusClass
	Sev2, Sev3, Sev4           []string // severities in upper case; Sev3 covers 3.0 and 3.1
	Vec2, Vec30, Vec31, Vec40  []string // whole vectors as the record writes them
	CWE                        []string // CWE-79, or NVD-CWE-Other, NVD-CWE-noinfo
	Sources                    []string // the assigner's and every container's organisation
	Tags                       []string // record tags, unknown ones included
	CertAlert, CertNote, Oval  bool
	KEVAdded                   string    // a calendar day, "" when not in the catalogue
	Scorings                   []Scoring // the parsed vectors behind Sev and Vec
	PublishedAt, LastChangedAt time.Time // Published, LastModified
}

// Classify reads a record the way NVD shows it. It is pure and cheap (BenchmarkClassify): an import
// runs it once for every record.
func Classify(rec *cve.Record) Facets {
	f := Facets{PublishedAt: Published(rec), LastChangedAt: LastModified(rec)}
	var sources, weaknesses, tags distinct[string]
	add := func(d *distinct[string], list *[]string, value string) {
		if value != "" {
			d.add(list, value)
		}
	}
	add(&sources, &f.Sources, rec.Metadata.AssignerOrgID)
	for _, c := range Containers(rec) {
		add(&sources, &f.Sources, Source(rec, c))
	}
	if rec.Metadata.State == cve.Rejected {
		f.Class = ClassRejected
		return f
	}
	f.Scorings, _ = Scorings(rec)
	var vectors [4]distinct[string]
	for i := range f.Scorings {
		f.score(&vectors, f.Scorings[i].Vector)
	}
	var kinds referenceKinds
	for _, c := range Containers(rec) {
		for _, name := range Weaknesses(c) {
			add(&weaknesses, &f.CWE, name)
		}
		for _, tag := range c.Tags {
			add(&tags, &f.Tags, tag)
		}
		for i := range c.References {
			kinds.see(c.References[i].URL)
		}
	}
	f.CertAlert, f.CertNote, f.Oval = kinds.alert, kinds.note, kinds.oval
	if mark, ok := KEV(rec); ok {
		f.KEVAdded = mark.DateAdded
	}
	f.Class = class(rec, len(f.Scorings) > 0)
	return f
}

func (f *Facets) score(seen *[4]distinct[string], v cvss.Vector) {
	var few distinct[string] // there are no more than five severities
	switch v.Version() {
	case cvss.V20:
		few.add(&f.Sev2, v.Severity())
		seen[0].add(&f.Vec2, v.String())
	case cvss.V30:
		few.add(&f.Sev3, v.Severity())
		seen[1].add(&f.Vec30, v.String())
	case cvss.V31:
		few.add(&f.Sev3, v.Severity())
		seen[2].add(&f.Vec31, v.String())
	case cvss.V40:
		few.add(&f.Sev4, v.Severity())
		seen[3].add(&f.Vec40, v.String())
	}
}

// StatusClass is the part of a record's status that does not depend on the clock.
//
// A published record is analysed when some container gives configurations (cpeApplicability, or
// affected entries with CPE names that say which versions are meant) and some container a CVSS vector. It is
// modified when, after that container, the CNA or an ADP changed its own. The two ADPs that only
// annotate every record, CISA's and the CVE Program's, do not count as a change of it.
func StatusClass(rec *cve.Record) string {
	if rec.Metadata.State == cve.Rejected {
		return ClassRejected
	}
	scored, _ := Scorings(rec)
	return class(rec, len(scored) > 0)
}

func class(rec *cve.Record, scored bool) string {
	if !scored {
		return ClassWaiting
	}
	from, ok := configured(rec)
	if !ok {
		return ClassWaiting
	}
	var analysed time.Time
	for i, c := range Containers(rec) {
		if i == from {
			analysed = parseTime(c.Provider.DateUpdated)
		}
	}
	if analysed.IsZero() {
		return ClassAnalyzed // nothing to compare with
	}
	for i, c := range Containers(rec) {
		if i == from || c.Provider.OrgID == cve.CISAADP || c.Provider.OrgID == cve.ProgramADP {
			continue
		}
		if parseTime(c.Provider.DateUpdated).After(analysed) {
			return ClassModified
		}
	}
	return ClassAnalyzed
}
