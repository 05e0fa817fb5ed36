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
	Dir    string   `arg:"" type:"existingdir" help:"The node's folder."`
	Sent   bool     `help:"List what has arrived instead."`
	Bundle []string `type:"existingfile" placeholder:"FILE" help:"First let go of what this bundle of the list proves to be published, for a node that no network reaches."`
	JSON   bool     `name:"json" help:"Print one line of JSON per event."`
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
	list := n.outbox.Waiting
	if c.Sent {
		list = n.outbox.Sent
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
