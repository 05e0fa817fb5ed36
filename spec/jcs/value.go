package jcs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Canonical serialises a Go value: maps, structs, slices, strings, integers, booleans, and what they are made of.
// Structs follow the rules and tags of go-json-experiment/json, so a nil pointer or interface would be null and is
// refused (use omitzero), and []byte is base64. Anything outside the restricted form is an *[Error].
func Canonical(v any) ([]byte, error) {
	var w Writer
	if err := put(&w, v); err != nil {
		return nil, err
	}
	return w.Bytes()
}

// FromJSON brings ordinary JSON (any white space, key order and escapes) into the canonical form. What has no place
// in the form – null, fractions, duplicate keys, keys outside [a-z0-9_]+ – is refused, never dropped.
func FromJSON(raw []byte) ([]byte, error) {
	v, err := parse(raw)
	if err != nil {
		return nil, err
	}
	var w Writer
	if err := put(&w, v); err != nil {
		return nil, err
	}
	return w.Bytes()
}

// Decode checks that raw is canonical and reads it into the Go value that into points to. Members that the Go type
// does not know are refused; a type that means to keep them has a member of type map or jsontext.Value there.
// Errors are *[Error].
func Decode(raw []byte, into any) error {
	if err := Check(raw, 0); err != nil {
		return err
	}
	err := json.Unmarshal(raw, into, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	e := &Error{Rule: RuleType, Message: err.Error()}
	var sem *json.SemanticError
	if errors.As(err, &sem) {
		e.Offset, e.Pointer = int(sem.ByteOffset), string(sem.JSONPointer)
		switch {
		case errors.Is(err, json.ErrUnknownName):
			e.Message = "a member that is not known here"
		case sem.Err != nil:
			e.Message = sem.Err.Error()
		default:
			e.Message = fmt.Sprintf("a %s where a %v belongs", sem.JSONKind, sem.GoType)
		}
	}
	return e
}

// put writes the shapes that callers build by hand directly, and hands everything else to the JSON library first.
func put(w *Writer, v any) error {
	switch v := v.(type) {
	case string:
		w.String(v)
	case bool:
		w.Bool(v)
	case int:
		w.Int(int64(v))
	case int64:
		w.Int(v)
	case number:
		n, err := strconv.ParseInt(string(v), 10, 64)
		if err != nil || strconv.FormatInt(n, 10) != string(v) {
			w.fail(RuleNumber, "only integers without an exponent, within ±(2^53−1): "+clip(string(v)))
			break
		}
		w.Int(n)
	case map[string]any:
		w.Object()
		for _, k := range sortedKeys(v) {
			w.Key(k)
			if err := put(w, v[k]); err != nil {
				return err
			}
		}
		w.EndObject()
	case map[string]string:
		w.Object()
		for _, k := range sortedKeys(v) {
			w.Key(k)
			w.String(v[k])
		}
		w.EndObject()
	case []any:
		w.Array()
		for _, x := range v {
			if err := put(w, x); err != nil {
				return err
			}
		}
		w.EndArray()
	case []string:
		w.Array()
		for _, x := range v {
			w.String(x)
		}
		w.EndArray()
	case nil:
		w.fail(RuleNull, "null is not part of the form; leave the member out")
	default:
		raw, err := json.Marshal(v)
		if err != nil {
			w.stick(&Error{Rule: RuleType, Offset: len(w.buf), Message: err.Error()})
			break
		}
		tree, err := parse(raw)
		if err != nil {
			w.stick(err)
			break
		}
		return put(w, tree)
	}
	return w.err
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// number is the spelling of a number, kept apart from strings until its value is known to be an integer.
type number string

// parse reads ordinary JSON into map[string]any, []any, string, number, bool and nil.
func parse(raw []byte) (any, error) {
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	v, err := parseValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, fail(RuleTrailing, int(d.InputOffset()), "bytes after the value")
	}
	return v, nil
}

func parseValue(d *jsontext.Decoder, depth int) (any, error) {
	tok, err := d.ReadToken()
	if err != nil {
		return nil, syntax(d, err)
	}
	switch tok.Kind() {
	case 'n':
		return nil, nil
	case 't', 'f':
		return tok.Bool(), nil
	case '"':
		return tok.String(), nil
	case '0':
		return number(tok.String()), nil
	}
	// Refused here and not by the Writer alone, so that a deep input cannot exhaust the stack.
	if depth == MaxDepth {
		return nil, &Error{Rule: RuleDepth, Offset: int(d.InputOffset()) - 1, Pointer: string(d.StackPointer()), Message: "more than 8 levels"}
	}
	if tok.Kind() == '[' {
		list := []any{}
		for d.PeekKind() != ']' {
			v, err := parseValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		if _, err := d.ReadToken(); err != nil {
			return nil, syntax(d, err)
		}
		return list, nil
	}
	members := map[string]any{}
	for d.PeekKind() != '}' {
		key, err := d.ReadToken()
		if err != nil {
			return nil, syntax(d, err)
		}
		name := key.String()
		v, err := parseValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		members[name] = v
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, syntax(d, err)
	}
	return members, nil
}

func syntax(d *jsontext.Decoder, err error) error {
	e := &Error{Rule: RuleSyntax, Offset: int(d.InputOffset()), Message: strings.TrimPrefix(err.Error(), "jsontext: ")}
	var s *jsontext.SyntacticError
	if errors.As(err, &s) {
		e.Offset, e.Pointer = int(s.ByteOffset), string(s.JSONPointer)
		if errors.Is(err, jsontext.ErrDuplicateName) {
			e.Rule = RuleOrder
		}
		if s.Err != nil {
			e.Message = s.Err.Error()
		}
	}
	return e
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
