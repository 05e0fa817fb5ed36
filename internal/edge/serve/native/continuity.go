package native

import (
	"context"
	"time"

	"tasuki/client"
	"tasuki/internal/charter"
	"tasuki/internal/continuity"
)

// Continuity is who keeps the list and how it would go on.
type Continuity interface {
	Situation(ctx context.Context) (continuity.Situation, error)
	Epochs(ctx context.Context) ([]continuity.EpochState, error)
	// Charters are the chain, and the charters that are as valid as one of it.
	Charters(ctx context.Context) (*charter.Chain, []*charter.Document, error)
}

func (a *api) continuityOperations() {
	get(a, operation{id: "get-continuity", path: "continuity", tag: "authority", summary: "Get how the list is kept",
		text: "Who runs it, which mirrors and witnesses stand behind the published checkpoint and how far each is, and the epochs. " +
			"A mirror answers for itself, so that answers of different copies differ."}, a.continuity)
}

func (a *api) continuity(ctx context.Context, _ *struct{}) (*of[client.Continuity], error) {
	now, err := a.Continuity.Situation(ctx)
	if err != nil {
		return nil, err
	}
	epochs, err := a.Continuity.Epochs(ctx)
	if err != nil {
		return nil, err
	}
	chain, siblings, err := a.Continuity.Charters(ctx)
	if err != nil {
		return nil, err
	}
	out := client.Continuity{List: chain.ListID(), Role: string(now.Role), Size: now.Size, Charter: mandateOf(chain.Head(), siblings), Epoch: now.Epoch, Origin: now.Origin,
		Quorum:  client.Quorum{Mirrors: now.Q, Witnesses: now.Fewest, Reports: now.R, MayLie: now.F},
		Mirrors: keepersOf(now.Mirrors), Witnesses: keepersOf(now.Witnesses), Epochs: []client.EpochOf{}}
	if now.Published.Size > 0 {
		out.Published = &client.Covered{Size: now.Published.Size, Time: now.Published.Time.UTC()}
	}
	if now.Pending > now.Published.Size {
		out.Pending = &client.Waiting{Size: now.Pending, Since: some(now.Waiting)}
	}
	if c := now.Copy; c != nil {
		out.Copy = &client.CopyOf{Source: c.Source, Behind: c.Behind, Problem: c.Problem, Key: c.Key, Listed: c.Listed, Cosigned: c.Cosigned, Sealed: c.Sealed}
	}
	if h := now.Hold; h.Held() {
		out.Hold = &client.Hold{Why: string(h.Why), Since: h.At.UTC()}
	}
	if s := now.Stop; s != nil {
		out.Stopped = &client.Stopped{Size: s.Size, Reason: s.Reason, Since: s.At.UTC()}
	}
	for i := range epochs {
		out.Epochs = append(out.Epochs, epochOf(&epochs[i]))
	}
	return reply(out)
}

func mandateOf(head *charter.Document, siblings []*charter.Document) client.Mandate {
	c := head.Charter()
	out := client.Mandate{Version: c.V, Hash: head.Hash(), Path: "/charter/" + head.FileName(), Operator: c.Operator.Slug, URL: c.Operator.URL, BoardKeys: len(c.Board.Keys),
		BoardNeed: c.Board.K, Escrow: len(c.Escrow)}
	if c.Mandate != nil {
		out.Until = c.Mandate.Until
	}
	for _, d := range siblings {
		if d.Charter().V == c.V {
			out.Conflicts = append(out.Conflicts, "/charter/"+d.FileName())
		}
	}
	return out
}

func keepersOf(list []continuity.Keeper) []client.Keeper {
	out := make([]client.Keeper, len(list))
	for i, k := range list {
		out[i] = client.Keeper{Name: k.Name, URL: k.URL, Key: k.VKey, Counted: k.Counted, Size: k.Size, Behind: k.Behind, At: some(k.At)}
	}
	return out
}

func epochOf(e *continuity.EpochState) client.EpochOf {
	out := client.EpochOf{Epoch: e.Epoch, Operator: e.Operator.Name, Origin: e.Origin, Charter: e.Charter, How: string(e.How)}
	if e.Opened {
		first, last, at := e.First, e.Last, e.At.UTC().Truncate(time.Second)
		out.First, out.Last, out.Opened = &first, &last, &at
	}
	for _, r := range e.Reports {
		out.Reports = append(out.Reports, r.By.Name)
	}
	return out
}
