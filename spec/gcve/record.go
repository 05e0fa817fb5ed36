package gcve

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/spec/cve"
)

// ErrRecord means a document that is no record of BCP-05; wrapped with the reason.
var ErrRecord = errors.New("gcve: not a GCVE record")

// The types of a record (BCP-05). A type that nobody here knows is kept as it is; one that cannot be read counts as Advisory.
const (
	Advisory = "advisory"
	Bundle   = "bundle"
)

// RecordTypes are the types that BCP-05 names.
var RecordTypes = []string{Advisory, "update", "analysis", "metadata", "reference", "comment", "statement", "remediation", "deprecation", "detection",
	"translation", Bundle}

// Relations are the types of relationships that BCP-05 names.
var Relations = []string{"possibly_related", "related", "not equal", "equal", "superset", "subset", "overlap", "opposes", "not_applicable"}

// Member is one object of a record's x_gcve.
type Member struct {
	VulnID        string         `json:"vulnId"`
	RecordType    string         `json:"recordType"`
	Relationships []Relationship `json:"relationships,omitempty"`
	Language      string         `json:"language,omitzero"`
}

// Relationship says how a record stands to another identifier.
type Relationship struct {
	DestID string `json:"destId"`
	Type   string `json:"type"`
	SrcID  string `json:"srcId,omitzero"`
}

// Record is what is read of a BCP-05 document: a CVE record with a vulnId and x_gcve. The document's bytes are the truth, this is a view.
type Record struct {
	ID       ID         // cveMetadata.vulnId, else the first vulnId in x_gcve
	Members  []Member   // x_gcve, from the CNA's container or from the document itself
	Document cve.Record // as a CVE record; Metadata.ID is "" or the CVE identifier
}

