package web

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/gate/gatetest"
)

// keepingOf is who keeps a list, made up.
type keepingOf struct {
	chain    *charter.Chain
	siblings []*charter.Document
	now      continuity.Situation
	epochs   []continuity.EpochState
	found    []Finding
	more     bool
	broken   error
}

func (k *keepingOf) Situation(context.Context) (continuity.Situation, error) { return k.now, k.broken }

func (k *keepingOf) Epochs(context.Context) ([]continuity.EpochState, error) {
	return k.epochs, k.broken
}

func (k *keepingOf) Charters(context.Context) (*charter.Chain, []*charter.Document, error) {
	return k.chain, k.siblings, k.broken
}

func (k *keepingOf) Evidence(context.Context) ([]Finding, bool, error) {
	return k.found, k.more, k.broken
}

// key is a key that is the same at every run.
func key(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// genesis founds a list with a board of one.
func genesis() (*charter.Chain, *charter.BoardKey) {
	doc, board, err := charter.Genesis(charter.Options{ListName: "cve", Slug: "first", URL: "http://localhost:8080", Log: key("log").Public().(ed25519.PublicKey), Org: gatetest.Operator},
		bytes.NewReader(bytes.Repeat([]byte{7}, 256)), func() time.Time { return now.Add(-900 * 24 * time.Hour) })
	if err != nil {
		panic(err)
	}
	return must(charter.NewChain(doc)), board
}

// alone is a list that nobody else keeps.
var alone = func() *keepingOf {
	chain, _ := genesis()
	d := chain.Head()
	return &keepingOf{chain: chain, now: continuity.Situation{Role: continuity.RoleOperator, Origin: d.Origin(), Epoch: 1, Size: 60, Published: continuity.Signed{
		Tree: continuity.Tree{Size: 60}, Time: now.Add(-3 * time.Second)}, Pending: 60}, epochs: []continuity.EpochState{{Epoch: 1, Charter: 1, Hash: d.Hash(), Issued: d.Charter().Issued,
		Operator: continuity.Party{Name: "first", URL: "http://localhost:8080"}, Origin: d.Origin(), Opened: true, Last: 59, At: now.Add(-900 * 24 * time.Hour), How: continuity.WayFounded,
		Present: true}}}
}()

// policy asks for two of three witnesses.
func policy() string {
	var b strings.Builder
	for i := range 3 {
		k := charter.RoleKey{Role: charter.RoleWitness, Name: fmt.Sprintf("w%d.example", i+1), Private: key(fmt.Sprintf("w%d", i+1))}
		fmt.Fprintf(&b, "witness w%d %s https://w%[1]d.example\n", i+1, must(k.VKey()))
	}
	return b.String() + "group W 2 w1 w2 w3\nquorum W\n"
}

// kept is a list in its third epoch: founded by one, given to a board of three with mirrors and witnesses, gone on under a successor after an epoch that
// was never opened. The board has signed a second charter beside the newest.
func kept(t testing.TB) *keepingOf {
	t.Helper()
	chain, founder := genesis()
	at := func(days int) func() time.Time {
		return func() time.Time { return now.Add(-time.Duration(days) * 24 * time.Hour) }
	}
	seats := []charter.BoardSeat{{ID: "b2", Holder: "Body A"}, {ID: "b3", Holder: "株式会社 B"}, {ID: "b4", Holder: "Body C"}}
	for i := range seats {
		seats[i].Key = encode(key(seats[i].ID))
	}
	sign := func(d *charter.Document, ids ...string) *charter.Document {
		for _, id := range ids {
			if id == founder.ID {
				d.Sign(id, founder.Private)
			} else {
				d.Sign(id, key(id))
			}
		}
		return d
	}
	extend := func(d *charter.Document) {
		t.Helper()
		if err := chain.Extend(d); err != nil {
			t.Fatal(err)
		}
	}
	extend(sign(must(chain.Amend(at(800), func(c *charter.Charter) {
		c.Board = charter.Board{K: 2, Emergency: 2, Keys: seats}
		c.Mandate = &charter.Mandate{From: "2024-10-01", Until: "2026-12-31"}
		c.Reason = "the founder hands over"
	})), founder.ID, "b2", "b4"))
	mirrors := &charter.Mirrors{Q: 2}
	for i := range 3 {
		k := charter.RoleKey{Role: charter.RoleMirror, Name: fmt.Sprintf("m%d.example/cve", i+1), Private: key(fmt.Sprintf("m%d", i+1))}
		mirrors.List = append(mirrors.List, charter.Mirror{VKey: must(k.VKey()).String(), URL: fmt.Sprintf("https://m%d.example", i+1)})
	}
	extend(sign(must(chain.OpenEpoch(at(700), charter.Epoch{Log: key("log2").Public().(ed25519.PublicKey), Size: 10, Root: [32]byte{9}, Reason: "the first mirrors",
		Change: func(c *charter.Charter) { c.Mirrors, c.Policy = mirrors, policy() }})), "b2", "b3"))
	succeed := func(days int, slug string) *charter.Document {
		return must(chain.Amend(at(days), func(c *charter.Charter) {
			c.Operator.Epoch++
			c.Operator.Slug, c.Operator.URL, c.Operator.Key = slug, "https://"+slug+".example", encode(key("log of "+slug))
			c.Reason = "the operator is gone"
		}))
	}
	extend(sign(succeed(20, "second"), "b2", "b3"))
	other := sign(succeed(9, "rival"), "b3", "b4")
	extend(sign(succeed(10, "third"), "b2", "b3"))
	k := &keepingOf{chain: chain, siblings: []*charter.Document{other}}
	q := must(continuity.QuorumOf(chain.Opening()))
	k.now = continuity.Situation{Role: continuity.RoleOperator, Origin: q.Origin(), Epoch: 4, Operator: continuity.Party{Name: "third", URL: "https://third.example"}, Size: 5240,
		Published: continuity.Signed{Tree: continuity.Tree{Size: 5201}, Time: now.Add(-3 * time.Minute)}, Pending: 5240, Waiting: now.Add(-40 * time.Second), Q: q.Q(), R: q.R(), Fewest: q.Fewest()}
	for i, p := range q.Mirrors() {
		k.now.Mirrors = append(k.now.Mirrors, continuity.Keeper{Party: p, Size: 5201, At: now.Add(-3 * time.Minute), Counted: i != 1})
	}
	k.now.Mirrors[1].Size, k.now.Mirrors[1].Behind, k.now.Mirrors[1].At = 4990, 211, now.Add(-5*time.Hour)
	for i, p := range q.Witnesses() {
		k.now.Witnesses = append(k.now.Witnesses, continuity.Keeper{Party: p, Size: 5201, At: now.Add(-3 * time.Minute), Counted: i == 0})
	}
	k.now.Witnesses[1].Counted = true
	k.now.Witnesses[2] = continuity.Keeper{Party: q.Witnesses()[2], Behind: 5201}
	k.epochs = epochsOf(k.chain)
	k.found = findings(k)
	return k
}

func encode(private ed25519.PrivateKey) string {
	k := &charter.BoardKey{ID: "x", Private: private}
	return base64Of(k.Public())
}

// epochsOf are the epochs of kept's chain: the third was never opened.
func epochsOf(chain *charter.Chain) (out []continuity.EpochState) {
	for epoch := int64(1); chain.OpenedBy(epoch) != nil; epoch++ {
		d := chain.OpenedBy(epoch)
		c := d.Charter()
		out = append(out, continuity.EpochState{Epoch: epoch, Charter: c.V, Hash: d.Hash(), Issued: c.Issued, Origin: d.Origin(), Operator: continuity.Party{Name: c.Operator.Slug,
			URL: c.Operator.URL}, How: continuity.WayUnopened})
	}
	set := func(i int, first, last int64, how continuity.Way) {
		out[i].Opened, out[i].First, out[i].Last, out[i].How, out[i].At = true, first, last, how, issuedAt(out[i].Issued).Add(time.Hour)
	}
	set(0, 0, 9, continuity.WayFounded)
	set(1, 10, 5117, continuity.WayBoard)
	set(3, 5118, 5239, continuity.WayReports)
	out[3].Present, out[3].Need = true, 2
	for i := range 2 {
		out[3].Reports = append(out[3].Reports, continuity.Report{Seal: continuity.Seal{Tree: continuity.Tree{Size: 5118 - int64(4*i), Root: [32]byte{byte(i + 1)}}},
			By: continuity.Party{Name: fmt.Sprintf("m%d.example/cve", i+1)}, At: now.Add(-9 * 24 * time.Hour)})
	}
	return out
}

// findings are one piece of each kind, and one that this program does not know.
func findings(k *keepingOf) []Finding {
	sibling := must(continuity.SiblingEvidence(k.chain.Head(), k.siblings[0]))
	out := []Finding{{sibling, must(continuity.Prove(k.chain, k.siblings, sibling))}}
	for i, kind := range []continuity.EvidenceKind{continuity.EvidenceFork, continuity.EvidenceRefusal, continuity.EvidenceOpening, continuity.EvidenceLane, "new-kind"} {
		f := Finding{Evidence: continuity.Evidence{Name: fmt.Sprintf("%s-%08x", kind, i), Kind: kind, Origin: k.chain.Head().Origin(), Text: "leaf 4,711 breaks a rule: the number is another's",
			At: now.Add(-time.Duration(i) * time.Hour)}}
		f.Facts, f.Proven.Open = []string{"the log key signed a tree of 5000 leaves"}, []string{"that a leaf below it is against the rules"}
		if i == 0 {
			f.Holds, f.Proven.Open = true, nil
		}
		out = append(out, f)
	}
	return out
}
