package main

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/spec/cve/schema"
)

const (
	soundContainer = `{"descriptions":[{"lang":"en","value":"A flaw."}],"affected":[{"vendor":"Acme","product":"Rocket","versions":[{"version":"1","status":"affected"}]}],"references":[{"url":"https://acme.test/1"}]}`
	soundRejection = `{"rejectedReasons":[{"lang":"en","value":"A duplicate."}]}`
)

// Every shape that CNAs keep their records in is known, and what is none is named.
func TestDocumentShapes(t *testing.T) {
	record := func(cna, adp string) string {
		return `{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2026-0001"},"containers":{"cna":` + cna + `,"adp":` + adp + `}}`
	}
	for _, tc := range []struct {
		name, raw string
		adp       bool
		shape     string // or a part of the error
		place     string
		kind      schema.Kind
	}{
		{"record", record(soundContainer, "[]"), false, "a full record", "/containers/cna", schema.CNAPublished},
		{"rejected record", record(soundRejection, "[]"), false, "a full record", "/containers/cna", schema.CNARejected},
		{"wrapped", `{"cnaContainer":` + soundContainer + `}`, false, "a cnaContainer", "/cnaContainer", schema.CNAPublished},
		{"wrapped rejection", `{"cnaContainer":` + soundRejection + `}`, false, "a cnaContainer", "/cnaContainer", schema.CNARejected},
		{"bare", soundContainer, false, "a bare container", "", schema.CNAPublished},
		{"bare with a mark", "\ufeff" + soundRejection, false, "a bare container", "", schema.CNARejected},
		{"bare of an ADP", `{"title":"seen"}`, true, "a bare container", "", schema.ADP},
		{"wrapped of an ADP", `{"adpContainer":{"title":"seen"}}`, false, "an adpContainer", "/adpContainer", schema.ADP},
		{"the only ADP", record(soundContainer, `[{"title":"seen"}]`), true, "a full record", "/containers/adp/0", schema.ADP},
		{"the own ADP", record(soundContainer, `[{"providerMetadata":{"shortName":"b"}},{"providerMetadata":{"shortName":"acme"}}]`), true, "a full record", "/containers/adp/1", schema.ADP},
		{"foreign ADPs", record(soundContainer, `[{"providerMetadata":{"shortName":"b"}},{"providerMetadata":{"shortName":"c"}}]`), true, "none of its ADP containers", "", 0},
		{"no container", `{"cveMetadata":{"cveId":"CVE-2026-0001"}}`, false, "no /containers/cna", "", 0},
		{"beside", `{"cnaContainer":{},"x":1}`, false, "other members", "", 0},
		{"something else", `{"hello":1}`, false, "neither a CVE record", "", 0},
		{"a list", `[1]`, false, "not a JSON object", "", 0},
		{"a list inside", `{"cnaContainer":[]}`, false, "is no object", "", 0},
		{"no JSON", "{\n\"a\":}", false, "not JSON", "", 0},
		{"twice", `{"title":1,"title":2}`, false, "not JSON: duplicate object member name (byte 11, at /title)", "", 0},
	} {
		d, err := document{file: "f"}.read(bytes.TrimPrefix([]byte(tc.raw), []byte("\ufeff")), tc.adp, "acme")
		if err != nil {
			if !errors.Is(err, errDocument) || !strings.Contains(err.Error(), tc.shape) {
				t.Errorf("%s: %v", tc.name, err)
			}
			continue
		}
		if d.shape != tc.shape || d.place != tc.place || d.kind != tc.kind {
			t.Errorf("%s: %+v", tc.name, d)
		}
	}
}

