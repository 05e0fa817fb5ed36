package nvd

import (
	"archive/zip"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"tasuki/spec/cve"
	"tasuki/spec/cvss"
	"tasuki/spec/nvd"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// now is the reading time of every test: after all records in testdata.
var now = time.Date(2024, 11, 1, 0, 0, 0, 0, time.UTC)

func TestGoldenItems(t *testing.T) {
	files, err := filepath.Glob("testdata/CVE-*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no test data", err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, ".nvd.json") {
			continue
		}
		t.Run(filepath.Base(name), func(t *testing.T) {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			rec, err := cve.Decode(raw)
			if err != nil {
				t.Fatal(err)
			}
			item, err := Item(rec, raw, Options{Now: now})
			if err != nil {
				t.Fatal(err)
			}
			got := marshal(t, item)
			if err := (*jsontext.Value)(&got).Indent(); err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(name, ".json") + ".nvd.json"
			if *update {
				if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(bytes.TrimSpace(want), got) {
				t.Errorf("differs from %s:\n%s", golden, got)
			}
		})
	}
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// render builds a record from the members that a case is about, and renders it.
func render(t *testing.T, opt Options, metadata, containers string) *nvd.CVE {
	t.Helper()
	raw := fmt.Appendf(nil, `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"CVE-2026-90001","assignerOrgId":"11111111-1111-4111-8111-111111111111",%s},"containers":%s}`, metadata, containers)
	rec, err := cve.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	item, err := Item(rec, raw, opt)
	if err != nil {
		t.Fatal(err)
	}
	return item
}

const (
	published = `"state":"PUBLISHED","datePublished":"2026-03-01T09:15:08.123Z","dateUpdated":"2026-03-01T10:00:00"`
	provider  = `"providerMetadata":{"orgId":"11111111-1111-4111-8111-111111111111"}`
)

func TestDates(t *testing.T) {
	item := render(t, Options{}, published, `{"cna":{}}`)
	if item.Published != "2026-03-01T09:15:08.123" || item.LastModified != "2026-03-01T10:00:00.000" || item.VulnStatus != nvd.AwaitingAnalysis {
		t.Errorf("%s, %s, %s", item.Published, item.LastModified, item.VulnStatus)
	}
	at := time.Date(2026, 3, 2, 12, 0, 0, 123456789, time.FixedZone("", 9*3600))
	item = render(t, Options{Changed: at, Now: at}, published, `{"cna":{}}`)
	if item.LastModified != "2026-03-02T03:00:00.123" || item.VulnStatus != nvd.Received {
		t.Errorf("%s, %s", item.LastModified, item.VulnStatus)
	}
	item = render(t, Options{}, `"state":"REJECTED","dateReserved":"2026-02-01T00:00:00","dateRejected":"2026-03-01T00:00:00Z","dateUpdated":"2026-03-01T00:00:00Z"`, `{"cna":{}}`)
	if item.Published != "2026-02-01T00:00:00.000" || item.VulnStatus != nvd.Rejected {
		t.Errorf("rejected: %s, %s", item.Published, item.VulnStatus)
	}
	rec := &cve.Record{Metadata: cve.Metadata{ID: "CVE-2026-90001", State: cve.Published}}
	if _, err := Item(rec, []byte("{}"), Options{}); !errors.Is(err, ErrNoDate) {
		t.Errorf("no date: %v", err)
	}
}

func TestRejectedHasNothingElse(t *testing.T) {
	item := render(t, Options{Now: now}, `"state":"REJECTED","datePublished":"2026-03-01T09:15:08.123Z"`,
		`{"cna":{`+provider+`,"rejectedReasons":[{"lang":"de","value":"Irrtum"},{"lang":"en","value":"A mistake."}],"references":[{"url":"https://x.example"}]},
		  "adp":[{"metrics":[{"cvssV3_1":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"}}],"problemTypes":[{"descriptions":[{"cweId":"CWE-79"}]}]}]}`)
	got := string(marshal(t, item))
	want := `{"id":"CVE-2026-90001","sourceIdentifier":"11111111-1111-4111-8111-111111111111","published":"2026-03-01T09:15:08.123","lastModified":"2026-03-01T09:15:08.123","vulnStatus":"Rejected","cveTags":[],"descriptions":[{"lang":"en","value":"Rejected reason: A mistake."}],"metrics":{},"references":[]}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDescriptions(t *testing.T) {
	long := strings.Repeat("é", nvd.MaxText) + "x"
	item := render(t, Options{}, published, `{"cna":{"descriptions":[{"lang":"de","value":"Fehler"},{"lang":"en-US","value":"`+long+`"},{"lang":"en","value":"second"},{"lang":"ja","value":"脆弱性"}]}}`)
	if len(item.Descriptions) != 3 || item.Descriptions[0] != (nvd.Text{Lang: "en", Value: strings.Repeat("é", nvd.MaxText)}) || item.Descriptions[1].Lang != "de" || item.Descriptions[2].Value != "脆弱性" {
		t.Errorf("%.200v", item.Descriptions)
	}
	if item = render(t, Options{}, published, `{"cna":{"title":"T"}}`); item.Descriptions[0] != (nvd.Text{Lang: "en", Value: "T"}) {
		t.Errorf("%v", item.Descriptions)
	}
}

func TestMetricsAreComputed(t *testing.T) {
	item := render(t, Options{SourceName: func(org string) string {
		return map[string]string{"11111111-1111-4111-8111-111111111111": "security@kumo.example"}[org]
	}}, published,
		`{"cna":{`+provider+`,"metrics":[
			{"scenarios":[{"lang":"en","value":"only on Tuesdays"}],"cvssV3_1":{"vectorString":"CVSS:3.1/AV:P/AC:L/PR:L/UI:N/S:U/C:H/I:N/A:N","baseScore":9.9,"baseSeverity":"CRITICAL"}},
			{"scenarios":[{"lang":"en","value":"GENERAL"}],"cvssV3_1":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:N/A:N","baseScore":1,"baseSeverity":"LOW"}},
			{"cvssV2_0":{"vectorString":"(AV:N/AC:L/Au:N/C:N/I:N/A:C)","baseScore":7.8}}]},
		  "adp":[{"providerMetadata":{"orgId":"134c704f-9b21-4f2e-91b3-4a467353bcc0"},"metrics":[{"cvssV2_0":{"vectorString":"AV:N/AC:L/Au:N/C:N/I:N/A:C","baseScore":7.8}},
			{"other":{"type":"ssvc","content":{"id":"CVE-2026-90001","role":"CISA Coordinator","options":[{"Exploitation":"PoC"},{"Automatable":"yes"},{"Technical Impact":"Partial"}],"version":"2.0.3","timestamp":"2026-03-01T12:00:00.000000Z"}}},
			{"other":{"type":"kev","content":{"dateAdded":"2026-03-02"}}}]}]}`)
	m := item.Metrics
	if len(m.V31) != 2 || m.V31[0].Source != "security@kumo.example" || m.V31[0].Type != nvd.Primary || m.V31[0].Data.Score() != 6.5 || m.V31[1].Data.Score() != 4.3 ||
		m.V31[0].ExploitabilityScore != 2.8 || m.V31[0].ImpactScore != 3.6 {
		t.Errorf("V31: %+v", m.V31)
	}
	if len(m.V2) != 1 || m.V2[0].Type != nvd.Secondary || m.V2[0].BaseSeverity != "HIGH" || m.V2[0].ImpactScore != 6.9 {
		t.Errorf("V2: %+v", m.V2)
	}
	if len(item.DroppedVectors) != 1 || !strings.Contains(item.DroppedVectors[0].Reason, "parentheses") || item.KEV != "2026-03-02" || item.CISAExploitAdd != "" {
		t.Errorf("dropped %v, kev %q", item.DroppedVectors, item.KEV)
	}
	want := `[{"source":"134c704f-9b21-4f2e-91b3-4a467353bcc0","ssvcData":{"timestamp":"2026-03-01T12:00:00.000000Z","id":"CVE-2026-90001","options":[{"exploitation":"poc"},{"automatable":"yes"},{"technicalImpact":"partial"}],"role":"CISA Coordinator","version":"2.0.3"}}]`
	if got := string(marshal(t, m.SSVC)); got != want {
		t.Errorf("ssvc %s", got)
	}
}

func TestReferences(t *testing.T) {
	item := render(t, Options{}, published, `{"cna":{`+provider+`,"references":[
		{"url":"HTTPS://kumo.example/sa/7","tags":["vendor-advisory","x_transferred"]},{"url":"https://kumo.example/sa/7","tags":["patch","vendor-advisory"]},
		{"url":"CVSS"},{"url":"https://kumo.example/`+strings.Repeat("x", 500)+`"},{"url":"https://kumo.example/a b"}]},
		"adp":[{"providerMetadata":{"orgId":"af854a3a-2127-422b-91ae-364da2661108"},"references":[{"url":"https://kumo.example/sa/7"}]}]}`)
	got := string(marshal(t, item.References))
	want := `[{"url":"https://kumo.example/sa/7","source":"11111111-1111-4111-8111-111111111111","tags":["Vendor Advisory","Patch"]},{"url":"https://kumo.example/sa/7","source":"af854a3a-2127-422b-91ae-364da2661108"}]`
	if got != want || len(item.OtherReferences) != 3 {
		t.Errorf("%s, others %v", got, item.OtherReferences)
	}
}

func TestAffectedIsPassedOn(t *testing.T) {
	item := render(t, Options{}, published, `{"x_first":[1,{"affected":[]}],"cna":{"affected":[{"vendor":"Kumo","x_own":{"a":1.10},"product":"Ledger","versions":[{"version":"1","status":"affected"}]}],`+provider+`},
		"adp":[{"providerMetadata":{"orgId":"a"}},{"affected":[{"product":"Scroll"}],"providerMetadata":{"orgId":"b"}}]}`)
	got := string(marshal(t, item.Affected))
	want := `[{"source":"11111111-1111-4111-8111-111111111111","affectedData":[{"vendor":"Kumo","x_own":{"a":1.10},"product":"Ledger","versions":[{"version":"1","status":"affected"}]}]},{"source":"b","affectedData":[{"product":"Scroll"}]}]`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDerivedIsMarkedAndCanBeHidden(t *testing.T) {
	const containers = `{"cna":{"affected":[{"vendor":"Kumo","product":"Ledger","cpes":["cpe:2.3:a:kumo:ledger:*:*:*:*:*:*:*:*"],"versions":[{"version":"0","lessThan":"4.3","status":"affected"}]}]}}`
	item := render(t, Options{}, published, containers)
	if item.Origin != "derived" || item.ConfigurationsFrom != nvd.FromDerived || len(item.Configurations) != 1 || len(item.Configurations[0].Nodes) != 1 {
		t.Errorf("%q, %q, %v", item.Origin, item.ConfigurationsFrom, item.Configurations)
	}
	item = render(t, Options{HideDerived: true}, published, containers)
	if got := string(marshal(t, item)); strings.Contains(got, "onfigurations") || strings.Contains(got, "x_") {
		t.Errorf("hidden: %s", got)
	}
}

// shared finds a file of the shared data beside the module, or skips.
func shared(t testing.TB, name string) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	path := filepath.Join(dir, "..", "shared", "data", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		t.Skipf("shared data are not here: %s", name)
	}
	return path
}

// records runs fn over every record of a shared archive, or skips.
func records(t testing.TB, name string, fn func(raw []byte, rec *cve.Record)) {
	z, err := zip.OpenReader(shared(t, "cvelist/"+name))
	if err != nil {
		t.Fatal(err)
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

// schema compiles NVD's schema of replies with FIRST's for the CVSS objects.
func schema(t testing.TB) *jsonschema.Schema {
	c := jsonschema.NewCompiler()
	load := func(url, path string) {
		f, err := os.Open(shared(t, path))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		doc, err := jsonschema.UnmarshalJSON(f)
		if err != nil {
			t.Fatal(err)
		}
		if m, ok := doc.(map[string]any); ok {
			delete(m, "$id") // it is known here under the address that NVD's schema gives it
		}
		if err := c.AddResource(url, doc); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range []string{"2.0", "3.0", "3.1", "4.0"} {
		load("https://csrc.nist.gov/schema/nvd/api/2.0/external/cvss-v"+v+".json", "schemas/cvss/cvss-v"+v+".json")
	}
	load("https://csrc.nist.gov/schema/nvd/api/2.0/cve_api_json_2.0.schema", "schemas/nvd/cve_api_json_2.0_v2.2.2.schema")
	// NVD's own replies have no zone in a date-time: the schema's word for it is not RFC 3339's.
	c.RegisterFormat(&jsonschema.Format{Name: "date-time", Validate: func(v any) error {
		if s, ok := v.(string); ok {
			_, err := time.Parse(nvd.TimeLayout, s)
			return err
		}
		return nil
	}})
	c.AssertFormat()
	s, err := c.Compile("https://csrc.nist.gov/schema/nvd/api/2.0/cve_api_json_2.0.schema")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate holds one item in its envelope to the schema.
func validate(t testing.TB, s *jsonschema.Schema, item *nvd.CVE) {
	raw := marshal(t, nvd.Reply{ResultsPerPage: 1, TotalResults: 1, Format: nvd.Format, Version: nvd.Version, Timestamp: nvd.FormatTime(now), Vulnerabilities: []nvd.Item{{CVE: *item}}})
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(doc); err != nil {
		t.Errorf("%s: %v", item.ID, err)
	}
	var strict nvd.Reply
	if err := json.Unmarshal(raw, &strict, json.RejectUnknownMembers(true)); err != nil {
		t.Errorf("%s: %v", item.ID, err)
	}
	if again := marshal(t, strict); !bytes.Equal(again, raw) {
		t.Errorf("%s does not come back from its own reading", item.ID)
	}
}

func TestSamplesValidate(t *testing.T) {
	s := schema(t)
	for _, name := range []string{"cve5-sample-500.zip", "cve5-extra-newer.zip"} {
		records(t, name, func(raw []byte, rec *cve.Record) {
			item, err := Item(rec, raw, Options{Now: now})
			if err != nil {
				t.Fatal(err)
			}
			validate(t, s, item)
		})
	}
}

// Every record of the archive renders, and every twentieth is held to the schema.
func TestArchiveRenders(t *testing.T) {
	if testing.Short() {
		t.Skip("reads the whole archive")
	}
	s := schema(t)
	statuses := map[string]int{}
	n, size := 0, 0
	var spent time.Duration
	records(t, "vulnrichment-cve5.zip", func(raw []byte, rec *cve.Record) {
		start := time.Now()
		item, err := Item(rec, raw, Options{Now: now})
		if err != nil {
			t.Error(err)
			return
		}
		b := marshal(t, item)
		spent += time.Since(start)
		if f := nvd.Classify(rec); item.VulnStatus != nvd.Status(f.Class, f.PublishedAt, now) {
			t.Errorf("%s: status %s, class %s", item.ID, item.VulnStatus, f.Class)
		}
		statuses[item.VulnStatus]++
		size += len(b)
		if n++; n%20 == 0 {
			validate(t, s, item)
		}
	})
	t.Logf("%d records, %v and %d bytes each; %v", n, spent/time.Duration(n), size/n, statuses)
}

func BenchmarkItem(b *testing.B) {
	raw, err := os.ReadFile("testdata/CVE-2024-9076.json")
	if err != nil {
		b.Fatal(err)
	}
	rec, err := cve.Decode(raw)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		item, err := Item(rec, raw, Options{Now: now})
		if err != nil {
			b.Fatal(err)
		}
		marshal(b, item)
	}
}

// The laws: whatever decodes as a record renders, unless it has no date; the rendering says what class the record has,
// keeps the present-or-absent rules and comes back from a strict reading; affected survives as JSON.
func FuzzItem(f *testing.F) {
	files, err := filepath.Glob("testdata/CVE-*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		if raw, err := os.ReadFile(name); err == nil && !strings.HasSuffix(name, ".nvd.json") {
			f.Add(raw)
		}
	}
	f.Add([]byte(`{"cveMetadata":{"dateUpdated":"2026-03-01T10:00:00"},"containers":{"cna":{"affected":[{"cpes":["cpe:/a:b:c"],"versions":[{"version":"1.x","lessThan":"2.*","status":"affected","changes":[{"at":"1.5","status":"unaffected"}]}]}]},"adp":[{},{"affected":[{}]}]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		rec, err := cve.Decode(raw)
		if err != nil {
			return
		}
		item, err := Item(rec, raw, Options{Now: now})
		if errors.Is(err, ErrNoDate) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		class := nvd.Classify(rec)
		if want := nvd.Status(class.Class, class.PublishedAt, now); item.VulnStatus != want {
			t.Fatalf("status %s, class %s", item.VulnStatus, class.Class)
		}
		if len(item.Descriptions) == 0 || item.Tags == nil || item.References == nil {
			t.Fatalf("a member is missing: %+v", item)
		}
		affected := 0
		for _, c := range nvd.Containers(rec) {
			if len(c.Affected) > 0 && rec.Metadata.State != cve.Rejected {
				affected++
			}
		}
		if len(item.Affected) != affected {
			t.Fatalf("%d of %d affected members", len(item.Affected), affected)
		}
		b := marshal(t, item)
		var again nvd.CVE
		if err := json.Unmarshal(b, &again, json.RejectUnknownMembers(true)); err != nil {
			t.Fatalf("%v in %s", err, b)
		}
		if c := marshal(t, again); !bytes.Equal(b, c) {
			t.Fatalf("%s\n%s", b, c)
		}
	})
}

// NVD's own items give, for the same vectors, the same numbers.
func TestNumbersAgreeWithNVD(t *testing.T) {
	z, err := zip.OpenReader(shared(t, "nvd/cve-items-2.0.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	compared := 0
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
		var theirs struct {
			Metrics map[string][]struct {
				Data struct {
					Vector   string  `json:"vectorString"`
					Score    float64 `json:"baseScore"`
					Severity string  `json:"baseSeverity"`
				} `json:"cvssData"`
				Severity       string  `json:"baseSeverity"`
				Exploitability float64 `json:"exploitabilityScore"`
				Impact         float64 `json:"impactScore"`
			} `json:"metrics"`
		}
		if err := json.Unmarshal(raw, &theirs); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		for kind, entries := range theirs.Metrics {
			if !strings.HasPrefix(kind, "cvssMetric") {
				continue
			}
			for _, m := range entries {
				v, err := cvss.Parse(m.Data.Vector)
				if err != nil {
					t.Errorf("%s: %v", f.Name, err)
					continue
				}
				compared++
				if v.Score() != m.Data.Score || v.Severity() != m.Data.Severity+m.Severity || v.ExploitabilityScore() != m.Exploitability || v.ImpactScore() != m.Impact {
					t.Errorf("%s %s %s: %v %s %v %v, NVD has %+v", f.Name, kind, v, v.Score(), v.Severity(), v.ExploitabilityScore(), v.ImpactScore(), m)
				}
			}
		}
	}
	if compared < 500 {
		t.Errorf("only %d metrics were compared", compared)
	}
}
