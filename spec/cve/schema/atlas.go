package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// atlas knows the places of the record schema: where references lead, and in which order properties stand. The validator itself
// keeps neither, and a first failure cannot be told without.
type atlas struct {
	order   map[string]int  // place of a property's schema → its rank
	targets map[string]bool // place that references lead to → whether it holds references itself
}

func newAtlas(raw []byte) (*atlas, error) {
	a := &atlas{order: map[string]int{}, targets: map[string]bool{}}
	var holders []string // places that hold a reference
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	reference := false
	for {
		token, err := d.ReadToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("schema: %w", err)
		}
		depth := d.StackDepth()
		container, n := d.StackIndex(depth)
		place := d.StackPointer()
		switch {
		case token.Kind() != jsontext.KindString || container != jsontext.KindBeginObject:
		case n%2 == 1: // a member's name
			if place.Parent().LastToken() == "properties" {
				a.order[string(place)] = len(a.order)
			}
			reference = place.LastToken() == "$ref"
		case reference:
			a.targets[strings.TrimPrefix(token.String(), "#")] = false
			holders = append(holders, string(place.Parent()))
			reference = false
		}
	}
	for target := range a.targets {
		a.targets[target] = slices.ContainsFunc(holders, func(h string) bool { return h == target || strings.HasPrefix(h, target+"/") })
	}
	return a, nil
}

// path is the place of a schema as Failure.SchemaPath counts it.
func (a *atlas) path(place string) string {
	for target := place; target != ""; target = target[:strings.LastIndexByte(target, '/')] {
		if holds, ok := a.targets[target]; ok {
			if holds {
				return "#" + place[len(target):]
			}
			return "#" + place
		}
	}
	return "#" + place
}

// canonical is the place in the record schema of one in the schema of a body, which begins with a copy of a container's.
func (a *atlas) canonical(place string) string {
	for _, k := range []Kind{CNAPublished, CNARejected} {
		if c := strings.TrimPrefix(definitions[k], "#") + strings.TrimPrefix(place, bodyContainer); c != place && strings.HasPrefix(place, bodyContainer) {
			if _, ok := a.order[c]; ok {
				return c
			}
		}
	}
	return place
}

// bodyContainer is where a body's schema has the container's.
const bodyContainer = "/properties/cnaContainer"

// bodySchema is the schema of the body in which a CNA sends a container: the container's own, with providerMetadata optional.
func bodySchema(record any, k Kind, recordURL string) (any, error) {
	root, _ := record.(map[string]any)
	all, _ := root["definitions"].(map[string]any)
	definition, ok := all[strings.TrimPrefix(definitions[k], "#/definitions/")].(map[string]any)
	required, isList := definition["required"].([]any)
	if !ok || !isList {
		return nil, fmt.Errorf("schema: %s is not as expected", definitions[k])
	}
	container, _ := elsewhere(definition, recordURL).(map[string]any)
	container["required"] = slices.DeleteFunc(slices.Clone(required), func(name any) bool { return name == "providerMetadata" })
	return map[string]any{"$schema": root["$schema"], "type": "object", "required": []any{"cnaContainer"}, "additionalProperties": false,
		"properties": map[string]any{"cnaContainer": container}}, nil
}

// elsewhere is a copy of a schema for another document: its references lead to the one it comes from.
func elsewhere(node any, url string) any {
	switch node := node.(type) {
	case map[string]any:
		out := make(map[string]any, len(node))
		for name, child := range node {
			if ref, ok := child.(string); ok && name == "$ref" {
				out[name] = url + ref
				continue
			}
			out[name] = elsewhere(child, url)
		}
		return out
	case []any:
		out := make([]any, len(node))
		for i, child := range node {
			out[i] = elsewhere(child, url)
		}
		return out
	}
	return node
}

// fragment is the place that a schema's location names inside its document.
func fragment(url string) string {
	_, place, _ := strings.Cut(url, "#")
	return place
}
