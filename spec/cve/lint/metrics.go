package lint

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"tasuki/spec/cve"
	"tasuki/spec/cvss"
)

// metrics compares what a CVSS object says with what its vector means. The vector decides: it is what was assessed.
func (l *linter) metrics() {
	for i, m := range l.container.Metrics {
		pointer := fmt.Sprintf("%s/metrics/%d", l.at, i)
		l.cvss(m.CVSSv40, cvss.V40, pointer+"/cvssV4_0")
		l.cvss(m.CVSSv31, cvss.V31, pointer+"/cvssV3_1")
		l.cvss(m.CVSSv30, cvss.V30, pointer+"/cvssV3_0")
		l.cvss(m.CVSSv20, cvss.V20, pointer+"/cvssV2_0")
	}
}

func (l *linter) cvss(c *cve.CVSS, version, pointer string) {
	if c == nil {
		return
	}
	if c.Version != "" && c.Version != version {
		l.say("cvss-version", pointer+"/version", "says %s under the member of %s", quote(c.Version), version)
	}
	if c.VectorString == "" {
		return
	}
	v, err := cvss.Parse(c.VectorString)
	if err != nil {
		reason := err.Error()
		var syntax *cvss.SyntaxError
		if errors.As(err, &syntax) {
			reason = syntax.Reason
		}
		l.say("cvss-vector", pointer+"/vectorString", "is not a CVSS vector: %s", reason)
		return
	}
	if v.Version() != version {
		l.say("cvss-version", pointer+"/vectorString", "is a vector of CVSS %s under the member of %s", v.Version(), version)
		return
	}
	// Some authors give the score with temporal, threat or environmental metrics: with those metrics in the vector that
	// is a reading, not a mistake. The tenth of slack in 4.0 is the rounding that implementations differ in.
	slack := 0.05
	if version == cvss.V40 {
		slack = 0.15
	}
	near := func(score float64) bool { return math.Abs(score-c.BaseScore) < slack }
	switch {
	case near(v.Score()) || near(v.Overall()):
	case c.BaseScore == 0: // absent or null reads as 0, so the object is what can be pointed at
		l.say("cvss-score", pointer, "has no baseScore or 0, but the vector scores %.1f", v.Score())
	default:
		l.say("cvss-score", pointer+"/baseScore", "is %.1f, but the vector scores %.1f", c.BaseScore, v.Score())
	}
	stated := strings.ToUpper(c.BaseSeverity)
	if stated == "" {
		return
	}
	for _, score := range []float64{v.Score(), v.Overall(), v.Score() - slack, v.Score() + slack} {
		if version != cvss.V40 && (score < v.Score() || score > v.Score()) && score != v.Overall() {
			continue // slack is for 4.0
		}
		if stated == cvss.Severity(version, math.Round(max(0, min(10, score))*10)/10) {
			return
		}
	}
	l.say("cvss-severity", pointer+"/baseSeverity", "is %s, but the vector's score %.1f is %s", c.BaseSeverity, v.Score(), v.Severity())
}
