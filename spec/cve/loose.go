package cve

import (
	"errors"
	"reflect"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxLoose bounds how many misfits DecodeLoose works around; a document with more is no record that somebody mistyped.
const maxLoose = 100

// DecodeLoose is Decode for documents that must not be refused for their shape, such as those of a bulk import: a member
// of the wrong type is read as if it were null and reported, the rest of the record is read as usual. The error is a
// *SyntaxError for what is no JSON, or a *TypeError when the document is no object or misfits throughout. However many
// misfits there are, it takes one pass more than Decode.
func DecodeLoose(raw []byte) (rec *Record, misfits []*TypeError, err error) {
	rec, err = Decode(raw)
	var misfit *TypeError
	if err == nil || !errors.As(err, &misfit) || misfit.Pointer == "" {
		return rec, nil, err
	}
	l := loosely{}
	rec = new(Record)
	err = json.Unmarshal(raw, rec, json.WithUnmarshalers(json.UnmarshalFromFunc(l.value)))
	switch {
	case l.beyond != nil:
		return nil, l.misfits, l.beyond
	case err != nil:
		return nil, l.misfits, explain(err, raw)
	}
	return rec, l.misfits, nil
}

// loosely collects what did not fit. beyond is the first misfit that is one too many.
type loosely struct {
	misfits []*TypeError
	beyond  *TypeError
}

var errBeyond = errors.New("cve: too many misfits")

// value sees every value before the library reads it into v, a pointer.
func (l *loosely) value(d *jsontext.Decoder, v any) error {
	into := reflect.ValueOf(v).Elem()
	of := into.Type()
	for of.Kind() == reflect.Pointer {
		of = of.Elem() // what does not fit the object leaves the pointer nil
	}
	kind := d.PeekKind()
	if kind == jsontext.KindNull || kind == jsontext.KindInvalid || of == reflect.TypeFor[jsontext.Value]() || fits(kind, of.Kind()) && of.Kind() != reflect.Float64 {
		return errors.ErrUnsupported
	}
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	m := &TypeError{Pointer: string(d.StackPointer()), Offset: d.InputOffset() - int64(len(value)), Want: goWord(of.Kind()), Got: kindWord(kind)}
	if fits(kind, of.Kind()) {
		number, err := strconv.ParseFloat(string(value), 64)
		if err == nil {
			into.SetFloat(number)
			return nil
		}
		m.Got = "a number beyond all range"
	}
	into.SetZero()
	if len(l.misfits) == maxLoose {
		l.beyond = m
		return errBeyond
	}
	l.misfits = append(l.misfits, m)
	return nil
}

// fits says whether a JSON value can be read into a Go value of the kinds that Record is made of.
func fits(got jsontext.Kind, into reflect.Kind) bool {
	switch into {
	case reflect.String:
		return got == jsontext.KindString
	case reflect.Bool:
		return got == jsontext.KindTrue || got == jsontext.KindFalse
	case reflect.Float64:
		return got == jsontext.KindNumber
	case reflect.Slice:
		return got == jsontext.KindBeginArray
	}
	return got == jsontext.KindBeginObject
}
