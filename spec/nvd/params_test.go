package nvd

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseParams(t *testing.T) {
	utc := func(s string) time.Time {
		x, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return x.UTC()
	}
	for _, tc := range []struct {
		query string
		want  Params
	}{
		{"", Params{}},
		{"&&", Params{}},
		{"CVEID=cve-2021-44228", Params{CVEID: "CVE-2021-44228"}},
		{"cveIds=CVE-2021-44228,%20cve-1999-0001,CVE-2021-44228", Params{CVEIDs: []string{"CVE-2021-44228", "CVE-1999-0001"}}},
		{"hasKev&noRejected=&HASOVAL=True", Params{HasKEV: true, NoRejected: true, HasOVAL: true}},
		{"hasCertAlerts&hasCertNotes", Params{HasCertAlert: true, HasCertNote: true}},
		{"keywordSearch=windows+mac%20os%20%20linux", Params{Keyword: "windows mac os linux"}},
		{"keywordSearch=Microsoft&keywordExactMatch", Params{Keyword: "Microsoft", ExactMatch: true}},
		{"cvssV3Severity=high", Params{Sev3: "HIGH"}},
		{"cvssV2Severity=low", Params{Sev2: "LOW"}},
		{"cvssV4Severity=Critical", Params{Sev4: "CRITICAL"}},
		{"cvssV2Metrics=AV:N/au:n", Params{Vector: &VectorQuery{Major: '2', Parts: []string{"AV:N", "Au:N"}}}},
		{"cvssV3Metrics=cvss:3.1/av:n/ac:l", Params{Vector: &VectorQuery{Major: '3', Minor: "3.1", Parts: []string{"AV:N", "AC:L"}}}},
		{"cvssV4Metrics=CVSS:4.0/AV:N/U:clear", Params{Vector: &VectorQuery{Major: '4', Parts: []string{"AV:N", "U:Clear"}}}},
		{"cweId=cwe-79", Params{CWE: "CWE-79"}},
		{"cweId=NVD-CWE-noinfo", Params{CWE: "NVD-CWE-noinfo"}},
		{"cveTag=DISPUTED", Params{Tag: "disputed"}},
		{"sourceIdentifier=cve@mitre.org", Params{Source: "cve@mitre.org"}},
		{"vulnStatuses=AwaitingAnalysis,analyzed", Params{Statuses: []string{AwaitingAnalysis, Analyzed}}},
		{"vulnStatus=Undergoing%20Analysis", Params{Statuses: []string{UndergoingAnalysis}}},
		{"startIndex=40&resultsPerPage=20", Params{StartIndex: 40, ResultsPerPage: 20}},
		{"pubStartDate=2024-01-01T00:00:00&pubEndDate=2024-01-02T00:00:00.5Z", Params{Pub: Window{utc("2024-01-01T00:00:00Z"), utc("2024-01-02T00:00:00.5Z")}}},
		{"lastModStartDate=2024-01-01T00:00:00.000%2B01:00&lastModEndDate=2024-01-01T00:00:00.000 01:00",
			Params{LastMod: Window{utc("2023-12-31T23:00:00Z"), utc("2023-12-31T23:00:00Z")}}},
		{"kevStartDate=2024-01-01T00:00:00.000-05:00&kevEndDate=2024-04-30T00:00:00.000-05:00", Params{KEV: Window{utc("2024-01-01T05:00:00Z"), utc("2024-04-30T05:00:00Z")}}},
	} {
		t.Run(tc.query, func(t *testing.T) {
			if tc.want.ResultsPerPage == 0 {
				tc.want.ResultsPerPage = MaxResultsPerPage
			}
			got, err := ParseParams(tc.query)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got  %+v\nwant %+v", got, tc.want)
			}
		})
	}
}

