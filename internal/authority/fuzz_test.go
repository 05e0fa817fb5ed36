package authority

import (
	"bytes"
	"testing"

	"tasuki/spec/jcs"
)

// FuzzPrivate: a private body that is ours has one encoding, says whom it is about, and nothing makes the parser panic.
func FuzzPrivate(f *testing.F) {
	for _, fact := range []any{
		&userFact{Active: true, Created: "2026-11-21T21:00:07.120Z", Kind: userAdded, Org: "o", User: "u", Username: "ann"},
		&userFact{Added: 7, Created: "2026-11-21T21:00:07.120Z", Kind: userChanged, Org: "o", Roles: []string{Admin}, User: "u", Username: "ann"},
		&removedFact{Kind: userRemoved, User: "u"}, &secretFact{Kind: secretSet, PHC: "p", User: "u"}, &quotaFact{Kind: quotaSet, Org: "o", Quota: 7},
		&contactFact{Contacts: []Contact{{Email: "m"}}, Kind: contactSet, Org: "o"},
	} {
		raw, err := jcs.Canonical(fact)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"id":"CVE-2026-1","kind":"id.owner","org":"o"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		fact, err := parsePrivate(raw)
		if err != nil || fact == nil {
			return
		}
		if !fact.(interface{ check() bool }).check() {
			t.Fatalf("%s", raw)
		}
		again, err := jcs.Canonical(fact)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		second, err := parsePrivate(again)
		if err != nil {
			t.Fatalf("%s was written as %s: %v", raw, again, err)
		}
		if twice, err := jcs.Canonical(second); err != nil || !bytes.Equal(twice, again) {
			t.Fatalf("two encodings:\n%s\n%s", again, twice)
		}
	})
}

// FuzzPHC: a hash that is read is spelt in one way, and verifying it costs no more than it may.
func FuzzPHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$7mIMvtfBLKHZ8JiOpCmVvNwTrPaIMHcqkSiuIA2IKkg")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePHC(text)
		if err != nil {
			return
		}
		if p.String() != text || p.memory > maxMemory || p.time > maxTime || p.lanes > maxLanes {
			t.Fatalf("%q is %q", text, p)
		}
	})
}