// Read reads a record. Whatever does not have the type that the format wants is read as if it were absent, except for what makes it a
// record of ours to keep: the identifier and the state. Errors wrap ErrRecord or what was wrong with the JSON.
func Read(raw []byte) (*Record, error) {
	doc, _, err := cve.DecodeLoose(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	var more struct {
		Metadata   jsontext.Value `json:"cveMetadata"`
		Containers jsontext.Value `json:"containers"`
		XGCVE      jsontext.Value `json:"x_gcve"`
	}
	if err := json.Unmarshal(raw, &more); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	r := &Record{Document: *doc}
	xgcve := member(member(more.Containers, "cna"), "x_gcve")
	if xgcve.Kind() != jsontext.KindBeginArray {
		xgcve = more.XGCVE
	}
	for _, v := range list(xgcve) {
		r.Members = append(r.Members, readMember(v))
	}
	vulnID := textOf(member(more.Metadata, "vulnId"))
	for _, m := range r.Members {
		if vulnID == "" {
			vulnID = m.VulnID
		}
	}
	if vulnID == "" {
		return nil, fmt.Errorf("%w: it has no vulnId", ErrRecord)
	}
	if r.ID, err = ParseID(vulnID); err != nil {
		return nil, fmt.Errorf("%w: vulnId: %w", ErrRecord, err)
	}
	if s := doc.Metadata.State; s != cve.Published && s != cve.Rejected {
		return nil, fmt.Errorf("%w: its state is neither PUBLISHED nor REJECTED", ErrRecord)
	}
	return r, nil
}

func readMember(v jsontext.Value) Member {
	m := Member{VulnID: textOf(member(v, "vulnId")), RecordType: textOf(member(v, "recordType")), Language: textOf(member(v, "language"))}
	if m.RecordType == "" {
		m.RecordType = Advisory
	}
	for _, r := range list(member(v, "relationships")) {
		m.Relationships = append(m.Relationships, Relationship{textOf(member(r, "destId")), textOf(member(r, "type")), textOf(member(r, "srcId"))})
	}
	return m
}

// member is a member of an object, nil when v is none or has no such member.
func member(v jsontext.Value, name string) jsontext.Value {
	var o map[string]jsontext.Value
	if v.Kind() != jsontext.KindBeginObject || json.Unmarshal(v, &o) != nil {
		return nil
	}
	return o[name]
}

func list(v jsontext.Value) (out []jsontext.Value) {
	if v.Kind() != jsontext.KindBeginArray || json.Unmarshal(v, &out) != nil {
		return nil
	}
	return out
}

// Check holds a record to what BCP-05 demands of whoever writes one; it returns what is wrong, with JSON pointers. A record that was read from
// elsewhere need not pass.
func (r *Record) Check() (out []cve.Finding) {
	fault := func(pointer, rule, message string) {
		out = append(out, cve.Finding{Pointer: pointer, Rule: rule, Message: message, Severity: cve.SeverityError})
	}
	const at = "/containers/cna/x_gcve"
	if len(r.Members) == 0 {
		fault(at, "gcve.members", "x_gcve is missing: an array with at least one object of vulnId and recordType")
	}
	for i, m := range r.Members {
		here := fmt.Sprintf("%s/%d", at, i)
		if id, err := ParseID(m.VulnID); err != nil {
			fault(here+"/vulnId", "gcve.id", "a GCVE identifier is needed")
		} else if i == 0 && id.Key() != r.ID.Key() {
			fault(here+"/vulnId", "gcve.id", "it is another identifier than cveMetadata.vulnId")
		}
		if !slices.Contains(RecordTypes, m.RecordType) {
			fault(here+"/recordType", "gcve.type", "one of "+strings.Join(RecordTypes, ", "))
		}
		if m.RecordType != Advisory && m.RecordType != Bundle && len(m.Relationships) == 0 {
			fault(here+"/relationships", "gcve.relationships", "a record of this type names what it is about")
		}
		if m.RecordType == "translation" && m.Language == "" {
			fault(here+"/language", "gcve.language", "a translation names its language")
		}
		for j, rel := range m.Relationships {
			if rel.DestID == "" {
				fault(fmt.Sprintf("%s/relationships/%d/destId", here, j), "gcve.relationships", "an identifier is needed")
			}
			if !slices.Contains(Relations, rel.Type) {
				fault(fmt.Sprintf("%s/relationships/%d/type", here, j), "gcve.relationships", "one of "+strings.Join(Relations, ", "))
			}
		}
	}
	return out
}

// Aliases are other identifiers of the same thing that the record names: its CVE identifier, and what it says is equal. In the
// order of the record, each once.
func (r *Record) Aliases() (out []string) {
	add := func(id string) {
		if id != "" && id != r.ID.String() && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	add(r.Document.Metadata.ID)
	for _, m := range r.Members {
		add(m.VulnID)
		for _, rel := range m.Relationships {
			if rel.Type == "equal" {
				add(rel.DestID)
			}
		}
	}
	return out
}

// Stamp is a document with what BCP-05 wants of it put in: its vulnId and, where the CNA's container has none, an x_gcve that names it. A CVE
// record becomes what the publication of authority 0 shows so, with the identifier's computed alias. Nothing else changes; the result is
// compact. Errors wrap ErrRecord.
func Stamp(raw []byte, id ID) ([]byte, error) {
	text, err := json.Marshal(id.String())
	if err != nil {
		return nil, err
	}
	out, err := cve.Set(raw, text, "cveMetadata", "vulnId")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	var doc struct {
		Containers struct {
			CNA map[string]jsontext.Value `json:"cna"`
		} `json:"containers"`
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	if doc.Containers.CNA["x_gcve"].Kind() == jsontext.KindBeginArray {
		return out, nil
	}
	members, err := json.Marshal([]Member{{VulnID: id.String(), RecordType: Advisory}})
	if err != nil {
		return nil, err
	}
	if out, err = cve.Set(out, members, "containers", "cna", "x_gcve"); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	return out, nil
}
