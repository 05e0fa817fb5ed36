package main

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"tasuki/internal/query"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve"
	"tasuki/spec/nvd"
)

// conformanceNow is when the conformance test takes place. The clock stands still, so that both nodes stamp alike.
var conformanceNow = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// Both engines give the same answers to everything that can be asked, byte for byte, but for the list's id and how long a
// search took.
func TestEnginesAgree(t *testing.T) {
	if testing.Short() {
		t.Skip("asks thousands of questions twice")
	}
	now := func() time.Time { return conformanceNow }
	c := &conformance{T: t,
		sqlite:   openKit(t, kitOptions{now: now}),
		postgres: openKit(t, kitOptions{now: now, store: storetest.Postgres(t)}),
		asked:    map[string]bool{}, found: map[string]int{},
	}
	c.history(c.sqlite, c.postgres)
	c.everything(t)
	if a, b := c.sqlite.check(t), c.postgres.check(t); len(a) != len(projections()) || !maps.Equal(a, b) {
		t.Errorf("derived tables differ:\n%v\n%v", a, b)
	}
}

// everything asks both for all that anybody can ask a node for.
func (c *conformance) everything(t *testing.T) {
	c.learn()
	t.Run("by id", c.byID)
	t.Run("nvd", c.nvd)
	t.Run("native", c.native)
	t.Run("export", c.export)
	t.Run("web", c.web)
	t.Logf("%d requests, %d of them answered 200, %d bytes compared", len(c.asked), c.good, c.bytes)
	if len(c.asked) < 1500 || c.good < len(c.asked)*3/4 {
		t.Errorf("only %d requests, %d answered", len(c.asked), c.good)
	}
}

type conformance struct {
	*testing.T
	sqlite, postgres *kitNode
	asked            map[string]bool
	good             int
	bytes            int
	found            map[string]int // items found by NVD parameter

	ids                    []string
	own                    []string // identifiers of records that are the list's own
	words, phrases         []string
	cwes, tags, sources    []string
	vec2, vec3, vec4       []string
	vendors, days, kevDays []string
}

// made are records beyond the archives: what changes later, what is a day old to the millisecond, what ties, and what a
// database might sort or compare by rules of its own.
func made() (first, second []byte) {
	at := func(ago time.Duration) string { return conformanceNow.Add(-ago).Format("2006-01-02T15:04:05.000Z") }
	const day = 24 * time.Hour
	for _, r := range [][7]string{
		{"CVE-2026-9001", "PUBLISHED", at(day), at(day), "zebra", "en", "Exactly a day old"},
		{"CVE-2026-9002", "PUBLISHED", at(day - time.Millisecond), at(day), "Ärger", "en", "A millisecond short of a day"},
		{"CVE-2026-10000", "PUBLISHED", at(time.Hour), at(time.Hour), "_under", "en", "Ties with two others by date"},
		{"CVE-2026-9999", "PUBLISHED", at(time.Hour), at(time.Hour), "Zebra", "en", "Ties with two others by date"},
		{"CVE-2026-100000", "PUBLISHED", at(time.Hour), at(time.Hour), "apfel", "en", "Ties with two others by date"},
		{"CVE-2026-9101", "PUBLISHED", at(90 * day), at(90 * day), "日本製作所", "ja", "日本製作所の管理画面には認証回避の脆弱性が存在します。"},
		{"CVE-2026-9102", "PUBLISHED", at(91 * day), at(91 * day), "東京電網", "ja", "任意のコードを実行される可能性があります。管理者権限は不要です。"},
		{"CVE-2026-9103", "PUBLISHED", "2026-05-01T00:00:00", "2026-05-01T00:00:00", "ｶﾀｶﾅ", "ja", "ｶﾀｶﾅとカタカナは同じ言葉です"},
		{"CVE-2026-9104", "PUBLISHED", at(30 * day), at(30 * day), "%_\\'\"", "en", "Patterns: 100% _ \\ ' \" -- ;"},
	} {
		first = append(first, kitRecord(r[0], r[1], r[2], r[3], r[4], r[5], r[6])...)
	}
	for _, r := range [][7]string{
		{"CVE-2026-9001", "PUBLISHED", at(day), at(time.Minute), "zebra", "en", "Exactly a day old, and better described"},
		{"CVE-2026-9101", "REJECTED", at(90 * day), at(time.Minute), "日本製作所", "ja", "重複のため却下"},
		{"CVE-2026-9104", "PUBLISHED", at(30 * day), at(40 * day), "stale", "en", "An older text that must not win"},
		{"CVE-2026-9105", "PUBLISHED", at(400 * day), at(400 * day), "late", "en", "Published long ago, learnt today"},
	} {
		second = append(second, kitRecord(r[0], r[1], r[2], r[3], r[4], r[5], r[6])...)
	}
	return first, second
}

