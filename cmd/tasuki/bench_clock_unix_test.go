//go:build unix

package main

import (
	"os"
	"syscall"
	"time"
)

// peakOf is the largest resident set that a finished process had, in bytes.
func peakOf(p *os.ProcessState) int64 {
	u, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return u.Maxrss << 10 // kilobytes on Linux
}

// offspring is the processor time, user and system, of the processes that this one started and that have ended.
func offspring() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
