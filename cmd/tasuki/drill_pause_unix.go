//go:build unix

package main

import "syscall"

// freeze stops a process where it is, so that its files can be copied as a snapshot of the whole disk would have them.
func (p *drillProcess) freeze() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }

// thaw lets it go on.
func (p *drillProcess) thaw() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

// canFreeze says that processes can be stopped here.
const canFreeze = true
