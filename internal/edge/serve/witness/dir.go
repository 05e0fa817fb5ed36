package witness

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tasuki/internal/durable"
	"tasuki/spec/c2sp"
)

// Dir is a memory of one small file per origin in a folder of its own. One process uses it at a time, which is for its owner
// to see to.
type Dir struct{ path string }

// OpenDir opens a memory, made if it is not there.
func OpenDir(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("witness: %w", err)
	}
	return &Dir{path}, nil
}

// An origin may hold any character, so its file is named by its hash.
func (d *Dir) file(origin string) string {
	sum := sha256.Sum256([]byte(origin))
	return filepath.Join(d.path, hex.EncodeToString(sum[:])+".checkpoint")
}

// Newest reads the last checkpoint of an origin.
func (d *Dir) Newest(origin string) (c2sp.Checkpoint, bool, error) {
	raw, err := os.ReadFile(d.file(origin))
	if errors.Is(err, fs.ErrNotExist) {
		return c2sp.Checkpoint{}, false, nil
	}
	if err != nil {
		return c2sp.Checkpoint{}, false, fmt.Errorf("witness: %w", err)
	}
	cp, err := c2sp.ParseCheckpoint(string(raw))
	if err == nil && cp.Origin != origin {
		err = errors.New("it is of another origin")
	}
	if err != nil {
		// Going on as if nothing had been cosigned would let a log lead this witness a second way.
		return c2sp.Checkpoint{}, false, fmt.Errorf("witness: %s is damaged: %w", d.file(origin), err)
	}
	return cp, true, nil
}

// Remember replaces the file; a power cut leaves the old one or the new.
func (d *Dir) Remember(cp c2sp.Checkpoint) error {
	if err := durable.Replace(d.file(cp.Origin), []byte(cp.String())); err != nil {
		return fmt.Errorf("witness: %w", err)
	}
	return nil
}
