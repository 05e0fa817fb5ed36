// Package schema checks records and containers against the published JSON schemas of the CVE Record Format. The schemas
// are embedded unchanged; two of their formats are ours, see format.go. A verdict is a list of findings with JSON
// pointers and words for people, rather than the validator's tree of failed alternatives.
package schema

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"tasuki/spec/cve"
)

//go:embed 5.1.0/record.json 5.1.1/record.json 5.2.0/record.json
var files embed.FS

// The record format versions whose schemas are embedded. Current is the yardstick for records from elsewhere.
const (
	V510    = "5.1.0"
	V511    = "5.1.1"
	V520    = "5.2.0"
	Current = V520
)

// ValidatorVersion names what decides a verdict: schema, formats and wording of this package. Verdicts that are kept are
// kept under it, so it changes whenever a record could be judged differently.
const ValidatorVersion = "cve-schema-" + Current + "+tasuki-1"

// MaxFindings bounds a verdict; a document that is wrong throughout is not described throughout.
const MaxFindings = 100

// Kind says which schema of a format version applies.
type Kind int

// The kinds of container.
const (
	CNAPublished Kind = iota
	CNARejected
	ADP
)

// definitions are where the kinds stand inside the bundled record schema. The container schemas that are published
// beside it hold the very same definitions in a wrapper, so they are not embedded a second time.
var definitions = map[Kind]string{
	CNAPublished: "#/definitions/cnaPublishedContainer",
	CNARejected:  "#/definitions/cnaRejectedContainer",
	ADP:          "#/definitions/adpContainer",
}

// ErrVersion says that no schema is embedded for a record format version.
var ErrVersion = errors.New("schema: unknown version of the CVE Record Format")

// ForDataVersion maps a record's dataVersion to the schema that checks it: 5.0 and 5.1 are checked by 5.1.0.
func ForDataVersion(dv string) (version string, ok bool) {
	switch {
	case dv == "5.2" || strings.HasPrefix(dv, "5.2."):
		return V520, true
	case dv == "5.0" || strings.HasPrefix(dv, "5.0.") || dv == "5.1" || dv == V510:
		return V510, true
	case strings.HasPrefix(dv, "5.1."):
		return V511, true
	}
	return "", false
}

// Validator checks against one version of the record format. It is safe for concurrent use and keeps no state but the
// compiled schema.
type Validator struct {
	published, rejected *jsonschema.Schema
	containers          map[Kind]*jsonschema.Schema
	whole               *jsonschema.Schema // published or rejected
	bodies              map[Kind]*jsonschema.Schema
	atlas               *atlas
}

// New returns the validator of one of the embedded versions. Each version is compiled once in a process, at its first
// use (some 20 ms). The error wraps ErrVersion.
func New(version string) (*Validator, error) {
	compile, ok := validators[version]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrVersion, version)
	}
	return compile()
}

// NewValidator returns the validator of the Current version.
func NewValidator() (*Validator, error) { return New(Current) }

var validators = map[string]func() (*Validator, error){
	V510: sync.OnceValues(func() (*Validator, error) { return compile(V510) }),
	V511: sync.OnceValues(func() (*Validator, error) { return compile(V511) }),
	V520: sync.OnceValues(func() (*Validator, error) { return compile(V520) }),
}

