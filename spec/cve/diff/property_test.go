package diff

import (
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// genRecord draws small records out of few values, so that two of them meet in many parts.
func genRecord(t *rapid.T, label string) []byte {
	pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label+name) }
	some := func(name string, most int, one func(string) any) []any {
		out := []any{}
		for i := range rapid.IntRange(0, most).Draw(t, label+name+" count") {
			out = append(out, one(fmt.Sprint(name, i)))
		}
		return out
	}
	text := func(name string) any {
		return map[string]any{"lang": pick(name+" lang", "en", "ja"), "value": pick(name+" value", "a", "b", "c")}
	}
	version := func(name string) any {
		v := map[string]any{"version": pick(name+" version", "0", "1", "2", "*"), "status": pick(name+" status", "affected", "unaffected")}
		if upper := pick(name+" upper", "", "3", "4", "5"); upper != "" {
			v[pick(name+" member", "lessThan", "lessThanOrEqual")] = upper
		}
		if rapid.Bool().Draw(t, label+name+" turns") {
			v["changes"] = some(name+" changes", 2, func(name string) any {
				return map[string]any{"at": pick(name, "1.1", "1.2"), "status": "unaffected"}
			})
		}
		return v
	}
	container := func(name string) map[string]any {
		c := map[string]any{
			"providerMetadata": map[string]any{"orgId": pick(name+" org", "p", "q"), "shortName": pick(name+" short", "P", "Q")},
			"descriptions":     some(name+" descriptions", 3, text),
			"workarounds":      some(name+" workarounds", 2, text),
			"affected": some(name+" affected", 3, func(name string) any {
				return map[string]any{"vendor": "v", "product": pick(name+" product", "x", "X", "y"), "versions": some(name+" versions", 4, version),
					"platforms": some(name+" platforms", 2, func(name string) any { return pick(name, "windows", "linux") })}
			}),
			"problemTypes": some(name+" problems", 3, func(name string) any {
				return map[string]any{"descriptions": some(name+" cwe", 2, func(name string) any {
					return map[string]any{"lang": "en", "cweId": pick(name, "CWE-1", "CWE-2"), "description": pick(name+" words", "one", "two")}
				})}
			}),
			"references": some(name+" references", 3, func(name string) any {
				return map[string]any{"url": pick(name, "https://a", "https://b"), "tags": some(name+" tags", 3, func(name string) any { return pick(name, "patch", "exploit") })}
			}),
			"metrics": some(name+" metrics", 3, func(name string) any {
				if pick(name+" kind", "cvss", "ssvc") == "ssvc" {
					return map[string]any{"other": map[string]any{"type": "ssvc", "content": map[string]any{
						"options": []any{map[string]any{"Exploitation": pick(name+" exploitation", "none", "active")}, map[string]any{"Automatable": "no"}}}}}
				}
				return map[string]any{"cvssV3_1": map[string]any{"version": "3.1", "baseScore": json.Number(pick(name, "7.5", "75e-1", "9.8")), "vectorString": pick(name+" vector", "V", "W")}}
			}),
			"x_list": some(name+" other", 4, func(name string) any { return pick(name, "1", "2", "3") }),
		}
		for _, member := range []string{"workarounds", "problemTypes", "x_list", "references"} {
			if rapid.Bool().Draw(t, label+name+" without "+member) {
				delete(c, member)
			}
		}
		return c
	}
	doc := map[string]any{
		"cveMetadata": map[string]any{"state": pick("state", "PUBLISHED", "REJECTED"), "dateUpdated": pick("updated", "2024-01-01", "2024-01-02")},
		"containers":  map[string]any{"cna": container("cna"), "adp": some("adp", 3, func(name string) any { return container(name) })},
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// shuffle puts the arrays whose order says nothing into another order.
func shuffle(t *rapid.T, raw []byte) []byte {
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	var turn func(v any, pointer string) any
	turn = func(v any, pointer string) any {
		switch v := v.(type) {
		case map[string]any:
			for name := range v {
				v[name] = turn(v[name], pointer+"/"+name)
			}
		case []any:
			for i := range v {
				v[i] = turn(v[i], fmt.Sprint(pointer, "/", i))
			}
			if isUnordered(pointer) && len(v) > 1 {
				return rapid.Permutation(v).Draw(t, "order of "+pointer)
			}
		}
		return v
	}
	out, err := json.Marshal(turn(doc, ""))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestLawsOfRecords(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, b := genRecord(rt, "old "), genRecord(rt, "new ")
		checkLaws(t, a, b)
		if t.Failed() {
			rt.Fatalf("old %s\nnew %s", a, b)
		}
	})
}

func TestOrderSaysNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a := genRecord(rt, "")
		b := shuffle(rt, a)
		changes, err := Records(a, b)
		if err != nil || len(changes) > 0 {
			rt.Fatalf("%v %v\nold %s\nnew %s", err, lines(changes), a, b)
		}
	})
}

// FuzzRecords states the laws of any two JSON documents, records or not.
func FuzzRecords(f *testing.F) {
	f.Add([]byte(published), []byte(rejected))
	f.Add([]byte(rejected), []byte(published))
	f.Add([]byte(`{"containers":{"adp":[1,{"metrics":["a",{"other":{"type":"kev"}}]}]}}`), []byte(`{"containers":{"adp":[{"metrics":[{"other":{"type":"kev","content":7}}]}]}}`))
	f.Add([]byte(`{"containers":{"cna":{"affected":[{"versions":[{"version":0},{"version":null}]}],"a~b":1,"c/d":[1,2,3]}}}`), []byte(`{"containers":{"cna":{"affected":[{"versions":[]},7],"a~b":2,"c/d":[1,4,2,3]}}}`))
	f.Add([]byte(`[1,2,3]`), []byte(`[1.0,20e-1]`))
	f.Add([]byte(`{"containers":{"cna":{"problemTypes":[{},{"descriptions":[]}],"cpeApplicability":[{"nodes":[{"cpeMatch":[{"criteria":"cpe:2.3:a:b:c:*"}]}]}]}}}`), []byte(`{"containers":{"cna":[]}}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if _, err := Records(a, b); err != nil {
			return // no two JSON documents
		}
		if len(a) > 1<<14 || len(b) > 1<<14 {
			return
		}
		checkLaws(t, a, b)
	})
}
