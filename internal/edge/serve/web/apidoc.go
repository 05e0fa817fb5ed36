package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/web/apidoc"
)

// openapi is the part of an OpenAPI 3.1 document that the page sets out.
type openapi struct {
	Info struct {
		Title       string `json:"title"`
		Version     string `json:"version"`
		Description string `json:"description"`
	} `json:"info"`
	Tags []struct {
		Name        string `json:"name"`
		Description string `json:"description"`
	} `json:"tags"`
	Paths      map[string]map[string]jsontext.Value `json:"paths"` // a path item holds more than operations
	Components struct {
		Schemas map[string]apiSchema `json:"schemas"`
	} `json:"components"`
	// Problems are the kinds of problem details; the type of a problem is a reference to its place on this page.
	Problems []apidoc.Problem `json:"x-problems"`
}

type apiOperation struct {
	ID          string               `json:"operationId"`
	Tags        []string             `json:"tags"`
	Summary     string               `json:"summary"`
	Description string               `json:"description"`
	Parameters  []apiParameter       `json:"parameters"`
	Responses   map[string]apiAnswer `json:"responses"`
}

type apiParameter struct {
	Name        string    `json:"name"`
	In          string    `json:"in"`
	Description string    `json:"description"`
	Required    bool      `json:"required"`
	Schema      apiSchema `json:"schema"`
	Example     any       `json:"example"`
}

type apiAnswer struct {
	Description string `json:"description"`
	Content     map[string]struct {
		Schema apiSchema `json:"schema"`
	} `json:"content"`
}

type apiSchema struct {
	Ref         string               `json:"$ref"`
	Type        any                  `json:"type"` // a name, or an array of them
	Format      string               `json:"format"`
	Description string               `json:"description"`
	Enum        []any                `json:"enum"`
	Default     any                  `json:"default"`
	Examples    []any                `json:"examples"`
	Minimum     *float64             `json:"minimum"`
	Maximum     *float64             `json:"maximum"`
	Items       *apiSchema           `json:"items"`
	Properties  map[string]apiSchema `json:"properties"`
	Required    []string             `json:"required"`
}

var errDocument = errors.New("web: OpenAPI document without operations")

// methods in the order of the page; what else a path item holds is no operation.
var methods = []string{"get", "head", "post", "put", "patch", "delete"}

// apiPage sets the document of the native API out, with nothing that a script would have to do.
func (s *server) apiPage(w http.ResponseWriter, r *http.Request) {
	p, _ := s.Page(w, r)
	p.Title = p.Lang.T("api.title")
	v := apidoc.View{Page: p, Unreadable: true}
	if s.OpenAPI != nil {
		raw := s.OpenAPI()
		filled, err := readOpenAPI(raw, s.BaseURL)
		if err != nil {
			s.Fail(w, r, err)
			return
		}
		v, v.Page = filled, p
	}
	s.Send(w, r, http.StatusOK, apidoc.Page(v))
}

