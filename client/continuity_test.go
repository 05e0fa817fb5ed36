package client_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/gate/gatetest"
)

// keeping is a mirror in every kind of trouble, so that every member is there.
type keeping struct{}

var keptAt = time.Date(2026, 5, 5, 9, 0, 0, 0, time.UTC)

func (keeping) Situation(context.Context) (continuity.Situation, error) {
	k := continuity.Keeper{Party: continuity.Party{Name: "m1.example", VKey: "m1.example+00000000+AA==", URL: "https://m1.example"}, Size: 8, Behind: 2, At: keptAt, Counted: true}
	return continuity.Situation{Role: continuity.RoleMirror, Origin: "tasuki/0/1-first", Epoch: 1, Size: 12, Published: continuity.Signed{Tree: continuity.Tree{Size: 10}, Time: keptAt},
		Pending: 12, Waiting: keptAt, Q: 1, R: 1, F: 1, Fewest: 1, Mirrors: []continuity.Keeper{k}, Witnesses: []continuity.Keeper{k}, Hold: continuity.Hold{Why: continuity.HoldFork, At: keptAt},
		Stop: &continuity.Stop{Size: 10, Reason: "a leaf breaks a rule", At: keptAt},
		Copy: &continuity.CopyState{Source: "https://m1.example", Behind: 1, Problem: "stopped", Key: k.VKey, Listed: true, Cosigned: 10, Sealed: []string{"tasuki/0/0-old"}}}, nil
}

func (keeping) Epochs(context.Context) ([]continuity.EpochState, error) {
	return []continuity.EpochState{{Epoch: 1, Charter: 1, Origin: "tasuki/0/1-first", Operator: continuity.Party{Name: "first"}, Opened: true, Last: 9, At: keptAt, How: continuity.WayReports,
		Reports: []continuity.Report{{By: continuity.Party{Name: "m1.example"}}}}}, nil
}

func (keeping) Charters(context.Context) (*charter.Chain, []*charter.Document, error) {
	log := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{5}, 32))
	doc, _, err := charter.Genesis(charter.Options{ListName: "cve", Slug: "first", URL: "https://first.example", Log: log.Public().(ed25519.PublicKey), Org: gatetest.Operator},
		bytes.NewReader(bytes.Repeat([]byte{7}, 256)), func() time.Time { return keptAt })
	if err != nil {
		return nil, nil, err
	}
	chain, err := charter.NewChain(doc)
	return chain, []*charter.Document{doc}, err // the document itself will do as the other one
}
