//go:build !linux

package facet

import "time"

var started = time.Now()

// clock returns wall time where the thread's own is not to be had.
func clock() time.Duration { return time.Since(started) }
