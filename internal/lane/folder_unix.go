//go:build unix

package lane

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

func flock(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// ID is made of the machine's own identifier, and of the folder's number on its file system and its path: a copy has another.
func (f *Folder) ID() (string, error) {
	var st unix.Stat_t
	if err := unix.Stat(f.path, &st); err != nil {
		return "", fmt.Errorf("%s: %w", f.path, err)
	}
	// Where the machine has none (a container), the rest has to do.
	machine, err := os.ReadFile("/etc/machine-id")
	if err != nil {
		machine = nil
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "tasuki lane place\n%s\n%d\n%s\n", strings.TrimSpace(string(machine)), st.Ino, f.path))
	return hex.EncodeToString(sum[:16]), nil
}
