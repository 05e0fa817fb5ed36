package main

import "testing"

func TestGarbageIsBoundedByTheLiveHeap(t *testing.T) {
	last := 101
	for _, mb := range []uint64{0, 1, 100, 256, 300, 400, 500, 640, 1000, 10_000, 1_000_000} {
		p := collectAt(mb << 20)
		if p > last || p < 40 || p > 100 {
			t.Errorf("%d MB: %d %%", mb, p)
		}
		last = p
		if room := mb * uint64(p) / 100; mb <= 640 && room > 256 {
			t.Errorf("%d MB: %d MB of garbage", mb, room)
		}
	}
}
