package schema

import (
	"bytes"
	"errors"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// Failure is a keyword that a document fails, in the shape in which the CVE Services protocol tells it.
type Failure struct {
	InstancePath string `json:"instancePath"` // JSON pointer into the document, RFC 6901
	// SchemaPath is where the keyword stands. It starts from the root of the schema, and again at each definition that was
	// reached by a reference and holds references itself; a definition without any is named.
	SchemaPath string         `json:"schemaPath"`
	Keyword    string         `json:"keyword"`
	Params     map[string]any `json:"params"` // what the keyword asks for; never the document's value
	Message    string         `json:"message"`
}

// RecordFailures checks a whole record and tells the first failure as a validator does that looks at keywords in a fixed order
// and stops: of each form (published, rejected) the first, then that none fits. It is empty for a valid record.
func (v *Validator) RecordFailures(raw []byte) []Failure {
	return v.failures(v.whole, raw)
}

// BodyFailures checks the body in which a CNA sends its container, {"cnaContainer": …}; kind is CNAPublished or CNARejected. A
// providerMetadata may be missing: the service that accepts the container stamps it. It is empty for a valid body.
func (v *Validator) BodyFailures(kind Kind, raw []byte) []Failure {
	return v.failures(v.bodies[kind], raw)
}

func (v *Validator) failures(s *jsonschema.Schema, raw []byte) []Failure {
	doc, found := parse(raw)
	if found != nil { // not JSON, or a number that no program holds; what the reader says of it may repeat the value
		return []Failure{{InstancePath: found[0].Pointer, SchemaPath: "#/type", Keyword: "type", Params: map[string]any{"type": "object"}, Message: "cannot be read"}}
	}
	err := s.Validate(doc)
	if err == nil {
		return nil
	}
	var tree *jsonschema.ValidationError
	if !errors.As(err, &tree) {
		return []Failure{{SchemaPath: "#", Params: map[string]any{}, Message: err.Error()}}
	}
	return (&firsts{v.atlas, raw}).append(nil, tree)
}

// firsts picks, from all that the validator found, what one that stops at the first failure would have found.
type firsts struct {
	*atlas
	raw []byte
}

func (f *firsts) append(out []Failure, e *jsonschema.ValidationError) []Failure {
	switch k := e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group:
		return f.appendFirst(out, e.SchemaURL, len(e.InstanceLocation), e.Causes)
	case *kind.Reference:
		return f.appendFirst(out, k.URL, len(e.InstanceLocation), e.Causes)
	case *kind.AllOf:
		return f.append(out, e.Causes[0])
	case *kind.AnyOf, *kind.OneOf:
		for _, branch := range e.Causes {
			out = f.append(out, branch)
		}
	}
	return append(out, f.failure(e))
}

// appendFirst goes into that of the failures below one schema which stands first in the order of keywords.
func (f *firsts) appendFirst(out []Failure, base string, depth int, causes []*jsonschema.ValidationError) []Failure {
	return f.append(out, slices.MinFunc(causes, func(a, b *jsonschema.ValidationError) int {
		return slices.Compare(f.place(fragment(base), depth, a), f.place(fragment(base), depth, b))
	}))
}

// keywords are in the order in which they are looked at: numbers and texts, what holds for any type, lists, objects.
var keywords = []string{"type", "maximum", "minimum", "multipleOf", "maxLength", "minLength", "pattern", "format", "const", "enum", "anyOf", "oneOf", "allOf",
	"$ref", "maxItems", "minItems", "items", "contains", "uniqueItems", "maxProperties", "minProperties", "required", "additionalProperties", "properties",
	"patternProperties"}

func rank(keyword string) int {
	if n := slices.Index(keywords, keyword); n >= 0 {
		return n
	}
	return len(keywords)
}

