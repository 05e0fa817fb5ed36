//go:build unix

package main

import (
	"os"
	"syscall"
)

// peakOf is the largest resident set that a finished process had, in bytes.
func peakOf(p *os.ProcessState) int64 {
	u, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return u.Maxrss << 10 // kilobytes on Linux
}
