package diff

import (
	"slices"
	"strings"
	"testing"
)

// published is a record in which every kind of part occurs.
const published = `{"dataType":"CVE_RECORD","dataVersion":"5.1",
 "cveMetadata":{"cveId":"CVE-2024-0001","assignerOrgId":"8254265b-2729-46b6-b9e3-3dfca2d5bfca","assignerShortName":"acme","state":"PUBLISHED",
  "datePublished":"2024-01-05T00:00:00.000Z","dateUpdated":"2024-01-05T00:00:00.000Z"},
 "containers":{
  "cna":{"providerMetadata":{"orgId":"8254265b-2729-46b6-b9e3-3dfca2d5bfca","shortName":"acme","dateUpdated":"2024-01-05T00:00:00.000Z"},
   "title":"Overflow in Server",
   "descriptions":[{"lang":"en","value":"An overflow."},{"lang":"ja","value":"オーバーフロー。"}],
   "affected":[
    {"vendor":"JetBrains","product":"TeamCity","defaultStatus":"unaffected","cpes":["cpe:2.3:a:jetbrains:teamcity:*:*:*:*:*:*:*:*"],
     "versions":[{"version":"0","lessThan":"2023.11.4","status":"affected","versionType":"semver"},{"version":"1.0","status":"unaffected"}]},
    {"vendor":"JetBrains","product":"Hub","versions":[{"version":"2","status":"affected"}]}],
   "problemTypes":[{"descriptions":[{"lang":"en","cweId":"CWE-79","description":"CWE-79 Cross-site scripting","type":"CWE"}]},
    {"descriptions":[{"lang":"en","cweId":"CWE-288","description":"CWE-288 Bypass","type":"CWE"}]}],
   "metrics":[{"format":"CVSS","scenarios":[{"lang":"en","value":"GENERAL"}],"cvssV3_1":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N","baseScore":7.5,"baseSeverity":"HIGH"}}],
   "references":[{"url":"https://example.com/a","tags":["vendor-advisory","patch"]},{"url":"https://example.com/b"}],
   "workarounds":[{"lang":"en","value":"Unplug it."}],
   "credits":[{"lang":"en","value":"Jane","type":"finder"}],
   "timeline":[{"time":"2024-01-01T00:00:00","lang":"en","value":"Reported."}],
   "tags":["disputed"],"source":{"discovery":"EXTERNAL"},"x_generator":{"engine":"hand"}},
  "adp":[
   {"providerMetadata":{"orgId":"134c704f-9b21-4f2e-91b3-4a467353bcc0","shortName":"CISA-ADP","dateUpdated":"2024-02-01T00:00:00.000Z"},"title":"CISA ADP Vulnrichment",
    "metrics":[{"other":{"type":"ssvc","content":{"timestamp":"2024-02-01T00:00:00Z","role":"CISA Coordinator","version":"2.0.3",
     "options":[{"Exploitation":"poc"},{"Automatable":"yes"},{"Technical Impact":"total"}]}}},
     {"other":{"type":"kev","content":{"dateAdded":"2024-03-07","reference":"https://www.cisa.gov/kev"}}}]},
   {"providerMetadata":{"orgId":"af854a3a-2127-422b-91ae-364da2661108","shortName":"CVE"},"references":[{"url":"https://example.com/a","tags":["x_transferred"]}]}]}}`

// edit replaces one part of published.
func edit(t *testing.T, pairs ...string) string {
	t.Helper()
	s := published
	for i := 0; i < len(pairs); i += 2 {
		if strings.Count(s, pairs[i]) < 1 {
			t.Fatalf("no %s in the record", pairs[i])
		}
		s = strings.Replace(s, pairs[i], pairs[i+1], 1)
	}
	return s
}

func lines(changes []Change) []string {
	var out []string
	for _, c := range changes {
		out = append(out, c.String())
	}
	return out
}

