//go:build !unix

package main

import (
	"os"
	"time"
)

// processor is unknown here.
func processor() (user, system time.Duration) { return 0, 0 }

// peakOf is unknown here.
func peakOf(*os.ProcessState) int64 { return 0 }
