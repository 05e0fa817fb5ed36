package native

import (
	"bytes"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// described is what the tests need of a description.
type described struct {
	OpenAPI string `json:"openapi"`
	Paths   map[string]map[string]struct {
		OperationID string `json:"operationId"`
		Summary     string `json:"summary"`
		Parameters  []struct {
			Name        string `json:"name"`
			Description string `json:"description"`
		} `json:"parameters"`
		Responses map[string]struct {
			Content map[string]struct {
				Schema map[string]any `json:"schema"`
			} `json:"content"`
		} `json:"responses"`
	} `json:"paths"`
	Components struct {
		Schemas map[string]any `json:"schemas"`
	} `json:"components"`
	Problems []Kind `json:"x-problems"`
}

func description(t testing.TB) described {
	t.Helper()
	var d described
	if err := json.Unmarshal(OpenAPI(), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// operations are the ids of every operation, with their paths.
func operations(t testing.TB) map[string]string {
	out := map[string]string{}
	for path, methods := range description(t).Paths {
		for method, o := range methods {
			if method != "get" {
				t.Errorf("%s %s: only GET is there", method, path)
			}
			out[o.OperationID] = path
		}
	}
	return out
}

// The description is an OpenAPI 3.1 document by the standard's own schema, and each of its schemas is a JSON Schema 2020-12.
func TestTheDescriptionIsValid(t *testing.T) {
	raw, err := os.ReadFile("testdata/oas-3.1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	load := func(url string, raw []byte) any {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(url, v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	load("https://spec.openapis.org/oas.json", raw)
	schema, err := c.Compile("https://spec.openapis.org/oas.json")
	if err != nil {
		t.Fatal(err)
	}
	doc := load("https://tasuki.example/openapi.json", OpenAPI())
	if err := schema.Validate(doc); err != nil {
		t.Error(err)
	}
	// The standard's schema leaves Schema Objects alone. These have to compile as what 3.1 says that they are.
	n := 0
	for name := range description(t).Components.Schemas {
		if _, err := c.Compile("https://tasuki.example/openapi.json#/components/schemas/" + name); err != nil {
			t.Error(err)
		}
		n++
	}
	// The test itself must be able to fail.
	doc.(map[string]any)["info"] = "nothing"
	if schema.Validate(doc) == nil || n < 20 {
		t.Errorf("a broken document passes, or %d schemas are too few", n)
	}
}

// What is described is served and what is served is described: every path answers, nothing else does, and every parameter and
// operation says what it is.
func TestDescribedIsServed(t *testing.T) {
	h := build(Options{})
	paths := map[string]bool{}
	for path, methods := range description(t).Paths {
		paths[path] = true
		o := methods["get"]
		r := httptest.NewRequest(http.MethodGet, strings.NewReplacer("{id}", "CVE-2024-1", "{index}", "1", "{name}", "x", "{case}", "x").Replace(path), nil)
		if _, pattern := h.mux.Handler(r); pattern != "GET "+path {
			t.Errorf("%s is described and goes to %q", path, pattern)
		}
		if o.Summary == "" || o.OperationID == "" {
			t.Errorf("%s does not say what it does", path)
		}
		for _, p := range o.Parameters {
			if p.Description == "" {
				t.Errorf("%s: the parameter %s does not say what it is", path, p.Name)
			}
		}
		if len(o.Responses["default"].Content["application/problem+json"].Schema) == 0 || len(o.Responses["200"].Content) != 1 {
			t.Errorf("%s: responses %v", path, o.Responses)
		}
	}
	// The operations as the code registers them, seen from the other side.
	source := regexp.MustCompile(`path: +("[^"]*"|l\.path)( \+ "[^"]*")?`)
	registered := map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range source.FindAllStringSubmatch(string(text), -1) {
			p := strings.NewReplacer(`"`, "", " + ", "").Replace(m[1] + m[2])
			for _, l := range lists {
				registered[Prefix+strings.ReplaceAll(p, "l.path", l.path)] = true
			}
		}
	}
	if !maps.Equal(paths, registered) {
		t.Errorf("described %v\nregistered in the source %v", slices.Sorted(maps.Keys(paths)), slices.Sorted(maps.Keys(registered)))
	}
}

// The client that is generated for package client's tests is made from what is served today.
func TestTheDescriptionForGeneratorsIsCurrent(t *testing.T) {
	doc := jsontext.Value(OpenAPI30())
	if err := doc.Format(jsontext.WithIndent(" ")); err != nil {
		t.Fatal(err)
	}
	raw := append(doc, '\n')
	const name = "../../../../client/testdata/openapi-3.0.json"
	if *update {
		if err := os.WriteFile(name, raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile(name); err != nil || string(have) != string(raw) {
		t.Errorf("%s is not what is served (%v): go test ./internal/edge/serve/native -run Generators -update && go generate ./client", name, err)
	}
}

// Every kind of problem is in the table, has its words, and is explained in the manual under the anchor that its type names.
func TestProblemsAreExplained(t *testing.T) {
	manual, err := os.ReadFile("../../../../docs/protocols/api.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := description(t).Problems
	if len(listed) != len(kinds) {
		t.Errorf("%d kinds are described, %d there", len(listed), len(kinds))
	}
	for _, k := range listed {
		if k.Title == "" || k.Text == "" || k.Status == 0 && k.Code != string(codeDoor) {
			t.Errorf("%+v", k)
		}
		if !strings.Contains(string(manual), `<a id="problem-`+k.Code+`"></a>`) {
			t.Errorf("docs/protocols/api.md has no anchor problem-%s", k.Code)
		}
	}
}
