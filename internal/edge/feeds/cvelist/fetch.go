package cvelist

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Errors of fetching.
var (
	// ErrAbsent means that the server says there is no such file (404, 410).
	ErrAbsent = errors.New("cvelist: not there")
	// ErrServer means that the server or the way to it failed, also when asked again.
	ErrServer = errors.New("cvelist: the source does not answer")
	// ErrTooMuch means that the server sent more than such a file can have.
	ErrTooMuch = errors.New("cvelist: the source sends too much")
)

// Fetcher asks a server politely: conditionally, with growing pauses between attempts, obeying Retry-After, within
// size caps. The zero value of every field but Client is useful.
type Fetcher struct {
	Client    *http.Client // as NewClient makes one
	UserAgent string       // "" means "tasuki"
	Tries     int          // attempts of one request, 0 means 5
	Now       func() time.Time
	Sleep     func(context.Context, time.Duration) error
	Rand      io.Reader // for jitter; nil means none
}

const (
	firstPause = 500 * time.Millisecond
	mostPause  = 60 * time.Second
	// mostPatience is the longest Retry-After that a run waits for; a longer one ends it, and the next run asks again.
	mostPatience = 2 * time.Minute
	// stallAfter ends a transfer that moves nothing. A slow one may take its time.
	stallAfter = 60 * time.Second
)

// NewClient is an HTTP client with the timeouts and the redirect rule that fetching needs: at most five redirects,
// never from https to http.
func NewClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout:   15 * time.Second,
			ResponseHeaderTimeout: 45 * time.Second,
			IdleConnTimeout:       90 * time.Second,
			MaxIdleConnsPerHost:   16,
			ForceAttemptHTTP2:     true,
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) >= 5 {
				return errors.New("more than five redirects")
			}
			if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
				return errors.New("a redirect from https to " + req.URL.Scheme)
			}
			return nil
		},
	}
}

// Validators are what a server gave to ask again by (RFC 9110 §8.8).
type Validators struct {
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"`
}

// reply is an answer that was read to its end.
type reply struct {
	body        []byte
	notModified bool
	validators  Validators
}

// get fetches a small file, at most most bytes. With cond it asks conditionally.
func (f *Fetcher) get(ctx context.Context, url string, cond Validators, most int64) (r reply, err error) {
	err = f.attempts(ctx, url, func(ctx context.Context) error {
		header := http.Header{}
		if cond.ETag != "" {
			header.Set("If-None-Match", cond.ETag)
		}
		if cond.Modified != "" {
			header.Set("If-Modified-Since", cond.Modified)
		}
		return f.once(ctx, url, header, func(resp *http.Response) error {
			r = reply{validators: validatorsOf(resp)}
			switch {
			case resp.StatusCode == http.StatusNotModified && cond != (Validators{}):
				r.notModified = true
				return nil
			case resp.StatusCode != http.StatusOK:
				return f.statusError(resp)
			}
			body, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
			if err != nil {
				return again{err: err} // cut off on the way
			}
			if int64(len(body)) > most {
				return fmt.Errorf("%w: more than %d bytes", ErrTooMuch, most)
			}
			r.body = body
			return nil
		})
	})
	return r, err
}

func validatorsOf(resp *http.Response) Validators {
	return Validators{ETag: resp.Header.Get("ETag"), Modified: resp.Header.Get("Last-Modified")}
}

// again is a failure worth another attempt.
type again struct {
	err      error
	after    time.Duration // as the server asked; 0 when it did not
	progress bool          // something arrived: the count of attempts starts anew
}

func (a again) Error() string { return a.err.Error() }
func (a again) Unwrap() error { return a.err }

