package catalogue

import (
	"math"
	"strconv"
	"strings"

	"tasuki/spec/cve"
	"tasuki/spec/nvd"
)

// The bits of entry.Has. Their order is stored; new ones go to the end.
const (
	hasTitle uint32 = 1 << iota
	hasCVSS
	hasCVSS2
	hasCVSS3
	hasCVSS4
	hasCWE
	hasCPE
	hasPURL
	hasRange
	hasFix
	hasSolution
	hasWorkaround
	hasPatch
	hasAdvisory
	hasExploit
	hasKEV
	hasSSVC
	hasADP
	hasCredit
	hasTimeline
	hasJapanese
)

// hasNames are the bits' values in the query language (docs/query.md defines them).
var hasNames = []string{"title", "cvss", "cvss2", "cvss3", "cvss4", "cwe", "cpe", "purl", "range", "fix", "solution", "workaround",
	"patch", "advisory", "exploit", "kev", "ssvc", "adp", "credit", "timeline", "ja"}

func hasList(bits uint32) []string {
	if bits == 0 {
		return nil
	}
	var out []string
	for i, name := range hasNames {
		if bits&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}

// says is what the record says anything of.
func says(rec *cve.Record, f nvd.Facets) (bits uint32) {
	add := func(bit uint32, is bool) {
		if is {
			bits |= bit
		}
	}
	add(hasTitle, strings.TrimSpace(rec.Containers.CNA.Title) != "")
	add(hasADP, len(rec.Containers.ADP) > 0)
	add(hasKEV, f.KEVAdded != "")
	for _, sc := range f.Scorings {
		bits |= hasCVSS | map[string]uint32{"2.0": hasCVSS2, "3.0": hasCVSS3, "3.1": hasCVSS3, "4.0": hasCVSS4}[sc.Vector.Version()]
	}
	for _, w := range f.CWE {
		add(hasCWE, strings.HasPrefix(w, "CWE-"))
	}
	for _, c := range containers(rec) {
		add(hasCPE, len(c.CPEApplicability) > 0)
		add(hasSolution, written(c.Solutions))
		add(hasWorkaround, written(c.Workarounds))
		add(hasExploit, written(c.Exploits))
		add(hasCredit, len(c.Credits) > 0)
		add(hasTimeline, len(c.Timeline) > 0)
		for _, texts := range [][]cve.Text{c.Descriptions, c.RejectedReasons, c.Solutions, c.Workarounds} {
			_, ok := cve.Pick(texts, "ja")
			add(hasJapanese, ok)
		}
		for i := range c.Affected {
			bits |= saysOf(&c.Affected[i])
		}
		for _, r := range c.References {
			for _, t := range r.Tags {
				add(hasPatch, t == "patch")
				add(hasExploit, t == "exploit")
				add(hasAdvisory, t == "vendor-advisory" || t == "third-party-advisory")
			}
		}
	}
	return bits
}

// saysOf is what one affected product adds. A fix is known where an affected range ends before a version, or a version changes
// to unaffected inside it.
func saysOf(a *cve.Affected) (bits uint32) {
	if len(a.CPEs) > 0 {
		bits |= hasCPE
	}
	if a.PackageURL != "" {
		bits |= hasPURL
	}
	for i := range a.Versions {
		v := &a.Versions[i]
		if v.LessThan != "" || v.LessThanOrEqual != "" {
			bits |= hasRange
		}
		if v.Status == "affected" && v.LessThan != "" && v.LessThan != "*" {
			bits |= hasFix
		}
		for _, c := range v.Changes {
			if c.Status == "unaffected" {
				bits |= hasFix
			}
		}
	}
	return bits
}

func written(texts []cve.Text) bool {
	_, ok := cve.Pick(texts, cve.Any)
	return ok
}

// moment is a date of a record in Unix milliseconds; math.MinInt64 when it is no date.
func moment(date string) int64 {
	t, _, err := cve.ParseTime(date)
	if err != nil {
		return math.MinInt64
	}
	return t.UnixMilli()
}

// tenths writes a score as the index knows it.
func tenths(score float64) string { return strconv.FormatFloat(score, 'f', 1, 64) }
