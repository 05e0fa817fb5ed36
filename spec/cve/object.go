package cve

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// object is a JSON object whose members keep their order and, unless set, their bytes. Assemble works on it instead of
// on Record, so that members that no one here knows survive.
type object []member

type member struct {
	name  string
	value jsontext.Value // compact
}

// parseObject reads a whole document that must be one object.
func parseObject(raw []byte) (object, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(raw))
	token, err := d.ReadToken()
	if err != nil {
		return nil, explain(err, raw)
	}
	if token.Kind() != jsontext.KindBeginObject {
		return nil, &TypeError{Want: "an object", Got: kindWord(token.Kind())}
	}
	var o object
	for {
		name, err := d.ReadToken()
		if err != nil {
			return nil, explain(err, raw)
		}
		if name.Kind() == jsontext.KindEndObject {
			break
		}
		text := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return nil, explain(err, raw)
		}
		value = value.Clone()
		if err := value.Compact(); err != nil {
			return nil, explain(err, raw)
		}
		o = append(o, member{text, value})
	}
	if rest := bytes.TrimLeft(raw[d.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return nil, &SyntaxError{Offset: d.InputOffset(), Reason: "more bytes after the value"}
	}
	return o, nil
}

func (o object) find(name string) int {
	return slices.IndexFunc(o, func(m member) bool { return m.name == name })
}

// get returns a member's value, nil when absent.
func (o object) get(name string) jsontext.Value {
	if i := o.find(name); i >= 0 {
		return o[i].value
	}
	return nil
}

// text returns a member that is a string, "" when it is absent or something else.
func (o object) text(name string) string {
	value := o.get(name)
	if value.Kind() != jsontext.KindString {
		return ""
	}
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return ""
	}
	return string(text)
}

// set replaces a member in its place or appends it.
func (o *object) set(name string, value jsontext.Value) {
	if i := o.find(name); i >= 0 {
		(*o)[i].value = value
		return
	}
	*o = append(*o, member{name, value})
}

// setText sets a string member. Invalid UTF-8 cannot come from parsed JSON; elsewhere it is replaced by U+FFFD.
func (o *object) setText(name, text string) {
	quoted, _ := jsontext.AppendQuote(nil, text) // on invalid UTF-8 the result is complete and the error only tells
	o.set(name, quoted)
}

func (o *object) remove(name string) {
	*o = slices.DeleteFunc(*o, func(m member) bool { return m.name == name })
}

// encode writes the object in compact form.
func (o object) encode() jsontext.Value {
	b := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		b, _ = jsontext.AppendQuote(b, m.name)
		b = append(b, ':')
		b = append(b, m.value...)
	}
	return append(b, '}')
}

// parseList reads the elements of a JSON array; an absent or null one has none.
func parseList(raw jsontext.Value) ([]jsontext.Value, error) {
	if raw == nil || raw.Kind() == jsontext.KindNull {
		return nil, nil
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(raw))
	token, err := d.ReadToken()
	if err != nil {
		return nil, explain(err, raw)
	}
	if token.Kind() != jsontext.KindBeginArray {
		return nil, &TypeError{Want: "a list", Got: kindWord(token.Kind())}
	}
	var list []jsontext.Value
	for d.PeekKind() != jsontext.KindEndArray {
		value, err := d.ReadValue()
		if err != nil {
			return nil, explain(err, raw)
		}
		list = append(list, value.Clone())
	}
	return list, nil
}

// encodeList writes elements as a JSON array.
func encodeList(list []jsontext.Value) jsontext.Value {
	b := []byte{'['}
	for i, value := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, value...)
	}
	return append(b, ']')
}
