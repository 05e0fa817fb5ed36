package nvd

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tasuki/spec/cve"
)

// record builds a record from the members that a case is about.
func record(t testing.TB, metadata, containers string) *cve.Record {
	t.Helper()
	rec, err := cve.Decode(fmt.Appendf(nil, `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"CVE-2026-90001","assignerOrgId":"11111111-1111-4111-8111-111111111111",%s},"containers":%s}`, metadata, containers))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

const published = `"state":"PUBLISHED","datePublished":"2026-03-01T09:15:08.123Z","dateUpdated":"2026-03-01T10:00:00.000Z"`

func TestStatusClass(t *testing.T) {
	const (
		metric   = `"metrics":[{"cvssV3_1":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:N/A:N","baseScore":6.5,"baseSeverity":"MEDIUM"}}]`
		bad      = `"metrics":[{"cvssV3_1":{"version":"3.1","vectorString":"AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:N/A:N","baseScore":6.5,"baseSeverity":"MEDIUM"}}]`
		affected = `"affected":[{"vendor":"Kumo","product":"Ledger","cpes":["cpe:2.3:a:kumo:ledger:*:*:*:*:*:*:*:*"],"versions":[{"version":"0","lessThan":"4.3","status":"affected"}]}]`
		prose    = `"affected":[{"vendor":"Kumo","product":"Ledger","cpes":["cpe:2.3:a:kumo:ledger:*:*:*:*:*:*:*:*"],"versions":[{"version":"before 4.3","status":"affected"}]}]`
		cpes     = `"cpeApplicability":[{"nodes":[{"cpeMatch":[{"vulnerable":true,"criteria":"cpe:2.3:a:kumo:ledger:4:*:*:*:*:*:*:*"}]}]}]`
		day1     = `"providerMetadata":{"orgId":"11111111-1111-4111-8111-111111111111","dateUpdated":"2026-03-01T00:00:00.000Z"}`
		day2     = `"providerMetadata":{"orgId":"11111111-1111-4111-8111-111111111111","dateUpdated":"2026-03-02T00:00:00.000Z"}`
		cisa1    = `"providerMetadata":{"orgId":"134c704f-9b21-4f2e-91b3-4a467353bcc0","dateUpdated":"2026-03-01T00:00:00.000Z"}`
		cisa2    = `"providerMetadata":{"orgId":"134c704f-9b21-4f2e-91b3-4a467353bcc0","dateUpdated":"2026-03-02T00:00:00.000Z"}`
		other2   = `"providerMetadata":{"orgId":"22222222-2222-4222-8222-222222222222","dateUpdated":"2026-03-02T00:00:00.000Z"}`
	)
	for _, tc := range []struct{ name, containers, want string }{
		{"nothing", `{"cna":{` + day1 + `}}`, ClassWaiting},
		{"vector only", `{"cna":{` + day1 + `,` + metric + `}}`, ClassWaiting},
		{"configurations only", `{"cna":{` + day1 + `,` + affected + `}}`, ClassWaiting},
		{"unreadable vector", `{"cna":{` + day1 + `,` + affected + `,` + bad + `}}`, ClassWaiting},
		{"versions in prose", `{"cna":{` + day1 + `,` + prose + `,` + metric + `}}`, ClassWaiting},
		{"CNA gives both", `{"cna":{` + day1 + `,` + affected + `,` + metric + `}}`, ClassAnalyzed},
		{"CNA's applicability", `{"cna":{` + day1 + `,` + cpes + `,` + metric + `}}`, ClassAnalyzed},
		{"ADP completes", `{"cna":{` + day1 + `,` + metric + `},"adp":[{` + cisa2 + `,` + affected + `}]}`, ClassAnalyzed},
		{"CNA changed after the ADP", `{"cna":{` + day2 + `,` + metric + `},"adp":[{` + cisa1 + `,` + affected + `}]}`, ClassModified},
		{"CISA annotates after the CNA", `{"cna":{` + day1 + `,` + affected + `},"adp":[{` + cisa2 + `,` + metric + `}]}`, ClassAnalyzed},
		{"another ADP later", `{"cna":{` + day1 + `,` + affected + `},"adp":[{` + other2 + `,` + metric + `}]}`, ClassModified},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rec := record(t, published, tc.containers)
			if got := StatusClass(rec); got != tc.want {
				t.Errorf("class %s, want %s", got, tc.want)
			}
			if got := Classify(rec).Class; got != tc.want {
				t.Errorf("Classify says %s, want %s", got, tc.want)
			}
		})
	}
}

func TestStatusFollowsTheClock(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		class string
		after time.Duration
		want  string
	}{
		{ClassWaiting, -time.Hour, Received}, {ClassWaiting, 0, Received}, {ClassWaiting, ReceivedFor - 1, Received},
		{ClassWaiting, ReceivedFor, AwaitingAnalysis}, {ClassAnalyzed, 0, Analyzed}, {ClassModified, 0, Modified}, {ClassRejected, 0, Rejected},
	} {
		if got := Status(tc.class, at, at.Add(tc.after)); got != tc.want {
			t.Errorf("%s after %v: %s, want %s", tc.class, tc.after, got, tc.want)
		}
	}
}

