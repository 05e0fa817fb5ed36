//go:build !windows

package main

import "golang.org/x/sys/unix"

// windowsModes says that permission bits mean nothing here.
const windowsModes = false

// diskFree is how many bytes this user may still write where dir lies.
func diskFree(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil //nolint:unconvert // the fields differ between systems
}
