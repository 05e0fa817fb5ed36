// Package loadtest asks a server at fixed times and measures how long each answer took from the time it was due.
//
// The load is open: arrivals follow a schedule that was fixed before the first of them, whatever becomes of the answers. A
// driver that waits for one answer before it asks again slows down exactly when the server does, and then measures a few
// long waits where many clients would have had one each (coordinated omission). Here a latency runs from the scheduled
// arrival, so the driver's own lateness counts too, and is reported so that it can be told apart.
//
// The load is bounded in time, in number and in requests under way, and goes to loopback only.
package loadtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The bounds of a plan.
const (
	MaxFor      = 10 * time.Minute
	MaxRequests = 1_000_000
	MaxAtOnce   = 4096
)

// ErrPlan means a plan beyond the bounds.
var ErrPlan = errors.New("loadtest: plan out of bounds")

// errCrowded is the outcome of an arrival that found AtOnce requests under way: it is counted as failed, not asked later.
var errCrowded = errors.New("loadtest: too many requests under way")

// Plan is a schedule of evenly spaced arrivals.
type Plan struct {
	Rate   float64       // arrivals per second
	For    time.Duration // at most MaxFor
	AtOnce int           // requests under way, at most MaxAtOnce; 0 means 1024
	Warm   int           // requests asked one after the other before the schedule begins, not counted
}

func (p Plan) requests() (int, error) {
	n := math.Round(p.Rate * p.For.Seconds())
	switch {
	case p.Rate <= 0 || math.IsNaN(n) || n < 1 || n > MaxRequests:
		return 0, fmt.Errorf("%w: %v/s for %v", ErrPlan, p.Rate, p.For)
	case p.For > MaxFor || p.AtOnce < 0 || p.AtOnce > MaxAtOnce || p.Warm < 0 || p.Warm > MaxRequests:
		return 0, fmt.Errorf("%w: %+v", ErrPlan, p)
	}
	return int(n), nil
}

// Result is what came of a plan.
type Result struct {
	Plan     Plan
	Asked    int
	Failed   int
	Example  error         // one of the failures
	Took     time.Duration // from the first arrival to the last answer
	took     []time.Duration
	lateness []time.Duration
}

// Run asks ask(ctx, n) for n = 0, 1, … at the planned times, each in a goroutine of its own. It stops asking when ctx ends and
// returns when every request under way has ended.
func Run(ctx context.Context, p Plan, ask func(ctx context.Context, n int) error) (*Result, error) {
	total, err := p.requests()
	if err != nil {
		return nil, err
	}
	if p.AtOnce == 0 {
		p.AtOnce = 1024
	}
	for n := range p.Warm {
		if err := ask(ctx, n); err != nil {
			return nil, fmt.Errorf("warm up: %w", err)
		}
	}
	r := &Result{Plan: p, took: make([]time.Duration, total), lateness: make([]time.Duration, total)}
	var failed atomic.Int64
	var example atomic.Pointer[error]
	fail := func(err error) {
		failed.Add(1)
		example.CompareAndSwap(nil, &err)
	}
	room := make(chan struct{}, p.AtOnce)
	var asked sync.WaitGroup
	start := time.Now().Add(5 * time.Millisecond)
	for n := range total {
		due := start.Add(time.Duration(float64(n) / p.Rate * float64(time.Second)))
		sleepUntil(due)
		if ctx.Err() != nil {
			break
		}
		r.Asked++
		select {
		case room <- struct{}{}:
		default:
			r.took[n] = math.MaxInt64
			fail(errCrowded)
			continue
		}
		asked.Go(func() {
			defer func() { <-room }()
			r.lateness[n] = time.Since(due)
			err := ask(ctx, n)
			r.took[n] = time.Since(due)
			if err != nil {
				fail(err)
			}
		})
	}
	asked.Wait()
	r.Took = time.Since(start)
	r.took, r.lateness = r.took[:r.Asked], r.lateness[:r.Asked]
	slices.Sort(r.took)
	slices.Sort(r.lateness)
	r.Failed = int(failed.Load())
	if e := example.Load(); e != nil {
		r.Example = *e
	}
	return r, ctx.Err()
}

// At is the latency that a share q of the answers did not exceed: At(0.99) is the 99th percentile, At(1) the worst.
// Failed requests count with the time until they failed.
func (r *Result) At(q float64) time.Duration { return at(r.took, q) }

// Lateness is At for how late the driver itself was to ask.
func (r *Result) Lateness(q float64) time.Duration { return at(r.lateness, q) }

func at(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(max(int(math.Ceil(q*float64(len(sorted))))-1, 0), len(sorted)-1)]
}

// String is the result in one line.
func (r *Result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d at %.0f/s: p50 %s, p90 %s, p99 %s, max %s; asked late by p99 %s", r.Asked, r.Plan.Rate,
		ms(r.At(0.5)), ms(r.At(0.9)), ms(r.At(0.99)), ms(r.At(1)), ms(r.Lateness(0.99)))
	if r.Failed > 0 {
		fmt.Fprintf(&b, "; %d FAILED (%v)", r.Failed, r.Example)
	}
	return b.String()
}

func ms(d time.Duration) string {
	if d == math.MaxInt64 {
		return "never"
	}
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}
