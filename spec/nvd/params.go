package nvd

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tasuki/spec/cve"
)

// Limits of /cves/2.0.
const (
	MaxResultsPerPage = 2000 // also the default
	MaxCVEIDs         = 100
	MaxWindow         = 120 * 24 * time.Hour
	// The limits of keywordSearch are this program's own; without them one request may ask for any amount of work.
	MaxKeywordChars = 500
	MaxKeywordTerms = 32 // different ones, unless keywordExactMatch makes one of all
)

// Params is a valid request to /cves/2.0. Zero members were not asked for. Filters combine with AND.
type Params struct {
	CVEID        string   // canonical spelling
	CVEIDs       []string // canonical spelling, each once
	Keyword      string   // words between single spaces, within the limits above
	ExactMatch   bool     // Keyword is a phrase
	CWE          string   // CWE-79, NVD-CWE-Other, NVD-CWE-noinfo
	Tag          string
	Sev2         string // LOW, MEDIUM, HIGH
	Sev3, Sev4   string // LOW … CRITICAL
	Vector       *VectorQuery
	HasKEV       bool
	HasCertAlert bool
	HasCertNote  bool
	HasOVAL      bool
	NoRejected   bool
	KEV          Window
	LastMod      Window
	Pub          Window
	Source       string   // as given
	Statuses     []string // as replies spell them, each once

	StartIndex     int // from 0
	ResultsPerPage int // 1 … MaxResultsPerPage
}

// Window is a stretch of time with both ends included. The zero Window was not asked for.
type Window struct{ Start, End time.Time }

// IsZero tells that no window was asked for.
func (w Window) IsZero() bool { return w.Start.IsZero() && w.End.IsZero() }

// ParamError is a request that the protocol refuses. Message is one line of ASCII, fit for the
// "message" response header.
type ParamError struct{ Message string }

func (e *ParamError) Error() string { return "nvd: " + e.Message }

func invalid(name string) error      { return &ParamError{"Invalid parameter: " + ascii(name) + "."} }
func invalidValue(name string) error { return &ParamError{"Invalid value for " + name + "."} }

