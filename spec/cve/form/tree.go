package form

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// value is a JSON value that keeps the order of members and the spelling of numbers, so that what no field shows comes out
// as it went in.
type value struct {
	kind  byte           // '{', '[', or 0 for a scalar
	raw   jsontext.Value // of a scalar
	names []string       // of an object's members, beside kids
	kids  []*value
}

func object() *value { return &value{kind: '{'} }

func list() *value { return &value{kind: '['} }

func text(s string) *value {
	raw, err := jsontext.AppendQuote(nil, s)
	if err != nil { // not UTF-8: what could be read of it
		raw, _ = jsontext.AppendQuote(nil, string(bytes.ToValidUTF8([]byte(s), []byte("\uFFFD"))))
	}
	return &value{raw: raw}
}

func number(f float64) *value {
	return &value{raw: jsontext.Value(strconv.FormatFloat(f, 'f', -1, 64))}
}

// parse reads one document.
func parse(raw []byte) (*value, error) {
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	v, err := read(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("more bytes after the value at byte %d", d.InputOffset())
	}
	return v, nil
}

func read(d *jsontext.Decoder) (*value, error) {
	switch kind := d.PeekKind(); kind {
	case '{', '[':
		if _, err := d.ReadToken(); err != nil {
			return nil, err
		}
		v := &value{kind: byte(kind)}
		for {
			switch next := d.PeekKind(); {
			case next == '}' || next == ']':
				_, err := d.ReadToken()
				return v, err
			case kind == '{':
				name, err := d.ReadToken()
				if err != nil {
					return nil, err
				}
				v.names = append(v.names, name.String())
			}
			kid, err := read(d)
			if err != nil {
				return nil, err
			}
			v.kids = append(v.kids, kid)
		}
	default:
		raw, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		return &value{raw: raw.Clone()}, nil
	}
}

func (v *value) append(b []byte) []byte {
	switch v.kind {
	case '{':
		b = append(b, '{')
		for i, kid := range v.kids {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, text(v.names[i]).raw...)
			b = append(b, ':')
			b = kid.append(b)
		}
		return append(b, '}')
	case '[':
		b = append(b, '[')
		for i, kid := range v.kids {
			if i > 0 {
				b = append(b, ',')
			}
			b = kid.append(b)
		}
		return append(b, ']')
	}
	return append(b, v.raw...)
}

func (v *value) clone() *value {
	c := &value{kind: v.kind, raw: v.raw, names: slices.Clone(v.names), kids: make([]*value, len(v.kids))}
	for i, kid := range v.kids {
		c.kids[i] = kid.clone()
	}
	return c
}

// get is a member of an object; nil when there is none, or v is no object.
func (v *value) get(name string) *value {
	if v == nil || v.kind != '{' {
		return nil
	}
	if i := slices.Index(v.names, name); i >= 0 {
		return v.kids[i]
	}
	return nil
}

// set puts a member of an object, a new one before the first of those that stand after it in order.
func (v *value) set(name string, kid *value, order []string) {
	if i := slices.Index(v.names, name); i >= 0 {
		v.kids[i] = kid
		return
	}
	at := len(v.names)
	if place := slices.Index(order, name); place >= 0 {
		if i := slices.IndexFunc(v.names, func(other string) bool { return slices.Index(order, other) > place }); i >= 0 {
			at = i
		}
	}
	v.names = slices.Insert(v.names, at, name)
	v.kids = slices.Insert(v.kids, at, kid)
}

func (v *value) drop(name string) {
	if i := slices.Index(v.names, name); i >= 0 {
		v.names = slices.Delete(v.names, i, i+1)
		v.kids = slices.Delete(v.kids, i, i+1)
	}
}

// str is a scalar's string.
func (v *value) str() (string, bool) {
	if v == nil || v.kind != 0 || v.raw.Kind() != '"' {
		return "", false
	}
	s, err := jsontext.AppendUnquote(nil, v.raw)
	return string(s), err == nil
}

// at is the value that a pointer leads to, nil when there is none.
func (v *value) at(p jsontext.Pointer) *value {
	for token := range p.Tokens() {
		switch {
		case v == nil:
			return nil
		case v.kind == '{':
			v = v.get(token)
		case v.kind == '[':
			i, ok := index(token)
			if !ok || i >= len(v.kids) {
				return nil
			}
			v = v.kids[i]
		default:
			return nil
		}
	}
	return v
}

// index reads an array index (RFC 6901, section 4).
func index(token string) (int, bool) {
	i, err := strconv.Atoi(token)
	return i, err == nil && i >= 0 && strconv.Itoa(i) == token
}
