package authority

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"time"

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

// FuzzRulePack: whatever pack is read can be asked: every deadline lies after its trigger, in every calendar.
func FuzzRulePack(f *testing.F) {
	f.Add(builtinRaw, int64(1_800_000_000))
	f.Add([]byte(`{"version":"1","effective":"2026-01-01T00:00:00Z","roles":[{"role":"CNA"}],"deadlines":[{"trigger":"t","amount":3,"unit":"business_days"}],
		"calendars":[{"calendar":"c","zone":"America/Havana","weekend":["friday"],"holidays":["2026-03-08"],"through":"2026-12-31"}]}`), int64(1_772_900_000))
	f.Fuzz(func(t *testing.T, raw []byte, unix int64) {
		p, err := ParseRulePack(raw)
		if err != nil {
			if !errors.Is(err, ErrRulePack) {
				t.Fatal(err)
			}
			return
		}
		at := time.Unix(unix%4_000_000_000, 0).UTC()
		for _, d := range p.Deadlines {
			for _, c := range p.Calendars {
				due, err := p.Deadline(d.Trigger, at, c.Name)
				if err != nil || !due.After(at) || d.Unit == "hours" && due.Sub(at) != time.Duration(d.Amount)*time.Hour {
					t.Fatalf("%s in %s from %s: %s, %v", d.Trigger, c.Name, at, due, err)
				}
				if d.Unit == "business_days" && !c.Business(due) {
					t.Fatalf("%s in %s from %s: %s is no business day", d.Trigger, c.Name, at, due)
				}
			}
		}
	})
}

// FuzzPartners: a list that is read can be imported: names and scopes are such as the commands take, and texts hold no markup.
func FuzzPartners(f *testing.F) {
	raw, err := os.ReadFile("testdata/partners.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`[{"shortName":"xx","organizationName":"<b>X</b> &amp; Co.","scope":"X* issues only, EOL<br>excluded","CNA":{"type":["Vendor"],"roles":[{"role":"CNA"}]}}]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		list, err := LoadPartners(raw)
		if err != nil {
			if !errors.Is(err, ErrPartners) {
				t.Fatal(err)
			}
			return
		}
		for _, p := range list {
			b := orgBody{Name: p.Name, Profile: p.Profile, Short: p.Short}
			if err := b.check(); err != nil {
				t.Fatalf("%+v: %v", p, err)
			}
			if _, err := jcs.Canonical(b); err != nil {
				t.Fatalf("%+v: %v", p, err)
			}
			for _, r := range p.Roles {
				if err := r.Scope.Check(); err != nil || !r.Role.Known() {
					t.Fatalf("%+v: %v", p, err)
				}
			}
		}
	})
}
