package mirror

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// Held is what a mirror answers to an operator that starts. The rules (continuity.Restart) say what of it is to be believed.
type Held struct {
	Statement []byte // note
	Seen      []byte // newest checkpoint of the origin that it has seen; empty for none
	Charter   string // "<version>-<first 8 hex digits>" of the newest charter that it knows
}

// Holding asks a mirror what it has seen of an origin. The nonce has 64 hex digits.
func (p *Peer) Holding(ctx context.Context, origin, nonce string) (h Held, err error) {
	raw, header, err := p.ask(ctx, http.MethodGet, "/holding/"+origin+"?nonce="+nonce, nil, 2*maxNote)
	if err != nil {
		return h, err
	}
	var answer struct {
		Statement  string `json:"statement"`
		Checkpoint string `json:"checkpoint"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return h, fmt.Errorf("%w: what a mirror holds: %w", ErrAnswer, err)
	}
	return Held{[]byte(answer.Statement), []byte(answer.Checkpoint), header.Get("Tasuki-Charter")}, nil
}
