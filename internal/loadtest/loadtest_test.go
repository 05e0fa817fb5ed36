package loadtest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A server that stands still for a while must be seen to stand still by everyone who would have come meanwhile.
func TestNothingIsOmitted(t *testing.T) {
	const rate, stall = 200, 300 * time.Millisecond
	var mu sync.Mutex // one answer at a time, like a server with one thread
	r, err := Run(t.Context(), Plan{Rate: rate, For: time.Second}, func(_ context.Context, n int) error {
		mu.Lock()
		defer mu.Unlock()
		if n == 50 {
			time.Sleep(stall)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Asked != rate || r.Failed != 0 {
		t.Errorf("asked %d, failed %d: the schedule did not go on beside the stall", r.Asked, r.Failed)
	}
	// Sixty arrivals fall into the stall; the first of them wait nearly all of it. A closed loop would have seen one.
	slow := 0
	for _, d := range r.took {
		if d > stall/3 {
			slow++
		}
	}
	if slow < rate*2/10*8/10 {
		t.Errorf("%d answers took more than %v, about %d did", slow, stall/3, rate*2/10)
	}
	if p99 := r.At(0.99); p99 < stall*8/10 {
		t.Errorf("p99 is %v beside a stall of %v", p99, stall)
	}
}

func TestLatencyRunsFromTheSchedule(t *testing.T) {
	// The driver is held up by a hook of the first request's; those due meanwhile are late, and it shows in both figures.
	r, err := Run(t.Context(), Plan{Rate: 1000, For: 100 * time.Millisecond, AtOnce: 1000}, func(_ context.Context, n int) error {
		time.Sleep(5 * time.Millisecond)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.At(0) < 5*time.Millisecond || r.At(0.5) < r.Lateness(0.5) || r.At(1) < r.Lateness(1) {
		t.Errorf("%s", r)
	}
}

func TestPlansAreBounded(t *testing.T) {
	ask := func(context.Context, int) error { t.Error("asked"); return nil }
	for _, p := range []Plan{{}, {Rate: 1, For: time.Hour}, {Rate: 1e9, For: time.Minute}, {Rate: -1, For: time.Second},
		{Rate: 1, For: time.Second, AtOnce: MaxAtOnce + 1}} {
		if _, err := Run(t.Context(), p, ask); !errors.Is(err, ErrPlan) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

func TestArrivalsBeyondTheBoundFail(t *testing.T) {
	hold := make(chan struct{})
	time.AfterFunc(150*time.Millisecond, func() { close(hold) })
	r, err := Run(t.Context(), Plan{Rate: 200, For: 100 * time.Millisecond, AtOnce: 3}, func(context.Context, int) error { <-hold; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if r.Failed != 17 || !errors.Is(r.Example, errCrowded) || !strings.Contains(r.String(), "max never") {
		t.Errorf("%s", r)
	}
}

func TestStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	r, err := Run(ctx, Plan{Rate: 100, For: time.Minute}, func(context.Context, int) error { return nil })
	if !errors.Is(err, context.DeadlineExceeded) || r.Asked > 50 {
		t.Errorf("%v after %d", err, r.Asked)
	}
}

func TestTarget(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path == "/b" {
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	defer s.Close()
	target := NewTarget(s.URL)
	defer target.Close()
	r, err := Run(t.Context(), Plan{Rate: 500, For: 40 * time.Millisecond, Warm: 1}, target.Paths([]string{"/a", "/b?x=1"}))
	if err != nil {
		t.Fatal(err)
	}
	if asked.Load() != 21 || r.Asked != 20 || r.Failed != 10 || !strings.Contains(r.Example.Error(), "418") {
		t.Errorf("%d requests arrived, %s", asked.Load(), r)
	}
	for _, elsewhere := range []string{"http://192.0.2.1:80", "http://localhost.example:80", "http://[2001:db8::1]:80"} {
		if err := NewTarget(elsewhere).Get(t.Context(), "/"); !errors.Is(err, ErrNotLoopback) {
			t.Errorf("%s: %v", elsewhere, err)
		}
	}
}
