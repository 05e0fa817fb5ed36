package bundle

import (
	"fmt"
	"math/bits"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// node is a complete subtree: of 1<<level leaves, the n-th of its size.
type node struct {
	level int
	n     int64
}

func (n node) first() int64 { return n.n << n.level }
func (n node) end() int64   { return (n.n + 1) << n.level }

// stored is the node's place among a log's stored hashes.
func (n node) stored() int64 { return tlog.StoredHashIndex(n.level, n.n) }

// cover are the fewest complete subtrees that together have the leaves [from, to), from left to right.
func cover(from, to int64) (out []node) {
	for from < to {
		level := bits.Len64(uint64(to-from)) - 1
		if from > 0 {
			level = min(level, bits.TrailingZeros64(uint64(from)))
		}
		out = append(out, node{level, from >> level})
		from += 1 << level
	}
	return out
}

// skeleton are the subtrees whose hashes the head of a bundle carries: what is before the range, each of its chunks, what is behind it up to
// the checkpoint. All of them together
// give the checkpoint's root, and each chunk alone can be checked against its own.
func skeleton(from, to, size int64) []node {
	out := cover(0, from)
	_ = chunks(from, to, func(a, b int64) error { // fn cannot fail
		out = append(out, cover(a, b)...)
		return nil
	})
	return append(out, cover(to, size)...)
}

// weaver puts subtrees that follow each other together to larger ones.
type weaver struct {
	nodes  []node
	hashes []tlog.Hash
}

// add appends the next subtree to the right.
func (w *weaver) add(n node, h tlog.Hash) {
	w.nodes, w.hashes = append(w.nodes, n), append(w.hashes, h)
	for k := len(w.nodes); k > 1; k = len(w.nodes) {
		left, right := w.nodes[k-2], w.nodes[k-1]
		if left.level != right.level || left.n%2 != 0 || right.n != left.n+1 {
			return
		}
		w.nodes = append(w.nodes[:k-2], node{left.level + 1, left.n / 2})
		w.hashes = append(w.hashes[:k-2], tlog.NodeHash(w.hashes[k-2], w.hashes[k-1]))
	}
}

// root is the tree hash (RFC 6962 §2.1) of the leaves [0, size), which must be exactly what was added.
func (w *weaver) root(size int64) (tlog.Hash, error) {
	if size == 0 || !slices.Equal(w.nodes, cover(0, size)) {
		return tlog.Hash{}, fmt.Errorf("%w: the hashes are not those of %d leaves", ErrProof, size)
	}
	h := w.hashes[len(w.hashes)-1]
	for i := len(w.hashes) - 2; i >= 0; i-- {
		h = tlog.NodeHash(w.hashes[i], h)
	}
	return h, nil
}

// top is the hash of a subtree over the hashes of its leaves; they are overwritten.
func top(leaves []tlog.Hash) tlog.Hash {
	for len(leaves) > 1 {
		for i := range len(leaves) / 2 {
			leaves[i] = tlog.NodeHash(leaves[2*i], leaves[2*i+1])
		}
		leaves = leaves[:len(leaves)/2]
	}
	return leaves[0]
}
