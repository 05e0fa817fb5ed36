package nvd

import (
	"archive/zip"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"tasuki/internal/catalogue"
	render "tasuki/internal/render/nvd"
	"tasuki/spec/cve"
	"tasuki/spec/nvd"
)

// list is a Source that tries every record: slow, obvious, and with nothing of the real index in it.
type list struct {
	docs   []doc
	broken error // Bulk fails with it after one record
}

type doc struct {
	raw  []byte
	rec  *cve.Record
	keys map[string][]string
	nums map[string]int64
}

func (l *list) add(t testing.TB, raw []byte) {
	rec, err := cve.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	f := nvd.Classify(rec)
	yes := func(b bool) []string {
		if b {
			return []string{"yes"}
		}
		return nil
	}
	d := doc{raw: raw, rec: rec, keys: map[string][]string{
		"id": {rec.Metadata.ID}, "status": {f.Class}, "sev2": f.Sev2, "sev3": f.Sev3, "sev4": f.Sev4, "vec2": f.Vec2, "vec30": f.Vec30, "vec31": f.Vec31, "vec40": f.Vec40,
		"cwe": f.CWE, "source": f.Sources, "tag": f.Tags, "certalert": yes(f.CertAlert), "certnote": yes(f.CertNote), "oval": yes(f.Oval), "kev": yes(f.KEVAdded != ""),
	}, nums: map[string]int64{"published": f.PublishedAt.UnixMilli(), "changed": f.LastChangedAt.UnixMilli()}}
	if day, err := time.Parse(time.DateOnly, f.KEVAdded); err == nil {
		d.nums["kevadded"] = day.UnixMilli()
	}
	l.docs = append(l.docs, d)
	slices.SortFunc(l.docs, func(a, b doc) int { return a.compare(&b) })
}

// compare is the order of pages: published, then the identifier by year and number.
func (d *doc) compare(e *doc) int {
	if c := cmp.Compare(d.nums["published"], e.nums["published"]); c != 0 {
		return c
	}
	x, _ := cve.ParseID(d.rec.Metadata.ID)
	y, _ := cve.ParseID(e.rec.Metadata.ID)
	return x.Compare(y)
}

func (d *doc) meetsAll(filters []catalogue.Filter) bool {
	for _, f := range filters {
		if !d.meetsOne(f) {
			return false
		}
	}
	return true
}

func (d *doc) meetsOne(f catalogue.Filter) bool {
	n, has := d.nums[f.Num]
	ok := f.Num != "" && has && f.Min <= n && n <= f.Max || f.All != nil && d.meetsAll(f.All) || slices.ContainsFunc(f.Any, d.meetsOne)
	for _, v := range d.keys[f.Dim] {
		ok = ok || f.Match != nil && f.Match(v) || slices.Contains(f.Values, v)
	}
	return ok != f.Not
}

func (d *doc) meets(q catalogue.Query) bool {
	if !d.meetsAll(q.Filters) {
		return false
	}
	if q.Text == "" {
		return true
	}
	if q.Zone != "en" || q.Phrase == q.Prefix {
		return false
	}
	text, _ := cve.Pick(d.rec.Containers.CNA.Descriptions, "en")
	words := " " + strings.Join(strings.Fields(strings.ToLower(text.Value)), " ") + " "
	if q.Phrase {
		return strings.Contains(words, " "+strings.ToLower(q.Text)+" ")
	}
	for w := range strings.FieldsSeq(strings.ToLower(q.Text)) {
		if !strings.Contains(words, " "+w) {
			return false
		}
	}
	return true
}

func (l *list) Search(_ context.Context, q catalogue.Query) (*catalogue.Page, error) {
	p := &catalogue.Page{Size: int64(len(l.docs))}
	for i := range l.docs {
		d := &l.docs[i]
		if q.Sort == catalogue.Newest {
			d = &l.docs[len(l.docs)-1-i]
		}
		if d.meets(q) {
			if p.Total >= q.Offset && len(p.Hits) < q.Limit {
				p.Hits = append(p.Hits, catalogue.Hit{ID: d.rec.Metadata.ID})
			}
			p.Total++
		}
	}
	return p, nil
}