// place orders a failure among those below the schema at base, which applies to a place of the document so deep: for each step
// down the keyword, then the property's place in the schema or the element's in the list.
func (f *firsts) place(base string, depth int, e *jsonschema.ValidationError) (order []int) {
	rest, _ := strings.CutPrefix(fragment(e.SchemaURL), base)
	for rest != "" {
		var word, name string
		word, rest, _ = strings.Cut(rest[1:], "/")
		base += "/" + word
		order = append(order, rank(word))
		switch {
		case word == "properties":
			name, rest, _ = strings.Cut(rest, "/")
			base += "/" + name
			order = append(order, f.order[f.canonical(base)])
			depth++
		case word == "items" && depth < len(e.InstanceLocation):
			n, _ := strconv.Atoi(e.InstanceLocation[depth]) // an element's index
			order = append(order, n)
			depth++
		}
		if rest != "" {
			rest = "/" + rest
		}
	}
	if path := e.ErrorKind.KeywordPath(); len(path) > 0 {
		order = append(order, rank(path[0]))
	}
	return order
}

func (f *firsts) failure(e *jsonschema.ValidationError) Failure {
	keyword := "false schema"
	if path := e.ErrorKind.KeywordPath(); len(path) > 0 {
		keyword = path[0]
	}
	return Failure{InstancePath: pointer(e.InstanceLocation), SchemaPath: f.path(fragment(e.SchemaURL)) + "/" + keyword, Keyword: keyword,
		Params: f.params(e), Message: f.message(e)}
}

func (f *firsts) message(e *jsonschema.ValidationError) string {
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return "needs the member " + k.Missing[0]
	case *kind.AdditionalProperties:
		return "has a member that the record format does not know here"
	case *kind.Contains:
		return contains(e)
	case *kind.OneOf:
		if k.Subschemas != nil {
			return "fits more than one of the forms allowed here"
		}
		return "fits none of the forms allowed here"
	case *kind.AnyOf:
		return "fits none of the forms allowed here"
	}
	return words(e)
}

func (f *firsts) params(e *jsonschema.ValidationError) map[string]any {
	bound := func(comparison string, r *big.Rat) map[string]any {
		return map[string]any{"comparison": comparison, "limit": jsontext.Value(number(r))}
	}
	limit := func(n int) map[string]any { return map[string]any{"limit": n} }
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return map[string]any{"missingProperty": k.Missing[0]}
	case *kind.AdditionalProperties:
		return map[string]any{"additionalProperty": firstOf(f.raw, pointer(e.InstanceLocation), k.Properties)}
	case *kind.Type:
		return map[string]any{"type": strings.Join(k.Want, ",")}
	case *kind.Enum:
		return map[string]any{"allowedValues": k.Want}
	case *kind.Const:
		return map[string]any{"allowedValue": k.Want}
	case *kind.Pattern:
		return map[string]any{"pattern": k.Want}
	case *kind.Format:
		return map[string]any{"format": k.Want}
	case *kind.MinLength:
		return limit(k.Want)
	case *kind.MaxLength:
		return limit(k.Want)
	case *kind.MinItems:
		return limit(k.Want)
	case *kind.MaxItems:
		return limit(k.Want)
	case *kind.MinProperties:
		return limit(k.Want)
	case *kind.MaxProperties:
		return limit(k.Want)
	case *kind.Contains:
		return map[string]any{"minContains": 1}
	case *kind.UniqueItems:
		return map[string]any{"i": max(k.Duplicates[0], k.Duplicates[1]), "j": min(k.Duplicates[0], k.Duplicates[1])}
	case *kind.OneOf:
		if k.Subschemas != nil {
			return map[string]any{"passingSchemas": k.Subschemas}
		}
		return map[string]any{"passingSchemas": nil}
	case *kind.Minimum:
		return bound(">=", k.Want)
	case *kind.Maximum:
		return bound("<=", k.Want)
	case *kind.MultipleOf:
		return map[string]any{"multipleOf": jsontext.Value(number(k.Want))}
	}
	return map[string]any{}
}

// firstOf is which of the names the object at a place of the document has first.
func firstOf(raw []byte, place string, names []string) string {
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	for {
		token, err := d.ReadToken()
		if err != nil { // cannot be: the document was read before
			return slices.Min(names)
		}
		if token.Kind() != jsontext.KindString {
			continue
		}
		at := d.StackPointer()
		if k, n := d.StackIndex(d.StackDepth()); k == jsontext.KindBeginObject && n%2 == 1 && string(at.Parent()) == place && slices.Contains(names, token.String()) {
			return token.String()
		}
	}
}