// readOpenAPI makes the view of a document.
func readOpenAPI(raw []byte, base string) (v apidoc.View, err error) {
	var d openapi
	if err := json.Unmarshal(raw, &d); err != nil {
		return v, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	if len(d.Paths) == 0 {
		return v, errDocument
	}
	v = apidoc.View{Title: d.Info.Title, Version: d.Info.Version, About: d.Info.Description, Document: "/api/v1/openapi.json"}
	groups := make(map[string]*apidoc.Group)
	var order []string
	group := func(name, about string) *apidoc.Group {
		g, ok := groups[name]
		if !ok {
			g = &apidoc.Group{Name: name, About: about, Anchor: "tag-" + slug(name)}
			groups[name] = g
			order = append(order, name)
		}
		return g
	}
	for _, t := range d.Tags {
		group(t.Name, t.Description)
	}
	for _, path := range sortedKeys(d.Paths) {
		for _, method := range methods {
			raw, ok := d.Paths[path][method]
			if !ok {
				continue
			}
			var op apiOperation
			if err := json.Unmarshal(raw, &op); err != nil {
				return v, fmt.Errorf("read the OpenAPI document: %s %s: %w", method, path, err)
			}
			tag := "api"
			if len(op.Tags) > 0 {
				tag = op.Tags[0]
			}
			g := group(tag, "")
			g.Operations = append(g.Operations, operationView(method, path, op, base))
		}
	}
	for _, name := range order {
		if g := groups[name]; len(g.Operations) > 0 {
			v.Groups = append(v.Groups, *g)
		}
	}
	for _, name := range sortedKeys(d.Components.Schemas) {
		v.Schemas = append(v.Schemas, schemaView(name, d.Components.Schemas[name]))
	}
	v.Problems = d.Problems
	return v, nil
}

func operationView(method, path string, op apiOperation, base string) apidoc.Operation {
	o := apidoc.Operation{Anchor: "op-" + slug(cmp.Or(op.ID, method+path)), Method: strings.ToUpper(method), Path: path, Summary: op.Summary, About: op.Description}
	address, query, complete := path, "", true
	for _, p := range op.Parameters {
		row := apidoc.Parameter{Name: p.Name, In: p.In, Required: p.Required, About: cmp.Or(p.Description, p.Schema.Description), Type: typeWords(p.Schema)}
		if p.Schema.Default != nil {
			row.Default = fmt.Sprint(p.Schema.Default)
		}
		o.Parameters = append(o.Parameters, row)
		value, given := example(p)
		switch {
		case p.In == "path" && given:
			address = strings.ReplaceAll(address, "{"+p.Name+"}", url.PathEscape(value))
		case p.In == "query" && given:
			query += "&" + url.QueryEscape(p.Name) + "=" + url.QueryEscape(value)
		case p.Required:
			complete = false
		}
	}
	if query != "" {
		address += "?" + query[1:]
	}
	o.Curl = "curl -fsS '" + base + address + "'"
	if method != "get" {
		o.Curl = "curl -fsS -X " + o.Method + " '" + base + address + "'"
	}
	if method == "get" && complete {
		o.Try = address
	}
	for _, status := range sortedKeys(op.Responses) {
		a := apidoc.Answer{Status: status, About: op.Responses[status].Description}
		for _, media := range sortedKeys(op.Responses[status].Content) {
			a.Bodies = append(a.Bodies, apidoc.Body{Media: media, Type: typeWords(op.Responses[status].Content[media].Schema)})
		}
		o.Answers = append(o.Answers, a)
	}
	return o
}

// example is the value that the document gives for a parameter.
func example(p apiParameter) (string, bool) {
	switch {
	case p.Example != nil:
		return fmt.Sprint(p.Example), true
	case len(p.Schema.Examples) > 0:
		return fmt.Sprint(p.Schema.Examples[0]), true
	}
	return "", false
}

func schemaView(name string, s apiSchema) apidoc.Schema {
	v := apidoc.Schema{Name: name, Anchor: "schema-" + slug(name), About: s.Description}
	for _, member := range sortedKeys(s.Properties) {
		p := s.Properties[member]
		v.Members = append(v.Members, apidoc.Member{Name: member, Type: typeWords(p), Required: slices.Contains(s.Required, member), About: p.Description})
	}
	return v
}

// typeWords puts a schema into a few words.
func typeWords(s apiSchema) apidoc.Type {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		return apidoc.Type{Name: name, Href: "#schema-" + slug(name)}
	}
	var names []string
	switch t := s.Type.(type) {
	case string:
		names = []string{t}
	case []any:
		for _, n := range t {
			if n != "null" {
				names = append(names, fmt.Sprint(n))
			}
		}
	}
	t := apidoc.Type{Words: strings.Join(names, " or ")}
	if s.Items != nil {
		of := typeWords(*s.Items)
		return apidoc.Type{Words: strings.TrimSpace("array of " + of.Words), Name: of.Name, Href: of.Href}
	}
	if len(s.Enum) > 0 {
		values := make([]string, len(s.Enum))
		for i, e := range s.Enum {
			values[i] = fmt.Sprint(e)
		}
		t.Words = strings.Join(values, " | ")
	}
	if s.Format != "" {
		t.Words += " (" + s.Format + ")"
	}
	switch {
	case s.Minimum != nil && s.Maximum != nil:
		t.Words += fmt.Sprintf(" %v–%v", *s.Minimum, *s.Maximum)
	case s.Minimum != nil:
		t.Words += fmt.Sprintf(" from %v", *s.Minimum)
	case s.Maximum != nil:
		t.Words += fmt.Sprintf(" to %v", *s.Maximum)
	}
	return t
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// slug makes an anchor of a name.
func slug(name string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-':
			return c
		case c >= 'A' && c <= 'Z':
			return c
		}
		return '-'
	}, name)
}
