package program_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/governance"
	"tasuki/internal/ledger"
	"tasuki/internal/program"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// chainOf is a charter of whoever operates the worlds of this package.
func chainOf(t testing.TB) *charter.Chain {
	t.Helper()
	key, err := charter.NewKey(bytes.NewReader(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	log := charter.LogKey{Private: key}
	doc, _, err := charter.Genesis(charter.Options{Org: gatetest.Operator, Log: log.Public(),
		Features: []string{charter.FeatureEvents1, charter.FeatureEvents2, charter.FeatureEvents3}}, bytes.NewReader(bytes.Repeat([]byte{7}, 64)), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := charter.NewChain(doc)
	if err != nil {
		t.Fatal(err)
	}
	return chain
}

// followed brings the world's log into a mirror of it, which has no private fact, and holds every leaf to the rules: what honest acts write is lawful.
func (w *world) followed(t testing.TB) *world {
	t.Helper()
	ctx := context.Background()
	tt, ok := t.(*testing.T)
	if !ok {
		t.Fatal("not a test")
	}
	m := &world{World: gatetest.New(t, storetest.Open(t, storetest.SQLite(t)))}
	m.Service = newService(tt, m.World)
	check := program.Checker{Service: m.Service, Chain: chainOf(t)}
	var batch []*gate.Inspected
	take := func() {
		if err := m.Gate.Follow(ctx, batch, gate.Following{Check: check.Check}); err != nil {
			var v *event.Violation
			if errors.As(err, &v) {
				for _, i := range batch {
					if i.Entry().Index == v.Leaf {
						t.Logf("%+v", *i.Entry().Event)
					}
				}
			}
			t.Fatalf("what was lawfully written: %v", err)
		}
		batch = nil
	}
	err := w.DB.View(ctx, func(tx *store.Tx) error {
		return w.Log.Scan(ctx, tx, 0, func(index int64, leaf []byte, body *ledger.Body) error {
			i, err := m.Gate.Inspect(gate.Stored{Index: index, Leaf: leaf, Body: body})
			if batch = append(batch, i); err == nil && len(batch) == 256 {
				take()
			}
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	take()
	return m
}

// Every rule is told by its name, of a leaf that breaks it and nothing else, and the reason repeats nothing of the leaf.
func TestBrokenRulesAreNamed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ctx := newTree(t, db), t.Context()
		shown := w.publish(t, "acme")
		held := w.reserve(t, "acme", 2)
		d, err := w.OpenDispute(ctx, w.callers["other"], program.NewDispute{Subject: "content", IDs: []string{shown}, Statement: say("words")})
		if err != nil {
			t.Fatal(err)
		}
		doc := record("CVE-2020-1000", "PUBLISHED", "2026-02-01T00:00:00.000Z", 1)
		w.Import(t, doc)
		m := w.followed(t)
		size := m.Size(t)
		check := program.Checker{Service: m.Service, Chain: chainOf(t)}
		org := func(short string) string {
			o, err := w.Org(ctx, w.callers["secretariat"], short)
			if err != nil {
				t.Fatal(err)
			}
			return o.ID
		}
		acme, other := org("acme"), org("other")
		leaf := func(n int64) *int64 { return &n }
		const hash = "9c1f00aa5d77e0139c1f00aa5d77e0139c1f00aa5d77e0139c1f00aa5d77e013"
		const fresh = "8254265b-2729-46b6-b9e3-3dfca2d5bfca"
		naming := func(short string) []byte { return []byte(`{"name":"Zzyzx","short":"` + short + `"}`) }
		now := w.Clock.Now()
		for _, tc := range []struct {
			name, rule string
			e          event.Event
			body       []byte
		}{
			{"a heartbeat of somebody", "author", event.Event{Kind: event.Heartbeat, By: acme}, nil},
			{"an import of somebody", "author", event.Event{Kind: event.RecordImported, By: acme, ID: "CVE-2020-1001", State: "PUBLISHED"}, record("CVE-2020-1001", "PUBLISHED", "2026-02-01T00:00:00.000Z", 1)},
			{"an import of the same", "stale", event.Event{Kind: event.RecordImported, ID: "CVE-2020-1000", State: "PUBLISHED", Dates: event.Dates{Updated: "2026-02-01T00:00:00.000Z"}}, doc},
			{"an import of something older", "stale", event.Event{Kind: event.RecordImported, ID: "CVE-2020-1000", State: "PUBLISHED", Dates: event.Dates{Updated: "2026-01-01T00:00:00.000Z"}},
				record("CVE-2020-1000", "PUBLISHED", "2026-01-01T00:00:00.000Z", 2)},
			{"an import over one of ours", "local", event.Event{Kind: event.RecordImported, ID: held[0], State: "PUBLISHED"}, record(held[0], "PUBLISHED", "2026-02-01T00:00:00.000Z", 1)},
			{"an identifier twice", "fresh", event.Event{Kind: event.IDReserved, ID: held[0]}, nil},
			{"an imported one again", "fresh", event.Event{Kind: event.IDReserved, ID: "CVE-2020-1000"}, nil},
			{"a number of nobody's", "range", event.Event{Kind: event.IDReserved, ID: "CVE-2026-50000001"}, nil},
			{"a year before the first", "range", event.Event{Kind: event.IDReserved, ID: "CVE-1998-0001"}, nil},
			{"numbers set aside again", "disjoint", event.Event{Kind: event.PoolCarved, Year: 2026, First: 20_001, Last: 20_010}, nil},
			{"numbers of no open year", "range", event.Event{Kind: event.PoolCarved, Year: 2031, First: 30_000, Last: 30_010}, nil},
			{"a year too far", "range", event.Event{Kind: event.RangeOpened, Year: 12026, Last: 50_000_000}, nil},
			{"a container over the wrong one", "prev", event.Event{Kind: event.RecordPut, By: acme, ID: shown, Cont: "cna", DV: "5.2.0", Prev: hash}, []byte(container)},
			{"somebody else's container", "owner", event.Event{Kind: event.RecordPut, By: other, ID: shown, Cont: "cna", DV: "5.2.0", Prev: m.newest(t, shown)}, []byte(container)},
			{"a first container that opens nobody", "opening", event.Event{Kind: event.RecordPut, By: acme, ID: held[0], Cont: "cna", DV: "5.2.0", Short: "acme"}, []byte(container)},
			{"a container for what nobody reserved", "state", event.Event{Kind: event.RecordPut, By: acme, ID: "CVE-2026-44444", Cont: "cna", DV: "5.2.0", Short: "acme"}, []byte(container)},
			{"an ADP that is none", "power", event.Event{Kind: event.RecordPut, By: acme, ID: shown, Cont: "adp", DV: "5.2.0", Prev: ""}, []byte(container)},
			{"a whole record by a CNA", "power", event.Event{Kind: event.RecordReplaced, By: acme, ID: shown, State: "PUBLISHED"}, record(shown, "PUBLISHED", "2026-02-01T00:00:00.000Z", 1)},
			{"a transfer by nobody", "power", event.Event{Kind: event.IDTransferred, By: org("loner"), ID: shown, From: acme, To: other}, nil},
			{"a transfer to nobody", "author", event.Event{Kind: event.IDTransferred, ID: shown, From: acme, To: fresh}, nil},
			{"an organisation twice", "org", event.Event{Kind: event.OrgRegistered, Org: acme}, naming("zzyzx")},
			{"a short name twice", "org", event.Event{Kind: event.OrgRegistered, Org: fresh}, naming("acme")},
			{"nobody renamed", "org", event.Event{Kind: event.OrgRenamed, Org: fresh}, naming("zzyzx")},
			{"an organisation without a name", "org", event.Event{Kind: event.OrgRegistered, Org: fresh}, []byte(`{"name":"","short":"zzyzx"}`)},
			{"an organisation by a CNA", "power", event.Event{Kind: event.OrgRegistered, Org: fresh, By: acme}, naming("zzyzx")},
			{"a role that there is not", "grant", event.Event{Kind: event.GrantGiven, Org: acme, Grant: fresh, Role: "EMPEROR", Pack: "x"}, []byte(`{}`)},
			{"a role under one that cannot give it", "grant", event.Event{Kind: event.GrantGiven, Org: acme, Grant: fresh, Parent: w.grants["acme"].ID, Role: "ROOT", Pack: "x"}, []byte(`{}`)},
			{"a role by a CNA", "power", event.Event{Kind: event.GrantGiven, By: acme, Org: acme, Grant: fresh, Role: "ROOT", Pack: "x"}, []byte(`{}`)},
			{"a grant that ends before it begins", "grant", event.Event{Kind: event.GrantGiven, Org: acme, Grant: fresh, Role: "ADP", Pack: "x", ValidFrom: now, ValidTo: now.Add(-time.Hour)}, []byte(`{}`)},
			{"the end of no grant", "grant", event.Event{Kind: event.GrantEnded, Org: acme, Grant: fresh, Reason: "x"}, nil},
			{"an erasure of what is not there", "target", event.Event{Kind: event.BodyErased, Leaf: leaf(size + 5), Reason: "x"}, nil},
			{"an erasure by a CNA", "power", event.Event{Kind: event.BodyErased, By: acme, Leaf: leaf(1), Reason: "x"}, nil},
			{"a rule pack that is another", "digest", event.Event{Kind: event.RulePackAdopted, Pack: "99.0"}, []byte(`{}`)},
			{"a step that the case does not take", "case", event.Event{Kind: event.DisputeDecided, By: acme, Case: d.ID, Level: d.Level, Outcome: governance.Valid, Pack: d.Pack}, nil},
			{"a deadline of nobody's", "deadline", event.Event{Kind: event.DisputeAcknowledged, By: acme, Case: d.ID, Level: d.Level, Org: acme, Due: now.Add(7*time.Hour + 13*time.Minute), Pack: d.Pack}, nil},
			{"a relation to nothing", "state", event.Event{Kind: event.SplitNoted, By: acme, ID: shown, IDs: []string{held[0]}}, nil},
			{"a key that nobody over them gives", "power", event.Event{Kind: event.KeyAdded, By: other, Org: acme, Key: publicOf(keyOf(9)), Label: "x", Use: event.UseEvents}, nil},
			{"a block over numbers that were given out", "disjoint", event.Event{Kind: event.BlockGranted, By: org("secretariat"), Year: 2026, First: 20_001, Last: 20_100, Owner: hash, Key: publicOf(keyOf(9))}, nil},
			{"an epoch that no charter opens", "", event.Event{Kind: event.EpochOpened, Charter: hash, Epoch: 2, Root: hash, Size: size}, nil},
		} {
			e := tc.e
			e.List, e.At = gatetest.List, now
			if e.By == "" {
				e.By = gatetest.Operator
			}
			var body *ledger.Body
			if tc.body != nil {
				d, err := event.Pack(bytes.NewReader(make([]byte, 16)), tc.body)
				if err != nil {
					t.Fatal(err)
				}
				body = d.Body
				e.Body = &event.BodyRef{H: body.Hash, N: body.N}
			}
			raw, err := e.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			back := int64(-1)
			if err := m.DB.View(ctx, func(tx *store.Tx) (err error) { back, err = m.Log.Last(ctx, tx, e.Subject()); return err }); err != nil {
				t.Fatal(err)
			}
			text, err := ledger.Leaf{Event: raw, Stamp: ledger.Stamp{Back: back, Time: now.UnixMilli()}}.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			got, err := m.Gate.Inspect(gate.Stored{Index: size, Leaf: text, Body: body})
			if err != nil {
				t.Fatalf("%s: %v", tc.name, err)
			}
			err = m.Gate.Follow(ctx, []*gate.Inspected{got}, gate.Following{Check: check.Check})
			var v *event.Violation
			switch {
			case tc.rule == "":
				if !errors.Is(err, program.ErrCharterAwaited) {
					t.Errorf("%s: %v", tc.name, err)
				}
			case !errors.As(err, &v) || v.Rule != tc.rule || v.Leaf != size || v.Reason == "":
				t.Errorf("%s: %v, want the rule %s", tc.name, err, tc.rule)
			case strings.Contains(v.Error(), "zyzx") || strings.Contains(v.Error(), hash) || strings.Contains(v.Error(), "CVE-"):
				t.Errorf("%s: the reason repeats what somebody chose: %s", tc.name, v)
			}
			if m.Size(t) != size {
				t.Fatalf("%s: it was taken in", tc.name)
			}
		}
	})
}

// record is a whole record; n varies its text.
func record(id, state, updated string, n int) []byte {
	return fmt.Appendf(nil, `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"%s","assignerOrgId":"22222222-2222-4222-8222-222222222222","state":"%s","assignerShortName":"kumo","dateUpdated":"%s"},"containers":{"cna":{"providerMetadata":{"orgId":"22222222-2222-4222-8222-222222222222","shortName":"kumo","dateUpdated":"%s"},"descriptions":[{"lang":"en","value":"Flaw number %d."}],"affected":[{"vendor":"Kumo","product":"Ledger","versions":[{"version":"0","status":"affected"}]}],"references":[{"url":"https://kumo.example/%d"}]}}}`,
		id, state, updated, updated, n, n)
}

// newest is the event hash of the newest leaf about an identifier.
func (w *world) newest(t *testing.T, id string) (hash string) {
	t.Helper()
	err := w.DB.View(t.Context(), func(tx *store.Tx) error {
		index, err := w.Log.Last(t.Context(), tx, id)
		if err != nil {
			return err
		}
		raw, err := w.Log.Leaf(t.Context(), tx, index)
		if err != nil {
			return err
		}
		l, err := ledger.ParseLeaf(raw)
		hash = fmt.Sprintf("%x", ledger.EventHash(l.Event))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return hash
}
