package registry

import (
	"testing"
	"time"
)

// A private fact that is read and written again says the same.
func FuzzFact(f *testing.F) {
	for _, seed := range []fact{
		{kind: ownerFact, id: "CVE-2026-0001", org: "22222222-2222-4222-8222-222222222222"},
		{kind: requesterFact, id: "CVE-2026-0001", org: "22222222-2222-4222-8222-222222222222", user: "55555555-5555-4555-8555-555555555555"},
		{kind: requesterFact, id: "CVE-2026-0001", from: "https://cve.test/api/", reserved: time.Date(2026, 3, 1, 8, 0, 0, 125e6, time.UTC)},
	} {
		body, err := seed.marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte(`{"id":"CVE-2026-0001","kind":"id.requester/1","org":"a"}`))
	f.Add([]byte(`{"from":"x","id":"CVE-2026-0001","kind":"id.requester/1","reserved":"yesterday"}`))
	f.Add([]byte(`{"kind":"user.added","reserved":7}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		was, ours, err := readFact(body)
		if err != nil || !ours {
			return
		}
		out, err := was.marshal()
		if err != nil {
			t.Fatal(err)
		}
		is, ours, err := readFact(out)
		if err != nil || !ours || is != was {
			t.Errorf("%s\nbecame %s: %+v, %+v (%v)", body, out, was, is, err)
		}
	})
}
