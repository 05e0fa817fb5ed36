package web

import (
	"net/http"
	"strings"
	"testing"

	"tasuki/web/apidoc"

	"tasuki/internal/edge/serve/page"
)

// sampleAPI has what a document of the native API has: tags, parameters with and without examples, references, no order.
const sampleAPI = `{"openapi":"3.1.0","info":{"title":"Tasuki","version":"1","description":"Reads only."},
"tags":[{"name":"records","description":"One record."},{"name":"unused"}],
"paths":{
 "/api/v1/search":{"get":{"operationId":"search","tags":["search"],"summary":"Find records","parameters":[
   {"name":"q","in":"query","description":"The query.","schema":{"type":"string","examples":["vendor:acme & <b>"]}},
   {"name":"limit","in":"query","schema":{"type":"integer","format":"int64","minimum":1,"maximum":1000,"default":50,"description":"How many."}}],
   "responses":{"200":{"description":"OK","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Page"}}}},"400":{"description":"Bad query"}}}},
 "/api/v1/records/{id}":{"parameters":[],"get":{"operationId":"get-record","tags":["records"],"summary":"One record","parameters":[
   {"name":"id","in":"path","required":true,"schema":{"type":"string"}}],"responses":{"200":{"description":"OK"}}},
  "delete":{"tags":["records"],"responses":{}}}},
"x-problems":[{"code":"bad-query","status":400,"title":"The query cannot be read","text":"Look at span."}],
"components":{"schemas":{"Page":{"type":"object","required":["hits"],"properties":{
  "hits":{"type":["array","null"],"items":{"$ref":"#/components/schemas/Hit"}},"total":{"type":"integer"},"kind":{"type":"string","enum":["a","b"]}}},"Hit":{"type":"object"}}}}`

func TestAPIPage(t *testing.T) {
	w := load(t)
	p := fetch(t, handler(t, w), "/api")
	if n := len(p.all("article.operation")); n != 3 {
		t.Errorf("%d operations", n)
	}
	ids := map[string]bool{}
	p.root.walk(func(n *node) { ids[n.attr["id"]] = true })
	for _, a := range p.all("main a") {
		if name, ok := strings.CutPrefix(a.attr["href"], "#"); ok && !ids[name] {
			t.Errorf("a link to #%s goes nowhere", name)
		}
	}
	if !ids["problem-bad-query"] {
		t.Error("the type of a problem refers to nothing")
	}
	says := p.one(t, "main").words()
	for _, want := range []string{"curl -fsS 'http://localhost:8080/api/v1/search?q=vendor%3Aacme+%26+%3Cb%3E'", "curl -fsS 'http://localhost:8080/api/v1/records/{id}'",
		"curl -fsS -X DELETE", "integer (int64) 1–1000", "default 50", "How many.", "array of Hit", "bad-query 400", "The query cannot be read. Look at span.", "a | b", "always present"} {
		if !strings.Contains(says, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(says, "unused") {
		t.Error("a tag without operations has a heading")
	}
	tries := 0
	for _, a := range p.all("article.operation a") {
		if strings.HasPrefix(a.attr["href"], "/api/v1/") {
			tries++
		}
	}
	if tries != 1 {
		t.Errorf("%d operations can be tried; only the one that needs nothing made up should be", tries)
	}
	o := Options{Kit: page.Kit{Status: status(w), Log: discard, Now: fixed}, Catalogue: w, Ledger: newLedger(t, w.list), Intake: intakeOf{}}
	if says := fetch(t, Handler(o), "/api").one(t, "main").words(); !strings.Contains(says, "no description") {
		t.Errorf("without a document: %s", says)
	}
	o.OpenAPI = func() []byte { return []byte(`{"paths":{}}`) }
	if p := fetch(t, Handler(o), "/api"); p.status != http.StatusInternalServerError {
		t.Errorf("a document without operations: %d", p.status)
	}
}

// FuzzOpenAPI: a document is set out or refused; every type that has a name has a place.
func FuzzOpenAPI(f *testing.F) {
	f.Add([]byte(sampleAPI))
	f.Add([]byte(`{"paths":{"/":{"get":{"parameters":[{"schema":{"type":3,"items":{"items":{}}}}]}}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := readOpenAPI(raw, "")
		if err != nil {
			return
		}
		operations := 0
		check := func(typ apidoc.Type) {
			if (typ.Name == "") != (typ.Href == "") {
				t.Fatalf("%+v", typ)
			}
		}
		for _, g := range v.Groups {
			for _, o := range g.Operations {
				operations++
				for _, p := range o.Parameters {
					check(p.Type)
				}
			}
		}
		for _, s := range v.Schemas {
			for _, m := range s.Members {
				check(m.Type)
			}
		}
		if len(v.Groups) > 0 && operations == 0 {
			t.Fatal("groups without operations")
		}
	})
}
