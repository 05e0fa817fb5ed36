package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"tasuki/internal/continuity"
	"tasuki/internal/edge/serve/problem"
	"tasuki/internal/edge/serve/relay"
	"tasuki/internal/jobs"
	"tasuki/internal/ledger"
	"tasuki/internal/program"
)

// laneEvidence keeps two first publications of one number for everybody to see.
type laneEvidence struct{ *node }

// Conflict keeps one.
func (n laneEvidence) Conflict(ctx context.Context, c program.Conflict) error {
	sum := sha256.Sum256(append(append([]byte(nil), c.Logged...), c.Refused...))
	n.log.WarnContext(ctx, "two first publications of one number", "leaf", c.Leaf)
	return n.continuity.Keep(ctx, continuity.Evidence{Name: string(continuity.EvidenceLane) + "-" + hex.EncodeToString(sum[:8]), Kind: continuity.EvidenceLane,
		Origin: n.chain.Opening().Origin(), Text: fmt.Sprintf("leaf %d and a refused event are first publications of one number, both signed", c.Leaf),
		Notes: [][]byte{c.Logged, c.Refused}, At: n.now()})
}

// events is where authors hand in what they signed. Where nothing is published by a quorum, a commit is all there is to be promised.
func (n *node) events() http.Handler {
	var receipt func(ctx context.Context, event ledger.Hash) ([]byte, error)
	if n.publishing != nil {
		receipt = func(ctx context.Context, event ledger.Hash) ([]byte, error) {
			return durability{n}.Promise(ctx, []ledger.Hash{event})
		}
	}
	return n.acknowledged(relay.Events(n.acts, receipt, n.log), problem.Refuse)
}

// topUpEvery is how often authorities that assign by themselves get what their runway lacks. Runways are months long; an hour is for
// those who began today.
const topUpEvery = time.Hour

// laneJobs are what a running node does by itself for authorities that assign by themselves.
func (n *node) laneJobs() []jobs.Job {
	if n.sealed != "" {
		return nil
	}
	return []jobs.Job{{Name: "numbers of authorities", Every: topUpEvery, Jitter: topUpEvery / 10, Run: func(ctx context.Context) (string, error) {
		granted, err := n.acts.TopUp(ctx, operator("top up"))
		return fmt.Sprintf("%d numbers granted", granted), err
	}}}
}