func compile(version string) (*Validator, error) {
	raw, err := files.ReadFile(version + "/record.json")
	if err != nil {
		return nil, fmt.Errorf("schema %s: %w", version, err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("schema %s: %w", version, err)
	}
	rangeTenths(doc)
	// The versions share one $id, so each has a compiler of its own.
	c := jsonschema.NewCompiler()
	c.RegisterFormat(&jsonschema.Format{Name: "uri", Validate: checkURI})
	c.RegisterFormat(&jsonschema.Format{Name: "date-time", Validate: checkTime})
	const url = "record.json"
	if err := c.AddResource(url, doc); err != nil {
		return nil, fmt.Errorf("schema %s: %w", version, err)
	}
	v := &Validator{containers: make(map[Kind]*jsonschema.Schema), bodies: make(map[Kind]*jsonschema.Schema)}
	if v.atlas, err = newAtlas(raw); err != nil {
		return nil, fmt.Errorf("schema %s: %w", version, err)
	}
	// The record is "oneOf" published and rejected. Each is compiled alone, so that a finding speaks of the state that
	// the record claims and not of both.
	if v.published, err = c.Compile(url + "#/oneOf/0"); err != nil {
		return nil, fmt.Errorf("schema %s: %w", version, err)
	}
	if v.rejected, err = c.Compile(url + "#/oneOf/1"); err != nil {
		return nil, fmt.Errorf("schema %s: %w", version, err)
	}
	for kind, definition := range definitions {
		if v.containers[kind], err = c.Compile(url + definition); err != nil {
			return nil, fmt.Errorf("schema %s: %w", version, err)
		}
	}
	if v.whole, err = c.Compile(url); err != nil {
		return nil, fmt.Errorf("schema %s: %w", version, err)
	}
	for kind, name := range map[Kind]string{CNAPublished: "published-body.json", CNARejected: "rejected-body.json"} {
		body, err := bodySchema(doc, kind, url)
		if err == nil {
			err = c.AddResource(name, body)
		}
		if err == nil {
			v.bodies[kind], err = c.Compile(name)
		}
		if err != nil {
			return nil, fmt.Errorf("schema %s: %w", version, err)
		}
	}
	return v, nil
}

// Record checks a whole record. No findings of severity error means that it is valid; dates without a zone are
// warnings. A document that is no JSON gives one finding of rule "json".
func (v *Validator) Record(raw []byte) []cve.Finding {
	doc, found := parse(raw)
	if found != nil {
		return found
	}
	var state any
	if record, ok := doc.(map[string]any); ok {
		if metadata, ok := record["cveMetadata"].(map[string]any); ok {
			state = metadata["state"]
		}
	}
	switch state {
	case string(cve.Rejected):
		found = explain(v.rejected.Validate(doc))
	default:
		found = explain(v.published.Validate(doc))
		for i := range found {
			if found[i].Pointer == "/cveMetadata/state" && found[i].Rule == "schema:enum" {
				found[i].Message = "must be PUBLISHED or REJECTED"
			}
		}
	}
	if rec, err := cve.Decode(raw); err == nil {
		found = append(found, cve.ZonelessDates(rec)...)
	}
	return limit(found)
}

// Container checks one container by itself; pointers are relative to it. A missing providerMetadata is not an error,
// since authors leave it to the service that accepts the container.
func (v *Validator) Container(kind Kind, raw []byte) []cve.Finding {
	doc, found := parse(raw)
	if found != nil {
		return found
	}
	if object, ok := doc.(map[string]any); ok {
		if _, given := object["providerMetadata"]; !given {
			object["providerMetadata"] = map[string]any{"orgId": cve.CISAADP} // any valid one
		}
	}
	found = explain(v.containers[kind].Validate(doc))
	if c, err := cve.DecodeContainer(raw); err == nil {
		rec := &cve.Record{Containers: cve.Containers{CNA: *c}}
		for _, f := range cve.ZonelessDates(rec) {
			f.Pointer = strings.TrimPrefix(f.Pointer, "/containers/cna")
			found = append(found, f)
		}
	}
	return limit(found)
}

// parse reads a document for the validator with the strictness of cve.Decode.
func parse(raw []byte) (any, []cve.Finding) {
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		finding := cve.Finding{Rule: "json", Severity: cve.SeverityError, Message: err.Error()}
		// cve.Decode words the same complaint better, with its place.
		var syntax *cve.SyntaxError
		if _, err := cve.Decode(raw); errors.As(err, &syntax) {
			finding.Pointer = syntax.Pointer
			finding.Message = fmt.Sprintf("is not well-formed JSON at byte %d: %s", syntax.Offset, syntax.Reason)
		}
		return nil, []cve.Finding{finding}
	}
	return doc, nil
}

func limit(found []cve.Finding) []cve.Finding {
	found = cve.Merge(found)
	if len(found) <= MaxFindings {
		return found
	}
	more := cve.Finding{Rule: "schema:more", Severity: found[MaxFindings].Severity,
		Message: fmt.Sprintf("has %d further findings that are not listed", len(found)-MaxFindings)}
	return append(found[:MaxFindings:MaxFindings], more)
}
