//go:build unix

package storetest

import (
	"os"
	"os/exec"
	"syscall"
)

// runAs gives dir to an unprivileged user and makes cmd run as that user.
func runAs(cmd *exec.Cmd, dir string) error {
	uid, gid, err := unprivileged()
	if err != nil {
		return err
	}
	if err := os.Chown(dir, uid, gid); err != nil {
		return err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	return nil
}
