package catalogue

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tasuki/internal/store/facet"
	"tasuki/spec/cve"
	"tasuki/spec/nvd"
	"tasuki/spec/ssvc"
)

// entry is the derived row of one record: what a list of hits shows, and what the index knows it by.
type entry struct {
	State    string
	Title    string
	Summary  string
	Lang     string // of Summary
	Products []string
	Score    *Score
	KEV      string
	Assigner string
	Pub      int64      // Unix milliseconds; math.MinInt64 when there is no date at all
	Updated  int64      // cveMetadata.dateUpdated, likewise
	Reserved int64      // cveMetadata.dateReserved, likewise
	CNASaid  int64      // dateUpdated of the CNA's container, likewise
	Has      uint32     // a bit per hasNames
	Keys     [][]string // by keyword dimension
	Text     []string   // by zone
}

// Hit is one record as a list shows it.
type Hit struct {
	ID        string
	State     cve.State
	Title     string // "" when the CNA gave none
	Summary   string // first sentence, in Lang
	Lang      string
	Products  []string // "TeamCity < 2023.11.4", the first few
	Score     *Score   // the one to judge by; nil when nobody scored
	CWE       []string
	KEV       string // day it was added to the catalogue of exploited vulnerabilities, "" if it was not
	SSVC      string // exploitation: none, poc, active; "" if nobody said
	Published time.Time
	Changed   time.Time
	Assigner  string // short name
}

// Score is one CVSS score with whose it is.
type Score struct {
	Version  string  `json:"version"`
	Value    float64 `json:"value"`
	Severity string  `json:"severity"` // lower case
	Vector   string  `json:"vector"`
	Source   string  `json:"source"` // short name, or UUID where the container has none
	CNA      bool    `json:"cna"`    // the assigner's own
}

// The index's fields. Positions matter: entries store keywords and text by them, so new ones go to the end.
const (
	kState = iota
	kSeverity
	kSev2
	kSev3
	kSev4
	kVec2
	kVec30
	kVec31
	kVec40
	kYear
	kVendor
	kProduct
	kCWE
	kAssigner
	kSource
	kTag
	kKEV
	kSSVC
	kCertAlert
	kCertNote
	kOval
	kLang
	kStatus
	kReference
	kScore2 // base scores with one decimal, "9.8"
	kScore3
	kScore4
	kParty // short names of everybody who says something, in lower case
	// What lists of records for programs are narrowed by (list.go), exactly as the record has it.
	kAssignerID
	kAssignerShort
	kADP // short names of those who added a container
	kHas // not stored: it follows from entry.Has
	keywords
)

const (
	nPublished = iota
	nChanged
	nKEVAdded
	nScore
	nLeaf   // of the version
	nSource // since when the source held it
	nUntil  // leaf that took its place; only in the overlays of past.go
	nUpdated
	nReserved
	nCNASaid
	nCreated // leaf of the record's first version
	nText    // place in the order of identifiers as text
	numbers
)

const (
	zEnglish = iota
	zTitle
	zProduct
	zMore
	zOther // descriptions that are not the CNA's English ones
	zones
)

var indexSchema = facet.Schema{
	Keywords: []string{kState: "state", kSeverity: "severity", kSev2: "sev2", kSev3: "sev3", kSev4: "sev4",
		kVec2: "vec2", kVec30: "vec30", kVec31: "vec31", kVec40: "vec40", kYear: "year", kVendor: "vendor",
		kProduct: "product", kCWE: "cwe", kAssigner: "assigner", kSource: "source", kTag: "tag", kKEV: "kev", kSSVC: "ssvc",
		kCertAlert: "certalert", kCertNote: "certnote", kOval: "oval", kLang: "lang", kStatus: "status", kReference: "reference",
		kScore2: "score2", kScore3: "score3", kScore4: "score4", kParty: "party",
		kAssignerID: "assignerid", kAssignerShort: "assignershort", kADP: "adp", kHas: "has"},
	Numbers: []string{nPublished: "published", nChanged: "changed", nKEVAdded: "kevadded", nScore: "score",
		nLeaf: "leaf", nSource: "source", nUntil: "until", nUpdated: "updated", nReserved: "reserved",
		nCNASaid: "cnasaid", nCreated: "created", nText: "text"},
	Zones: []facet.Zone{zEnglish: {Name: "en"}, zTitle: {Name: "title", Boost: 3}, zProduct: {Name: "product", Boost: 2}, zMore: {Name: "more", Boost: 0.5},
		zOther: {Name: "other"}},
}