func TestClassify(t *testing.T) {
	rec := record(t, published, `{"cna":{"providerMetadata":{"orgId":"11111111-1111-4111-8111-111111111111"},"tags":["disputed"],
		"problemTypes":[{"descriptions":[{"lang":"en","description":"CWE-79 Cross-Site Scripting"}]},{"descriptions":[{"lang":"en","cweId":"CWE-89","description":"SQL"},{"lang":"de","cweId":"CWE-89","description":"SQL"}]}],
		"references":[{"url":"https://www.kb.cert.org/vuls/id/1"},{"url":"http://www.us-cert.gov/cas/techalerts/TA06-1A.html"},{"url":"https://oval.mitre.org.evil.example/x"}],
		"metrics":[{"cvssV3_1":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:N/A:N","baseScore":1,"baseSeverity":"LOW"}},
		           {"cvssV2_0":{"version":"2.0","vectorString":"AV:N/AC:L/Au:N/C:N/I:N/A:C","baseScore":7.8}},
		           {"cvssV3_0":{"version":"3.0","vectorString":"CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N","baseScore":6.4,"baseSeverity":"MEDIUM"}}]},
		"adp":[{"providerMetadata":{"orgId":"134c704f-9b21-4f2e-91b3-4a467353bcc0"},"metrics":[{"other":{"type":"kev","content":{"dateAdded":"2026-03-02","reference":"https://kev.example"}}}]}]}`)
	f := Classify(rec)
	check := func(what string, got, want []string) {
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	check("sev2", f.Sev2, []string{"HIGH"})
	check("sev3", f.Sev3, []string{"MEDIUM"})
	check("sev4", f.Sev4, nil)
	check("vec2", f.Vec2, []string{"AV:N/AC:L/Au:N/C:N/I:N/A:C"})
	check("vec30", f.Vec30, []string{"CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N"})
	check("vec31", f.Vec31, []string{"CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:N/A:N"})
	check("cwe", f.CWE, []string{"CWE-79", "CWE-89"})
	check("sources", f.Sources, []string{"11111111-1111-4111-8111-111111111111", "134c704f-9b21-4f2e-91b3-4a467353bcc0"})
	check("tags", f.Tags, []string{"disputed"})
	if !f.CertAlert || !f.CertNote || f.Oval || f.KEVAdded != "2026-03-02" {
		t.Errorf("alert %v, note %v, oval %v, kev %q", f.CertAlert, f.CertNote, f.Oval, f.KEVAdded)
	}
}

func TestLeadingCWE(t *testing.T) {
	for in, want := range map[string]string{
		"CWE-79": "CWE-79", "CWE-79 XSS": "CWE-79", "cwe-79: x": "CWE-79", " CWE-079": "CWE-79", "CWE-": "", "CWE-0": "", "n/a": "",
		"see CWE-79": "", "nvd-cwe-other": "NVD-CWE-Other", "CWE-99999999": "",
	} {
		if got := leadingCWE(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// archive runs fn over every record of a shared archive, or skips.
func archive(t testing.TB, name string, fn func(raw []byte, rec *cve.Record)) {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	z, err := zip.OpenReader(filepath.Join(dir, "..", "shared", "data", "cvelist", name))
	if err != nil {
		t.Skip("the shared archives are not here")
	}
	defer z.Close()
	for _, f := range z.File {
		if !strings.HasPrefix(filepath.Base(f.Name), "CVE-") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		rec, err := cve.Decode(raw)
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		fn(raw, rec)
	}
}

// Over the whole archive, the cheap question and the full answer must agree: a record is classed as
// analysed exactly when its rendered form has configurations and vectors.
func TestArchiveClasses(t *testing.T) {
	if testing.Short() {
		t.Skip("reads the whole archive")
	}
	classes, from, reasons := map[string]int{}, map[string]int{}, map[string]int{}
	records, most, mostID := 0, 0, ""
	var spent time.Duration
	archive(t, "vulnrichment-cve5.zip", func(_ []byte, rec *cve.Record) {
		records++
		start := time.Now()
		f := Classify(rec)
		spent += time.Since(start)
		classes[f.Class]++
		a := Configurations(rec, true)
		from[a.From]++
		for _, u := range a.Unmapped {
			reasons[u.Reason]++
		}
		analysed := f.Class == ClassAnalyzed || f.Class == ClassModified
		if analysed != (len(a.Configurations) > 0 && len(f.Scorings) > 0) {
			t.Errorf("%s is %s with %d configurations and %d vectors", rec.Metadata.ID, f.Class, len(a.Configurations), len(f.Scorings))
		}
		n := 0
		for _, c := range a.Configurations {
			for _, node := range c.Nodes {
				n += len(node.CPEMatch)
				for _, m := range node.CPEMatch {
					if _, err := parseName(m.Criteria); err != nil {
						t.Errorf("%s: %s: %v", rec.Metadata.ID, m.Criteria, err)
					}
				}
			}
		}
		if n > most {
			most, mostID = n, rec.Metadata.ID
		}
		if f.PublishedAt.IsZero() || f.LastChangedAt.Before(f.PublishedAt) && rec.Metadata.State == cve.Published {
			t.Errorf("%s: published %v, changed %v", rec.Metadata.ID, f.PublishedAt, f.LastChangedAt)
		}
	})
	t.Logf("%d records, classify %v each; classes %v; configurations from %v, most criteria %d (%s); unmapped %v",
		records, spent/time.Duration(records), classes, from, most, mostID, reasons)
}

func BenchmarkClassify(b *testing.B) {
	var recs []*cve.Record
	archive(b, "cve5-sample-500.zip", func(_ []byte, rec *cve.Record) { recs = append(recs, rec) })
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		Classify(recs[i%len(recs)])
	}
}
