package bundle

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/ledger"
)

// Prove verifies a whole bundle, and then gives fn a proof file (c2sp.org/tlog-proof) of every leaf that is wanted, below the bundle's
// checkpoint: what a server of the list would have answered. Nothing is given before the file was read to its end.
func Prove(ctx context.Context, f File, list string, want func(Item) bool, fn func(i Item, proof []byte) error) (h Head, err error) {
	var wanted []Item
	p := prover{known: map[node]tlog.Hash{}}
	err = reading(f, list, func(b *Reader) error {
		h = b.Head
		for i, n := range skeleton(h.From, h.To, h.Tree.Size) {
			p.known[n] = b.skeleton[i]
		}
		var chunk []tlog.Hash
		var needed bool
		return b.Each(func(i Item, hash tlog.Hash) error {
			if i.Index%Width == 0 {
				chunk, needed = chunk[:0], false
			}
			if chunk = append(chunk, hash); want(i) {
				i.Raw = nil // it has been compared with what the leaf binds
				wanted, needed = append(wanted, i), true
			}
			// The leaves of a chunk count once its last one is here.
			if needed && ((i.Index+1)%Width == 0 || i.Index+1 == h.To) {
				for k, hash := range chunk {
					p.known[node{0, i.Index + 1 - int64(len(chunk)-k)}] = hash
				}
			}
			return ctx.Err()
		})
	})
	if err != nil || len(wanted) == 0 {
		return h, err
	}
	var charters [][]byte
	for _, d := range h.Charters.Documents() {
		raw, err := d.Bytes()
		if err != nil {
			return h, err
		}
		charters = append(charters, raw)
	}
	for _, i := range wanted {
		path, err := tlog.ProveRecord(h.Tree.Size, i.Index, p)
		if err != nil {
			return h, fmt.Errorf("leaf %d: %w", i.Index, err)
		}
		var salt []byte
		if i.Mark == ledger.BodyPresent {
			salt = i.Salt[:]
		}
		proof, err := ledger.ProofOf(ledger.ProofPart{Index: i.Index, Role: "cna", Leaf: i.Leaf, Salt: salt, Path: path}, h.Checkpoint, charters)
		if err != nil {
			return h, fmt.Errorf("leaf %d: %w", i.Index, err)
		}
		if err := fn(i, proof); err != nil {
			return h, err
		}
	}
	return h, nil
}

// prover knows the subtrees of a bundle's head, and the leaves of the chunks that a wanted leaf is of. Every subtree that a proof of
// such a leaf names is one of them, or is made of them: it lies beside the leaf in a larger one, so that it is as large as it can be on its side.
type prover struct{ known map[node]tlog.Hash }

// ReadHashes are stored hashes.
func (p prover) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		var err error
		if out[i], err = p.hash(node{level, n}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (p prover) hash(n node) (tlog.Hash, error) {
	if h, ok := p.known[n]; ok {
		return h, nil
	}
	if n.level == 0 {
		return tlog.Hash{}, fmt.Errorf("%w: the hash of leaf %d is not in it", ErrProof, n.n)
	}
	left, err := p.hash(node{n.level - 1, 2 * n.n})
	if err != nil {
		return left, err
	}
	right, err := p.hash(node{n.level - 1, 2*n.n + 1})
	return tlog.NodeHash(left, right), err
}
