package lint

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/spec/cve"
)

var now = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

// clean has nothing to complain about.
const clean = `{"dataType":"CVE_RECORD","dataVersion":"5.2.0","cveMetadata":{"cveId":"CVE-2026-310042","assignerOrgId":"8254265b-2729-46b6-b9e3-3dfca2d5bfca",
"state":"PUBLISHED","dateReserved":"2026-11-01T00:00:00.000Z","datePublished":"2026-11-20T21:00:07.000Z","dateUpdated":"2026-11-20T21:00:07.000Z"},
"containers":{"cna":{"providerMetadata":{"orgId":"8254265b-2729-46b6-b9e3-3dfca2d5bfca"},"datePublic":"2026-11-20T00:00:00Z",
"descriptions":[{"lang":"en","value":"A flaw."},{"lang":"ja","value":"脆弱性"}],"affected":[{"vendor":"Acme","product":"Anvil","versions":[
{"version":"1.0","lessThan":"1.10","status":"affected","versionType":"semver"}]}],
"problemTypes":[{"descriptions":[{"lang":"en","description":"CWE-79 Cross-site Scripting","cweId":"CWE-79"}]}],
"references":[{"url":"https://example.org/1"}],
"metrics":[{"cvssV3_1":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","baseScore":9.8,"baseSeverity":"CRITICAL"}}]},
"adp":[{"providerMetadata":{"orgId":"134c704f-9b21-4f2e-91b3-4a467353bcc0"},"title":"CISA ADP Vulnrichment"}]}}`

