package client

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// FromNow as Watch.Since begins with what happens after the call.
const FromNow = -1

// Watch asks to be told of changes as they happen.
type Watch struct {
	Since int64  // a cursor: Feed.Next, or Change.Index + 1; 0 is all from the beginning, FromNow only what comes
	Q     string // only changes of records that this query finds as they were before or are after, and erasures
}

// silence is how long a stream may say nothing at all before it is taken for dead: four heartbeats of a node.
const silence = time.Minute

// longestEvent bounds a line of a stream: a change with its hit is a few kilobytes.
const longestEvent = 1 << 20

// Watch gives every change, each once and in the log's order, and waits for more. When the connection is cut it connects
// again and goes on behind the last change. It ends when ctx does, or with a *Problem that waiting does not mend (a status
// below 500); the error is the last thing it gives.
func (c *Client) Watch(ctx context.Context, w Watch) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		s := stream{client: c, q: w.Q, next: w.Since, yield: yield}
		wait := c.retry
		for {
			begun, err := s.once(ctx)
			if s.stopped {
				return
			}
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			if ctx.Err() != nil || lasting(begun, err) {
				yield(Change{}, err)
				return
			}
			if begun {
				wait = c.retry
			}
			select {
			case <-time.After(wait):
			case <-ctx.Done():
			}
			wait = min(2*wait, time.Minute)
		}
	}
}

// lasting reports whether connecting again would give the same: a request that the node refuses, an answer that is none.
func lasting(begun bool, err error) bool {
	var p *Problem
	if errors.As(err, &p) {
		return p.Status < http.StatusInternalServerError && p.Status != http.StatusTooManyRequests
	}
	return begun && !errors.Is(err, ErrCut)
}

// stream is a watch under way.
type stream struct {
	client  *Client
	q       string
	next    int64 // cursor to go on from; FromNow until the node has said where now is
	yield   func(Change, error) bool
	stopped bool // the caller has had enough
}

// once reads one connection to its end. begun says that the node answered.
func (s *stream) once(ctx context.Context) (begun bool, err error) {
	ctx, hangUp := context.WithCancel(ctx)
	defer hangUp()
	v, header := url.Values{}, http.Header{"Accept": {"text/event-stream"}}
	set(v, "q", s.q)
	if s.next != FromNow {
		v.Set("since", strconv.FormatInt(s.next, 10))
	}
	resp, err := s.client.open(ctx, "changes/stream", v, header)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	dead := time.AfterFunc(silence, hangUp)
	defer dead.Stop()
	var event sseEvent
	in := bufio.NewReader(resp.Body)
	for {
		line, err := readLine(in)
		if err != nil {
			return true, fmt.Errorf("client: watch: %w: %w", ErrCut, err)
		}
		dead.Reset(silence)
		if len(line) > 0 {
			event.add(line)
			continue
		}
		if err := s.take(event); err != nil || s.stopped {
			return true, err
		}
		event = sseEvent{}
	}
}

// take acts on one event. Its id moves the cursor only after the caller had the change.
func (s *stream) take(e sseEvent) error {
	if len(e.data) > 0 {
		var ch Change
		if err := json.Unmarshal(e.data, &ch); err != nil {
			return fmt.Errorf("client: watch: the node's answer: %w", err)
		}
		// A node gives nothing twice; a proxy that repeats a connection's beginning might.
		if s.next == FromNow || ch.Index >= s.next {
			if !s.yield(ch, nil) {
				s.stopped = true
				return nil
			}
		}
	}
	if e.id != "" {
		if id, err := strconv.ParseInt(e.id, 10, 64); err == nil && id+1 > s.next {
			s.next = id + 1
		}
	}
	return nil
}

// sseEvent is one event of a stream (WHATWG HTML §9.2): the fields that a watch uses.
type sseEvent struct {
	id   string
	data []byte
}

// add reads one line. Comments, other fields and the event's name mean nothing here.
func (e *sseEvent) add(line []byte) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "id":
		e.id = string(value)
	case "data":
		if e.data != nil {
			e.data = append(e.data, '\n')
		}
		e.data = append(e.data, value...)
	}
}

// readLine reads a line without its end. A line without an end was cut.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return []byte(strings.TrimRight(string(line), "\r\n")), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(line) > longestEvent:
			return nil, io.ErrShortBuffer
		}
	}
}
