package main

import "golang.org/x/sys/windows"

// windowsModes says that permission bits mean nothing here.
const windowsModes = true

// diskFree is how many bytes this user may still write where dir lies.
func diskFree(dir string) (int64, error) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return 0, err
	}
	return int64(free), nil
}
