package schema

import (
	"archive/zip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tasuki/spec/cve"
)

func validator(t testing.TB, version string) *Validator {
	t.Helper()
	v, err := New(version)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// small is a valid record, made up.
const small = `{"dataType":"CVE_RECORD","dataVersion":"5.2.0","cveMetadata":{"cveId":"CVE-2026-310042","assignerOrgId":"8254265b-2729-46b6-b9e3-3dfca2d5bfca",
"assignerShortName":"acme","state":"PUBLISHED","datePublished":"2026-11-21T21:00:07.000Z"},"containers":{"cna":{"providerMetadata":
{"orgId":"8254265b-2729-46b6-b9e3-3dfca2d5bfca"},"descriptions":[{"lang":"en","value":"A flaw."}],"affected":[{"vendor":"Acme","product":"Anvil",
"versions":[{"version":"1.0","status":"affected"}]}],"references":[{"url":"https://example.org/1"}]}}}`

// metric makes a CVSS 3.1 metric of small's.
func metric(score, severity string) string {
	return `"metrics":[{"cvssV3_1":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","baseScore":` + score + `,"baseSeverity":"` +
		severity + `"}}],"references":`
}

func TestRecord(t *testing.T) {
	for _, tc := range []struct {
		name, old, new string // what to change in small
		want           string // pointer, rule, severity, message of the one finding; "" for none
	}{
		{"valid", "", "", ""},
		{"unknown x_ member", `"references"`, `"x_any":{"a":[1]},"references"`, ""},
		{"zone-less date", `21:00:07.000Z`, `21:00:07`, "/cveMetadata/datePublished date-zone warning has no time zone; UTC is assumed"},
		{"git repository as a URI", `"vendor":"Acme"`, `"vendor":"Acme","repo":"git://git@gitlab.com:gitlab-org/gitlab.git"`, ""},
		{"no JSON", `"dataType":`, `"dataType"`, "/dataType json error is not well-formed JSON at byte 11: invalid character"},
		{"duplicate name", `"dataType":`, `"dataVersion":"5.1","dataType":`, "/dataVersion json error is not well-formed JSON at byte"},
		{"a URL with a space", "https://example.org/1", "https://example.org/ 1",
			"/containers/cna/references/0/url schema:format error must be a URI (scheme first, no spaces, nothing but ASCII)"},
		{"a URL without scheme", "https://example.org/1", "example.org/1",
			"/containers/cna/references/0/url schema:format error must be a URI"},
		{"bad date", `2026-11-21T21:00:07.000Z`, `2026-11-31T21:00:07.000Z`, "/cveMetadata/datePublished schema:pattern error must be a timestamp such as"},
		{"bad id", "CVE-2026-310042", "CVE-26-1", "/cveMetadata/cveId schema:pattern error must be a CVE identifier such as CVE-2026-12345"},
		{"bad UUID", `"orgId":"8254265b-2729-46b6-b9e3`, `"orgId":"8254265b-2729-16b6-b9e3`, "/containers/cna/providerMetadata/orgId schema:pattern error must be a version 4 UUID"},
		{"unknown state", `"PUBLISHED"`, `"RESERVED"`, "/cveMetadata/state schema:enum error must be PUBLISHED or REJECTED"},
		{"rejected with the members of a published one", `"PUBLISHED"`, `"REJECTED"`, "/containers/cna/affected schema:additionalProperties error is not a member of the record format here"},
		{"missing member", `"references":[{"url":"https://example.org/1"}]`, `"title":"t"`, `/containers/cna schema:required error needs the member "references"`},
		{"misspelt member", `"descriptions":`, `"title":"t","titel":"t","descriptions":`, "/containers/cna/titel schema:additionalProperties error is not a member of the record format here"},
		{"wrong type", `"title":"t"`, ``, ""},
		{"no English", `"lang":"en"`, `"lang":"ja"`, "/containers/cna/descriptions schema:contains error must hold a text in English (lang en or en-…)"},
		{"bad language", `"lang":"en","value":"A flaw."}`, `"lang":"en","value":"A flaw."},{"lang":"english","value":"x"}`, "/containers/cna/descriptions/1/lang schema:pattern error must be a BCP 47 language tag"},
		{"empty description", `"A flaw."`, `""`, "/containers/cna/descriptions/0/value schema:minLength error must not be empty"},
		{"empty list", `[{"url":"https://example.org/1"}]`, `[]`, "/containers/cna/references schema:minItems error must not be an empty list"},
		{"equal references", `[{"url":"https://example.org/1"}]`, `[{"url":"https://example.org/1"},{"url":"https://example.org/1"}]`, "/containers/cna/references schema:uniqueItems error has equal elements at 0 and 1"},
		{"neither product nor package", `"product":"Anvil",`, ``, "/containers/cna/affected/0 schema:anyOf error needs product, or collectionURL and packageName"},
		{"half a range", `"status":"affected"}`, `"status":"affected","lessThan":"2"}`, "/containers/cna/affected/0/versions/0 schema:oneOf error must be a single version"},
		{"two upper bounds", `"status":"affected"}`, `"status":"affected","versionType":"semver","lessThan":"2","lessThanOrEqual":"3"}`, "/containers/cna/affected/0/versions/0 schema:oneOf error must be a single version"},
		{"unknown status", `"status":"affected"}`, `"status":"vulnerable"}`, "/containers/cna/affected/0/versions/0/status schema:enum error must be one of affected, unaffected, unknown"},
		{"unknown reference tag", `{"url":"https://example.org/1"}`, `{"url":"https://example.org/1","tags":["advisory"]}`, "/containers/cna/references/0/tags/0 schema:oneOf error must be one of the reference tags"},
		{"unknown record tag", `"references":`, `"tags":["wontfix"],"references":`, "/containers/cna/tags/0 schema:oneOf error must be unsupported-when-assigned"},
		{"a metric without a score", `"references":`, `"metrics":[{"format":"CVSS"}],"references":`, "/containers/cna/metrics/0 schema:anyOf error needs one of cvssV4_0"},
		{"severity of another score", `"references":`, metric("9.8", "HIGH"), "/containers/cna/metrics/0/cvssV3_1 schema:anyOf error has a baseSeverity that does not belong to its baseScore"},
		{"severity of this score", `"references":`, metric("9.8", "CRITICAL"), ""},
		{"a score with two decimals", `"references":`, metric("9.81", "CRITICAL"), "/containers/cna/metrics/0/cvssV3_1/baseScore schema:multipleOf error must have one decimal at most"},
		{"a score beyond 10", `"references":`, metric("10.1", "CRITICAL"), "/containers/cna/metrics/0/cvssV3_1/baseScore schema:maximum error must be at most 10"},
		{"number for a list", `[{"url":"https://example.org/1"}]`, `5`, "/containers/cna/references schema:type error must be a list, not a number"},
		{"CWE identifier without prefix", `"references":`, `"problemTypes":[{"descriptions":[{"lang":"en","description":"x","cweId":"79-79"}]}],"references":`,
			"/containers/cna/problemTypes/0/descriptions/0/cweId schema:pattern error must be a CWE identifier such as CWE-79"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			raw := small
			if tc.old != "" {
				raw = strings.Replace(small, tc.old, tc.new, 1)
			}
			found := validator(t, Current).Record([]byte(raw))
			var all []string
			hit := tc.want == "" && len(found) == 0
			for _, f := range found {
				line := strings.Join([]string{f.Pointer, f.Rule, string(f.Severity), f.Message}, " ")
				all = append(all, line)
				hit = hit || tc.want != "" && strings.HasPrefix(line, tc.want)
			}
			if !hit {
				t.Errorf("found\n%s\nwant %s", strings.Join(all, "\n"), tc.want)
			}
			if tc.want != "" && tc.name != "rejected with the members of a published one" && len(found) != 1 {
				t.Errorf("%d findings:\n%s", len(found), strings.Join(all, "\n"))
			}
		})
	}
}

