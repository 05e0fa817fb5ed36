package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/store"
	"tasuki/spec/c2sp"
)

var (
	// ErrFork means that the log is not an extension of a tree that was signed before. Whoever meets it must stop.
	ErrFork = errors.New("ledger: the log is not an extension of a signed checkpoint")
	// ErrBehind means that the log is shorter than a tree that was signed before: an older copy came back.
	ErrBehind = errors.New("ledger: the log is shorter than a signed checkpoint")
	// ErrCheckpoint means that a checkpoint is malformed, unsigned, or signed by somebody else.
	ErrCheckpoint = errors.New("ledger: checkpoint not valid")
)

// Checkpoint is a signed tree head as the store keeps it, one per origin.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   Hash
	Note   []byte // the signed note, verbatim
	Time   int64  // when it was signed, Unix milliseconds
}

// Checkpoint returns the last checkpoint signed under origin, or ErrNotFound.
func (l *Log) Checkpoint(ctx context.Context, tx *store.Tx, origin string) (Checkpoint, error) {
	c, err := scanCheckpoint(tx.QueryRow(ctx, queries.Get("checkpoint"), origin))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint of %s: %w", origin, absent(err))
	}
	return c, nil
}

// Checkpoints returns the last checkpoint of every origin, smallest first: one per epoch.
func (l *Log) Checkpoints(ctx context.Context, tx *store.Tx) ([]Checkpoint, error) {
	rows, err := tx.Query(ctx, queries.Get("checkpoints"))
	if err != nil {
		return nil, fmt.Errorf("checkpoints: %w", err)
	}
	defer rows.Close()
	var out []Checkpoint
	for rows.Next() {
		c, err := scanCheckpoint(rows)
		if err != nil {
			return nil, fmt.Errorf("checkpoints: %w", err)
		}
		out = append(out, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("checkpoints: %w", err)
	}
	return out, nil
}

func scanCheckpoint(row interface{ Scan(...any) error }) (Checkpoint, error) {
	var c Checkpoint
	var root []byte
	var text string
	if err := row.Scan(&c.Origin, &c.Size, &root, &text, &c.Time); err != nil {
		return Checkpoint{}, err
	}
	if len(root) != tlog.HashSize {
		return Checkpoint{}, fmt.Errorf("%w: stored root of %d bytes", ErrCheckpoint, len(root))
	}
	c.Root, c.Note = Hash(root), []byte(text)
	return c, nil
}

// OpenCheckpoint verifies a signed checkpoint: a key that keys knows under the very origin of the text must have
// signed it. Signatures of unknown keys (mirrors, witnesses) are left alone. Errors wrap ErrCheckpoint.
func OpenCheckpoint(signed []byte, keys note.Verifiers) (c2sp.Checkpoint, error) {
	n, err := note.Open(signed, keys)
	if err != nil {
		return c2sp.Checkpoint{}, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	c, err := c2sp.ParseCheckpoint(n.Text)
	if err != nil {
		return c2sp.Checkpoint{}, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	for _, s := range n.Sigs {
		if s.Name == c.Origin {
			return c, nil
		}
	}
	return c2sp.Checkpoint{}, fmt.Errorf("%w: no signature by %s itself", ErrCheckpoint, c.Origin)
}

// sign extends the chain of checkpoints of key's origin to the log's present head. fresh is false when the head was
// signed already. It runs inside a write transaction; the note must not be shown to anybody before its commit, which
// is why a crash at any point leaves either no signature or a recorded one. seen is what this process has handed on (zero for
// nothing): a server that was set back under it, or lost its last commits, has forgotten that it recorded that.
func (l *Log) sign(ctx context.Context, tx *store.Tx, key note.Signer, seen Checkpoint, now int64) (c Checkpoint, fresh bool, err error) {
	head, err := l.Head(ctx, tx)
	if err != nil {
		return c, false, err
	}
	root := head.Root()
	signed, err := l.Checkpoints(ctx, tx)
	if err != nil {
		return c, false, err
	}
	same := func(c Checkpoint) bool { return c.Origin == seen.Origin && c.Size == seen.Size && c.Root == seen.Root }
	if seen.Size > 0 && !slices.ContainsFunc(signed, same) {
		if err := l.extends(ctx, tx, head, root, seen); err != nil {
			return c, false, fmt.Errorf("sign %s at size %d: what this process handed on is gone from the store: %w", key.Name(), head.Size, err)
		}
	}
	var last *Checkpoint
	for i := range signed {
		// Every epoch is a span of the same tree, so what earlier origins signed binds this one too.
		if err := l.extends(ctx, tx, head, root, signed[i]); err != nil {
			return c, false, fmt.Errorf("sign %s at size %d: %w", key.Name(), head.Size, err)
		}
		if signed[i].Origin == key.Name() {
			last = &signed[i]
		}
	}
	if last != nil && last.Size == head.Size {
		return *last, false, nil
	}
	if last == nil && head.Size > 0 && len(signed) == 0 {
		// The first checkpoint of a store has nothing to extend; the tree itself must still be whole.
		r, err := l.RootAt(ctx, tx, head.Size)
		if err != nil {
			return c, false, fmt.Errorf("sign %s at size %d: %w", key.Name(), head.Size, err)
		}
		if r != root {
			return c, false, fmt.Errorf("sign %s at size %d: head and tiles differ: %w", key.Name(), head.Size, ErrFork)
		}
	}
	text := c2sp.Checkpoint{Origin: key.Name(), Size: head.Size, Root: root}.String()
	c = Checkpoint{Origin: key.Name(), Size: head.Size, Root: root, Time: now}
	if c.Note, err = note.Sign(&note.Note{Text: text}, key); err != nil {
		return c, false, fmt.Errorf("sign %s at size %d: %w", key.Name(), head.Size, err)
	}
	var res sql.Result
	if last == nil {
		res, err = tx.Exec(ctx, queries.Get("checkpoint_first"), c.Origin, c.Size, c.Root[:], string(c.Note), c.Time)
	} else {
		res, err = tx.Exec(ctx, queries.Get("checkpoint_swap"), c.Size, c.Root[:], string(c.Note), c.Time, c.Origin, last.Size, last.Root[:])
	}
	if err != nil {
		return c, false, fmt.Errorf("record checkpoint %s at size %d: %w", c.Origin, c.Size, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return c, false, fmt.Errorf("record checkpoint %s at size %d: %w", c.Origin, c.Size, err)
	}
	if n != 1 {
		return Checkpoint{}, false, fmt.Errorf("record checkpoint %s at size %d: %w", c.Origin, c.Size, errRaced)
	}
	return c, true, nil
}

// errRaced means that another node signed between our reading and our writing; the signature is thrown away.
var errRaced = errors.New("ledger: another node signed meanwhile")

// extends checks with a consistency proof over the stored tiles that head continues the tree of old.
func (l *Log) extends(ctx context.Context, tx *store.Tx, head Head, root Hash, old Checkpoint) error {
	switch {
	case old.Size > head.Size:
		return fmt.Errorf("%s signed size %d: %w", old.Origin, old.Size, ErrBehind)
	case old.Size == head.Size:
		if old.Root != root {
			return fmt.Errorf("%s signed another tree of size %d: %w", old.Origin, old.Size, ErrFork)
		}
		return nil
	case old.Size == 0:
		return nil
	}
	p, err := l.ProveConsistency(ctx, tx, old.Size, head.Size)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(p, head.Size, root, old.Size, old.Root); err != nil {
		return fmt.Errorf("%s signed size %d: %w: %w", old.Origin, old.Size, ErrFork, err)
	}
	return nil
}
