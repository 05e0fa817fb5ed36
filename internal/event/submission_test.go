package event_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
)

func sealed(t testing.TB, name string, body []byte) *event.Submission {
	t.Helper()
	e := allFrozen()[name]
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	s, err := event.Seal(rand.NewChaCha8([32]byte{1}), &e, body, func(raw []byte) (ledger.Sig, error) { return event.SignBytes(key, raw), nil })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSubmission(t *testing.T) {
	body := []byte(`{"descriptions":[{"lang":"en","value":"A flaw, <b>\u00e9</b>."}]}`)
	for name, s := range map[string]*event.Submission{"record.put": sealed(t, "record.put", body), "key.revoked": sealed(t, "key.revoked", nil)} {
		raw, err := s.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		back, entry, err := event.ParseSubmission(raw)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if again, err := back.Marshal(); err != nil || !bytes.Equal(again, raw) || back.Hash() != s.Hash() {
			t.Errorf("%s: %s (%v)", name, again, err)
		}
		if s.Body != nil {
			if got, err := entry.Doc.Bytes(); err != nil || !bytes.Equal(got, body) || entry.Doc.Body.Hash != entry.Body.H {
				t.Errorf("%s: body %s (%v)", name, got, err)
			}
		}
	}
	raw, err := sealed(t, "record.put", body).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	other, err := sealed(t, "key.revoked", nil).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		raw string
		err error
	}{
		"another event under the signature": {strings.Replace(string(other), `"payload":"`, `"payload":"`+text[strings.Index(text, `"payload":"`)+11:strings.Index(text, `","signatures"`)]+`","x":"`, 1), event.ErrSubmission},
		"another body":                      {strings.Replace(text, `"body":"ey`, `"body":"eY`, 1), event.ErrSubmission},
		"no body":                           {text[:strings.Index(text, `,"body"`)] + "}", event.ErrSubmission},
		"another salt":                      {strings.Replace(text, `"bodySalt":"`, `"bodySalt":"f`, 1), event.ErrSubmission},
		"another type":                      {strings.Replace(text, "tasuki.event", "tasuki.charter", 1), event.ErrSubmission},
		"another key":                       {strings.Replace(text, `"keyid":"`, `"keyid":"A`, 1), event.ErrSignature},
		"no signature":                      {`{"payloadType":"application/vnd.tasuki.event+json","payload":"e30=","signatures":[]}`, event.ErrSubmission},
		"more after it":                     {text + "{}", event.ErrSubmission},
		"an unknown member":                 {strings.Replace(text, `{"payloadType"`, `{"secret":"x","payloadType"`, 1), event.ErrSubmission},
		"too long":                          {text + strings.Repeat(" ", event.MaxSubmission), event.ErrSubmission},
	} {
		if _, _, err := event.ParseSubmission([]byte(tc.raw)); !errors.Is(err, tc.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzSubmission: what is taken is signed, binds its body, and is written and read the same again.
func FuzzSubmission(f *testing.F) {
	for _, name := range []string{"record.put", "key.revoked", "block.closed"} {
		var body []byte
		if name == "record.put" {
			body = []byte("{}")
		}
		s := sealed(f, name, body)
		if name == "block.closed" {
			s.Opens = &event.Opening{Org: acme, Salt: [16]byte{1}}
		}
		raw, err := s.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, entry, err := event.ParseSubmission(raw)
		if err != nil {
			return
		}
		if err := entry.CheckSigs(); err != nil || len(entry.Sigs) == 0 {
			t.Fatalf("taken unsigned: %v", err)
		}
		again, err := s.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if back, _, err := event.ParseSubmission(again); err != nil || back.Hash() != s.Hash() || !bytes.Equal(back.Body, s.Body) {
			t.Fatalf("written and read: %v", err)
		}
	})
}
