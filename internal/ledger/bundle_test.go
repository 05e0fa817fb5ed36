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
