package lint

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"tasuki/spec/cve"
)

// versions looks at the version entries of affected products.
func (l *linter) versions() {
	for i, a := range l.container.Affected {
		for j, v := range a.Versions {
			pointer := fmt.Sprintf("%s/affected/%d/versions/%d", l.at, i, j)
			if rangeText.MatchString(v.Version) {
				l.say("version-text", pointer+"/version", "is %s; a range belongs into version and lessThan or lessThanOrEqual", quote(v.Version))
			}
			for _, bound := range []struct{ name, value string }{{"lessThan", v.LessThan}, {"lessThanOrEqual", v.LessThanOrEqual}} {
				if bound.value == "" {
					continue
				}
				if boundText.MatchString(bound.value) {
					l.say("bound-text", pointer+"/"+bound.name, "is %s; it must be a bare version", quote(bound.value))
					continue
				}
				l.ordered(v, pointer, bound.name, bound.value)
			}
		}
	}
}

// ordered finds ranges that hold nothing. Only plain dotted numbers are compared, since they mean the same in every
// version scheme; commits have no order at all.
func (l *linter) ordered(v cve.Version, pointer, name, bound string) {
	if v.VersionType == "git" || v.VersionType == "original_commit_for_fix" {
		return
	}
	from, ok1 := dotted(v.Version)
	to, ok2 := dotted(bound)
	if !ok1 || !ok2 {
		return
	}
	switch c := compareDotted(from, to); {
	case c > 0:
		l.say("range-reversed", pointer, "begins at %s and ends before it, at %s %s", quote(v.Version), name, quote(bound))
	case c == 0 && name == "lessThan" && len(v.Changes) == 0:
		l.say("range-empty", pointer, "begins and ends at %s; lessThan leaves the version itself out, so nothing is in the range", quote(bound))
	}
}

var (
	// rangeText finds comparisons and the words for them: a sign before a version or, alone, before anything; a word
	// with a number near it. "<unspecified>" and "Through the Ages" are names.
	rangeText = regexp.MustCompile(`(?i)(^|[\s,(])(<=?|>=?|=<|=>|≤|≥)\s*v?\.?\d` +
		`|^\s*([<>]\s|[<>]=|=[<>]|[≤≥])\s*\w` +
		`|\b(before|prior to|earlier than|older than|up to)\b.*\d` +
		`|\d\S*\s+(through|until)\s+\S*\d` +
		`|\d\S* (and|or) (earlier|prior|before|below|later|above|newer|older|lower|higher|previous)\b`)
	// boundText finds the same in a place where there is nothing but a version.
	boundText  = regexp.MustCompile(`(?i)[<>≤≥]|^=|\b(before|prior|earlier|later|up to|and below|and above)\b`)
	dottedForm = regexp.MustCompile(`^[vV]?[0-9]{1,9}(\.[0-9]{1,9})*$`)
)

// dotted reads a plain version, "v" in front allowed.
func dotted(s string) ([]int, bool) {
	if !dottedForm.MatchString(s) {
		return nil, false
	}
	var parts []int
	for part := range strings.SplitSeq(strings.TrimLeft(s, "vV"), ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, false
		}
		parts = append(parts, n)
	}
	return parts, true
}

// compareDotted compares number by number; a missing one counts as 0.
func compareDotted(a, b []int) int {
	for i := range max(len(a), len(b)) {
		var x, y int
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if c := cmp.Compare(x, y); c != 0 {
			return c
		}
	}
	return 0
}
