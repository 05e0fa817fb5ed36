package event

import (
	"fmt"

	"tasuki/internal/ledger"
)

// Received is a Doc of a packed body that came from elsewhere, once it was unpacked and compared with what its leaf binds. Errors wrap ledger.ErrEncoding
// where it cannot be unpacked here, else ledger.ErrBody. The body belongs to the Doc then, and its Hash is set.
func Received(b *ledger.Body, ref BodyRef) (*Doc, error) {
	raw, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	if b.N != ref.N || int64(len(raw)) != b.N || ledger.BodyHash(b.Salt, raw) != ref.H {
		return nil, fmt.Errorf("%w: it is not the one that was logged", ledger.ErrBody)
	}
	b.Hash = ref.H
	return &Doc{Body: b, raw: raw}, nil
}
