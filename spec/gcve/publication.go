package gcve

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrParam means a question that the publication does not take; wrapped with the parameter's name and what it takes.
var ErrParam = errors.New("gcve: parameter not valid")

// Bounds of BCP-03 1.5.
const (
	DefaultPerPage = 30
	MaxPerPage     = 100
	// maxPage keeps the number of records before a page within what can be counted.
	maxPage = 1 << 40
)

// PublicationPath is where a BCP-03 authority answers, below the address in the directory.
const PublicationPath = "/api/gcve/publication"

// The dates that records are sorted and cut off by.
const (
	ByPublished = "published"
	ByUpdated   = "updated"
	ByReserved  = "reserved"
)

// Params are the parameters of a publication (BCP-03 1.5). Zero values do not narrow.
type Params struct {
	PerPage  int       // 1–100
	Page     int64     // from 1
	Since    time.Time // strictly later ones only, by the date of DateSort (dateUpdated without one): BCP-03 leaves the boundary open
	DateSort string    // "", published, updated or reserved
	Asc      bool      // sort_order; descending without it
	Source   string    // "gna-1"; another text names no source that we know, which finds nothing
	CWE      string    // "CWE-79"
	Product  string    // whatever the letter case
	Vendor   string
	Assigner string // only together with Product or Vendor
}

// GNA is the authority that Source names.
func (p Params) GNA() (GNA, bool) {
	number, ok := strings.CutPrefix(strings.ToLower(p.Source), sourcePrefix)
	if !ok {
		return 0, false
	}
	g, err := ParseGNA(number)
	return g, err == nil
}

// ParseParams reads the query of a request. Parameters that BCP-03 does not name are passed over. Errors wrap ErrParam.
func ParseParams(query url.Values) (p Params, err error) {
	p = Params{PerPage: DefaultPerPage, Page: 1}
	bad := func(name, want string) error { return fmt.Errorf("%w: %s: %s", ErrParam, name, want) }
	if s := query.Get("per_page"); s != "" {
		if p.PerPage, err = strconv.Atoi(s); err != nil || p.PerPage < 1 || p.PerPage > MaxPerPage {
			return p, bad("per_page", "1 to 100")
		}
	}
	if s := query.Get("page"); s != "" {
		if p.Page, err = strconv.ParseInt(s, 10, 64); err != nil || p.Page < 1 || p.Page > maxPage {
			return p, bad("page", "a number from 1 on")
		}
	}
	if s := query.Get("since"); s != "" {
		if p.Since, err = parseSince(s); err != nil {
			return p, bad("since", "a date, or an RFC 3339 time")
		}
	}
	if p.DateSort = strings.ToLower(query.Get("date_sort")); !slices.Contains([]string{"", ByPublished, ByUpdated, ByReserved}, p.DateSort) {
		return p, bad("date_sort", "published, updated, reserved, or nothing")
	}
	switch strings.ToLower(query.Get("sort_order")) {
	case "asc":
		p.Asc = true
	case "", "desc":
	default:
		return p, bad("sort_order", "asc or desc")
	}
	p.Source, p.CWE = strings.TrimSpace(query.Get("source")), strings.ToUpper(strings.TrimSpace(query.Get("cwe")))
	p.Product, p.Vendor, p.Assigner = strings.TrimSpace(query.Get("product")), strings.TrimSpace(query.Get("vendor")), strings.TrimSpace(query.Get("assigner"))
	if p.CWE != "" && !strings.HasPrefix(p.CWE, "CWE-") {
		if _, err := strconv.ParseUint(p.CWE, 10, 32); err != nil {
			return p, bad("cwe", "CWE-79, or 79")
		}
		p.CWE = "CWE-" + p.CWE
	}
	if p.Assigner != "" && p.Product == "" && p.Vendor == "" {
		return p, bad("assigner", "only together with product or vendor")
	}
	return p, nil
}

// parseSince reads RFC 3339, the same without a zone (taken as UTC) and calendar days. A plus sign that was not escaped in a query arrives as
// a blank.
func parseSince(s string) (time.Time, error) {
	s = strings.ToUpper(s)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateOnly} {
		for _, text := range []string{s, strings.Replace(s, " ", "+", 1)} {
			if t, err := time.Parse(layout, text); err == nil {
				return t.UTC(), nil
			}
		}
	}
	return time.Time{}, ErrParam
}

// Values are the parameters as a client sends them; ParseParams reads the same from them.
func (p Params) Values() url.Values {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	v.Set("per_page", strconv.Itoa(p.PerPage))
	v.Set("page", strconv.FormatInt(p.Page, 10))
	if !p.Since.IsZero() {
		set("since", p.Since.UTC().Format(time.RFC3339Nano))
	}
	set("date_sort", p.DateSort)
	if p.Asc {
		set("sort_order", "asc")
	}
	set("source", p.Source)
	set("cwe", p.CWE)
	set("product", p.Product)
	set("vendor", p.Vendor)
	set("assigner", p.Assigner)
	return v
}
