package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// roomy is the live heap, in bytes, up to which Go's own pace of collecting garbage suits: half of the memory for what is
// alive, half for what is not. The search index of the whole list is beyond it.
const roomy = 256 << 20

// collectAt is how much of a live heap garbage may pile up to before it is collected, in percent of it. A large heap here is an
// index of numbers without pointers, which costs little to mark, while garbage the size of it would cost a machine its memory:
// with 100 % throughout, a node of 400,000 records that also imports grows to 1.2 GB, with this to less than one.
func collectAt(live uint64) int {
	return int(max(40, 100*roomy/max(live, roomy)))
}

// tendMemory paces the garbage collector by the size of the live heap until ctx ends. GOGC in the environment overrules it.
func tendMemory(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	now := 100
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		metrics.Read(live)
		if live[0].Value.Kind() != metrics.KindUint64 {
			return
		}
		// Each change stops the world for a moment: not for a few percent.
		if want := collectAt(live[0].Value.Uint64()); want > now+5 || want < now-5 {
			debug.SetGCPercent(want)
			now = want
		}
	}
}