func TestContainer(t *testing.T) {
	v := validator(t, V520)
	const good = `{"descriptions":[{"lang":"en","value":"A flaw."}],"affected":[{"vendor":"Acme","product":"Anvil","defaultStatus":"affected"}],
		"references":[{"url":"https://example.org/1"}],"datePublic":"2026-01-01T00:00:00"}`
	found := v.Container(CNAPublished, []byte(good))
	if len(found) != 1 || found[0].Pointer != "/datePublic" || found[0].Severity != cve.SeverityWarning || cve.HasErrors(found) {
		t.Errorf("%+v", found)
	}
	if found := v.Container(CNARejected, []byte(good)); !cve.HasErrors(found) {
		t.Error("a published container passes as a rejected one")
	}
	if found := v.Container(CNARejected, []byte(`{"rejectedReasons":[{"lang":"en","value":"no"}],"replacedBy":["CVE-2026-0001"]}`)); len(found) != 0 {
		t.Errorf("%+v", found)
	}
	if found := v.Container(ADP, []byte(`{"title":"x"}`)); len(found) != 0 {
		t.Errorf("%+v", found)
	}
	if found := v.Container(ADP, []byte(`{"title":"x","providerMetadata":{}}`)); len(found) != 1 || found[0].Pointer != "/providerMetadata" {
		t.Errorf("%+v", found)
	}
	for _, bad := range []string{"", "[]", "null", "{", "5"} {
		if !cve.HasErrors(v.Container(ADP, []byte(bad))) {
			t.Errorf("%q passes", bad)
		}
	}
}

