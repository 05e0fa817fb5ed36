package gcve_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/gate/gatetest"
	room "tasuki/internal/gcve"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve"
	"tasuki/spec/gcve"
)

// world is a list with the acts of this room.
type world struct{ *gatetest.World }

func (w world) do(decide func(ctx context.Context, t *gate.Turn) error) error {
	return w.Gate.Do(context.Background(), gatetest.Importer, gate.Command{Action: authority.Act, Decide: decide})
}

func (w world) allocate(t *testing.T, g gcve.GNA, year, n int) (ids []gcve.ID) {
	t.Helper()
	if err := w.do(func(ctx context.Context, turn *gate.Turn) (err error) {
		ids, err = room.Allocate(ctx, turn.Tx, turn, g, year, n)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return ids
}

func (w world) put(id gcve.ID, raw string) (err error) {
	return w.do(func(ctx context.Context, turn *gate.Turn) error {
		_, err := room.Put(ctx, turn.Tx, turn, id, []byte(raw))
		return err
	})
}

func (w world) pull(from gcve.GNA, raw string) (v room.Verdict, err error) {
	doc, err := w.Gate.Pack(event.GCVEPulled, []byte(raw))
	if err != nil {
		return "", err
	}
	err = w.do(func(ctx context.Context, turn *gate.Turn) error {
		v, err = room.Pull(ctx, turn.Tx, turn, from, "https://gna.example/dumps/gna.ndjson", doc)
		return err
	})
	return v, err
}

func (w world) view(t *testing.T, read func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	if err := w.DB.View(context.Background(), func(tx *store.Tx) error { return read(context.Background(), tx) }); err != nil {
		t.Fatal(err)
	}
}

func (w world) lookup(t *testing.T, text string) (out []room.Record) {
	t.Helper()
	w.view(t, func(ctx context.Context, tx *store.Tx) (err error) {
		out, err = room.Lookup(ctx, tx, text)
		return err
	})
	return out
}

// replayed demands that folding the log again gives the same tables.
func (w world) replayed(t *testing.T) {
	t.Helper()
	if _, err := w.Gate.Replay(context.Background(), false, nil); err != nil {
		t.Error(err)
	}
}

func each(t *testing.T, fn func(t *testing.T, w world)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := world{gatetest.New(t, db)}
		fn(t, w)
		if !t.Failed() {
			w.replayed(t)
		}
	})
}

const affected = `"affected":[{"vendor":"Acme","product":"Anvil"}],"problemTypes":[{"descriptions":[{"cweId":"CWE-79","lang":"en","description":"x"}]}]`

func TestOwnIdentifiers(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ids := w.allocate(t, gcve.GNATest, 2026, 3)
		if got := fmt.Sprint(ids); got != "[GCVE-65535-2026-0001 GCVE-65535-2026-0002 GCVE-65535-2026-0003]" {
			t.Fatal(got)
		}
		if more := w.allocate(t, gcve.GNATest, 2025, 1); more[0].String() != "GCVE-65535-2025-0001" {
			t.Errorf("another year: %s", more)
		}
		if more := w.allocate(t, gcve.GNATest, 2026, 1); more[0].String() != "GCVE-65535-2026-0004" {
			t.Errorf("the next one: %s", more)
		}
		w.Clock.Add(time.Hour)
		if err := w.put(ids[0], `{"cveMetadata":{"cveId":"CVE-2026-1234","assignerShortName":"Us","extra":1.0},"containers":{"cna":{"title":"Anvil falls",`+affected+`}}}`); err != nil {
			t.Fatal(err)
		}
		w.Clock.Add(time.Hour)
		if err := w.put(ids[0], `{"containers":{"cna":{"title":"Anvil falls again"}}}`); err != nil {
			t.Fatal(err)
		}
		if err := w.do(func(ctx context.Context, turn *gate.Turn) error {
			return room.Reject(ctx, turn.Tx, turn, ids[1], "unused")
		}); err != nil {
			t.Fatal(err)
		}
		got := w.lookup(t, ids[0].String())
		if len(got) != 1 || got[0].Title != "Anvil falls again" || got[0].Origin != gcve.GNATest || got[0].Source != "" ||
			got[0].Published.Format(time.RFC3339) != "2026-11-21T10:00:00Z" || got[0].Updated.Format(time.RFC3339) != "2026-11-21T11:00:00Z" ||
			got[0].Reserved.Format(time.RFC3339) != "2026-11-21T09:00:00Z" {
			t.Errorf("%+v", got)
		}
		// What its first version was about is not what the record is about.
		if left := w.lookup(t, "CVE-2026-1234"); len(left) != 0 {
			t.Errorf("%+v", left)
		}
		w.view(t, func(ctx context.Context, tx *store.Tx) error {
			raw, err := room.Body(ctx, tx, w.Log, got[0])
			if err != nil || !strings.Contains(string(raw), `"vulnId":"GCVE-65535-2026-0001"`) || !strings.Contains(string(raw), `"state":"PUBLISHED"`) {
				t.Errorf("%s (%v)", raw, err)
			}
			n, err := room.Counts(ctx, tx)
			if err != nil || n[cve.Reserved] != 3 || n[cve.Published] != 1 || n[cve.Rejected] != 1 {
				t.Errorf("%v (%v)", n, err)
			}
			list, err := room.Allocations(ctx, tx, -1, 10)
			if err != nil || len(list) != 5 || list[4].ID != ids[1] || list[4].State != cve.Rejected || list[3].ID != ids[0] {
				t.Errorf("%v (%v)", list, err)
			}
			rest, err := room.Allocations(ctx, tx, list[3].Newest, 10)
			if err != nil || len(rest) != 1 {
				t.Errorf("after a leaf: %v (%v)", rest, err)
			}
			return nil
		})
	})
}

