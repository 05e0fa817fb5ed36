package query

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"tasuki/spec/cve"
	"tasuki/spec/cvss"
)

// spellID gives a CVE identifier, or a pattern of one, its proper form: "2024-3094" is CVE-2024-3094.
func spellID(text string) (string, bool) {
	s := strings.ToUpper(text)
	if !strings.HasPrefix(s, "CVE") && (strings.HasPrefix(s, "*") || s[:1] >= "0" && s[:1] <= "9") {
		s = "CVE-" + s
	}
	if !strings.Contains(s, "*") {
		_, err := cve.ParseID(s)
		return s, err == nil
	}
	for _, r := range strings.TrimPrefix(s, "CVE") {
		if r != '-' && r != '*' && (r < '0' || r > '9') {
			return "", false
		}
	}
	return s, strings.HasPrefix(s, "CVE")
}

// The two weaknesses of NVD that are none.
const (
	cweOther  = "NVD-CWE-Other"
	cweNoinfo = "NVD-CWE-noinfo"
)

// spellCWE gives a weakness its proper form: "79" and "cwe-79" are CWE-79.
func spellCWE(text string) (string, bool) {
	for _, known := range []string{cweOther, cweNoinfo} {
		if strings.EqualFold(text, known) || strings.EqualFold("NVD-CWE-"+text, known) {
			return known, true
		}
	}
	digits := strings.TrimPrefix(strings.ToUpper(text), "CWE-")
	for i := range len(digits) {
		if c := digits[i]; c != '*' && (c < '0' || c > '9') {
			return "", false
		}
	}
	if trimmed := strings.TrimLeft(digits, "0"); trimmed != "" {
		digits = trimmed
	}
	return "CWE-" + digits, digits != "" && len(digits) <= 9
}

// spellVector checks that some version of CVSS knows all the metrics. Which versions do is for who compares vectors.
func spellVector(text string) (string, bool) {
	s, versions := text, []string{cvss.V20, cvss.V31, cvss.V40}
	if len(s) > 5 && strings.EqualFold(s[:5], "CVSS:") {
		version, rest, _ := strings.Cut(s[5:], "/")
		if !slices.Contains([]string{cvss.V30, cvss.V31, cvss.V40}, version) {
			return "", false
		}
		s, versions = rest, []string{version}
		text = "CVSS:" + version + "/" + rest
	}
	if strings.Contains(text, "*") {
		return "", false
	}
	return text, slices.ContainsFunc(versions, func(version string) bool {
		for part := range strings.SplitSeq(s, "/") {
			metric, value, _ := strings.Cut(part, ":")
			if _, _, ok := cvss.Spell(version, metric, value); !ok {
				return false
			}
		}
		return true
	})
}

// near lists the candidates that text may be a slip of, nearest first: at most three.
func near(text string, candidates []string) []string {
	type guess struct {
		text string
		far  int
	}
	text = strings.ToLower(text)
	if len(text) > 64 {
		return nil
	}
	var list []guess
	for _, c := range candidates {
		far := distance(text, c)
		if len(text) > 1 && strings.HasPrefix(c, text) || len(c) > 2 && strings.HasPrefix(text, c) {
			far = min(far, 1)
		}
		if far <= max(1, min(utf8.RuneCountInString(text), len(c))/3) {
			list = append(list, guess{c, far})
		}
	}
	slices.SortStableFunc(list, func(a, b guess) int { return cmp.Compare(a.far, b.far) })
	var out []string
	for _, g := range list[:min(3, len(list))] {
		out = append(out, g.text)
	}
	return out
}

// distance is how many characters must be put in, left out, replaced or swapped with their neighbour (the optimal string
// alignment distance).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range row {
		last[j] = j
	}
	for i := range x {
		row[0] = i + 1
		for j := range y {
			change := 1
			if x[i] == y[j] {
				change = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+change)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}
