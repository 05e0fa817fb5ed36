package native

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/client"
)

func info() *huma.Info {
	return &huma.Info{
		Title:   "Tasuki",
		Version: "1",
		Description: "The CVE list of this node: search in one query language, every record as it was known at any moment, what changed since, and proofs. " +
			"Everything is read with GET, needs no key, and is the same for everybody.\n\n" +
			"Members and values may be added to answers at any time; what is there keeps its meaning. Times are RFC 3339 in UTC. Cursors are opaque. " +
			"Every answer but streams has an ETag. Errors are problem details (RFC 9457).",
	}
}

func tags() []*huma.Tag {
	return []*huma.Tag{
		{Name: "search", Description: "Find records in the query language."},
		{Name: "records", Description: "One record: as it is, as it was, how it changed, and the proof."},
		{Name: "changes", Description: "What happened to the list."},
		{Name: "lists", Description: "Vendors, products, weaknesses and assigners, counted."},
		{Name: "authority", Description: "Who assigns what, who is responsible for a product, which deadlines run, which cases are open; who keeps the list."},
		{Name: "bulk", Description: "Downloads and feeds."},
		{Name: "meta", Description: "This description."},
	}
}

func (a *api) metaOperations() {
	document := func(doc *[]byte) func(context.Context, *struct{}) (*bytesOf, error) {
		return func(context.Context, *struct{}) (*bytesOf, error) { return &bytesOf{"application/json", *doc}, nil }
	}
	get(a, operation{id: "get-openapi", path: "openapi.json", tag: "meta", summary: "Get this description", text: "OpenAPI 3.1.",
		kinds: []string{"application/json"}}, document(&a.document))
	get(a, operation{id: "get-openapi-30", path: "openapi-3.0.json", tag: "meta", summary: "Get this description for older tools", text: "OpenAPI 3.0.",
		kinds: []string{"application/json"}}, document(&a.document30))
}

// operation describes one question that can be asked.
type operation struct {
	id, path, tag, summary, text string

	kinds []string // media types of an answer that is not JSON made from Go
}

func (o operation) huma(schemas huma.Registry) huma.Operation {
	out := huma.Operation{OperationID: o.id, Method: http.MethodGet, Path: Prefix + o.path, Summary: o.summary, Description: o.text, Tags: []string{o.tag},
		Responses: map[string]*huma.Response{
			"304": {Description: "Not modified: the answer that If-None-Match names still holds."},
			"default": {Description: "A problem (RFC 9457).", Content: map[string]*huma.MediaType{
				"application/problem+json": {Schema: schemas.Schema(reflect.TypeFor[client.Problem](), true, "")}}},
		}}
	if o.kinds != nil {
		content := map[string]*huma.MediaType{}
		for _, k := range o.kinds {
			// Any JSON where it is JSON; text or bytes else.
			s := &huma.Schema{}
			if k != "application/json" {
				s.Type = huma.TypeString
			}
			content[k] = &huma.MediaType{Schema: s}
		}
		out.Responses["200"] = &huma.Response{Description: "OK", Content: content}
	}
	return out
}

// rawJSON describes JSON that is passed on as it is.
func rawJSON(schemas huma.Registry) {
	schemas.RegisterTypeAlias(reflect.TypeFor[jsontext.Value](), reflect.TypeFor[json.RawMessage]())
}

// describe makes the documents once every operation is registered.
func (a *api) describe() {
	doc := a.huma.OpenAPI()
	schemas := doc.Components.Schemas.Map()
	// huma's own shape of an error never leaves the house: ownProblems replaces it.
	delete(schemas, "ErrorModel")
	delete(schemas, "ErrorDetail")
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		plain(schemas[name])
	}
	for _, item := range doc.Paths {
		// A HEAD is answered like its GET, without the body (RFC 9110 §9.3.2); the description need not say so twenty times.
		for _, r := range item.Get.Responses {
			for _, c := range r.Content {
				plain(c.Schema)
			}
		}
	}
	var err error
	if a.document, err = doc.MarshalJSON(); err == nil {
		a.document30, err = doc.Downgrade()
	}
	if err != nil {
		panic(err) // it is made of constants
	}
}

// plain takes back what huma assumes of Go types and our encoder does not do: lists and times that are null. It also leaves
// objects open, for answers grow by addition.
func plain(s *huma.Schema) {
	if s == nil {
		return
	}
	s.Nullable = false
	if _, closed := s.AdditionalProperties.(bool); closed {
		s.AdditionalProperties = nil
	}
	if inner, ok := s.AdditionalProperties.(*huma.Schema); ok {
		plain(inner)
	}
	plain(s.Items)
	for _, p := range s.Properties {
		plain(p)
	}
}
