package form

import (
	"archive/zip"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/spec/cve"
	"tasuki/spec/cve/schema"
	"tasuki/spec/cvss"
)

// sent is what a browser sends of a form that nobody touched.
func sent(s *State) map[string][]string {
	values := map[string][]string{}
	var walk func(parts []Part)
	crlf := func(text string) string { return strings.ReplaceAll(Typed(text, false), "\n", "\r\n") }
	walk = func(parts []Part) {
		for _, p := range parts {
			if p.Odd != "" {
				continue
			}
			switch p.Shape.Kind {
			case Rows:
				for _, row := range p.Rows {
					walk(row.Parts)
				}
			case Group:
				walk(p.Parts)
			case Tags:
				values[p.Name] = append([]string{""}, p.Field.Chosen...)
				values[p.Name+"#other"] = []string{Typed(p.Field.Text, true)}
			case Bound:
				values[p.Name] = []string{Typed(p.Field.Text, true)}
				values[strings.TrimSuffix(p.Name, "#to")+"#bound"] = []string{p.Field.Which}
			case Vector:
				if p.Absent {
					continue
				}
				values[p.Control()] = []string{Typed(p.Field.Text, true)}
				for _, m := range cvss.Grammar(p.Field.Version) {
					values[p.Control()+"#"+m.Abbr] = []string{p.Field.Metrics[m.Abbr]}
				}
			case Prose, List:
				values[p.Name] = []string{crlf(p.Field.Text)}
			case Time:
				text := Typed(p.Field.Text, true)
				if IsMoment(text) {
					text = strings.TrimSuffix(text, ":00") // as browsers write whole minutes
				}
				values[p.Name] = []string{text}
			default:
				values[p.Name] = []string{Typed(p.Field.Text, true)}
			}
		}
	}
	walk(s.Parts())
	return values
}

func canonical(t testing.TB, raw []byte) string {
	t.Helper()
	v := jsontext.Value(slices.Clone(raw))
	if err := v.Canonicalize(); err != nil {
		t.Fatal(err)
	}
	return string(v)
}

// untouched puts a container through the form as a browser would.
func untouched(t testing.TB, raw []byte) []byte {
	t.Helper()
	s, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	s.Invite()
	draft, err := Parse(s.Encode()) // what a draft keeps is read again
	if err != nil {
		t.Fatal(err)
	}
	draft.Apply(sent(draft))
	out, _ := draft.Clean()
	return out
}

func container(raw []byte) ([]byte, bool) {
	s, err := Parse(raw)
	if err != nil {
		return nil, false
	}
	v := s.root.at("/containers/cna")
	if v == nil {
		return nil, false
	}
	return v.append(nil), true
}

func TestSamplesAreUntouched(t *testing.T) {
	paths, err := filepath.Glob("../testdata/records/*.json")
	if err != nil || len(paths) < 20 {
		t.Fatalf("%d samples, %v", len(paths), err)
	}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		cna, ok := container(raw)
		if !ok {
			t.Fatalf("%s has no CNA container", path)
		}
		if got, want := canonical(t, untouched(t, cna)), canonical(t, cna); got != want {
			t.Errorf("%s:\n got %s\nwant %s", path, got, want)
		}
	}
}

// Every CNA container of the CVE List that is at hand goes through the form unchanged.
func TestArchiveIsUntouched(t *testing.T) {
	files := 0
	for _, name := range []string{"vulnrichment-cve5.zip", "cve5-extra-newer.zip"} {
		path := filepath.Join("..", "..", "..", "..", "shared", "data", "cvelist", name)
		if _, err := os.Stat(path); err != nil {
			t.Skip("the real data set is not on this machine")
		}
		zr, err := zip.OpenReader(path)
		if err != nil {
			t.Fatal(err)
		}
		defer zr.Close()
		nth := 1
		if testing.Short() && name == "vulnrichment-cve5.zip" {
			nth = 50
		}
		for i, f := range zr.File {
			if i%nth != 0 || !strings.HasSuffix(f.Name, ".json") {
				continue
			}
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			raw, err := io.ReadAll(r)
			r.Close()
			if err != nil {
				t.Fatal(err)
			}
			cna, ok := container(raw)
			if !ok {
				continue
			}
			files++
			if got, want := canonical(t, untouched(t, cna)), canonical(t, cna); got != want {
				t.Fatalf("%s:\n got %s\nwant %s", f.Name, got, want)
			}
		}
	}
	t.Logf("%d containers", files)
}

