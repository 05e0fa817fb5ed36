package main

import (
	"context"
	"errors"

	"tasuki/internal/continuity"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
)

// Which checkpoint is asked for: what the log key signed is pending until it counts under its epoch's charter (node_publishing.go), and only then
// published.

// size is how many leaves the log has.
func (n *node) size(ctx context.Context) (size int64, err error) {
	err = n.db.View(ctx, func(tx *store.Tx) error {
		h, err := n.ledger.Head(ctx, tx)
		size = h.Size
		return err
	})
	return size, err
}

// readCheckpoint reads the newest checkpoint that any node published.
func (n *node) readCheckpoint(ctx context.Context) {
	c, err := n.published(ctx)
	switch {
	case err == nil:
		old := n.checkpoint.Load()
		if old != nil && old.Origin == c.Origin && old.Size > c.Size {
			return // this node has published more meanwhile
		}
		if n.checkpoint.CompareAndSwap(old, &c) && n.publishing != nil && (old == nil || old.Size != c.Size) {
			n.publishing.news.tell()
		}
	case !errors.Is(err, ledger.ErrNotFound) && ctx.Err() == nil:
		n.log.WarnContext(ctx, "checkpoint not read", "err", err)
	}
}

// newest is the newest checkpoint that the log key signed, of the newest epoch that has one, whether or not it is published.
func (n *node) newest(ctx context.Context, tx *store.Tx) (ledger.Checkpoint, error) {
	docs := n.chain.Documents()
	for i := len(docs) - 1; i >= 0; i-- {
		c, err := n.ledger.Checkpoint(ctx, tx, docs[i].Origin())
		if n.role != nil {
			c, err = n.mirrored(ctx, tx, docs[i].Origin())
		}
		if !errors.Is(err, ledger.ErrNotFound) {
			return c, err
		}
	}
	return ledger.Checkpoint{}, ledger.ErrNotFound
}

// published is the newest checkpoint that counts under the charter of its epoch, of the newest epoch that has one.
func (n *node) published(ctx context.Context) (c ledger.Checkpoint, err error) {
	docs := n.chain.Documents()
	for i := len(docs) - 1; i >= 0; i-- {
		q, err := continuity.QuorumOf(docs[i])
		if err != nil {
			return c, err
		}
		if q.Alone() && n.role == nil { // what a copy knows as published it was told
			err = n.db.View(ctx, func(tx *store.Tx) (err error) {
				c, err = n.ledger.Checkpoint(ctx, tx, docs[i].Origin())
				return err
			})
			if !errors.Is(err, ledger.ErrNotFound) {
				return c, err
			}
			continue
		}
		s, err := n.continuity.Published(ctx, docs[i].Origin())
		if err != nil {
			return c, err
		}
		if s.Note != nil {
			c = publishedCheckpoint(q, s)
			if n.role != nil && c.Time <= 0 {
				c.Time, err = n.stampOf(ctx, s.Size-1) // nobody cosigns
			}
			return c, err
		}
	}
	return c, ledger.ErrNotFound
}

// signed is the newest checkpoint, signing first what is not signed yet where this node can.
func (n *node) signed(ctx context.Context) (ledger.Checkpoint, error) {
	if n.maySign() {
		if c, _, err := n.signer.Sign(ctx); err == nil {
			return c, nil
		}
	}
	var c ledger.Checkpoint
	err := n.db.View(ctx, func(tx *store.Tx) (err error) {
		c, err = n.newest(ctx, tx)
		return err
	})
	return c, err
}
