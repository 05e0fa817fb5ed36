package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tasuki/internal/charter"
)

// A witness that meets a new log asks everybody at once: a server that answers nothing keeps nobody waiting while another answers, whoever asks later finds
// what came in meanwhile, and strangers' origins are asked about now and then only.
func TestWitnessLearnsOfALog(t *testing.T) {
	silent := make(chan struct{})
	asked := make(chan struct{}, 100)
	deaf := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-silent:
		case <-r.Context().Done():
		}
	}))
	defer deaf.Close()
	defer close(silent)
	k := openKit(t, kitOptions{})
	list, origin := k.chain.ListID(), k.chain.Head().Origin()
	logs := func(from ...string) *knownLogs {
		return &knownLogs{dir: t.TempDir(), lists: []string{list}, from: from, client: http.DefaultClient, now: time.Now, log: slog.New(slog.DiscardHandler),
			chains: map[string]*charter.Chain{}}
	}

	w := logs(deaf.URL, k.at(t))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if v, ok, err := w.Verifier(ctx, origin); err != nil || !ok || v.Name() != origin {
		t.Fatalf("%v %v %v", v, ok, err)
	}
	again := logs()
	again.dir = w.dir
	if err := again.load(list); err != nil || again.chains[list] == nil {
		t.Errorf("what was fetched is not kept: %v", err)
	}
	// One that it does not come to know: whoever asks may leave, and nobody is asked again right away.
	short, leave := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer leave()
	w = logs(deaf.URL)
	for range 3 {
		if _, ok, err := w.Verifier(short, "another.example/log"); ok || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v %v", ok, err)
		}
	}
	if len(asked) != 2 {
		t.Errorf("the silent server was asked %d times by two witnesses", len(asked))
	}
}
