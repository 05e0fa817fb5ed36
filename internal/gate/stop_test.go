package gate_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/store/storetest"
)

// What reads ahead of its work ends when it is stopped, at whatever moment: filling the index (a node that is closed
// while it starts) and replay (Ctrl-C).
func TestAStopIsHeeded(t *testing.T) {
	w := gatetest.New(t, storetest.Open(t, storetest.SQLite(t)))
	for n := range 40 {
		w.Import(t, record(fmt.Sprintf("CVE-2026-%d", 1000+n), "PUBLISHED", "2026-02-01T00:00:00.000Z", n))
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	stopped := 0
	for round := range 600 {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Duration(rnd.IntN(3000))*time.Microsecond, cancel)
		done := make(chan error, 1)
		go func() {
			if round%2 == 0 {
				done <- catalogue.New(w.DB, w.Log, w.Clock.Now, slog.New(slog.NewTextHandler(io.Discard, nil))).Warm(ctx, nil)
				return
			}
			_, err := w.Gate.Replay(ctx, false, nil)
			done <- err
		}()
		select {
		case err := <-done:
			if errors.Is(err, context.Canceled) {
				stopped++
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("round %d: stopped, and still waiting", round)
		}
		cancel()
	}
	if stopped < 50 {
		t.Errorf("only %d of 600 rounds were stopped in the middle", stopped)
	}
}