// history brings the same into each node, some of it twice.
func (c *conformance) history(nodes ...*kitNode) {
	first, second := made()
	dir := c.TempDir()
	var paths []string
	for name, raw := range map[string][]byte{"first.jsonl": first, "second.jsonl": second} {
		paths = append(paths, filepath.Join(dir, name))
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
			c.Fatal(err)
		}
	}
	slices.Sort(paths)
	if extra, ok := hasRealArchive("cve5-extra-newer.zip"); ok {
		paths = slices.Insert(paths, 1, extra)
	}
	var sizes []int64
	for _, k := range nodes {
		if sum := k.bringSample(c); sum.Added != 520 {
			c.Fatalf("sample: %+v", sum)
		}
		for _, path := range append(paths, paths[0]) {
			sum, _ := k.bring(c, path)
			if sum.Refused > 0 {
				c.Fatalf("%s: %+v", path, sum)
			}
			sizes = append(sizes, sum.Size)
		}
	}
	if half := len(sizes) / 2; len(nodes) == 2 && !slices.Equal(sizes[:half], sizes[half:]) {
		c.Fatalf("sizes of the logs %v", sizes)
	}
}

// learn reads from the sample what can be asked about.
func (c *conformance) learn() {
	files := openSample(c)
	c.ids = slices.Sorted(maps.Keys(files))
	add := func(to *[]string, values ...string) {
		for _, v := range values {
			if v != "" && !slices.Contains(*to, v) {
				*to = append(*to, v)
			}
		}
	}
	for i, id := range c.ids {
		raw, err := files.read(id)
		if err != nil {
			c.Fatal(err)
		}
		rec, err := cve.Decode(raw)
		if err != nil {
			c.Fatal(err)
		}
		f := nvd.Classify(rec)
		add(&c.cwes, f.CWE...)
		add(&c.tags, f.Tags...)
		add(&c.sources, f.Sources...)
		add(&c.vec2, f.Vec2...)
		add(&c.vec3, f.Vec30...)
		add(&c.vec3, f.Vec31...)
		add(&c.vec4, f.Vec40...)
		add(&c.kevDays, f.KEVAdded)
		if i%7 == 0 && !f.PublishedAt.IsZero() {
			add(&c.days, f.PublishedAt.UTC().Format(time.DateOnly))
		}
		text, _ := cve.Pick(rec.Containers.CNA.Descriptions, "en")
		if w := strings.Fields(text.Value); len(w) > 8 && i%9 == 0 {
			add(&c.words, w[1], w[5])
			add(&c.phrases, strings.Join(w[2:5], " "))
		}
		if a := rec.Containers.CNA.Affected; len(a) > 0 && i%5 == 0 {
			add(&c.vendors, strings.ToLower(strings.TrimSpace(a[0].Vendor)))
		}
	}
	first, second := made()
	for line := range strings.SplitSeq(string(first)+string(second), "\n") {
		if _, after, ok := strings.Cut(line, `"cveId":"`); ok {
			id, _, _ := strings.Cut(after, `"`)
			add(&c.ids, id)
		}
	}
	add(&c.ids, c.own...)
	add(&c.words, "a", "the", "xss", "sql", "脆弱性", "認証", "管理", "カタカナ", "東京", "Ärger", "100%", "_", "CVE-2024", "no-such-word-anywhere")
	if extra, ok := hasRealArchive("cve5-extra-newer.zip"); ok {
		add(&c.ids, slices.Sorted(maps.Keys(openRecords(c, extra)))...)
	}
}