// Blank rows are what no valid container has, so that dropping them loses nothing.
func TestBlankRowsAreBlankAndInvalid(t *testing.T) {
	v, err := schema.NewValidator()
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse([]byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	s.Invite()
	add := func(parts []Part) {
		for _, p := range parts {
			if p.Shape.Kind != Rows {
				continue
			}
			if len(p.Rows) == 0 {
				variant := ""
				if p.Shape.Name == "metrics" {
					variant = "cvssV3_1"
				}
				if _, ok := s.Add(p.Name, variant); !ok {
					t.Errorf("no row for %s", p.Name)
				}
			}
		}
	}
	add(s.Parts())
	for _, p := range s.Parts() {
		for _, row := range p.Rows {
			add(row.Parts)
		}
	}
	if got, _ := s.Clean(); string(got) != `{}` {
		t.Errorf("blank rows leave %s", got)
	}
	for _, k := range Container.Kids {
		if k.Kind != Rows {
			continue
		}
		found := v.Container(schema.CNAPublished, []byte(`{"`+k.Name+`":[`+k.Blank+`]}`))
		if !slices.ContainsFunc(found, func(f cve.Finding) bool { return strings.HasPrefix(f.Pointer, "/"+k.Name+"/0") }) {
			t.Errorf("the format would take a blank row of %s: %v", k.Name, found)
		}
	}
}

func TestTyping(t *testing.T) {
	for _, tc := range []struct{ name, before, field, typed, after string }{
		{"a title", `{}`, "/title", " A flaw \n", `{"title":"A flaw"}`},
		{"a title cleared", `{"title":"A"}`, "/title", "", `{}`},
		{"prose keeps its lines", `{"descriptions":[{"lang":"en","value":"a"}]}`, "/descriptions/0/value", "a\r\nb", `{"descriptions":[{"lang":"en","value":"a\nb"}]}`},
		{"prose as it was", `{"descriptions":[{"lang":"en","value":" a\r\nb "}]}`, "/descriptions/0/value", " a\r\nb ", `{"descriptions":[{"lang":"en","value":" a\r\nb "}]}`},
		{"members in their order", `{"references":[{"url":"https://a.example/"}],"x_a":1}`, "/title", "T", `{"title":"T","references":[{"url":"https://a.example/"}],"x_a":1}`},
		{"a list", `{"affected":[{"vendor":"v"}]}`, "/affected/0/platforms", "Linux\r\n\r\n Windows ", `{"affected":[{"vendor":"v","platforms":["Linux","Windows"]}]}`},
		{"routines are objects", `{"affected":[{"vendor":"v"}]}`, "/affected/0/programRoutines", "main", `{"affected":[{"vendor":"v","programRoutines":[{"name":"main"}]}]}`},
		{"lines that stay keep their element", `{"affected":[{"modules":["a\nb","c"]}]}`, "/affected/0/modules", "a b\r\nd", `{"affected":[{"modules":["a\nb","d"]}]}`},
		{"a group is made", `{}`, "/source/discovery", "INTERNAL", `{"source":{"discovery":"INTERNAL"}}`},
		{"and goes with its last member", `{"source":{"discovery":"INTERNAL"}}`, "/source/discovery", "", `{}`},
		{"a weakness by its number", `{"problemTypes":[{"descriptions":[{"lang":"en"}]}]}`, "/problemTypes/0/descriptions/0/cweId", "79",
			`{"problemTypes":[{"descriptions":[{"cweId":"CWE-79","description":"CWE-79 Improper Neutralization of Input During Web Page Generation ('Cross-site Scripting')","lang":"en","type":"CWE"}]}]}`},
		{"another weakness", `{"problemTypes":[{"descriptions":[{"cweId":"CWE-20","description":"CWE-20 Improper Input Validation","lang":"en"}]}]}`,
			"/problemTypes/0/descriptions/0/cweId", "cwe-0352 cross",
			`{"problemTypes":[{"descriptions":[{"cweId":"CWE-352","description":"CWE-352 Cross-Site Request Forgery (CSRF)","lang":"en","type":"CWE"}]}]}`},
		{"own words stay", `{"problemTypes":[{"descriptions":[{"cweId":"CWE-20","description":"mine","lang":"en"}]}]}`,
			"/problemTypes/0/descriptions/0/cweId", "CWE-352", `{"problemTypes":[{"descriptions":[{"cweId":"CWE-352","description":"mine","lang":"en","type":"CWE"}]}]}`},
		{"a moment", `{}`, "/datePublic", "2026-11-21T21:00", `{"datePublic":"2026-11-21T21:00:00.000Z"}`},
		{"a moment as it was", `{"datePublic":"2026-11-21T21:00:07.123+09:00"}`, "/datePublic", "2026-11-21T12:00:07", `{"datePublic":"2026-11-21T21:00:07.123+09:00"}`},
		{"no moment", `{}`, "/datePublic", "soon", `{"datePublic":"soon"}`},
		{"a range's end", `{"affected":[{"versions":[{"version":"0","status":"affected"}]}]}`, "/affected/0/versions/0#to", "2.1",
			`{"affected":[{"versions":[{"version":"0","status":"affected","lessThan":"2.1"}]}]}`},
		{"a range without an end", `{"affected":[{"versions":[{"version":"0","lessThanOrEqual":"2"}]}]}`, "/affected/0/versions/0#to", "", `{"affected":[{"versions":[{"version":"0"}]}]}`},
		{"what is odd is left alone", `{"title":7,"tags":"disputed"}`, "/title", "x", `{"title":7,"tags":"disputed"}`},
		{"no such row", `{"references":[{"url":"u"}]}`, "/references/1/url", "x", `{"references":[{"url":"u"}]}`},
		{"no such field", `{"x_a":"1"}`, "/x_a", "2", `{"x_a":"1"}`},
	} {
		s, err := Parse([]byte(tc.before))
		if err != nil {
			t.Fatal(err)
		}
		s.Apply(map[string][]string{tc.field: {tc.typed}})
		if got, _ := s.Clean(); string(got) != tc.after {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, tc.after)
		}
	}
}

