// Package ssvc reads the SSVC decision points that CISA's ADP container carries for nearly every CVE record: the
// content of an "other" metric of type "ssvc" (Stakeholder-Specific Vulnerability Categorization, CISA coordinator
// points, in the shape of the SSVC 2.0.x computed schema).
package ssvc

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Type is the type of the CVE record's "other" metric that Decode reads.
const Type = "ssvc"

// Exploitation values (SSVC, decision point Exploitation 1.x).
const (
	None   = "none"
	PoC    = "poc"
	Active = "active"
)

// SSVC is one assessment. Values are in lower case whatever the record writes ("PoC", "Total"); a decision point that
// is not given is "".
type SSVC struct {
	Exploitation    string // none, poc, active
	Automatable     string // no, yes
	TechnicalImpact string // partial, total
	Timestamp       string // as written; cve.ParseTime reads it
	Role            string // "CISA Coordinator"
	Version         string // of SSVC, "2.0.3"
}

// Decode reads the content of a metric. ok is false when content is not of this shape or names none of the three
// decision points with a value that SSVC defines; such a metric is somebody's own and stays in the record's bytes.
// When a decision point is named twice, the first valid value counts.
func Decode(content []byte) (s SSVC, ok bool) {
	var doc struct {
		Timestamp string `json:"timestamp"`
		Role      string `json:"role"`
		Version   string `json:"version"`
		Options   []struct {
			Exploitation    jsontext.Value `json:"Exploitation,case:ignore"`
			Automatable     jsontext.Value `json:"Automatable,case:ignore"`
			TechnicalImpact jsontext.Value `json:"Technical Impact,case:ignore"`
		} `json:"options"`
	}
	if err := json.Unmarshal(content, &doc); err != nil {
		return SSVC{}, false
	}
	for _, o := range doc.Options {
		take(&s.Exploitation, o.Exploitation, None, PoC, Active)
		take(&s.Automatable, o.Automatable, "no", "yes")
		take(&s.TechnicalImpact, o.TechnicalImpact, "partial", "total")
	}
	if s == (SSVC{}) {
		return SSVC{}, false
	}
	s.Timestamp, s.Role, s.Version = doc.Timestamp, doc.Role, doc.Version
	return s, true
}

// take sets a decision point that has no value yet, if the given one is known.
func take(point *string, given jsontext.Value, known ...string) {
	if *point != "" || given.Kind() != jsontext.KindString {
		return
	}
	text, err := jsontext.AppendUnquote(nil, given)
	if err != nil {
		return
	}
	value := strings.ToLower(strings.TrimSpace(string(text)))
	if value == "public poc" { // the wording since decision point Exploitation 1.1.0
		value = PoC
	}
	if slices.Contains(known, value) {
		*point = value
	}
}
