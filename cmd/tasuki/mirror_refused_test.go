package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/edge/serve/witness"
	"tasuki/internal/ledger"
	"tasuki/spec/c2sp"
)

// What witnesses and clients have to do with what mirrors refuse (the table is in mirror_hostile_test.go).

// asked is a witness of the list, and the sizes that it was asked for.
type asked struct {
	w     *mirrored
	mu    sync.Mutex
	sizes []int64
}

// Verifier knows the log of the list's present epoch.
func (a *asked) Verifier(_ context.Context, origin string) (note.Verifier, bool, error) {
	opening := a.w.operator.chain.Opening()
	return opening.Verifier(), origin == opening.Origin(), nil
}

func (a *asked) most() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Max(append(a.sizes, 0))
}

// witnessPolicy starts the witness and is the policy that names it.
func (a *asked) witnessPolicy(t *testing.T) string {
	t.Helper()
	key, err := charter.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cosigner, err := c2sp.NewCosigner("witness.example/w1", key)
	if err != nil {
		t.Fatal(err)
	}
	state, err := witness.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	serve := witness.New(witness.Options{Cosigner: cosigner, Logs: a, State: state, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if _, cp, err := c2sp.ParseAddCheckpoint(raw); err == nil {
			a.mu.Lock()
			a.sizes = append(a.sizes, cp.Size)
			a.mu.Unlock()
		}
		r.Body = io.NopCloser(bytes.NewReader(raw))
		serve.ServeHTTP(rw, r)
	}))
	t.Cleanup(s.Close)
	return fmt.Sprintf("witness w1 %s %s\nquorum w1\n", cosigner.VKey(), s.URL)
}

// A witness judges trees and not what is in them. So it is asked only for what enough mirrors have stored: for nothing that covers a body that is held back
// or an event that is forged.
func TestWitnessIsAskedAfterMirrors(t *testing.T) {
	t.Parallel() // it waits more than it works
	var org, id string
	a := &asked{}
	policy := a.witnessPolicy(t)
	w := newMirrored(t, 1, 1, kitOptions{}, func(k *kitNode) { org, id = selfAttested(t, k) }, func(c *charter.Charter) { c.Policy = policy })
	a.w = w
	w.work()
	w.published()
	w.caughtUp(0)
	before := w.operator.checkpoint.Load().Size
	if a.most() != before {
		t.Fatalf("%d leaves count, and the witness was asked for %d", before, a.most())
	}
	w.at.pass(tampered(func(i int, mark byte, salt [16]byte, raw []byte) (byte, [16]byte, []byte) {
		if int64(i) >= before && mark == ledger.BodyPresent {
			return ledger.BodyErased, salt, nil
		}
		return mark, salt, raw
	}))
	w.bringOne("CVE-2024-70001")
	w.until(0, "is withheld")
	time.Sleep(2 * witnessPause) // in which it would be asked
	if a.most() != before || w.operator.checkpoint.Load().Size != before {
		t.Errorf("with a body that is held back: the witness was asked for %d leaves of %d", a.most(), before)
	}
	w.at.pass(nil)
	w.published()
	w.caughtUp(0)
	before = w.operator.checkpoint.Load().Size
	w.operator.forge(t, org, id)
	w.until(0, "attest")
	w.heartbeat()
	time.Sleep(2 * witnessPause)
	if a.most() != before || w.operator.checkpoint.Load().Size != before {
		t.Errorf("with a forged event: the witness was asked for %d leaves of %d", a.most(), before)
	}
}

// bringOne imports a record into the operator's list.
func (w *mirrored) bringOne(id string) {
	w.t.Helper()
	if _, err := w.operator.bringBytes(w.t.Context(), oneRecord(id)); err != nil {
		w.t.Fatal(err)
	}
}

func oneRecord(id string) []byte {
	return kitRecord(id, "PUBLISHED", "2024-01-01T00:00:00.000Z", "2024-01-01T00:00:00.000Z", "someone", "en", "A flaw.")
}

// A client holds every leaf to the rules itself. On a list without mirrors, where the operator's word is all that counts, a body that is held back and an
// event that its author has not signed are named, and its view stays.
func TestClientNamesWhatBreaksRules(t *testing.T) {
	t.Parallel() // it waits more than it works
	at, k := newPlace(t), openKit(t, kitOptions{})
	org, id := selfAttested(t, k)
	k.run(t)
	at.let(k)
	size := func() int64 {
		n, err := k.size(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	client := follows(t, k.chain.ListID(), kitOptions{level: "error", mirror: &mirrorRole{Test: true, Reader: true}}, at.url)
	before := size()
	client.accepts(t, before)
	said := client.get(t, "/api/cve/"+id)
	names := func(part string) {
		t.Helper()
		soon(t, time.Minute, func() string {
			if got := client.reading(t); !strings.Contains(got.Problem, part) {
				return "the client says: " + got.Problem
			}
			return ""
		})
		if got := client.reading(t); got.Size != before {
			t.Errorf("its view is %d leaves, was %d", got.Size, before)
		}
		if !bytes.Equal(client.get(t, "/api/cve/"+id), said) {
			t.Errorf("it says something else of %s", id)
		}
	}
	at.pass(tampered(func(i int, mark byte, salt [16]byte, raw []byte) (byte, [16]byte, []byte) {
		if int64(i) >= before && mark == ledger.BodyPresent {
			return ledger.BodyErased, salt, nil
		}
		return mark, salt, raw
	}))
	if _, err := k.bringBytes(t.Context(), oneRecord("CVE-2024-70001")); err != nil {
		t.Fatal(err)
	}
	names("is withheld")
	at.pass(nil)
	before = size()
	client.accepts(t, before)
	k.forge(t, org, id)
	names("attest")
	if !contains(evidenceOf(t, client), "refusal: leaf ") {
		t.Errorf("its evidence: %q", evidenceOf(t, client))
	}
	// Whoever has the file alone sees the leaf, and that the log signed it.
	list, err := client.continuity.Evidence(t.Context(), 100)
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	e, err := continuity.ParseEvidence(client.get(t, "/evidence/"+list[0].Name))
	if err != nil {
		t.Fatal(err)
	}
	proven, err := continuity.Prove(client.chain, nil, e)
	if err != nil || !contains(proven.Facts, fmt.Sprintf("leaf %d of that tree is, in its own words, record.put/1 about %s by %s, signed by nobody", before, id, org)) {
		t.Errorf("%+v, %v", proven, err)
	}
}
