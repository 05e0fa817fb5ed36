package schema

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/spec/cve"
)

// published and rejected are valid bodies, made up.
const (
	published = `{"cnaContainer":{"descriptions":[{"lang":"en","value":"A flaw."}],"affected":[{"vendor":"Acme","product":"Anvil","versions":[{"version":"1","status":"affected"}]}],` +
		`"references":[{"url":"https://example.org/1"}]}}`
	rejected = `{"cnaContainer":{"rejectedReasons":[{"lang":"en","value":"A duplicate."}],"replacedBy":["CVE-2026-0001"]}}`
)

func (f Failure) line(t testing.TB) string {
	params, err := json.Marshal(f.Params, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join([]string{f.InstancePath, f.SchemaPath, f.Keyword, string(params)}, " ")
}

// The failures that the protocol's reference lists, and the order within a list.
func TestBodyFailures(t *testing.T) {
	v := validator(t, Current)
	const english, french = `{"lang":"en","value":"x"}`, `{"lang":"fr","value":"x"}`
	reasons := func(list string) string { return `{"cnaContainer":{"rejectedReasons":` + list + `}}` }
	for _, tc := range []struct {
		kind       Kind
		body, want string
	}{
		{CNAPublished, published, ""},
		{CNARejected, rejected, ""},
		{CNAPublished, `{}`, ` #/required required {"missingProperty":"cnaContainer"}`},
		{CNAPublished, `[]`, ` #/type type {"type":"object"}`},
		{CNAPublished, `{"cnaContainer":{}}`, `/cnaContainer #/properties/cnaContainer/required required {"missingProperty":"descriptions"}`},
		{CNARejected, `{"cnaContainer":{}}`, `/cnaContainer #/properties/cnaContainer/required required {"missingProperty":"rejectedReasons"}`},
		{CNAPublished, `{"other":1,"cnaContainer":{}}`, ` #/additionalProperties additionalProperties {"additionalProperty":"other"}`},
		{CNAPublished, strings.Replace(published, `{"desc`, `{"foo":1,"bar":2,"desc`, 1),
			`/cnaContainer #/properties/cnaContainer/additionalProperties additionalProperties {"additionalProperty":"foo"}`},
		{CNAPublished, strings.Replace(published, `{"desc`, `{"x_foo":{"affected":5},"desc`, 1), ""},
		{CNAPublished, strings.Replace(published, `"en"`, `"fr"`, 1), `/cnaContainer/descriptions #/contains contains {"minContains":1}`},
		{CNAPublished, strings.Replace(published, `A flaw.`, ``, 1), `/cnaContainer/descriptions/0/value #/properties/value/minLength minLength {"limit":1}`},
		{CNARejected, reasons(`[{"lang":"english","value":"x"}]`), `/cnaContainer/rejectedReasons/0/lang #/definitions/language/pattern pattern {"pattern":`},
		{CNARejected, reasons(`"x"`), `/cnaContainer/rejectedReasons #/type type {"type":"array"}`},
		{CNARejected, reasons(`[]`), `/cnaContainer/rejectedReasons #/minItems minItems {"limit":1}`},
		{CNAPublished, strings.Replace(published, `https:`, `https`, 1), `/cnaContainer/references/0/url #/definitions/uriType/format format {"format":"uri"}`},
		{CNARejected, reasons(`[` + english + `,` + english + `]`), `/cnaContainer/rejectedReasons #/uniqueItems uniqueItems {"i":1,"j":0}`},
		{CNARejected, reasons(`[` + french + `,` + french + `]`), `/cnaContainer/rejectedReasons #/contains contains {"minContains":1}`},
		{CNARejected, reasons(`[` + french + `,` + french + `,{"lang":"en","value":""}]`), `/cnaContainer/rejectedReasons/2/value #/properties/value/minLength minLength {"limit":1}`},
		{CNARejected, `{"cnaContainer":{"replacedBy":["no"],"rejectedReasons":5}}`, `/cnaContainer/rejectedReasons #/type type {"type":"array"}`},
		{CNARejected, strings.Replace(rejected, `{"rej`, `{"providerMetadata":{"orgId":"x"},"rej`, 1), `/cnaContainer/providerMetadata/orgId #/definitions/uuidType/pattern pattern {"pattern":`},
		{CNARejected, strings.Replace(rejected, `{"rej`, `{"x_n":1e999,"rej`, 1), ` #/type type {"type":"object"}`},
		{CNARejected, `{"cnaContainer":`, `/cnaContainer #/type type {"type":"object"}`},
	} {
		found := v.BodyFailures(tc.kind, []byte(tc.body))
		switch {
		case tc.want == "" && len(found) > 0:
			t.Errorf("%s\nhas %+v", tc.body, found)
		case tc.want != "" && (len(found) != 1 || !strings.HasPrefix(found[0].line(t), tc.want) || found[0].Message == ""):
			t.Errorf("%s\nhas  %+v\nwant %s", tc.body, found, tc.want)
		}
	}
}

// Of a whole record each form says its first failure, and that none fits comes last.
func TestRecordFailures(t *testing.T) {
	v := validator(t, Current)
	if found := v.RecordFailures([]byte(small)); len(found) > 0 {
		t.Errorf("a valid record: %+v", found)
	}
	found := v.RecordFailures([]byte(strings.Replace(small, `"PUBLISHED"`, `"RESERVED"`, 1)))
	if len(found) < 3 || found[0].InstancePath != "/cveMetadata/state" || !strings.HasPrefix(found[len(found)-1].line(t), ` #/oneOf oneOf {"passingSchemas":null}`) {
		t.Errorf("RESERVED: %+v", found)
	}
}

// FuzzFailures: there is a failure exactly when the schema does not accept, the first one is always the same, and every place is
// one in the document.
func FuzzFailures(f *testing.F) {
	f.Add([]byte(published), []byte(small))
	f.Add([]byte(rejected), []byte(`{"cveMetadata":{"state":"REJECTED"}}`))
	f.Add([]byte(`{"cnaContainer":{"affected":[{"versions":[{}]}],"metrics":[{"cvssV3_1":{}}]}}`), []byte(`[1e999]`))
	f.Add([]byte(`{"cnaContainer":{"a~b/c":1,"credits":[{"lang":"en"}],"references":[{"url":"x","tags":["y"]}]}}`), []byte(`null`))
	v := validator(f, Current)
	f.Fuzz(func(t *testing.T, body, record []byte) {
		for _, tc := range []struct {
			raw   []byte
			found []Failure
			again []Failure
			fails bool
		}{
			{body, v.BodyFailures(CNAPublished, body), v.BodyFailures(CNAPublished, body), v.bodyFails(CNAPublished, body)},
			{body, v.BodyFailures(CNARejected, body), v.BodyFailures(CNARejected, body), v.bodyFails(CNARejected, body)},
			{record, v.RecordFailures(record), v.RecordFailures(record), cve.HasErrors(v.Record(record))},
		} {
			if len(tc.found) > 0 != tc.fails {
				t.Fatalf("%s: failures %+v, the schema refuses: %v", tc.raw, tc.found, tc.fails)
			}
			if len(tc.found) != len(tc.again) {
				t.Fatalf("%s: %+v, then %+v", tc.raw, tc.found, tc.again)
			}
			for i, failure := range tc.found {
				if failure.line(t) != tc.again[i].line(t) {
					t.Fatalf("%s: %+v, then %+v", tc.raw, failure, tc.again[i])
				}
				if !jsontext.Value(tc.raw).IsValid() {
					continue
				}
				if !has(tc.raw, jsontext.Pointer(failure.InstancePath)) {
					t.Fatalf("%s has no %q", tc.raw, failure.InstancePath)
				}
			}
		}
	})
}

// bodyFails asks the published schema itself about the container.
func (v *Validator) bodyFails(k Kind, raw []byte) bool {
	var body map[string]jsontext.Value
	if json.Unmarshal(raw, &body) != nil || len(body) != 1 || body["cnaContainer"] == nil {
		return true
	}
	return cve.HasErrors(v.Container(k, body["cnaContainer"]))
}

// has says whether a document has a place.
func has(raw []byte, place jsontext.Pointer) bool {
	var node any
	if json.Unmarshal(raw, &node) != nil {
		return true // a number beyond any: nothing to walk
	}
	for token := range place.Tokens() {
		switch n := node.(type) {
		case map[string]any:
			child, ok := n[token]
			if !ok {
				return false
			}
			node = child
		case []any:
			i := 0
			for _, c := range token {
				i = 10*i + int(c-'0')
			}
			if i >= len(n) {
				return false
			}
			node = n[i]
		default:
			return false
		}
	}
	return true
}
