package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tasuki/internal/event"
)

// NodeOutboxCmd is `tasuki node outbox`.
type NodeOutboxCmd struct {
	Dir     string   `arg:"" type:"existingdir" help:"The node's folder."`
	Sent    bool     `xor:"list" help:"List what has arrived instead."`
	Dropped bool     `xor:"list" help:"List what was set aside instead."`
	Drop    []string `placeholder:"EVENT" sep:"none" help:"First set this event aside, and what follows it: one that the operator refuses now too. After that the identifier can be written again."`
	Offline bool     `help:"With --drop, ask nobody: for a node that no network reaches, whose operator refused the event."`
	Bundle  []string `type:"existingfile" placeholder:"FILE" help:"First let go of what this bundle of the list proves to be published, for a node that no network reaches."`
	JSON    bool     `name:"json" help:"Print one line of JSON per event."`
}

// Run lists what waits.
func (c *NodeOutboxCmd) Run(ctx context.Context, p *Program) (err error) {
	n, err := p.openLane(c.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	for _, file := range c.Bundle {
		if err := n.arrivedIn(ctx, p, file); err != nil {
			return err
		}
	}
	for _, name := range c.Drop {
		if err := n.drop(ctx, p, name, c.Offline); err != nil {
			return err
		}
	}
	list := n.outbox.Waiting
	switch {
	case c.Sent:
		list = n.outbox.Sent
	case c.Dropped:
		list = n.outbox.Dropped
	}
	items, err := list()
	if err != nil {
		return err
	}
	var rows [][]string
	for _, item := range items {
		_, e, err := event.ParseSubmission(item.Submission)
		if err != nil {
			return fmt.Errorf("event %s: %w", item.Name(), err)
		}
		state := "waiting"
		switch {
		case c.Dropped:
			state = "dropped"
		case item.Proof != nil:
			state = "durable"
		case item.Receipt != nil:
			state = "promised"
		}
		if c.JSON {
			if err := p.json(struct {
				Event string `json:"event"`
				Kind  string `json:"kind"`
				ID    string `json:"id,omitzero"`
				At    string `json:"at"`
				State string `json:"state"`
			}{item.Name(), string(e.Kind), e.ID, e.At.Format(time.RFC3339), state}); err != nil {
				return err
			}
		}
		rows = append(rows, []string{eventName(item.Hash), strings.TrimSuffix(string(e.Kind), "/1"), e.ID, e.At.Format(time.RFC3339), state})
	}
	if !c.JSON && len(rows) > 0 {
		p.terminal(p.Stdout).table(p.Stdout, []string{"EVENT", "KIND", "ID", "SIGNED", "STATE"}, rows)
	}
	return nil
}

// drop sets aside an event that the operator refuses for good, and those of the outbox that follow it: they say something about a
// record that will not be. An event that nobody refuses stays: it may stand in the list already.
func (n *laneNode) drop(ctx context.Context, p *Program, name string, offline bool) error {
	waiting, err := n.outbox.Waiting()
	if err != nil {
		return err
	}
	order, err := inOrder(waiting)
	if err != nil {
		return err
	}
	at := -1
	for i, item := range order {
		if len(name) < 8 || !strings.HasPrefix(item.Name(), strings.ToLower(name)) {
			continue
		}
		if at >= 0 {
			return fmt.Errorf("--drop %s: more than one event begins like this", name)
		}
		at = i
	}
	if at < 0 {
		return fmt.Errorf("--drop %s: no such event waits; name one by at least 8 of its hex digits", name)
	}
	if !offline {
		client := laneClient()
		if err := n.learn(ctx, client); err != nil {
			return fmt.Errorf("--drop %s: only what the operator refuses is set aside: %w", name, err)
		}
		_, err := submit(ctx, client, n.servers(), order[at].Submission)
		var answer *statusError
		switch {
		case err == nil:
			return fmt.Errorf("--drop %s: the operator has taken it; it stays until it is durable", name)
		case !errors.As(err, &answer):
			return fmt.Errorf("--drop %s: only what the operator refuses is set aside: %w", name, err)
		}
		fmt.Fprintf(p.Stderr, "%s refused: %v\n", eventName(order[at].Hash), answer)
	}
	gone := map[string]bool{order[at].Name(): true}
	for _, item := range order[at:] {
		_, e, err := event.ParseSubmission(item.Submission)
		if err != nil {
			return fmt.Errorf("event %s: %w", item.Name(), err)
		}
		if !gone[item.Name()] && !gone[e.Prev] {
			continue
		}
		gone[item.Name()] = true
		if err := n.outbox.Drop(item.Hash); err != nil {
			return err
		}
		fmt.Fprintf(p.Stderr, "%s set aside: %s %s\n", eventName(item.Hash), strings.TrimSuffix(string(e.Kind), "/1"), e.ID)
	}
	return nil
}
