package relay

import (
	"context"
	"io"
	"time"
)

// State says where a copy of the list stands.
type State struct {
	Published int64  // leaves under the published checkpoint, 0 for none
	Charter   string // <version>-<first 8 hex digits> of the charter in force
}

// Outcome is what became of a charter that was offered.
type Outcome int

// Outcomes of an offered charter.
const (
	Known    Outcome = iota // the chain has it
	Extended                // the chain has it now; a mirror has sealed the old origin by then if it opens an epoch
	Sibling                 // valid in place of one that the chain has: kept beside it
)

// A Refusal is an error that the asker is told, with its HTTP status.
type Refusal struct {
	Status int
	Why    string
	Size   int64 // of a 409 to a cosignature: the pending size; -1 otherwise
	Err    error
}

func (r *Refusal) Error() string { return "relay: " + r.Why }

// Unwrap is what the rules said.
func (r *Refusal) Unwrap() error { return r.Err }

// Item is one piece of evidence in the list of all.
type Item struct {
	Name string    `json:"name"`
	Kind string    `json:"kind"`
	At   time.Time `json:"at"`
	URL  string    `json:"url"`
}

// Copy is a copy of the list, operator's or mirror's, as this package asks for it. What is not there gives an error that wraps
// fs.ErrNotExist; what the asker did wrong a *Refusal. Implementations are safe for concurrent use.
type Copy interface {
	State(ctx context.Context) (State, error)
	// Pending is the newest checkpoint that the log key has signed, if its size is above after; nil after waiting in vain.
	Pending(ctx context.Context, after int64, wait time.Duration) ([]byte, error)
	// Cosign takes a mirror's cosignatures and returns the published size.
	Cosign(ctx context.Context, note []byte) (int64, error)
	// Holding is a mirror's signed answer to an operator that starts and asks with a nonce, and the newest checkpoint of the origin that it has seen (nil
	// for none).
	Holding(ctx context.Context, origin, nonce string) (statement, seen []byte, err error)
	// Offer takes a charter document.
	Offer(ctx context.Context, document []byte) (Outcome, error)
	// Seals are the origins that this copy has sealed; Seal is the statement about one.
	Seals(ctx context.Context) ([]string, error)
	Seal(ctx context.Context, origin string) ([]byte, error)
	// Evidence lists what was found wrong with others, newest first, without URLs; EvidenceFile is one of it, JSON.
	Evidence(ctx context.Context) ([]Item, error)
	EvidenceFile(ctx context.Context, name string) ([]byte, error)
	// Escrow writes the ciphertexts that a signed request asks for. Nothing is written before the request is found good.
	Escrow(ctx context.Context, request []byte, w io.Writer) error
}