func (l *list) Bulk(_ context.Context, ids []string, fn func(Current) error) error {
	for i, id := range ids {
		if i == 1 && l.broken != nil {
			return l.broken
		}
		at := slices.IndexFunc(l.docs, func(d doc) bool { return d.rec.Metadata.ID == id })
		if at < 0 {
			continue
		}
		d := &l.docs[at]
		if err := fn(Current{Record: d.rec, Compact: d.raw, Changed: time.UnixMilli(d.nums["changed"])}); err != nil {
			return err
		}
	}
	return nil
}

// now is when the tests read: most of the made-up records are older than a day, one is not.
var now = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// made builds a record: number, hour of March 2026 at which it was published, and the CNA container's members.
func made(n, hour int, cna string) []byte {
	at := time.Date(2026, 3, 1, hour, 0, 0, 0, time.UTC).Format("2006-01-02T15:04:05.000Z")
	return fmt.Appendf(nil, `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"CVE-2026-%d","assignerOrgId":"11111111-1111-4111-8111-111111111111","state":"PUBLISHED","datePublished":%q,"dateUpdated":%q},
		"containers":{"cna":{"providerMetadata":{"orgId":"11111111-1111-4111-8111-111111111111"},%s}}}`, n, at, at, cna)
}

func small(t testing.TB) *list {
	l := &list{}
	l.add(t, made(90001, 1, `"descriptions":[{"lang":"en","value":"Kumo Ledger lets a remote user read other ledgers"}],"problemTypes":[{"descriptions":[{"cweId":"CWE-639"}]}],
		"affected":[{"vendor":"Kumo","product":"Ledger","cpes":["cpe:2.3:a:kumo:ledger:*:*:*:*:*:*:*:*"],"versions":[{"version":"0","lessThan":"4.3","status":"affected"}]}],
		"metrics":[{"cvssV3_1":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:N/A:N"}}]`))
	l.add(t, made(90010, 2, `"descriptions":[{"lang":"en","value":"Circles of trust"}],"metrics":[{"cvssV3_0":{"vectorString":"CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N"}}]`))
	l.add(t, made(90002, 2, `"descriptions":[{"lang":"en","value":"Encircled"}],"tags":["disputed"]`))
	l.add(t, made(100000, 20, `"descriptions":[{"lang":"en","value":"Young"}]`))
	return l
}

func serve(l *list, request string, header ...string) *httptest.ResponseRecorder {
	return serveAt(l, now, request, header...)
}

// serveAt runs one request line, "GET path", with headers "Name: value".
func serveAt(l *list, at time.Time, request string, header ...string) *httptest.ResponseRecorder {
	method, target, _ := strings.Cut(request, " ")
	r := httptest.NewRequest(method, target, nil)
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	Handler(Options{Source: l, Now: func() time.Time { return at }, Log: slog.New(slog.DiscardHandler),
		SourceName: func(org string) string {
			if strings.HasPrefix(org, "1111") {
				return "security@kumo.example"
			}
			return ""
		},
		SourceOrgs: func(name string) []string {
			if name == "security@kumo.example" {
				return []string{"11111111-1111-4111-8111-111111111111"}
			}
			return nil
		},
	}).ServeHTTP(w, r)
	return w
}

// read takes a reply apart as the strictest client does.
func read(t testing.TB, w *httptest.ResponseRecorder) nvd.Reply {
	t.Helper()
	var reply nvd.Reply
	if w.Code != http.StatusOK {
		t.Fatalf("%d, %q", w.Code, w.Header().Get("message"))
	}
	if err := json.Unmarshal(w.Body.Bytes(), &reply, json.RejectUnknownMembers(true)); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	if reply.ResultsPerPage != len(reply.Vulnerabilities) || reply.Format != "NVD_CVE" || reply.Version != "2.0" {
		t.Errorf("envelope %d items for %d, %s %s", len(reply.Vulnerabilities), reply.ResultsPerPage, reply.Format, reply.Version)
	}
	if _, err := time.Parse(nvd.TimeLayout, reply.Timestamp); err != nil {
		t.Error(err)
	}
	return reply
}

func ids(r nvd.Reply) string {
	var out []string
	for _, v := range r.Vulnerabilities {
		out = append(out, strings.TrimPrefix(v.CVE.ID, "CVE-2026-"))
	}
	return strings.Join(out, " ")
}

