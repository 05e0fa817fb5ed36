package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"tasuki/internal/store"
)

// ErrPrivate means that bytes cannot be a private body.
var ErrPrivate = errors.New("ledger: malformed private body")

// Private is what a committed event hides: canonical JSON and the salt that keeps its hash from being guessed.
type Private struct {
	Salt [16]byte
	Body []byte // without padding
}

// Commit draws a salt and returns the commitment to body that the public leaf carries (events.md §1):
// SHA-256(salt ‖ padded body). body is canonical JSON, so its last byte is not a space; it is retained.
func Commit(rand io.Reader, body []byte) (h [32]byte, p Private, err error) {
	if err := checkPrivate(body); err != nil {
		return h, p, err
	}
	p.Body = body
	if _, err := io.ReadFull(rand, p.Salt[:]); err != nil {
		return h, Private{}, fmt.Errorf("draw salt: %w", err)
	}
	return p.Hash(), p, nil
}

func checkPrivate(body []byte) error {
	switch {
	case len(body) == 0 || body[len(body)-1] == ' ':
		return fmt.Errorf("%w: empty, or ends in a space", ErrPrivate)
	case len(body) > MaxBody:
		return fmt.Errorf("%d bytes, at most %d: %w", len(body), MaxBody, ErrTooBig)
	}
	return nil
}

// PaddedLen is the length that a body of n bytes is padded to: 256, 1,024, 4,096, then multiples of 4,096.
func PaddedLen(n int) int {
	switch {
	case n <= 256:
		return 256
	case n <= 1024:
		return 1024
	}
	return (n + 4095) / 4096 * 4096
}

// Padded is the body followed by spaces (0x20) up to PaddedLen: JSON still, with the same meaning.
func (p Private) Padded() []byte {
	b := make([]byte, PaddedLen(len(p.Body)))
	for i := copy(b, p.Body); i < len(b); i++ {
		b[i] = ' '
	}
	return b
}

// Hash is the commitment, SHA-256(Salt ‖ Padded()).
func (p Private) Hash() [32]byte {
	h := sha256.New()
	h.Write(p.Salt[:])
	h.Write(p.Padded())
	return [32]byte(h.Sum(nil))
}

// Open strips the padding of a body as it travels and checks it against a commitment; errors wrap ErrBody when the
// commitment is another one, ErrPrivate when the padding is not the one Padded makes.
func Open(h [32]byte, salt [16]byte, padded []byte) (Private, error) {
	p := Private{Salt: salt, Body: bytes.TrimRight(padded, " ")}
	if err := checkPrivate(p.Body); err != nil {
		return Private{}, err
	}
	if PaddedLen(len(p.Body)) != len(padded) {
		return Private{}, fmt.Errorf("%w: %d bytes padded to %d", ErrPrivate, len(p.Body), len(padded))
	}
	if p.Hash() != h {
		return Private{}, ErrBody
	}
	return p, nil
}

// PutPrivate stores the private body behind leaf index, in the transaction that appended the leaf.
func (l *Log) PutPrivate(ctx context.Context, tx *store.Tx, index int64, p Private) error {
	if _, err := tx.Exec(ctx, queries.Get("private_put"), index, p.Salt[:], p.Body); err != nil {
		return fmt.Errorf("private body of leaf %d: %w", index, err)
	}
	return nil
}

// Private returns the private body behind leaf index, or ErrNotFound.
func (l *Log) Private(ctx context.Context, tx *store.Tx, index int64) (Private, error) {
	row, foreseen, err := store.Known[privateRow](ctx, tx, privateKey(index))
	if err == nil && !foreseen { // whoever reads all of them wants none remembered
		err = tx.QueryRow(ctx, queries.Get("private"), index).Scan(&row.salt, &row.body, &row.leaf)
	} else if err == nil && row.leaf == nil {
		err = ErrNotFound
	}
	if err != nil {
		return Private{}, fmt.Errorf("private body of leaf %d: %w", index, absent(err))
	}
	p := Private{Body: row.body}
	if copy(p.Salt[:], row.salt) != len(p.Salt) || len(row.salt) != len(p.Salt) {
		return Private{}, fmt.Errorf("private body of leaf %d: %w: salt of %d bytes", index, ErrPrivate, len(row.salt))
	}
	if foreseen {
		tx.Remember(leafKey(index), row.leaf) // whoever opens a commitment reads it as well
	}
	return p, nil
}

// ForeseePrivate says that Private will be asked of a leaf, and likely the leaf itself.
func (l *Log) ForeseePrivate(ctx context.Context, tx *store.Tx, index int64) error {
	return store.Question[privateRow]{Key: privateKey(index), Query: queries.Get("private"), Args: []any{index},
		Read: func(rows store.Rows) (r privateRow, err error) {
			if rows.Next() {
				err = rows.Scan(&r.salt, &r.body, &r.leaf)
			}
			return r, err
		}}.Foresee(ctx, tx)
}

type privateKey int64

type privateRow struct{ salt, body, leaf []byte }
