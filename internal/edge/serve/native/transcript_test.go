package native

import (
	"cmp"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// questions are asked of the test's world for the transcripts, by operation. A line "Name: value" is a header of the question
// before it.
var questions = map[string][]string{
	"search": {"search", "search?q=vendor:jetbrains&facets=severity,cwe&explain=1", "search?q=認証回避", "search?limit=1&sort=oldest", "search?q=state:rejected&at=2026-03-05",
		"search?q=bypass&size=1", "search?limit=0&facets=state,vendor&top=1", "search?q=vendr:x", "search?q=(a", "search?q=published:2024-13", "search?limit=x", "search?limit=1001", "search?colour=red", "search?q=a&q=b",
		"search?sort=up", "search?sort=relevance", "search?cursor=AAAA", "search?facets=colour", "search?at=soon", "search?size=999", "search?clock=sun", "HEAD search", "OPTIONS search", "POST search", "search?%"},
	"complete":           {"complete?q=ven", "complete?q=vendor:je", "complete?q=severity>=hi", "complete?q=vendor:je%20x&cursor=9", "complete?q=a&cursor=5"},
	"list-fields":        {"fields"},
	"get-record":         {"records/CVE-2024-1001", "records/cve-2024-1001?at=2026-01-31", "records/CVE-2024-1001?size=1", "records/CVE-2024-1001?at=2024-01-10&clock=source", "records/CVE-2025-2001?at=2026-01-31", "records/CVE-2025-2001?at=2020-01-01", "records/CVE-2024-1002?at=2026-03-05T12:00:00Z", "records/CVE-2026-3001", "records/CVE-2099-0001", "records/CVE-1", "records/x?at=never"},
	"get-raw-record":     {"records/CVE-2024-1001/raw", "records/CVE-2024-1001/raw?at=2026-01-31", "records/CVE-2026-3001/raw"},
	"list-versions":      {"records/CVE-2024-1002/versions", "records/CVE-2026-3001/versions", "records/CVE-2099-0001/versions"},
	"get-version":        {"records/CVE-2024-1001/versions/0", "records/CVE-2024-1001/versions/1", "records/CVE-2024-1001/versions/x"},
	"diff-record":        {"records/CVE-2024-1001/diff", "records/CVE-2024-1002/diff?from=2026-01-31&to=2026-03-31", "records/CVE-2024-1002/diff?from=2020-01-01&to=1", "records/CVE-2024-1001/diff?from=0&to=0", "records/CVE-2024-1001/diff?from=77", "records/CVE-2024-1001/diff?to=soon"},
	"get-proof":          {"records/CVE-2024-1001/proof", "records/CVE-2024-1002/proof", "records/CVE-2099-0001/proof"},
	"list-changes":       {"changes", "changes?since=3&limit=2", "changes?q=vendor:acme", "changes?q=state:rejected", "changes?since=99", "changes?since=-1"},
	"stream-changes":     {"changes/stream?since=99", "changes/stream?q=(", "changes/stream?since=x", "HEAD changes/stream"},
	"diff-lists":         {"diff?from=2026-01-31", "diff?from=2026-01-31&to=2026-03-31", "diff?from=2&kinds=erased,withdrawn", "diff?from=2026-01-31&limit=1", "diff?from=2024-01-31&to=2025-12-31&clock=source", "diff", "diff?from=2026-03-31&to=2026-01-31", "diff?from=1&kinds=odd"},
	"list-vendors":       {"vendors", "vendors?prefix=JET", "vendors?limit=1", "vendors?q=severity>=high", "vendors?cursor=x"},
	"get-vendor":         {"vendors/jetbrains", "vendors/JetBrains", "vendors/%E6%97%A5%E6%9C%AC%E8%A3%BD%E4%BD%9C%E6%89%80", "vendors/nobody"},
	"list-products":      {"products?prefix=t"},
	"get-product":        {"products/teamcity", "products/a%2Fb"},
	"list-weaknesses":    {"weaknesses"},
	"get-weakness":       {"weaknesses/cwe-306", "weaknesses/CWE-1"},
	"list-assigners":     {"assigners"},
	"get-assigner":       {"assigners/acme"},
	"get-statistics":     {"stats", "stats?q=kev:yes", "stats?at=2026-01-31", "stats?q=)"},
	"export":             {"export", "export?q=vendor:acme&form=original", "export?form=envelope&at=2026-01-31", "export?form=odd", "export?q=changed:>7d", "HEAD export"},
	"search-feed":        {"search.atom", "search.atom?q=severity:critical&limit=1", "search.atom?q=)"},
	"get-openapi":        {"HEAD openapi.json"},
	"get-openapi-30":     {"HEAD openapi-3.0.json"},
	"list-organizations": {"organizations", "organizations?q=sons", "organizations?role=CNA&limit=1&offset=1", "organizations?role=NONE"},
	"get-organization":   {"organizations/acme", "organizations/ISLE", "organizations/nobody"},
	"get-responsible": {"responsible?vendor=Acme&product=rocket", "responsible?vendor=acme&product=thing", "responsible?vendor=acme&product=fossil", "responsible?vendor=acme&product=rocket&eol=true",
		"responsible?purl=pkg:npm/x", "responsible"},
	"list-clocks":       {"clocks", "clocks?org=acme", "clocks?org=nobody"},
	"list-disputes":     {"disputes", "disputes?workflow=refusal&state=open", "disputes?state=ended", "disputes?workflow=odd"},
	"get-continuity":    {"continuity", "continuity?x=1"},
	"get-dispute":       {"disputes/{case}", "disputes/nothing"},
	"no-such-operation": {"", "nothing", "records", "records/CVE-2024-1001/nothing"},
}

// governed are the operations that need an authority.
var governed = map[string]int{"list-organizations": 1, "get-organization": 1, "get-responsible": 1, "list-clocks": 1, "list-disputes": 1, "get-dispute": 1}

// shownHeaders are those that a transcript shows.
var shownHeaders = []string{"Access-Control-Allow-Methods", "Access-Control-Allow-Origin", "Allow", "Cache-Control", "Content-Type", "ETag", "Retry-After", "Tasuki-Size", "Tasuki-Total"}

var volatile = regexp.MustCompile(`"micros":\d+`)

func transcribe(question string, w *httptest.ResponseRecorder) string {
	if !strings.Contains(question, " ") {
		question = "GET " + question
	}
	method, path, _ := strings.Cut(question, " ")
	var b strings.Builder
	fmt.Fprintf(&b, "> %s %s%s\n< %d\n", method, Prefix, path, w.Code)
	for _, name := range shownHeaders {
		value := w.Header().Get(name)
		if name == "ETag" && (strings.Contains(path, "explain") || strings.Contains(path, "openapi")) && value != "" {
			value = `W/"…"` // over a text that is volatile, or long and kept elsewhere
		}
		if value != "" {
			fmt.Fprintf(&b, "< %s: %s\n", name, value)
		}
	}
	// A transcript is read by people: an object's members on lines of their own.
	body := volatile.ReplaceAllString(w.Body.String(), `"micros":0`)
	if kind := w.Header().Get("Content-Type"); strings.HasSuffix(kind, "json") && strings.Count(body, "\n") == 1 {
		body = strings.NewReplacer(`,"`, ",\n\"", `[{`, "[\n{").Replace(body)
	}
	return b.String() + "\n" + body + "\n"
}

// Every operation has a transcript, and both engines answer by the letter what it says.
func TestTranscripts(t *testing.T) {
	ids := operations(t)
	ids["no-such-operation"] = ""
	for id := range questions {
		if _, ok := ids[id]; !ok {
			t.Errorf("there is no operation %s", id)
		}
	}
	said := map[string]map[string]string{} // by engine and operation
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := found(t, db)
		tell(t, w.World)
		all := map[string]string{}
		// The authority begins last: what is asked about records says how large the log is.
		begun, order := "", slices.Sorted(maps.Keys(ids))
		slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(governed[a], governed[b]) })
		for _, id := range order {
			if governed[id] > 0 && begun == "" {
				begun = govern(t, w)
			}
			if len(questions[id]) == 0 {
				t.Errorf("the operation %s has no transcript", id)
			}
			var b strings.Builder
			for _, q := range questions[id] {
				b.WriteString(transcribe(q, ask(w, strings.ReplaceAll(strings.ReplaceAll(q, "q=認証回避", "q=%E8%AA%8D%E8%A8%BC%E5%9B%9E%E9%81%BF"), "{case}", begun))))
			}
			all[id] = b.String()
			name := filepath.Join("testdata", "transcripts", id+".txt")
			if *update {
				if err := os.WriteFile(name, []byte(all[id]), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if got := all[id]; got != string(want) {
				t.Errorf("%s differs from its transcript:\n%s", id, firstDifference(got, string(want)))
			}
		}
		said[t.Name()] = all
	})
	if len(said) != 2 {
		t.Errorf("%d engines answered", len(said))
	}
	files, _ := filepath.Glob("testdata/transcripts/*.txt")
	if len(files) != len(ids) {
		t.Errorf("%d transcripts for %d operations", len(files), len(ids))
	}
}

// firstDifference shows the first line in which two texts differ.
func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d\n got %s\nwant %s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(a), len(b))
}
