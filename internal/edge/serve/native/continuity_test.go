package native

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"tasuki/client"
	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/gate/gatetest"
)

// keeping is a list in its third epoch, whose second was never opened, as one of its mirrors tells: it has found something wrong, and the board has signed
// two charters.
type keeping struct{}

func (keeping) Situation(context.Context) (continuity.Situation, error) {
	at := day("2026-05-05")
	party := func(name string) continuity.Party {
		return continuity.Party{Name: name, VKey: name + "+00000000+AA==", URL: "https://" + name}
	}
	return continuity.Situation{Role: continuity.RoleMirror, Origin: "tasuki/0000000000000000/3-third", Epoch: 3, Size: 5240, Published: continuity.Signed{
		Tree: continuity.Tree{Size: 5201}, Time: at}, Pending: 5240, Q: 2, R: 2, Fewest: 1,
		Mirrors: []continuity.Keeper{{Party: party("m1.example"), Size: 5201, At: at, Counted: true, Own: true}, {Party: party("m2.example"), Size: 4990, At: at.Add(-time.Hour),
			Behind: 211}, {Party: party("m3.example"), Behind: 5201}},
		Witnesses: []continuity.Keeper{{Party: party("w1.example"), Size: 5201, At: at, Counted: true}},
		Hold:      continuity.Hold{Why: continuity.HoldSiblings, At: at},
		Stop:      &continuity.Stop{Size: 5201, Reason: "leaf 5,202 breaks a rule", At: at},
		Copy: &continuity.CopyState{Source: "https://m2.example", Behind: 17, Problem: "stopped cosigning this origin", Since: at, Key: "m1.example+00000000+AA==", Listed: true,
			Cosigned: 5201, Sealed: []string{"tasuki/0000000000000000/1-first"}}}, nil
}

func (keeping) Epochs(context.Context) ([]continuity.EpochState, error) {
	first := continuity.Party{Name: "first"}
	return []continuity.EpochState{
		{Epoch: 1, Charter: 1, Origin: "tasuki/0000000000000000/1-first", Operator: first, Opened: true, Last: 5117, At: day("2026-01-05"), How: continuity.WayFounded},
		{Epoch: 2, Charter: 3, Origin: "tasuki/0000000000000000/2-first", Operator: first, How: continuity.WayUnopened},
		{Epoch: 3, Charter: 4, Origin: "tasuki/0000000000000000/3-third", Operator: continuity.Party{Name: "third"}, Opened: true, First: 5118, Last: 5239, At: day("2026-04-05"),
			How: continuity.WayReports, Reports: []continuity.Report{{By: continuity.Party{Name: "m1.example"}}, {By: continuity.Party{Name: "m2.example"}}}, Need: 2, Present: true},
	}, nil
}

func (keeping) Charters(context.Context) (*charter.Chain, []*charter.Document, error) {
	log := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{5}, 32))
	doc, board, err := charter.Genesis(charter.Options{ListName: "cve", Slug: "first", URL: "https://first.example", Log: log.Public().(ed25519.PublicKey), Org: gatetest.Operator},
		bytes.NewReader(bytes.Repeat([]byte{7}, 256)), func() time.Time { return day("2026-01-01") })
	if err != nil {
		return nil, nil, err
	}
	chain, err := charter.NewChain(doc)
	if err != nil {
		return nil, nil, err
	}
	amended := func(reason string) *charter.Document {
		d, aerr := chain.Amend(func() time.Time { return day("2026-01-02") }, func(c *charter.Charter) {
			c.Reason, c.Mandate = reason, &charter.Mandate{From: "2026-01-01", Until: "2028-12-31"}
		})
		if aerr != nil {
			panic(aerr)
		}
		d.Sign(board.ID, board.Private)
		return d
	}
	one, two := amended("one"), amended("two")
	return chain, []*charter.Document{two}, chain.Extend(one)
}

// A copy says what it is, whom it counts, and that the board has signed twice.
func TestContinuity(t *testing.T) {
	w := ask(Handler(Options{Continuity: keeping{}}), "continuity")
	var got client.Continuity
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
		t.Fatal(w.Code, err)
	}
	if got.Role != "mirror" || got.Charter.Until != "2028-12-31" || len(got.Charter.Conflicts) != 1 || got.Pending == nil || got.Pending.Since != nil || got.Mirrors[1].Behind != 211 ||
		got.Mirrors[2].At != nil || got.Stopped == nil || got.Hold.Why != "siblings" || got.Epochs[1].First != nil || *got.Epochs[2].First != 5118 || len(got.Epochs[2].Reports) != 2 {
		t.Errorf("%s", w.Body)
	}
}
