package facet

import "math/bits"

// set is a flat set of ordinals, one bit each. At a million documents it is 125 kB, which the second
// cache holds, and every operation is a plain loop: faster here than anything that looks first.
type set []uint64

func (s set) has(i uint32) bool { return s[i>>6]>>(i&63)&1 != 0 }
func (s set) add(i uint32)      { s[i>>6] |= 1 << (i & 63) }
func (s set) remove(i uint32)   { s[i>>6] &^= 1 << (i & 63) }

func (s set) and(o set) {
	o = o[:len(s)]
	for i := range s {
		s[i] &= o[i]
	}
}

func (s set) or(o set) {
	o = o[:len(s)]
	for i := range s {
		s[i] |= o[i]
	}
}

func (s set) andNot(o set) {
	o = o[:len(s)]
	for i := range s {
		s[i] &^= o[i]
	}
}

func (s set) count() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// countAnd returns the size of the intersection.
func (s set) countAnd(o set) int {
	n := 0
	o = o[:len(s)]
	for i, w := range s {
		n += bits.OnesCount64(w & o[i])
	}
	return n
}

func (s set) empty() bool {
	for _, w := range s {
		if w != 0 {
			return false
		}
	}
	return true
}

// each calls fn for every member in rising order.
func (s set) each(fn func(i uint32)) {
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			fn(uint32(i<<6 + bits.TrailingZeros64(w)))
		}
	}
}

// keep removes the members for which fn is false.
func (s set) keep(fn func(i uint32) bool) {
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			if b := bits.TrailingZeros64(w); !fn(uint32(i<<6 + b)) {
				s[i] &^= 1 << b
			}
		}
	}
}