// ascii makes a client's own text fit for a header: printable, short.
func ascii(s string) string {
	var b strings.Builder
	for _, r := range s {
		if b.Len() >= 60 {
			b.WriteString("...")
			break
		}
		if r <= ' ' || r > '~' {
			r = '?'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// parameters names what /cves/2.0 knows, with the reader of each value. A reader gets the proper spelling of the name.
var parameters = map[string]func(p *Params, name, value string) error{
	"cveId":              readCVEID,
	"cveIds":             readCVEIDs,
	"cveTag":             readTag,
	"cvssV2Metrics":      readVector,
	"cvssV3Metrics":      readVector,
	"cvssV4Metrics":      readVector,
	"cvssV2Severity":     readSeverity,
	"cvssV3Severity":     readSeverity,
	"cvssV4Severity":     readSeverity,
	"cweId":              readCWE,
	"hasCertAlerts":      flag(func(p *Params) *bool { return &p.HasCertAlert }),
	"hasCertNotes":       flag(func(p *Params) *bool { return &p.HasCertNote }),
	"hasKev":             flag(func(p *Params) *bool { return &p.HasKEV }),
	"hasOval":            flag(func(p *Params) *bool { return &p.HasOVAL }),
	"noRejected":         flag(func(p *Params) *bool { return &p.NoRejected }),
	"keywordExactMatch":  flag(func(p *Params) *bool { return &p.ExactMatch }),
	"keywordSearch":      readKeyword,
	"kevStartDate":       date(func(p *Params) *time.Time { return &p.KEV.Start }),
	"kevEndDate":         date(func(p *Params) *time.Time { return &p.KEV.End }),
	"lastModStartDate":   date(func(p *Params) *time.Time { return &p.LastMod.Start }),
	"lastModEndDate":     date(func(p *Params) *time.Time { return &p.LastMod.End }),
	"pubStartDate":       date(func(p *Params) *time.Time { return &p.Pub.Start }),
	"pubEndDate":         date(func(p *Params) *time.Time { return &p.Pub.End }),
	"resultsPerPage":     readResultsPerPage,
	"sourceIdentifier":   readSource,
	"startIndex":         readStartIndex,
	"vulnStatus":         readStatuses,
	"vulnStatuses":       readStatuses,
	"cpeName":            unsupported,
	"isVulnerable":       unsupported,
	"virtualMatchString": unsupported,
	"versionStart":       unsupported,
	"versionStartType":   unsupported,
	"versionEnd":         unsupported,
	"versionEndType":     unsupported,
}

// spellings maps lower-case names to the proper ones.
var spellings = func() map[string]string {
	m := make(map[string]string, len(parameters))
	for name := range parameters {
		m[strings.ToLower(name)] = name
	}
	return m
}()

// ParseParams reads the query part of a request to /cves/2.0, still encoded. Names and values are
// case-insensitive. An unknown name, a name given twice, an empty value where one is needed and
// everything that the parameters' own rules forbid is a *ParamError; which of several offences is
// reported does not depend on anything but the query.
func ParseParams(rawQuery string) (Params, error) {
	p := Params{ResultsPerPage: MaxResultsPerPage}
	given := map[string]bool{}
	for part := range strings.SplitSeq(rawQuery, "&") {
		if part == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(rawName)
		if err != nil {
			return Params{}, invalid(rawName)
		}
		proper, ok := spellings[strings.ToLower(name)]
		if !ok {
			return Params{}, invalid(name)
		}
		value, err := url.QueryUnescape(rawValue)
		if err != nil {
			return Params{}, invalidValue(proper)
		}
		if given[proper] {
			return Params{}, &ParamError{"Parameter " + proper + " is given more than once."}
		}
		given[proper] = true
		if err := parameters[proper](&p, proper, value); err != nil {
			return Params{}, err
		}
	}
	if err := p.check(given); err != nil {
		return Params{}, err
	}
	return p, nil
}

// check holds the parameters against each other.
func (p *Params) check(given map[string]bool) error {
	for _, family := range [][]string{
		{"cvssV2Metrics", "cvssV3Metrics", "cvssV4Metrics"},
		{"cvssV2Severity", "cvssV3Severity", "cvssV4Severity"},
		{"vulnStatus", "vulnStatuses"},
	} {
		family = slices.DeleteFunc(family, func(name string) bool { return !given[name] })
		if len(family) > 1 {
			return &ParamError{family[0] + " cannot be combined with " + family[1] + "."}
		}
	}
	if p.ExactMatch && p.Keyword == "" {
		return &ParamError{"keywordExactMatch requires keywordSearch."}
	}
	if !p.ExactMatch && keywordTerms(p.Keyword) > MaxKeywordTerms {
		return &ParamError{"keywordSearch cannot hold more than " + strconv.Itoa(MaxKeywordTerms) + " different keywords."}
	}
	for _, w := range []struct {
		Window
		start, end string
	}{
		{p.KEV, "kevStartDate", "kevEndDate"},
		{p.LastMod, "lastModStartDate", "lastModEndDate"},
		{p.Pub, "pubStartDate", "pubEndDate"},
	} {
		switch {
		case given[w.start] && !given[w.end]:
			return &ParamError{w.start + " requires " + w.end + "."}
		case given[w.end] && !given[w.start]:
			return &ParamError{w.end + " requires " + w.start + "."}
		case w.End.Before(w.Start):
			return &ParamError{w.end + " is before " + w.start + "."}
		case w.End.Sub(w.Start) > MaxWindow:
			return &ParamError{"The range of " + w.start + " and " + w.end + " exceeds 120 days."}
		}
	}
	return nil
}

func unsupported(_ *Params, name, _ string) error {
	return &ParamError{name + " is not supported by this node until its CPE engine exists."}
}

// flag reads a parameter without a value. Clients in the field send "true" as well.
func flag(member func(*Params) *bool) func(*Params, string, string) error {
	return func(p *Params, name, value string) error {
		if value != "" && !strings.EqualFold(value, "true") {
			return invalidValue(name)
		}
		*member(p) = true
		return nil
	}
}

func readCVEID(p *Params, name, value string) error {
	id, err := cve.ParseID(strings.ToUpper(strings.TrimSpace(value)))
	if err != nil {
		return invalidValue(name)
	}
	p.CVEID = id.String()
	return nil
}

func readCVEIDs(p *Params, name, value string) error {
	parts := strings.Split(value, ",")
	if len(parts) > MaxCVEIDs {
		return &ParamError{"cveIds cannot hold more than " + strconv.Itoa(MaxCVEIDs) + " ids."}
	}
	for _, part := range parts {
		id, err := cve.ParseID(strings.ToUpper(strings.TrimSpace(part)))
		if err != nil {
			return invalidValue(name)
		}
		if s := id.String(); !slices.Contains(p.CVEIDs, s) {
			p.CVEIDs = append(p.CVEIDs, s)
		}
	}
	return nil
}

// tags are the record tags that the protocol knows.
var tags = []string{"disputed", "unsupported-when-assigned", "exclusively-hosted-service"}

func readTag(p *Params, name, value string) error {
	p.Tag = strings.ToLower(value)
	if !slices.Contains(tags, p.Tag) {
		return invalidValue(name)
	}
	return nil
}

func readSeverity(p *Params, name, value string) error {
	value = strings.ToUpper(value)
	known := []string{"LOW", "MEDIUM", "HIGH", "CRITICAL"}
	to := &p.Sev3
	switch name {
	case "cvssV2Severity":
		known, to = known[:3], &p.Sev2
	case "cvssV4Severity":
		to = &p.Sev4
	}
	if !slices.Contains(known, value) {
		return invalidValue(name)
	}
	*to = value
	return nil
}

func readCWE(p *Params, name, value string) error {
	p.CWE = leadingCWE(value)
	if p.CWE == "" || !strings.EqualFold(p.CWE, strings.TrimSpace(value)) {
		return invalidValue(name)
	}
	return nil
}

func readKeyword(p *Params, name, value string) error {
	p.Keyword = strings.Join(strings.Fields(value), " ")
	if p.Keyword == "" {
		return invalidValue(name)
	}
	if utf8.RuneCountInString(p.Keyword) > MaxKeywordChars {
		return &ParamError{name + " cannot exceed " + strconv.Itoa(MaxKeywordChars) + " characters."}
	}
	return nil
}

// keywordTerms counts the different terms of a keyword: words, and what stands between double quotes.
func keywordTerms(keyword string) int {
	terms := map[string]bool{}
	quoted := false
	for piece := range strings.SplitSeq(strings.NewReplacer("“", `"`, "”", `"`).Replace(keyword), `"`) {
		words := []string{`"` + piece}
		if !quoted {
			words = strings.FieldsFunc(piece, func(r rune) bool { return unicode.IsSpace(r) || r == 0 })
		}
		for _, w := range words {
			if w != `"` {
				terms[strings.ToLower(w)] = true
			}
		}
		quoted = !quoted
	}
	return len(terms)
}

func readSource(p *Params, name, value string) error {
	if p.Source = strings.TrimSpace(value); p.Source == "" {
		return invalidValue(name)
	}
	return nil
}

func readResultsPerPage(p *Params, name, value string) error {
	if !digitsOnly(value) {
		return invalidValue(name)
	}
	n, err := strconv.Atoi(value)
	if err != nil || n > MaxResultsPerPage {
		// Clients read the last word of this text and ask again with that number.
		return &ParamError{name + " parameter cannot exceed " + strconv.Itoa(MaxResultsPerPage) + "."}
	}
	if n < 1 {
		return invalidValue(name)
	}
	p.ResultsPerPage = n
	return nil
}

func readStartIndex(p *Params, name, value string) error {
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil || !digitsOnly(value) {
		return invalidValue(name)
	}
	p.StartIndex = int(n)
	return nil
}

func readStatuses(p *Params, name, value string) error {
	for part := range strings.SplitSeq(value, ",") {
		status := ""
		for _, known := range []string{Received, AwaitingAnalysis, UndergoingAnalysis, Analyzed, Modified, Deferred, Rejected} {
			if strings.EqualFold(strings.ReplaceAll(known, " ", ""), strings.ReplaceAll(part, " ", "")) {
				status = known
			}
		}
		if status == "" {
			return invalidValue(name)
		}
		if !slices.Contains(p.Statuses, status) {
			p.Statuses = append(p.Statuses, status)
		}
	}
	return nil
}

// KnownTag tells the three record tags that cveTags shows and cveTag asks for.
func KnownTag(tag string) bool { return slices.Contains(tags, tag) }
