package loadtest

import (
	"syscall"
	"time"
)

// sleepUntil waits for t in the kernel: the runtime's own timers are a millisecond coarse on an idle process, as much as what
// is to be measured.
func sleepUntil(t time.Time) {
	for {
		d := time.Until(t)
		if d <= 0 {
			return
		}
		ts := syscall.NsecToTimespec(int64(d))
		_ = syscall.Nanosleep(&ts, nil) // interrupted by the runtime's signals: then once more
	}
}
