package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// dataFormat is the version of the data directory's layout that this program writes and the newest it understands.
// The database has its own numbers (migrations); this one covers the files around it.
const dataFormat = 1

var (
	// ErrRunning says that another process holds the data directory; its socket is the way in.
	ErrRunning = errors.New("data directory: another tasuki is using it")
	// ErrNewer says that a newer program wrote the directory.
	ErrNewer = errors.New("data directory: written by a newer tasuki")
	// ErrForeign says that the directory holds something that is not ours.
	ErrForeign = errors.New("data directory: not empty and not a tasuki data directory")
	// ErrNoData says that there is no data directory yet.
	ErrNoData = errors.New("data directory: nothing here yet")
)

// DataDir is a data directory that this process holds for itself until Close.
type DataDir struct {
	Path string // absolute
	lock *os.File
}

// openDataDir takes the directory at path, creating it (0700) where create is set.
// It returns ErrRunning, ErrNewer, ErrForeign or ErrNoData as the case may be; nothing is written before the directory is
// known to be ours.
func openDataDir(path string, create bool) (*DataDir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := readFormat(path); err != nil {
		if !errors.Is(err, ErrNoData) || !create {
			return nil, err
		}
		if err := makeDir(path); err != nil {
			return nil, fmt.Errorf("create the data directory: %w", err)
		}
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if err := flock(lock); err != nil {
		lock.Close()
		if errors.Is(err, errLocked) {
			return nil, fmt.Errorf("%s: %w", path, ErrRunning)
		}
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	d := &DataDir{Path: path, lock: lock}
	if err := d.writeFormat(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// readFormat says whether path is a data directory that this program understands.
func readFormat(path string) error {
	raw, err := os.ReadFile(filepath.Join(path, "format"))
	if err == nil {
		n, err := strconv.Atoi(strings.TrimSpace(string(raw)))
		if err != nil {
			return fmt.Errorf("%s: format file says %q: %w", path, strings.TrimSpace(string(raw)), ErrForeign)
		}
		if n > dataFormat {
			return fmt.Errorf("%s has format %d, this program knows up to %d: %w", path, n, dataFormat, ErrNewer)
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("data directory: %w", err)
	}
	entries, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w", path, ErrNoData)
	case err != nil:
		return fmt.Errorf("data directory: %w", err)
	}
	for _, e := range entries {
		// A first start that died between lock and format leaves just these.
		if name := e.Name(); name != "lock" && name != "format.tmp" {
			return fmt.Errorf("%s contains %s: %w", path, name, ErrForeign)
		}
	}
	return fmt.Errorf("%s: %w", path, ErrNoData)
}

// writeFormat marks a new directory as ours, and an older one as ours by now. There is one format so far, so upgrading is
// writing the number; a step to format 2 goes here, before the number is written.
func (d *DataDir) writeFormat() error {
	name := filepath.Join(d.Path, "format")
	want := strconv.Itoa(dataFormat) + "\n"
	if have, err := os.ReadFile(name); err == nil && string(have) == want {
		return nil
	}
	tmp := name + ".tmp"
	if err := writeSynced(tmp, []byte(want)); err != nil {
		return fmt.Errorf("mark the data directory: %w", err)
	}
	if err := os.Rename(tmp, name); err != nil {
		return fmt.Errorf("mark the data directory: %w", err)
	}
	// Before the database is made: a directory that holds one but no format is not ours.
	if err := syncDir(d.Path); err != nil {
		return fmt.Errorf("mark the data directory: %w", err)
	}
	return nil
}

// makeDir makes a directory and those above it that are missing, and forces their names to the disk: what a database syncs
// inside is lost with the directory's name. The directory may be there: made by a start that died before the name was forced.
func makeDir(path string) error {
	up := filepath.Dir(path)
	if _, err := os.Stat(up); errors.Is(err, fs.ErrNotExist) && up != path {
		if err := makeDir(up); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := syncDir(up); err != nil && !errors.Is(err, fs.ErrPermission) {
		return err // one that we may not even read is the administrator's, as is what lies in it
	}
	return nil
}

// syncDir forces a directory's entries to the disk. Windows has no such call, and needs none.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func writeSynced(name string, content []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// Close lets the directory go. The lock file stays: removing it would let two processes lock two different files.
func (d *DataDir) Close() error { return d.lock.Close() }