// makeEntry derives the row from the record alone.
func makeEntry(rec *cve.Record) entry {
	f := nvd.Classify(rec)
	cna := &rec.Containers.CNA
	m := &rec.Metadata
	e := entry{State: string(m.State), Assigner: cmp.Or(m.AssignerShortName, cna.Provider.ShortName), KEV: f.KEVAdded,
		Pub: math.MinInt64, Keys: make([][]string, keywords), Text: make([]string, zones)}
	if !f.PublishedAt.IsZero() {
		e.Pub = f.PublishedAt.UnixMilli()
	}
	e.Updated, e.Reserved, e.CNASaid = moment(m.DateUpdated), moment(m.DateReserved), moment(cna.Provider.DateUpdated)
	e.Has = says(rec, f)
	descriptions := cna.Descriptions
	if m.State == cve.Rejected {
		descriptions = cna.RejectedReasons
	}
	e.Title = clip(cna.Title, 200)
	if d, ok := cve.Pick(descriptions, "en"); ok {
		e.Summary, e.Lang = firstSentence(d.Value, 240), cve.Language(d.Lang)
	}
	e.Score = best(rec, f)
	var held [keywords]map[string]bool
	set := func(k int, values ...string) {
		for _, v := range values {
			if v == "" {
				continue
			}
			// Nearly all lists are short. A long one is not searched again and again: a record can name 40,000 products.
			const short = 16
			if list := e.Keys[k]; len(list) < short {
				if !slices.Contains(list, v) {
					e.Keys[k] = append(list, v)
				}
				continue
			}
			if held[k] == nil {
				held[k] = make(map[string]bool, 4*short)
				for _, old := range e.Keys[k] {
					held[k][old] = true
				}
			}
			if !held[k][v] {
				held[k][v] = true
				e.Keys[k] = append(e.Keys[k], v)
			}
		}
	}
	set(kState, string(m.State))
	set(kSev2, f.Sev2...)
	set(kSev3, f.Sev3...)
	set(kSev4, f.Sev4...)
	set(kVec2, f.Vec2...)
	set(kVec30, f.Vec30...)
	set(kVec31, f.Vec31...)
	set(kVec40, f.Vec40...)
	if _, err := cve.ParseID(m.ID); err == nil {
		set(kYear, m.ID[len("CVE-"):len("CVE-2024")])
	}
	set(kCWE, f.CWE...)
	for _, sc := range f.Scorings {
		k := map[string]int{"2.0": kScore2, "3.0": kScore3, "3.1": kScore3, "4.0": kScore4}[sc.Vector.Version()]
		set(k, tenths(sc.Vector.Score()))
	}
	set(kAssigner, e.Assigner)
	set(kParty, strings.ToLower(m.AssignerShortName))
	set(kAssignerID, m.AssignerOrgID)
	set(kAssignerShort, m.AssignerShortName)
	set(kSource, f.Sources...)
	set(kTag, f.Tags...)
	set(kStatus, f.Class)
	yes := func(k int, is bool) {
		if is {
			set(k, "yes")
		}
	}
	yes(kKEV, f.KEVAdded != "")
	yes(kCertAlert, f.CertAlert)
	yes(kCertNote, f.CertNote)
	yes(kOval, f.Oval)
	if e.Score != nil {
		set(kSeverity, e.Score.Severity)
	} else {
		set(kSeverity, "unscored")
	}
	var english, other, more, product strings.Builder
	for _, d := range descriptions {
		set(kLang, cve.Language(d.Lang))
		if cve.Language(d.Lang) == "en" {
			line(&english, d.Value)
		} else {
			line(&other, d.Value)
		}
	}
	for i, c := range containers(rec) {
		set(kParty, strings.ToLower(c.Provider.ShortName))
		if i > 0 { // an ADP's descriptions are not the CNA's English one, which NVD's keyword search means
			set(kADP, c.Provider.ShortName)
			for _, d := range c.Descriptions {
				line(&other, d.Value)
			}
			if o := c.Provider.OrgID; o != cve.CISAADP && o != cve.ProgramADP { // theirs are the same on every record
				line(&more, c.Title)
			}
		}
		for _, a := range c.Affected {
			set(kVendor, named(a.Vendor))
			set(kProduct, named(a.Product), named(a.PackageName))
			line(&product, a.Vendor)
			line(&product, a.Product)
			line(&product, a.PackageName)
			if len(e.Products) < 3 {
				if p := productLine(a); p != "" && !slices.Contains(e.Products, p) {
					e.Products = append(e.Products, p)
				}
			}
		}
		for _, p := range c.ProblemTypes {
			for _, d := range p.Descriptions {
				line(&more, d.Description)
				line(&more, d.CWEID)
			}
		}
		for _, r := range c.References {
			for _, t := range r.Tags {
				if !strings.HasPrefix(t, "x_") {
					set(kReference, t)
				}
			}
		}
		for _, mt := range c.Metrics {
			if mt.Other != nil && mt.Other.Type == "ssvc" {
				if s, ok := ssvc.Decode(mt.Other.Content); ok {
					e.Has |= hasSSVC
					set(kSSVC, strings.ToLower(s.Exploitation))
				}
			}
		}
	}
	line(&more, m.ID)
	line(&more, e.Assigner)
	e.Text[zEnglish], e.Text[zTitle], e.Text[zProduct], e.Text[zMore] = english.String(), cna.Title, uniqueLines(product.String()), uniqueLines(more.String())
	e.Text[zOther] = other.String()
	return e
}

