package schema

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"tasuki/spec/cve"
)

// explain turns the validator's tree of failures into findings.
func explain(err error) []cve.Finding {
	if err == nil {
		return nil
	}
	var tree *jsonschema.ValidationError
	if !errors.As(err, &tree) {
		return []cve.Finding{{Rule: "schema:error", Severity: cve.SeverityError, Message: err.Error()}}
	}
	all := appendLeaves(nil, tree)
	// A score or severity that is impossible by itself belongs to no other either: say the first only.
	return slices.DeleteFunc(slices.Clone(all), func(f cve.Finding) bool {
		return f.Message == severityMessage && slices.ContainsFunc(all, func(g cve.Finding) bool {
			return g.Pointer == f.Pointer+"/baseScore" || g.Pointer == f.Pointer+"/baseSeverity"
		})
	})
}

// appendLeaves walks down to the failures that say something. Alternatives (oneOf, anyOf) are the hard part: each
// failed branch complains in its own way, and only one of them was meant.
func appendLeaves(found []cve.Finding, e *jsonschema.ValidationError) []cve.Finding {
	switch k := e.ErrorKind.(type) {
	case *kind.OneOf:
		return appendAlternatives(found, e, len(k.Subschemas) > 0)
	case *kind.AnyOf:
		return appendAlternatives(found, e, false)
	case *kind.Contains:
		// Its causes are the reasons why each element is not the wanted one.
		return append(found, at(e, contains(e)))
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			f := at(e, "is not a member of the record format here")
			f.Pointer += pointer([]string{name})
			found = append(found, f)
		}
		return found
	case *kind.Required:
		for _, name := range k.Missing {
			found = append(found, at(e, "needs the member "+strconv.Quote(name)))
		}
		return found
	}
	if len(e.Causes) > 0 {
		for _, cause := range e.Causes {
			found = appendLeaves(found, cause)
		}
		return found
	}
	return append(found, at(e, words(e)))
}

// at makes a finding for the place of e.
func at(e *jsonschema.ValidationError, message string) cve.Finding {
	rule := "schema"
	if path := e.ErrorKind.KeywordPath(); len(path) > 0 {
		rule += ":" + path[0]
	}
	return cve.Finding{Pointer: pointer(e.InstanceLocation), Rule: rule, Severity: cve.SeverityError, Message: message}
}

func pointer(tokens []string) string {
	var p jsontext.Pointer
	for _, token := range tokens {
		p = p.AppendToken(token)
	}
	return string(p)
}

// appendAlternatives words a failed choice.
func appendAlternatives(found []cve.Finding, e *jsonschema.ValidationError, tooMany bool) []cve.Finding {
	for _, a := range alternatives {
		if strings.HasSuffix(e.SchemaURL, a.schema) {
			if inner := deeper(e); a.descend && len(inner) > 0 {
				return append(found, inner...)
			}
			return append(found, at(e, a.message))
		}
	}
	if tooMany {
		return append(found, at(e, "fits more than one of the forms allowed here"))
	}
	// A choice between lists of required members: say each list.
	if onlyRequired(e) {
		var sets []string
		for _, cause := range e.Causes {
			var missing []string
			for _, leaf := range leaves(cause) {
				if required, ok := leaf.ErrorKind.(*kind.Required); ok {
					missing = append(missing, required.Missing...)
				}
			}
			sets = append(sets, strings.Join(missing, " and "))
		}
		return append(found, at(e, "needs "+strings.Join(sets, ", or ")))
	}
	// Else the branch that got furthest is the one that was meant.
	var best *jsonschema.ValidationError
	depth := -1
	for _, cause := range e.Causes {
		for _, leaf := range leaves(cause) {
			if len(leaf.InstanceLocation) > depth {
				best, depth = cause, len(leaf.InstanceLocation)
			}
		}
	}
	if best == nil {
		return append(found, at(e, "fits none of the forms allowed here"))
	}
	return appendLeaves(found, best)
}

// alternatives are the choices of the record format that deserve a sentence of their own.
var alternatives = []struct {
	schema  string // end of the schema's location
	message string
	descend bool // prefer what is wrong inside to the sentence
}{
	{"/reference/properties/tags/items", "must be one of the reference tags of the record format (vendor-advisory, patch, exploit, …) or begin with x_", false},
	{"/cnaTags/items", "must be unsupported-when-assigned, exclusively-hosted-service or disputed, or begin with x_", false},
	{"/adpTags/items", "must be disputed or begin with x_", false},
	{"/product/properties/versions/items", "must be a single version (version, status) or a range (version, status, versionType and one of lessThan and lessThanOrEqual)", true},
	{"/cvssV4_0", severityMessage, false},
	{"/cvssV3_1", severityMessage, false},
	{"/cvssV3_0", severityMessage, false},
	{"/metrics/items", "needs one of cvssV4_0, cvssV3_1, cvssV3_0, cvssV2_0 and other", false},
}

const severityMessage = "has a baseSeverity that does not belong to its baseScore"

// deeper returns the findings below the place of e, if its branches have any.
func deeper(e *jsonschema.ValidationError) []cve.Finding {
	var found []cve.Finding
	for _, cause := range e.Causes {
		for _, leaf := range leaves(cause) {
			if len(leaf.InstanceLocation) > len(e.InstanceLocation) {
				found = appendLeaves(found, leaf)
			}
		}
	}
	return cve.Merge(found)
}