// What is wrong is told by its place in the file as it was given.
func TestDocumentFindings(t *testing.T) {
	v, err := schema.NewValidator()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	long := strings.Replace(soundContainer, `{"lang":"en","value":"A flaw."}`, `{"lang":"en","value":"A flaw."},{"lang":"EN","value":" "},{"lang":"ja","value":"欠陥。"}`, 1)
	long = strings.Replace(long, `{"vendor"`, `{"x":1,"vendor"`, 1)
	long = strings.Replace(long, `"version":"1"`, `"version":"< 1.2"`, 1)
	long = strings.TrimSuffix(long, "}") + `,"datePublic":"2026-12-01T00:00:00Z"}`
	for _, tc := range []struct {
		raw  string
		want []string // rule at place
	}{
		{soundContainer, nil},
		{soundRejection, nil},
		{`{"cnaContainer":` + long + `}`, []string{
			"schema:additionalProperties /cnaContainer/affected/0/x", "services:date-public /cnaContainer/datePublic", "services:english-once /cnaContainer/descriptions/1/lang",
			"services:blank /cnaContainer/descriptions/1/value", "version-text /cnaContainer/affected/0/versions/0/version"}},
		{`{"rejectedReasons":[]}`, []string{"schema:minItems /rejectedReasons"}},
	} {
		d, err := document{file: "f"}.read([]byte(tc.raw), false, "acme")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range d.findings(v, "CVE-2026-0001", now) {
			got = append(got, f.Rule+" "+f.Pointer)
		}
		for _, want := range tc.want {
			if !slices.Contains(got, want) {
				t.Errorf("%s is not found in %v", want, got)
			}
		}
		if tc.want == nil && len(got) > 0 {
			t.Errorf("%s: %v", tc.raw, got)
		}
	}
}

// Whatever a file holds: it is refused in words, or what is sent stands in it at the place that is named, and every finding is at or
// below that place.
func FuzzDocument(f *testing.F) {
	v, err := schema.NewValidator()
	if err != nil {
		f.Fatal(err)
	}
	for _, raw := range []string{soundContainer, soundRejection, `{"cnaContainer":` + soundContainer + `}`, `{"adpContainer":{"title":"x"}}`,
		`{"cveMetadata":{"cveId":"CVE-2026-0001"},"containers":{"cna":` + soundRejection + `,"adp":[{"title":"x"}]}}`, `{"title":5,"descriptions":[{"lang":"en"},null]}`, `{`, `[]`} {
		f.Add([]byte(raw), false)
		f.Add([]byte(raw), true)
	}
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, raw []byte, adp bool) {
		d, err := document{file: "f"}.read(raw, adp, "acme")
		if err != nil {
			if !errors.Is(err, errDocument) || len(err.Error()) > 2000 {
				t.Errorf("%.2000v", err)
			}
			return
		}
		if there := at(t, raw, d.place); !bytes.Equal(there, d.container) {
			t.Errorf("at %q stands %s, sent is %s", d.place, there, d.container)
		}
		for _, found := range d.findings(v, "CVE-2026-0001", now) {
			if rest, ok := strings.CutPrefix(found.Pointer, d.place); !ok || rest != "" && rest[0] != '/' {
				t.Errorf("%s is not below %s", found.Pointer, d.place)
			}
		}
	})
}

// at is the value at a pointer of a document, found one step at a time.
func at(t *testing.T, raw []byte, place string) []byte {
	for step := range strings.SplitSeq(strings.TrimPrefix(place, "/"), "/") {
		if step == "" {
			break
		}
		members, items := map[string]jsontext.Value{}, []jsontext.Value{}
		if n, err := strconv.Atoi(step); err == nil {
			if json.Unmarshal(raw, &items) != nil || n >= len(items) {
				t.Fatalf("no %s", place)
			}
			raw = items[n]
			continue
		}
		if json.Unmarshal(raw, &members) != nil {
			t.Fatalf("no %s", place)
		}
		raw = members[step]
	}
	return bytes.TrimSpace(raw)
}

// The document that the manual shows can be published as it stands there.
func TestTheManualsDocument(t *testing.T) {
	manual, err := os.ReadFile("../../docs/cna.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(manual), "\n    {\n")
	text, _, _ = strings.Cut(text, "\n    }\n")
	v, err := schema.NewValidator()
	if err != nil {
		t.Fatal(err)
	}
	d, err := document{file: "docs/cna.md"}.read([]byte("{"+text+"}"), false, "acme")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range d.findings(v, "CVE-2026-0001", time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%s at %s: %s", f.Rule, f.Pointer, f.Message)
	}
}
