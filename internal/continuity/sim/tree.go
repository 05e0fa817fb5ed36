package sim

import (
	"context"
	"encoding/binary"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/continuity"
)

// A tree is leaves and the root at every size. The root is a chain of keyed hashes instead of a Merkle tree: what the rules ask is
// whether two trees have the same root at a size, and that is what a proof over tiles shows; the proofs have their own tests.
// A leaf is the number of an event, or opens an epoch: then opening is the number of what it says.
type tree struct {
	leaves []uint32
	roots  []uint64 // roots[n] is of the first n leaves
	opens  []int32  // where epochs open
}

// opening marks a leaf that opens an epoch.
const opening = 1 << 31

func newTree() tree { return tree{roots: []uint64{tag(0, "empty")}} }

func (t *tree) size() int64 { return int64(len(t.leaves)) }

func (t *tree) add(leaf uint32) {
	if leaf&opening != 0 {
		t.opens = append(t.opens, int32(len(t.leaves)))
	}
	t.roots = append(t.roots, mix(t.roots[len(t.leaves)]^uint64(leaf)<<1))
	t.leaves = append(t.leaves, leaf)
}

// snapshot is the tree as it is now; adding to either leaves the other alone.
func (t *tree) snapshot() tree {
	n := len(t.leaves)
	return tree{t.leaves[:n:n], t.roots[: n+1 : n+1], t.opens[:len(t.opens):len(t.opens)]}
}

// cut is the first n leaves; adding to it leaves the rest alone.
func (t *tree) cut(n int64) tree {
	o := len(t.opens)
	for o > 0 && int64(t.opens[o-1]) >= n {
		o--
	}
	return tree{t.leaves[:n:n], t.roots[: n+1 : n+1], t.opens[:o:o]}
}

func (t *tree) root(n int64) tlog.Hash { return hashOf(t.roots[n]) }

func hashOf(x uint64) (h tlog.Hash) {
	binary.BigEndian.PutUint64(h[:], x)
	return h
}

func (t *tree) tree() continuity.Tree { return continuity.Tree{Size: t.size(), Root: t.root(t.size())} }

// has says that a tree of this size and root is a beginning of t.
func (t *tree) has(b continuity.Tree) bool { return b.Size <= t.size() && t.root(b.Size) == b.Root }

// holds says that an event is among the first n leaves.
func (t *tree) holds(leaf uint32, n int64) bool {
	for _, l := range t.leaves[:min(n, t.size())] {
		if l == leaf {
			return true
		}
	}
	return false
}

// remote is somebody's tree as it proves itself under a checkpoint: cut to the checkpoint's size.
type remote struct {
	w *world
	t tree
}

func (r remote) RootAt(_ context.Context, n int64) (tlog.Hash, error) {
	if n < 0 || n > r.t.size() {
		return tlog.Hash{}, fmt.Errorf("sim: size %d of %d", n, r.t.size())
	}
	return r.t.root(n), nil
}

func (r remote) Opening(_ context.Context, epoch int64) (continuity.Opening, error) {
	return r.w.openingIn(&r.t, epoch)
}

// openingIn finds the leaf that opens an epoch.
func (w *world) openingIn(t *tree, epoch int64) (continuity.Opening, error) {
	for _, i := range t.opens {
		if o := w.openings[t.leaves[i]&^opening]; o.Epoch == epoch {
			if o.Index != int64(i) {
				return o, continuity.ErrOpening
			}
			return o, nil
		}
	}
	return continuity.Opening{}, continuity.ErrNotOpened
}
