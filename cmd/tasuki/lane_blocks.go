package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"tasuki/internal/edge/serve/relay"
	"tasuki/internal/event"
	"tasuki/internal/lane"
)

// fetchBlocks takes in what was granted to the node's keys.
func (n *laneNode) fetchBlocks(ctx context.Context, p *Program, client *http.Client, size int64) (taken int, err error) {
	if err := n.learn(ctx, client); err != nil {
		return 0, err
	}
	have := map[string]bool{}
	for _, b := range n.journal.Blocks() {
		have[b.String()] = true
	}
	for _, key := range n.journal.Keys() {
		var list struct{ Blocks []relay.Block }
		server := ""
		for _, u := range n.servers() {
			raw, aerr := ask(ctx, client, http.MethodGet, u+"/events/blocks?key="+url.QueryEscape(key), nil)
			if aerr == nil {
				aerr = json.Unmarshal(raw, &list)
			}
			if err = aerr; err == nil {
				server = u
				break
			}
		}
		if err != nil {
			return taken, err
		}
		for _, b := range list.Blocks {
			if !b.Open || have[fmt.Sprintf("%d %d-%d", b.Year, b.First, b.Last)] {
				continue
			}
			proof, err := ask(ctx, client, http.MethodGet, server+"/log/"+strconv.FormatInt(b.Leaf, 10)+".tlog-proof", nil)
			if err != nil {
				return taken, fmt.Errorf("the proof of the block of leaf %d: %w", b.Leaf, err)
			}
			if err := n.takeBlock(p, proof, size); err != nil {
				return taken, err
			}
			taken++
		}
	}
	return taken, nil
}

// takeBlock takes in a block that a proof shows in the log.
func (n *laneNode) takeBlock(p *Program, proof []byte, size int64) error {
	part, err := n.prove(proof)
	if err != nil {
		return err
	}
	e, err := event.Parse(part.Leaf.Event)
	if err != nil {
		return err
	}
	if e.Kind != event.BlockGranted {
		return fmt.Errorf("leaf %d grants no numbers", part.Index)
	}
	if size < lane.MinLane || size > lane.MaxLane {
		return fmt.Errorf("--lane: %d to %d", lane.MinLane, lane.MaxLane)
	}
	b := lane.Block{Year: e.Year, First: e.First, Last: e.Last, Lane: size, Key: e.Key}
	if err := n.journal.AddBlock(b); err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "%s: %s numbers\n", b, thousands(b.Size()))
	return nil
}
