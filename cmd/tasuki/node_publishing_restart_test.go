package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
)

// What an operator with mirrors does when it starts (continuity C.1): real nodes over HTTP.

// signs waits until the operator signs, and says after how long.
func (w *mirrored) signs() time.Duration {
	w.t.Helper()
	began := time.Now()
	soon(w.t, time.Minute, func() string {
		if !w.operator.maySign() {
			return "the operator does not sign: " + w.operator.readOnly()
		}
		return ""
	})
	return time.Since(began)
}

// refuses waits until the operator says why it signs nothing, for good.
func (w *mirrored) refuses(part string) {
	w.t.Helper()
	soon(w.t, time.Minute, func() string {
		if why, over := w.operator.office.state(); !over || !strings.Contains(why, part) {
			return "the operator goes on: " + why
		}
		return ""
	})
}

// lastSigned is what the operator's log key signed last.
func (w *mirrored) lastSigned() (c ledger.Checkpoint) {
	w.t.Helper()
	k := w.operator
	err := k.db.View(w.t.Context(), func(tx *store.Tx) (err error) {
		c, err = k.ledger.Checkpoint(w.t.Context(), tx, k.chain.Documents()[1].Origin())
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// waits says that the operator's node has signed nothing new, tells why, takes nothing in, and serves.
func (w *mirrored) waits(before int64, level, part string) {
	w.t.Helper()
	k := w.operator
	health := string(k.get(w.t, "/health"))
	if !strings.Contains(health, part) || !strings.Contains(health, `"signs":false`) {
		w.t.Errorf("/health: %s", health)
	}
	if got, err := k.doctor(w.t.Context(), struct{}{}, nil); err != nil || !finds(got, level, "signing") {
		w.t.Errorf("doctor: %+v, %v", got, err)
	}
	if r := k.ask("/checkpoint"); r.Code != http.StatusOK || !strings.Contains(r.Body.String(), fmt.Sprintf("\n%d\n", before)) {
		w.t.Errorf("/checkpoint: %d %s", r.Code, r.Body)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := k.emit(ctx, &event.Event{Kind: event.Heartbeat}, nil); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, authority.ErrSealed) {
		w.t.Errorf("it takes writes in: %v", err)
	}
	if c, err := k.signed(w.t.Context()); err != nil || c.Size != before {
		w.t.Errorf("signed %d leaves (%v), %d before", c.Size, err, before)
	}
}

// Among all three mirrors a start is over in a moment; with two of three away it waits, and goes on when one is back.
func TestOperatorAsksBeforeItSigns(t *testing.T) {
	w := newMirrored(t, 3, 2, kitOptions{}, func(k *kitNode) { k.bringSample(t) }, nil)
	w.operate()
	if why := w.operator.readOnly(); !strings.Contains(why, asksFirst) {
		t.Errorf("the first start: %q", why)
	}
	// Mirrors that are new and hold nothing count: the list can begin.
	for i := range w.places {
		w.mirror(i, kitOptions{})
	}
	t.Logf("first start: %s", w.signs())
	w.published()
	for i := range w.mirrors {
		w.caughtUp(i)
	}

	w.close()
	w.reopen()
	took := w.signs()
	t.Logf("among its mirrors: %s", took)
	if took > 10*time.Second { // a busy machine; alone it is well below one
		t.Errorf("a start among mirrors that answer took %s", took)
	}
	w.heartbeat()
	w.published()
	before := w.operator.checkpoint.Load().Size

	w.close()
	w.places[1].let(nil)
	w.places[2].let(nil)
	w.reopen()
	soon(t, time.Minute, func() string {
		if why := w.operator.readOnly(); !strings.Contains(why, "1 of 2") || !strings.Contains(why, "m3.example/tasuki (it answers with an error)") {
			return "it says " + why
		}
		return ""
	})
	w.waits(before, levelWarn, asksFirst)
	w.places[1].let(w.mirrors[1])
	t.Logf("after one is back: %s", w.signs())
	w.heartbeat()
	w.published()
}

// A data directory of an older day knows less than its mirrors have seen, or goes on otherwise: it signs nothing and says it. The list goes on
// from the newer one.
func TestOperatorOfAnOlderDaySignsNothing(t *testing.T) {
	w := newMirrored(t, 3, 2, kitOptions{}, nil, nil)
	w.work()
	w.published()
	w.close()
	newest := w.options.dir
	old, other := copyOf(t, newest), copyOf(t, newest)
	w.reopen()
	for range 3 {
		w.heartbeat()
	}
	w.published()
	for i := range w.mirrors {
		w.caughtUp(i)
	}
	seen := w.operator.checkpoint.Load().Size
	w.close()

	w.options.dir = old
	w.reopen()
	w.refuses(fmt.Sprintf("has seen %d, this log has %d", seen, seen-3))
	w.waits(seen-3, levelFail, "this copy is not the list that its mirrors have seen")
	if got := w.lastSigned(); got.Size != seen-3 {
		t.Errorf("signed %d leaves", got.Size)
	}
	w.close()

	// A command line wrote to another copy of that day: as long as the list, and not the list.
	w.options.dir = other
	aside := openKit(t, w.options)
	time.Sleep(5 * time.Millisecond) // other times in its leaves
	for range 4 {
		if err := aside.emit(t.Context(), &event.Event{Kind: event.Heartbeat}, nil); err != nil {
			t.Fatal(err)
		}
	}
	aside.close(t)
	w.reopen()
	w.refuses("does not contain what is known")
	if got := w.lastSigned(); got.Size != seen-3 {
		t.Errorf("the command line, or the node after it, signed %d leaves", got.Size)
	}
	w.close()

	for _, m := range w.mirrors {
		if got := m.mirrorState(t); got.Stopped != "" || got.Cosigned != seen {
			t.Errorf("its mirrors: %+v", got)
		}
	}
	w.options.dir = newest
	w.reopen()
	w.heartbeat()
	w.published()
}
