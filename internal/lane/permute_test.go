package lane

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// back undoes at: what a permutation has and a mere scattering has not.
func (s *scatter) back(i int64) int64 {
	x := uint64(i)
	for {
		left, right := x>>s.half, x&s.mask
		for r := uint64(rounds); r > 0; r-- {
			left, right = right^(uint64be(s.sum("r", r-1, left))&s.mask), left
		}
		if x = left<<s.half | right; x < s.size {
			return int64(x)
		}
	}
}

func uint64be(b []byte) (n uint64) {
	for _, c := range b[:8] {
		n = n<<8 | uint64(c)
	}
	return n
}

// Every number of a lane comes once, whatever its size.
func TestScatterIsAPermutation(t *testing.T) {
	sizes := []int64{65_535, 65_536, 65_537}
	for n := int64(1); n <= 300; n++ {
		sizes = append(sizes, n)
	}
	sizes = append(sizes, 1000, 1023, 1024, 1025, 4095, 4096, 4097, 16_385)
	if testing.Short() {
		sizes = slices.DeleteFunc(sizes, func(n int64) bool { return n > 1025 })
	}
	for _, size := range sizes {
		s := newScatter([32]byte{1}, 2026, size, size)
		seen := make([]bool, size)
		for i := range size {
			n := s.at(i)
			if n < 0 || n >= size || seen[n] {
				t.Fatalf("size %d: %d goes to %d, where another went", size, i, n)
			}
			seen[n] = true
		}
	}
}

// Of all sizes up to 65,537, some numbers there and back.
func TestScatterOfEverySize(t *testing.T) {
	step := int64(1)
	if testing.Short() {
		step = 31
	}
	r := rand.New(rand.NewPCG(1, 2))
	for size := int64(1); size <= 65_537; size += step {
		s := newScatter([32]byte{byte(size)}, 2026, 1, size)
		for range 3 {
			i := r.Int64N(size)
			if n := s.at(i); n < 0 || n >= size || s.back(n) != i {
				t.Fatalf("size %d: %d goes to %d and comes back as %d", size, i, n, s.back(n))
			}
		}
	}
}

// Lanes of one node, and one lane under another secret, have orders of their own; neighbours do not stay together.
func TestScatterIsKeyed(t *testing.T) {
	order := func(s *scatter) (out []int64) {
		for i := range int64(100) {
			out = append(out, s.at(i))
		}
		return out
	}
	base := order(newScatter([32]byte{1}, 2026, 1001, 100))
	for name, other := range map[string]*scatter{
		"secret": newScatter([32]byte{2}, 2026, 1001, 100), "year": newScatter([32]byte{1}, 2027, 1001, 100), "lane": newScatter([32]byte{1}, 2026, 1101, 100),
	} {
		same := 0
		for i, n := range order(other) {
			if n == base[i] {
				same++
			}
		}
		if same > 10 {
			t.Errorf("another %s, and %d of 100 in the same place", name, same)
		}
	}
	near := 0
	for i := 1; i < len(base); i++ {
		if d := base[i] - base[i-1]; d == 1 || d == -1 {
			near++
		}
	}
	if near > 10 {
		t.Errorf("%d of 99 numbers follow their neighbour", near)
	}
	if !slices.Equal(base, order(newScatter([32]byte{1}, 2026, 1001, 100))) {
		t.Error("the order is another each time")
	}
}
