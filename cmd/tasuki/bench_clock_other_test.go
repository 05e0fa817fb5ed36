//go:build !unix

package main

import (
	"os"
	"time"
)

// peakOf is unknown here.
func peakOf(*os.ProcessState) int64 { return 0 }

// offspring is unknown here.
func offspring() time.Duration { return 0 }
