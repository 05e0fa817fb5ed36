package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"

	"tasuki/internal/catalogue"
	"tasuki/internal/charter"
	"tasuki/internal/edge/serve/tiles"
	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/spec/c2sp"
)

// logSource is the log as the tile surface asks for it.
type logSource struct{ *node }

// view runs fn with the newest signed checkpoint in one snapshot: tiles, entries and bodies are there before a quorum covers them,
// or no mirror could store them.
func (n logSource) view(ctx context.Context, fn func(*store.Tx, ledger.Checkpoint) error) error {
	err := n.db.View(ctx, func(tx *store.Tx) error {
		cp, err := n.newest(ctx, tx)
		if errors.Is(err, ledger.ErrNotFound) {
			return fmt.Errorf("%w: %w", errNoCheckpoint, err)
		}
		if err != nil {
			return err
		}
		return fn(tx, cp)
	})
	if errors.Is(err, ledger.ErrNotFound) || errors.Is(err, ledger.ErrSize) || errors.Is(err, catalogue.ErrNotFound) {
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return err
}

// Checkpoint is the newest published checkpoint.
func (n logSource) Checkpoint(ctx context.Context) ([]byte, error) {
	cp, err := n.published(ctx)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, fmt.Errorf("%w: %w: %w", fs.ErrNotExist, errNoCheckpoint, err)
	}
	return cp.Note, err
}

// Tile is the hashes of a tile.
func (n logSource) Tile(ctx context.Context, level int, num int64, width int) (tile []byte, err error) {
	err = n.view(ctx, func(tx *store.Tx, cp ledger.Checkpoint) (err error) {
		tile, err = n.ledger.Tile(ctx, tx, cp.Size, int64(level), num, width)
		return err
	})
	return tile, err
}

// Entries is an entry bundle.
func (n logSource) Entries(ctx context.Context, num int64, width int) (bundle []byte, err error) {
	err = n.view(ctx, func(tx *store.Tx, cp ledger.Checkpoint) error {
		first := num * c2sp.Width
		if num < 0 || width < 1 || first+int64(width) > cp.Size {
			return ledger.ErrSize
		}
		leaves, err := n.ledger.Leaves(ctx, tx, first, first+int64(width))
		if err != nil {
			return err
		}
		for _, leaf := range leaves {
			if bundle, err = c2sp.AppendEntry(bundle, leaf); err != nil {
				return err
			}
		}
		return nil
	})
	return bundle, err
}

// Bodies gives the items of a body bundle.
func (n logSource) Bodies(ctx context.Context, num int64, from int, fn func(mark byte, salt [16]byte, raw []byte) error) error {
	return n.beside(ctx, num, from, func(mark byte, body *ledger.Body) error {
		if body == nil {
			return fn(mark, [16]byte{}, nil)
		}
		raw, err := body.Bytes()
		if err != nil {
			return err
		}
		return fn(mark, body.Salt, raw)
	})
}

// Packed gives them as they are stored.
func (n logSource) Packed(ctx context.Context, num int64, from int, fn func(mark byte, body *ledger.Body) error) error {
	return n.beside(ctx, num, from, func(mark byte, body *ledger.Body) error {
		if body != nil && !body.Portable() {
			return tiles.ErrUnportable
		}
		return fn(mark, body)
	})
}

// beside gives what stands beside the leaves of a bundle. It is fetched piece by piece, so that a slow receiver holds no transaction open; what is erased
// meanwhile is missing from the pieces after.
func (n logSource) beside(ctx context.Context, num int64, from int, fn func(mark byte, body *ledger.Body) error) error {
	const pieceRows, pieceBytes = 32, 1 << 20
	for next, last := num*256+int64(from), int64(-1); ; {
		type item struct {
			mark byte
			body *ledger.Body
		}
		var piece []item
		err := n.view(ctx, func(tx *store.Tx, cp ledger.Checkpoint) error {
			if last < 0 { // how far the first piece saw
				if last = min((num+1)*256, cp.Size); next >= last {
					return ledger.ErrSize
				}
			}
			for size := 0; next < last && size < pieceBytes; {
				rows, err := n.ledger.Rows(ctx, tx, next, min(last, next+pieceRows))
				if err != nil {
					return err
				}
				for _, r := range rows {
					it := item{mark: ledger.BodyPresent, body: r.Body}
					if r.Body == nil {
						if it.mark, err = absentBody(r); err != nil {
							return err
						}
					} else {
						size += len(r.Body.Packed)
					}
					piece = append(piece, it)
				}
				next += int64(len(rows))
			}
			return nil
		})
		if err != nil {
			return err
		}
		for i, it := range piece {
			if err := fn(it.mark, it.body); err != nil {
				return err
			}
			piece[i] = item{}
		}
		if next >= last {
			return nil
		}
	}
}

