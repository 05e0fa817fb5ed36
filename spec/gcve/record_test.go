package gcve_test

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tasuki/spec/cve"
	"tasuki/spec/gcve"
)

const record = `{"dataType":"CVE_RECORD","dataVersion":"5.2.0","cveMetadata":{"vulnId":"GCVE-1-2025-0005","cveId":"CVE-2025-1234","state":"PUBLISHED",
	"dateUpdated":"2025-05-01T10:00:00Z"},"containers":{"cna":{"title":"t","x_gcve":[{"vulnId":"GCVE-1-2025-0005","recordType":"analysis",
	"relationships":[{"destId":"GHSA-jc7w-c686-c4v9","type":"equal"},{"destId":"GCVE-100-7","type":"related"}]}]}},"x_more":[1.0]}`

func TestRead(t *testing.T) {
	r, err := gcve.Read([]byte(record))
	if err != nil {
		t.Fatal(err)
	}
	if r.ID.String() != "GCVE-1-2025-0005" || r.Document.Metadata.State != cve.Published || len(r.Members) != 1 || r.Members[0].RecordType != "analysis" {
		t.Errorf("%+v", r)
	}
	if want := []string{"CVE-2025-1234", "GHSA-jc7w-c686-c4v9"}; !slices.Equal(r.Aliases(), want) {
		t.Errorf("aliases %q", r.Aliases())
	}
	if found := r.Check(); len(found) > 0 {
		t.Errorf("%+v", found)
	}
	// Without vulnId beside the state, with x_gcve at the top, with a type that is no text.
	r, err = gcve.Read([]byte(`{"cveMetadata":{"state":"REJECTED"},"x_gcve":[{"vulnId":"GCVE-9-a/b","recordType":{}}]}`))
	if err != nil || r.ID.String() != "GCVE-9-a/b" || r.Members[0].RecordType != gcve.Advisory {
		t.Errorf("%+v (%v)", r, err)
	}
	for _, bad := range []string{``, `[]`, `{}`, `{"cveMetadata":{"vulnId":"GCVE-1-1"}}`, `{"cveMetadata":{"vulnId":"CVE-2025-1234","state":"PUBLISHED"}}`,
		`{"cveMetadata":{"cveId":"CVE-2025-1234","state":"PUBLISHED"}}`, `{"cveMetadata":{"vulnId":"GCVE-1-1","state":"RESERVED"}}`} {
		if _, err := gcve.Read([]byte(bad)); !errors.Is(err, gcve.ErrRecord) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestCheck(t *testing.T) {
	for members, pointers := range map[string][]string{
		`[]`: {"/containers/cna/x_gcve"},
		`[{"vulnId":"x","recordType":"advisory"}]`:        {"/containers/cna/x_gcve/0/vulnId"},
		`[{"vulnId":"GCVE-1-2","recordType":"advisory"}]`: {"/containers/cna/x_gcve/0/vulnId"},
		`[{"vulnId":"GCVE-1-1","recordType":"poem"}]`:     {"/containers/cna/x_gcve/0/recordType", "/containers/cna/x_gcve/0/relationships"},
		`[{"vulnId":"GCVE-1-1","recordType":"translation","relationships":[{"destId":"","type":"same"}]}]`: {"/containers/cna/x_gcve/0/language",
			"/containers/cna/x_gcve/0/relationships/0/destId", "/containers/cna/x_gcve/0/relationships/0/type"},
	} {
		r, err := gcve.Read([]byte(`{"cveMetadata":{"vulnId":"GCVE-1-1","state":"PUBLISHED"},"containers":{"cna":{"x_gcve":` + members + `}}}`))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range r.Check() {
			got = append(got, f.Pointer)
		}
		if !slices.Equal(got, pointers) {
			t.Errorf("%s: %q", members, got)
		}
	}
}

// A CVE record gets its computed alias, and keeps every other byte in its place.
func TestStamp(t *testing.T) {
	id, err := cve.ParseID("CVE-2025-1234")
	if err != nil {
		t.Fatal(err)
	}
	got, err := gcve.Stamp([]byte(`{"dataType":"CVE_RECORD", "cveMetadata":{"cveId":"CVE-2025-1234","state":"PUBLISHED"},"containers":{"cna":{"metrics":[1.0]},"adp":[{}]},"z":0.10}`), gcve.FromCVE(id))
	const want = `{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2025-1234","state":"PUBLISHED","vulnId":"GCVE-0-2025-1234"},"containers":{"cna":{"metrics":[1.0],` +
		`"x_gcve":[{"vulnId":"GCVE-0-2025-1234","recordType":"advisory"}]},"adp":[{}]},"z":0.10}`
	if err != nil || string(got) != want {
		t.Errorf("%s (%v)", got, err)
	}
	again, err := gcve.Stamp(got, gcve.FromCVE(id))
	if err != nil || string(again) != want {
		t.Errorf("stamped twice: %s (%v)", again, err)
	}
	for _, bad := range []string{``, `1`, `{"cveMetadata":1}`, `{"containers":{"cna":[]}}`} {
		if _, err := gcve.Stamp([]byte(bad), gcve.FromCVE(id)); !errors.Is(err, gcve.ErrRecord) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// FuzzRead: what is read has an identifier and a state, and stamping it with its own identifier keeps both.
func FuzzRead(f *testing.F) {
	f.Add([]byte(record))
	f.Add([]byte(`{"cveMetadata":{"state":"REJECTED"},"x_gcve":[{"vulnId":"GCVE-9-a/b"}],"containers":{"cna":null}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := gcve.Read(raw)
		if err != nil {
			return
		}
		if r.ID.IsZero() {
			t.Fatal("read without an identifier")
		}
		r.Check()
		stamped, err := gcve.Stamp(raw, r.ID)
		if err != nil {
			return // a container that is no object cannot take the member
		}
		again, err := gcve.Read(stamped)
		if err != nil || again.ID != r.ID || again.Document.Metadata.State != r.Document.Metadata.State {
			t.Fatalf("%s became %s: %v", raw, stamped, err)
		}
	})
}

func TestParams(t *testing.T) {
	p, err := gcve.ParseParams(url.Values{"cwe": {"79"}, "product": {"P"}, "assigner": {"a"}, "since": {"2026-10-01T08:00:00 02:00"}, "date_sort": {"Updated"}, "sort_order": {"asc"}, "source": {"GNA-7"}})
	if err != nil || p.PerPage != 30 || p.Page != 1 || p.CWE != "CWE-79" || !p.Asc || p.DateSort != gcve.ByUpdated || p.Since != time.Date(2026, 10, 1, 6, 0, 0, 0, time.UTC) {
		t.Errorf("%+v (%v)", p, err)
	}
	if g, ok := p.GNA(); !ok || g != 7 {
		t.Errorf("source %d %v", g, ok)
	}
	for _, query := range []string{"per_page=0", "per_page=101", "per_page=x", "page=0", "page=-1", "page=99999999999999", "since=soon", "date_sort=size", "sort_order=up", "assigner=a", "cwe=x"} {
		v, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		name, value, _ := strings.Cut(query, "=")
		if _, err := gcve.ParseParams(v); !errors.Is(err, gcve.ErrParam) || !strings.Contains(err.Error(), name) || len(value) > 3 && strings.Contains(err.Error(), value) {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// FuzzParams: what is accepted means the same when it is sent on.
func FuzzParams(f *testing.F) {
	f.Add("per_page=100&page=3&since=2026-01-02&date_sort=published&sort_order=asc&source=gna-1&cwe=cwe-79&product=a%20b&vendor=v&assigner=x")
	f.Add("since=2026-01-02T03:04:05.6Z")
	f.Fuzz(func(t *testing.T, query string) {
		v, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		p, err := gcve.ParseParams(v)
		if err != nil {
			return
		}
		again, err := gcve.ParseParams(p.Values())
		if err != nil || again != p {
			t.Fatalf("%q: %+v, sent on %+v (%v)", query, p, again, err)
		}
	})
}

func TestConformance(t *testing.T) {
	at := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	c := gcve.Conformance{Generated: at.Format(time.RFC3339), Expires: at.Add(gcve.ConformanceValid).Format(time.RFC3339),
		Governance: gcve.ConformanceGovernance{OperationalModel: "vendor", VisibilityModel: "public"}}
	if err := c.Valid(at.AddDate(0, 1, 0)); err != nil {
		t.Error(err)
	}
	long, past, empty, garbled := c, c, c, c
	long.Expires = at.Add(gcve.ConformanceValid + time.Second).Format(time.RFC3339)
	past.Generated, past.Expires = "2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z"
	empty.Governance.VisibilityModel = ""
	garbled.Expires = "tomorrow"
	for _, bad := range []gcve.Conformance{long, past, empty, garbled} {
		if err := bad.Valid(at.AddDate(0, 1, 0)); err == nil {
			t.Errorf("%+v counts", bad)
		}
	}
}
