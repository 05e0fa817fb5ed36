package main

import (
	"context"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/edge/feeds/cvelist"
	"tasuki/internal/jobs"
)

// Sync synchronises with a published list once.
func (n *node) Sync(ctx context.Context, r SyncRequest, report Reporter) (ImportSummary, error) {
	got, err := n.sync(ctx, r, report)
	return n.summarise(ctx, got.Summary, false, err)
}

func (n *node) sync(ctx context.Context, r SyncRequest, report Reporter) (cvelist.Result, error) {
	n.syncing.Lock()
	defer n.syncing.Unlock()
	defer n.importing.Store(nil)
	from := r.From
	if from == "" {
		from = n.cfg.Sync.CVEList
	}
	mirror, err := cvelist.Locate(from)
	if err != nil {
		return cvelist.Result{}, err
	}
	s := &cvelist.Sync{
		Mirror: mirror, State: n.cursors, Dir: n.dir.Path, Now: n.now, Log: n.log,
		Importer: n.importer(authority.Caller{Role: authority.Feed, Name: cvelist.Feed}, r.Every, report),
		Fetch:    &cvelist.Fetcher{Client: cvelist.NewClient(), UserAgent: "tasuki", Now: n.now, Sleep: pause, Rand: n.rand},
	}
	got, err := s.Run(ctx)
	if err == nil {
		report.Step(got.String())
	}
	return got, err
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// quiet is a reporter that nobody listens to.
type quiet struct{}

func (quiet) Progress(Progress) {}
func (quiet) Step(string)       {}
func (quiet) Item(Item)         {}

// following begins the names of the jobs that bring data from a source; the pages show no others.
const following = "sync "

// schedule runs the jobs that the configuration asks for, each on one node of the store at a time.
func (n *node) schedule(ctx context.Context) error {
	var list []jobs.Job
	if n.cfg.Sync.CVEList != "" && n.sealed == "" {
		list = append(list, jobs.Job{Name: following + cvelist.Feed, Every: time.Duration(n.cfg.Sync.Every), Jitter: time.Duration(n.cfg.Sync.Every) / 10,
			Run: func(ctx context.Context) (string, error) {
				got, err := n.sync(ctx, SyncRequest{}, quiet{})
				return got.String(), err
			}})
	}
	list = append(list, n.governanceJobs()...)
	list = append(list, n.laneJobs()...)
	list = append(list, n.gcveJobs()...)
	list = append(list, n.outwardJobs()...)
	runner, err := jobs.NewRunner(n.db, jobs.Options{Node: n.holder(), Now: n.now, Rand: n.rand, Log: n.log}, list...)
	if err != nil {
		return err
	}
	return runner.Run(ctx)
}
