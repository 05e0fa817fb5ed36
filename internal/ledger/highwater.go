package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"tasuki/internal/durable"
	"tasuki/internal/store"
	"tasuki/spec/c2sp"
)

// ErrHighWater means that the high-water file cannot be read as one.
var ErrHighWater = errors.New("ledger: malformed high-water file")

// The high-water file remembers, outside the data directory, the largest tree this node has signed. A data directory
// that was copied back from an older day knows nothing of its future; the file does. Its content is the text of a
// checkpoint without signatures.

// ReadHighWater reads the file; fs.ErrNotExist when there is none.
func ReadHighWater(path string) (c2sp.Checkpoint, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return c2sp.Checkpoint{}, fmt.Errorf("high-water file: %w", err)
	}
	c, err := c2sp.ParseCheckpoint(string(raw))
	if err != nil {
		return c2sp.Checkpoint{}, fmt.Errorf("%s: %w: %w", path, ErrHighWater, err)
	}
	return c, nil
}

// WriteHighWater replaces the file: written beside it, synced, renamed, the folder synced. Within an origin it never
// goes back (ErrBehind). A new epoch may start lower: the caller has a charter that says so.
func WriteHighWater(path string, c c2sp.Checkpoint) error {
	old, err := ReadHighWater(path)
	switch {
	case err == nil && old.Origin == c.Origin && old.Size > c.Size:
		return fmt.Errorf("high-water file %s holds size %d, not lowered to %d: %w", path, old.Size, c.Size, ErrBehind)
	case err == nil && old.Origin == c.Origin && old.Size == c.Size && old.Root == c.Root:
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := durable.Replace(path, []byte(c.String())); err != nil {
		return fmt.Errorf("high-water file: %w", err)
	}
	return nil
}

// CheckHighWater compares the log with the file before anything is served or signed: ErrBehind when the log is
// shorter than what was signed, ErrFork when it is another log. An absent file is no knowledge and no error.
func (l *Log) CheckHighWater(ctx context.Context, tx *store.Tx, path string) error {
	mark, err := ReadHighWater(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	head, err := l.Head(ctx, tx)
	if err != nil {
		return err
	}
	if head.Size < mark.Size {
		return fmt.Errorf("the store holds %d leaves, %s says that %d were signed under %s: %w", head.Size, path, mark.Size, mark.Origin, ErrBehind)
	}
	return l.extends(ctx, tx, head, head.Root(), Checkpoint{Origin: mark.Origin, Size: mark.Size, Root: mark.Root})
}
