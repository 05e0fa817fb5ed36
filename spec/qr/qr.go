// Package qr draws QR codes (ISO/IEC 18004:2015, model 2) of short texts: bytes, error correction level M, versions 1 to 20. That
// is as much as the address of a key for one-time passwords needs.
package qr

import "errors"

// ErrLong means a text that no version up to 20 holds: more than 666 bytes.
var ErrLong = errors.New("qr: the text is too long")

// The versions, by number: error correction codewords in a block and blocks (table 9, level M), centres of the alignment patterns
// (annex E).
var versions = [...]struct {
	check, blocks int
	centres       []int
}{
	1: {10, 1, nil}, 2: {16, 1, []int{6, 18}}, 3: {26, 1, []int{6, 22}}, 4: {18, 2, []int{6, 26}}, 5: {24, 2, []int{6, 30}}, 6: {16, 4, []int{6, 34}},
	7: {18, 4, []int{6, 22, 38}}, 8: {22, 4, []int{6, 24, 42}}, 9: {22, 5, []int{6, 26, 46}}, 10: {26, 5, []int{6, 28, 50}}, 11: {30, 5, []int{6, 30, 54}},
	12: {22, 8, []int{6, 32, 58}}, 13: {22, 9, []int{6, 34, 62}}, 14: {24, 9, []int{6, 26, 46, 66}}, 15: {24, 10, []int{6, 26, 48, 70}},
	16: {28, 10, []int{6, 26, 50, 74}}, 17: {28, 11, []int{6, 30, 54, 78}}, 18: {26, 13, []int{6, 30, 56, 82}}, 19: {26, 14, []int{6, 30, 58, 86}},
	20: {26, 16, []int{6, 34, 62, 90}},
}

// codewords is how many a version has: its modules less those of the patterns and of what it says of itself (table 1).
func codewords(version int) int {
	modules := (16*version+128)*version + 64
	if n := len(versions[version].centres); n > 0 {
		modules -= (25*n-10)*n - 55
	}
	if version >= 7 {
		modules -= 36
	}
	return modules / 8
}

func countBits(version int) int {
	if version < 10 {
		return 8
	}
	return 16
}

// Encode draws a text: rows of modules, dark ones true, without the quiet zone of four modules that belongs around it. ErrLong.
func Encode(text string) ([][]bool, error) {
	for version := 1; version < len(versions); version++ {
		v := versions[version]
		room := codewords(version) - v.check*v.blocks
		if 4+countBits(version)+8*len(text) > 8*room {
			continue
		}
		return draw(version, interleave(version, data(version, room, text))), nil
	}
	return nil, ErrLong
}

// data is the bit stream (§7.4): mode, count, bytes, terminator, padding.
func data(version, room int, text string) []byte {
	var bits bitWriter
	bits.put(0b0100, 4)
	bits.put(len(text), countBits(version))
	for i := range len(text) {
		bits.put(int(text[i]), 8)
	}
	bits.put(0, min(4, 8*room-bits.n))
	bits.put(0, -bits.n&7)
	for pad := 0xEC; len(bits.b) < room; pad ^= 0xEC ^ 0x11 {
		bits.put(pad, 8)
	}
	return bits.b
}

type bitWriter struct {
	b []byte
	n int
}

func (w *bitWriter) put(value, n int) {
	for n--; n >= 0; n-- {
		if w.n&7 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n>>3] |= byte(value>>n&1) << (7 - w.n&7)
		w.n++
	}
}

// interleave cuts data into blocks, short ones first, adds each one's error correction, and takes them by turns (§7.6).
func interleave(version int, data []byte) []byte {
	v := versions[version]
	short, long := len(data)/v.blocks, len(data)%v.blocks // blocks of short and short+1 codewords
	gen := generator(v.check)
	var blocks, checks [][]byte
	for i := range v.blocks {
		n := short
		if i >= v.blocks-long {
			n++
		}
		blocks = append(blocks, data[:n])
		checks = append(checks, remainder(data[:n], gen))
		data = data[n:]
	}
	var out []byte
	for i := range short + 1 {
		for _, b := range blocks {
			if i < len(b) {
				out = append(out, b[i])
			}
		}
	}
	for i := range v.check {
		for _, c := range checks {
			out = append(out, c[i])
		}
	}
	return out
}

// times multiplies in GF(256) with the polynomial 0x11D (§7.5.2).
func times(a, b byte) byte {
	var out byte
	for i := 7; i >= 0; i-- {
		carry := out >> 7
		out = out<<1 ^ carry*0x1D ^ (b>>i&1)*a
	}
	return out
}

// generator is the product of (x − 2^i) for i below n, without its first coefficient, which is 1.
func generator(n int) []byte {
	gen := make([]byte, n)
	gen[n-1] = 1
	root := byte(1)
	for range n {
		for i := range gen {
			gen[i] = times(gen[i], root)
			if i+1 < n {
				gen[i] ^= gen[i+1]
			}
		}
		root = times(root, 2)
	}
	return gen
}

// remainder is what is left of a block's polynomial by the generator: its error correction.
func remainder(block, gen []byte) []byte {
	out := make([]byte, len(gen))
	for _, b := range block {
		factor := b ^ out[0]
		copy(out, out[1:])
		out[len(out)-1] = 0
		for i, g := range gen {
			out[i] ^= times(g, factor)
		}
	}
	return out
}
