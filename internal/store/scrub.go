package store

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// ErrScrub means that old bytes may still be in the store's files: readers would not let go, or the database said no.
var ErrScrub = errors.New("store: deleted bytes may still be in its files")

var tableName = regexp.MustCompile(`^[a-z_]+$`)

// Scrub takes out of the store's files what was deleted from the tables named, or changed in them, before it was called. On SQLite
// deleted cells are zeroed when they are deleted (secure_delete), so that only the write-ahead log holds older pages: it is folded
// into the file and cut to nothing, which waits until no reader needs them. On PostgreSQL the tables and their indexes are rewritten
// with what is alive, each behind a lock that waits for whoever reads it; its own write-ahead log keeps what it says until the server
// recycles it. Errors wrap ErrScrub.
func (db *DB) Scrub(ctx context.Context, tables ...string) error {
	if db.write == nil {
		return ErrReadOnly
	}
	select {
	case db.writing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-db.writing }()
	c, err := db.write.take(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrScrub, err)
	}
	defer db.write.give(c)
	if db.engine == SQLite {
		return truncateWAL(ctx, c)
	}
	for _, t := range tables {
		if !tableName.MatchString(t) {
			return fmt.Errorf("%w: %q is no table", ErrScrub, t)
		}
	}
	if err := c.text(ctx, awaitReaders); err != nil {
		return fmt.Errorf("%w: %w", ErrScrub, err)
	}
	// One statement for all of them is one transaction for each, outside of any.
	if err := c.text(ctx, "VACUUM (FULL, ANALYZE) "+strings.Join(tables, ", ")); err != nil {
		return fmt.Errorf("%w: %w", ErrScrub, err)
	}
	return nil
}

// awaitReaders waits, 30 s at most, for the transactions that PostgreSQL keeps deleted rows for: those that began before now. The rewritten
// table would hold the rows still, and the end of a read is not waited for by whoever read.
const awaitReaders = `DO $$
DECLARE since timestamptz := clock_timestamp();
BEGIN
	WHILE EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL
			AND xact_start <= since) LOOP
		IF clock_timestamp() > since + interval '30 seconds' THEN
			RAISE EXCEPTION 'readers hold an old state of the tables';
		END IF;
		PERFORM pg_sleep(0.02);
		PERFORM pg_stat_clear_snapshot();
	END LOOP;
END $$`

// scrubWait is how long Scrub waits for SQLite's readers.
const scrubWait = 30 * time.Second

func truncateWAL(ctx context.Context, c *conn) error {
	for began := time.Now(); ; {
		var busy, frames, moved int
		err := c.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved)
		if err == nil && busy == 0 {
			return nil
		}
		if err == nil && time.Since(began) > scrubWait {
			err = errors.New("readers hold the write-ahead log")
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrScrub, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrScrub, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
