// Package nvd renders a CVE record as NVD API 2.0 shows it. It is pure: what depends on the node (names
// of sources, when a record was logged, the clock) is handed in, and the rules that search shares are
// those of spec/nvd.
package nvd

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tasuki/spec/cve"
	"tasuki/spec/nvd"
)

// ErrNoDate says that a record has no date at all, which the protocol cannot show; wrapped with the id.
var ErrNoDate = errors.New("render: the record has no readable date")

// Options is what a rendering depends on besides the record.
type Options struct {
	Now         time.Time                 // for the statuses that wait; zero: nothing counts as just received
	Published   time.Time                 // zero: nvd.Published of the record
	Changed     time.Time                 // lastModified; zero: nvd.LastModified of the record
	SourceName  func(orgID string) string // contact address of an organisation, "" or nil: its UUID
	HideDerived bool                      // leave configurations out that nobody has stated as such
}

// Item renders a record. compact holds the record's JSON (any white space), from which the members that
// are passed on unchanged are taken, unknown ones included.
// Errors are ErrNoDate and those of reading compact.
func Item(rec *cve.Record, compact []byte, opt Options) (*nvd.CVE, error) {
	if opt.Published.IsZero() {
		opt.Published = nvd.Published(rec)
	}
	if opt.Changed.IsZero() {
		opt.Changed = nvd.LastModified(rec)
	}
	if opt.Published.IsZero() {
		return nil, fmt.Errorf("%s: %w", rec.Metadata.ID, ErrNoDate)
	}
	r := rendering{rec: rec, opt: opt}
	out := &nvd.CVE{
		ID:               rec.Metadata.ID,
		SourceIdentifier: r.name(rec.Metadata.AssignerOrgID),
		Published:        nvd.FormatTime(opt.Published),
		LastModified:     nvd.FormatTime(later(opt.Changed, opt.Published)),
		Tags:             []nvd.TagSet{},
		References:       []nvd.Reference{},
	}
	if opt.Now.IsZero() {
		opt.Now = opt.Published.Add(nvd.ReceivedFor)
	}
	out.VulnStatus = nvd.Status(nvd.StatusClass(rec), opt.Published, opt.Now)
	if rec.Metadata.State == cve.Rejected {
		out.Descriptions = rejection(rec)
		return out, nil
	}
	out.Descriptions = descriptions(rec)
	r.tags(out)
	r.metrics(out)
	r.weaknesses(out)
	r.references(out)
	if mark, ok := nvd.KEV(rec); ok {
		out.KEV = mark.DateAdded // the rest of the entry is in the catalogue alone: all four members or none
	}
	applicable := nvd.Configurations(rec, !opt.HideDerived)
	out.Configurations, out.ConfigurationsFrom, out.Unmapped = applicable.Configurations, applicable.From, applicable.Unmapped
	if applicable.From == nvd.FromDerived {
		out.Origin = nvd.FromDerived
	}
	if err := r.affected(out, compact); err != nil {
		return nil, fmt.Errorf("render %s: %w", rec.Metadata.ID, err)
	}
	return out, nil
}

type rendering struct {
	rec *cve.Record
	opt Options
}

// name is how replies call an organisation.
func (r *rendering) name(orgID string) string {
	if r.opt.SourceName != nil {
		if name := r.opt.SourceName(orgID); name != "" {
			return name
		}
	}
	return orgID
}

func (r *rendering) source(c *cve.Container) string { return r.name(nvd.Source(r.rec, c)) }

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// descriptions gives the CNA's, one per language, English first.
func descriptions(rec *cve.Record) []nvd.Text {
	out := texts(rec.Containers.CNA.Descriptions)
	if len(out) == 0 {
		out = []nvd.Text{{Lang: "en", Value: cut(rec.Containers.CNA.Title)}} // the protocol wants one
	}
	return out
}

func texts(in []cve.Text) []nvd.Text {
	var out []nvd.Text
	for i := range in {
		lang := cve.Language(in[i].Lang)
		if lang == "" || slices.ContainsFunc(out, func(t nvd.Text) bool { return t.Lang == lang }) {
			continue
		}
		t := nvd.Text{Lang: lang, Value: cut(in[i].Value)}
		if lang == "en" {
			out = slices.Insert(out, 0, t)
		} else {
			out = append(out, t)
		}
	}
	return out
}

// rejection is the one description of a rejected record: the reason in English, else in what language there is.
func rejection(rec *cve.Record) []nvd.Text {
	reasons := texts(rec.Containers.CNA.RejectedReasons)
	if len(reasons) == 0 {
		return []nvd.Text{{Lang: "en", Value: "Rejected reason: none given."}}
	}
	if t := &reasons[0]; t.Lang == "en" {
		t.Value = cut("Rejected reason: " + t.Value)
	}
	return reasons[:1]
}