func TestSearches(t *testing.T) {
	l := small(t)
	for _, tc := range []struct {
		query, want string
		total       int
	}{
		{"", "90001 90002 90010 100000", 4},
		{"cveId=cve-2026-90002", "90002", 1},
		{"cveId=CVE-2026-1111", "", 0},
		{"cveIds=CVE-2026-100000,CVE-2026-90001,CVE-2026-1111", "90001 100000", 2},
		{"keywordSearch=circle", "90010", 1},
		{"keywordSearch=remote%20ledger", "90001", 1},
		{"keywordSearch=remote%20user&keywordExactMatch", "90001", 1},
		{"keywordSearch=user%20remote&keywordExactMatch", "", 0},
		{"cvssV3Severity=medium", "90001 90010", 2},
		{"cvssV3Metrics=AV:N/PR:L", "90001 90010", 2},
		{"cvssV3Metrics=AV:N/PR:L&startIndex=1", "90010", 2},
		{"cvssV3Metrics=CVSS:3.0/AV:N", "90010", 1},
		{"cvssV3Metrics=AV:P", "", 0},
		{"cweId=CWE-639", "90001", 1},
		{"cveTag=disputed&noRejected", "90002", 1},
		{"hasKev", "", 0},
		{"vulnStatuses=Analyzed", "90001", 1},
		{"vulnStatuses=Received", "100000", 1},
		{"vulnStatuses=AwaitingAnalysis", "90002 90010", 2},
		{"vulnStatuses=Received,AwaitingAnalysis", "90002 90010 100000", 3},
		{"vulnStatuses=Received,Analyzed", "90001 100000", 2},
		{"vulnStatuses=Received,Analyzed&startIndex=1", "100000", 2},
		{"vulnStatuses=Analyzed,AwaitingAnalysis&cvssV3Metrics=PR:L&resultsPerPage=1&startIndex=1", "90010", 2},
		{"vulnStatuses=Deferred", "", 0},
		{"pubStartDate=2026-03-01T02:00:00&pubEndDate=2026-03-01T02:00:00", "90002 90010", 2},
		{"lastModStartDate=2026-03-01T02:00:00.001&lastModEndDate=2026-03-03T02:00:00", "100000", 1},
		{"sourceIdentifier=security@kumo.example&resultsPerPage=2&startIndex=1", "90002 90010", 4},
		{"sourceIdentifier=11111111-1111-4111-8111-111111111111&startIndex=4", "", 4},
		{"sourceIdentifier=22222222-2222-4222-8222-222222222222", "", 0},
	} {
		t.Run(tc.query, func(t *testing.T) {
			reply := read(t, serve(l, "GET /rest/json/cves/2.0?"+tc.query))
			if got := ids(reply); got != tc.want || reply.TotalResults != tc.total {
				t.Errorf("%q of %d, want %q of %d", got, reply.TotalResults, tc.want, tc.total)
			}
		})
	}
}

func TestTransport(t *testing.T) {
	l := small(t)
	for _, tc := range []struct {
		request string
		header  string
		status  int
		message string
	}{
		{"GET /rest/json/cves/2.0?resultsPerPage=1", "", 200, ""},
		{"GET /rest/json/cves/2.0/?resultsPerPage=1", "", 200, ""},
		{"HEAD /rest/json/cves/2.0?resultsPerPage=1", "", 200, ""},
		{"OPTIONS /rest/json/cves/2.0", "", 204, ""},
		{"POST /rest/json/cves/2.0", "", 404, "Invalid method."},
		{"GET /rest/json/cves/1.0", "", 404, "Invalid path."},
		{"GET /rest/json/cpes/2.0", "", 404, "Invalid path."},
		{"GET /rest/json/cves/2.0", "APIKEY: 0f7b0b6e-0000-4000-8000-000000000000", 404, "Invalid apiKey."},
		{"GET /rest/json/cves/2.0?resultsPerPage=2001", "", 404, "resultsPerPage parameter cannot exceed 2000."},
		{"GET /rest/json/cves/2.0?cpeName=cpe:2.3:a:b:c:1", "", 404, "cpeName is not supported by this node until its CPE engine exists."},
		{"HEAD /rest/json/cves/2.0?x", "", 404, "Invalid parameter: x."},
	} {
		t.Run(tc.request, func(t *testing.T) {
			var header []string
			if tc.header != "" {
				header = append(header, tc.header)
			}
			w := serve(l, tc.request, header...)
			if w.Code != tc.status || w.Header().Get("message") != tc.message {
				t.Errorf("%d %q", w.Code, w.Header().Get("message"))
			}
			if w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Access-Control-Allow-Credentials") != "false" {
				t.Errorf("headers %v", w.Header())
			}
			if tc.status == 200 && w.Header().Get("apiKey") != "No" {
				t.Errorf("apikey %q", w.Header().Get("apiKey"))
			}
			if strings.HasPrefix(tc.request, "HEAD") != (w.Body.Len() == 0) && tc.status != 204 {
				t.Errorf("body %q", w.Body)
			}
			if tc.status == 404 && w.Body.Len() > 0 && w.Body.String() != tc.message+"\n" {
				t.Errorf("body %q", w.Body)
			}
		})
	}
}