// attempts calls do until it succeeds, fails for good, or the attempts are used up.
func (f *Fetcher) attempts(ctx context.Context, url string, do func(context.Context) error) error {
	tries := f.Tries
	if tries <= 0 {
		tries = 5
	}
	for try := 1; ; try++ {
		err := do(ctx)
		var retry again
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !errors.As(err, &retry):
			return fmt.Errorf("fetch %s: %w", PublicName(url), err)
		}
		if retry.progress {
			try = 1
		}
		pause := max(f.pause(try), retry.after)
		if try >= tries || retry.after > mostPatience {
			return fmt.Errorf("fetch %s: %w: %w", PublicName(url), ErrServer, retry.err)
		}
		if err := f.sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// pause grows twofold with each attempt and is drawn from its upper half, so that many clients do not come back at once.
func (f *Fetcher) pause(try int) time.Duration {
	p := min(firstPause<<min(try-1, 10), mostPause)
	var b [8]byte
	if f.Rand == nil {
		return p
	}
	if _, err := io.ReadFull(f.Rand, b[:]); err != nil {
		return p // no dice, no jitter: harmless
	}
	return p/2 + time.Duration(float64(p/2)*float64(binary.LittleEndian.Uint64(b[:])>>11)/float64(1<<53))
}

func (f *Fetcher) now() time.Time {
	if f.Now == nil {
		return time.Now()
	}
	return f.Now()
}

func (f *Fetcher) sleep(ctx context.Context, d time.Duration) error {
	if f.Sleep != nil {
		return f.Sleep(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// once sends one GET and hands the answer to read, whose body fails when nothing moves for stallAfter.
func (f *Fetcher) once(ctx context.Context, url string, header http.Header, read func(*http.Response) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	agent := f.UserAgent
	if agent == "" {
		agent = "tasuki"
	}
	req.Header.Set("User-Agent", agent)
	resp, err := f.Client.Do(req)
	if err != nil {
		return again{err: err}
	}
	defer resp.Body.Close() //nolint:errcheck // read as far as wanted
	stall := time.AfterFunc(stallAfter, cancel)
	defer stall.Stop()
	resp.Body = &lively{resp.Body, stall}
	return read(resp)
}

// lively puts off the stall timer whenever something arrives.
type lively struct {
	io.ReadCloser
	stall *time.Timer
}

func (l *lively) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	if n > 0 {
		l.stall.Reset(stallAfter)
	}
	return n, err
}

// statusError words an answer that is not the file.
func (f *Fetcher) statusError(resp *http.Response) error {
	err := fmt.Errorf("the server answers %s", resp.Status)
	switch resp.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		return fmt.Errorf("%w: %w", ErrAbsent, err)
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return again{err: err, after: f.retryAfter(resp.Header.Get("Retry-After"))}
	case http.StatusForbidden:
		// Hosts that count requests say so with 403 and Retry-After; without it, no is no.
		if after := f.retryAfter(resp.Header.Get("Retry-After")); after > 0 {
			return again{err: err, after: after}
		}
	}
	return fmt.Errorf("%w: %w", ErrServer, err)
}

// retryAfter reads Retry-After (RFC 9110 §10.2.3): seconds or a date.
func (f *Fetcher) retryAfter(v string) time.Duration {
	if n, err := strconv.ParseInt(v, 10, 64); err == nil {
		return time.Duration(min(max(n, 0), math.MaxInt64/int64(time.Second))) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(at.Sub(f.now()), 0)
	}
	return 0
}

// exists asks for a file's first byte: hosts of release assets answer GET where they refuse HEAD.
func (f *Fetcher) exists(ctx context.Context, url string) (there bool, err error) {
	err = f.attempts(ctx, url, func(ctx context.Context) error {
		header := http.Header{"Range": {"bytes=0-0"}, "Accept-Encoding": {"identity"}}
		return f.once(ctx, url, header, func(resp *http.Response) error {
			there = resp.StatusCode == http.StatusPartialContent || resp.StatusCode == http.StatusOK
			if there {
				return nil
			}
			return f.statusError(resp)
		})
	})
	if errors.Is(err, ErrAbsent) {
		return false, nil
	}
	return there, err
}
