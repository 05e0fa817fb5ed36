package main

import (
	"context"
	"sync"
	"testing"
	"time"
)

// Readers that stand still in the middle of a body bundle hold no connection of the store.
func TestSlowBodyReadersHoldNoConnection(t *testing.T) {
	k := openKit(t, kitOptions{})
	k.bringSample(t)
	cp, err := k.signed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const slow = 40 // more than the pool has connections
	var standing, done sync.WaitGroup
	release := make(chan struct{})
	standing.Add(slow)
	for range slow {
		done.Go(func() {
			seen := int64(0)
			err := logSource{k.node}.Bodies(t.Context(), 0, 0, func(byte, [16]byte, []byte) error {
				if seen++; seen == 1 {
					standing.Done()
					<-release
				}
				return nil
			})
			if want := min(cp.Size, 256); err != nil || seen != want {
				t.Errorf("%d items of %d, %v", seen, want, err)
			}
		})
	}
	all := make(chan struct{})
	go func() { standing.Wait(); close(all) }()
	select {
	case <-all:
	case <-time.After(20 * time.Second):
		t.Error("not every reader got its first item")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := k.size(ctx); err != nil {
		t.Errorf("the store beside slow readers: %v", err)
	}
	close(release)
	done.Wait()
}