func TestConditionalRequests(t *testing.T) {
	l := small(t)
	const old, young = "GET /rest/json/cves/2.0?cveId=CVE-2026-90001", "GET /rest/json/cves/2.0?cveId=CVE-2026-100000"
	first := serve(l, old)
	tag := first.Header().Get("ETag")
	if !strings.HasPrefix(tag, `W/"`) {
		t.Errorf("%v", first.Header())
	}
	for _, header := range []string{tag, strings.TrimPrefix(tag, "W/"), `"x", ` + tag, "*"} {
		if w := serveAt(l, now.Add(time.Hour), old, "If-None-Match: "+header); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
			t.Errorf("%s: %d", header, w.Code)
		}
	}
	if w := serve(l, young, "If-None-Match: "+tag); w.Code != 200 {
		t.Errorf("another query: %d", w.Code)
	}
	// A young record's status changes by the clock alone.
	for _, holdsYoung := range []string{young, "GET /rest/json/cves/2.0"} {
		tag = serve(l, holdsYoung).Header().Get("ETag")
		if w := serveAt(l, now.Add(12*time.Hour), holdsYoung, "If-None-Match: "+tag); w.Code != 200 {
			t.Errorf("%s after its first day: %d", holdsYoung, w.Code)
		}
	}
	tag = serve(l, old).Header().Get("ETag")
	l.add(t, made(90003, 1, `"descriptions":[]`))
	if w := serve(l, old, "If-None-Match: "+tag); w.Code != 200 {
		t.Errorf("after the log grew: %d", w.Code)
	}
}

func TestBrokenReplyIsNoReply(t *testing.T) {
	l := small(t)
	l.broken = errors.New("the disk is gone")
	server := httptest.NewServer(Handler(Options{Source: l, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}))
	defer server.Close()
	resp, err := http.Get(server.URL + "/rest/json/cves/2.0")
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	if err == nil {
		t.Error("a client cannot tell the broken reply from a whole one")
	}
}

// archive loads the sample, or skips.
func archive(t testing.TB) *list {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	z, err := zip.OpenReader(filepath.Join(dir, "..", "shared", "data", "cvelist", "cve5-sample-500.zip"))
	if err != nil {
		t.Skip("the shared archives are not here")
	}
	defer z.Close()
	l := &list{}
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
		l.add(t, raw)
	}
	return l
}

