package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// at serves a node on loopback and returns its base URL.
func (k *kitNode) at(t testing.TB) string {
	t.Helper()
	s := httptest.NewServer(k.door)
	t.Cleanup(s.Close)
	return s.URL
}

// soon waits until something is so.
func soon(t testing.TB, within time.Duration, what func() string) {
	t.Helper()
	for until := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		missing := what()
		if missing == "" {
			return
		}
		if time.Now().After(until) {
			t.Fatal(missing)
		}
	}
}

// follows opens a copy of a list that its sources serve, and lets it work.
func follows(t testing.TB, list string, o kitOptions, sources ...string) *kitNode {
	t.Helper()
	role := mirrorRole{Test: true}
	if o.mirror != nil {
		role = *o.mirror
	}
	role.List, role.Sources = list, sources
	o.mirror = &role
	k := openKit(t, o)
	k.run(t)
	return k
}

// A copy that follows a list without mirrors holds what the list has published, byte for byte, and its public tables are those of a replay without
// private facts.
func TestFollowAList(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var o kitOptions
		if db.Engine() == store.Postgres {
			o.store = storetest.Postgres(t)
		}
		operator := openSeeded(t, kitOptions{})
		operator.bringSample(t)
		operator.run(t)
		copied := follows(t, operator.chain.ListID(), o, operator.at(t))
		want, err := operator.continuity.Stored(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		soon(t, time.Minute, func() string {
			got, err := copied.continuity.Stored(t.Context())
			if err != nil || got != want {
				return "not the operator's tree"
			}
			if cp := copied.checkpoint.Load(); cp == nil || cp.Size != want.Size {
				return "not published"
			}
			return ""
		})
		copied.sound(t)
	})
}

// What counts bears the lines of q mirrors, each of which holds it; every answer of theirs says how fresh it is. With too few of them nothing counts, and
// what was written meanwhile counts when they are back.
func TestMirrorsCosign(t *testing.T) {
	w := newMirrored(t, 3, 2, kitOptions{}, func(k *kitNode) { k.bringSample(t) }, nil)
	w.work()
	w.published()
	cp := w.operator.checkpoint.Load()
	names := signedBy(t, cp.Note)
	if len(names) < 3 || names[0] != w.operator.chain.Opening().Origin() {
		t.Errorf("signed by %q", names)
	}
	for i, m := range w.mirrors {
		w.caughtUp(i)
		r := m.ask("/api/cve/CVE-2024-0001")
		at, err := time.Parse(time.RFC3339, r.Header().Get("Tasuki-Checkpoint-Time"))
		if r.Header().Get("Tasuki-Size") != fmt.Sprint(cp.Size) || err != nil || time.Since(at) > time.Minute {
			t.Errorf("mirror %d: %v", i+1, r.Header())
		}
		if got := m.mirrorState(t); got.Problem != "" || got.Cosigned != cp.Size || got.Published != cp.Size || got.Stopped+got.Hold != "" {
			t.Errorf("mirror %d: %+v", i+1, got)
		}
	}
	// One of three may be away, two may not.
	w.stops[2]()
	w.places[2].let(nil)
	w.heartbeat()
	w.published()
	w.stops[1]()
	w.places[1].let(nil)
	before := w.operator.checkpoint.Load().Size
	w.heartbeat()
	time.Sleep(time.Second)
	if now := w.operator.checkpoint.Load().Size; now != before {
		t.Fatalf("%d leaves count without a quorum, %d did", now, before)
	}
	w.stops[1] = w.mirrors[1].run(t)
	w.published()
	w.mirrors[0].sound(t)
}

// heartbeat lets the log grow by a leaf.
func (w *mirrored) heartbeat() {
	w.t.Helper()
	if err := w.operator.emit(w.t.Context(), &event.Event{Kind: event.Heartbeat}, nil); err != nil {
		w.t.Fatal(err)
	}
}

// emit appends an event to a node's log, right or wrong.
func (k *kitNode) emit(ctx context.Context, e *event.Event, doc *event.Doc) error {
	return k.gate.Do(ctx, operator("test"), gate.Command{Action: authority.Act, Decide: func(ctx context.Context, turn *gate.Turn) error {
		said := *e
		_, err := turn.Emit(ctx, &said, doc)
		return err
	}})
}

// A mirror knows nobody's secret. Who wants to write there is not told that the secret is wrong, but to come to the operator.
func TestAMirrorSendsWritersElsewhere(t *testing.T) {
	w := newMirrored(t, 1, 1, kitOptions{}, nil, nil)
	w.work()
	w.published()
	w.caughtUp(0)
	for method, want := range map[string]int{http.MethodPost: http.StatusServiceUnavailable, http.MethodGet: http.StatusUnauthorized} {
		r := httptest.NewRequestWithContext(t.Context(), method, "/api/cve-id?amount=1&cve_year=2026&short_name=acme", nil)
		for _, h := range []string{"CVE-API-ORG", "CVE-API-USER", "CVE-API-KEY"} {
			r.Header.Set(h, "acme")
		}
		got := httptest.NewRecorder()
		w.mirrors[0].door.ServeHTTP(got, r)
		if got.Code != want {
			t.Errorf("%s: %d %s", method, got.Code, got.Body)
		}
	}
}
