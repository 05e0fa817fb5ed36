package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/edge/serve/front"
)

// The control protocol lets a second process give jobs to the one that holds the data directory. It is spoken over the
// socket only, between equal versions of this program, and promises nothing to anybody else.
//
//	POST /control/{job}         the request as one line of JSON, then the job's standard input
//	                            → lines of JSON: {"job":ID}, then progress, steps and items, at last done or error
//	POST /control/cancel/{id}   → 204; the job's own reply ends in its own time

// message is one line of a job's reply.
type message struct {
	Job      string         `json:"job,omitzero"`
	Progress *Progress      `json:"progress,omitzero"`
	Step     string         `json:"step,omitzero"`
	Item     *Item          `json:"item,omitzero"`
	Done     jsontext.Value `json:"done,omitzero"`
	// Error accompanies Done when a job ended early; Interrupted says that somebody asked for it.
	Error       string `json:"error,omitzero"`
	Interrupted bool   `json:"interrupted,omitzero"`
}

// jobTable decodes a request, runs it on the node and returns the summary.
var jobTable = map[string]func(context.Context, Jobs, jsontext.Value, io.Reader, Reporter) (any, error){
	"import": func(ctx context.Context, n Jobs, q jsontext.Value, stdin io.Reader, r Reporter) (any, error) {
		return decoded(q, func(q ImportRequest) (any, error) { return n.Import(ctx, q, stdin, r) })
	},
	"refused": func(ctx context.Context, n Jobs, q jsontext.Value, _ io.Reader, r Reporter) (any, error) {
		return decoded(q, func(q RefusedRequest) (any, error) { return n.Refused(ctx, q, r) })
	},
	"sync": func(ctx context.Context, n Jobs, q jsontext.Value, _ io.Reader, r Reporter) (any, error) {
		return decoded(q, func(q SyncRequest) (any, error) { return n.Sync(ctx, q, r) })
	},
	"replay": func(ctx context.Context, n Jobs, q jsontext.Value, _ io.Reader, r Reporter) (any, error) {
		return decoded(q, func(q ReplayRequest) (any, error) { return n.Replay(ctx, q, r) })
	},
	"fsck": func(ctx context.Context, n Jobs, q jsontext.Value, _ io.Reader, r Reporter) (any, error) {
		return decoded(q, func(q FsckRequest) (any, error) { return n.Fsck(ctx, q, r) })
	},
	"backup": func(ctx context.Context, n Jobs, q jsontext.Value, _ io.Reader, r Reporter) (any, error) {
		return decoded(q, func(q BackupRequest) (any, error) { return n.Backup(ctx, q, r) })
	},
	"operate": func(ctx context.Context, n Jobs, q jsontext.Value, _ io.Reader, r Reporter) (any, error) {
		return decoded(q, func(q OperateRequest) (any, error) { return n.Operate(ctx, q, r) })
	},
}

func decoded[Q any](raw jsontext.Value, run func(Q) (any, error)) (any, error) {
	var q Q
	if err := json.Unmarshal(raw, &q, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("request from another version of tasuki: %w", err)
	}
	return run(q)
}

// control serves the jobs of a node.
type control struct {
	node Jobs
	rand io.Reader

	mu      sync.Mutex
	running map[string]context.CancelFunc
}

func newControl(node Jobs, rand io.Reader) *control {
	return &control{node: node, rand: rand, running: map[string]context.CancelFunc{}}
}

// space mounts the control protocol where only the socket reaches it.
func (c *control) space() front.Space {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /control/{job}", c.run)
	mux.HandleFunc("POST /control/cancel/{id}", c.cancel)
	return front.Space{Prefix: "/control/", Surface: "control", Handler: mux, LocalOnly: true, Plain: true,
		BodyLimit: -1, ReadTimeout: -1, WriteTimeout: -1}
}

func (c *control) run(w http.ResponseWriter, r *http.Request) {
	job, ok := jobTable[r.PathValue("job")]
	if !ok {
		http.Error(w, "the running tasuki does not know this job: it is another version", http.StatusNotFound)
		return
	}
	// The reply begins while standard input still comes in.
	rc := http.NewResponseController(w)
	_ = rc.EnableFullDuplex()
	body := bufio.NewReader(r.Body)
	line, err := body.ReadBytes('\n')
	if err != nil {
		http.Error(w, "the request has no first line", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	id := c.enter(cancel)
	defer c.leave(id)

	w.Header().Set("Content-Type", "application/x-ndjson")
	out := &wireReporter{w: w, rc: rc}
	out.send(message{Job: id})
	answer, err := job(ctx, c.node, line, body, out)
	last := message{}
	if answer != nil {
		raw, merr := json.Marshal(answer)
		last.Done, err = raw, errors.Join(err, merr)
	}
	if err != nil {
		last.Error, last.Interrupted = err.Error(), errors.Is(err, context.Canceled)
	}
	out.send(last)
}

func (c *control) enter(cancel context.CancelFunc) string {
	var b [8]byte
	_, _ = io.ReadFull(c.rand, b[:]) // a name, not a secret: the socket is the secret
	c.mu.Lock()
	defer c.mu.Unlock()
	id := fmt.Sprintf("%s-%d", hex.EncodeToString(b[:]), len(c.running))
	c.running[id] = cancel
	return id
}

func (c *control) leave(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.running, id)
}

func (c *control) cancel(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	cancel := c.running[r.PathValue("id")]
	c.mu.Unlock()
	if cancel == nil {
		http.Error(w, "no such job", http.StatusNotFound)
		return
	}
	cancel()
	w.WriteHeader(http.StatusNoContent)
}

// wireReporter sends a job's news over the socket. News that cannot be sent are dropped: the job's context ends with the
// connection, and that is what stops it.
type wireReporter struct {
	w  io.Writer
	rc *http.ResponseController

	mu   sync.Mutex
	last time.Time // of the newest progress line
}

func (o *wireReporter) send(m message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if json.MarshalWrite(o.w, m) == nil {
		_, _ = io.WriteString(o.w, "\n")
		_ = o.rc.Flush()
	}
}

// Progress passes at most ten lines a second, and always the last one of a step.
func (o *wireReporter) Progress(p Progress) {
	o.mu.Lock()
	skip := time.Since(o.last) < 100*time.Millisecond && p.Done != p.Total
	if !skip {
		o.last = time.Now()
	}
	o.mu.Unlock()
	if !skip {
		o.send(message{Progress: &p})
	}
}

func (o *wireReporter) Step(text string) { o.send(message{Step: text}) }
func (o *wireReporter) Item(i Item)      { o.send(message{Item: &i}) }
