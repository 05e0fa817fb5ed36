package main

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/errgroup"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
	"tasuki/internal/program"
	"tasuki/internal/store"
	"tasuki/spec/cve/schema"
	"tasuki/spec/dsse"
)

// Half of the sample's own leaves: so many numbers are reserved and published by the operator's word, and half as many are published, and published again,
// with signatures of their authority.
const millionNumbers = 4000

// millionOrigin is a list of the whole archive and of an authority's work.
func millionOrigin(b *testing.B) *kitNode {
	b.Helper()
	ctx := b.Context()
	k := openKit(b, kitOptions{level: "error"})
	k.bring(b, theList(b))
	var secretariat, acme authority.Caller
	for short, roles := range map[string][]authority.OrgRole{"secretariat": {authority.Secretariat, authority.CNA}, "acme": {authority.CNA}} {
		if _, err := k.acts.RegisterOrg(ctx, writer, authority.NewOrg{Short: short, Name: short, Roles: roles, Quota: new(int64(100_000))}); err != nil {
			b.Fatal(err)
		}
		_, key, err := k.acts.AddUser(ctx, writer, short, authority.NewUser{Username: "ann@" + short})
		if err != nil {
			b.Fatal(err)
		}
		caller, err := k.acts.Login(ctx, short, "ann@"+short, key, "test")
		if err != nil {
			b.Fatal(err)
		}
		if short == "acme" {
			acme = caller
		} else {
			secretariat = caller
		}
	}
	if err := k.acts.OpenRange(ctx, secretariat, 2026); err != nil {
		b.Fatal(err)
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	block, err := k.acts.GrantBlock(ctx, secretariat, program.NewBlock{Org: "acme", Year: 2026, Size: millionNumbers / 2,
		Key: dsse.EncodeKey(key.Public().(ed25519.PublicKey))})
	if err != nil {
		b.Fatal(err)
	}
	var ids []string
	for batch := "sequential"; len(ids) < millionNumbers; {
		out, err := k.acts.Reserve(ctx, acme, program.Reservation{Owner: "acme", Year: 2026, Amount: 100, Batch: &batch})
		if err != nil {
			b.Fatal(err)
		}
		for _, i := range out.IDs {
			ids = append(ids, i.ID)
		}
	}
	var work errgroup.Group
	work.SetLimit(64)
	for _, id := range ids {
		work.Go(func() error {
			body := strings.Replace(ownContainer, "%s", id, 1)
			_, err := k.acts.Publish(ctx, acme, program.Submission{ID: id, Container: jsontext.Value(body), Want: program.WantNone})
			return err
		})
	}
	for n := range block.Last - block.First + 1 {
		work.Go(func() error {
			put := event.Event{Kind: event.RecordPut, Cont: "cna", ID: fmt.Sprintf("CVE-2026-%04d", block.First+n), By: acme.Org, List: k.gate.List, DV: schema.Current,
				At: k.now(), Reserved: k.now().Add(-time.Hour).Truncate(time.Second), Short: "acme"}
			for _, title := range []string{"once", "twice"} {
				body, err := program.SignedBody([]byte(strings.Replace(ownContainer, "%s", title, 1)), acme.Org, "acme")
				if err != nil {
					return err
				}
				sub, err := event.Seal(rand.Reader, &put, body, func(raw []byte) (ledger.Sig, error) { return event.SignBytes(key, raw), nil })
				if err != nil {
					return err
				}
				raw, err := sub.Marshal()
				if err != nil {
					return err
				}
				got, err := k.acts.SubmitEvent(ctx, raw)
				if err != nil {
					return err
				}
				put.Prev, put.Reserved, put.Short = hex.EncodeToString(got.Hash[:]), time.Time{}, ""
			}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		b.Fatal(err)
	}
	return k
}

// inspectedAll reads the operator's leaves as a mirror's follow loop hands them on.
func inspectedAll(b *testing.B, origin, copied *kitNode) (leaves []*gate.Inspected) {
	b.Helper()
	size, err := origin.size(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for from := int64(0); from < size; from += 1024 {
		var rows []ledger.Row
		err := origin.db.View(b.Context(), func(tx *store.Tx) (err error) {
			rows, err = origin.ledger.Rows(b.Context(), tx, from, min(size, from+1024))
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range rows {
			i, err := copied.gate.Inspect(gate.Stored{Index: r.Index, Leaf: r.Leaf, Body: r.Body})
			if err != nil {
				b.Fatal(err)
			}
			leaves = append(leaves, i)
		}
	}
	return leaves
}

// scaled is a duration of n things as that of a million of them.
func scaled(d time.Duration, n int) time.Duration {
	return time.Duration(float64(d) * 1e6 / float64(max(1, n)))
}

// BenchmarkMillionRules is what a mirror's rules cost: each leaf is held to them in the transaction that takes it in, one after the other. Budget: 120 s for
// a million leaves, on one core, as a list like the archive's has them; signatures, which have a budget of their own, are in it.
func BenchmarkMillionRules(b *testing.B) {
	origin := millionOrigin(b)
	url := origin.at(b)
	for b.Loop() {
		copied := openKit(b, kitOptions{level: "error", mirror: &mirrorRole{List: origin.chain.ListID(), Sources: []string{url}}})
		leaves := inspectedAll(b, origin, copied)
		check := program.Checker{Service: copied.acts, Chain: copied.chain}
		took, count := map[event.Kind]time.Duration{}, map[event.Kind]int{}
		began := time.Now()
		for part := range slices.Chunk(leaves, 256) {
			err := copied.gate.Follow(b.Context(), part, gate.Following{Check: func(ctx context.Context, tx *store.Tx, e *event.Entry) error {
				at := time.Now()
				err := check.Check(ctx, tx, e)
				took[e.Kind], count[e.Kind] = took[e.Kind]+time.Since(at), count[e.Kind]+1
				return err
			}})
			if err != nil {
				b.Fatal(err)
			}
		}
		whole := time.Since(began)
		var rules time.Duration
		for _, d := range took {
			rules += d
		}
		million := scaled(rules, len(leaves))
		rows := [][]string{
			{"rules of a million leaves", seconds(million), "budget 120 s", fmt.Sprintf("from %d leaves, × %.1f", len(leaves), 1e6/float64(len(leaves)))},
			{"taken in with their folds", seconds(scaled(whole, len(leaves))), "", "no budget: the rate of a replay, see BenchmarkReplay"},
		}
		for _, kind := range slices.SortedFunc(maps.Keys(took), func(x, y event.Kind) int { return cmp.Compare(count[y], count[x]) }) {
			if count[kind] > 100 {
				rows = append(rows, []string{"  a million of " + string(kind), seconds(scaled(took[kind], count[kind])), "", fmt.Sprintf("from %d", count[kind])})
			}
		}
		table(b, rows...)
		b.ReportMetric(million.Seconds(), "s/million")
		copied.close(b)
	}
}

// onEveryCore runs fn for each of n things, as many at once as there are processors, and says how long that took and how much of the processors.
func onEveryCore(n int, fn func(i int)) (took, busy time.Duration) {
	var next atomic.Int64
	return measured(func() {
		var workers sync.WaitGroup
		for range runtime.GOMAXPROCS(0) {
			workers.Go(func() {
				for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
					fn(int(i))
				}
			})
		}
		workers.Wait()
	})
}

// BenchmarkMillionSignatures is what it costs to verify the signatures of authors, on every core, had each of a million leaves one. Budget: 180 s.
func BenchmarkMillionSignatures(b *testing.B) {
	const n = 20_000
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	entries := make([]*event.Entry, n)
	for i := range entries {
		put := event.Event{Kind: event.RecordPut, Cont: "cna", ID: fmt.Sprintf("CVE-2026-%04d", 1000+i), By: "8e3c7f6e-4d57-4b9a-9a33-6a1c1f2d0001",
			List: strings.Repeat("a", 64), DV: schema.Current, At: time.Now(), Short: "acme", Reserved: time.Now().Truncate(time.Second)}
		sub, err := event.Seal(rand.Reader, &put, []byte(ownContainer), func(raw []byte) (ledger.Sig, error) { return event.SignBytes(key, raw), nil })
		if err != nil {
			b.Fatal(err)
		}
		e, err := event.Parse(sub.Event)
		if err != nil {
			b.Fatal(err)
		}
		entries[i] = &event.Entry{Event: e, Sigs: sub.Sigs}
	}
	for b.Loop() {
		var wrong atomic.Int64
		took, busy := onEveryCore(n, func(i int) {
			if entries[i].CheckSigs() != nil {
				wrong.Add(1)
			}
		})
		if wrong.Load() > 0 {
			b.Fatalf("%d signatures do not verify", wrong.Load())
		}
		table(b, []string{"signatures of a million leaves", seconds(scaled(took, n)), "budget 180 s",
			fmt.Sprintf("from %d, × %.0f, on %d cores; processor time %s", n, 1e6/float64(n), runtime.GOMAXPROCS(0), seconds(scaled(busy, n)))})
		b.ReportMetric(scaled(took, n).Seconds(), "s/million")
	}
}

// BenchmarkMillionVerdicts is what it costs to hold a million records to the format's schema, on every core: the records of the archive. Budget: 180 s.
func BenchmarkMillionVerdicts(b *testing.B) {
	v, err := schema.NewValidator()
	if err != nil {
		b.Fatal(err)
	}
	var records [][]byte
	if err := eachRecord(theList(b), func(_ string, raw []byte) error { records = append(records, raw); return nil }); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		var valid atomic.Int64
		took, busy := onEveryCore(len(records), func(i int) {
			if len(v.Record(records[i])) == 0 {
				valid.Add(1)
			}
		})
		table(b, []string{"schema verdicts of a million records", seconds(scaled(took, len(records))), "budget 180 s",
			fmt.Sprintf("from %d, of which %d are valid, × %.1f, on %d cores; processor time %s", len(records), valid.Load(), 1e6/float64(len(records)),
				runtime.GOMAXPROCS(0), seconds(scaled(busy, len(records))))})
		b.ReportMetric(scaled(took, len(records)).Seconds(), "s/million")
	}
}
