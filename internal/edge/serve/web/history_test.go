package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// lived is the id of the record that life tells.
const lived = "CVE-2026-77001"

// life is a list whose one record goes through six versions, a day apart from 1 November on: without a score, with one, with
// a worse one and a range more, rejected, taken back, without CISA's container. Its author wrote each a week before it came.
func life(t testing.TB) *world {
	t.Helper()
	w := empty(t)
	w.list.Clock.Add(time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC).Sub(w.list.Clock.Now()))
	score := func(vector string, n float64) string {
		return fmt.Sprintf(`"metrics":[{"format":"CVSS","cvssV3_1":{"version":"3.1","vectorString":"CVSS:3.1/%s","baseScore":%v,"baseSeverity":"HIGH"}}],`, vector, n)
	}
	first := `{"version":"0","lessThan":"2.3","status":"affected"}`
	second := first + `,{"version":"3.0","lessThan":"3.0.4","status":"affected"}`
	adp := `,"adp":[{"providerMetadata":{"orgId":"134c704f-9b21-4f2e-91b3-4a467353bcc0","shortName":"CISA-ADP"},"title":"CISA ADP Vulnrichment",
"problemTypes":[{"descriptions":[{"lang":"en","cweId":"CWE-79","description":"CWE-79","type":"CWE"}]}]}]`
	for i, v := range []struct{ scored, ranges, text, adp string }{
		{"", first, "A flaw in the console.", adp},
		{score("AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 7.5), first, "A flaw in the console.", adp},
		{score("AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8), second, "A flaw in the web console.", adp},
		{"", "", "", adp},
		{score("AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8), second, "A flaw in the web console.", adp},
		{score("AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8), second, "A flaw in the web console.", ""},
	} {
		state := "PUBLISHED"
		body := fmt.Sprintf(`"descriptions":[{"lang":"en","value":%q}],%s"affected":[{"vendor":"Acme","product":"Server","defaultStatus":"unaffected","versions":[%s]}],
"references":[{"url":"https://acme.example/%d"}]`, v.text, v.scored, v.ranges, min(i, 1))
		if v.text == "" {
			state, body = "REJECTED", `"rejectedReasons":[{"lang":"en","value":"Not a vulnerability."}]`
		}
		w.add(t, fmt.Appendf(nil, `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":%q,"assignerOrgId":"8254265b-2729-46b6-b9e3-3dfca2d5bfca",
"assignerShortName":"acme","state":%q,"datePublished":"2026-10-25T00:00:00.000Z","dateUpdated":"2026-10-%02dT00:00:00.000Z"},
"containers":{"cna":{"providerMetadata":{"orgId":"8254265b-2729-46b6-b9e3-3dfca2d5bfca","shortName":"acme"},%s}%s}}`, lived, state, 25+i, body, v.adp))
		w.list.Clock.Add(24 * time.Hour)
	}
	return w
}

// leaves are the indexes of a history page's rows, newest first.
func leaves(p *sheet) (out []string) {
	for _, n := range p.all("table td.num a") {
		out = append(out, n.words())
	}
	return out
}

func TestHistoryPage(t *testing.T) {
	h := handler(t, life(t))
	p := fetch(t, h, "/cve/"+lived+"/history")
	rows := p.all("form.history tbody tr")
	if p.status != http.StatusOK || len(rows) != 6 {
		t.Fatalf("%d, %d rows", p.status, len(rows))
	}
	for i, want := range [][]string{
		{"v6", "CISA-ADP", "removed"}, {"v5", "REJECTED → PUBLISHED"}, {"v4", "PUBLISHED → REJECTED"},
		{"v3", "Score CVSS 3.1: 7.5 → 9.8 (CNA)", "acme (CNA)", "2026-11-03 12:00:00 UTC", "2026-10-27 at its source"},
		{"v2", "Score CVSS 3.1 added: 7.5 (CNA)"}, {"v1", "first version here"},
	} {
		for _, part := range want {
			if got := rows[i].words(); !strings.Contains(got, part) {
				t.Errorf("row %d lacks %q: %s", i, part, got)
			}
		}
	}
	var from, to []string
	for _, n := range p.all("form.history input[checked]") {
		if n.attr["name"] == "from" {
			from = append(from, n.attr["value"])
		} else {
			to = append(to, n.attr["value"])
		}
	}
	index := leaves(p)
	if !slices.Equal(to, index[:1]) || !slices.Equal(from, index[1:2]) {
		t.Errorf("preset are %q to %q of %q", from, to, index)
	}
	if p := fetch(t, h, "/cve/"+lived+"/history", "Accept-Language", "ja"); !strings.Contains(p.one(t, "form.history").words(), "評価値 CVSS 3.1：7.5 → 9.8（CNA）") {
		t.Errorf("in Japanese: %s", p.one(t, "form.history").words())
	}
	// The record's page has the newest of them too, and says where all are.
	record := fetch(t, h, "/cve/"+lived)
	if got := leaves(record); !slices.Equal(got, index) {
		t.Errorf("the record's page lists %q, the history %q", got, index)
	}
	if p := fetch(t, h, "/cve/CVE-2026-77002/history"); p.status != http.StatusNotFound {
		t.Errorf("the history of no record: %d", p.status)
	}
}

func TestDiffPage(t *testing.T) {
	h := handler(t, life(t))
	index := leaves(fetch(t, h, "/cve/"+lived+"/history"))
	v := func(n int) string { return index[6-n] }
	for _, tc := range []struct {
		query string
		want  []string
	}{
		{"", []string{"v5 → v6", "removed: Container CISA-ADP"}},
		{"?from=" + v(2) + "&to=" + v(3), []string{"v2 → v3", "Score CVSS 3.1 7.5 → 9.8 acme (CNA)", "added: Versions", "3.0.4", "web console", "What is affected"}},
		{"?from=" + v(3) + "&to=" + v(2), []string{"v2 → v3", "7.5 → 9.8"}}, // whichever is older stands on the left
		{"?from=2026-11-02&to=2026-11-03T13:00:00Z", []string{"v2 → v3", "7.5 → 9.8"}},
		{"?from=2026-10-26&to=2026-10-27&clock=source", []string{"v2 → v3", "7.5 → 9.8"}},
		{"?to=" + v(4), []string{"v3 → v4", "PUBLISHED → REJECTED"}},
		{"?from=" + v(1), []string{"v1 → v6", "Score CVSS 3.1"}},
		{"?from=" + v(3) + "&to=" + v(5), []string{"v3 → v5", "Date of change"}},
		{"?from=" + v(2) + "&to=" + v(2), []string{"v2 → v2", "nothing to compare"}},
	} {
		p := fetch(t, h, "/cve/"+lived+"/diff"+tc.query)
		if p.status != http.StatusOK {
			t.Errorf("%s: %d", tc.query, p.status)
			continue
		}
		for _, part := range tc.want {
			if got := p.one(t, "article.diff").words(); !strings.Contains(got, part) {
				t.Errorf("%s lacks %q: %s", tc.query, part, got)
			}
		}
	}
	p := fetch(t, h, "/cve/"+lived+"/diff?from="+v(2)+"&to="+v(3))
	if got := p.one(t, "p.words ins").words(); got != "web" {
		t.Errorf("of the description is marked as added %q", got)
	}
	if got := p.all("details.behind pre"); len(got) < 4 {
		t.Errorf("%d parts stand behind the sentences", len(got))
	}
	if got := p.one(t, "article.diff").words(); !strings.Contains(got, "/containers/cna/metrics/0") {
		t.Error("no pointer into the document")
	}
	for _, tc := range []struct {
		query string
		want  int
	}{{"?from=999", http.StatusNotFound}, {"?from=x", http.StatusBadRequest}, {"?from=2020-01-01", http.StatusNotFound}, {"?to=2026-11-03&clock=wall", http.StatusBadRequest}} {
		if p := fetch(t, h, "/cve/"+lived+"/diff"+tc.query); p.status != tc.want {
			t.Errorf("%s: %d, want %d", tc.query, p.status, tc.want)
		}
	}
}

func TestRecordAsOf(t *testing.T) {
	h := handler(t, life(t))
	index := leaves(fetch(t, h, "/cve/"+lived+"/history"))
	for _, tc := range []struct{ query, banner, score string }{
		{"?at=2026-11-02", "As this list knew it on 2 Nov 2026. 4 versions have come since.", "7.5 High"},
		{"?at=2026-11-02&clock=log", "4 versions have come since.", "7.5 High"},
		{"?at=2026-11-03T11:59:59Z", "on 3 Nov 2026 11:59:59 UTC", "7.5 High"},
		{"?at=2026-11-03T12:00:00Z", "3 versions have come since", "9.8 Critical"},
		{"?at=2026-10-27&clock=source", "As its source had it on 27 Oct 2026. 3 versions have come since.", "9.8 Critical"},
		{"?size=" + index[5-2], "As the first 2 entries of the log tell it. 4 versions", "7.5 High"}, // the leaves before that of v3
		{"?at=2026-11-19", "It has not changed since.", "9.8 Critical"},
	} {
		p := fetch(t, h, "/cve/"+lived+tc.query)
		if p.status != http.StatusOK || !strings.Contains(p.one(t, "div.banner").words(), tc.banner) {
			t.Errorf("%s: %d, %s", tc.query, p.status, p.one(t, "main").words())
			continue
		}
		if got := p.one(t, "aside.facts").words(); !strings.Contains(got, tc.score) {
			t.Errorf("%s says %q, want %s", tc.query, got, tc.score)
		}
	}
	p := fetch(t, h, "/cve/"+lived+"?at=2026-11-04")
	if p.one(t, "span.state").words() != "REJECTED" || len(p.all("#todo")) != 0 {
		t.Error("the day on which the record was rejected does not say so")
	}
	// The raw record of a past page is that version's.
	p = fetch(t, h, "/cve/"+lived+"?at=2026-11-02")
	raw := ""
	for _, a := range p.all("div.ways a") {
		if strings.Contains(a.attr["href"], ".json") {
			raw = a.attr["href"]
		}
	}
	if got := fetch(t, h, raw); !strings.Contains(got.raw, `"baseScore":7.5`) {
		t.Errorf("%s is %.300s", raw, got.raw)
	}
	if fetch(t, h, "/cve/"+lived+"?at=").status != http.StatusOK || len(fetch(t, h, "/cve/"+lived+"?at=").all("div.banner")) != 0 {
		t.Error("a form without a day is not the present")
	}
	for _, bad := range []string{"?at=yesterday", "?size=0", "?size=100000", "?at=2026-11-01&size=3", "?clock=wall"} {
		if p := fetch(t, h, "/cve/"+lived+bad); p.status != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, p.status)
		}
	}
}

func TestAbsentSaysWhy(t *testing.T) {
	w := life(t)
	h := handler(t, w)
	for path, want := range map[string][]string{
		"/cve/" + lived + "?at=2026-10-26":              {"The list knew nothing at all by then.", "This list learnt of it on 1 Nov 2026.", "Its source had it by then."},
		"/cve/" + lived + "?at=2020-01-01&clock=source": {"Its source has had it since 25 Oct 2026."},
		"/cve/CVE-2026-1234":                            {"CVE-2026-1234 is not in this list"},
		"/cve/CVE-2030-1234":                            {"CVE-2030-1234 is beyond what this copy holds", "The newest record here was published on 2026-10-25"},
		"/cve/CVE-26-1":                                 {"A CVE id has the form"},
	} {
		p := fetch(t, h, path)
		for _, part := range want {
			if got := p.one(t, "main").words(); p.status != http.StatusNotFound || !strings.Contains(got, part) {
				t.Errorf("%s: %d, without %q: %s", path, p.status, part, got)
			}
		}
	}
	versions, err := w.Versions(t.Context(), lived)
	if err != nil {
		t.Fatal(err)
	}
	w.list.Erase(t, versions[0].Index)
	for _, path := range []string{"/cve/" + lived, "/cve/" + lived + ".json"} {
		if p := fetch(t, h, path); p.status != http.StatusNotFound || !strings.Contains(p.one(t, "main").words(), "was erased") {
			t.Errorf("%s: %d", path, p.status)
		}
	}
	p := fetch(t, h, "/cve/"+lived+"/history")
	if got := p.all("form.history tbody tr")[0].words(); !strings.Contains(got, "its text was erased") {
		t.Errorf("the erased version is told as %q", got)
	}
	if p := fetch(t, h, "/cve/"+lived+"/diff"); !strings.Contains(p.one(t, "h1").words(), "v4 → v5") {
		t.Errorf("compared is %q", p.one(t, "h1").words())
	}
	if p := fetch(t, h, "/cve/"+lived+"/diff?to="+fmt.Sprint(versions[0].Index)); p.status != http.StatusNotFound || !strings.Contains(p.raw, "erased") {
		t.Errorf("a comparison with what was erased: %d", p.status)
	}
	if p := fetch(t, h, "/cve/"+lived+"?at=2026-11-05"); p.status != http.StatusOK {
		t.Errorf("the version before the erased one: %d", p.status)
	}
}

func TestChangesPage(t *testing.T) {
	w := life(t)
	h := handler(t, w)
	for _, tc := range []struct {
		query string
		want  []string
	}{
		{"?from=2026-10-30&to=2026-11-02", []string{"1 all", "1 added", lived}},
		{"?from=2026-11-02&to=2026-11-03", []string{"1 changed", lived}},
		{"?from=2026-11-03&to=2026-11-04", []string{"1 withdrawn"}},
		{"?from=2026-11-04&to=2026-11-05", []string{"1 restored"}},
		{"?from=2026-10-26&to=2026-10-28&clock=source", []string{"1 withdrawn"}},
		{"?from=2026-11-10", []string{"0 all", "No record differs"}},
	} {
		p := fetch(t, h, "/changes"+tc.query)
		for _, part := range tc.want {
			if got := p.one(t, "article.changes").words(); p.status != http.StatusOK || !strings.Contains(got, part) {
				t.Errorf("%s: %d lacks %q: %s", tc.query, p.status, part, got)
			}
		}
	}
	p := fetch(t, h, "/changes?from=2026-11-02&to=2026-11-03")
	link := p.one(t, "tbody td a").attr["href"]
	if diff := fetch(t, h, link); diff.status != http.StatusOK || !strings.Contains(diff.one(t, "h1").words(), "v2 → v3") {
		t.Errorf("%s: %d", link, diff.status)
	}
	for _, bad := range []string{"?from=never", "?from=2026-11-03&to=2026-11-02", "?from=1&to=99999", "?from=2026-11-02&clock=wall"} {
		if p := fetch(t, h, "/changes"+bad); p.status != http.StatusBadRequest || len(p.all("p.problem")) != 1 || len(p.all("#from")) != 1 {
			t.Errorf("%s: %d", bad, p.status)
		}
	}
	if p := fetch(t, h, "/changes?from=2026-11-02&after=x"); p.status != http.StatusBadRequest {
		t.Errorf("a cursor that is none: %d", p.status)
	}
	if p := fetch(t, h, "/changes"); p.status != http.StatusOK {
		t.Errorf("without moments: %d", p.status)
	}
}

// The pages of a long list of changes lead through all of them, each once.
func TestChangesArePaged(t *testing.T) {
	h := handler(t, many(t, changesPage*2+7))
	at, seen := "/changes?from=2020-01-01&what=added", make(map[string]bool)
	for pages := 0; at != ""; pages++ {
		p := fetch(t, h, at)
		if p.status != http.StatusOK || pages > 3 {
			t.Fatalf("%s: %d", at, p.status)
		}
		for _, n := range p.all("tbody th a") {
			if id := n.words(); seen[id] {
				t.Errorf("%s is there twice", id)
			} else {
				seen[id] = true
			}
		}
		at = ""
		for _, a := range p.all("nav.pages a") {
			if a.attr["rel"] == "next" {
				at = a.attr["href"]
			}
		}
	}
	if len(seen) != changesPage*2+7 {
		t.Errorf("%d records on the pages", len(seen))
	}
}
