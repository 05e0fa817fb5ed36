// Package lint looks at CVE records for mistakes that the published schema lets pass: numbers that contradict each other,
// ranges that hold nothing, weaknesses that are none. Every rule was run over tens of thousands of real records and its
// findings read; a rule that cries at habits that harm nobody is not here. docs/lint.md is for people what Rules is for
// programs.
package lint

import (
	"fmt"
	"time"

	"tasuki/spec/cve"
)

// Options are what a record by itself does not tell.
type Options struct {
	// Now is when the record is judged; a zero Now turns the rule date-future off.
	Now time.Time
	// KnownOrg tells whether an organisation (its UUID) is known to the list; nil turns the rule org-unknown off.
	KnownOrg func(orgID string) bool
}

// Rule is one check.
type Rule struct {
	ID       string
	Severity cve.Severity
	Title    string // what is wrong when it fires
}

// Rules lists every rule there is, in the order of docs/lint.md.
var Rules = []Rule{
	{"id-form", cve.SeverityError, "the identifier is not written in its one canonical form"},
	{"cvss-vector", cve.SeverityError, "a CVSS vector string does not parse"},
	{"cvss-version", cve.SeverityError, "a CVSS vector, or its version, stands under the member of another version"},
	{"cvss-score", cve.SeverityWarning, "baseScore is not what the vector scores"},
	{"cvss-severity", cve.SeverityWarning, "baseSeverity is not what the vector's score is called"},
	{"range-reversed", cve.SeverityWarning, "a version range ends before it begins"},
	{"range-empty", cve.SeverityWarning, "a version range ends, exclusively, where it begins"},
	{"version-text", cve.SeverityWarning, "the version is a range in words or signs, which no program will match"},
	{"bound-text", cve.SeverityWarning, "the upper bound of a range holds a comparison or words"},
	{"cwe-unknown", cve.SeverityWarning, "the CWE identifier is not in the CWE that this program knows"},
	{"cwe-kind", cve.SeverityWarning, "the CWE identifier names a category or a view, not a weakness"},
	{"cwe-deprecated", cve.SeverityWarning, "the CWE entry is deprecated"},
	{"cwe-text", cve.SeverityWarning, "the text names another CWE than cweId"},
	{"cwe-only-text", cve.SeverityWarning, "a CWE is named in the text only, cweId is missing"},
	{"date-order", cve.SeverityError, "dates contradict each other"},
	{"date-public", cve.SeverityWarning, "datePublic is more than a day after the record was published"},
	{"date-future", cve.SeverityWarning, "a date lies in the future"},
	{"date-zone", cve.SeverityWarning, "a date has no time zone"},
	{"lang-tag", cve.SeverityWarning, "a language tag is not in its BCP 47 form"},
	{"description-empty", cve.SeverityWarning, "a description says nothing"},
	{"product-na", cve.SeverityWarning, "an affected entry names no product and no package"},
	{"vendor-na", cve.SeverityWarning, "an affected entry names a product but no vendor"},
	{"reference-duplicate", cve.SeverityWarning, "a container lists one URL twice"},
	{"reference-scheme", cve.SeverityWarning, "a reference is not a link that can be followed"},
	{"rejected-members", cve.SeverityError, "a rejected record has the members of a published one, or the reverse"},
	{"replaced-self", cve.SeverityError, "a rejected record is replaced by itself"},
	{"adp-duplicate", cve.SeverityWarning, "an organisation has more than one ADP container"},
	{"org-unknown", cve.SeverityWarning, "a container's organisation is not known to the list"},
}

// severities is Rules by id.
var severities = func() map[string]cve.Severity {
	m := make(map[string]cve.Severity, len(Rules))
	for _, r := range Rules {
		m[r.ID] = r.Severity
	}
	return m
}()

// Record runs every rule over a record. The record must come from cve.Decode; it need not be valid against the schema.
func Record(rec *cve.Record, o Options) []cve.Finding {
	l := &linter{rec: rec, options: o}
	l.identifier()
	l.dates()
	rec.EachContainer(func(pointer string, c *cve.Container, adp bool) {
		l.at, l.container = pointer, c
		l.metrics()
		l.versions()
		l.weaknesses()
		l.languages()
		l.products()
		l.references()
	})
	l.descriptions()
	l.rejection()
	l.organisations()
	return cve.Merge(l.found)
}

// linter carries one record through the rules. at and container are the container being looked at.
type linter struct {
	rec       *cve.Record
	options   Options
	at        string
	container *cve.Container
	found     []cve.Finding
}

// say adds a finding; a rule that is not in Rules is a mistake of the programmer and panics.
func (l *linter) say(rule, pointer, format string, args ...any) {
	severity, ok := severities[rule]
	if !ok {
		panic("lint: no rule " + rule)
	}
	l.found = append(l.found, cve.Finding{Pointer: pointer, Rule: rule, Severity: severity, Message: fmt.Sprintf(format, args...)})
}

func (l *linter) identifier() {
	if _, err := cve.ParseID(l.rec.Metadata.ID); err != nil {
		l.say("id-form", "/cveMetadata/cveId", "is not a CVE identifier in canonical form, such as CVE-2026-12345")
	}
}

// quote shows a foreign text in a message without letting it fill the screen.
func quote(s string) string {
	const most = 60
	runes := []rune(s)
	if len(runes) > most {
		return fmt.Sprintf("%q…", string(runes[:most]))
	}
	return fmt.Sprintf("%q", s)
}