func TestRules(t *testing.T) {
	const (
		version = `"version":"1.0","lessThan":"1.10"`
		vector  = `CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H`
		cna     = "/containers/cna"
	)
	fired := map[string]bool{}
	for _, tc := range []struct {
		name, old, new string // what to change in clean
		want           string // pointer, rule, beginning of the message; "" for no finding
	}{
		{"clean", "", "", ""},
		{"identifier with a superfluous zero", "CVE-2026-310042", "CVE-2026-00123", "/cveMetadata/cveId id-form is not a CVE identifier in canonical form"},

		{"vector cut off", vector, "CVSS:3.1/AV:N/AC:L", cna + "/metrics/0/cvssV3_1/vectorString cvss-vector is not a CVSS vector: "},
		{"vector of another version", vector, "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", cna + "/metrics/0/cvssV3_1/vectorString cvss-version is a vector of CVSS 3.0 under the member of 3.1"},
		{"version of another member", `"version":"3.1"`, `"version":"3.0"`, cna + `/metrics/0/cvssV3_1/version cvss-version says "3.0" under the member of 3.1`},
		{"score of another vector", `"baseScore":9.8`, `"baseScore":9.9`, cna + "/metrics/0/cvssV3_1/baseScore cvss-score is 9.9, but the vector scores 9.8"},
		{"no score", `"baseScore":9.8,`, ``, cna + "/metrics/0/cvssV3_1 cvss-score has no baseScore or 0, but the vector scores 9.8"},
		{"severity of another score", `"CRITICAL"`, `"HIGH"`, cna + "/metrics/0/cvssV3_1/baseSeverity cvss-severity is HIGH, but the vector's score 9.8 is CRITICAL"},
		{"severity in lower case", `"CRITICAL"`, `"Critical"`, ""},
		{"temporal score with temporal metrics", vector + `","baseScore":9.8,"baseSeverity":"CRITICAL"`, vector + `/E:U/RL:O/RC:U","baseScore":7.8,"baseSeverity":"HIGH"`, ""},

		{"reversed range", version, `"version":"1.10","lessThan":"1.9"`, cna + `/affected/0/versions/0 range-reversed begins at "1.10" and ends before it, at lessThan "1.9"`},
		{"reversed, inclusive, with v", version, `"version":"v2","lessThanOrEqual":"V1.9.9"`, cna + `/affected/0/versions/0 range-reversed begins at "v2"`},
		{"one version, inclusive", version, `"version":"1.0","lessThanOrEqual":"1.0.0"`, ""},
		{"empty range", version, `"version":"1.0","lessThan":"1.0.0"`, cna + `/affected/0/versions/0 range-empty begins and ends at "1.0.0"`},
		{"wild card", version, `"version":"6.1.20","lessThanOrEqual":"6.1.*"`, ""},
		{"versions with letters are not compared", version, `"version":"2.0-rc1","lessThan":"1.0"`, ""},
		{"commits have no order", version + `,"status":"affected","versionType":"semver"`, `"version":"99","lessThan":"11","status":"affected","versionType":"git"`, ""},
		{"range in signs", version, `"version":"< 1.2"`, cna + `/affected/0/versions/0/version version-text is "< 1.2"`},
		{"range before a commit", version, `"version":"< c52f07c"`, cna + `/affected/0/versions/0/version version-text`},
		{"range in words", version, `"version":"before 3"`, cna + `/affected/0/versions/0/version version-text`},
		{"range in other words", version, `"version":"7.2.26 and earlier"`, cna + `/affected/0/versions/0/version version-text`},
		{"range from to", version, `"version":"5.4.2.x through 5.5.1.x"`, cna + `/affected/0/versions/0/version version-text`},
		{"a name that looks like one", version, `"version":"<unspecified>"`, ""},
		{"another", version, `"version":"Through the Ages"`, ""},
		{"sign in a bound", version, `"version":"0","lessThan":"< 1.2"`, cna + `/affected/0/versions/0/lessThan bound-text is "< 1.2"`},
		{"words in a bound", version, `"version":"0","lessThanOrEqual":"24.0 or later"`, cna + `/affected/0/versions/0/lessThanOrEqual bound-text`},

		{"unknown CWE", `CWE-79 Cross-site Scripting","cweId":"CWE-79"`, `x","cweId":"CWE-99999"`, cna + `/problemTypes/0/descriptions/0/cweId cwe-unknown "CWE-99999" is not in CWE 4.19.1`},
		{"category", `CWE-79 Cross-site Scripting","cweId":"CWE-79"`, `x","cweId":"CWE-310"`, cna + "/problemTypes/0/descriptions/0/cweId cwe-kind CWE-310 (Cryptographic Issues) is a category"},
		{"view", `CWE-79 Cross-site Scripting","cweId":"CWE-79"`, `x","cweId":"CWE-701"`, cna + "/problemTypes/0/descriptions/0/cweId cwe-kind CWE-701 (Weaknesses Introduced During Design) is a view"},
		{"deprecated CWE", `CWE-79 Cross-site Scripting","cweId":"CWE-79"`, `x","cweId":"CWE-92"`, cna + "/problemTypes/0/descriptions/0/cweId cwe-deprecated CWE-92 is deprecated"},
		{"text of another CWE", "CWE-79 Cross", "CWE-89 Cross", cna + `/problemTypes/0/descriptions/0 cwe-text has the cweId "CWE-79", but its text names CWE-89`},
		{"text of two CWEs", "CWE-79 Cross", "CWE-89 and cwe 79: Cross", ""},
		{"CWE in the text only", `,"cweId":"CWE-79"`, ``, cna + "/problemTypes/0/descriptions/0 cwe-only-text names CWE-79 in its text"},

		{"published before reserved", `"dateReserved":"2026-11-01`, `"dateReserved":"2026-11-21`, "/cveMetadata/datePublished date-order is before dateReserved, 2026-11-21T00:00:00.000Z"},
		{"updated before published", `"dateUpdated":"2026-11-20T21:00:07.000Z"`, `"dateUpdated":"2026-11-20T21:00:06.999Z"`, "/cveMetadata/dateUpdated date-order is before datePublished"},
		{"a day of slack without a zone", `"dateUpdated":"2026-11-20T21:00:07.000Z"`, `"dateUpdated":"2026-11-20T12:00:00"`, "/cveMetadata/dateUpdated date-zone has no time zone; UTC is assumed"},
		{"public after published", `"datePublic":"2026-11-20T00`, `"datePublic":"2026-11-21T23`, cna + "/datePublic date-public is 2026-11-21T23:00:00Z, but the record was published at"},
		{"future", `"orgId":"8254265b-2729-46b6-b9e3-3dfca2d5bfca"}`, `"orgId":"8254265b-2729-46b6-b9e3-3dfca2d5bfca","dateUpdated":"2027-01-01T00:00:00Z"}`, cna + "/providerMetadata/dateUpdated date-future is in the future"},

		{"three-letter language", `"lang":"en","value"`, `"lang":"eng","value"`, cna + `/descriptions/0/lang lang-tag "eng" should be "en"`},
		{"underscore", `"lang":"en","value"`, `"lang":"en_US","value"`, cna + `/descriptions/0/lang lang-tag "en_US" should be written "en-US"`},
		{"region", `"lang":"en","value"`, `"lang":"en-US","value"`, ""},
		{"no language", `"lang":"en","description"`, `"lang":"english","description"`, cna + `/problemTypes/0/descriptions/0/lang lang-tag "english" is not a language tag`},
		{"empty description", "A flaw.", " N/A", cna + `/descriptions/0 description-empty says nothing`},

		{"no product", `"product":"Anvil"`, `"product":"n/a"`, cna + "/affected/0 product-na names no product"},
		{"no vendor", `"vendor":"Acme"`, `"vendor":"n/a"`, cna + `/affected/0 vendor-na names no vendor for "Anvil"`},
		{"a package needs no vendor", `"vendor":"Acme"`, `"packageName":"anvil","collectionURL":"https://npmjs.com"`, ""},

		{"one URL twice", `{"url":"https://example.org/1"}`, `{"url":"https://example.org/1"},{"url":"https://example.org/1","name":"x"}`, cna + "/references/1 reference-duplicate is the same URL as reference 0"},
		{"glued URL", "https://example.org/1", "ZDI-CAN-22854https://example.org/1", cna + `/references/0/url reference-scheme begins with "ZDI-CAN-22854https:"`},

		{"reasons for rejection in a published record", `"datePublic"`, `"rejectedReasons":[{"lang":"en","value":"x"}],"datePublic"`, cna + "/rejectedReasons rejected-members is only for rejected records"},
		{"ADP twice", `"adp":[`, `"adp":[{"providerMetadata":{"orgId":"134C704F-9B21-4F2E-91B3-4A467353BCC0"}},`, "/containers/adp/1 adp-duplicate is the second container"},
		{"organisation nobody knows", `"134c704f-9b21-4f2e-91b3-4a467353bcc0"`, `"af854a3a-2127-422b-91ae-364da2661108"`, "/containers/adp/0/providerMetadata/orgId org-unknown"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.old != "" && !strings.Contains(clean, tc.old) {
				t.Fatalf("nothing to replace: %s", tc.old)
			}
			got := lintText(t, strings.Replace(clean, tc.old, tc.new, 1))
			for _, f := range got {
				fired[f.Rule] = true
			}
			if tc.want == "" {
				if len(got) != 0 {
					t.Errorf("found %+v", got)
				}
				return
			}
			if len(got) != 1 || !strings.HasPrefix(got[0].Pointer+" "+got[0].Rule+" "+got[0].Message, tc.want) {
				t.Errorf("found %+v\nwant %s", got, tc.want)
			}
		})
	}

	rejected := `{"cveMetadata":{"cveId":"CVE-2026-310042","state":"REJECTED"},"containers":{"cna":{"rejectedReasons":[{"lang":"en","value":"TBD"}],
		"replacedBy":["CVE-2026-0001","CVE-2026-310042"],"affected":[{"vendor":"a","product":"b"}]},"adp":[{}]}}`
	var got []string
	for _, f := range lintText(t, rejected) {
		got = append(got, f.Pointer+" "+f.Rule)
		fired[f.Rule] = true
	}
	want := []string{"/containers/adp rejected-members", "/containers/cna/affected rejected-members", "/containers/cna/replacedBy/1 replaced-self",
		"/containers/cna/rejectedReasons/0 description-empty"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	for _, r := range Rules {
		if !fired[r.ID] {
			t.Errorf("no case fires %s", r.ID)
		}
	}
}

