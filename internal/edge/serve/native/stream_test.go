package native

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// quiet is a catalogue of ten leaves in which nothing happens.
type quiet struct{ Catalogue }

func (quiet) Resolve(context.Context, catalogue.At) (catalogue.Moment, error) {
	return catalogue.Moment{Size: 10, Head: 10}, nil
}

func (quiet) Since(context.Context, int64, int) ([]catalogue.Change, int64, error) {
	return nil, 10, nil
}

// recorder is a reply that may be read while it grows.
type recorder struct {
	mu sync.Mutex
	httptest.ResponseRecorder
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ResponseRecorder.Write(p)
}

func (r *recorder) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Body.String()
}

// listen opens a stream; ended is closed when it is over.
func listen(h http.Handler, path string, headers ...string) (r *recorder, ended chan struct{}) {
	r = &recorder{ResponseRecorder: *httptest.NewRecorder()}
	ended = make(chan struct{})
	req := httptest.NewRequest(http.MethodGet, Prefix+path, nil)
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	go func() {
		defer close(ended)
		h.ServeHTTP(r, req)
	}()
	return r, ended
}

// A stream in which nothing happens says where it is, beats four times a minute, and ends when the node does.
func TestAQuietStreamBeatsAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		h := Handler(Options{Catalogue: quiet{}, News: new(horn).next, Stopping: stop, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		r, ended := listen(h, "changes/stream")
		time.Sleep(time.Minute + time.Second)
		if want := "retry: 2000\n\nid: 9\n\n" + strings.Repeat(": still here\nid: 9\n\n", 4); r.text() != want {
			t.Errorf("%q, want %q", r.text(), want)
		}
		close(stop)
		<-ended
	})
}

// As many streams may be open as there are places; who comes too late is told when to come back, and a place that is given back
// can be had.
func TestStreamsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		h := Handler(Options{Catalogue: quiet{}, News: new(horn).next, Stopping: stop, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		ctx, leave := context.WithCancel(t.Context())
		for i := range maxStreams {
			r := httptest.NewRequest(http.MethodGet, StreamPath, nil)
			if i == 0 {
				r = r.WithContext(ctx)
			}
			go h.ServeHTTP(httptest.NewRecorder(), r)
		}
		synctest.Wait()
		if w := ask(h, "changes/stream"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "too-many-streams") {
			t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
		}
		leave()
		synctest.Wait()
		r, ended := listen(h, "changes/stream")
		synctest.Wait()
		if !strings.HasPrefix(r.text(), "retry:") {
			t.Errorf("%q", r.text())
		}
		close(stop)
		<-ended
	})
}

// A stream goes on behind Last-Event-ID, whatever since says; what is not meant for the reader moves its id all the same.
func TestStreamsGoOn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := found(t, db)
		tell(t, w.World)
		head := w.Size(t)
		var all []string
		for _, tc := range []struct {
			path, last string
			want       string // ids, those without data in brackets
		}{
			{"changes/stream?since=0", "", "[-1] 0 1 3 4 5 6 7 8 [9]"},
			{"changes/stream?since=0", "4", "[4] 5 6 7 8 [9]"},
			{"changes/stream", "-1", "[-1] 0 1 3 4 5 6 7 8 [9]"},
			{"changes/stream", "9", "[9]"},
			{"changes/stream", "", "[9]"},
			{"changes/stream?since=1&q=vendor:jetbrains", "", "[0] 3 8 [9]"},
			{"changes/stream?since=0&q=state:rejected", "", "[-1] 5 6 8 [9]"},
			{"changes/stream?since=0&q=severity:none", "", "[-1] 8 [9]"},
		} {
			w.Options.Stopping = make(chan struct{})
			var headers []string
			if tc.last != "" {
				headers = []string{"Last-Event-ID: " + tc.last}
			}
			stop := make(chan struct{})
			o := w.Options
			o.Stopping = stop
			r, ended := listen(Handler(o), tc.path, headers...)
			for deadline := time.Now().Add(10 * time.Second); !strings.Contains(r.text(), "id: 9\n") && time.Now().Before(deadline); {
				time.Sleep(5 * time.Millisecond)
			}
			close(stop)
			<-ended
			var ids []string
			for event := range strings.SplitSeq(r.text(), "\n\n") {
				for line := range strings.Lines(event + "\n") {
					if id, ok := strings.CutPrefix(strings.TrimSpace(line), "id: "); ok {
						if !strings.Contains(event, "data: ") {
							id = "[" + id + "]"
						}
						ids = append(ids, id)
					}
				}
			}
			if got := strings.Join(ids, " "); got != tc.want {
				t.Errorf("%s after %q: %s, want %s", tc.path, tc.last, got, tc.want)
			}
			all = append(all, ids...)
		}
		if head != 10 || len(all) == 0 {
			t.Errorf("the world has %d leaves", head)
		}
		if r := ask(w, "changes/stream", "Last-Event-ID: 77"); r.Code != http.StatusBadRequest {
			t.Errorf("an id of another list: %d", r.Code)
		}
	})
}