// hasRealArchive is realArchive for who can do without.
func hasRealArchive(name string) (path string, ok bool) {
	found, err := filepath.Abs(filepath.Join("..", "..", "..", "shared", "data", "cvelist", name))
	if err != nil {
		return "", false
	}
	_, err = os.Stat(found)
	return found, err == nil
}

// copyNotice is the one line by which the pages of a mirror say that they are one's: what Tasuki-Size says of other answers.
var copyNotice = regexp.MustCompile(`<p class="notice calm"><a href="/mirrors">[^<]*</a></p>`)

var tookMillis = regexp.MustCompile(`(in |時点の答え（)[0-9.,]+( ms|&nbsp;ms| ミリ秒)`)

// answer is what both have to give alike.
func (k *kitNode) answer(path string, header ...string) (status int, text string) {
	w := k.ask(path, header...)
	list := k.chain.ListID()
	operator := k.chain.Head().Charter().Operator.Org
	normal := strings.NewReplacer(list, "{list}", list[:16], "{list16}", list[:8], "{list8}", operator, "{operator}")
	head := w.Header()
	head.Del("X-Request-Id")
	head.Del("Tasuki-Size") // of a mirror, which says how fresh it is
	head.Del("Tasuki-Checkpoint-Time")
	page := strings.HasPrefix(head.Get("Content-Type"), "text/html")
	if page {
		head.Del("ETag") // of a text with the list's id and the time in it
		head.Del("Content-Length")
	}
	if strings.Contains(w.Body.String(), list) || strings.Contains(w.Body.String(), operator) {
		head.Del("ETag") // of a text with the list's or its operator's id in it
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n", w.Code)
	for _, name := range slices.Sorted(maps.Keys(head)) {
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(head[name], ", "))
	}
	body := w.Body.String()
	if page {
		body = tookMillis.ReplaceAllString(body, "${1}0${2}")
		if k.follower != nil {
			body = copyNotice.ReplaceAllString(body, "")
		}
		body = ofCopy.ReplaceAllString(body, "")
	}
	return w.Code, normal.Replace(b.String() + "\n" + body)
}

// ofCopy is the sentence in the frame of a mirror's pages that says whose copy it is.
var ofCopy = regexp.MustCompile(`<p class="notice calm">.*?</p>`)

// same asks both and returns the body that both gave.
func (c *conformance) same(t *testing.T, path string, header ...string) string {
	t.Helper()
	status, a := c.sqlite.answer(path, header...)
	_, b := c.postgres.answer(path, header...)
	c.asked[path+strings.Join(header, "\n")] = true
	c.bytes += len(a)
	if status == http.StatusOK {
		c.good++
	}
	if status >= 500 {
		t.Errorf("%s: %.300s", path, a)
	}
	if a != b {
		at := 0
		for at < min(len(a), len(b)) && a[at] == b[at] {
			at++
		}
		from := max(0, at-200)
		t.Errorf("%s: the answers differ at byte %d\nsqlite:   %.400q\npostgres: %.400q", path, at, a[from:], b[from:])
	}
	_, body, _ := strings.Cut(a, "\n\n")
	return body
}

