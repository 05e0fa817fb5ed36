package event_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
)

const list = "9c1f00aa5d77e0139c1f00aa5d77e0139c1f00aa5d77e0139c1f00aa5d77e013"

var at = time.Date(2026, 11, 21, 21, 0, 7, 120_000_000, time.UTC)

func index(n int64) *int64 { return &n }

// every is one event of every kind, each with every member that it may have.
var every = map[string]event.Event{
	"epoch.opened": {At: at, By: "8254265b-2729-46b6-b9e3-3dfca2d5bfca", Kind: event.EpochOpened, List: list, Charter: list, Epoch: 2,
		Root: list, Size: 5201, Skips: map[string]event.Skip{"2026": {Priority: 1100, General: 41000}, "2025": {Priority: 900, General: 88000}}},
	"epoch.opened.first": {At: at, By: "8254265b-2729-46b6-b9e3-3dfca2d5bfca", Kind: event.EpochOpened, List: list, Charter: list, Epoch: 1, Root: list},
	"charter.noted":      {At: at, By: "8254265b-2729-46b6-b9e3-3dfca2d5bfca", Kind: event.CharterNoted, List: list, Charter: list},
	"heartbeat":          {At: at, By: "8254265b-2729-46b6-b9e3-3dfca2d5bfca", Kind: event.Heartbeat, List: list},
	"import.noted": {At: at, By: "8254265b-2729-46b6-b9e3-3dfca2d5bfca", Kind: event.ImportNoted, List: list, Source: "2026-11-21_all_CVEs_at_midnight.zip",
		Digest: list, Sample: true, Counts: map[string]int64{"added": 42107, "stale": 1}},
	"record.imported": {At: at, By: "8254265b-2729-46b6-b9e3-3dfca2d5bfca", Kind: event.RecordImported, List: list, ID: "CVE-2026-310042", State: "PUBLISHED",
		Body: &event.BodyRef{H: [32]byte{0x5b, 0x1c}, N: 6412}, Base: true, SourceTime: at.Add(-time.Hour),
		Dates: event.Dates{Published: "2026-11-20T08:11:00", Rejected: "2026-11-20T08:12:00", Reserved: "2026-11-20T08:10:00", Updated: "2026-11-20T08:11:00.125Z"}},
	"body.erased": {At: at, By: "8254265b-2729-46b6-b9e3-3dfca2d5bfca", Kind: event.BodyErased, List: list, Leaf: index(0), Reason: "gdpr-17"},
	"private": {At: at, By: "8254265b-2729-46b6-b9e3-3dfca2d5bfca", Kind: event.PrivateFact, List: list,
		Body: &event.BodyRef{H: [32]byte{1}, N: -1}},
}

func allFrozen() map[string]event.Event {
	all := maps.Clone(every)
	maps.Copy(all, ofAuthority)
	maps.Copy(all, ofContinuity)
	return all
}

// The bytes of an event can never change: proofs of every leaf ever logged depend on them. The golden files are written
// once, with the first release (FREEZE=1 writes what is missing), and never again.
func TestFrozenEncoding(t *testing.T) {
	for name, e := range allFrozen() {
		t.Run(name, func(t *testing.T) {
			got, err := e.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", "frozen", name+".json")
			want, err := os.ReadFile(file)
			if errors.Is(err, os.ErrNotExist) && os.Getenv("FREEZE") == "1" {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("the encoding changed:\n got %s\nwant %s", got, want)
			}
			back, err := event.Parse(want)
			if err != nil {
				t.Fatal(err)
			}
			again, err := back.Marshal()
			if err != nil || !bytes.Equal(again, want) {
				t.Errorf("read and written again: %s (%v)", again, err)
			}
		})
	}
}

func TestMembersBelongToTheirKind(t *testing.T) {
	for name, spoil := range map[string]func(*event.Event){
		"no list":             func(e *event.Event) { e.List = "" },
		"no author":           func(e *event.Event) { e.By = "" },
		"no body":             func(e *event.Event) { e.Body = nil },
		"no identifier":       func(e *event.Event) { e.ID = "" },
		"commitment's body":   func(e *event.Event) { e.Body.N = -1 },
		"an epoch's member":   func(e *event.Event) { e.Epoch = 3 },
		"an erasure's member": func(e *event.Event) { e.Leaf = index(3) },
		"sample":              func(e *event.Event) { e.Sample = true },
	} {
		e := every["record.imported"]
		body := *e.Body
		e.Body = &body
		spoil(&e)
		raw, err := e.Marshal()
		if err != nil {
			continue // the writer refused already
		}
		if _, err := event.Parse(raw); !errors.Is(err, event.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnknownIsNotMalformed(t *testing.T) {
	for _, raw := range []string{
		`{"at":"2026-11-21T21:00:07.120Z","by":"x","kind":"moon.landed/1","list":"` + list + `"}`,
		`{"at":"2026-11-21T21:00:07.120Z","by":"x","kind":"heartbeat/1","list":"` + list + `","pulse":72}`,
	} {
		if _, err := event.Parse([]byte(raw)); !errors.Is(err, event.ErrUnknown) {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestSubjects(t *testing.T) {
	for name, want := range map[string]string{"record.imported": "CVE-2026-310042", "heartbeat": "8254265b-2729-46b6-b9e3-3dfca2d5bfca", "private": ""} {
		e := every[name]
		if got := e.Subject(); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// FuzzParse: what is accepted has exactly one encoding, and no input makes the parser panic.
func FuzzParse(f *testing.F) {
	for _, e := range allFrozen() {
		raw, err := e.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := event.Parse(raw)
		if err != nil {
			return
		}
		again, err := e.Marshal()
		if err != nil {
			t.Fatalf("accepted %s, but: %v", raw, err)
		}
		if !bytes.Equal(again, raw) {
			t.Fatalf("two encodings:\n%s\n%s", raw, again)
		}
		leaf, err := ledger.Leaf{Event: raw, Stamp: ledger.Stamp{Back: -1, Time: 1}}.Marshal()
		if err != nil {
			return // too long for a leaf
		}
		if _, err := event.Open(0, leaf, nil); err != nil {
			t.Fatalf("a leaf of %s: %v", raw, err)
		}
	})
}
