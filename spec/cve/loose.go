package cve

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// maxLoose bounds how many misfits DecodeLoose works around; a document with more is no record that somebody mistyped.
const maxLoose = 100

// DecodeLoose is Decode for documents that must not be refused for their shape, such as those of a bulk import: a member
// of the wrong type is read as if it were null and reported, the rest of the record is read as usual. The error is a
// *SyntaxError for what is no JSON, or a *TypeError when the document is no object or misfits throughout.
func DecodeLoose(raw []byte) (rec *Record, misfits []*TypeError, err error) {
	work, shift := raw, int64(0)
	for {
		rec, err = Decode(work)
		var misfit *TypeError
		switch {
		case err == nil:
			return rec, misfits, nil
		case !errors.As(err, &misfit) || misfit.Pointer == "" || len(misfits) == maxLoose:
			return nil, misfits, err
		}
		start, end, ok := locate(work, jsontext.Pointer(misfit.Pointer))
		if !ok {
			return nil, misfits, err
		}
		// Misfits are found from front to back, so the offset in the original is off by what was cut before it.
		misfits = append(misfits, &TypeError{Pointer: misfit.Pointer, Offset: int64(start) + shift, Want: misfit.Want, Got: misfit.Got})
		shift += int64(end-start) - int64(len("null"))
		work = append(append(bytes.Clone(work[:start]), "null"...), work[end:]...)
	}
}

// locate finds the bytes of the value at p in a well-formed document.
func locate(raw []byte, p jsontext.Pointer) (start, end int, ok bool) {
	d := jsontext.NewDecoder(bytes.NewBuffer(raw))
	for token := range p.Tokens() {
		open, err := d.ReadToken()
		if err != nil {
			return 0, 0, false
		}
		switch open.Kind() {
		case jsontext.KindBeginObject:
			for {
				name, err := d.ReadToken()
				if err != nil || name.Kind() == jsontext.KindEndObject {
					return 0, 0, false
				}
				if name.String() == token {
					break
				}
				if d.SkipValue() != nil {
					return 0, 0, false
				}
			}
		case jsontext.KindBeginArray:
			index, err := strconv.Atoi(token)
			if err != nil {
				return 0, 0, false
			}
			for range index {
				if d.SkipValue() != nil {
					return 0, 0, false
				}
			}
		default:
			return 0, 0, false
		}
	}
	value, err := d.ReadValue()
	if err != nil {
		return 0, 0, false
	}
	end = int(d.InputOffset())
	return end - len(value), end, true
}
