// Package relay is what the copies of a list say to each other: the pending checkpoint that mirrors follow, their
// cosignatures, charters, seals and evidence, authors' signed events, and what a writer is told about how safe a write is.
// The continuity protocol's parts C.3, D and F. Whoever writes here is known by the signature in the body; there is no other
// way in.
package relay

import (
	"encoding/hex"

	"tasuki/internal/ledger"
)

func hexOf(h ledger.Hash) string { return hex.EncodeToString(h[:]) }