func TestRefusals(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ids := w.allocate(t, gcve.GNATest, 2026, 2)
		if err := w.do(func(ctx context.Context, turn *gate.Turn) error {
			return room.Reject(ctx, turn.Tx, turn, ids[1], "unused")
		}); err != nil {
			t.Fatal(err)
		}
		alloc := func(g gcve.GNA, year, n int) error {
			return w.do(func(ctx context.Context, turn *gate.Turn) error {
				_, err := room.Allocate(ctx, turn.Tx, turn, g, year, n)
				return err
			})
		}
		before := w.size(t)
		for name, tc := range map[string]struct{ got, want error }{
			"another authority":            {alloc(7, 2026, 1), room.ErrOther},
			"the CVE Program":              {alloc(0, 2026, 1), room.ErrOther},
			"none":                         {alloc(gcve.GNATest, 2026, 0), room.ErrAmount},
			"too many":                     {alloc(gcve.GNATest, 2026, 1001), room.ErrAmount},
			"a year to come":               {alloc(gcve.GNATest, 2028, 1), room.ErrYear},
			"a year before all":            {alloc(gcve.GNATest, 1998, 1), room.ErrYear},
			"a record of another's":        {w.put(gcve.Issue(7, 2026, 1), `{}`), room.ErrOther},
			"a record of nobody's":         {w.put(gcve.Issue(gcve.GNATest, 2026, 99), `{}`), room.ErrNotFound},
			"a record of a rejected one":   {w.put(ids[1], `{}`), room.ErrState},
			"no JSON":                      {w.put(ids[0], `{`), room.ErrDocument},
			"another identifier in x_gcve": {w.put(ids[0], `{"containers":{"cna":{"x_gcve":[{"vulnId":"GCVE-1-1","recordType":"advisory"}]}}}`), room.ErrDocument},
			"a state that there is not":    {w.put(ids[0], `{"cveMetadata":{"state":"RESERVED"}}`), room.ErrDocument},
		} {
			if !errors.Is(tc.got, tc.want) {
				t.Errorf("%s: %v, want %v", name, tc.got, tc.want)
			}
		}
		if after := w.size(t); after != before {
			t.Errorf("refusals wrote %d leaves", after-before)
		}
	})
}

func (w world) size(t *testing.T) (n int64) {
	w.view(t, func(ctx context.Context, tx *store.Tx) error {
		h, err := w.Log.Head(ctx, tx)
		n = h.Size
		return err
	})
	return n
}