func TestVersions(t *testing.T) {
	for dv, want := range map[string]string{"5.0": V510, "5.0.0": V510, "5.1": V510, "5.1.0": V510, "5.1.1": V511, "5.2": V520, "5.2.0": V520, "5.2.7": V520,
		"5": "", "4.0": "", "6.0": "", "": "", "5.3.0": "", "5.20": ""} {
		if got, ok := ForDataVersion(dv); got != want || ok != (want != "") {
			t.Errorf("ForDataVersion(%q) = %q, %v", dv, got, ok)
		}
	}
	if _, err := New("4.0"); !errors.Is(err, ErrVersion) {
		t.Error(err)
	}
	// cpeApplicability came with 5.1.1.
	with := strings.Replace(small, `"references"`, `"cpeApplicability":[{"nodes":[]}],"references"`, 1)
	for version, want := range map[string]bool{V510: true, V511: false, V520: false} {
		if got := cve.HasErrors(validator(t, version).Record([]byte(with))); got != want {
			t.Errorf("%s: errors %v, want %v", version, got, want)
		}
	}
}

func TestManyFindings(t *testing.T) {
	list := strings.Repeat(`{"url":"no"},`, 300)
	raw := strings.Replace(small, `{"url":"https://example.org/1"}`, list+`{"url":"no"}`, 1)
	found := validator(t, Current).Record([]byte(raw))
	if len(found) != MaxFindings+1 || found[MaxFindings].Rule != "schema:more" {
		t.Errorf("%d findings, the last %+v", len(found), found[len(found)-1])
	}
}

func TestURI(t *testing.T) {
	for _, good := range []string{"https://example.org", "HTTP://EXAMPLE.ORG/a?b=c#d", "git://git@gitlab.com:gitlab-org/gitlab.git", "mailto:a@b.example", "urn:uuid:1",
		"http://[::1]:8080/x", "http://u:p@[2001:db8::1]/", "http://[v1.a:b]/", "https://example.org/%E6%97%A5", "x:/", "x://", "ftp://a/b;c=d", "https://a//b", "CVSS:3.1",
		"ZDI-CAN-22854https://www.zerodayinitiative.com/"} {
		if !isURI(good) {
			t.Errorf("%q fails", good)
		}
	}
	for _, bad := range []string{"", "example.org", "//example.org/x", "http:", "http:?a", "1http://a", ":a", "https://exa mple.org", "https://example.org/日本", "https://a/%", "https://a/%4",
		"https://a/%zz", `https://a\b`, `https://a/"`, "https://a/<b>", "https://a#b#c", "https://a/[b]", "https://[::1", "https://[zz]/", "https://[::1]x/", "https://[::1%25eth0]/", "a%b://c", "https://a\n"} {
		if isURI(bad) {
			t.Errorf("%q passes", bad)
		}
	}
}

