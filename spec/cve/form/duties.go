package form

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tasuki/spec/cve"
)

// Rules is the version of the CNA Operational Rules that Duties speaks of.
const Rules = "4.2.0"

// Duty is one thing that the CNA Operational Rules ask of a record and that no schema can ask.
type Duty struct {
	Rule    string // as a Finding names it
	Section string // of the rules
}

// Duties are all of them.
var Duties = []Duty{
	{"duty-affected", "5.1"},
	{"duty-type", "5.1"},
	{"duty-fixed", "5.1"},
	{"duty-credit", "5.2"},
	{"duty-itself", "5.3"},
	{"duty-disputed", "4.5.3.10"},
	{"duty-unsupported", "4.2.17"},
	{"duty-hosted", "5.1"},
}

var (
	thanks  = regexp.MustCompile(`(?i)\b(discovered|reported|responsibly disclosed) by\b|\bcredit(ed|s)? (to|goes)\b|\bthanks? to\b`)
	dispute = regexp.MustCompile(`(?i)disput|not a vulnerab|係争|異議|争`)
)

// CheckDuties finds what the rules would have otherwise in the record of an identifier: remarks, not refusals, because what
// they ask for is a matter of meaning. Pointers are into the container.
func CheckDuties(id string, c *cve.Container) []cve.Finding {
	var out []cve.Finding
	say := func(pointer, rule, message string) {
		out = append(out, cve.Finding{Pointer: pointer, Rule: rule, Severity: cve.SeverityWarning, Message: message})
	}
	if len(c.Affected) > 0 && !slices.ContainsFunc(c.Affected, touched) {
		say("/affected", "duty-affected", "at least one product must be affected, or unknown and possibly affected")
	}
	if len(c.ProblemTypes) == 0 {
		say("/problemTypes", "duty-type", "a record says what type of vulnerability it is, best by a CWE identifier")
	}
	if len(c.Affected) > 0 && slices.ContainsFunc(c.Affected, touched) && !slices.ContainsFunc(c.Affected, bounded) {
		say("/affected", "duty-fixed", "no version is said to be free of the vulnerability; name the fixed version where there is one")
	}
	for i, d := range c.Descriptions {
		if thanks.MatchString(d.Value) {
			say("/descriptions/"+strconv.Itoa(i)+"/value", "duty-credit", "a description does not thank people; credits have their own place")
		}
	}
	for i, r := range c.References {
		if ofItself(id, r.URL) {
			say("/references/"+strconv.Itoa(i)+"/url", "duty-itself", "the record itself, or a copy of it, is no reference for it")
		}
	}
	for i, tag := range c.Tags {
		at := "/tags/" + strconv.Itoa(i)
		switch tag {
		case "disputed":
			if !mentions(c.Descriptions, dispute) {
				say(at, "duty-disputed", "a disputed record says in its text who disputes what")
			}
		case "unsupported-when-assigned":
			if !slices.ContainsFunc(c.Descriptions, func(d cve.Text) bool { return strings.Contains(strings.ToUpper(d.Value), "UNSUPPORTED WHEN ASSIGNED") }) {
				say(at, "duty-unsupported", "by convention the description begins with UNSUPPORTED WHEN ASSIGNED")
			}
		case "exclusively-hosted-service":
			if slices.ContainsFunc(c.Affected, func(a cve.Affected) bool { return a.PackageURL != "" || a.PackageName != "" }) {
				say(at, "duty-hosted", "the tag is for hosted services alone, but a package that people install is affected")
			}
		}
	}
	return out
}

// touched tells whether anything of a product is affected or may be.
func touched(a cve.Affected) bool {
	may := func(status string) bool { return status == "affected" || status == "unknown" }
	return may(a.DefaultStatus) || slices.ContainsFunc(a.Versions, func(v cve.Version) bool {
		return may(v.Status) || slices.ContainsFunc(v.Changes, func(c cve.Change) bool { return may(c.Status) })
	})
}

// bounded tells whether anything of a product is said to be unaffected.
func bounded(a cve.Affected) bool {
	free := func(c cve.Change) bool { return c.Status == "unaffected" }
	return a.DefaultStatus == "unaffected" || slices.ContainsFunc(a.Versions, func(v cve.Version) bool {
		return v.Status == "unaffected" || v.LessThan != "" || v.LessThanOrEqual != "" || slices.ContainsFunc(v.Changes, free)
	})
}

func mentions(texts []cve.Text, what *regexp.Regexp) bool {
	return slices.ContainsFunc(texts, func(t cve.Text) bool { return what.MatchString(t.Value) })
}

// copies are where records of the list can be read.
var copies = []string{"cve.org/", "cve.mitre.org/", "nvd.nist.gov/vuln/", "github.com/cveproject/cvelistv5", "raw.githubusercontent.com/cveproject/cvelistv5"}

func ofItself(id, url string) bool {
	url = strings.ToLower(url)
	return id != "" && strings.Contains(url, strings.ToLower(id)) && slices.ContainsFunc(copies, func(c string) bool { return strings.Contains(url, c) })
}
