//go:build unix

package main

import (
	"os"
	"syscall"
	"time"
)

// processor is the processor time, user and system, that this process has used.
func processor() (user, system time.Duration) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano()), time.Duration(u.Stime.Nano())
}

// peakOf is the largest resident set that a finished process had, in bytes.
func peakOf(p *os.ProcessState) int64 {
	u, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return u.Maxrss << 10 // kilobytes on Linux
}
