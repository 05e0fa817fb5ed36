package cvelist

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/spec/cve"
)

// head is the part of a record that says what it is.
type head struct {
	DataType string `json:"dataType"`
	Metadata struct {
		ID    string    `json:"cveId"`
		State cve.State `json:"state"`
	} `json:"cveMetadata"`
	Containers jsontext.Value `json:"containers"`
}

// Inspect says why raw is no CVE record, or nil: well-formed JSON as RFC 8259 and RFC 7493 §2 have it (UTF-8, no byte
// order mark, no name twice in one object), dataType CVE_RECORD, a CVE identifier, a state that records have, and
// containers. name is the identifier that the file's name claims; "" claims none. What the schema asks beyond that
// refuses nothing: the list holds plenty of records that break it.
func Inspect(raw []byte, name string) *Refusal {
	if r := checkText(raw); r != nil {
		return r
	}
	var h head
	if err := json.Unmarshal(raw, &h); err != nil {
		return explain(err, raw)
	}
	switch {
	case jsontext.Value(raw).Kind() != '{':
		return refuse(CodeNotRecord, "the document is not an object")
	case h.DataType != "CVE_RECORD":
		return &Refusal{Code: CodeNotRecord, Pointer: "/dataType", Text: "dataType is " + short(h.DataType) + `, expected "CVE_RECORD"`}
	case h.Metadata.ID == "":
		return &Refusal{Code: CodeNotRecord, Pointer: "/cveMetadata/cveId", Text: "there is no identifier"}
	}
	if _, err := cve.ParseID(h.Metadata.ID); err != nil {
		return &Refusal{Code: CodeID, Pointer: "/cveMetadata/cveId", Text: strings.TrimPrefix(err.Error(), "cve: ")}
	}
	if r := checkName(name, h.Metadata.ID); r != nil {
		return r
	}
	if s := h.Metadata.State; s != cve.Published && s != cve.Rejected {
		return &Refusal{Code: CodeNotRecord, Pointer: "/cveMetadata/state", Text: "state is " + short(string(s)) + ", expected PUBLISHED or REJECTED"}
	}
	if h.Containers.Kind() != '{' {
		return &Refusal{Code: CodeNotRecord, Pointer: "/containers", Text: "there are no containers"}
	}
	return nil
}

// checkText is the part of Inspect that needs no parser: cheap enough for every file.
func checkText(raw []byte) *Refusal {
	switch {
	case len(bytes.TrimSpace(raw)) == 0:
		return refuse(CodeEmpty, "the file holds nothing")
	case bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")):
		return refuse(CodeBOM, "the file begins with a byte order mark")
	case bytes.HasPrefix(raw, []byte("\xff\xfe")), bytes.HasPrefix(raw, []byte("\xfe\xff")):
		return refuse(CodeBOM, "the file begins with a UTF-16 byte order mark, expected UTF-8")
	case !utf8.Valid(raw):
		at := firstInvalid(raw)
		return &Refusal{Code: CodeUTF8, Offset: at, Text: "byte " + hexByte(raw[at]) + " at offset " + itoa(at) + " is not UTF-8"}
	}
	return nil
}

// checkName compares what the file is called with what it holds.
func checkName(name, id string) *Refusal {
	if name == "" || name == id {
		return nil
	}
	return &Refusal{Code: CodeWrongID, Pointer: "/cveMetadata/cveId", Text: "the file is named " + short(name) + " but holds " + short(id)}
}

// explain words a decoder's error.
func explain(err error, raw []byte) *Refusal {
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		r := &Refusal{Code: CodeSyntax, Pointer: cut(string(syntax.JSONPointer)), Offset: syntax.ByteOffset}
		r.Text = strings.TrimPrefix(syntax.Err.Error(), "jsontext: ") + " at offset " + itoa(syntax.ByteOffset)
		if errors.Is(err, jsontext.ErrDuplicateName) {
			r.Code = CodeDuplicate
			r.Text = "the name " + short(syntax.JSONPointer.LastToken()) + " occurs twice in one object, at offset " + itoa(syntax.ByteOffset)
		}
		return r
	}
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		return &Refusal{Code: CodeNotRecord, Pointer: cut(string(semantic.JSONPointer)), Offset: semantic.ByteOffset,
			Text: "a value of the wrong kind (" + semantic.JSONKind.String() + ") at offset " + itoa(semantic.ByteOffset)}
	}
	// io.ErrUnexpectedEOF and its like.
	return &Refusal{Code: CodeSyntax, Offset: int64(len(raw)), Text: "the document ends too early, at offset " + itoa(int64(len(raw)))}
}

// looksLikeRecord decides whether an oddly named .json is meant as a record. JSON Schemas mention every word of a
// record, so words are not enough: the members must stand at the top level. A damaged file that speaks of CVE_RECORD
// is better reported than passed over.
func looksLikeRecord(raw []byte) bool {
	if !bytes.Contains(raw, []byte("cveMetadata")) && !bytes.Contains(raw, []byte("CVE_RECORD")) {
		return false
	}
	var top map[string]jsontext.Value
	if err := json.Unmarshal(raw, &top, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		return bytes.Contains(raw, []byte("CVE_RECORD")) && !bytes.Contains(raw, []byte(`"$schema"`))
	}
	return top["cveMetadata"] != nil || string(top["dataType"]) == `"CVE_RECORD"`
}
