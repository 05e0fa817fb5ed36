package facet

import (
	"encoding/binary"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestPattern compares the search for bytes with a search for words, where the bytes of one word can
// be the end of another.
func TestPattern(t *testing.T) {
	word := rapid.SampledFrom([]uint32{0, 1, 2, 127, 128, 129, 128*1 + 2, 128*2 + 1, 128*128 + 1, 128*128*2 + 128 + 1})
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(word, 0, 12).Draw(t, "text")
		head := rapid.SliceOfN(word, 1, 3).Draw(t, "phrase")
		last := rapid.SliceOfN(word, 0, 2).Draw(t, "last")
		var text []byte
		for _, w := range words {
			text = binary.AppendUvarint(text, uint64(w))
		}
		var p pattern
		for _, w := range head {
			p.head = binary.AppendUvarint(p.head, uint64(w))
		}
		if len(last) > 0 {
			p.last = make(set, 1<<10)
			for _, w := range last {
				p.last.add(w)
			}
		}
		found := false
		for i := range words {
			rest := words[i:]
			if len(rest) < len(head) || !slices.Equal(rest[:len(head)], head) {
				continue
			}
			rest = rest[len(head):]
			found = found || p.last == nil || len(rest) > 0 && slices.Contains(last, rest[0])
		}
		if got := p.next(text, 0) >= 0; got != found {
			t.Fatalf("%v then one of %v in %v: %v", head, last, words, got)
		}
		if len(head) == 1 && p.last == nil {
			n := 0
			for _, w := range words {
				if w == head[0] {
					n++
				}
			}
			if got := p.count(text); got != n {
				t.Fatalf("%v occurs %d times in %v, counted %d", head, n, words, got)
			}
		}
	})
}