func leaves(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	var all []*jsonschema.ValidationError
	for _, cause := range e.Causes {
		all = append(all, leaves(cause)...)
	}
	return all
}

// onlyRequired reports whether every branch fails only for want of members at this very place.
func onlyRequired(e *jsonschema.ValidationError) bool {
	for _, leaf := range leaves(e) {
		if _, ok := leaf.ErrorKind.(*kind.Required); !ok || len(leaf.InstanceLocation) != len(e.InstanceLocation) {
			return false
		}
	}
	return len(e.Causes) > 0
}

func contains(e *jsonschema.ValidationError) string {
	if strings.HasSuffix(e.SchemaURL, "/definitions/descriptions") {
		return "must hold a text in English (lang en or en-…)"
	}
	return "must hold an element that it lacks"
}

// patterns says in words what a pattern of the record format stands for, by the end of its schema's location.
var patterns = []struct{ schema, message string }{
	{"/timestamp", "must be a timestamp such as 2026-11-21T21:00:07.000Z"},
	{"/datestamp", "must be a date such as 2026-11-21"},
	{"/uuidType", "must be a version 4 UUID"},
	{"/cveId", "must be a CVE identifier such as CVE-2026-12345"},
	{"/language", "must be a BCP 47 language tag such as en, ja or pt-BR"},
	{"/cpe22and23", "must be a CPE name (cpe:2.3:… or cpe:/…)"},
	{"/cpe23", "must be a CPE 2.3 name (cpe:2.3:…)"},
	{"/cweId", "must be a CWE identifier such as CWE-79"},
	{"/capecId", "must be a CAPEC identifier such as CAPEC-63"},
	{"/dataVersion", "must be a version of the record format such as 5.2.0"},
	{"/vectorString", "must be a CVSS vector string of this version, metrics in order and prefix included"},
}

// words says what a failure without causes wants.
func words(e *jsonschema.ValidationError) string {
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		return "must be " + strings.Join(each(k.Want, typeWord), " or ") + ", not " + typeWord(k.Got)
	case *kind.Enum:
		return "must be " + list(k.Want)
	case *kind.Const:
		return "must be " + display(k.Want)
	case *kind.Pattern:
		for _, p := range patterns {
			if strings.HasSuffix(e.SchemaURL, p.schema) {
				return p.message
			}
		}
		return "must match " + cut(k.Want, 80)
	case *kind.Format:
		switch k.Want {
		case "uri":
			return "must be a URI (scheme first, no spaces, nothing but ASCII)"
		case "date-time":
			return "must be a timestamp such as 2026-11-21T21:00:07.000Z"
		}
		return "must be of the format " + k.Want
	case *kind.MinLength:
		if k.Got == 0 {
			return "must not be empty"
		}
		return fmt.Sprintf("must have at least %d characters, has %d", k.Want, k.Got)
	case *kind.MaxLength:
		return fmt.Sprintf("must have at most %d characters, has %d", k.Want, k.Got)
	case *kind.MinItems:
		if k.Got == 0 {
			return "must not be an empty list"
		}
		return fmt.Sprintf("must have at least %d elements, has %d", k.Want, k.Got)
	case *kind.MaxItems:
		return fmt.Sprintf("must have at most %d elements, has %d", k.Want, k.Got)
	case *kind.UniqueItems:
		return fmt.Sprintf("has equal elements at %d and %d", k.Duplicates[0], k.Duplicates[1])
	case *kind.MinProperties:
		return fmt.Sprintf("must have at least %d members, has %d", k.Want, k.Got)
	case *kind.MaxProperties:
		return fmt.Sprintf("must have at most %d members, has %d", k.Want, k.Got)
	case *kind.Minimum:
		return "must be at least " + number(k.Want)
	case *kind.Maximum:
		return "must be at most " + number(k.Want)
	case *kind.MultipleOf:
		if number(k.Want) == "0.1" {
			return "must have one decimal at most"
		}
		return "must be a multiple of " + number(k.Want)
	case *kind.FalseSchema:
		return "is not allowed here"
	}
	return "does not fit the record format"
}

func number(r *big.Rat) string {
	return strings.TrimSuffix(strings.TrimRight(r.FloatString(3), "0"), ".")
}

func typeWord(t string) string {
	switch t {
	case "array":
		return "a list"
	case "object", "integer":
		return "an " + t
	case "boolean":
		return "true or false"
	case "null":
		return "null"
	}
	return "a " + t
}

func each(in []string, fn func(string) string) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = fn(s)
	}
	return out
}

// list words the values of an enumeration; a long one is cut.
func list(values []any) string {
	const most = 12
	var out []string
	for i, value := range values {
		if i == most {
			out = append(out, fmt.Sprintf("… (%d values)", len(values)))
			break
		}
		out = append(out, display(value))
	}
	if len(out) == 1 {
		return out[0]
	}
	return "one of " + strings.Join(out, ", ")
}

func display(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	return fmt.Sprint(value)
}

func cut(s string, most int) string {
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