func TestBoundsAndTags(t *testing.T) {
	s, err := Parse([]byte(`{"affected":[{"versions":[{"version":"0","status":"affected","lessThan":"2"}]}],"tags":["x_b","disputed"]}`))
	if err != nil {
		t.Fatal(err)
	}
	s.Apply(map[string][]string{
		"/affected/0/versions/0#to": {"2"}, "/affected/0/versions/0#bound": {lessThanOrEqual},
		"/tags": {"", "exclusively-hosted-service", "disputed"}, "/tags#other": {"x_b, x_c"},
	})
	want := `{"affected":[{"versions":[{"version":"0","status":"affected","lessThanOrEqual":"2"}]}],"tags":["x_b","disputed","exclusively-hosted-service","x_c"]}`
	if got := s.Encode(); string(got) != want {
		t.Errorf("got %s", got)
	}
	s.Apply(map[string][]string{"/tags": {""}, "/tags#other": {""}})
	if s.root.get("tags") != nil {
		t.Error("no tag is left, and the list is")
	}
	s.Apply(map[string][]string{"/tags": {"", "no such tag"}})
	if s.root.get("tags") != nil {
		t.Error("a tag that there is not was taken")
	}
}

// A vector made by choosing is the vector, whatever stood there; what else the object said of the old one goes or follows.
func TestVectorsByChoosing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, score := range Scores {
		for range 200 {
			s, err := Parse([]byte(`{"metrics":[{"` + score.Member + `":{"version":"` + score.Version + `","temporalScore":1,"attackVector":"PHYSICAL","accessVector":"LOCAL"}}]}`))
			if err != nil {
				t.Fatal(err)
			}
			at := "/metrics/0/" + score.Member + "/vectorString"
			values := map[string][]string{at: {""}}
			var parts []string
			for _, m := range cvss.Grammar(score.Version) {
				v := m.Values[rng.IntN(len(m.Values))].Short
				if m.Group != cvss.Base && rng.IntN(3) > 0 {
					v = ""
				}
				values[at+"#"+m.Abbr] = []string{v}
				if v != "" && v != cvss.Undefined(score.Version) {
					parts = append(parts, m.Abbr+":"+v)
				}
			}
			want := strings.Join(parts, "/")
			if score.Version != cvss.V20 {
				want = "CVSS:" + score.Version + "/" + want
			}
			s.Apply(values)
			member := s.root.at(jsontext.Pointer("/metrics/0/" + score.Member))
			parsed, err := cvss.Parse(want)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := member.get("vectorString").str(); got != want {
				t.Fatalf("%s, want %s", got, want)
			}
			if string(member.get("baseScore").raw) != string(number(parsed.Score()).raw) || member.get("temporalScore") != nil {
				t.Fatalf("%s scores %s", want, member.append(nil))
			}
			if v, ok := member.get("attackVector").str(); ok && v == "PHYSICAL" && !strings.Contains(want, "/AV:P") {
				t.Fatalf("%s still says %s", want, member.append(nil))
			}
		}
	}
}

