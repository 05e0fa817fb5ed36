//go:build !unix

package storetest

import (
	"errors"
	"os/exec"
)

func runAs(*exec.Cmd, string) error {
	return errors.New("cannot change the user on this system")
}
