package portal

import (
	"regexp"
	"slices"
	"strings"

	"tasuki/spec/cve"
	"tasuki/spec/cve/form"
	"tasuki/spec/cve/lint"
	"tasuki/web/i18n"
)

// phrases say what the schema's verdict says, in the reader's language: what it begins with, and the end of a glossary key
// that takes what the pattern catches. The first that fits counts.
var phrases = []struct {
	message *regexp.Regexp
	key     string
}{
	{regexp.MustCompile(`^needs the member "[^"]+"`), "needed"},
	{regexp.MustCompile(`^must not be empty$`), "empty"},
	{regexp.MustCompile(`^must not be an empty list`), "needed"},
	{regexp.MustCompile(`^must have at most (\d+) characters, has (\d+)`), "long"},
	{regexp.MustCompile(`^must have at least (\d+) characters, has (\d+)`), "short"},
	{regexp.MustCompile(`^must be a timestamp`), "time"},
	{regexp.MustCompile(`^must be a URI`), "uri"},
	{regexp.MustCompile(`^must be a CPE`), "cpe"},
	{regexp.MustCompile(`^must be a CWE`), "cwe"},
	{regexp.MustCompile(`^must be a CAPEC`), "capec"},
	{regexp.MustCompile(`^must be a BCP 47`), "lang"},
	{regexp.MustCompile(`^must be a version 4 UUID`), "uuid"},
	{regexp.MustCompile(`^must be a CVSS vector`), "vector"},
	{regexp.MustCompile(`^needs vendor and product`), "product"},
	{regexp.MustCompile(`^needs versions`), "versions"},
	{regexp.MustCompile(`^must hold a text in English`), "english"},
	{regexp.MustCompile(`^must be (one of the reference tags|unsupported-when-assigned)`), "tag"},
	{regexp.MustCompile(`^must be a single version`), "range"},
	{regexp.MustCompile(`^has equal elements`), "equal"},
	{regexp.MustCompile(`^is not a member of the record format`), "member"},
	{regexp.MustCompile(`^has a baseSeverity`), "severity"},
	{regexp.MustCompile(`^needs one of cvssV4_0`), "metric"},
}

// words is a finding in the reader's language. What has none of its own is said as the check says it, in English.
func words(l i18n.Lang, f cve.Finding) string {
	if i := slices.IndexFunc(form.Duties, func(d form.Duty) bool { return d.Rule == f.Rule }); i >= 0 {
		return l.T("edit.duty."+f.Rule) + " " + l.T("edit.rule", form.Duties[i].Section)
	}
	if strings.HasPrefix(f.Rule, "schema:") {
		for _, p := range phrases {
			if m := p.message.FindStringSubmatch(f.Message); m != nil {
				args := make([]any, len(m)-1)
				for i, a := range m[1:] {
					args[i] = a
				}
				if !i18n.Has("edit.find." + p.key + ".args") {
					return l.T("edit.find." + p.key)
				}
				return l.T("edit.find."+p.key+".args", args...)
			}
		}
	}
	if l == i18n.Japanese && slices.ContainsFunc(lint.Rules, func(r lint.Rule) bool { return r.ID == f.Rule }) && i18n.Has("edit.lint."+f.Rule) {
		return l.T("edit.lint."+f.Rule, f.Message)
	}
	return sentence(f.Message)
}

// sentence is a check's message with a capital.
func sentence(message string) string {
	n := min(1, len(message))
	return strings.ToUpper(message[:n]) + message[n:]
}
