package main

import (
	"net/http/httptest"
	"testing"
	"time"

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
