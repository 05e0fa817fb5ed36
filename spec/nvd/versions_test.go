package nvd

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"tasuki/spec/cve"
)

// write shows a span the way people do.
func (s span) write() string {
	switch {
	case s.exact != "":
		return s.exact
	case s == span{}:
		return "any"
	}
	left, right := "[", ")"
	if s.loExcl {
		left = "("
	}
	if s.hiIncl {
		right = "]"
	}
	return left + s.lo + "," + s.hi + right
}

func TestAffectedSpans(t *testing.T) {
	for _, tc := range []struct{ name, affected, want, notes string }{
		{"single", `{"versions":[{"version":"1.2","status":"affected"},{"version":"1.3(4)SE","status":"affected"}]}`, "1.2 1.3(4)SE", ""},
		{"all", `{"versions":[{"version":"*","status":"affected"}]}`, "any", ""},
		{"zero alone", `{"versions":[{"version":"0","status":"affected"}]}`, "any", ""},
		{"before", `{"versions":[{"version":"0","lessThan":"4.3","status":"affected"}]}`, "[,4.3)", ""},
		{"not stated below", `{"versions":[{"version":"unspecified","lessThan":"4.3","status":"affected"},{"version":"n/a","lessThanOrEqual":"5","status":"affected"}]}`, "[,4.3) [,5]", ""},
		{"up to", `{"versions":[{"version":"4.0","lessThanOrEqual":"4.3","status":"affected"}]}`, "[4.0,4.3]", ""},
		{"open end", `{"versions":[{"version":"4.0","lessThan":"*","status":"affected"}]}`, "[4.0,)", ""},
		{"family as bound", `{"versions":[{"version":"4.0","lessThan":"4.*","status":"affected"},{"version":"4.0","lessThanOrEqual":"4.9.*","status":"affected"}]}`, "[4.0,5) [4.0,4.10)", ""},
		{"family alone", `{"versions":[{"version":"4.x","status":"affected"}]}`, "[4,5)", ""},
		{"the specification's changes", `{"versions":[{"version":"2.0","lessThan":"3.0","status":"affected","changes":[{"at":"2.4","status":"affected"},{"at":"2.3.1","status":"unaffected"}]}]}`, "[2.0,2.3.1) [2.4,3.0)", ""},
		{"changes without end", `{"versions":[{"version":"2.0","status":"affected","changes":[{"at":"2.3.1","status":"unaffected"}]}]}`, "[2.0,2.3.1)", ""},
		{"change that changes nothing", `{"versions":[{"version":"1","lessThan":"9","status":"affected","changes":[{"at":"2","status":"affected"},{"at":"3","status":"unaffected"},{"at":"4","status":"unaffected"}]}]}`, "[1,3)", ""},
		{"becomes affected", `{"versions":[{"version":"1","lessThan":"9","status":"unaffected","changes":[{"at":"2","status":"affected"}]}]}`, "[2,9)", ""},
		{"change past the end", `{"versions":[{"version":"1","lessThan":"9","status":"affected","changes":[{"at":"10","status":"unaffected"}]}]}`, "[1,9)", ""},
		{"git", `{"versions":[{"version":"1da177e4c3f4","lessThan":"2aa9bd0123ff","status":"affected"},{"version":"5","versionType":"git","status":"affected"}]}`, "", gitVersions + ", " + gitVersions},
		{"prose", `{"versions":[{"version":"before 3","status":"affected"},{"version":"< 1.2","status":"affected"},{"version":"1","lessThan":"prior to 2","status":"affected"},{"version":"2.1","status":"affected"}]}`, "2.1", proseRange + ", " + proseRange + ", " + proseRange},
		{"not stated", `{"versions":[{"version":"n/a","status":"affected"}]}`, "", noVersion},
		{"reversed", `{"versions":[{"version":"3","lessThan":"2","status":"affected"}]}`, "", badRange},
		{"unaffected and unknown", `{"versions":[{"version":"3","status":"unaffected"},{"version":"4","status":"unknown"}]}`, "", notAffected},
		{"affected by default, nothing listed", `{"defaultStatus":"affected"}`, "any", ""},
		{"affected by default, fixed from", `{"defaultStatus":"affected","versions":[{"version":"4.2","lessThan":"*","status":"unaffected"}]}`, "[,4.2)", ""},
		{"affected by default, holes", `{"defaultStatus":"affected","versions":[{"version":"5","lessThanOrEqual":"6","status":"unaffected"},{"version":"0","lessThan":"2","status":"unaffected"},{"version":"3","status":"unaffected"}]}`, "[2,3) (3,5) (6,)", ""},
		{"affected by default, overlapping holes", `{"defaultStatus":"affected","versions":[{"version":"1","lessThan":"5","status":"unaffected"},{"version":"2","lessThan":"3","status":"unaffected"}]}`, "[,1) [5,)", ""},
		{"affected by default, unreadable hole", `{"defaultStatus":"affected","versions":[{"version":"after 5","status":"unaffected"}]}`, "", proseRange},
		{"affected by default, something listed", `{"defaultStatus":"affected","versions":[{"version":"1","status":"affected"},{"version":"5","status":"unaffected"}]}`, "1", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var a cve.Affected
			if err := json.Unmarshal([]byte(tc.affected), &a); err != nil {
				t.Fatal(err)
			}
			spans, notes := affectedSpans(&a)
			var got []string
			for _, s := range spans {
				got = append(got, s.write())
			}
			if strings.Join(got, " ") != tc.want || strings.Join(notes, ", ") != tc.notes {
				t.Errorf("got %q, notes %q", got, notes)
			}
		})
	}
}