// absentBody says why there is no body beside a leaf.
func absentBody(r ledger.Row) (mark byte, err error) {
	e, err := event.Open(r.Index, r.Leaf, nil)
	switch {
	case err != nil && !errors.Is(err, event.ErrUnknown):
		return 0, err
	case err != nil || e.Body == nil:
		return ledger.BodyNone, nil
	case e.Kind == event.PrivateFact:
		return ledger.BodyCommitted, nil
	}
	return ledger.BodyErased, nil
}

// Body is the body whose salted hash is given.
func (n logSource) Body(ctx context.Context, hash [32]byte) (salt [16]byte, raw []byte, err error) {
	err = n.view(ctx, func(tx *store.Tx, _ ledger.Checkpoint) error {
		b, _, err := n.ledger.BodyByHash(ctx, tx, hash)
		if err != nil {
			return err
		}
		salt = b.Salt
		raw, err = b.Bytes()
		return err
	})
	return salt, raw, err
}

// Charters gives each charter document: the chain, oldest first, then what is as valid as one of it and stands beside it.
func (n logSource) Charters(ctx context.Context, fn func(name string, document []byte) error) error {
	docs := n.chain.Documents()
	err := n.db.View(ctx, func(tx *store.Tx) error {
		beside, err := charter.Siblings(ctx, tx, n.chain)
		docs = append(docs, beside...)
		return err
	})
	if err != nil {
		return err
	}
	for _, d := range docs {
		raw, err := d.Bytes()
		if err != nil {
			return err
		}
		name := d.FileName()
		if err := fn(name[:len(name)-len(".json")], raw); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Proof is the proof file of the newest version of a record that the newest published checkpoint covers. What is not signed yet is signed
// first, so that a record can be proved as soon as it can be read; where a quorum is asked for, as soon as it is there. While there is none, because
// mirrors or the operator are away, what was published before is proved: older is not 0, and is the size of the log that the proof is about.
func (n logSource) Proof(ctx context.Context, id string) (file []byte, older int64, err error) {
	leaves := func(tx *store.Tx, size int64) ([]ledger.Part, error) {
		parts, newer, err := n.catalogue.Leaves(ctx, tx, id, size)
		if older = 0; newer {
			older = size
		}
		if errors.Is(err, catalogue.ErrNotFound) {
			if _, _, known := n.catalogue.Leaves(ctx, tx, id, math.MaxInt64); known == nil {
				return nil, errUnsigned
			}
		}
		return parts, err
	}
	file, err = n.prove(ctx, leaves)
	// Only what exists and is not covered yet is worth a signature: an unknown identifier must not cost a write.
	if older != 0 || errors.Is(err, errUnsigned) || errors.Is(err, errNoCheckpoint) {
		if cp, serr := n.signed(ctx); serr == nil {
			n.awaitPublished(ctx, cp.Size)
			file, err = n.prove(ctx, leaves)
		}
	}
	return file, older, absentProof(err)
}

// LeafProof is the proof file of one leaf, under the newest published checkpoint: what only the log has signed proves nothing to anybody.
func (n logSource) LeafProof(ctx context.Context, index int64) ([]byte, error) {
	file, err := n.prove(ctx, func(_ *store.Tx, size int64) ([]ledger.Part, error) {
		if index >= size {
			return nil, errUnsigned
		}
		return []ledger.Part{{Index: index, Role: "leaf"}}, nil
	})
	return file, absentProof(err)
}

// absentProof makes fs.ErrNotExist of what cannot be proved, or not yet.
func absentProof(err error) error {
	if errors.Is(err, errUnsigned) || errors.Is(err, errNoCheckpoint) || errors.Is(err, catalogue.ErrNotFound) {
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return err
}

// prove makes a proof file of the leaves that are chosen among those that the published checkpoint covers.
func (n logSource) prove(ctx context.Context, leaves func(tx *store.Tx, size int64) ([]ledger.Part, error)) (file []byte, err error) {
	cp, err := n.published(ctx)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, errNoCheckpoint
	}
	if err != nil {
		return nil, err
	}
	var charters [][]byte
	for _, d := range n.chain.Documents() {
		raw, err := d.Bytes()
		if err != nil {
			return nil, err
		}
		charters = append(charters, raw)
	}
	err = n.db.View(ctx, func(tx *store.Tx) error {
		parts, err := leaves(tx, cp.Size)
		if err != nil {
			return err
		}
		file, err = n.ledger.BuildProof(ctx, tx, parts, cp, charters)
		return err
	})
	return file, err
}

var (
	errUnsigned     = errors.New("logged, but not under a signed checkpoint yet")
	errNoCheckpoint = errors.New("nothing is signed yet")
)