func lintText(t *testing.T, raw string) []cve.Finding {
	t.Helper()
	rec, err := cve.Decode([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return Record(rec, Options{Now: now, KnownOrg: func(org string) bool {
		return org == "8254265b-2729-46b6-b9e3-3dfca2d5bfca" || strings.EqualFold(org, cve.CISAADP) || org == ""
	}})
}

// TestDocumented holds docs/lint.md to Rules, in order, with severity and title.
func TestDocumented(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "lint.md"))
	if err != nil {
		t.Fatal(err)
	}
	rest := raw
	for _, r := range Rules {
		heading := []byte("### " + r.ID + " (" + string(r.Severity) + ")\n")
		i := bytes.Index(rest, heading)
		if i < 0 {
			t.Errorf("docs/lint.md lacks %q at its place", heading)
			continue
		}
		rest = rest[i+len(heading):]
	}
	if n := bytes.Count(raw, []byte("\n### ")); n != len(Rules) {
		t.Errorf("docs/lint.md has %d rules, the program %d", n, len(Rules))
	}
}

// TestArchive holds the counts over the big archive that docs/lint.md states: a rule that begins to cry more shows here.
func TestArchive(t *testing.T) {
	if testing.Short() {
		t.Skip("42,107 records: not in -short")
	}
	path := filepath.Join("..", "..", "..", "..", "shared", "data", "cvelist", "vulnrichment-cve5.zip")
	if _, err := os.Stat(path); err != nil {
		t.Skip("the real data set cvelist/vulnrichment-cve5.zip is not on this machine")
	}
	zr, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer zr.Close()
	records := map[string]int{} // by rule
	var mu sync.Mutex
	var wg sync.WaitGroup
	files := make(chan *zip.File)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for f := range files {
				rc, err := f.Open()
				if err != nil {
					t.Error(err)
					continue
				}
				raw, err := io.ReadAll(rc)
				rc.Close()
				if err != nil {
					t.Error(err)
					continue
				}
				rec, err := cve.Decode(raw)
				if err != nil {
					t.Errorf("%s: %v", f.Name, err)
					continue
				}
				rules := map[string]bool{}
				for _, x := range Record(rec, Options{Now: time.Date(2024, 10, 25, 0, 0, 0, 0, time.UTC)}) {
					rules[x.Rule] = true
				}
				mu.Lock()
				for r := range rules {
					records[r]++
				}
				mu.Unlock()
			}
		})
	}
	for _, f := range zr.File {
		if strings.HasSuffix(f.Name, ".json") {
			files <- f
		}
	}
	close(files)
	wg.Wait()
	docs, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "lint.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range Rules {
		_, section, _ := strings.Cut(string(docs), "\n### "+r.ID+" (")
		section, _, _ = strings.Cut(section, "\n### ")
		if said := fmt.Sprintf("Seen in %d real records.", records[r.ID]); !strings.Contains(section, said) {
			t.Errorf("docs/lint.md does not say of %s: %s", r.ID, said)
		}
	}
}

