//go:build unix

package loadtest

import (
	"syscall"
	"time"
)

// Processor is the processor time, user and system, that this process has used: on a machine that others use too it says what the
// wall clock cannot. It is 0 where nobody knows.
func Processor() (user, system time.Duration) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, 0
	}
	return time.Duration(u.Utime.Nano()), time.Duration(u.Stime.Nano())
}
