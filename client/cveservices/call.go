package cveservices

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"
)

// Backoff: the first pause, doubled up to the longest one. A server that says itself how long to wait is believed up to patience.
const (
	firstPause   = 500 * time.Millisecond
	longestPause = 15 * time.Second
	patience     = 2 * time.Minute
)

// call is one request in the making.
type call struct {
	method string
	path   string // below the base, escaped
	query  url.Values
	body   any // nil: none
	// once is for what must not be sent twice: what it does a second time is not what it did the first.
	once bool
	// public calls go without credentials when there are none, and with them otherwise.
	public bool
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do carries a call out and decodes a success into out, which may be nil. Everything but a success is an *Error, wrapped or not,
// or an error of the network.
func (c *Client) do(ctx context.Context, q call, out any) (*answer, error) {
	if c.Anonymous() && !q.public {
		return nil, fmt.Errorf("%s %s: %w: none were given", q.method, q.path, ErrCredentials)
	}
	var body []byte
	if q.body != nil {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false) // the body is no page, and the limit counts bytes
		if err := enc.Encode(q.body); err != nil {
			return nil, fmt.Errorf("%s %s: %w", q.method, q.path, err)
		}
		body = bytes.TrimSuffix(b.Bytes(), []byte("\n"))
		if len(body) > MaxBody {
			return nil, fmt.Errorf("%s %s: %d bytes: %w", q.method, q.path, len(body), ErrTooLarge)
		}
	}
	pause := firstPause
	for try := 1; ; try++ {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%s %s: %w", q.method, q.path, context.Cause(ctx))
		}
		a, sent, err := c.send(ctx, q, body)
		if err == nil {
			err = a.decode(out)
		}
		if err == nil {
			return a, nil
		}
		again, after := retry(err)
		if sent && q.method != http.MethodGet && !definite(err) {
			err = errors.Join(ErrUncertain, err)
		}
		err = fmt.Errorf("%s %s: %w", q.method, q.path, err)
		if q.once || !again || try >= c.tries {
			return a, err
		}
		if after == 0 {
			after, pause = pause, min(2*pause, longestPause)
		}
		if werr := c.wait(ctx, min(after, patience)); werr != nil {
			return a, errors.Join(werr, err)
		}
	}
}

// definite says that the server has said what it did.
func definite(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status < http.StatusInternalServerError || errors.Is(err, ErrRedirect)
}

// send makes one request. sent says that the server may have got it.
func (c *Client) send(ctx context.Context, q call, body []byte) (a *answer, sent bool, err error) {
	address := c.base + q.path
	if len(q.query) > 0 {
		address += "?" + q.query.Encode()
	}
	var in io.Reader
	if body != nil {
		in = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, address, in)
	if err != nil {
		return nil, false, err
	}
	req.Header.Set("User-Agent", c.agent)
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if !c.Anonymous() {
		req.Header.Set("CVE-API-ORG", c.org)
		req.Header.Set("CVE-API-USER", c.user)
		req.Header.Set("CVE-API-KEY", c.key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // the address is said by whoever calls
		}
		return nil, !unsent(err), fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, true, fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	a = &answer{status: resp.StatusCode, header: resp.Header, body: raw}
	if len(raw) > maxAnswer {
		return a, true, fmt.Errorf("%w: it is longer than %d MiB", ErrAnswer, maxAnswer>>20)
	}
	return a, true, nil
}

// decode reads a success into out. A success that carries an error all the same (206) fills out and is that error.
func (a *answer) decode(out any) error {
	if a.status >= 300 && a.status < 400 {
		return fmt.Errorf("%w: %s", ErrRedirect, oneLine(a.header.Get("Location"), 200))
	}
	if a.status/100 != 2 {
		return a.problem()
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(a.body, out); err != nil {
		return fmt.Errorf("%w: %s", ErrAnswer, oneLine(err.Error(), 200))
	}
	if a.status == http.StatusPartialContent {
		return a.problem()
	}
	return nil
}

// unsent says that the request cannot have reached the server: nobody was connected to.
func unsent(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return errors.As(err, &op) && op.Op == "dial" || errors.As(err, &dns)
}

// retry says whether it is worth trying once more what may be tried, and when, 0 for no matter.
func retry(err error) (again bool, after time.Duration) {
	var e *Error
	if errors.As(err, &e) {
		switch e.Status {
		case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true, e.RetryAfter
		}
		return false, 0
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false, 0
	}
	var op *net.OpError
	var timeout net.Error
	return errors.As(err, &op) || errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE), 0
}

// waiting reads how long a server wants to be left alone: Retry-After in seconds or as a date, else RateLimit-Reset. The date is
// measured by the server's own clock.
func waiting(h http.Header) time.Duration {
	for _, name := range []string{"Retry-After", "RateLimit-Reset"} {
		text := h.Get(name)
		if n, err := strconv.Atoi(text); err == nil && n >= 0 {
			return min(time.Duration(min(n, 86_400))*time.Second, 24*time.Hour)
		}
		until, err := http.ParseTime(text)
		now, nerr := http.ParseTime(h.Get("Date"))
		if err == nil && nerr == nil && until.After(now) {
			return until.Sub(now)
		}
	}
	return 0
}
