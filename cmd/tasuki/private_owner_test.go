package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"sync"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/governance"
	"tasuki/internal/program"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve"
)

// evenDice are the same for everybody who begins with them.
type evenDice struct {
	mu  sync.Mutex
	src *rand.ChaCha8
}

func (d *evenDice) Read(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.src.Read(p)
}

// evenClock goes on by a second with each look of the act that is told so.
type evenClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *evenClock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *evenClock) tick() { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(time.Second) }

// ownedBy is the log of a list, of the same dice and clock each time, in which owner holds what is reserved: by whom, in public, nothing
// says. Names differ in length on purpose.
func ownedBy(t *testing.T, dsn, owner string) [][]byte {
	clock := &evenClock{at: time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)}
	k := openKit(t, kitOptions{store: dsn, now: clock.now, rand: &evenDice{src: rand.NewChaCha8([32]byte{7})}})
	ctx, acts := t.Context(), k.acts
	must := func(err error) {
		t.Helper()
		clock.tick()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := asOperator[foundedAnswer](t, k, "authority init", foundRequest{Short: "sec", Name: "Secretariat", User: "root", Secret: "root-secret", Years: []int64{2026}})
	must(err)
	callers := map[string]authority.Caller{}
	for _, short := range []string{"io", "an-organisation-with-a-long-name", "third"} {
		_, err := asOperator[orgAnswer](t, k, "authority org add", newOrgRequest{Short: short, Name: short, Roles: []string{"CNA"}})
		must(err)
		_, err = asOperator[userAnswer](t, k, "authority user add", newUserRequest{Org: short, User: "user", Secret: "secret of " + short})
		must(err)
		callers[short], err = acts.Login(ctx, short, "user", "secret of "+short, "test")
		must(err)
	}
	sec, err := acts.Login(ctx, "sec", "root", "root-secret", "test")
	must(err)
	given, err := acts.Reserve(ctx, sec, program.Reservation{Owner: owner, Year: 2026, Amount: 1})
	must(err)
	ids := []string{given.IDs[0].ID}
	for _, batch := range []string{"sequential", "nonsequential"} {
		given, err := acts.Reserve(ctx, callers[owner], program.Reservation{Owner: owner, Year: 2026, Amount: 4, Batch: &batch})
		must(err)
		for _, i := range given.IDs {
			ids = append(ids, i.ID)
		}
	}
	_, err = acts.ChangeID(ctx, callers[owner], ids[0], program.IDChange{Org: new("third")})
	must(err)
	_, err = acts.ChangeID(ctx, callers["third"], ids[0], program.IDChange{Org: &owner})
	must(err)
	_, err = acts.ChangeID(ctx, callers[owner], ids[1], program.IDChange{State: new(cve.Reserved)})
	must(err)
	_, err = acts.ChangeOrg(ctx, sec, owner, authority.OrgChange{Quota: new(int64(4321))})
	must(err)
	_, err = acts.OpenDispute(ctx, callers["third"], program.NewDispute{Subject: "publish", IDs: ids[2:3], Statement: governance.Statement{Text: "It is public already."}})
	must(err)
	_, err = acts.ReportSighting(ctx, sec, ids[3], "https://somewhere.test/")
	must(err)
	_, err = acts.ResetSecret(ctx, sec, owner, "user")
	must(err)
	return leavesOf(t, k)
}

func leavesOf(t *testing.T, k *kitNode) (leaves [][]byte) {
	t.Helper()
	err := k.db.View(t.Context(), func(tx *store.Tx) error {
		head, err := k.ledger.Head(t.Context(), tx)
		for i := int64(0); err == nil && i < head.Size; i++ {
			var leaf []byte
			leaf, err = k.ledger.Leaf(t.Context(), tx, i)
			leaves = append(leaves, bytes.Clone(leaf))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return leaves
}

var commitment = regexp.MustCompile(`"body":\{"h":"[0-9a-f]{64}"\}`)

// Two lists of the same dice and the same clock, in which all is the same but who holds what is reserved: their logs have the same leaves,
// as long as each other, with the same links and times, down to the last byte but for commitments.
func TestLeavesDoNotDependOnTheOwner(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		dsn := func() string {
			if db.Engine() == store.Postgres {
				return storetest.Postgres(t)
			}
			return ""
		}
		a, b := ownedBy(t, dsn(), "io"), ownedBy(t, dsn(), "an-organisation-with-a-long-name")
		if len(a) != len(b) {
			t.Fatalf("%d and %d leaves", len(a), len(b))
		}
		differ := 0
		for i := range a {
			if bytes.Equal(a[i], b[i]) {
				continue
			}
			differ++
			if len(a[i]) != len(b[i]) {
				t.Errorf("leaf %d has %d and %d bytes:\n%s\n%s", i, len(a[i]), len(b[i]), a[i], b[i])
			}
			x, y := commitment.ReplaceAll(a[i], []byte("*")), commitment.ReplaceAll(b[i], []byte("*"))
			var leaf outsiderLeaf
			if err := json.Unmarshal(a[i], &leaf); err != nil || leaf.E.Kind != "private/1" || !bytes.Equal(x, y) {
				t.Errorf("leaf %d differs in more than its commitment (%v):\n%s\n%s", i, err, a[i], b[i])
			}
		}
		if differ < 10 {
			t.Errorf("only %d leaves differ: the lists have the same owners", differ)
		}
		t.Log(fmt.Sprint(len(a)), "leaves,", differ, "differ in their commitments")
	})
}
