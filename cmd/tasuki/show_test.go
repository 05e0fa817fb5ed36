package main

import (
	"strings"
	"testing"
	"time"

	"tasuki/client"
	"tasuki/spec/cve"
)

// japanese is a record whose text has no spaces, with a title that means the terminal harm.
const japanese = `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"CVE-2026-0003","assignerShortName":"jpcert","state":"PUBLISHED","datePublished":"2026-01-05T00:00:00.000Z"},
"containers":{"cna":{"providerMetadata":{"orgId":"ede6fdc4-6654-4307-a26d-3331c018e2ce","shortName":"jpcert","dateUpdated":"2026-01-05T00:00:00.000Z"},
"title":"製品甲に\u001b[31mおける脆弱性",
"descriptions":[{"lang":"ja","value":"製品甲の管理画面には認証回避の脆弱性があり、遠隔の第三者によって任意の操作を実行される可能性があります。開発者が提供する情報をもとに最新版へ更新してください。"}],
"affected":[{"vendor":"株式会社甲","product":"製品甲","versions":[{"version":"1.0","lessThan":"1.2.3","status":"affected","changes":[{"at":"1.1.9","status":"unaffected"}]},{"version":"2.0","status":"unaffected"}]}],
"metrics":[{"cvssV3_1":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","baseScore":9.8,"baseSeverity":"CRITICAL"}},{"other":{"type":"https://example.jp/severity","content":{"text":"重要"}}}],
"problemTypes":[{"descriptions":[{"lang":"en","cweId":"CWE-862","description":"CWE-862 : Missing Authorization"}]}],
"solutions":[{"lang":"ja","value":"最新版へ更新する。"}],
"references":[{"url":"https://jvn.jp/jp/JVN00000000/","tags":["third-party-advisory"]},{"url":"https://example.jp/","tags":["x_transferred"]}]},
"adp":[{"providerMetadata":{"orgId":"134c704f-9b21-4f2e-91b3-4a467353bcc0","shortName":"CISA-ADP"},"references":[{"url":"https://example.jp/"}],
"metrics":[{"other":{"type":"ssvc","content":{"version":"2.0.3","options":[{"Exploitation":"active"},{"Automatable":"yes"},{"Technical Impact":"total"}]}}},{"other":{"type":"kev","content":{"dateAdded":"2026-01-09","reference":"https://www.cisa.gov/kev"}}}]}]}}`

func japaneseSheet(t *testing.T, terminal terminal) string {
	t.Helper()
	doc, err := cve.Decode([]byte(japanese))
	if err != nil {
		t.Fatal(err)
	}
	logged := time.Date(2026, 1, 6, 3, 4, 5, 0, time.UTC)
	rec := &client.Record{ID: "CVE-2026-0003", Index: 1207, Logged: logged, Summary: client.Hit{Title: doc.Containers.CNA.Title},
		Scores: []client.Score{{Version: "3.1", Value: 9.8, Severity: "critical", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Source: "jpcert", CNA: true}}}
	past := []pastVersion{{client.Version{Index: 1207, Logged: logged}, 4, "added known exploitation: since 2026-01-09 (CISA-ADP)"},
		{client.Version{Index: 900, Logged: logged}, 3, "dates only"}}
	var out strings.Builder
	sheet{terminal, &out}.record(rec, doc, past)
	return out.String()
}

func TestRecordOnEightyColumns(t *testing.T) {
	const want = `CVE-2026-0003  PUBLISHED · v4 · published 2026-01-05 · by jpcert
製品甲に [31mおける脆弱性

What it is
  ja          製品甲の管理画面には認証回避の脆弱性があり、遠隔の第三者によって任
              意の操作を実行される可能性があります。開発者が提供する情報をもとに
              最新版へ更新してください。

What is affected
  株式会社甲 製品甲 [CNA jpcert]
  affected    1.0 … < 1.2.3, unaffected from 1.1.9
  unaffected  2.0

How bad
  ● 9.8 critical  CVSS 3.1 · jpcert (CNA)
              CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H
  rating      重要 (https://example.jp/severity) [CNA jpcert]
  SSVC        exploitation active, automatable yes, technical impact total [ADP
              CISA-ADP]
  KEV         known exploited, listed 2026-01-09 [ADP CISA-ADP]
  weakness    CWE-862 Missing Authorization [CNA jpcert]

What to do
  fixed in    製品甲 1.1.9
  solution    最新版へ更新する。
  advisory    https://jvn.jp/jp/JVN00000000/

Who says what
  CNA jpcert, 2026-01-05: 1 description, 1 product, 2 metrics, 1 weakness, 2
  references
  ADP CISA-ADP: 2 metrics, 1 reference
  Logged 2026-01-06 03:04:05Z at leaf 1,207.

References
  advisory    https://jvn.jp/jp/JVN00000000/
  other       https://example.jp/

History
  v4          2026-01-06, leaf 1,207: added known exploitation: since
              2026-01-09 (CISA-ADP)
  v3          2026-01-06, leaf 900: dates only
  tasuki history CVE-2026-0003 has all 4.
`
	got := japaneseSheet(t, terminal{columns: 80})
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for line := range strings.Lines(got) {
		if n := displayWidth(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%q takes %d columns", line, n)
		}
	}
}

// Colours add nothing that is not also said, and come only where they are wanted.
func TestColoursOnlyAdd(t *testing.T) {
	plain, coloured := japaneseSheet(t, terminal{columns: 80}), japaneseSheet(t, terminal{columns: 80, colour: true})
	if strings.Contains(plain, "\x1b") || !strings.Contains(coloured, "\x1b[31m● 9.8 critical\x1b[0m") {
		t.Errorf("plain %q\ncoloured %q", plain, coloured)
	}
	stripped := coloured
	for _, code := range []string{"0", "1", "2", "31", "32", "33"} {
		stripped = strings.ReplaceAll(stripped, "\x1b["+code+"m", "")
	}
	if stripped != plain {
		t.Errorf("without its colours\n%s\nplain\n%s", stripped, plain)
	}
}

func TestRejectedRecordGivesNoAdvice(t *testing.T) {
	doc, err := cve.Decode([]byte(`{"cveMetadata":{"cveId":"CVE-2026-0004","state":"REJECTED","dateRejected":"2026-02-03T00:00:00.000Z"},
"containers":{"cna":{"providerMetadata":{"orgId":"x"},"rejectedReasons":[{"lang":"en","value":"Not a flaw."}],"replacedBy":["CVE-2026-0005"]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	sheet{terminal{}, &out}.record(&client.Record{ID: "CVE-2026-0004"}, doc, nil)
	got := out.String()
	for _, want := range []string{"REJECTED · rejected 2026-02-03", "rejected    Not a flaw.", "replaced by CVE-2026-0005", "Nobody has said"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "What to do") {
		t.Errorf("advice on what is no flaw:\n%s", got)
	}
}