// What no honest operator writes is refused by every fold, a mirror's too.
func TestRules(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ids := w.allocate(t, gcve.GNATest, 2026, 2)
		if err := w.put(ids[0], `{"containers":{"cna":{}}}`); err != nil {
			t.Fatal(err)
		}
		if _, err := w.pull(1, foreign("GCVE-1-x", "2026-10-02T00:00:00Z", "")); err != nil {
			t.Fatal(err)
		}
		emit := func(e event.Event, raw string) error {
			return w.do(func(ctx context.Context, turn *gate.Turn) (err error) {
				var doc *event.Doc
				if raw != "" {
					if doc, err = event.Pack(turn.Rand(), []byte(raw)); err != nil {
						return err
					}
				}
				_, err = turn.Emit(ctx, &e, doc)
				return err
			})
		}
		own := `{"cveMetadata":{"vulnId":"GCVE-65535-2026-0001","state":"PUBLISHED"}}`
		theirs := foreign("GCVE-1-x", "2026-10-01T00:00:00Z", "")
		older := event.Dates{Updated: "2026-10-01T00:00:00Z"}
		for name, err := range map[string]error{
			"a number twice":              emit(event.Event{Kind: event.GCVEAllocated, ID: "GCVE-65535-2026-0002"}, ""),
			"another authority":           emit(event.Event{Kind: event.GCVEAllocated, ID: "GCVE-7-2026-0003"}, ""),
			"another form":                emit(event.Event{Kind: event.GCVEAllocated, ID: "GCVE-65535-2026-0009x"}, ""),
			"a record without allocation": emit(event.Event{Kind: event.GCVEPut, ID: "GCVE-65535-2026-0009", State: "PUBLISHED"}, own),
			"a record over nothing":       emit(event.Event{Kind: event.GCVEPut, ID: "GCVE-65535-2026-0001", State: "PUBLISHED"}, own),
			"rejected with a record":      emit(event.Event{Kind: event.GCVERejected, ID: "GCVE-65535-2026-0001", Reason: "x"}, ""),
			"another's number":            emit(event.Event{Kind: event.GCVEPulled, ID: "GCVE-1-x", State: "PUBLISHED", From: "gna-2", Source: "https://x.example"}, theirs),
			"our own number":              emit(event.Event{Kind: event.GCVEPulled, ID: "GCVE-65535-2026-0001", State: "PUBLISHED", From: "gna-65535", Source: "https://x.example"}, own),
			"an older record":             emit(event.Event{Kind: event.GCVEPulled, ID: "GCVE-1-x", State: "PUBLISHED", From: "gna-1", Source: "https://x.example", Dates: older}, theirs),
			"another state":               emit(event.Event{Kind: event.GCVEPulled, ID: "GCVE-1-y", State: "REJECTED", From: "gna-1", Source: "https://x.example"}, foreign("GCVE-1-y", "", "")),
			"another identifier":          emit(event.Event{Kind: event.GCVEPulled, ID: "GCVE-1-y", State: "PUBLISHED", From: "gna-1", Source: "https://x.example"}, foreign("GCVE-1-z", "", "")),
			"no directory":                emit(event.Event{Kind: event.GCVEDirectory, Source: "x", Digest: gatetest.List}, `{}`),
		} {
			if !errors.Is(err, room.ErrRule) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func foreign(id, updated, more string) string {
	dates := ""
	if updated != "" {
		dates = `,"dateUpdated":"` + updated + `"`
	}
	return `{"dataType":"CVE_RECORD","dataVersion":"5.2.0","cveMetadata":{"vulnId":"` + id + `","state":"PUBLISHED"` + dates + `},"containers":{"cna":{"title":"` + id + `"` + more + `}}}`
}

func TestPull(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ids := w.allocate(t, gcve.GNATest, 2026, 1)
		for _, tc := range []struct {
			from gcve.GNA
			raw  string
			want room.Verdict
		}{
			{1, foreign("GCVE-1-2026-0001", "2026-10-01T00:00:00Z", `,`+affected+`,"x_gcve":[{"vulnId":"GCVE-1-2026-0001","recordType":"analysis","relationships":[{"destId":"CVE-2026-7777","type":"equal"}]}]`), room.Added},
			{1, foreign("GCVE-1-2026-0001", "2026-10-01T00:00:00Z", `,`+affected+`,"x_gcve":[{"vulnId":"GCVE-1-2026-0001","recordType":"analysis","relationships":[{"destId":"CVE-2026-7777","type":"equal"}]}]`), room.Unchanged},
			{1, foreign("GCVE-1-2026-0001", "2026-09-01T00:00:00Z", ``), room.Stale},
			{2, foreign("GCVE-2-XX-[1]/{2}", "", ``), room.Added},
			{2, foreign("GCVE-2-XX-[1]/{2}", "", `,"x_more":1`), room.Updated},
			{2, foreign("GCVE-1-2026-0002", "", ``), room.Foreign},
			{0, foreign("GCVE-0-2026-0002", "", ``), room.Foreign},
			{gcve.GNATest, foreign(ids[0].String(), "", ``), room.Foreign},
		} {
			if v, err := w.pull(tc.from, tc.raw); v != tc.want || err != nil {
				t.Errorf("%s: %q (%v), want %q", tc.raw, v, err, tc.want)
			}
		}
		if _, err := w.pull(1, `{"cveMetadata":{"state":"PUBLISHED"}}`); !errors.Is(err, gcve.ErrRecord) {
			t.Errorf("no identifier: %v", err)
		}
		if _, err := w.pull(1, foreign("GCVE-1-9", strings.Repeat("2", 65), "")); err == nil {
			t.Error("a date of 65 characters went in")
		}
		// Every fact says who said it and by which path it came; it is found under each of its identifiers.
		for _, text := range []string{"gcve-1-2026-0001", "CVE-2026-7777", "GCVE-0-2026-7777", "cve-2026-7777"} {
			got := w.lookup(t, text)
			if len(got) != 1 || got[0].ID.String() != "GCVE-1-2026-0001" || got[0].Origin != 1 || got[0].Source != "https://gna.example/dumps/gna.ndjson" {
				t.Errorf("%s: %+v", text, got)
			}
		}
		if err := w.do(func(ctx context.Context, turn *gate.Turn) error {
			_, err := turn.Emit(ctx, &event.Event{Kind: event.IDAlias, ID: "CVE-2026-8888", Alias: "GCVE-2-XX-[1]/{2}"}, nil)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		got := w.lookup(t, "CVE-2026-8888")
		if len(got) != 1 || got[0].ID.String() != "GCVE-2-XX-[1]/{2}" {
			t.Fatalf("by a link that the log says: %+v", got)
		}
		w.view(t, func(ctx context.Context, tx *store.Tx) error {
			names, err := room.Aliases(ctx, tx, got[0])
			if err != nil || !slices.Equal(names, []string{"CVE-2026-8888"}) {
				t.Errorf("%q (%v)", names, err)
			}
			origins, err := room.Origins(ctx, tx)
			if err != nil || len(origins) != 2 || origins[0].GNA != 1 || origins[1].Records != 1 {
				t.Errorf("%+v (%v)", origins, err)
			}
			return nil
		})
		// An erased body takes with it what the record was about, and the same document does not come again.
		leaf := got[0].Leaf
		if err := w.do(func(ctx context.Context, turn *gate.Turn) error {
			if err := w.Log.Erase(ctx, turn.Tx, leaf); err != nil {
				return err
			}
			_, err := turn.Emit(ctx, &event.Event{Kind: event.BodyErased, Leaf: &leaf, Reason: "personal-data"}, nil)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if v, err := w.pull(2, foreign("GCVE-2-XX-[1]/{2}", "", `,"x_more":1`)); v != room.Stale || err != nil {
			t.Errorf("the erased document again: %q (%v)", v, err)
		}
		if got := w.lookup(t, "GCVE-2-XX-[1]/{2}"); len(got) != 1 || !got[0].Erased() || got[0].Title != "" {
			t.Errorf("%+v", got)
		}
		w.view(t, func(ctx context.Context, tx *store.Tx) error {
			if _, err := room.Body(ctx, tx, w.Log, got[0]); !errors.Is(err, ledger.ErrNotFound) {
				t.Errorf("%v", err)
			}
			return nil
		})
	})
}

func TestPage(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		for i := range 7 {
			more := ""
			if i%2 == 0 {
				more = "," + affected + `,"providerMetadata":{"orgId":"x","shortName":"Them"}`
			}
			if _, err := w.pull(1, foreign(fmt.Sprintf("GCVE-1-2026-%04d", i), fmt.Sprintf("2026-10-%02dT00:00:00Z", 20-i), more)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.pull(2, foreign("GCVE-2-1", "2026-10-05T00:00:00Z", "")); err != nil {
			t.Fatal(err)
		}
		w.view(t, func(ctx context.Context, tx *store.Tx) error {
			for name, tc := range map[string]struct {
				p     gcve.Params
				total int64
				ids   string
			}{
				"newest first":            {gcve.Params{PerPage: 3, Page: 1}, 7, "0000 0001 0002"},
				"the last page":           {gcve.Params{PerPage: 3, Page: 3}, 7, "0006"},
				"beyond":                  {gcve.Params{PerPage: 3, Page: 4}, 7, ""},
				"oldest first":            {gcve.Params{PerPage: 2, Page: 1, Asc: true, DateSort: gcve.ByUpdated}, 7, "0006 0005"},
				"strictly later":          {gcve.Params{PerPage: 9, Page: 1, Since: time.Date(2026, 10, 18, 0, 0, 0, 0, time.UTC)}, 2, "0000 0001"},
				"by a date that none has": {gcve.Params{PerPage: 9, Page: 1, DateSort: gcve.ByPublished, Since: time.Date(2026, 10, 18, 0, 0, 0, 0, time.UTC)}, 0, ""},
				"a weakness":              {gcve.Params{PerPage: 9, Page: 1, CWE: "CWE-79"}, 4, "0000 0002 0004 0006"},
				"a product":               {gcve.Params{PerPage: 9, Page: 1, Product: "aNVIL", Assigner: "them"}, 4, "0000 0002 0004 0006"},
				"another's product":       {gcve.Params{PerPage: 9, Page: 1, Product: "anvil", Vendor: "other"}, 0, ""},
				"another's assigner":      {gcve.Params{PerPage: 9, Page: 1, Vendor: "ACME", Assigner: "us"}, 0, ""},
			} {
				got, total, err := room.Page(ctx, tx, 1, tc.p)
				var ids []string
				for _, r := range got {
					ids = append(ids, r.ID.String()[len("GCVE-1-2026-"):])
				}
				if err != nil || total != tc.total || strings.Join(ids, " ") != tc.ids {
					t.Errorf("%s: %d, %s (%v)", name, total, ids, err)
				}
			}
			var all []string
			for key := ""; ; {
				got, last, err := room.After(ctx, tx, 1, key, 3)
				if err != nil {
					return err
				}
				if len(got) == 0 {
					break
				}
				for _, r := range got {
					all = append(all, r.ID.String())
				}
				key = last
			}
			if len(all) != 7 || !slices.IsSorted(all) {
				t.Errorf("%q", all)
			}
			return nil
		})
	})
}

// signer makes directories as gcve.eu does.
type signer struct {
	private *rsa.PrivateKey
	key     gcve.Key
}

func newSigner(t *testing.T) signer {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	key, err := gcve.ParseKey(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	if err != nil {
		t.Fatal(err)
	}
	return signer{k, key}
}

func (s signer) sign(t *testing.T, text string) room.Signed {
	t.Helper()
	sum := sha512.Sum512([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, s.private, crypto.SHA512, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return room.Signed{Directory: []byte(text), Signature: []byte(base64.StdEncoding.EncodeToString(sig)), Key: s.key}
}

func TestDirectory(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		s := newSigner(t)
		var change room.Change
		note := func(d room.Signed, accept string) error {
			return w.do(func(ctx context.Context, turn *gate.Turn) (err error) {
				change, err = room.Note(ctx, turn.Tx, w.Log, turn, "https://gcve.example/dist/gcve.json", d, accept)
				return err
			})
		}
		first := s.sign(t, `[{"id":1,"short_name":"a"},{"id":2,"short_name":"b"}]`)
		if err := note(first, ""); err != nil || len(change.Added) != 2 {
			t.Fatalf("%+v (%v)", change, err)
		}
		if err := note(first, ""); err != nil || !change.Same {
			t.Errorf("again: %+v (%v)", change, err)
		}
		forged := first
		forged.Directory = []byte(`[{"id":1,"short_name":"evil"}]`)
		if err := note(forged, ""); !errors.Is(err, gcve.ErrSignature) {
			t.Errorf("forged: %v", err)
		}
		stranger := newSigner(t).sign(t, string(first.Directory))
		stranger.Key = s.key
		if err := note(stranger, ""); !errors.Is(err, gcve.ErrSignature) {
			t.Errorf("another key: %v", err)
		}
		// An entry is missing, and nothing says that this is the newer one.
		short := s.sign(t, `[{"id":1,"short_name":"a"}]`)
		if err := note(short, ""); !errors.Is(err, room.ErrBack) {
			t.Errorf("an entry missing: %v", err)
		}
		digest := change.Digest
		if err := note(short, strings.ToUpper(digest)); !errors.Is(err, room.ErrBack) {
			t.Errorf("accepted by another digest: %v", err)
		}
		dated := s.sign(t, `[{"id":1,"short_name":"a","updated_at":"2026-10-02T00:00:00Z"},{"id":2,"short_name":"b"}]`)
		if err := note(dated, ""); err != nil || len(change.Changed) != 1 {
			t.Fatalf("%+v (%v)", change, err)
		}
		if err := note(first, ""); !errors.Is(err, room.ErrBack) {
			t.Errorf("one that was seen before: %v", err)
		}
		if err := note(s.sign(t, `[{"id":1,"short_name":"a","updated_at":"2026-10-01T00:00:00Z"},{"id":2,"short_name":"b"},{"id":3}]`), ""); !errors.Is(err, room.ErrBack) {
			t.Errorf("older dates: %v", err)
		}
		if err := note(s.sign(t, `[{"id":1,"short_name":"old"},{"id":2,"short_name":"b","updated_at":"2026-10-03T00:00:00Z"}]`), ""); !errors.Is(err, room.ErrBack) {
			t.Errorf("one entry goes back: %v", err)
		}
		newer := s.sign(t, `[{"id":1,"short_name":"a","updated_at":"2026-10-04T00:00:00Z"}]`)
		if err := note(newer, ""); err != nil || len(change.Removed) != 1 {
			t.Errorf("newer without an entry: %+v (%v)", change, err)
		}
		shorter := s.sign(t, `[]`)
		if err := note(shorter, ""); !errors.Is(err, room.ErrBack) {
			t.Errorf("empty: %v", err)
		}
		w.view(t, func(ctx context.Context, tx *store.Tx) error {
			seen, d, err := room.Newest(ctx, tx, w.Log)
			if err != nil || len(d.Authorities) != 1 || seen.Updated.Day() != 4 || seen.Source != "https://gcve.example/dist/gcve.json" {
				t.Errorf("%+v %+v (%v)", seen, d, err)
			}
			return nil
		})
	})
}

// An operator may take a directory that lost entries without a date, by its digest.
func TestDirectoryAccepted(t *testing.T) {
	w := world{gatetest.New(t, storetest.Open(t, storetest.SQLite(t)))}
	s := newSigner(t)
	for i, d := range []room.Signed{s.sign(t, `[{"id":1},{"id":2}]`), s.sign(t, `[{"id":1}]`)} {
		accept := ""
		for range i + 1 {
			err := w.do(func(ctx context.Context, turn *gate.Turn) error {
				c, err := room.Note(ctx, turn.Tx, w.Log, turn, "f", d, accept)
				accept = c.Digest
				return err
			})
			if i == 0 && err != nil || i == 1 && accept == "" {
				t.Fatal(err)
			}
		}
	}
	w.view(t, func(ctx context.Context, tx *store.Tx) error {
		_, d, err := room.Newest(ctx, tx, w.Log)
		if err != nil || len(d.Authorities) != 1 {
			t.Errorf("%+v (%v)", d, err)
		}
		return nil
	})
}

// A new epoch passes over the numbers that the last operator may have given out without anybody having seen it.
func TestEpochSkips(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.allocate(t, gcve.GNATest, 2026, 2)
		if err := w.do(func(ctx context.Context, turn *gate.Turn) error {
			_, err := turn.Emit(ctx, &event.Event{Kind: event.EpochOpened, Charter: gatetest.List, Epoch: 2, Root: gatetest.List, Size: 2}, nil)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for year, want := range map[int]string{2026: "GCVE-65535-2026-10003", 2027: "GCVE-65535-2027-10001", 2025: "GCVE-65535-2025-0001"} {
			if ids := w.allocate(t, gcve.GNATest, year, 1); ids[0].String() != want {
				t.Errorf("%d: %s", year, ids[0])
			}
		}
	})
}
