package facet

import (
	"bytes"
	"cmp"
	"math/bits"
	"strings"
)

// tally is one value and its count, before its name is looked up.
type tally struct {
	value uint32
	n     uint32
}

// facet counts the values of a keyword over the hits. Where values are few and hits many it counts
// members that each value's list shares with the hits, else it reads the values of each hit.
func (s *search) facet(dim int, f Facet, hits set, total int) []Count {
	values := &s.x.values[dim]
	k := &s.g.words[dim]
	counts := make([]uint32, values.len())
	if len(counts)*len(hits) < total {
		for v := range counts {
			counts[v] = uint32(k.lists.shared(uint32(v), hits))
		}
	} else {
		k.read(hits, counts)
	}
	top := leading[tally]{k: f.Top, compare: func(a, b tally) int {
		if a.n != b.n {
			return cmp.Compare(b.n, a.n)
		}
		return bytes.Compare(values.at(a.value), values.at(b.value))
	}}
	if f.Top <= 0 {
		top.k = len(counts)
	}
	for v, n := range counts {
		if n > 0 && f.wants(values.at(uint32(v))) {
			top.add(tally{uint32(v), n})
		}
	}
	best := top.from(0)
	out := make([]Count, len(best))
	for i, t := range best {
		out[i] = Count{string(values.at(t.value)), int(t.n)}
	}
	return out
}

// wants reports whether a value is asked for.
func (f *Facet) wants(value []byte) bool {
	if f.Prefix == "" && f.Keep == nil {
		return true
	}
	return strings.HasPrefix(string(value), f.Prefix) && (f.Keep == nil || f.Keep(string(value)))
}

// read adds the values of all hits to counts.
func (k *keyword) read(hits set, counts []uint32) {
	const words = pageSize / 64
	for i, w := range hits {
		if w == 0 {
			continue
		}
		page := k.first.pages[i/words][i%words*64:][:64]
		for ; w != 0; w &= w - 1 {
			first := page[bits.TrailingZeros64(w)&63]
			switch {
			case first == 0:
			case first&manyBit == 0:
				counts[first-1]++
			default:
				at := first &^ manyBit
				for j := range k.more.at(at) {
					counts[k.more.at(at+1+j)]++
				}
			}
		}
	}
}
