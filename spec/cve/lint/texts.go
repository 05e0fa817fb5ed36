package lint

import (
	"fmt"
	"slices"
	"strings"

	"tasuki/spec/cve"
)

// languages looks at the tags of everything that has one.
func (l *linter) languages() {
	for _, group := range []struct {
		name  string
		texts []cve.Text
	}{
		{"descriptions", l.container.Descriptions}, {"configurations", l.container.Configurations}, {"workarounds", l.container.Workarounds},
		{"solutions", l.container.Solutions}, {"exploits", l.container.Exploits}, {"rejectedReasons", l.container.RejectedReasons},
	} {
		for i, t := range group.texts {
			l.language(fmt.Sprintf("%s/%s/%d/lang", l.at, group.name, i), t.Lang)
		}
	}
	for i, t := range l.container.Timeline {
		l.language(fmt.Sprintf("%s/timeline/%d/lang", l.at, i), t.Lang)
	}
	for i, c := range l.container.Credits {
		l.language(fmt.Sprintf("%s/credits/%d/lang", l.at, i), c.Lang)
	}
	for i, p := range l.container.ProblemTypes {
		for j, d := range p.Descriptions {
			l.language(fmt.Sprintf("%s/problemTypes/%d/descriptions/%d/lang", l.at, i, j), d.Lang)
		}
	}
}

func (l *linter) language(pointer, tag string) {
	if tag == "" {
		return // absent; for the schema
	}
	base, _, _ := strings.Cut(tag, "-")
	switch known := cve.Language(tag); {
	case known == "":
		l.say("lang-tag", pointer, "%s is not a language tag", quote(tag))
	case strings.Contains(tag, "_"):
		l.say("lang-tag", pointer, "%s should be written %s", quote(tag), quote(strings.ReplaceAll(tag, "_", "-")))
	case len(base) == 3 && len(known) == 2:
		l.say("lang-tag", pointer, "%s should be %s", quote(tag), quote(known+strings.TrimPrefix(tag, base)))
	}
}

// nothing are texts that stand where there is nothing to say.
var nothing = []string{"", "n/a", "na", "none", "null", "-", ".", "tbd", "todo", "test", "unknown", "unspecified", "not applicable", "not available", "description"}

func saysNothing(s string) bool {
	return slices.Contains(nothing, strings.ToLower(strings.TrimSpace(s)))
}

// descriptions looks at the prose of the CNA; ADP containers need none.
func (l *linter) descriptions() {
	c := &l.rec.Containers.CNA
	for i, t := range c.Descriptions {
		if saysNothing(t.Value) {
			l.say("description-empty", fmt.Sprintf("/containers/cna/descriptions/%d", i), "says nothing (%s)", quote(t.Value))
		}
	}
	for i, t := range c.RejectedReasons {
		if saysNothing(t.Value) {
			l.say("description-empty", fmt.Sprintf("/containers/cna/rejectedReasons/%d", i), "says nothing (%s)", quote(t.Value))
		}
	}
}

// products looks for affected entries that name nothing. "n/a" is what old records were converted with.
func (l *linter) products() {
	absent := func(s string) bool {
		s = strings.ToLower(strings.TrimSpace(s))
		return s == "" || s == "n/a" || s == "-"
	}
	for i, a := range l.container.Affected {
		pointer := fmt.Sprintf("%s/affected/%d", l.at, i)
		switch {
		case a.PackageName != "" || a.PackageURL != "":
		case absent(a.Product):
			l.say("product-na", pointer, "names no product")
		case absent(a.Vendor):
			l.say("vendor-na", pointer, "names no vendor for %s", quote(a.Product))
		}
	}
}

// schemes are those that a reader's program can follow or at least recognise.
var schemes = []string{"http", "https", "ftp", "ftps", "sftp", "git", "git+https", "git+ssh", "svn", "ssh", "rsync", "mailto", "news", "nntp", "gopher", "ipfs", "magnet", "urn", "doi"}

func (l *linter) references() {
	seen := make(map[string]int, len(l.container.References))
	for i, r := range l.container.References {
		pointer := fmt.Sprintf("%s/references/%d", l.at, i)
		if first, ok := seen[r.URL]; ok {
			l.say("reference-duplicate", pointer, "is the same URL as reference %d", first)
			continue
		}
		seen[r.URL] = i
		if scheme, _, ok := strings.Cut(r.URL, ":"); ok && !slices.Contains(schemes, strings.ToLower(scheme)) {
			l.say("reference-scheme", pointer+"/url", "begins with %s, which is no scheme of a link", quote(scheme+":"))
		}
	}
}

// rejection looks at whether the state and the members belong together.
func (l *linter) rejection() {
	c := &l.rec.Containers.CNA
	if l.rec.Metadata.State != cve.Rejected {
		if len(c.RejectedReasons) > 0 {
			l.say("rejected-members", "/containers/cna/rejectedReasons", "is only for rejected records; this one is %s", l.rec.Metadata.State)
		}
		return
	}
	for _, member := range []struct {
		name  string
		given bool
	}{
		{"title", c.Title != ""}, {"descriptions", len(c.Descriptions) > 0}, {"affected", len(c.Affected) > 0}, {"problemTypes", len(c.ProblemTypes) > 0},
		{"references", len(c.References) > 0}, {"metrics", len(c.Metrics) > 0}, {"impacts", len(c.Impacts) > 0}, {"credits", len(c.Credits) > 0},
		{"timeline", len(c.Timeline) > 0}, {"solutions", len(c.Solutions) > 0}, {"workarounds", len(c.Workarounds) > 0}, {"exploits", len(c.Exploits) > 0},
		{"configurations", len(c.Configurations) > 0}, {"cpeApplicability", len(c.CPEApplicability) > 0}, {"tags", len(c.Tags) > 0},
	} {
		if member.given {
			l.say("rejected-members", "/containers/cna/"+member.name, "is only for published records; this one is rejected")
		}
	}
	if len(l.rec.Containers.ADP) > 0 {
		l.say("rejected-members", "/containers/adp", "is only for published records; this one is rejected")
	}
	for i, id := range c.ReplacedBy {
		if id == l.rec.Metadata.ID {
			l.say("replaced-self", fmt.Sprintf("/containers/cna/replacedBy/%d", i), "is the record itself")
		}
	}
}

// organisations looks at who wrote the containers.
func (l *linter) organisations() {
	adps := map[string]int{}
	index := -1
	l.rec.EachContainer(func(pointer string, c *cve.Container, adp bool) {
		org := strings.ToLower(c.Provider.OrgID)
		if org == "" {
			index++
			return
		}
		if adp {
			if first, ok := adps[org]; ok {
				l.say("adp-duplicate", pointer, "is the second container of the organisation of ADP container %d", first)
			} else {
				adps[org] = index
			}
		}
		index++
		if l.options.KnownOrg != nil && !l.options.KnownOrg(c.Provider.OrgID) {
			l.say("org-unknown", pointer+"/providerMetadata/orgId", "%s is no organisation of this list", quote(c.Provider.OrgID))
		}
	})
}
