package catalogue

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tasuki/internal/query"
	"tasuki/internal/store/facet"
	"tasuki/spec/cvss"
)

var vectorPrefix = regexp.MustCompile(`^(?i)CVSS:(3\.0|3\.1|4\.0)/`)

// vectors answers by metrics that stand together in one vector, of any version that knows them all.
func vectors(c *query.Cond, _ time.Time) facet.Node {
	return anyOf(c, func(v query.Value) facet.Node {
		var or facet.Or
		wanted, rest := "", v.Text
		if m := vectorPrefix.FindStringSubmatch(rest); m != nil {
			wanted, rest = m[1], rest[len(m[0]):]
		}
		for _, version := range []string{cvss.V20, cvss.V30, cvss.V31, cvss.V40} {
			parts, ok := metrics(version, rest)
			if !ok || wanted != "" && wanted != version {
				continue
			}
			dim := map[string]string{cvss.V20: "vec2", cvss.V30: "vec30", cvss.V31: "vec31", cvss.V40: "vec40"}[version]
			or = append(or, facet.Match{Dim: dim, Func: func(vector string) bool {
				return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains("/"+vector+"/", part) })
			}})
		}
		return or
	})
}

// metrics are the parts of a vector in the version's spelling, each between two slashes.
func metrics(version, text string) (parts []string, ok bool) {
	for part := range strings.SplitSeq(text, "/") {
		metric, value, _ := strings.Cut(part, ":")
		metric, value, ok := cvss.Spell(version, metric, value)
		if !ok {
			return nil, false
		}
		parts = append(parts, fmt.Sprintf("/%s:%s/", metric, value))
	}
	return parts, true
}