// TestArchive holds the verdicts over the big archive to what its README found with other validators: under 5.2.0 only
// CVE-2024-8105 fails, whose versionType stands in the wrong place.
func TestArchive(t *testing.T) {
	if testing.Short() {
		t.Skip("42,107 records: not in -short")
	}
	path := sharedData(t, "cvelist/vulnrichment-cve5.zip")
	v := validator(t, V520)
	var records, zoneless atomic.Int64
	var failed sync.Map
	eachInZip(t, path, func(name string, raw []byte) {
		records.Add(1)
		found := v.Record(raw)
		if cve.HasErrors(found) {
			failed.Store(filepath.Base(name), found)
		} else if len(found) > 0 {
			zoneless.Add(1)
		}
	})
	n := 0
	failed.Range(func(name, found any) bool {
		n++
		if name != "CVE-2024-8105.json" {
			t.Errorf("%s: %+v", name, found)
		}
		return true
	})
	if n != 1 {
		t.Errorf("%d records fail, want 1", n)
	}
	t.Logf("%d records, %d fail, %d have dates without a zone", records.Load(), n, zoneless.Load())
}

// TestNewerRecords checks the 70 newer records (to 2026, five of 5.2, two with cpeApplicability).
func TestNewerRecords(t *testing.T) {
	path := sharedData(t, "cvelist/cve5-extra-newer.zip")
	v := validator(t, V520)
	var records, applicable atomic.Int64
	eachInZip(t, path, func(name string, raw []byte) {
		records.Add(1)
		rec, err := cve.Decode(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if len(rec.Containers.CNA.CPEApplicability) > 0 {
			applicable.Add(1)
		}
		if found := v.Record(raw); cve.HasErrors(found) {
			t.Errorf("%s: %+v", name, found)
		}
	})
	if records.Load() != 70 || applicable.Load() == 0 {
		t.Errorf("%d records, %d with cpeApplicability", records.Load(), applicable.Load())
	}
}

// FuzzURI: what passes has a scheme and is printable ASCII without spaces; it stays a URI when a query and a fragment
// are added, if it had none.
func FuzzURI(f *testing.F) {
	for _, s := range []string{"https://example.org/a?b=c#d", "git://git@gitlab.com:g/p.git", "http://[::1]:80/", "urn:x", "http://[v1.a]", "a:%41", "http:", "http://a b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !isURI(s) {
			return
		}
		for i := range len(s) {
			if s[i] <= ' ' || s[i] > '~' {
				t.Fatalf("%q holds byte %#x", s, s[i])
			}
		}
		if scheme, _, ok := strings.Cut(s, ":"); !ok || !isScheme(scheme) {
			t.Fatalf("%q has no scheme", s)
		}
		if !strings.ContainsAny(s, "?#") && !isURI(s+"?q=%20#f/1") {
			t.Fatalf("%q is none with a query and a fragment", s)
		}
	})
}

// FuzzRecord: a verdict never panics, is bounded, and points into the document.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(small))
	for _, name := range []string{"CVE-2024-8105", "x"} {
		f.Add([]byte(strings.Replace(small, "Anvil", name, 1)))
	}
	f.Add([]byte(strings.Replace(small, `"PUBLISHED"`, `"REJECTED"`, 1)))
	f.Add([]byte(strings.Replace(small, `"versions":[{`, `"versions":[{"changes":[{"at":1}],`, 1)))
	v := validator(f, Current)
	f.Fuzz(func(t *testing.T, raw []byte) {
		found := v.Record(raw)
		if len(found) > MaxFindings+1 {
			t.Fatalf("%d findings", len(found))
		}
		for _, x := range found {
			if x.Message == "" || x.Rule == "" || x.Severity == "" || x.Pointer != "" && x.Pointer[0] != '/' {
				t.Fatalf("incomplete finding %+v", x)
			}
		}
		if _, err := cve.Decode(raw); err != nil && !cve.HasErrors(found) {
			t.Fatalf("valid although it does not decode: %v", err)
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	v := validator(b, Current)
	b.SetBytes(int64(len(small)))
	for b.Loop() {
		v.Record([]byte(small))
	}
}

// sharedData finds a file of the big data sets beside the module; the test is skipped where there is none.
func sharedData(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "..", "shared", "data", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the real data set %s is not on this machine", name)
	}
	return path
}

func eachInZip(t testing.TB, path string, fn func(name string, raw []byte)) {
	t.Helper()
	zr, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer zr.Close()
	files := make(chan *zip.File)
	var wg sync.WaitGroup
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
				fn(f.Name, raw)
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
}
