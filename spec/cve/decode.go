package cve

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// SyntaxError says where a document stops being well-formed JSON (RFC 8259, with the strictness of I-JSON, RFC 7493:
// no duplicate names, valid UTF-8, no byte order mark, nothing after the value, at most 10,000 levels deep).
type SyntaxError struct {
	Pointer string // RFC 6901, the value in which the offence lies; "" is the whole document
	Offset  int64  // in bytes, of or shortly before the offence
	Reason  string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("cve: not JSON at byte %d%s: %s", e.Offset, within(e.Pointer), e.Reason)
}

// TypeError says that a member that Tasuki reads holds a value of the wrong JSON type. The document is well-formed;
// it only is no CVE record.
type TypeError struct {
	Pointer string // RFC 6901
	Offset  int64  // in bytes
	Want    string // in words of JSON: "a string", "a list", "an object", "true or false", "a number"
	Got     string
}

func (e *TypeError) Error() string {
	return fmt.Sprintf("cve: %s (byte %d) must be %s, not %s", namePointer(e.Pointer), e.Offset, e.Want, e.Got)
}

// within words a pointer for an error text. A depth bomb's pointer is as long as the bomb, so it is cut.
func within(pointer string) string {
	if pointer == "" {
		return ""
	}
	return " in " + namePointer(pointer)
}

func namePointer(pointer string) string {
	const most = 120
	switch {
	case pointer == "":
		return "the document"
	case len(pointer) > most:
		return strings.ToValidUTF8(pointer[:most], "") + "…"
	}
	return pointer
}

// Decode reads one CVE record. It refuses what is not well-formed JSON (*SyntaxError) and a wrong type in any member
// of Record (*TypeError); unknown members pass, null counts as absent, names are matched case-sensitively. It does not
// judge the record: that is the Validator's and Lint's part. Size is for the caller to limit. Strings of the result
// are copies; raw may be reused afterwards.
func Decode(raw []byte) (*Record, error) {
	rec := new(Record)
	if decodeFast(raw, rec) {
		return rec, nil
	}
	*rec = Record{} // decodeFast may have come some way
	if err := decodeInto(raw, rec); err != nil {
		return nil, err
	}
	return rec, nil
}

// DecodeContainer reads one CNA or ADP container, with the same strictness as Decode.
func DecodeContainer(raw []byte) (*Container, error) {
	c := new(Container)
	if err := decodeInto(raw, c); err != nil {
		return nil, err
	}
	return c, nil
}

func decodeInto(raw []byte, into any) error {
	if err := json.Unmarshal(raw, into); err != nil {
		// The library stops at the first complaint. That a document is no JSON at all outweighs a wrong type before.
		var whole jsontext.Value
		if syntax := json.Unmarshal(raw, &whole); syntax != nil {
			err = syntax
		}
		return explain(err, raw)
	}
	// The library reads null into any Go value as "nothing there"; a record is an object.
	if trimmed := bytes.TrimLeft(raw, " \t\r\n"); trimmed[0] != '{' {
		return &TypeError{Offset: int64(len(raw) - len(trimmed)), Want: "an object", Got: kindWord(jsontext.Value(trimmed).Kind())}
	}
	return nil
}

// explain turns the library's errors into ours.
func explain(err error, raw []byte) error {
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		reason := strings.TrimPrefix(syntax.Err.Error(), "jsontext: ")
		if bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")) {
			reason = "the document begins with a byte order mark"
		}
		if len(bytes.TrimLeft(raw, " \t\r\n")) == 0 {
			reason = "the document is empty"
		}
		return &SyntaxError{Pointer: string(syntax.JSONPointer), Offset: syntax.ByteOffset, Reason: reason}
	}
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		want := "another type"
		if semantic.GoType != nil {
			want = goWord(semantic.GoType.Kind())
		}
		got := kindWord(semantic.JSONKind)
		if semantic.JSONKind == jsontext.KindNumber && want == "a number" {
			got = "a number beyond all range"
		}
		return &TypeError{Pointer: string(semantic.JSONPointer), Offset: semantic.ByteOffset, Want: want, Got: got}
	}
	// What is left (io.EOF and its like on empty or cut-off input) is a document that ends too early.
	return &SyntaxError{Offset: int64(len(raw)), Reason: strings.TrimPrefix(err.Error(), "jsontext: ")}
}
