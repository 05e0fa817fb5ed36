package continuity_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tasuki/internal/continuity"
	"tasuki/internal/ledger"
)

func promise() continuity.Promise {
	return continuity.Promise{List: strings.Repeat("9c", 32), Deadline: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), Events: []ledger.Hash{{1}, {2}}}
}

func TestPromise(t *testing.T) {
	skey, vkey, err := note.GenerateKey(rand.Reader, "tasuki/9c9c9c9c9c9c9c9c/1-first")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := promise().Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	want := "tasuki-receipt/v1\n" + strings.Repeat("9c", 32) + "\n2026-11-22T10:00:00Z\n01" + strings.Repeat("00", 31) + "\n02" + strings.Repeat("00", 31) + "\n\n— "
	if !strings.HasPrefix(string(signed), want) {
		t.Errorf("the frozen text is\n%s, want\n%s", signed, want)
	}
	got, err := continuity.OpenPromise(signed, verifier)
	if err != nil || got.String() != promise().String() {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := continuity.OpenPromise([]byte(strings.Replace(string(signed), "10:00", "11:00", 1)), verifier); !errors.Is(err, continuity.ErrPromise) {
		t.Errorf("an altered deadline: %v", err)
	}
	for _, none := range []continuity.Promise{{}, {Events: make([]ledger.Hash, 257)}} {
		if _, err := none.Sign(signer); !errors.Is(err, continuity.ErrPromise) {
			t.Errorf("%d events: %v", len(none.Events), err)
		}
	}
}

// A text is a promise in one spelling or not at all.
func FuzzParsePromise(f *testing.F) {
	f.Add(promise().String())
	f.Add(strings.ReplaceAll(promise().String(), "Z", "+00:00"))
	f.Add("tasuki-receipt/v1\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := continuity.ParsePromise(text)
		if err != nil {
			if !errors.Is(err, continuity.ErrPromise) || len(p.Events) > 0 {
				t.Fatalf("%+v %v", p, err)
			}
			return
		}
		if p.String() != text || len(p.Events) == 0 {
			t.Fatalf("%q was read from %q", p.String(), text)
		}
	})
}
