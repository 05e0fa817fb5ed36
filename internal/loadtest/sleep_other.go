//go:build !linux

package loadtest

import "time"

// sleepUntil waits for t.
func sleepUntil(t time.Time) { time.Sleep(time.Until(t)) }
