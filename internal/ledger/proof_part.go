package ledger

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"tasuki/spec/c2sp"
)

// ProofPart is one leaf with its place in a tree, for who holds both without a store.
type ProofPart struct {
	Index int64
	Role  string // as Part's
	Leaf  []byte
	Salt  []byte // of the body; nil where there is none, or it was erased
	Path  tlog.RecordProof
}

// ProofOf writes the proof file of one leaf below a signed checkpoint, as BuildProof does. Nothing is verified.
func ProofOf(p ProofPart, checkpoint []byte, charters [][]byte) ([]byte, error) {
	raw, err := extra{Charters: charters, Leaf: p.Leaf, Role: p.Role, Salt: p.Salt}.marshal()
	if err != nil {
		return nil, fmt.Errorf("proof of leaf %d: %w", p.Index, err)
	}
	return c2sp.Proof{Extra: raw, Index: p.Index, Path: p.Path, Checkpoint: checkpoint}.Append(nil), nil
}
