package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"

	"tasuki/internal/store"
)

const scratchPrefix = "scratch-"

// scratch opens an empty store for a check that folds the log beside the live tables: beside the node's own, where there
// should be room for it, since it grows as large as the derived tables.
func (n *node) scratch(ctx context.Context) (*store.DB, func(), error) {
	dir, err := os.MkdirTemp(n.dir.Path, scratchPrefix)
	if err != nil {
		return nil, nil, err
	}
	discard := func(db *store.DB) error {
		var err error
		if db != nil {
			err = db.Close()
		}
		return errors.Join(err, os.RemoveAll(dir))
	}
	db, err := store.Open(ctx, filepath.Join(dir, "scratch.db"), store.Options{Readers: 1, Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		err = migrate(ctx, db)
	}
	if err != nil {
		return nil, nil, errors.Join(err, discard(db))
	}
	return db, func() {
		if err := discard(db); err != nil {
			n.log.WarnContext(ctx, "scratch store not removed", "err", err)
		}
	}, nil
}

// sweepScratch removes what checks left that were killed. The data directory is this process's alone, and it has begun no
// check yet.
func (n *node) sweepScratch() error {
	left, err := filepath.Glob(filepath.Join(n.dir.Path, scratchPrefix+"*"))
	for _, dir := range left {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}
