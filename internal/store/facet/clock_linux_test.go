package facet

import (
	"time"

	"golang.org/x/sys/unix"
)

// clock returns the processor time of the calling thread: what a query costs, whatever else the
// machine does meanwhile.
func clock() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}