func TestParamRefusals(t *testing.T) {
	for query, want := range map[string]string{
		"includeDeprecated":                     "Invalid parameter: includeDeprecated.",
		"x%0Ay=1":                               "Invalid parameter: x?y.",
		"%zz":                                   "Invalid parameter: %zz.",
		"cveId":                                 "Invalid value for cveId.",
		"cveId=%zz":                             "Invalid value for cveId.",
		"cveId=2021-44228":                      "Invalid value for cveId.",
		"cveid=CVE-2021-44228&cveId=CVE-2021-1": "Parameter cveId is given more than once.",
		"cveIds=" + strings.Repeat("CVE-1999-0001,", 100) + "CVE-1999-0001": "cveIds cannot hold more than 100 ids.",
		"hasKev=false":                                  "Invalid value for hasKev.",
		"keywordExactMatch":                             "keywordExactMatch requires keywordSearch.",
		"keywordSearch=+":                               "Invalid value for keywordSearch.",
		"cvssV2Severity=CRITICAL":                       "Invalid value for cvssV2Severity.",
		"cvssV3Severity=NONE":                           "Invalid value for cvssV3Severity.",
		"cvssV3Severity=HIGH&cvssV4Severity=LOW":        "cvssV3Severity cannot be combined with cvssV4Severity.",
		"cvssV2Metrics=AV:N&cvssV3Metrics=AV:N":         "cvssV2Metrics cannot be combined with cvssV3Metrics.",
		"cvssV3Metrics=AV:N/AV:L":                       "Invalid value for cvssV3Metrics.",
		"cvssV3Metrics=CVSS:4.0/AV:N":                   "Invalid value for cvssV3Metrics.",
		"cvssV2Metrics=AV:P":                            "Invalid value for cvssV2Metrics.",
		"cweId=79":                                      "Invalid value for cweId.",
		"cweId=CWE-79 XSS":                              "Invalid value for cweId.",
		"cveTag=x":                                      "Invalid value for cveTag.",
		"vulnStatuses=Analyzed,New":                     "Invalid value for vulnStatuses.",
		"vulnStatus=Analyzed&vulnStatuses=Analyzed":     "vulnStatus cannot be combined with vulnStatuses.",
		"resultsPerPage=2001":                           "resultsPerPage parameter cannot exceed 2000.",
		"resultsPerPage=99999999999999999999":           "resultsPerPage parameter cannot exceed 2000.",
		"resultsPerPage=0":                              "Invalid value for resultsPerPage.",
		"resultsPerPage=-1":                             "Invalid value for resultsPerPage.",
		"startIndex=+1":                                 "Invalid value for startIndex.",
		"startIndex=99999999999":                        "Invalid value for startIndex.",
		"pubStartDate=2024-01-01T00:00:00":              "pubStartDate requires pubEndDate.",
		"kevEndDate=2024-01-01T00:00:00":                "kevEndDate requires kevStartDate.",
		"pubStartDate=2024-01-01&pubEndDate=2024-01-02": "Invalid value for pubStartDate.",
		"pubStartDate=2024-01-02T00:00:00&pubEndDate=2024-01-01T00:00:00":             "pubEndDate is before pubStartDate.",
		"lastModStartDate=2024-01-01T00:00:00&lastModEndDate=2024-04-30T00:00:00.001": "The range of lastModStartDate and lastModEndDate exceeds 120 days.",
		"cpeName=cpe:2.3:a:b:c:1:*:*:*:*:*:*:*":                                       "cpeName is not supported by this node until its CPE engine exists.",
		"keywordSearch=" + strings.Repeat("é", 501):                                   "keywordSearch cannot exceed 500 characters.",
		"keywordSearch=" + different(33):                                              "keywordSearch cannot hold more than 32 different keywords.",
		"ISVULNERABLE":                                                                "isVulnerable is not supported by this node until its CPE engine exists.",
	} {
		t.Run(query, func(t *testing.T) {
			_, err := ParseParams(strings.ReplaceAll(query, " ", "%20"))
			var refused *ParamError
			if !errors.As(err, &refused) || refused.Message != want {
				t.Errorf("%v, want %s", err, want)
			}
		})
	}
}

