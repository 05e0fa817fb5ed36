package lane

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math/bits"
)

// rounds of the Feistel network. Four make it a permutation that nobody can tell from a random one while the round function cannot
// be (Luby and Rackoff); the numbers of a lane are few, so that more is not claimed: who sees half of a lane knows what is left.
const rounds = 4

// A scatter is a keyed permutation of 0 … size−1. Numbers outside of a power of four that holds the size are walked on from until one
// falls inside (cycle walking), which keeps it a permutation of exactly size numbers, without a table.
type scatter struct {
	size uint64
	half uint   // bits of each half
	mask uint64 // of a half
	prf  hash.Hash
}

// newScatter keys the permutation of one lane. The secret is the node's; what names the lane makes the order its own.
func newScatter(secret [32]byte, year, first, size int64) *scatter {
	half := uint(max(1, (bits.Len64(uint64(size-1))+1)/2))
	s := &scatter{size: uint64(size), half: half, mask: 1<<half - 1, prf: hmac.New(sha256.New, secret[:])}
	s.prf = hmac.New(sha256.New, s.sum("tasuki lane", uint64(year), uint64(first), uint64(size)))
	return s
}

func (s *scatter) sum(use string, numbers ...uint64) []byte {
	s.prf.Reset()
	s.prf.Write([]byte(use))
	var b [8]byte
	for _, n := range numbers {
		binary.BigEndian.PutUint64(b[:], n)
		s.prf.Write(b[:])
	}
	return s.prf.Sum(nil)
}

// at is where i goes.
func (s *scatter) at(i int64) int64 {
	x := uint64(i)
	for {
		if x = s.feistel(x); x < s.size {
			return int64(x)
		}
	}
}

func (s *scatter) feistel(x uint64) uint64 {
	left, right := x>>s.half, x&s.mask
	for r := range uint64(rounds) {
		left, right = right, left^(binary.BigEndian.Uint64(s.sum("r", r, right))&s.mask)
	}
	return left<<s.half | right
}
