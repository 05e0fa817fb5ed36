package ledger

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

// An answer is read as it was written, and none that was cut anywhere.
func TestEscrowWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.Int64Range(0, 1000).Draw(t, "from")
		leaf := from
		var want []Sealed
		var wire []byte
		for range rapid.IntRange(0, 5).Draw(t, "items") {
			leaf += rapid.Int64Range(0, 3).Draw(t, "gap")
			s := Sealed{Leaf: leaf, Recipients: [32]byte{byte(leaf)}, Ciphertext: rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "ciphertext")}
			want, wire = append(want, s), AppendSealed(wire, s)
			leaf++
		}
		to := leaf + rapid.Int64Range(0, 9).Draw(t, "rest")
		wire = AppendSealedEnd(wire, to)
		got, next, err := ReadSealed(bytes.NewReader(wire), from, to)
		if err != nil || next != to || len(got) != len(want) {
			t.Fatalf("%d items, next %d, %v", len(got), next, err)
		}
		for i := range want {
			if got[i].Leaf != want[i].Leaf || got[i].Recipients != want[i].Recipients || !bytes.Equal(got[i].Ciphertext, want[i].Ciphertext) {
				t.Fatalf("item %d: %v", i, got[i])
			}
		}
		cut := rapid.IntRange(0, len(wire)-1).Draw(t, "cut")
		if _, _, err := ReadSealed(bytes.NewReader(wire[:cut]), from, to); !errors.Is(err, ErrEscrowWire) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if _, _, err := ReadSealed(bytes.NewReader(append(wire, 0)), from, to); !errors.Is(err, ErrEscrowWire) {
			t.Fatalf("a byte too many: %v", err)
		}
		if len(want) > 0 {
			if _, _, err := ReadSealed(bytes.NewReader(wire), want[0].Leaf+1, to); !errors.Is(err, ErrEscrowWire) {
				t.Fatalf("a leaf that was not asked for: %v", err)
			}
		}
	})
}

// The law: an answer that is read is the one that is written for what was read; a request likewise.
func FuzzReadSealed(f *testing.F) {
	f.Add(AppendSealedEnd(AppendSealed(nil, Sealed{Leaf: 7, Ciphertext: []byte("age")}), 9))
	f.Add(AppendSealedEnd(nil, 0))
	f.Add([]byte(EscrowRequest{List: "9c1f", URL: "https://a.example", From: 3, To: 9}.String()))
	f.Add([]byte("tasuki-escrow/v1\n\n\n0 -1\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if items, next, err := ReadSealed(bytes.NewReader(raw), 0, 1<<40); err == nil {
			var again []byte
			for _, s := range items {
				again = AppendSealed(again, s)
			}
			if !bytes.Equal(AppendSealedEnd(again, next), raw) {
				t.Fatalf("%x is read as something else", raw)
			}
		}
		if q, err := ParseEscrowRequest(string(raw)); err == nil && (q.String() != string(raw) || q.From > q.To) {
			t.Fatalf("%q is read as %+v", raw, q)
		}
	})
}
