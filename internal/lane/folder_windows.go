package lane

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

func flock(f *os.File) error {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrLocked
	}
	return err
}

// syncFolder does nothing: Windows keeps names with the files themselves.
func syncFolder(string) error { return nil }

// ID is made of the machine's own identifier, and of the lock file's number on its volume and the folder's path: a copy has another.
func (f *Folder) ID() (string, error) {
	var info windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(windows.Handle(f.lock.Fd()), &info); err != nil {
		return "", fmt.Errorf("%s: %w", f.path, err)
	}
	machine := ""
	if key, err := registry.OpenKey(registry.LOCAL_MACHINE, `SOFTWARE\Microsoft\Cryptography`, registry.QUERY_VALUE|registry.WOW64_64KEY); err == nil {
		if machine, _, err = key.GetStringValue("MachineGuid"); err != nil {
			machine = ""
		}
		if err := key.Close(); err != nil {
			return "", err
		}
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "tasuki lane place\n%s\n%d %d %d\n%s\n", machine, info.VolumeSerialNumber, info.FileIndexHigh, info.FileIndexLow, f.path))
	return hex.EncodeToString(sum[:16]), nil
}