func TestRecordsInWords(t *testing.T) {
	for _, test := range []struct {
		name     string
		old, new string
		want     []string
	}{
		{"nothing", published, published, nil},
		{"score", published, edit(t, `C:H/I:N/A:N","baseScore":7.5,"baseSeverity":"HIGH"`, `C:H/I:H/A:H","baseScore":9.8,"baseSeverity":"CRITICAL"`),
			[]string{"score CVSS 3.1: 7.5 → 9.8 (CNA)"}},
		{"vector alone", published, edit(t, `AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N`, `AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H`),
			[]string{"score CVSS 3.1: CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N → CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H (CNA)"}},
		{"range moved", published, edit(t, `2023.11.4`, `2023.11.5`), []string{"range TeamCity: < 2023.11.4 → < 2023.11.5 (CNA)"}},
		{"range added", published, edit(t, `{"version":"1.0","status":"unaffected"}`, `{"version":"1.0","status":"unaffected"},{"version":"2024.1","lessThan":"2024.3","status":"affected"}`),
			[]string{"added range TeamCity: 2024.1 … < 2024.3 (CNA)"}},
		{"reference removed", published, edit(t, `,{"url":"https://example.com/b"}`, ``), []string{"removed reference https://example.com/b (CNA)"}},
		{"tag of a reference", published, edit(t, `["vendor-advisory","patch"]`, `["exploit","patch","vendor-advisory"]`),
			[]string{"added tag https://example.com/a: exploit (CNA)"}},
		{"weakness", published, edit(t, `"cweId":"CWE-79","description":"CWE-79 Cross-site scripting"`, `"cweId":"CWE-80","description":"CWE-80 Basic XSS"`),
			[]string{"weakness: CWE-79 → CWE-80 (CNA)"}},
		{"product added", published, edit(t, `{"vendor":"JetBrains","product":"Hub"`, `{"vendor":"JetBrains","product":"Space","versions":[{"version":"1","lessThanOrEqual":"3","status":"affected"}]},{"vendor":"JetBrains","product":"Hub"`),
			[]string{"added product Space: 1 … ≤ 3 (CNA)"}},
		{"default status", published, edit(t, `"defaultStatus":"unaffected"`, `"defaultStatus":"affected"`),
			[]string{"range TeamCity: default unaffected → default affected (CNA)"}},
		{"product written otherwise", published, edit(t, `"product":"TeamCity"`, `"product":"Teamcity"`), []string{"product Teamcity: TeamCity → Teamcity (CNA)"}},
		{"description", published, edit(t, `オーバーフロー。`, `バッファオーバーフロー。`), []string{"description ja: オーバーフロー。 → バッファオーバーフロー。 (CNA)"}},
		{"SSVC", published, edit(t, `"Exploitation":"poc"`, `"Exploitation":"active"`),
			[]string{"ssvc: exploitation poc, automatable yes, technical impact total → exploitation active, automatable yes, technical impact total (CISA-ADP)"}},
		{"SSVC looked at again", published, edit(t, `"timestamp":"2024-02-01T00:00:00Z"`, `"timestamp":"2024-02-09T00:00:00Z"`),
			[]string{"/containers/adp/0/metrics/0/other/content/timestamp SSVC: 2024-02-01T00:00:00Z → 2024-02-09T00:00:00Z (CISA-ADP)"}},
		{"KEV dropped", published, edit(t, `,
     {"other":{"type":"kev","content":{"dateAdded":"2024-03-07","reference":"https://www.cisa.gov/kev"}}}`, ``),
			[]string{"removed known exploitation: since 2024-03-07 (CISA-ADP)"}},
		{"workaround, credit, tag, unknown member", published,
			edit(t, `Unplug it.`, `Update it.`, `"finder"`, `"reporter"`, `["disputed"]`, `[]`, `"engine":"hand"`, `"engine":"machine"`),
			[]string{"text credits: Jane (finder) → Jane (reporter) (CNA)", "text workarounds: Unplug it. → Update it. (CNA)", "removed tag: disputed (CNA)",
				"/containers/cna/x_generator/engine: hand → machine (CNA)"}},
		{"dates come last", published, edit(t, `"dateUpdated":"2024-01-05T00:00:00.000Z"}`, `"dateUpdated":"2024-01-06T00:00:00.000Z"}`, `Overflow in Server`, `Overflow`),
			[]string{"title: Overflow in Server → Overflow (CNA)", "date dateUpdated: 2024-01-05T00:00:00.000Z → 2024-01-06T00:00:00.000Z"}},
		{"numbers by value", edit(t, `7.5`, `75e-1`), edit(t, `7.5`, `7.50`), nil},
		{"an empty list is not none", published, edit(t, `"tags":["disputed"],`, `"tags":["disputed"],"exploits":[],`), []string{"added /containers/cna/exploits: [] (CNA)"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			changes, err := Records([]byte(test.old), []byte(test.new))
			if err != nil {
				t.Fatal(err)
			}
			if got := lines(changes); !slices.Equal(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
			checkLaws(t, []byte(test.old), []byte(test.new))
		})
	}
}

const rejected = `{"dataType":"CVE_RECORD","dataVersion":"5.1",
 "cveMetadata":{"cveId":"CVE-2024-0001","assignerOrgId":"8254265b-2729-46b6-b9e3-3dfca2d5bfca","assignerShortName":"acme","state":"REJECTED",
  "datePublished":"2024-01-05T00:00:00.000Z","dateUpdated":"2024-04-05T00:00:00.000Z","dateRejected":"2024-04-05T00:00:00.000Z"},
 "containers":{"cna":{"providerMetadata":{"orgId":"8254265b-2729-46b6-b9e3-3dfca2d5bfca","shortName":"acme","dateUpdated":"2024-04-05T00:00:00.000Z"},
  "rejectedReasons":[{"lang":"en","value":"Not a flaw."}]}}}`

// A rejection begins with what it is and why; coming back is its mirror image.
func TestRejectAndBack(t *testing.T) {
	changes, err := Records([]byte(published), []byte(rejected))
	if err != nil {
		t.Fatal(err)
	}
	got := lines(changes)
	want := []string{"state: PUBLISHED → REJECTED", "added reason for rejection en: Not a flaw. (CNA)", "removed score CVSS 3.1: 7.5 (CNA)",
		"removed known exploitation: since 2024-03-07 (CISA-ADP)",
		"removed ssvc: exploitation poc, automatable yes, technical impact total (CISA-ADP)",
		"removed product TeamCity: < 2023.11.4, unaffected 1.0 (CNA)", "removed product Hub: 2 (CNA)"}
	if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("got\n%s\nwant at first\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, line := range []string{"removed container: CISA-ADP", "removed container: CVE", "added date dateRejected: 2024-04-05T00:00:00.000Z"} {
		if !slices.Contains(got, line) {
			t.Errorf("no %q in\n%s", line, strings.Join(got, "\n"))
		}
	}
	back, err := Records([]byte(rejected), []byte(published))
	if err != nil {
		t.Fatal(err)
	}
	if back[0].String() != "state: REJECTED → PUBLISHED" || back[1].Op != Removed || back[1].Kind != Rejection {
		t.Errorf("the way back begins with\n%s", strings.Join(lines(back[:2]), "\n"))
	}
	checkLaws(t, []byte(published), []byte(rejected))
}

// Two ranges that both changed are not guessed at.
func TestOnlyClearRangesArePaired(t *testing.T) {
	old := edit(t, `{"version":"1.0","status":"unaffected"}`, `{"version":"0","lessThan":"1","status":"affected","versionType":"semver"}`)
	new := strings.Replace(strings.Replace(old, `2023.11.4`, `2023.11.5`, 1), `"lessThan":"1"`, `"lessThan":"2"`, 1)
	changes, err := Records([]byte(old), []byte(new))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"added range TeamCity: < 2023.11.5 (CNA)", "added range TeamCity: < 2 (CNA)", "removed range TeamCity: < 2023.11.4 (CNA)", "removed range TeamCity: < 1 (CNA)"}
	if got := lines(changes); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestRecordAppearsAndDisappears(t *testing.T) {
	came, err := Records(nil, []byte(published))
	if err != nil || len(came) != 1 || came[0].Op != Added || came[0].Kind != State || came[0].After != "PUBLISHED" || came[0].Pointer != "" {
		t.Errorf("%v, %v", came, err)
	}
	went, err := Records([]byte(published), nil)
	if err != nil || len(went) != 1 || went[0].String() != "removed state: PUBLISHED" {
		t.Errorf("%v, %v", went, err)
	}
	if both, err := Records(nil, nil); err != nil || both != nil {
		t.Errorf("%v, %v", both, err)
	}
}

func TestWhatIsNoJSONIsAnError(t *testing.T) {
	for _, doc := range []string{"", " ", "{", `{"a":1,"a":2}`, `{} {}`, "\xff"} {
		if _, err := Records([]byte(published), []byte(doc)); err == nil || !strings.HasPrefix(err.Error(), "diff: newer version: ") {
			t.Errorf("%q: %v", doc, err)
		}
		if _, err := Records([]byte(doc), []byte(published)); err == nil || !strings.HasPrefix(err.Error(), "diff: older version: ") {
			t.Errorf("%q: %v", doc, err)
		}
	}
}

func TestCanonicalNumbers(t *testing.T) {
	for _, equal := range [][]string{
		{"0", "-0", "0.0", "0e5", "-0.00E-7"},
		{"7.5", "75e-1", "7.50", "0.75E+1", "750e-2"},
		{"-100", "-1e2", "-100.0"},
		{"1e99999999999999999999", "10e99999999999999999998", "0.1e100000000000000000000"},
	} {
		for _, n := range equal[1:] {
			if canonical(n) != canonical(equal[0]) {
				t.Errorf("%s is %s, %s is %s", n, canonical(n), equal[0], canonical(equal[0]))
			}
		}
	}
	seen := map[string]string{}
	for _, n := range []string{"0", "1", "-1", "10", "0.1", "1e99999999999999999999", "1e-99999999999999999999", "12", "1.2"} {
		if other, ok := seen[canonical(n)]; ok {
			t.Errorf("%s and %s are told to be equal", n, other)
		}
		seen[canonical(n)] = n
	}
}
