package main

import (
	"context"
	"slices"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/charter"
	"tasuki/internal/program"
	"tasuki/spec/cve/schema"
)

// openActs makes what every surface that writes calls: who is asking, and the acts of the Program.
func (n *node) openActs() error {
	valid, err := schema.NewValidator()
	if err != nil {
		return err
	}
	if n.verifier, err = authority.NewVerifier(n.db, n.rand, n.now); err != nil {
		return err
	}
	n.acts = program.New(program.Config{Gate: n.gate, DB: n.db, Log: n.ledger, Verifier: n.verifier, Schema: valid, Now: n.now, Operators: n.ranList,
		Evidence: laneEvidence{n}})
	n.public = program.NewPublic(n.acts)
	return nil
}

// operator is whoever holds the data directory; command is what they typed.
func operator(command string) authority.Caller {
	return authority.Caller{Role: authority.Operator, Name: command}
}

// tendActs writes down once a minute when secrets were last used.
func (n *node) tendActs(ctx context.Context) error {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			n.noteUse(ctx)
		}
	}
}

// noteUse writes down when secrets were last used. That it could not is no reason to stop.
func (n *node) noteUse(ctx context.Context) {
	if n.verifier == nil || n.sealed != "" {
		return
	}
	if err := n.verifier.Flush(ctx); err != nil && ctx.Err() == nil {
		n.log.WarnContext(ctx, "last use of secrets not written down", "err", err)
	}
}

// ranList says whether an organisation operated the list in any epoch.
func (n *node) ranList(org string) bool {
	return slices.ContainsFunc(n.chain.Documents(), func(d *charter.Document) bool { return d.Charter().Operator.Org == org })
}
