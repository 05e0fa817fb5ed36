package event_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"testing"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
)

// A leaf keeps its author's signature through the log and back; over another event, by another key or in another spelling it is none.
func TestSignatures(t *testing.T) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	e := ofContinuity["block.closed"]
	sig, err := e.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := ledger.Leaf{Event: raw, Stamp: ledger.Stamp{Back: -1, Time: 1}, Sigs: []ledger.Sig{sig}}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	entry, err := event.Open(3, leaf, nil)
	if err != nil || len(entry.Sigs) != 1 || entry.Sigs[0] != sig {
		t.Fatalf("%v: %v", entry, err)
	}
	if err := entry.CheckSigs(); err != nil {
		t.Error(err)
	}
	other := event.SignBytes(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32)), raw)
	for name, spoil := range map[string]func(*event.Entry){
		"another event":       func(e *event.Entry) { e.Reason = "sold" },
		"another key's":       func(e *event.Entry) { e.Sigs = []ledger.Sig{{Key: other.Key, Sig: sig.Sig}} },
		"one of two is wrong": func(e *event.Entry) { e.Sigs = []ledger.Sig{sig, {Key: sig.Key, Sig: other.Sig}} },
		"no key":              func(e *event.Entry) { e.Sigs = []ledger.Sig{{Key: "x", Sig: sig.Sig}} },
	} {
		said := *entry.Event
		bad := &event.Entry{Event: &said, Sigs: entry.Sigs}
		spoil(bad)
		if err := bad.CheckSigs(); !errors.Is(err, event.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFormsOfKeysAndBlocks(t *testing.T) {
	for name, spoil := range map[string]func(*event.Event){
		"a key that is none":   func(e *event.Event) { e.Key = "abc" },
		"a use that is none":   func(e *event.Event) { e.Use = "tls" },
		"a label too long":     func(e *event.Event) { e.Label = string(make([]byte, event.MaxLabel+1)) },
		"a mode that is none":  func(e *event.Event) { *e = ofContinuity["attest.set"]; e.Mode = "none" },
		"an open owner":        func(e *event.Event) { *e = ofContinuity["block.granted"]; e.Owner = acme },
		"a block from nowhere": func(e *event.Event) { *e = ofContinuity["block.closed"]; e.First = 0 },
	} {
		e := ofContinuity["key.added"]
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