func containers(rec *cve.Record) []*cve.Container {
	out := []*cve.Container{&rec.Containers.CNA}
	for i := range rec.Containers.ADP {
		out = append(out, &rec.Containers.ADP[i])
	}
	return out
}

// best is the score to judge by: a CVSS 3 or 4 one before a 2.0 one, the assigner's before an ADP's, the newer version
// before the older.
func best(rec *cve.Record, f nvd.Facets) *Score {
	top, rank := -1, 0
	for i, sc := range f.Scorings {
		r := 0
		if sc.Vector.Version() != "2.0" {
			r += 100
		}
		if sc.CNA {
			r += 10
		}
		r += slices.Index([]string{"2.0", "3.0", "3.1", "4.0"}, sc.Vector.Version())
		if top < 0 || r > rank {
			top, rank = i, r
		}
	}
	if top < 0 {
		return nil
	}
	s := scoreOf(rec, f.Scorings[top])
	return &s
}

func scoreOf(rec *cve.Record, sc nvd.Scoring) Score {
	s := Score{Version: sc.Vector.Version(), Value: sc.Vector.Score(), Severity: strings.ToLower(sc.Vector.Severity()),
		Vector: sc.Vector.String(), Source: sc.Org, CNA: sc.CNA}
	for _, c := range containers(rec) {
		if c.Provider.OrgID == sc.Org && c.Provider.ShortName != "" {
			s.Source = c.Provider.ShortName
			break
		}
	}
	return s
}

// named is a vendor or product as a keyword; "n/a" and its like name nothing.
func named(s string) string {
	s = strings.ToLower(strings.Join(strings.Fields(s), " "))
	switch s {
	case "n/a", "na", "unknown", "unspecified", "-", "*", "none":
		return ""
	}
	return s
}

// productLine is a product and the first range that says it is affected.
func productLine(a cve.Affected) string {
	name := strings.Join(strings.Fields(cmp.Or(nonNA(a.Product), nonNA(a.PackageName))), " ")
	if name == "" {
		return ""
	}
	if v := strings.Join(strings.Fields(nonNA(a.Vendor)), " "); v != "" && !strings.HasPrefix(strings.ToLower(name), strings.ToLower(v)) {
		name = v + " " + name
	}
	for _, v := range a.Versions {
		if v.Status != "affected" {
			continue
		}
		if r := v.Range(); r != "" {
			return clip(name, 120) + " " + clip(r, 60)
		}
		break
	}
	return clip(name, 120)
}

func nonNA(s string) string {
	if named(s) == "" {
		return ""
	}
	return s
}

// firstSentence is the first sentence of s, at most n characters.
func firstSentence(s string, n int) string {
	// Descriptions run to thousands of words; what follows the cut and the two characters that end a sentence is not looked at.
	var b strings.Builder
	b.Grow(min(len(s), (utf8.UTFMax+1)*n))
	for word := range strings.FieldsSeq(s) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(word)
		if b.Len() > utf8.UTFMax*n && utf8.RuneCountInString(b.String()) > n+2 {
			break
		}
	}
	s = b.String()
	for i, r := range s {
		if r == '。' {
			return clip(s[:i+len("。")], n)
		}
		// A full stop ends a sentence only before a space and an upper-case letter: versions and "e.g." have stops too.
		if r == '.' && i > 40 && i+2 < len(s) && s[i+1] == ' ' && s[i+2] >= 'A' && s[i+2] <= 'Z' {
			return clip(s[:i+1], n)
		}
	}
	return clip(s, n)
}

// clip cuts s to n characters, with an ellipsis when something was cut.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:n-1])) + "…"
}

func line(b *strings.Builder, s string) {
	if s != "" {
		b.WriteString(s)
		b.WriteByte('\n')
	}
}

// uniqueLines drops repeated lines: hundreds of affected entries of one product would only repeat its name.
func uniqueLines(s string) string {
	if strings.Count(s, "\n") < 2 {
		return s
	}
	seen := map[string]bool{}
	var b strings.Builder
	for l := range strings.Lines(s) {
		if !seen[l] {
			seen[l] = true
			b.WriteString(l)
		}
	}
	return b.String()
}