// FuzzRecord: linting never panics, and every finding points at something that is in the document.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(clean))
	f.Add([]byte(strings.Replace(clean, `"PUBLISHED"`, `"REJECTED"`, 1)))
	f.Add([]byte(strings.Replace(clean, `"lessThan":"1.10"`, `"lessThan":"0"`, 1)))
	f.Add([]byte(strings.Replace(clean, `"baseScore":9.8`, `"baseScore":1e300`, 1)))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		rec, err := cve.Decode(raw)
		if err != nil {
			return
		}
		var doc any
		if err := json.Unmarshal(raw, &doc); err != nil {
			t.Fatal(err)
		}
		for _, x := range Record(rec, Options{Now: now}) {
			if x.Message == "" || severities[x.Rule] != x.Severity {
				t.Fatalf("incomplete %+v", x)
			}
			if x.Rule == "id-form" {
				continue // may speak of an identifier that is missing
			}
			if !resolves(doc, jsontext.Pointer(x.Pointer)) {
				t.Fatalf("%+v points nowhere", x)
			}
		}
	})
}

func resolves(doc any, p jsontext.Pointer) bool {
	for token := range p.Tokens() {
		switch node := doc.(type) {
		case map[string]any:
			child, ok := node[token]
			if !ok {
				return false
			}
			doc = child
		case []any:
			i := 0
			for _, c := range token {
				i = i*10 + int(c-'0')
			}
			if i >= len(node) {
				return false
			}
			doc = node[i]
		default:
			return false
		}
	}
	return true
}