// different is a keyword of n different words, some of them quoted.
func different(n int) string {
	var words []string
	for i := range n {
		w := string(rune('a'+i/26)) + string(rune('a'+i%26))
		if i%5 == 0 {
			w = `"` + w + `"`
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

func TestKeywordLimits(t *testing.T) {
	for _, keyword := range []string{strings.Repeat("é", 500), strings.Repeat("a ", 250), different(32), different(32) + ` AB "af"`} {
		if _, err := ParseParams("keywordSearch=" + strings.ReplaceAll(keyword, " ", "+")); err != nil {
			t.Errorf("%s: %v", keyword, err)
		}
	}
	if _, err := ParseParams("keywordExactMatch&keywordSearch=" + strings.ReplaceAll(different(60), " ", "+")); err != nil {
		t.Errorf("exact match: %v", err)
	}
}

func TestVectorQuery(t *testing.T) {
	for _, tc := range []struct {
		query, vector string
		want          bool
	}{
		{"cvssV3Metrics=AV:N/A:H", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", true},
		{"cvssV3Metrics=AV:N/A:H", "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:N", false},
		{"cvssV3Metrics=CVSS:3.0/AV:N", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", false},
		{"cvssV3Metrics=E:X", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", true},
		{"cvssV3Metrics=E:X", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:P", false},
		{"cvssV2Metrics=A:C", "AV:N/AC:L/Au:N/C:C/I:C/A:C", true},
	} {
		p, err := ParseParams(tc.query)
		if err != nil {
			t.Fatal(err)
		}
		if p.Vector.Match(tc.vector) != tc.want {
			t.Errorf("%s on %s is not %v", tc.query, tc.vector, tc.want)
		}
	}
}

// The laws: a refusal is a ParamError with one line of ASCII; what is accepted is within the limits and
// comes back from its own encoding.
func FuzzParseParams(f *testing.F) {
	for _, s := range []string{
		"", "cveId=CVE-2021-44228", "hasKev&noRejected&keywordSearch=a+b&keywordExactMatch", "cvssV3Metrics=CVSS:3.1/AV:N/AC:L&cvssV3Severity=HIGH",
		"pubStartDate=2024-01-01T00:00:00.000%2B01:00&pubEndDate=2024-02-01T00:00:00 01:00", "vulnStatuses=Received,AwaitingAnalysis&startIndex=1&resultsPerPage=2",
		"cveIds=CVE-2021-44228,CVE-1999-0001&cweId=CWE-79&cveTag=disputed&sourceIdentifier=a@b", "%zz=%00", "cpeName=x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		p, err := ParseParams(query)
		if err != nil {
			var refused *ParamError
			if !errors.As(err, &refused) || refused.Message == "" || len(refused.Message) > 300 {
				t.Fatalf("error %#v", err)
			}
			for _, c := range []byte(refused.Message) {
				if c < ' ' || c > '~' {
					t.Fatalf("message %q", refused.Message)
				}
			}
			return
		}
		if p.ResultsPerPage < 1 || p.ResultsPerPage > MaxResultsPerPage || p.StartIndex < 0 || len(p.CVEIDs) > MaxCVEIDs {
			t.Fatalf("out of limits: %+v", p)
		}
		again, err := ParseParams(p.Encode())
		if err != nil {
			t.Fatalf("%q encodes to %q: %v", query, p.Encode(), err)
		}
		if !p.Vector.equal(again.Vector) {
			t.Fatalf("%q: vector %v became %v", query, p.Vector, again.Vector)
		}
		p.Vector, again.Vector = nil, nil
		if !reflect.DeepEqual(p, again) {
			t.Fatalf("%q:\n%+v\n%+v", query, p, again)
		}
	})
}