// For any combination of filters and any page, the reply is what one gets by rendering everything, keeping the items whose
// own fields meet the filters, and cutting out the page: filters and fields agree.
func TestFiltersAgreeWithFields(t *testing.T) {
	l := archive(t)
	var items []*nvd.CVE
	at := time.Date(2024, 10, 15, 0, 0, 0, 0, time.UTC)
	for _, d := range l.docs {
		item, err := render.Item(d.rec, d.raw, render.Options{Now: at})
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, item)
	}
	pick := func(r *rand.Rand, values ...string) string { return values[r.IntN(len(values))] }
	filters := []func(r *rand.Rand) (name, value string, holds func(*nvd.CVE) bool){
		func(r *rand.Rand) (string, string, func(*nvd.CVE) bool) {
			all := []string{nvd.Received, nvd.AwaitingAnalysis, nvd.UndergoingAnalysis, nvd.Analyzed, nvd.Modified, nvd.Deferred, nvd.Rejected}
			r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			all = all[:1+r.IntN(3)]
			return "vulnStatuses", strings.ReplaceAll(strings.Join(all, ","), " ", ""), func(c *nvd.CVE) bool { return slices.Contains(all, c.VulnStatus) }
		},
		func(r *rand.Rand) (string, string, func(*nvd.CVE) bool) {
			want := pick(r, "LOW", "MEDIUM", "HIGH", "CRITICAL")
			return "cvssV3Severity", want, func(c *nvd.CVE) bool {
				return slices.ContainsFunc(slices.Concat(c.Metrics.V31, c.Metrics.V30), func(m nvd.MetricV3) bool { return m.Data.Severity() == want })
			}
		},
		func(r *rand.Rand) (string, string, func(*nvd.CVE) bool) {
			av, ac := pick(r, "N", "L"), pick(r, "L", "H")
			return "cvssV3Metrics", "AV:" + av + "/AC:" + ac, func(c *nvd.CVE) bool {
				return slices.ContainsFunc(slices.Concat(c.Metrics.V31, c.Metrics.V30), func(m nvd.MetricV3) bool { return m.Data.Has("AV", av) && m.Data.Has("AC", ac) })
			}
		},
		func(r *rand.Rand) (string, string, func(*nvd.CVE) bool) {
			want := pick(r, "CWE-79", "CWE-89", "CWE-416")
			return "cweId", want, func(c *nvd.CVE) bool {
				return slices.ContainsFunc(c.Weaknesses, func(w nvd.Weakness) bool { return slices.Contains(w.Description, nvd.Text{Lang: "en", Value: want}) })
			}
		},
		func(r *rand.Rand) (string, string, func(*nvd.CVE) bool) {
			want := pick(r, "disputed", "unsupported-when-assigned")
			return "cveTag", want, func(c *nvd.CVE) bool {
				return slices.ContainsFunc(c.Tags, func(s nvd.TagSet) bool { return slices.Contains(s.Tags, want) })
			}
		},
		func(*rand.Rand) (string, string, func(*nvd.CVE) bool) {
			return "hasKev", "", func(c *nvd.CVE) bool { return c.KEV != "" }
		},
		func(*rand.Rand) (string, string, func(*nvd.CVE) bool) {
			return "noRejected", "", func(c *nvd.CVE) bool { return c.VulnStatus != nvd.Rejected }
		},
		func(*rand.Rand) (string, string, func(*nvd.CVE) bool) {
			return "hasCertNotes", "", func(c *nvd.CVE) bool {
				return slices.ContainsFunc(c.References, func(r nvd.Reference) bool { return strings.Contains(r.URL, "//www.kb.cert.org/") })
			}
		},
	}
	r := rand.New(rand.NewPCG(2, 90001))
	found := 0
	for range 400 {
		values, holds := url.Values{}, []func(*nvd.CVE) bool{}
		for range 1 + r.IntN(3) {
			name, value, hold := filters[r.IntN(len(filters))](r)
			if !values.Has(name) {
				values.Set(name, value)
				holds = append(holds, hold)
			}
		}
		var want []string
		for _, item := range items {
			if !slices.ContainsFunc(holds, func(hold func(*nvd.CVE) bool) bool { return !hold(item) }) {
				want = append(want, item.ID)
			}
		}
		start, limit := r.IntN(len(want)+2), 1+r.IntN(40)
		query := fmt.Sprintf("%s&startIndex=%d&resultsPerPage=%d", values.Encode(), start, limit)
		reply := read(t, serveAt(l, at, "GET /rest/json/cves/2.0?"+query))
		page := want[min(start, len(want)):min(start+limit, len(want))]
		var got []string
		for _, v := range reply.Vulnerabilities {
			got = append(got, v.CVE.ID)
		}
		found += len(got)
		if reply.TotalResults != len(want) || !slices.Equal(got, page) {
			t.Errorf("%s:\n%d %v\nwant %d %v", query, reply.TotalResults, got, len(want), page)
		}
	}
	if found < 1000 {
		t.Errorf("only %d items were found in all", found)
	}
}
