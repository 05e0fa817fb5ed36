package mirror

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Limits of what is read from another copy, in bytes. Each is what an honest one could send at most.
const (
	maxNote     = 64 << 10
	maxTile     = 256 * 32
	maxEntries  = 256 * (2 + 65535)
	maxPart     = 24 << 20 // of a body bundle, which is cut at 16 MiB before the item that would pass it
	maxList     = 4 << 20
	maxCharter  = 64 << 10
	maxComplain = 4 << 10
)

// Errors of asking another copy.
var (
	// ErrAbsent means that the other copy has no such thing (404).
	ErrAbsent = errors.New("mirror: the other copy has no such thing")
	// ErrAnswer means an answer that is too long, broken off, or not what was asked for.
	ErrAnswer = errors.New("mirror: the other copy's answer cannot be used")
)

// Busy is an answer that asks to come again later.
type Busy struct {
	Status int
	After  time.Duration // from Retry-After, at most maxRetryAfter; 0 when it did not say
}

func (b *Busy) Error() string {
	return fmt.Sprintf("mirror: the other copy says %d, come again in %s", b.Status, b.After)
}

// maxRetryAfter bounds how long a copy can make a follower wait.
const maxRetryAfter = 5 * time.Minute

// Status is an answer that the caller has no use for.
type Status struct {
	Code int
	Text string // what the other copy said, cut; for the log only
}

func (s *Status) Error() string { return fmt.Sprintf("mirror: the other copy says %d", s.Code) }

// Peer is one server of the list: its operator, a mirror, or anything that serves the same files. Nothing that it says is believed for its being the one
// who says it.
type Peer struct {
	Base  string // URL without a slash at the end
	HTTP  *http.Client
	Stall time.Duration // without a byte for so long, an answer has broken off; 0 means 30 s
}

// NewPeer is the server at base.
func NewPeer(base string, client *http.Client) *Peer {
	return &Peer{Base: strings.TrimRight(base, "/"), HTTP: client}
}

// get reads what is at a path, at most limit bytes of it.
func (p *Peer) get(ctx context.Context, path string, limit int64) ([]byte, error) {
	body, _, err := p.ask(ctx, http.MethodGet, path, nil, limit)
	return body, err
}

// ask sends a request and reads the answer: a 200's body, or nil for 204. Everything else is an error.
func (p *Peer) ask(ctx context.Context, method, path string, body []byte, limit int64) ([]byte, http.Header, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := p.Stall
	if stall == 0 {
		stall = 30 * time.Second
	}
	// A long answer may take long; one that stands still is broken.
	watch := time.AfterFunc(stall+waitOf(path), func() { cancel(fmt.Errorf("%w: nothing came for %s", ErrAnswer, stall)) })
	defer watch.Stop()
	fail := func(err error) ([]byte, http.Header, error) {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, nil, fmt.Errorf("ask %s for %s: %w", p.Base, path, err)
	}
	req, err := http.NewRequestWithContext(ctx, method, p.Base+path, bytes.NewReader(body))
	if err != nil {
		return fail(err)
	}
	req.Header.Set("User-Agent", "tasuki-mirror")
	if strings.Contains(path, "packed=1") {
		req.Header.Set("Accept-Encoding", "identity") // it is compressed already
	}
	resp, err := p.HTTP.Do(req)
	if err != nil {
		return fail(err)
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	switch {
	case resp.StatusCode == http.StatusNoContent:
		return nil, resp.Header, nil
	case resp.StatusCode == http.StatusNotFound:
		return fail(ErrAbsent)
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable:
		return fail(&Busy{resp.StatusCode, retryAfter(resp.Header.Get("Retry-After"))})
	case resp.StatusCode/100 != 2:
		text, _ := io.ReadAll(io.LimitReader(resp.Body, maxComplain)) // as far as it comes
		return fail(&Status{resp.StatusCode, string(text)})
	}
	var out bytes.Buffer
	if n := resp.ContentLength; n > 0 && n <= limit {
		out.Grow(int(n) + bytes.MinRead) // ReadFrom wants room to see the end
	}
	if _, err := out.ReadFrom(&watched{io.LimitReader(resp.Body, limit+1), watch, stall}); err != nil {
		return fail(fmt.Errorf("%w: %w", ErrAnswer, err))
	}
	if int64(out.Len()) > limit {
		return fail(fmt.Errorf("%w: longer than %d bytes", ErrAnswer, limit))
	}
	return out.Bytes(), resp.Header, nil
}

// waitOf is how long the other copy was asked to wait before it answers.
func waitOf(path string) time.Duration {
	_, text, _ := strings.Cut(path, "wait=")
	seconds, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// watched puts the end off whenever something comes.
type watched struct {
	r     io.Reader
	watch *time.Timer
	stall time.Duration
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if n > 0 {
		w.watch.Reset(w.stall)
	}
	return n, err
}

// retryAfter reads the field (RFC 9110 §10.2.3): seconds, or a date.
func retryAfter(field string) time.Duration {
	if s, err := strconv.Atoi(field); err == nil && s >= 0 {
		return min(time.Duration(s)*time.Second, maxRetryAfter)
	}
	if at, err := http.ParseTime(field); err == nil {
		return max(0, min(time.Until(at), maxRetryAfter))
	}
	return 0
}
