package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// The proof of one leaf stands below a checkpoint that counts, at the operator and at a mirror: an authority's outbox lets nothing go before.
func TestTheProofOfALeafHasTheQuorum(t *testing.T) {
	w := newMirrored(t, 2, 2, kitOptions{}, nil, nil)
	w.work()
	w.published()
	w.caughtUp(0)
	w.caughtUp(1)
	for _, k := range append([]*kitNode{w.operator}, w.mirrors...) {
		soon(t, time.Minute, func() string {
			got := k.ask("/log/0.tlog-proof")
			if got.Code != http.StatusOK {
				return fmt.Sprintf("answered %d", got.Code)
			}
			v, err := AllowTest{AllowTest: true}.verifyProof(got.Body.Bytes(), w.list())
			if err != nil {
				t.Fatal(err)
			}
			if len(v.verdicts) != 1 || v.verdicts[0].Counted != 2 || v.Parts[0].Index != 0 {
				return fmt.Sprintf("proved by %+v", v.verdicts)
			}
			return ""
		})
	}
	// What only the log has signed is not proved.
	w.stops[0]()
	w.places[0].let(nil)
	size, err := w.operator.size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := heartbeat(w.operator.node); err != nil {
		t.Fatal(err)
	}
	if _, err := w.operator.signed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.operator.ask(fmt.Sprintf("/log/%d.tlog-proof", size)); got.Code != http.StatusNotFound {
		t.Errorf("a leaf without the quorum: %d", got.Code)
	}
}

// Mirrors that were given each other as sources, and an operator that is no more, go after the successor all the same: the charter's operator is asked
// before everybody.
func TestMirrorsThatWereGivenEachOther(t *testing.T) {
	w := newMirrored(t, 2, 2, kitOptions{}, nil, nil)
	gone := newPlace(t)
	w.sources = []string{gone.url, w.places[0].url, w.places[1].url, w.at.url}
	w.work()
	for range 3 {
		if err := heartbeat(w.operator.node); err != nil {
			t.Fatal(err)
		}
		if _, err := w.operator.signed(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.published()
	}
}
