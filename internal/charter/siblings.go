package charter

import (
	"context"
	"errors"
	"fmt"

	"tasuki/internal/store"
)

// MaxSiblings is how many siblings of one version are kept. Each bears the signatures of a whole board, so already the first
// says that the board is broken; more than a handful is only noise.
const MaxSiblings = 16

// ErrSiblings means that a version has MaxSiblings siblings in the store already.
var ErrSiblings = errors.New("charter: too many siblings of one version")

// SaveSibling keeps a sibling (F.7), so that it can be shown to everybody: a document that the chain answers with
// ErrSibling. Any other document is refused with what Chain.Check says of it; a valid next charter, which is no sibling, with
// ErrGap. Keeping one twice changes nothing. Signatures that arrive later for a sibling that is kept are not added.
func SaveSibling(ctx context.Context, tx *store.Tx, c *Chain, d *Document) error {
	switch err := c.Check(d); {
	case err == nil:
		return fmt.Errorf("keep charter %d as a sibling: %w: it is the next one", d.charter.V, ErrGap)
	case !errors.Is(err, ErrSibling):
		return err
	}
	kept, err := Siblings(ctx, tx, c)
	if err != nil {
		return err
	}
	n := 0
	for _, k := range kept {
		if k.hash == d.hash {
			return nil
		}
		if k.charter.V == d.charter.V {
			n++
		}
	}
	if n >= MaxSiblings {
		return fmt.Errorf("keep a sibling of charter %d: %w", d.charter.V, ErrSiblings)
	}
	raw, err := d.Bytes()
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, insertSibling, d.charter.V, d.hash, raw); err != nil {
		return fmt.Errorf("keep a sibling of charter %d: %w", d.charter.V, err)
	}
	return nil
}

// Siblings are the kept siblings of the chain's charters, by version and hash, each checked again: a store that was tampered
// with has none.
func Siblings(ctx context.Context, tx *store.Tx, c *Chain) ([]*Document, error) {
	docs, err := read(ctx, tx, listSiblings)
	if err != nil {
		return nil, fmt.Errorf("load siblings: %w", err)
	}
	for _, d := range docs {
		if err := c.Check(d); !errors.Is(err, ErrSibling) {
			return nil, fmt.Errorf("load siblings: charter %d, %s, is none: %v", d.charter.V, d.hash, err)
		}
	}
	return docs, nil
}
