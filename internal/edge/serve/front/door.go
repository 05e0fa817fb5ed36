package front

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
)

// ServeHTTP leads one request through the door: name it, find its owner, decide whether it may enter, let the owner answer,
// and say in one line how it went.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := f.o.Now()
	from := f.believe(r)
	id := from.requestID
	if id == "" {
		id = f.newID()
	}
	ctx := context.WithValue(r.Context(), requestKey{}, id)
	r = r.WithContext(ctx)
	r.RemoteAddr = from.addr
	space := f.route(r)

	rec := &recorder{ResponseWriter: w}
	f.begin(rec.Header(), id, from.secure)
	if f.o.Observe != nil {
		f.o.Observe.Begin(space.Surface)
	}
	defer func() {
		cause := recover()
		broken := f.mend(rec, r, space, from.secure, cause)
		f.finish(r, rec, space, from, f.o.Now().Sub(start))
		if broken {
			// Half an answer must not look like a whole one: the server cuts the connection.
			panic(http.ErrAbortHandler)
		}
	}()

	if !space.AnyHost && !f.hosts.allow(r) {
		space.Refuse(rec, r, http.StatusMisdirectedRequest, "this node is not known by the host name of the request; its base URL or another known name is needed")
		return
	}
	if f.limit(rec, r, space) {
		space.handler.ServeHTTP(rec, r)
	}
}

// begin sets what stands in every answer.
func (f *Front) begin(h http.Header, id string, secure bool) {
	h.Set("X-Request-Id", id)
	harden(h, secure)
	if f.o.Mark != nil {
		f.o.Mark(h)
	}
}

// limit sets the request's bounds. It reports false after refusing a body that announces itself as too large.
func (f *Front) limit(rec *recorder, r *http.Request, s *mounted) bool {
	size := s.BodyLimit
	if size == 0 {
		size = f.o.BodyLimit
	}
	if size > 0 && r.ContentLength > size {
		// The body is not going to be read, so the connection cannot be used again.
		rec.Header().Set("Connection", "close")
		s.Refuse(rec, r, http.StatusRequestEntityTooLarge, "the request's body is larger than this node accepts")
		return false
	}
	c := http.NewResponseController(rec)
	// Not every writer has deadlines (tests, in-process callers): then the limit is the caller's business.
	_ = c.SetWriteDeadline(deadline(s.WriteTimeout, f.o.WriteTimeout))
	if r.Body != nil && r.Body != http.NoBody {
		_ = c.SetReadDeadline(deadline(s.ReadTimeout, f.o.ReadTimeout))
		body := r.Body
		if size > 0 {
			body = http.MaxBytesReader(rec, body, size)
		}
		r.Body = &timedBody{ReadCloser: body, done: func() { _ = c.SetReadDeadline(time.Time{}) }}
	}
	return true
}

// deadline uses the wall clock on purpose, not Options.Now: the network's deadlines know no other.
func deadline(own, general time.Duration) time.Time {
	if own == 0 {
		own = general
	}
	if own < 0 {
		return time.Time{}
	}
	return time.Now().Add(own)
}

// timedBody lifts the read deadline once the body is there. Were it left in place, the server's watch for a departing client
// would run into it and cancel a handler that is still writing a long answer.
type timedBody struct {
	io.ReadCloser
	done func()
}

func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.done()
	}
	return n, err
}

// mend deals with a handler's panic. It reports whether the reply is broken beyond repair.
func (f *Front) mend(rec *recorder, r *http.Request, s *mounted, secure bool, cause any) bool {
	if cause == nil {
		return false
	}
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		return true
	}
	f.o.Log.ErrorContext(r.Context(), "handler panicked", "surface", s.Surface, "panic", cause, "stack", string(debug.Stack()))
	if rec.status != 0 {
		return true
	}
	clear(rec.Header())
	f.begin(rec.Header(), RequestID(r.Context()), secure)
	s.Refuse(rec, r, http.StatusInternalServerError, "internal error; the node's operator can find it under request "+RequestID(r.Context()))
	return false
}

// finish writes the request's line and counts it. The query is left out: what somebody searches for is their business.
func (f *Front) finish(r *http.Request, rec *recorder, s *mounted, from sender, took time.Duration) {
	done := Finished{Surface: s.Surface, Method: r.Method, Status: rec.status, Bytes: rec.bytes, Took: took}
	if done.Status == 0 {
		done.Status = http.StatusOK
		if r.Context().Err() != nil {
			done.Status = 499
		}
	}
	if f.o.Observe != nil {
		f.o.Observe.End(done)
	}
	level := slog.LevelInfo
	if s.Quiet && done.Status < 400 {
		level = slog.LevelDebug
	}
	path := r.URL.Path
	if h, discreet := s.Handler.(interface{ LogPath(path string) string }); discreet {
		path = h.LogPath(path)
	}
	f.o.Log.LogAttrs(r.Context(), level, "request finished",
		slog.String("surface", s.Surface), slog.String("method", r.Method), slog.String("path", path),
		slog.Int("status", done.Status), slog.Int64("bytes", done.Bytes),
		slog.Float64("ms", float64(took.Microseconds())/1000), slog.String("client", from.host))
}

// newID draws a request id. A dice that fails gives an id that says so; no request is lost for want of a name.
func (f *Front) newID() string {
	var b [8]byte
	if _, err := io.ReadFull(f.o.Rand, b[:]); err != nil {
		return "unnamed"
	}
	return hex.EncodeToString(b[:])
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	// 1xx are news on the way, not the answer; a second answer is the server's to complain about.
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Flush serves those who ask for an http.Flusher by type, as compression does.
func (w *recorder) Flush() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

type requestKey struct{}

// RequestID returns the id under which the request is logged, or "".
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}