func (c *conformance) byID(t *testing.T) {
	for _, id := range c.ids {
		c.same(t, "/api/cve/"+id)
		c.same(t, "/cve/"+id+".json")
	}
	for _, id := range []string{"CVE-2099-0001", "cve-2024-0001", "CVE-1-1", "", "CVE-2024-99999999999999999999", "%00", "%E2%82"} {
		c.same(t, "/api/cve/"+id)
	}
	for _, query := range []string{"", "?state=PUBLISHED", "?state=rejected", "?state=RESERVED", "?state=", "?state=%22", "?other=1", "?state=PUBLISHED&state=REJECTED", "?%"} {
		c.same(t, "/api/cve_count"+query)
	}
	for _, path := range []string{"/api/health-check", "/API/CVE/CVE-1999-0001", "/api/", "/api/org", "/charter/none.json", "/proof/CVE-2099-0001", "/tile/0/999999", "/body/00/00"} {
		c.same(t, path)
	}
}

// sample picks at most n values, evenly.
func sample(values []string, n int) []string {
	var out []string
	for i := range min(n, len(values)) {
		out = append(out, values[i*len(values)/min(n, len(values))])
	}
	return out
}

func (c *conformance) native(t *testing.T) {
	const search = "/api/v1/search?"
	type reply struct {
		Total  int
		Next   string
		Hits   []struct{ ID string }
		Facets map[string][]struct{ Value string }
	}
	read := func(body string) (r reply) {
		if err := json.Unmarshal([]byte(body), &r, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		return r
	}
	dims := []string{"assigner", "cwe", "has", "kev", "lang", "product", "reference", "severity", "source", "ssvc", "state", "status", "tag", "vendor", "year"}
	all := read(c.same(t, search+"limit=0&facets="+strings.Join(dims, ",")))
	var narrow []string
	for _, dim := range dims {
		if len(all.Facets[dim]) == 0 {
			t.Errorf("the facet %s is empty", dim)
		}
		for _, v := range all.Facets[dim] {
			narrow = append(narrow, dim+":"+query.Quote(v.Value))
		}
	}
	for _, n := range narrow {
		if r := read(c.same(t, search+url.Values{"q": {n}, "facets": {strings.Join(dims, ",")}}.Encode())); r.Total == 0 {
			t.Errorf("%s was counted and is not found", n)
		}
	}
	for i, w := range slices.Concat(c.words, c.phrases, []string{`"remote code execution"`, "認証回避", "ｶﾀｶﾅ", "", "  ", `"`, strings.Repeat("x", 1001)}) {
		q := url.Values{"q": {w}}.Encode()
		for _, sort := range []string{"newest", "oldest", "relevance"} {
			c.same(t, search+q+"&limit=50&facets=severity,vendor,year&sort="+sort)
		}
		c.same(t, search+url.Values{"q": {w + " " + narrow[i%len(narrow)]}, "sort": {"severity"}}.Encode())
		c.same(t, "/api/v1/complete?"+q)
	}
	for _, v := range c.vendors {
		c.same(t, search+url.Values{"q": {"vendor:" + query.Quote(v)}, "facets": {"vendor,product"}}.Encode())
		c.same(t, "/api/v1/vendors/"+url.PathEscape(v))
	}
	for _, d := range sample(c.days, 20) {
		for _, name := range []string{"published", "changed"} {
			for _, span := range []string{d, d + "..", ".." + d, "2020-01-01.." + d} {
				c.same(t, search+"q="+name+":"+span)
			}
		}
	}
	for _, wrong := range []string{"colour=red", "sort=up", "limit=-1", "limit=1001", "limit=x", "cursor=%25", "cursor=AAAA", "facets=colour", "published=2024-01-01", "q=published:soon", "q=vendr:x", "q=((", "at=soon", "size=0", "clock=sun", "sort=relevance", "q=a&q=b"} {
		c.same(t, search+wrong)
	}
	// Cursors to the very end: each record once.
	for _, query := range []string{"limit=37", "limit=100&sort=oldest", "limit=11&q=the&sort=relevance", "limit=7&q=severity>=high"} {
		seen, cursor := map[string]bool{}, ""
		for {
			r := read(c.same(t, search+query+cursor))
			for _, h := range r.Hits {
				if seen[h.ID] {
					t.Errorf("%s gives %s twice", query, h.ID)
				}
				seen[h.ID] = true
			}
			if r.Next == "" {
				if len(seen) != r.Total || len(seen) == 0 {
					t.Errorf("%s ends after %d of %d", query, len(seen), r.Total)
				}
				break
			}
			cursor = "&cursor=" + url.QueryEscape(r.Next)
		}
	}
	for _, path := range []string{"stats", "stats?q=kev:yes", "stats?size=300", "nothing", "fields", "openapi.json", "openapi-3.0.json", "vendors", "vendors?limit=7&prefix=m", "products?q=severity:critical",
		"weaknesses?limit=1000", "assigners", "assigners/mitre", "weaknesses/CWE-79", "products/nobody", "changes?limit=1000", "changes?since=400&q=severity>=high", "diff?from=300", "diff?from=100&to=500&limit=50",
		"diff?from=2020-01-01&to=2024-06-30&clock=source&limit=1000", "diff?from=9999999", "search.atom", "search.atom?q=severity:critical"} {
		c.same(t, "/api/v1/"+path)
	}
	for i, id := range c.ids {
		switch i % 8 {
		case 0:
			c.same(t, "/api/v1/records/"+id)
			c.same(t, "/api/v1/records/"+id+"/versions")
		case 2:
			c.same(t, "/api/v1/records/"+id+"?size="+strconv.Itoa(1+i%600))
			c.same(t, "/api/v1/records/"+id+"/raw")
		case 4:
			c.same(t, "/api/v1/records/"+id+"/diff")
			c.same(t, search+"limit=5&facets=severity,has&sort=changed&size="+strconv.Itoa(1+i%600))
		case 6:
			c.same(t, "/api/v1/records/"+id+"?at=2024-03-05&clock=source")
			c.same(t, search+"limit=5&q=severity>=medium&at=2024-03-05&clock=source")
		}
	}
}

func (c *conformance) export(t *testing.T) {
	for _, query := range []string{"", "?form=original", "?form=compact&q=severity:high", "?q=the", "?q=state:rejected&form=original", "?form=envelope", "?q=the&size=400", "?q=the&sort=oldest", "?form=odd", "?colour=red"} {
		body := c.same(t, "/api/v1/export"+query)
		if lines := strings.Count(body, "\n"); query == "" && lines != len(c.ids) {
			t.Errorf("%d lines for %d records", lines, len(c.ids))
		}
	}
}

func (c *conformance) web(t *testing.T) {
	for i, id := range c.ids {
		if i%4 == 0 || strings.HasPrefix(id, "CVE-2026-9") {
			c.same(t, "/cve/"+id, "Accept-Language: en")
		}
		if i%16 == 0 {
			c.same(t, "/cve/"+id, "Accept-Language: ja")
		}
	}
	next := regexp.MustCompile(`href="(/search\?[^"]*after=[^"]*)"`)
	for i, w := range slices.Concat([]string{""}, c.words) {
		query := url.Values{"q": {w}, "sort": {[]string{"newest", "oldest", "relevance"}[i%3]}}
		switch i % 5 {
		case 1:
			query["severity"] = []string{"high", "critical"}
		case 2:
			query.Set("year", "2024")
		case 3:
			query.Set("changed", "30")
		}
		path := "/search?" + query.Encode()
		for range 3 { // the first pages
			m := next.FindStringSubmatch(c.same(t, path, "Accept-Language: "+[]string{"en", "ja"}[i%2]))
			if m == nil {
				break
			}
			path = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	for _, path := range []string{"/", "/search", "/sources", "/search?q=CVE-2024-0001", "/search?sort=up", "/search?published=0", "/cve/cve-2024-1", "/cve/CVE-2099-0001", "/cve/x", "/nothing"} {
		c.same(t, path, "Accept-Language: en")
		c.same(t, path, "Accept-Language: ja")
	}
}
