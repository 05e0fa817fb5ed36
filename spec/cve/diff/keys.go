package diff

import (
	"strings"

	"tasuki/spec/ssvc"
)

// What makes a part the same thing in both versions.

// pair joins two members; "" when the part lacks the first.
func pair(a, b string) func(*node) string {
	return func(n *node) string {
		if n.mark(a) == "" {
			return ""
		}
		return join(n.mark(a), n.mark(b))
	}
}

// join makes one key of several identities, which may hold any byte.
func join(marks ...string) string {
	size := 0
	for _, m := range marks {
		size += len(m) + 2
	}
	var b strings.Builder
	b.Grow(size)
	for _, m := range marks {
		b.WriteString(strings.ReplaceAll(m, "\x00", "\x00\x01"))
		b.WriteString("\x00\x00")
	}
	return b.String()
}

// productKey is what the CVE Record Format calls a product by: vendor and product, or collection and package.
func productKey(n *node) string {
	return join(n.mark("vendor"), n.mark("product"), n.mark("packageName"), n.mark("collectionURL"))
}

// looseProductKey overlooks the letter case.
func looseProductKey(n *node) string { return strings.ToLower(productKey(n)) }

// sameButRanges tells apart the entries of one product, by everything but the ranges.
func sameButRanges(n *node) string {
	var marks []string
	for _, m := range n.members {
		if m.name != "versions" && m.name != "defaultStatus" {
			marks = append(marks, m.name, m.node.id)
		}
	}
	return join(marks...)
}

func versionKey(names ...string) func(*node) string {
	return func(n *node) string {
		marks := make([]string, len(names))
		for i, name := range names {
			marks[i] = n.mark(name)
		}
		return join(marks...)
	}
}

// upperKey is the end of a range: the same end with another beginning is the same range.
func upperKey(n *node) string {
	if n.mark("lessThan") == "" && n.mark("lessThanOrEqual") == "" {
		return ""
	}
	return versionKey("lessThan", "lessThanOrEqual", "status")(n)
}

// weaknessKey is the CWE identifiers of one group.
func weaknessKey(n *node) string {
	list := n.get("descriptions")
	if list == nil {
		return ""
	}
	var marks []string
	for _, d := range list.list {
		if id := d.mark("cweId"); id != "" {
			marks = append(marks, id)
		}
	}
	if marks == nil {
		return ""
	}
	return join(marks...)
}

// scores are the members of a metric that hold a CVSS score, with the version that people say.
var scores = []struct{ member, version string }{{"cvssV4_0", "4.0"}, {"cvssV3_1", "3.1"}, {"cvssV3_0", "3.0"}, {"cvssV2_0", "2.0"}}

// score finds a metric's CVSS object.
func score(n *node) (cvss *node, version string) {
	for _, s := range scores {
		if c := n.get(s.member); c != nil {
			return c, s.version
		}
	}
	return nil, ""
}

// metricKey is the kind of metric, with the scenario and the vector if asked.
func metricKey(scenario, vector bool) func(*node) string {
	return func(n *node) string {
		cvss, version := score(n)
		marks := []string{version, strings.ToLower(n.get("other").str("type"))}
		if scenario {
			marks = append(marks, n.mark("scenarios"))
		}
		if vector {
			marks = append(marks, cvss.mark("vectorString"))
		}
		return join(marks...)
	}
}

func metricKind(n *node) Kind {
	if cvss, _ := score(n); cvss != nil {
		return Metric
	}
	switch strings.ToLower(n.get("other").str("type")) {
	case ssvc.Type:
		return SSVC
	case "kev":
		return KEV
	}
	return Metric
}