func TestVectorByTextWins(t *testing.T) {
	s, err := Parse([]byte(`{"metrics":[{"cvssV3_1":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","baseScore":9.8,"baseSeverity":"CRITICAL"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	at := "/metrics/0/cvssV3_1/vectorString"
	s.Apply(map[string][]string{at: {"CVSS:3.1/AV:P/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L"}, at + "#AV": {"L"}})
	if got, want := string(s.Encode()), `{"metrics":[{"cvssV3_1":{"version":"3.1","vectorString":"CVSS:3.1/AV:P/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L","baseScore":2.4,"baseSeverity":"LOW"}}]}`; got != want {
		t.Errorf("got %s", got)
	}
	// Half a vector is kept as it is; no score belongs to it.
	s.Apply(map[string][]string{at + "#AV": {""}})
	if got, want := string(s.Encode()), `{"metrics":[{"cvssV3_1":{"version":"3.1","vectorString":"CVSS:3.1/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L"}}]}`; got != want {
		t.Errorf("got %s", got)
	}
	s.Apply(map[string][]string{at: {""}})
	if got, _ := s.Clean(); string(got) != `{}` {
		t.Errorf("a metric without a vector leaves %s", got)
	}
}

func TestRows(t *testing.T) {
	s, err := Parse([]byte(`{"references":[{"url":"a"},{"url":"b"}],"descriptions":[{"lang":"en","value":"v","supportingMedia":[{"type":"text/html","value":"v"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if name, ok := s.Copy("/references/0"); !ok || name != "/references/1" {
		t.Errorf("copied to %s", name)
	}
	if name, ok := s.Up("/references/2"); !ok || name != "/references/1" {
		t.Errorf("moved to %s", name)
	}
	if !s.Remove("/references/0") || !s.Remove("/descriptions/0/supportingMedia") {
		t.Error("not removed")
	}
	if got, want := string(s.Encode()), `{"references":[{"url":"b"},{"url":"a"}],"descriptions":[{"lang":"en","value":"v"}]}`; got != want {
		t.Errorf("got %s", got)
	}
	if name, ok := s.Add("/metrics", "cvssV4_0"); !ok || name != "/metrics/0" {
		t.Errorf("added %s", name)
	}
	if name, ok := s.Add("/affected/0/versions", ""); ok {
		t.Errorf("added %s to nothing", name)
	}
	for _, name := range []string{"", "/", "/title", "/x_a", "/references/0", "/references/-", "/source", "/affected"} {
		before := string(s.Encode())
		if _, ok := s.Add(name, "url"); ok != (name == "/affected") || !ok && string(s.Encode()) != before {
			t.Errorf("Add(%q) is %v", name, ok)
		}
	}
	for _, name := range []string{"", "/", "/references/2", "/references/01", "/references/-1", "/no/such"} {
		if s.Remove(name) {
			t.Errorf("removed %q", name)
		}
		if _, ok := s.Up(name); ok {
			t.Errorf("moved %q", name)
		}
		if _, ok := s.Copy(name); ok {
			t.Errorf("copied %q", name)
		}
	}
	if !s.Remove("/references/1") || !s.Remove("/references/0") || s.root.get("references") != nil {
		t.Error("a list without rows stays")
	}
}

// A finding about the clean container finds its control although blank rows stand before it.
func TestLocate(t *testing.T) {
	s, err := Parse([]byte(`{"descriptions":[{"lang":"en"},{"lang":"ja","value":"v"}],"affected":[{"versions":[{"status":"affected"},{"version":"1","status":"affected","lessThan":""}]}],
		"metrics":[{"format":"CVSS"},{"cvssV3_1":{"version":"3.1","vectorString":"CVSS:3.1/AV:N"}}],"references":[{}],"problemTypes":[],"tags":["a b"],"x_a":{"b":1}}`))
	if err != nil {
		t.Fatal(err)
	}
	clean, places := s.Clean()
	if want := `{"descriptions":[{"lang":"ja","value":"v"}],"affected":[{"versions":[{"version":"1","status":"affected","lessThan":""}]}],` +
		`"metrics":[{"cvssV3_1":{"version":"3.1","vectorString":"CVSS:3.1/AV:N"}}],"problemTypes":[],"tags":["a b"],"x_a":{"b":1}}`; string(clean) != want {
		t.Fatalf("clean is %s", clean)
	}
	for _, tc := range []struct{ pointer, message, want string }{
		{"/descriptions/0/value", "", "/descriptions/1/value"},
		{"/descriptions", "must hold a text in English", "/descriptions"},
		{"/affected/0/versions/0/lessThan", "must not be empty", "/affected/0/versions/1#to"},
		{"/affected/0/versions/0", `needs the member "versionType"`, "/affected/0/versions/1/versionType"},
		{"/affected/0", "needs vendor and product, or collectionURL and packageName", "/affected/0"},
		{"/metrics/0/cvssV3_1", `needs the member "baseScore"`, "/metrics/1/cvssV3_1/vectorString"},
		{"/metrics/0/cvssV3_1/vectorString", "", "/metrics/1/cvssV3_1/vectorString"},
		{"", `needs the member "references"`, "/references/0/url"},
		{"/tags/0", "", "/tags"},
		{"/x_a/b", "", ""},
		{"", "", ""},
	} {
		if got := s.Locate(cve.Finding{Pointer: tc.pointer, Message: tc.message}, places); got != tc.want {
			t.Errorf("%s %s is at %q, want %q", tc.pointer, tc.message, got, tc.want)
		}
	}
}

func TestDuties(t *testing.T) {
	rules := func(raw string) (out []string) {
		c, err := cve.DecodeContainer([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range CheckDuties("CVE-2026-1000", c) {
			if !slices.ContainsFunc(Duties, func(d Duty) bool { return d.Rule == f.Rule }) {
				t.Errorf("%s is no duty", f.Rule)
			}
			out = append(out, f.Rule+" "+f.Pointer)
		}
		return out
	}
	good := `"problemTypes":[{"descriptions":[{"lang":"en","description":"d"}]}],"affected":[{"vendor":"v","product":"p","defaultStatus":"unaffected","versions":[{"version":"0","status":"affected"}]}]`
	for _, tc := range []struct {
		raw  string
		want []string
	}{
		{`{` + good + `}`, nil},
		{`{}`, []string{"duty-type /problemTypes"}},
		{`{"problemTypes":[{}],"affected":[{"defaultStatus":"unaffected"}]}`, []string{"duty-affected /affected"}},
		{`{"problemTypes":[{}],"affected":[{"versions":[{"version":"1","status":"affected"}]}]}`, []string{"duty-fixed /affected"}},
		{`{` + good + `,"descriptions":[{"lang":"en","value":"Reported by Eve."}]}`, []string{"duty-credit /descriptions/0/value"}},
		{`{` + good + `,"references":[{"url":"https://www.cve.org/CVERecord?id=CVE-2026-1000"},{"url":"https://acme.example/CVE-2026-1000"}]}`, []string{"duty-itself /references/0/url"}},
		{`{` + good + `,"tags":["disputed","unsupported-when-assigned"]}`, []string{"duty-disputed /tags/0", "duty-unsupported /tags/1"}},
		{`{` + good + `,"tags":["disputed"],"descriptions":[{"lang":"en","value":"The vendor disputes this."}]}`, nil},
		{`{"problemTypes":[{}],"affected":[{"packageName":"p","defaultStatus":"unaffected","versions":[{"status":"affected"}]}],"tags":["exclusively-hosted-service"]}`, []string{"duty-hosted /tags/0"}},
	} {
		if got := rules(tc.raw); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.raw, got, tc.want)
		}
	}
}

func TestCWE(t *testing.T) {
	for typed, want := range map[string]string{
		"79": "CWE-79", " cwe-079 ": "CWE-79", "CWE-79: Cross": "CWE-79", "CWE-79 Cross": "CWE-79", "xss": "xss", "": "", "CWE-": "CWE-", "0": "0", "7x": "7x", "CWE-79,80": "CWE-79,80",
	} {
		if got := CWE(typed); got != want {
			t.Errorf("CWE(%q) = %q, want %q", typed, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, bad := range []string{"", "[]", "1", `{"a":1,"a":2}`, `{} {}`, `{"a":"` + "\xff" + `"}`} {
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("took %q", bad)
		}
	}
}
