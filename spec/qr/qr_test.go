package qr

import (
	"strings"
	"testing"
)

// decode reads a symbol as a camera's program does, by its own way through it: the format tells the mask, the blocks have to agree
// with their error correction.
func decode(t testing.TB, code [][]bool) string {
	t.Helper()
	size := len(code)
	version := (size - 17) / 4
	if size != 17+4*version || version < 1 || version > 20 {
		t.Fatalf("a symbol of %d modules", size)
	}
	// Both copies of the format, undone by the BCH code: a valid one divides by the generator.
	var one, two int
	for i, p := range [][2]int{{0, 8}, {1, 8}, {2, 8}, {3, 8}, {4, 8}, {5, 8}, {7, 8}, {8, 8}, {8, 7}, {8, 5}, {8, 4}, {8, 3}, {8, 2}, {8, 1}, {8, 0}} {
		if code[p[1]][p[0]] { // from the most significant bit
			one |= 1 << (14 - i)
		}
	}
	for i := range 15 {
		x, y := 8, size-1-i
		if i >= 7 {
			x, y = size-15+i, 8
		}
		if code[y][x] {
			two |= 1 << (14 - i)
		}
	}
	format := one ^ 0x5412
	if one != two || divide(format, 0x537) != 0 || format>>13 != 0 {
		t.Fatalf("format %015b and %015b", one, two)
	}
	mask := format >> 10 & 7
	if version >= 7 {
		said := 0
		for i := range 18 {
			if code[5-i/3][size-9-i%3] != code[size-9-i%3][5-i/3] {
				t.Fatal("the two versions differ")
			}
			if code[5-i/3][size-9-i%3] {
				said |= 1 << (17 - i)
			}
		}
		if said>>12 != version || divide(said, 0x1F25) != 0 {
			t.Fatalf("version %018b", said)
		}
	}
	var words []byte
	var word byte
	bits := 0
	for pair := 0; ; pair++ { // pairs of columns from the right; the sixth column is none
		right := size - 1 - 2*pair
		if right <= 6 {
			right--
		}
		if right < 1 {
			break
		}
		for step := range 2 * size {
			y := step / 2
			if pair%2 == 0 {
				y = size - 1 - y
			}
			x := right - step%2
			if function(version, x, y) {
				continue
			}
			word <<= 1
			if code[y][x] != masks[mask](x, y) {
				word |= 1
			}
			if bits++; bits%8 == 0 {
				words = append(words, word)
			}
		}
	}
	v := versions[version]
	total := codewords(version)
	if len(words) != total {
		t.Fatalf("version %d has %d codewords, read %d", version, total, len(words))
	}
	blocks := make([][]byte, v.blocks)
	short := total/v.blocks - v.check
	longFrom := v.blocks - total%v.blocks
	for i, w := range words[:total-v.check*v.blocks] {
		b := i % v.blocks
		if i >= short*v.blocks {
			b = longFrom + i - short*v.blocks
		}
		blocks[b] = append(blocks[b], w)
	}
	for i, w := range words[total-v.check*v.blocks:] {
		blocks[i%v.blocks] = append(blocks[i%v.blocks], w)
	}
	var stream []byte
	for i, b := range blocks {
		root := byte(1)
		for range v.check {
			var sum byte
			for _, w := range b {
				sum = times(sum, root) ^ w
			}
			if sum != 0 {
				t.Fatalf("block %d does not agree with its error correction", i)
			}
			root = times(root, 2)
		}
		stream = append(stream, b[:len(b)-v.check]...)
	}
	at := 0
	take := func(n int) (out int) {
		for range n {
			out = out<<1 | int(stream[at/8]>>(7-at%8)&1)
			at++
		}
		return out
	}
	if mode := take(4); mode != 4 {
		t.Fatalf("mode %d", mode)
	}
	var text strings.Builder
	for range take(countBits(version)) {
		text.WriteByte(byte(take(8)))
	}
	return text.String()
}

func divide(value, poly int) int {
	for top := 20; top >= 0; top-- {
		width := 0
		for poly>>width > 1 {
			width++
		}
		if top >= width && value>>top&1 == 1 {
			value ^= poly << (top - width)
		}
	}
	return value
}

// function says whether a module is of a pattern, the format or the version: figures 2 and 3 of the standard.
func function(version, x, y int) bool {
	size := 17 + 4*version
	switch {
	case x == 6 || y == 6:
		return true
	case x < 9 && y < 9, x >= size-8 && y < 9, x < 9 && y >= size-8:
		return true
	case version >= 7 && (x >= size-11 && y < 6 || y >= size-11 && x < 6):
		return true
	}
	for _, cy := range versions[version].centres {
		for _, cx := range versions[version].centres {
			corner := cx == 6 && cy == 6 || cx == 6 && cy == size-7 || cx == size-7 && cy == 6
			if !corner && x >= cx-2 && x <= cx+2 && y >= cy-2 && y <= cy+2 {
				return true
			}
		}
	}
	return false
}

// Every version, filled to its last byte and by one byte more than the one before it holds.
func TestEveryVersion(t *testing.T) {
	// Bytes at level M, table 7.
	holds := []int{0, 14, 26, 42, 62, 84, 106, 122, 152, 180, 213, 251, 287, 331, 362, 412, 450, 504, 560, 624, 666}
	for version := 1; version < len(holds); version++ {
		for _, n := range []int{holds[version-1] + 1, holds[version]} {
			text := strings.Repeat("otpauth://totp/é", 60)[:n]
			code, err := Encode(text)
			if err != nil || len(code) != 17+4*version {
				t.Fatalf("%d bytes: %d modules (%v), want version %d", n, len(code), err, version)
			}
			if got := decode(t, code); got != text {
				t.Errorf("%q is read as %q", text, got)
			}
		}
	}
	if _, err := Encode(strings.Repeat("x", 667)); err == nil {
		t.Error("667 bytes have a code")
	}
}

// The error correction of the standard's example, annex I.2, version 1-M.
func TestErrorCorrection(t *testing.T) {
	block := []byte{0x10, 0x20, 0x0C, 0x56, 0x61, 0x80, 0xEC, 0x11, 0xEC, 0x11, 0xEC, 0x11, 0xEC, 0x11, 0xEC, 0x11}
	want := []byte{0xA5, 0x24, 0xD4, 0xC1, 0xED, 0x36, 0xC7, 0x87, 0x2C, 0x55}
	if got := remainder(block, generator(10)); string(got) != string(want) {
		t.Errorf("% X, want % X", got, want)
	}
}

// FuzzEncode: what is drawn is read back.
func FuzzEncode(f *testing.F) {
	f.Add("otpauth://totp/Tasuki:acme%2Fann@acme.test?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Tasuki")
	f.Add("")
	f.Add("\x00\xff日本")
	f.Fuzz(func(t *testing.T, text string) {
		code, err := Encode(text)
		if err != nil {
			if len(text) <= 666 {
				t.Fatalf("%d bytes: %v", len(text), err)
			}
			return
		}
		if got := decode(t, code); got != text {
			t.Fatalf("%q is read as %q", text, got)
		}
	})
}
