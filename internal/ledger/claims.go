package ledger

import (
	"encoding/hex"
	"fmt"

	"tasuki/spec/jcs"
)

// claims is the little that the ledger itself reads out of an event (events.md §1); the rest is its authors' language.
type claims struct {
	list    string
	kind    string
	hasBody bool
	hash    [32]byte
	n       int64
	public  bool // e.body has a length: the body is public; without one only a commitment is
}

func readClaims(event []byte) (claims, error) {
	var c claims
	r, err := jcs.NewReader(event, MaxLeaf)
	if err != nil {
		return c, fmt.Errorf("%w: event: %w", ErrMalformed, err)
	}
	for r.Enter('{'); r.Next(); {
		switch r.Key() {
		case "list":
			c.list = r.String()
		case "kind":
			c.kind = r.String()
		case "body":
			c.hasBody = true
			c.body(r)
		default:
			r.Raw()
		}
	}
	if err := r.End(); err != nil {
		return c, fmt.Errorf("%w: event: %w", ErrMalformed, err)
	}
	return c, nil
}

func (c *claims) body(r *jcs.Reader) {
	for r.Enter('{'); r.Next(); {
		switch r.Key() {
		case "h":
			sum, err := hex.DecodeString(r.String())
			if err != nil || copy(c.hash[:], sum) != len(c.hash) || len(sum) != len(c.hash) {
				r.Refuse("the hex of a SHA-256")
			}
		case "n":
			c.n, c.public = r.Int(), true
		default:
			r.Unknown()
		}
	}
}
