package event_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
)

// bases are whole documents that containers may be put over; the first is none.
var bases = []string{"",
	`{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"CVE-2026-1000","state":"PUBLISHED","datePublished":"2024-01-01T00:00:00","dateUpdated":"2024-01-01T00:00:00"},` +
		`"containers":{"cna":{"title":"base"},"adp":[{"providerMetadata":{"orgId":"b"},"title":"there"}]}}`,
	`{"dataVersion":"5.0","cveMetadata":{"cveId":"CVE-2026-1000","state":"PUBLISHED"},"containers":{"cna":{"title":"base"}}}`,
	`{"dataVersion":"5.1","cveMetadata":{"cveId":"CVE-2026-1000","state":"REJECTED","dateRejected":"2024-01-01T00:00:00","dateUpdated":"2024-01-01T00:00:00"},"containers":{"cna":{}}}`,
	`{"dataVersion":"5.2","cveMetadata":{"cveId":"CVE-2026-1000","state":"REJECTED"},"containers":{"cna":{}}}`,
}

// whole is an entry of a base.
func whole(t testing.TB, raw string) *event.Entry {
	t.Helper()
	if raw == "" {
		return nil
	}
	return &event.Entry{Event: &event.Event{Kind: event.RecordImported, ID: "CVE-2026-1000"}, Doc: doc(t, raw)}
}

func doc(t testing.TB, raw string) *event.Doc {
	t.Helper()
	d, err := event.Pack(rand.Reader, []byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// containers draws what organisations may put over a base.
func containers(t testing.TB, rt *rapid.T, base string, most int) (puts []*event.Entry) {
	published := bytes.Contains([]byte(base), []byte("PUBLISHED"))
	for i := range rapid.IntRange(1, most).Draw(rt, "puts") {
		e := &event.Event{Kind: event.RecordPut, Cont: "cna", ID: "CVE-2026-1000", At: at.Add(time.Duration(i) * time.Hour),
			By: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "by"), DV: rapid.SampledFrom([]string{"5.1.0", "5.2.0", "5.0.0"}).Draw(rt, "dv")}
		switch rapid.IntRange(0, 4).Draw(rt, "what") {
		case 0, 1:
			e.Kind, e.Cont = event.RecordRejected, ""
		case 2, 3:
			if published {
				e.Cont = "adp"
			}
		}
		if e.Container() == "cna" {
			published = e.Kind == event.RecordPut
		}
		entry := &event.Entry{Event: e, Index: int64(i), Doc: doc(t, fmt.Sprintf(`{"title":"%d"}`, i))}
		if i == 0 && base == "" {
			e.Reserved, e.Short, entry.Own = at, "kumo", &ledger.Own{}
		}
		puts = append(puts, entry)
	}
	return puts
}

// A record is assembled from the needed leaves alone as from all, whenever the others were dropped, and whatever is put after. Of
// the needed ones, the bodies of those that are shown are enough.
func TestNeeded(t *testing.T) {
	most := 0
	rapid.Check(t, func(rt *rapid.T) {
		raw := rapid.SampledFrom(bases).Draw(rt, "base")
		base, puts := whole(t, raw), containers(t, rt, raw, 30)
		owner := func(ledger.Own) (string, error) { return "o", nil }
		var some []*event.Entry
		for n, e := range puts {
			some = event.Needed(append(some, e))
			want, err := event.Assemble(base, puts[:n+1], owner)
			if err != nil {
				rt.Fatal(err)
			}
			bare := make([]*event.Entry, len(some))
			for i, shown := range event.Shown(some) {
				copied := *some[i]
				if bare[i] = &copied; !shown {
					copied.Doc = nil
				}
			}
			got, err := event.Assemble(base, bare, owner)
			if err != nil || !bytes.Equal(got, want) {
				rt.Fatalf("of %d leaves %d:\n%s (%v)\nof all:\n%s", n+1, len(some), got, err, want)
			}
			most = max(most, len(some))
		}
	})
	t.Logf("at most %d of 30 leaves are needed", most)
	if most > 20 {
		t.Error("what is needed grows with the history")
	}
}

// What is shown cannot be missing: without the body of any shown leaf the record cannot be assembled, and without the others it can.
func TestShownIsMissed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		raw := rapid.SampledFrom(bases).Draw(rt, "base")
		base, puts := whole(t, raw), containers(t, rt, raw, 8)
		n := rapid.IntRange(0, len(puts)-1).Draw(rt, "erased")
		shown := event.Shown(puts)[n]
		replaced := false
		for _, later := range puts[n+1:] {
			replaced = replaced || later.Replaces(puts[n].Event)
		}
		puts[n].Doc = nil
		if _, err := event.Assemble(base, puts, nil); errors.Is(err, event.ErrErased) != shown || shown == replaced {
			rt.Fatalf("leaf %d of %d, shown %v, replaced %v: %v", n, len(puts), shown, replaced, err)
		}
		if base != nil {
			base.Doc = nil
			if _, err := event.Assemble(base, puts, nil); !errors.Is(err, event.ErrErased) {
				rt.Fatalf("without its base: %v", err)
			}
		}
	})
}
