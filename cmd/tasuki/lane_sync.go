package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"tasuki/internal/event"
	"tasuki/internal/lane"
)

// laneSync is what a serving node does with the list, as often as there is one to be reached: it hands in what waits, and takes in
// charters and numbers. It is the node's author, too: what is said next depends on what the list has heard.
type laneSync struct {
	node    *laneNode
	program Program // whose output is the log
	client  *http.Client
	log     *slog.Logger
	every   time.Duration
	offline bool
	wake    chan struct{}
	reached atomic.Bool // the list answered when it was last asked
}

const (
	// laneAskWait bounds how long a request here waits for the list: less than any client of this server waits.
	laneAskWait = 3 * time.Second
	// laneDrainWait is how long proofs are waited for in one round; what is not proved by then waits for the next.
	laneDrainWait = 15 * time.Second
)

func newLaneSync(n *laneNode, p *Program, log *slog.Logger, every time.Duration, offline bool) *laneSync {
	s := &laneSync{node: n, program: *p, client: laneClient(), log: log, every: every, offline: offline, wake: make(chan struct{}, 1)}
	s.program.Stdout, s.program.Stderr = &laneLog{log: log, level: slog.LevelInfo}, &laneLog{log: log, level: slog.LevelWarn}
	return s
}

// run works until ctx ends.
func (s *laneSync) run(ctx context.Context) error {
	if s.offline {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	for {
		s.round(ctx)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.wake:
		case <-time.After(s.every):
		}
	}
}

// round is one attempt. That nobody answers is the case that this node is for: it is no error.
func (s *laneSync) round(ctx context.Context) {
	err := s.node.learn(ctx, s.client)
	if was := s.reached.Swap(err == nil); was != (err == nil) {
		s.log.InfoContext(ctx, "list", "reached", err == nil, "err", err)
	}
	if err != nil {
		return
	}
	var code exitError // it has said everything
	if err := s.node.drain(ctx, &s.program, s.client, laneDrainWait); err != nil && !errors.As(err, &code) && ctx.Err() == nil {
		s.log.WarnContext(ctx, "outbox", "err", err)
	}
	if _, err := s.node.fetchBlocks(ctx, &s.program, s.client, lane.DefaultLane); err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "blocks", "err", err)
	}
}

// Next is what the next container says. The list is asked while it answers: somebody may have published from elsewhere.
func (s *laneSync) Next(ctx context.Context, id string) (*event.Event, error) {
	if !s.reached.Load() {
		return s.node.next(ctx, nil, id)
	}
	ctx, cancel := context.WithTimeout(ctx, laneAskWait)
	defer cancel()
	return s.node.next(ctx, s.client, id)
}

// Seal signs.
func (s *laneSync) Seal(e *event.Event, body []byte) (*event.Submission, error) {
	return s.node.seal(e, body)
}

// Elsewhere is the record as the list shows it.
func (s *laneSync) Elsewhere(ctx context.Context, id string) []byte {
	if !s.reached.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, laneAskWait)
	defer cancel()
	for _, u := range s.node.servers() {
		if raw, err := ask(ctx, s.client, http.MethodGet, u+"/api/cve/"+url.PathEscape(id), nil); err == nil {
			return raw
		}
	}
	return nil
}

// Kept hands in soon.
func (s *laneSync) Kept() {
	select {
	case s.wake <- struct{}{}:
	default: // it is awake already, or will be
	}
}

// laneLog writes what commands print into a log, a line for each.
type laneLog struct {
	log   *slog.Logger
	level slog.Level
}

var _ io.Writer = (*laneLog)(nil)

func (l *laneLog) Write(b []byte) (int, error) {
	for line := range bytes.Lines(b) {
		l.log.Log(context.Background(), l.level, "node", "said", strings.TrimSpace(string(line)))
	}
	return len(b), nil
}
