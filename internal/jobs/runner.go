package jobs

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"tasuki/internal/store"
)

// Errors of the runner.
var (
	// ErrLeaseLost is the cause with which a run's context ends when another node may have taken the job over.
	ErrLeaseLost = errors.New("jobs: the lease was lost")
	// ErrUnknown means that no job of that name was ever scheduled.
	ErrUnknown = errors.New("jobs: no such job")
)

// LeaseTTL bounds how long a crashed node delays a job. A live one renews its lease four times in it. It is far above
// any sensible difference between the nodes' clocks, which the lease relies on.
const LeaseTTL = 2 * time.Minute

const (
	pollEvery  = 5 * time.Second  // how often a node looks for due jobs
	firstRetry = 30 * time.Second // after a failure; doubled with each further one, up to the job's own period
)

// Job is work to be repeated.
type Job struct {
	Name   string        // its identity across nodes and restarts
	Every  time.Duration // from the start of one run to the next
	Jitter time.Duration // up to this much is added at random, so that a thousand nodes do not ask one server at once
	First  time.Duration // delay of the very first run in a new store
	// Run does the work until ctx ends. note is one line about what was done, for the list of jobs.
	Run func(ctx context.Context) (note string, err error)
}

// Options are what a Runner needs of its surroundings.
type Options struct {
	Node string           // names this node in the list of jobs
	Now  func() time.Time // nil means time.Now
	Rand io.Reader        // for jitter and for the lease's secret; nil means crypto/rand
	Log  *slog.Logger     // nil means discard
}

// Runner runs jobs, each on one node at a time: a lease in the store says who. It is safe for concurrent use.
type Runner struct {
	db   *store.DB
	o    Options
	jobs []Job

	mu      sync.Mutex
	running map[string]bool
	work    sync.WaitGroup
}

// NewRunner returns a runner of the given jobs. Names must be unique.
func NewRunner(db *store.DB, o Options, jobs ...Job) (*Runner, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	names := map[string]bool{}
	for _, j := range jobs {
		if j.Name == "" || j.Every <= 0 || j.Run == nil || names[j.Name] {
			return nil, fmt.Errorf("jobs: job %q needs a name of its own, a period and a function", j.Name)
		}
		names[j.Name] = true
	}
	return &Runner{db: db, o: o, jobs: jobs, running: map[string]bool{}}, nil
}

// Run looks for due jobs until ctx ends, then waits for those under way, whose contexts have ended too.
func (r *Runner) Run(ctx context.Context) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	defer r.work.Wait()
	for {
		if err := r.Pass(ctx); err != nil && ctx.Err() == nil {
			// A store that is busy or away now may be there at the next look.
			r.o.Log.WarnContext(ctx, "jobs not looked at", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Pass starts every job that is due, free and not under way here, each in a goroutine of its own; Wait waits for them.
func (r *Runner) Pass(ctx context.Context) error {
	known, err := r.List(ctx)
	if err != nil {
		return err
	}
	byName := map[string]Status{}
	for _, s := range known {
		byName[s.Name] = s
	}
	for _, j := range r.jobs {
		now := r.o.Now()
		s, ok := byName[j.Name]
		if !ok {
			if err := r.ensure(ctx, j, now.Add(j.First)); err != nil {
				return err
			}
			s = Status{Name: j.Name, Next: now.Add(j.First)}
		}
		// Looking is a read; only a job that looks due costs a write.
		if s.Next.After(now) || (s.Owner != "" && s.LeaseUntil.After(now)) || r.busy(j.Name) {
			continue
		}
		lease, err := r.take(ctx, j, now)
		if err != nil {
			return err
		}
		if lease == "" {
			continue // another node was quicker
		}
		r.setBusy(j.Name, true)
		r.work.Go(func() {
			defer r.setBusy(j.Name, false)
			r.run(ctx, j, lease, now, s.Failures)
		})
	}
	return nil
}

// Wait waits for the jobs that Pass started.
func (r *Runner) Wait() { r.work.Wait() }

func (r *Runner) busy(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running[name]
}

func (r *Runner) setBusy(name string, busy bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running[name] = busy
}

// run does one run under a lease and books its outcome.
func (r *Runner) run(ctx context.Context, j Job, lease string, start time.Time, failures int64) {
	run, cancel := context.WithCancelCause(ctx)
	renewing := make(chan struct{})
	go func() {
		defer close(renewing)
		r.renew(run, j.Name, lease, cancel)
	}()
	note, err := guarded(run, j)
	cancel(nil)
	<-renewing

	end := r.o.Now()
	next := start.Add(j.Every)
	text := ""
	switch {
	case err != nil && ctx.Err() != nil:
		// The node is being stopped: nobody's failure, and whoever starts next may go on at once.
		next, text = end, "interrupted"
	case err != nil:
		failures++
		next, text = end.Add(retryAfter(j.Every, failures)), err.Error()
	default:
		failures = 0
	}
	if next.Before(end) {
		next = end
	}
	next = next.Add(r.jitter(j.Jitter))
	// Booking must also work while the node stops.
	book, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer stop()
	if bookErr := r.done(book, j.Name, lease, end, text, note, failures, next); bookErr != nil {
		r.o.Log.WarnContext(ctx, "job not booked", "job", j.Name, "error", bookErr)
	}
	if text != "" && text != "interrupted" {
		r.o.Log.WarnContext(ctx, "job failed", "job", j.Name, "error", err, "failures", failures, "next", next)
		return
	}
	r.o.Log.InfoContext(ctx, "job ended", "job", j.Name, "took", end.Sub(start), "note", note, "next", next)
}

// guarded turns a panic of a job into its failure: the node serves on.
func guarded(ctx context.Context, j Job) (note string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("jobs: %s panicked: %v", j.Name, p)
		}
	}()
	return j.Run(ctx)
}

// renew keeps the lease until the run's context ends, and ends that context when the lease cannot be kept: a run that
// may have a twin on another node must stop.
func (r *Runner) renew(ctx context.Context, name, lease string, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(LeaseTTL / 4)
	defer tick.Stop()
	for missed := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		kept, err := r.extend(ctx, name, lease)
		switch {
		case err == nil && kept:
			missed = 0
		case err != nil && missed < 2:
			missed++ // the store may be back before the lease ends
		default:
			cancel(ErrLeaseLost)
			return
		}
	}
}

func retryAfter(every time.Duration, failures int64) time.Duration {
	wait := firstRetry << min(failures-1, 12)
	return min(wait, every)
}

func (r *Runner) jitter(most time.Duration) time.Duration {
	var b [8]byte
	if most <= 0 {
		return 0
	}
	if _, err := io.ReadFull(r.o.Rand, b[:]); err != nil {
		return 0 // no dice, no jitter: harmless
	}
	return time.Duration(binary.LittleEndian.Uint64(b[:]) % uint64(most))
}

// token makes a lease's name unguessable and unrepeated, so that a node that comes back from the dead cannot mistake
// its successor's lease for its own.
func (r *Runner) token() (string, error) {
	var b [8]byte
	if _, err := io.ReadFull(r.o.Rand, b[:]); err != nil {
		return "", fmt.Errorf("jobs: no randomness for a lease: %w", err)
	}
	return r.o.Node + "/" + hex.EncodeToString(b[:]), nil
}
