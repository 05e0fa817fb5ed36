package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// trigger calls f when the first line was written.
type trigger struct {
	bytes.Buffer
	f func()
}

func (w *trigger) Write(p []byte) (int, error) {
	n, err := w.Buffer.Write(p)
	w.f()
	return n, err
}

// Being ended is how a watch ends: no error, and it says where to go on.
func TestWatchEndsCleanly(t *testing.T) {
	asked := make(chan string, 1)
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.RawQuery
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "id: 6\ndata: {\"index\":6,\"id\":\"CVE-2026-0001\",\"what\":\"withdrawn\",\"time\":\"2026-01-02T03:04:05Z\",\"old\":2,\"new\":6}\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done() // a watcher that is ended hangs up
	}))
	defer node.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	p := testProgram(new(fakeNode))
	out := &trigger{f: cancel}
	p.Stdout = out
	code := p.Run(ctx, []string{"watch", "--server", node.URL, "--since", "3", "vendor:x", "severity>=high"})
	if code != 0 || out.String() != "2026-01-02 03:04:05Z  withdrawn  CVE-2026-0001\n" {
		t.Errorf("exit code %d, printed %q", code, out)
	}
	if got := p.Stderr.(*strings.Builder).String(); got != "go on with --since 7\n" {
		t.Errorf("said %q", got)
	}
	if got := <-asked; got != "q=vendor%3Ax+severity%3E%3Dhigh&since=3" {
		t.Errorf("asked %q", got)
	}
}
