package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tasuki/spec/cwe"
)

// cweInText finds identifiers in prose: "CWE-79", "CWE 79", "CWE79".
var cweInText = regexp.MustCompile(`(?i)\bCWE[-_ ]?([1-9][0-9]{0,6})\b`)

// weaknesses looks at the weakness statements.
func (l *linter) weaknesses() {
	for i, p := range l.container.ProblemTypes {
		for j, d := range p.Descriptions {
			pointer := fmt.Sprintf("%s/problemTypes/%d/descriptions/%d", l.at, i, j)
			var named []string
			for _, m := range cweInText.FindAllStringSubmatch(d.Description, -1) {
				named = append(named, "CWE-"+m[1])
			}
			if d.CWEID == "" {
				if len(named) > 0 {
					l.say("cwe-only-text", pointer, "names %s in its text; give it as cweId", named[0])
				}
				continue
			}
			if len(named) > 0 && !slices.Contains(named, d.CWEID) {
				l.say("cwe-text", pointer, "has the cweId %s, but its text names %s", quote(d.CWEID), strings.Join(named, " and "))
			}
			e, ok := cwe.Lookup(d.CWEID)
			switch {
			case !ok:
				l.say("cwe-unknown", pointer+"/cweId", "%s is not in CWE %s", quote(d.CWEID), cwe.Version())
			case e.Kind != cwe.Weakness:
				l.say("cwe-kind", pointer+"/cweId", "%s (%s) is a %s, not a weakness", d.CWEID, e.Name, e.Kind)
			case e.Deprecated():
				l.say("cwe-deprecated", pointer+"/cweId", "%s is deprecated", d.CWEID)
			}
		}
	}
}