// cut shortens a text to the protocol's maximum of characters, never inside one.
func cut(s string) string {
	if len(s) <= nvd.MaxText || utf8.RuneCountInString(s) <= nvd.MaxText {
		return s
	}
	n := 0
	for i := range s {
		if n == nvd.MaxText {
			return s[:i]
		}
		n++
	}
	return s
}

// tags keeps the three that the protocol knows, per source.
func (r *rendering) tags(out *nvd.CVE) {
	for _, c := range nvd.Containers(r.rec) {
		var known []string
		for _, tag := range c.Tags {
			if nvd.KnownTag(tag) && !slices.Contains(known, tag) {
				known = append(known, tag)
			}
		}
		if len(known) > 0 {
			out.Tags = append(out.Tags, nvd.TagSet{SourceIdentifier: r.source(c), Tags: known})
		}
	}
}

// weaknesses gives one entry per container that names any.
func (r *rendering) weaknesses(out *nvd.CVE) {
	for i, c := range nvd.Containers(r.rec) {
		names := nvd.Weaknesses(c)
		if len(names) == 0 {
			continue
		}
		w := nvd.Weakness{Source: r.source(c), Type: kind(i < 0)}
		for _, name := range names {
			w.Description = append(w.Description, nvd.Text{Lang: "en", Value: name})
		}
		out.Weaknesses = append(out.Weaknesses, w)
	}
}

// kind tells the CNA's statements from the rest. Nobody of this node analyses, so the CNA is the authority.
func kind(cna bool) string {
	if cna {
		return nvd.Primary
	}
	return nvd.Secondary
}

// references gives the CNA's, then the ADPs', each URL once per source. What the protocol's schema refuses
// (no ftp or http scheme, white space, more than 500 characters) goes to a member of ours.
func (r *rendering) references(out *nvd.CVE) {
	type key struct{ source, url string }
	type place struct {
		list *[]nvd.Reference
		i    int
	}
	places := map[key]place{}
	for _, c := range nvd.Containers(r.rec) {
		source := r.source(c)
		for i := range c.References {
			from := &c.References[i]
			url, ok := link(from.URL)
			at, seen := places[key{source, url}]
			if !seen {
				at.list = &out.References
				if !ok {
					at.list = &out.OtherReferences
				}
				at.i = len(*at.list)
				*at.list = append(*at.list, nvd.Reference{URL: url, Source: source})
				places[key{source, url}] = at
			}
			ref := &(*at.list)[at.i]
			for _, tag := range from.Tags {
				if shown := referenceTags[tag]; shown != "" && !slices.Contains(ref.Tags, shown) {
					ref.Tags = append(ref.Tags, shown)
				}
			}
		}
	}
}

// link brings the scheme of a URL into lower case and tells whether the protocol's schema takes it.
func link(url string) (string, bool) {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok || rest == "" {
		return url, false
	}
	switch lower := strings.ToLower(scheme); lower {
	case "http", "https", "ftp", "ftps":
		url = lower + "://" + rest
	default:
		return url, false
	}
	return url, utf8.RuneCountInString(url) <= 500 && !strings.ContainsFunc(url, space)
}

// space is what \s means in the schema's pattern (ECMA 262).
func space(c rune) bool {
	switch {
	case c == ' ', c >= '\t' && c <= '\r', c == 0xa0, c == 0x1680, c >= 0x2000 && c <= 0x200a, c == 0x2028, c == 0x2029, c == 0x202f, c == 0x205f, c == 0x3000, c == 0xfeff:
		return true
	}
	return false
}

// referenceTags translates the record format's tags; x_ tags have no counterpart.
var referenceTags = map[string]string{
	"vendor-advisory":       "Vendor Advisory",
	"third-party-advisory":  "Third Party Advisory",
	"patch":                 "Patch",
	"exploit":               "Exploit",
	"issue-tracking":        "Issue Tracking",
	"mailing-list":          "Mailing List",
	"mitigation":            "Mitigation",
	"release-notes":         "Release Notes",
	"technical-description": "Technical Description",
	"government-resource":   "US Government Resource",
	"vdb-entry":             "VDB Entry",
	"product":               "Product",
	"permissions-required":  "Permissions Required",
	"broken-link":           "Broken Link",
	"not-applicable":        "Not Applicable",
	"media-coverage":        "Press/Media Coverage",
	"tool-signature":        "Tool Signature",
	"signature":             "Tool Signature",
}
