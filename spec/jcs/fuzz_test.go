package jcs

import (
	"bytes"
	"testing"

	reference "github.com/gowebpki/jcs"
)

var seeds = []string{
	`{}`, `[]`, `""`, `0`, `-1`, `true`, `null`, `{"a":1,"b":[true,false,"x"]}`, sampleEvent,
	`"\b\t\n\f\r\"\\\u0000\u001f"`, "\"\u2028\U0001F600é\"", `"\ud83d\ude00"`, `{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}}}`,
	`9007199254740991`, `9007199254740992`, `1e3`, `1.0`, `-0`, `{"b":1,"a":2}`, `{"a":1,"a":1}`, ` { "a" : [ 1 , 2 ] } `, "\"\xff\"", `{"a`, `[1,]`,
}

// FuzzCheck: what Check accepts is a fixed point of parsing and serialising, here and in an independent RFC 8785
// implementation; and whatever FromJSON makes of any other input, Check accepts.
func FuzzCheck(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		checked := Check(raw, 0)
		formed, err := FromJSON(raw)
		if checked == nil {
			if err != nil || !bytes.Equal(formed, raw) {
				t.Fatalf("Check accepts %q, FromJSON makes %q, %v of it", raw, formed, err)
			}
			var v any
			if err := Decode(raw, &v); err != nil {
				t.Fatalf("Check accepts %q, Decode: %v", raw, err)
			}
			if raw[0] == '{' || raw[0] == '[' { // the reference takes no bare scalars
				if want, err := reference.Transform(raw); err != nil || !bytes.Equal(want, raw) {
					t.Fatalf("Check accepts %q, the reference makes %q, %v of it", raw, want, err)
				}
			}
		}
		if err != nil {
			return
		}
		if err := Check(formed, 0); err != nil {
			t.Fatalf("FromJSON(%q) = %q, Check: %v", raw, formed, err)
		}
		if checked != nil && bytes.Equal(formed, raw) {
			t.Fatalf("Check refuses %q, which serialises to itself: %v", raw, checked)
		}
	})
}

// FuzzReader: walking a document and writing down what was read gives the document again.
func FuzzReader(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := NewReader(raw, 0)
		if err != nil {
			return
		}
		var w Writer
		copyValue(r, &w)
		if err := r.End(); err != nil {
			t.Fatal(err)
		}
		if got, err := w.Bytes(); err != nil || !bytes.Equal(got, raw) {
			t.Fatalf("%q was read and written as %q, %v", raw, got, err)
		}
	})
}

func copyValue(r *Reader, w *Writer) {
	switch c := r.b[r.i]; c {
	case '{':
		w.Object()
		for r.Enter('{'); r.Next(); {
			w.Key(r.Key())
			copyValue(r, w)
		}
		w.EndObject()
	case '[':
		w.Array()
		for r.Enter('['); r.Next(); {
			copyValue(r, w)
		}
		w.EndArray()
	case '"':
		w.String(r.String())
	case 't', 'f':
		w.Bool(r.Bool())
	default:
		w.Int(r.Int())
	}
}
