package ledger

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// ErrHead means that the stored head row contradicts itself.
var ErrHead = errors.New("ledger: malformed head")

// Head is the log's state: how many leaves, the frontier of the tree, and the last stamp.
type Head struct {
	Size int64
	Edge []Hash // roots of the complete subtrees, largest first: one per bit set in Size
	Time int64  // o.t of the last leaf, Unix milliseconds

	// tail holds the level-0 hashes since the last tile boundary when it is known; it spares Append reading the
	// leaves back when a tile fills. A nil tail (a head fresh from its row) is filled on demand.
	tail []Hash
	dict int64 // the dictionary known to be stored in this transaction; 0 = not looked yet
}

// Root is the RFC 6962 §2.1 tree hash over all leaves; of the empty log SHA-256 of nothing.
func (h Head) Root() Hash {
	if len(h.Edge) == 0 {
		return sha256.Sum256(nil)
	}
	r := h.Edge[len(h.Edge)-1]
	for i := len(h.Edge) - 2; i >= 0; i-- {
		r = tlog.NodeHash(h.Edge[i], r)
	}
	return r
}

// Clone returns a head that shares no memory with h, to be advanced and thrown away or kept.
func (h Head) Clone() Head {
	h.Edge = append([]Hash(nil), h.Edge...)
	if h.tail != nil {
		h.tail = append(make([]Hash, 0, tileWidth), h.tail...)
	}
	return h
}

// push advances the frontier by one leaf hash. Tiles are not its business.
func (h *Head) push(leaf Hash) {
	// Each trailing one bit of the old size is a complete subtree as large as what we carry: merge and carry on.
	n := bits.TrailingZeros64(^uint64(h.Size))
	keep := len(h.Edge) - n
	for i := len(h.Edge) - 1; i >= keep; i-- {
		leaf = tlog.NodeHash(h.Edge[i], leaf)
	}
	h.Edge = append(h.Edge[:keep:keep], leaf) // a new array: copies of the head keep theirs
	h.Size++
}

func (h Head) edgeBytes() []byte {
	b := make([]byte, 0, len(h.Edge)*tlog.HashSize)
	for _, e := range h.Edge {
		b = append(b, e[:]...)
	}
	return b
}

func (h *Head) setEdge(b []byte) error {
	if h.Size < 0 || len(b) != bits.OnesCount64(uint64(h.Size))*tlog.HashSize {
		return fmt.Errorf("%w: edge of %d bytes for size %d", ErrHead, len(b), h.Size)
	}
	h.Edge = make([]Hash, len(b)/tlog.HashSize, bits.Len64(uint64(h.Size))+1)
	for i := range h.Edge {
		copy(h.Edge[i][:], b[i*tlog.HashSize:])
	}
	return nil
}

// rootOf is the root of a complete subtree given its 2^k leaves; hs is overwritten.
func rootOf(hs []Hash) Hash {
	for len(hs) > 1 {
		for i := 0; i < len(hs); i += 2 {
			hs[i/2] = tlog.NodeHash(hs[i], hs[i+1])
		}
		hs = hs[:len(hs)/2]
	}
	return hs[0]
}
