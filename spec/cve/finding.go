package cve

import (
	"cmp"
	"slices"
)

// Severity grades a Finding.
type Severity string

// The grades. An error is against the record format or cannot be true; a warning is most likely a mistake, or a habit
// that makes the record harder to use.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
)

// Finding is one remark about one place in a document: what spec/cve/schema and spec/cve/lint say. (It is called so
// because the record format has taken the word problem.)
type Finding struct {
	Pointer  string   `json:"pointer"` // RFC 6901, in the document as given; "" is the whole document
	Rule     string   `json:"rule"`    // docs/lint.md lists them; "schema:<keyword>" for the published schema
	Severity Severity `json:"severity"`
	Message  string   `json:"message"` // one short sentence in English without a full stop
}

// HasErrors reports whether any finding is an error.
func HasErrors(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity == SeverityError })
}

// Merge joins the findings of several checks: errors first, then by place, and what two checks say of the same place
// under the same rule only once.
func Merge(lists ...[]Finding) []Finding {
	all := slices.Concat(lists...)
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Pointer, b.Pointer), cmp.Compare(a.Rule, b.Rule))
	})
	return slices.CompactFunc(all, func(a, b Finding) bool {
		return a.Pointer == b.Pointer && a.Rule == b.Rule && a.Severity == b.Severity
	})
}

// ZonelessDates finds the dates without a time zone (rule date-zone). They are legal and read as UTC, but a reader in
// another zone will take them for local time.
func ZonelessDates(rec *Record) []Finding {
	var found []Finding
	rec.EachDate(func(pointer, value string) {
		if _, zoned, err := ParseTime(value); err == nil && !zoned {
			found = append(found, Finding{pointer, "date-zone", SeverityWarning, "has no time zone; UTC is assumed"})
		}
	})
	return found
}
