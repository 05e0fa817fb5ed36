//go:build !unix

package loadtest

import "time"

// Processor is unknown here.
func Processor() (user, system time.Duration) { return 0, 0 }
