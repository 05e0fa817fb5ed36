package main

import (
	"context"
	"time"

	"tasuki/internal/program"
)

type blockRequest struct {
	Org    string `json:"org,omitzero"`
	Year   int64  `json:"year,omitzero"`
	First  int64  `json:"first,omitzero"`
	Last   int64  `json:"last,omitzero"`
	Size   int64  `json:"size,omitzero"`
	Key    string `json:"key,omitzero"`
	Reason string `json:"reason,omitzero"`
}

type blockAnswer struct {
	Year      int64  `json:"year"`
	First     int64  `json:"first"`
	Last      int64  `json:"last"`
	Org       string `json:"org,omitzero"`
	Key       string `json:"key"`
	Leaf      int64  `json:"leaf"`
	Published int64  `json:"published"`
	Opened    bool   `json:"opened"`
	Closed    string `json:"closed,omitzero"`
}

func blockOf(b program.BlockView) blockAnswer {
	a := blockAnswer{Year: b.Year, First: b.First, Last: b.Last, Org: b.Short, Key: b.Key, Leaf: b.Leaf, Published: b.Published, Opened: b.Opened}
	if !b.Open() {
		a.Closed = b.Closed.Format(time.RFC3339)
	}
	return a
}

func (n *node) grantBlock(ctx context.Context, q blockRequest, _ Reporter) (blockAnswer, error) {
	b, err := n.acts.GrantBlock(ctx, operator("authority block grant"), program.NewBlock{Org: q.Org, Year: q.Year, Size: q.Size, Key: q.Key})
	return blockOf(program.BlockView{Block: b, Short: q.Org}), err
}

func (n *node) listBlocks(ctx context.Context, q blockRequest, _ Reporter) ([]blockAnswer, error) {
	list, err := n.acts.Blocks(ctx, operator("authority block list"), q.Org)
	out := make([]blockAnswer, 0, len(list))
	for _, b := range list {
		out = append(out, blockOf(b))
	}
	return out, err
}

func (n *node) closeBlock(ctx context.Context, q blockRequest, _ Reporter) (struct{}, error) {
	return struct{}{}, n.acts.CloseBlock(ctx, operator("authority block close"), q.Year, q.First, q.Last, q.Reason)
}

type keyRequest struct {
	Org    string `json:"org"`
	Key    string `json:"key,omitzero"`
	Label  string `json:"label,omitzero"`
	Use    string `json:"use,omitzero"`
	Reason string `json:"reason,omitzero"`
	Mode   string `json:"mode,omitzero"`
}

type keysAnswer struct {
	Org    string      `json:"org"`
	Attest string      `json:"attest"`
	Keys   []keyAnswer `json:"keys"`
}

type keyAnswer struct {
	Key     string `json:"key"`
	Label   string `json:"label"`
	Use     string `json:"use"`
	Added   string `json:"added"`
	Revoked string `json:"revoked,omitzero"`
	Reason  string `json:"reason,omitzero"`
}

func (n *node) addKey(ctx context.Context, q keyRequest, r Reporter) (keysAnswer, error) {
	if err := n.acts.AddKey(ctx, operator("authority key add"), program.NewKey{Org: q.Org, Key: q.Key, Label: q.Label, Use: q.Use}); err != nil {
		return keysAnswer{}, err
	}
	return n.listKeys(ctx, q, r)
}

func (n *node) revokeKey(ctx context.Context, q keyRequest, r Reporter) (keysAnswer, error) {
	if err := n.acts.RevokeKey(ctx, operator("authority key revoke"), q.Org, q.Key, q.Reason); err != nil {
		return keysAnswer{}, err
	}
	return n.listKeys(ctx, q, r)
}

func (n *node) setAttest(ctx context.Context, q keyRequest, r Reporter) (keysAnswer, error) {
	if err := n.acts.SetAttest(ctx, operator("authority attest"), q.Org, q.Mode); err != nil {
		return keysAnswer{}, err
	}
	return n.listKeys(ctx, q, r)
}

func (n *node) listKeys(ctx context.Context, q keyRequest, _ Reporter) (keysAnswer, error) {
	o, keys, err := n.acts.Keys(ctx, q.Org)
	a := keysAnswer{Org: o.Short, Attest: "operator", Keys: []keyAnswer{}}
	if o.SelfAttested() {
		a.Attest = "self"
	}
	for _, k := range keys {
		v := keyAnswer{Key: k.Key, Label: k.Label, Use: k.Use, Added: k.Added.Format(time.RFC3339), Reason: k.Reason}
		if !k.Live() {
			v.Revoked = k.Revoked.Format(time.RFC3339)
		}
		a.Keys = append(a.Keys, v)
	}
	return a, err
}
