package nvd

import (
	"strings"
	"time"

	"tasuki/spec/cve"
)

// date reads one end of a window.
func date(member func(*Params) *time.Time) func(*Params, string, string) error {
	return func(p *Params, name, value string) error {
		t, ok := parseDate(value)
		if !ok {
			return invalidValue(name)
		}
		*member(p) = t
		return nil
	}
}

// parseDate reads YYYY-MM-DDThh:mm:ss[.fff][Z|±hh:mm]; no zone means UTC. A plus sign that the client forgot
// to encode arrives as a space and still means plus.
func parseDate(s string) (time.Time, bool) {
	if len(s) > 6 && s[len(s)-6] == ' ' {
		s = s[:len(s)-6] + "+" + s[len(s)-5:]
	}
	t, _, err := cve.ParseTime(strings.ToUpper(s))
	return t, err == nil && t.Year() >= 1900 && t.Year() <= 9999
}
