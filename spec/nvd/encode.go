package nvd

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Encode writes the parameters as a query that ParseParams reads back to the same Params.
func (p Params) Encode() string {
	var b strings.Builder
	put := func(name, value string) {
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(name)
		if value != "" {
			b.WriteByte('=')
			b.WriteString(url.QueryEscape(value))
		}
	}
	for _, x := range []struct{ name, value string }{
		{"cveId", p.CVEID}, {"cveIds", strings.Join(p.CVEIDs, ",")}, {"cveTag", p.Tag}, {"cweId", p.CWE},
		{"cvssV2Severity", p.Sev2}, {"cvssV3Severity", p.Sev3}, {"cvssV4Severity", p.Sev4},
		{"keywordSearch", p.Keyword}, {"sourceIdentifier", p.Source},
		{"vulnStatuses", strings.ReplaceAll(strings.Join(p.Statuses, ","), " ", "")},
	} {
		if x.value != "" {
			put(x.name, x.value)
		}
	}
	if p.Vector != nil {
		put("cvssV"+string(p.Vector.Major)+"Metrics", p.Vector.String())
	}
	for _, x := range []struct {
		name string
		set  bool
	}{
		{"keywordExactMatch", p.ExactMatch}, {"hasKev", p.HasKEV}, {"hasCertAlerts", p.HasCertAlert}, {"hasCertNotes", p.HasCertNote},
		{"hasOval", p.HasOVAL}, {"noRejected", p.NoRejected},
	} {
		if x.set {
			put(x.name, "")
		}
	}
	for _, x := range []struct {
		name string
		Window
	}{{"kev", p.KEV}, {"lastMod", p.LastMod}, {"pub", p.Pub}} {
		if !x.IsZero() {
			put(x.name+"StartDate", x.Start.UTC().Format(time.RFC3339Nano))
			put(x.name+"EndDate", x.End.UTC().Format(time.RFC3339Nano))
		}
	}
	if p.StartIndex != 0 {
		put("startIndex", strconv.Itoa(p.StartIndex))
	}
	if p.ResultsPerPage != 0 && p.ResultsPerPage != MaxResultsPerPage {
		put("resultsPerPage", strconv.Itoa(p.ResultsPerPage))
	}
	return b.String()
}