func TestCompareVersions(t *testing.T) {
	sorted := []string{"0", "0.9", "1.0-alpha", "1.0-beta", "1.0", "1.0.1", "1.2", "1.10", "2", "10.0.10240.20596", "2024"}
	for i, a := range sorted {
		for j, b := range sorted {
			got, want := compareVersions(a, b), 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got != want {
				t.Errorf("%s against %s: %d, want %d", a, b, got, want)
			}
		}
	}
	for _, same := range [][2]string{{"1.02", "1.2"}, {"v1.2", "V1.2"}, {"1_2", "1.2"}} {
		if compareVersions(same[0], same[1]) != 0 {
			t.Errorf("%s and %s differ", same[0], same[1])
		}
	}
}

// The law: an order in which every two versions compare, opposite in the opposite direction, transitive.
func FuzzCompareVersions(f *testing.F) {
	f.Add("1.2", "1.10", "1.2-beta")
	f.Add("", "a", "1")
	f.Add("1.0.0rc1", "1.0.0", "1.0.0.1")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if compareVersions(a, a) != 0 || compareVersions(a, b) != -compareVersions(b, a) {
			t.Fatalf("%q and %q", a, b)
		}
		v := []string{a, b, c}
		slices.SortFunc(v, compareVersions)
		if compareVersions(v[0], v[2]) > 0 {
			t.Fatalf("%q is not in order", v)
		}
	})
}

