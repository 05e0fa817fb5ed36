package ledger

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// FuzzItem: what ReadItem accepts, AppendItem writes the same; it never reads past a malformed item.
func FuzzItem(f *testing.F) {
	seed, _ := AppendItem(nil, BodyPresent, [16]byte{1}, []byte(`{"a":1}`))
	f.Add(seed)
	f.Add([]byte{0xff, 0xff, 0xff, 0xfe})
	f.Add([]byte{0xff, 0xff, 0xff, 0xfc, 0, 0})
	f.Add([]byte{0, 0, 0, 9, 1})
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		var out []byte
		for {
			mark, salt, raw, err := ReadItem(r)
			if err == io.EOF {
				break
			}
			if err != nil {
				if !errors.Is(err, ErrBundle) {
					t.Fatalf("error of no kind: %v", err)
				}
				return
			}
			if out, err = AppendItem(out, mark, salt, raw); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(in, out) {
			t.Fatalf("%x became %x", in, out)
		}
	})
}

// FuzzPacked: what ReadPacked accepts, AppendPacked writes the same; and what was packed is read as it was.
func FuzzPacked(f *testing.F) {
	body, err := Pack(bytes.NewReader(make([]byte, 16)), []byte("{\n  \"a\": 1\n}"))
	if err != nil {
		f.Fatal(err)
	}
	seed, err := AppendPacked(nil, BodyPresent, body)
	if err != nil {
		f.Fatal(err)
	}
	if mark, got, err := ReadPacked(bytes.NewReader(seed)); err != nil || mark != BodyPresent || got.N != body.N || got.Salt != body.Salt || !bytes.Equal(got.Packed, body.Packed) {
		f.Fatalf("%+v, %v", got, err)
	}
	f.Add(seed)
	f.Add(append(seed[:len(seed):len(seed)], 0xff, 0xff, 0xff, 0xfd))
	f.Add(seed[:20])
	f.Add([]byte{0, 0, 0, 12})
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		var out []byte
		for {
			mark, body, err := ReadPacked(r)
			if err == io.EOF {
				break
			}
			if err != nil {
				if !errors.Is(err, ErrBundle) {
					t.Fatalf("error of no kind: %v", err)
				}
				return
			}
			if body != nil {
				_, _ = body.Bytes() // whatever it is, it ends
			}
			if out, err = AppendPacked(out, mark, body); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(in, out) {
			t.Fatalf("%x became %x", in, out)
		}
	})
}
