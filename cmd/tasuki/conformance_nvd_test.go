package main

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"tasuki/spec/nvd"
)

// nvd asks with every parameter of the protocol, alone and combined, and with what it refuses.
func (c *conformance) nvd(t *testing.T) {
	const cves = "/rest/json/cves/2.0"
	ask := func(query string) (total int) {
		body := c.same(t, cves+"?"+query)
		var reply nvd.Reply
		if json.Unmarshal([]byte(body), &reply) == nil {
			total = reply.TotalResults
		}
		for part := range strings.SplitSeq(query, "&") {
			name, _, _ := strings.Cut(part, "=")
			c.found[name] += total
		}
		return total
	}
	window := func(name, from, to string) string {
		return name + "StartDate=" + url.QueryEscape(from) + "&" + name + "EndDate=" + url.QueryEscape(to)
	}
	var single []string
	each := func(name string, values ...string) {
		for _, v := range values {
			single = append(single, name+"="+url.QueryEscape(v))
		}
	}
	each("cveId", sample(c.ids, 60)...)
	each("cveId", "cve-2024-0001", "CVE-2099-0001")
	each("cveIds", strings.Join(sample(c.ids, 100), ","), "CVE-2026-9002,CVE-2026-9001,CVE-2026-9001")
	each("cveTag", slices.DeleteFunc(slices.Clone(c.tags), func(s string) bool { return !nvd.KnownTag(s) })...)
	each("cweId", c.cwes...)
	each("cvssV2Severity", "LOW", "MEDIUM", "high")
	each("cvssV3Severity", "LOW", "MEDIUM", "HIGH", "critical")
	each("cvssV4Severity", "LOW", "MEDIUM", "HIGH", "CRITICAL")
	each("cvssV2Metrics", sample(c.vec2, 10)...)
	each("cvssV3Metrics", sample(c.vec3, 30)...)
	each("cvssV4Metrics", sample(c.vec4, 10)...)
	each("cvssV3Metrics", "AV:N", "AV:N/PR:N/UI:N", "CVSS:3.0/AV:L", "CVSS:3.1/AV:L/AC:H")
	each("cvssV2Metrics", "AV:N/AC:L")
	each("cvssV4Metrics", "AV:N/AC:L")
	each("sourceIdentifier", sample(c.sources, 40)...)
	each("keywordSearch", c.words...)
	each("keywordSearch", c.phrases...)
	statuses := []string{"Received", "AwaitingAnalysis", "Undergoing Analysis", "Analyzed", "Modified", "Deferred", "Rejected"}
	each("vulnStatus", statuses...)
	for i := range statuses {
		for j := range i {
			each("vulnStatuses", statuses[i]+","+statuses[j])
		}
	}
	single = append(single, "hasKev", "hasCertAlerts", "hasCertNotes", "hasOval", "noRejected", "noRejected=true", "",
		window("lastMod", "2026-11-01T00:00:00.000", "2026-11-30T00:00:00.000"), window("lastMod", "2024-08-01T00:00:00.000Z", "2024-10-30T00:00:00.000Z"),
		window("pub", "2026-11-20T09:00:00.000", "2026-11-20T09:00:00.000"), window("pub", "2026-11-20T09:00:00.001", "2026-11-20T09:00:00.001"))
	for _, d := range sample(c.days, 30) {
		single = append(single, window("pub", d+"T00:00:00.000", d+"T23:59:59.999+01:00"), window("lastMod", d+"T00:00:00Z", d+"T23:59:59Z"))
	}
	for _, d := range sample(c.kevDays, 10) {
		single = append(single, window("kev", d+"T00:00:00.000", d+"T00:00:00.000"))
	}
	for _, p := range c.phrases {
		single = append(single, url.Values{"keywordSearch": {p}, "keywordExactMatch": {""}}.Encode())
	}
	for i, query := range single {
		if i%10 > 0 { // the default of 2,000 is most of the records each time
			query = strings.TrimPrefix(query+"&resultsPerPage=25", "&")
		}
		ask(query)
	}
	// Combinations, each at a page of its own.
	r := rand.New(rand.NewPCG(2, 520))
	for range 300 {
		parts, names := []string{}, map[string]bool{}
		for range 1 + r.IntN(3) {
			p := single[r.IntN(len(single))]
			name, _, _ := strings.Cut(p, "=")
			if p != "" && !names[name] {
				parts, names[name] = append(parts, p), true
			}
		}
		ask(strings.Join(append(parts, fmt.Sprintf("resultsPerPage=%d&startIndex=%d", 1+r.IntN(30), r.IntN(20)*r.IntN(20))), "&"))
	}
	for start := 0; ; start += 97 {
		if total := ask(fmt.Sprintf("resultsPerPage=97&startIndex=%d", start)); start > total {
			if total != len(c.ids) {
				t.Errorf("%d of %d records", total, len(c.ids))
			}
			break
		}
	}
	for _, name := range []string{"cveId", "cveIds", "cveTag", "cweId", "cvssV2Severity", "cvssV3Severity", "cvssV4Severity", "cvssV2Metrics", "cvssV3Metrics",
		"cvssV4Metrics", "sourceIdentifier", "keywordSearch", "keywordExactMatch", "vulnStatus", "vulnStatuses", "hasKev", "hasCertAlerts", "hasCertNotes",
		"noRejected", "lastModStartDate", "pubStartDate", "kevStartDate", "resultsPerPage", "startIndex"} {
		if c.found[name] == 0 {
			t.Errorf("nothing was found with %s: the comparison says nothing about it", name)
		}
	}
	for _, wrong := range []string{"cveId=x", "cveId=", "cveIds=CVE-2024-1,x", "cveTag=odd", "cweId=79", "cvssV2Severity=CRITICAL", "cvssV3Metrics=AV:Z", "cvssV3Metrics=AV:N&cvssV2Metrics=AV:N",
		"cvssV3Severity=LOW&cvssV4Severity=LOW", "keywordExactMatch", "keywordSearch=", "hasKev=no", "pubStartDate=2024-01-01T00:00:00", "pubEndDate=2024-01-01T00:00:00",
		window("pub", "2024-01-01T00:00:00", "2024-06-01T00:00:00"), window("lastMod", "2024-02-01T00:00:00", "2024-01-01T00:00:00"), window("kev", "soon", "later"),
		"resultsPerPage=0", "resultsPerPage=2001", "startIndex=-1", "startIndex=x", "sourceIdentifier=", "vulnStatus=Odd", "vulnStatus=Received&vulnStatuses=Received", "other=1", "hasKev&hasKev",
		"cpeName=cpe:2.3:a:b:c:1", "isVulnerable", "virtualMatchString=cpe:2.3:a", "versionStart=1", "versionStartType=including", "versionEnd=1", "versionEndType=excluding", "%zz"} {
		if total := ask(wrong); total != 0 {
			t.Errorf("%s was answered with %d records", wrong, total)
		}
	}
	tag := c.sqlite.ask(cves + "?cveId=" + c.ids[0]).Header().Get("ETag")
	c.same(t, cves+"?cveId="+c.ids[0], "If-None-Match: "+tag)
	c.same(t, "/rest/json/cpes/2.0")
}