func TestParseName(t *testing.T) {
	for in, want := range map[string]string{
		"cpe:2.3:a:Kumo:Ledger:4.3:*:*:*:*:*:*:*":                          "cpe:2.3:a:kumo:ledger:4.3:*:*:*:*:*:*:*",
		`cpe:2.3:a:a\.b:c\-d:1\(2\):*:*:*:*:*:*:*`:                         `cpe:2.3:a:a.b:c-d:1\(2\):*:*:*:*:*:*:*`,
		`cpe:2.3:a:x:y\:z:1(2):-:*:*:*:*:*:*`:                              `cpe:2.3:a:x:y\:z:1\(2\):-:*:*:*:*:*:*`,
		"cpe:/a:redhat:openshift:4.12::el8":                                "cpe:2.3:a:redhat:openshift:4.12:*:el8:*:*:*:*:*",
		"cpe:/o:linux:linux_kernel":                                        "cpe:2.3:o:linux:linux_kernel:*:*:*:*:*:*:*:*",
		"cpe:/a:hp:insight_diagnostics:7.4.0.1570:-:~~online~win2003~x64~": "cpe:2.3:a:hp:insight_diagnostics:7.4.0.1570:-:*:*:online:win2003:x64:*",
		"cpe:/a:x:joomla%21:1:%02b":                                        `cpe:2.3:a:x:joomla\!:1:*b:*:*:*:*:*:*`,
	} {
		n, err := parseName(in)
		if err != nil || n.String() != want {
			t.Errorf("%s: %s, %v", in, n, err)
		}
	}
	for _, in := range []string{"", "cpe:2.3:a:b:c", "cpe:2.3:a:ibm:cpe:2.3:a:ibm:x:3.12:*:*:*:*:*:*:*", "cpe:2.3:a::c:1:*:*:*:*:*:*:*", "cpe:2.3:x:b:c:1:*:*:*:*:*:*:*",
		"cpe:2.3:a:*:c:1:*:*:*:*:*:*:*", `cpe:2.3:a:b:c:1:*:*:*:*:*:*:x\`, "cpe:2.3:a:b c:c:1:*:*:*:*:*:*:*", "cpe:/a:b:c:%4", "cpe:/a:b:c:1:2:~a~b", "pkg:npm/x"} {
		if n, err := parseName(in); err == nil {
			t.Errorf("%q read as %s", in, n)
		}
	}
}

// The law: what is read is written as a name that reads back to itself.
func FuzzParseName(f *testing.F) {
	for _, s := range []string{"cpe:2.3:a:kumo:ledger:4.3:*:*:*:*:*:*:*", `cpe:2.3:a:a\.b:c\-d:1\(2\):*:*:*:*:*:*:*`, "cpe:/a:redhat:openshift:4.12::el8", "cpe:/a:x:joomla%21:1:%02b", "cpe:2.3:h:-:-:-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := parseName(s)
		if err != nil {
			return
		}
		again, err := parseName(n.String())
		if err != nil || again != n {
			t.Fatalf("%q wrote %q, which reads as %q, %v", s, n, again, err)
		}
	})
}

// derived shows the criteria that an affected entry yields, one a line.
func derived(t *testing.T, affected string) string {
	t.Helper()
	rec := record(t, published, `{"cna":{"affected":[`+affected+`]}}`)
	var b strings.Builder
	for _, c := range Configurations(rec, true).Configurations {
		for _, n := range c.Nodes {
			for _, m := range n.CPEMatch {
				s := span{lo: m.VersionStartIncluding + m.VersionStartExcluding, hi: m.VersionEndIncluding + m.VersionEndExcluding, loExcl: m.VersionStartExcluding != "", hiIncl: m.VersionEndIncluding != ""}
				b.WriteString(strings.TrimSuffix(m.Criteria, ":*:*:*:*:*:*"))
				if s != (span{}) {
					b.WriteString(" " + s.write())
				}
				if !m.Vulnerable {
					b.WriteString(" runs on, " + c.Operator)
				}
				b.WriteString("\n")
			}
		}
	}
	return b.String()
}

func TestDerivedCriteria(t *testing.T) {
	const any = `"cpes":["cpe:2.3:a:kumo:ledger:*:*:*:*:*:*:*:*"]`
	for _, tc := range []struct{ name, affected, want string }{
		{"range", `{` + any + `,"versions":[{"version":"0","lessThan":"4.3","status":"affected"}]}`, "cpe:2.3:a:kumo:ledger:*:* [,4.3)\n"},
		{"single", `{` + any + `,"versions":[{"version":"4.3(1)","status":"affected"}]}`, `cpe:2.3:a:kumo:ledger:4.3\(1\):*` + "\n"},
		{"pre-release", `{` + any + `,"versions":[{"version":"2.0-beta9","status":"affected"},{"version":"2.0-9.el8","status":"affected"}]}`, "cpe:2.3:a:kumo:ledger:2.0:beta9\ncpe:2.3:a:kumo:ledger:2.0-9.el8:*\n"},
		{"NA as place holder", `{"cpes":["cpe:2.3:a:kumo:ledger:-:*:*:*:*:*:*:*"],"versions":[{"version":"0","lessThan":"4.3","status":"affected"}]}`, "cpe:2.3:a:kumo:ledger:*:* [,4.3)\n"},
		{"hardware", `{"cpes":["cpe:2.3:h:kumo:box:-:*:*:*:*:*:*:*"],"versions":[{"version":"0","lessThan":"4.3","status":"affected"}]}`, "cpe:2.3:h:kumo:box:-:*\n"},
		{"the fixed version in the name", `{"cpes":["cpe:2.3:o:kumo:os:10.0.10240.20596:*:*:*:*:*:x64:*","cpe:2.3:o:kumo:os:10.0.10240.20595:*:*:*:*:*:x64:*"],"versions":[{"version":"10.0.0","lessThan":"10.0.10240.20596","status":"affected"}]}`,
			"cpe:2.3:o:kumo:os:*:*:*:*:*:*:x64:* [10.0.0,10.0.10240.20596)\n"},
		{"names for single versions", `{"cpes":["cpe:2.3:a:kumo:one:1:*:*:*:*:*:*:*","cpe:2.3:a:kumo:two:2:sp1:*:*:*:*:*:*"],"versions":[{"version":"1","status":"affected"},{"version":"2","status":"affected"}]}`,
			"cpe:2.3:a:kumo:one:1:*\ncpe:2.3:a:kumo:two:2:sp1\n"},
		{"package in a product stream", `{"packageName":"x","cpes":["cpe:/a:redhat:openshift:4.12::el8"],"defaultStatus":"affected","versions":[{"version":"0:1.2-3.el8","lessThan":"*","versionType":"rpm","status":"unaffected"}]}`,
			"cpe:2.3:a:redhat:openshift:4.12:*:el8:*:*:*:*:*\n"},
		{"stream not affected", `{"packageName":"x","cpes":["cpe:/a:redhat:openshift:4.12::el8"],"defaultStatus":"unaffected"}`, ""},
		{"on an operating system", `{` + any + `,"platforms":["Windows","MacOS"],"versions":[{"version":"1","status":"affected"}]}`,
			"cpe:2.3:a:kumo:ledger:1:*\ncpe:2.3:o:microsoft:windows:-:* runs on, AND\ncpe:2.3:o:apple:macos:-:* runs on, AND\n"},
		{"on something unknown too", `{` + any + `,"platforms":["Windows","toaster"],"versions":[{"version":"1","status":"affected"}]}`, "cpe:2.3:a:kumo:ledger:1:*\n"},
		{"inside a host", `{` + any + `,"platforms":["WordPress"],"versions":[{"version":"1","status":"affected"}]}`, "cpe:2.3:a:kumo:ledger:1:*:*:*:*:wordpress:*:*\n"},
		{"one node per product", `{` + any + `,"versions":[{"version":"1","status":"affected"}]},{` + any + `,"versions":[{"version":"1","status":"affected"},{"version":"2","status":"affected"}]}`,
			"cpe:2.3:a:kumo:ledger:1:*\ncpe:2.3:a:kumo:ledger:2:*\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := derived(t, tc.affected); got != tc.want {
				t.Errorf("got\n%swant\n%s", got, tc.want)
			}
		})
	}
}

func TestConfigurationsPreferStatements(t *testing.T) {
	const (
		affected = `"affected":[{"vendor":"Kumo","product":"Ledger","cpes":["cpe:2.3:a:kumo:ledger:*:*:*:*:*:*:*:*"],"versions":[{"version":"1","status":"affected"}]},{"vendor":"Kumo","product":"Scroll","versions":[{"version":"1","status":"affected"}]}]`
		cpes     = `"cpeApplicability":[{"operator":"AND","nodes":[{"cpeMatch":[{"vulnerable":true,"criteria":"cpe:2.3:O:Kumo:os:*:*:*:*:*:*:*:*","versionEndExcluding":"4"}]},{"operator":"OR","cpeMatch":[{"vulnerable":false,"criteria":"cpe:2.3:h:kumo:box:-:*:*:*:*:*:*:*"}]}]}]`
	)
	one := record(t, published, `{"cna":{`+affected+`},"adp":[{`+cpes+`},{`+cpes+`}]}`)
	got := Configurations(one, true)
	if got.From != FromADP || len(got.Configurations) != 1 {
		t.Fatalf("from %q, %d configurations", got.From, len(got.Configurations))
	}
	c := got.Configurations[0]
	if c.Operator != "AND" || len(c.Nodes) != 2 || c.Nodes[0].Operator != "OR" || c.Nodes[0].CPEMatch[0].Criteria != "cpe:2.3:o:kumo:os:*:*:*:*:*:*:*:*" || c.Nodes[0].CPEMatch[0].VersionEndExcluding != "4" {
		t.Errorf("%+v", c)
	}
	if id := c.Nodes[0].CPEMatch[0].MatchCriteriaID; len(id) != 36 || id != strings.ToUpper(id) {
		t.Errorf("id %s", id)
	}
	two := Configurations(record(t, published, `{"cna":{`+affected+`,`+cpes+`}}`), true)
	if two.From != FromCNA || two.Configurations[0].Nodes[0].CPEMatch[0].MatchCriteriaID != c.Nodes[0].CPEMatch[0].MatchCriteriaID {
		t.Errorf("from %q, or the id moved", two.From)
	}
	three := Configurations(record(t, published, `{"cna":{`+affected+`}}`), true)
	if three.From != FromDerived || len(three.Unmapped) != 1 || three.Unmapped[0] != (Unmapped{"Kumo", "Scroll", noName}) {
		t.Errorf("%+v", three)
	}
	if hidden := Configurations(record(t, published, `{"cna":{`+affected+`}}`), false); hidden.From != "" || hidden.Configurations != nil {
		t.Errorf("%+v", hidden)
	}
}

// The ids are stored by clients: they must never change.
func TestMatchCriteriaIDIsFrozen(t *testing.T) {
	m := CPEMatch{Vulnerable: true, Criteria: "cpe:2.3:a:kumo:ledger:*:*:*:*:*:*:*:*", VersionEndExcluding: "4.3"}
	if got, want := MatchCriteriaID(m), "F2DD0928-3435-5165-B059-03ED85D31D27"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	m.VersionEndExcluding, m.VersionEndIncluding = "", "4.3"
	if MatchCriteriaID(m) == "F2DD0928-3435-5165-B059-03ED85D31D27" {
		t.Error("the bound's kind does not count")
	}
}
