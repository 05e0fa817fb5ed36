package facet

import (
	"bytes"
	"hash/maphash"
	"slices"
	"strings"
)

// dict gives every distinct string a small number, 0 first. A Go map would take three times the
// memory for a million short words and show the collector as many pointers; here are four flat slices.
// The zero value is an empty dict.
type dict struct {
	seed  maphash.Seed
	bytes []byte
	ends  []uint32 // string i is bytes[ends[i-1]:ends[i]]
	table []uint64 // open addressing: high half of the hash, then number+1; 0 is free
}

func (d *dict) len() int { return len(d.ends) }

// at returns string i. The bytes must not be changed.
func (d *dict) at(i uint32) []byte {
	start := uint32(0)
	if i > 0 {
		start = d.ends[i-1]
	}
	return d.bytes[start:d.ends[i]:d.ends[i]]
}

// find returns the number of s.
func (d *dict) find(s []byte) (uint32, bool) {
	if len(d.table) == 0 {
		return 0, false
	}
	i, ok := d.probe(s, maphash.Bytes(d.seed, s))
	return uint32(i), ok
}

func (d *dict) findString(s string) (uint32, bool) {
	if len(d.table) == 0 {
		return 0, false
	}
	i, ok := d.probe([]byte(s), maphash.String(d.seed, s))
	return uint32(i), ok
}

// probe returns the number of s, or the free slot where it belongs.
func (d *dict) probe(s []byte, hash uint64) (uint64, bool) {
	mask := uint64(len(d.table) - 1)
	for slot := hash & mask; ; slot = (slot + 1) & mask {
		e := d.table[slot]
		if e == 0 {
			return slot, false
		}
		if e>>32 == hash>>32 && bytes.Equal(d.at(uint32(e)-1), s) {
			return e&(1<<32-1) - 1, true
		}
	}
}

// intern returns the number of s, a new one if need be.
func (d *dict) intern(s []byte) uint32 {
	d.adopt(d.grown(1))
	hash := maphash.Bytes(d.seed, s)
	i, ok := d.probe(s, hash)
	if ok {
		return uint32(i)
	}
	d.bytes = append(d.bytes, s...)
	d.ends = append(d.ends, uint32(len(d.bytes)))
	n := uint32(len(d.ends))
	d.table[i] = hash>>32<<32 | uint64(n)
	return n - 1
}

// grown returns the dict with room for n more strings, or nil if it has that. It leaves d alone, so
// the long work of growing can be done while others read d; adopt is the short rest.
func (d *dict) grown(n int) *dict {
	if want := (len(d.ends) + n) * 3 / 2; want < len(d.table) {
		return nil
	}
	g := &dict{seed: d.seed, ends: d.ends, bytes: d.bytes}
	size := 64
	for size < (len(d.ends)+n)*2 {
		size *= 2
	}
	if len(d.table) == 0 {
		g.seed = maphash.MakeSeed()
	}
	g.table = make([]uint64, size)
	mask := uint64(size - 1)
	for i := range d.ends {
		hash := maphash.Bytes(g.seed, d.at(uint32(i)))
		slot := hash & mask
		for g.table[slot] != 0 {
			slot = (slot + 1) & mask
		}
		g.table[slot] = hash>>32<<32 | uint64(i+1)
	}
	g.bytes = slices.Grow(g.bytes, 8*n)
	g.ends = slices.Grow(g.ends, n)
	return g
}

func (d *dict) adopt(g *dict) {
	if g != nil {
		*d = *g
	}
}

// vocabulary is a dict with an order, for prefixes.
type vocabulary struct {
	dict
	sorted []uint32 // the first len(sorted) words, by bytes
}

// unsorted reports whether so many words are out of order that sorting pays: until then they are
// looked through one by one.
func (v *vocabulary) unsorted() bool {
	n := len(v.sorted)
	return v.len()-n >= 4096+n/8
}

// resorted returns the order of all words. Like grown it leaves v alone.
func (v *vocabulary) resorted() []uint32 {
	n, fresh := len(v.sorted), v.len()-len(v.sorted)
	byBytes := func(a, b uint32) int { return bytes.Compare(v.at(a), v.at(b)) }
	tail := make([]uint32, fresh)
	for i := range tail {
		tail[i] = uint32(n + i)
	}
	slices.SortFunc(tail, byBytes)
	out := make([]uint32, 0, n+fresh)
	old := v.sorted
	for len(old) > 0 && len(tail) > 0 {
		if byBytes(old[0], tail[0]) < 0 {
			out, old = append(out, old[0]), old[1:]
		} else {
			out, tail = append(out, tail[0]), tail[1:]
		}
	}
	return append(append(out, old...), tail...)
}

// prefixed calls fn with every word that begins with p.
func (v *vocabulary) prefixed(p string, fn func(word uint32)) {
	i, _ := slices.BinarySearchFunc(v.sorted, p, func(w uint32, p string) int {
		return strings.Compare(string(v.at(w)), p)
	})
	pb := []byte(p)
	for ; i < len(v.sorted) && bytes.HasPrefix(v.at(v.sorted[i]), pb); i++ {
		fn(v.sorted[i])
	}
	for w := len(v.sorted); w < v.len(); w++ {
		if bytes.HasPrefix(v.at(uint32(w)), pb) {
			fn(uint32(w))
		}
	}
}
