package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"tasuki/internal/jobs"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

func migrated(t *testing.T, db *store.DB) {
	t.Helper()
	if err := db.Migrate(t.Context(), jobs.Schema()); err != nil {
		t.Fatal(err)
	}
}

type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 21, 21, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// ones is randomness without surprise, different at every read.
type ones struct{ n byte }

func (o *ones) Read(p []byte) (int, error) {
	for i := range p {
		o.n++
		p[i] = o.n
	}
	return len(p), nil
}

func runner(t *testing.T, db *store.DB, node string, c *clock, js ...jobs.Job) *jobs.Runner {
	t.Helper()
	r, err := jobs.NewRunner(db, jobs.Options{Node: node, Now: c.Now, Rand: &ones{}}, js...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func pass(t *testing.T, r *jobs.Runner) {
	t.Helper()
	if err := r.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.Wait()
}

func only(t *testing.T, r *jobs.Runner) jobs.Status {
	t.Helper()
	all, err := r.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 {
		t.Fatalf("%d jobs listed", len(all))
	}
	return all[0]
}

func TestJobRunsWhenDue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrated(t, db)
		c := newClock()
		runs := 0
		r := runner(t, db, "a", c, jobs.Job{Name: "sync", Every: time.Hour, First: time.Minute,
			Run: func(context.Context) (string, error) { runs++; c.pass(time.Minute); return "took 3", nil }})
		pass(t, r)
		if runs != 0 {
			t.Fatal("ran before its first time")
		}
		c.pass(time.Minute)
		start := c.Now()
		pass(t, r)
		pass(t, r)
		s := only(t, r)
		if runs != 1 || s.Owner != "" || s.LastNote != "took 3" || s.LastError != "" || !s.Next.Equal(start.Add(time.Hour)) ||
			!s.LastStart.Equal(start) || !s.LastEnd.Equal(start.Add(time.Minute)) || s.LastNode != "a" {
			t.Fatalf("after %d runs: %+v", runs, s)
		}
		if err := r.Trigger(t.Context(), "sync"); err != nil {
			t.Fatal(err)
		}
		pass(t, r)
		if runs != 2 {
			t.Fatal("a triggered job did not run")
		}
		if err := r.Trigger(t.Context(), "other"); !errors.Is(err, jobs.ErrUnknown) {
			t.Fatalf("trigger of an unknown job: %v", err)
		}
	})
}

func TestFailureIsRetriedSooner(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrated(t, db)
		c := newClock()
		var fail error
		r := runner(t, db, "a", c, jobs.Job{Name: "sync", Every: time.Hour,
			Run: func(context.Context) (string, error) {
				if fail == nil {
					panic("boom")
				}
				return "", fail
			}})
		for _, want := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute} {
			pass(t, r)
			s := only(t, r)
			if got := s.Next.Sub(c.Now()); got != want || s.LastError == "" {
				t.Fatalf("next try in %v (%+v), expected %v", got, s, want)
			}
			c.pass(want)
			fail = errors.New("no route\x00 to \xff host")
		}
		if s := only(t, r); s.Failures != 3 || s.LastError != "no route\uFFFD to \uFFFD host" {
			t.Fatalf("%+v", s)
		}
	})
}

// Two nodes see the same due job: one runs it. When that one vanishes, the other takes over after the lease's end.
func TestOneNodeOfSeveral(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrated(t, db)
		c := newClock()
		started, release := make(chan string, 2), make(chan struct{})
		work := func(node string) jobs.Job {
			return jobs.Job{Name: "sync", Every: time.Hour, Run: func(ctx context.Context) (string, error) {
				started <- node
				<-release
				return node, nil
			}}
		}
		a, b := runner(t, db, "a", c, work("a")), runner(t, db, "b", c, work("b"))
		if err := a.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-started
		if err := b.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		select {
		case node := <-started:
			t.Fatalf("%s started beside the holder of the lease", node)
		default:
		}
		c.pass(jobs.LeaseTTL + time.Second) // a neither renews nor ends: as if it were gone
		if err := b.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		if node := <-started; node != "b" {
			t.Fatalf("%s took over, expected b", node)
		}
		close(release)
		a.Wait()
		b.Wait()
		// a's late booking must not have ended b's run or overwritten it.
		if s := only(t, b); s.LastNode != "b" || s.LastNote != "b" || s.Owner != "" {
			t.Fatalf("%+v", s)
		}
	})
}

func TestStoppedNodeLeavesTheJobDue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrated(t, db)
		c := newClock()
		started := make(chan struct{})
		r := runner(t, db, "a", c, jobs.Job{Name: "sync", Every: time.Hour, Run: func(ctx context.Context) (string, error) {
			close(started)
			<-ctx.Done()
			return "", ctx.Err()
		}})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.Run(ctx) }()
		<-started
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if s := only(t, r); s.Next.After(c.Now()) || s.Failures != 0 || s.LastError != "interrupted" || s.Owner != "" {
			t.Fatalf("%+v", s)
		}
	})
}

func TestRefusals(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrated(t, db)
		r := jobs.NewRefusals(db)
		at := time.Date(2026, 11, 21, 21, 0, 0, 123e6, time.UTC)
		row := func(path, reason string, body []byte) jobs.Refused {
			return jobs.Refused{Key: jobs.Key{Source: "b.zip", Path: path}, Subject: "CVE-2024-0001", Code: "invalid-json",
				Reason: reason, SHA256: "00ff", Size: int64(len(body)), Body: body, At: at}
		}
		big := bytes.Repeat([]byte("x"), jobs.MostBody+1)
		err := r.Change(t.Context(), "cvelist", []jobs.Refused{row("b", "first", []byte("{")), row("B", "big", big), row("a\x00", "nul \x00", nil)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Change(t.Context(), "cvelist", []jobs.Refused{row("b", "second", []byte("{]"))}, nil); err != nil {
			t.Fatal(err)
		}
		all, err := r.List(t.Context(), "cvelist")
		if err != nil {
			t.Fatal(err)
		}
		if len(all) != 3 || all[0].Path != "B" || all[0].HasBody || all[1].Path != "a\uFFFD" || all[2].Reason != "second" ||
			!all[2].HasBody || !all[2].At.Equal(at) || all[2].Subject != "CVE-2024-0001" {
			t.Fatalf("%+v", all)
		}
		if body, err := r.Body(t.Context(), "cvelist", all[2].Key); err != nil || string(body) != "{]" {
			t.Fatalf("body %q, %v", body, err)
		}
		if err := r.Change(t.Context(), "cvelist", nil, []jobs.Key{all[2].Key, {Source: "none", Path: "none"}}); err != nil {
			t.Fatal(err)
		}
		if all, err = r.List(t.Context(), "cvelist"); err != nil || len(all) != 2 {
			t.Fatalf("%+v, %v", all, err)
		}
		if body, err := r.Body(t.Context(), "cvelist", jobs.Key{Source: "b.zip", Path: "b"}); err != nil || body != nil {
			t.Fatalf("body of a cleared file %q, %v", body, err)
		}
	})
}

func TestCursors(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrated(t, db)
		c := jobs.NewCursors(db, newClock().Now)
		if v, err := c.Load(t.Context(), "cvelist"); err != nil || v != nil {
			t.Fatalf("%q, %v", v, err)
		}
		for _, want := range []string{`{"n":1}`, `{"n":2}`} {
			if err := c.Save(t.Context(), "cvelist", []byte(want)); err != nil {
				t.Fatal(err)
			}
			if v, err := c.Load(t.Context(), "cvelist"); err != nil || string(v) != want {
				t.Fatalf("%q, %v", v, err)
			}
		}
	})
}
