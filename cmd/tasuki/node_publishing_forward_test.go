package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tasuki/internal/store/storetest"
)

// Two nodes of one store publish for one list with mirrors: whichever a mirror reaches, its line comes to the node that signs. When that one ends, the other, which
// has asked the mirrors at its own start, signs on without asking again.
func TestTwoNodesPublishForOneList(t *testing.T) {
	w := newMirrored(t, 2, 2, kitOptions{store: storetest.Postgres(t)}, nil, nil)
	w.work()
	w.published()
	second := openTwin(t, w.operator, true, kitOptions{store: w.options.store})
	second.run(t)
	soon(t, time.Minute, func() string { return second.readOnly() })
	w.at.let(second) // the mirrors reach the one that does not sign
	for range 3 {
		w.heartbeat()
		w.published()
	}
	if held := second.publishing.size(); held != 0 {
		t.Fatalf("the second node has signed %d leaves itself", held)
	}
	size, err := second.size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	soon(t, time.Minute, func() string {
		if cp := second.checkpoint.Load(); cp == nil || cp.Size < size {
			return "the second node does not know what the first has published"
		}
		return ""
	})

	for _, p := range w.places {
		p.pass(nobodyHolds(t))
	}
	w.stop()
	w.operator.close(t)
	w.operator = second
	w.heartbeat()
	w.published()
	if second.publishing.size() == 0 {
		t.Error("the second node has not signed")
	}
}

// nobodyHolds lets a mirror answer everything but what an operator asks that starts, and complains about that.
func nobodyHolds(t *testing.T) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, door http.Handler) {
		if strings.HasPrefix(r.URL.Path, "/holding/") {
			t.Error("an operator that signs already asks again")
		}
		door.ServeHTTP(w, r)
	}
}
