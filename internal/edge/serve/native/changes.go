package native

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"tasuki/client"
	"tasuki/internal/catalogue"
	"tasuki/internal/query"
)

func (a *api) changeOperations() {
	get(a, operation{id: "list-changes", path: "changes", tag: "changes", summary: "List what happened since a cursor",
		text: "Every change of a record, withdrawals and erasures too, each once and in the log's order. A client that keeps next misses nothing and sees nothing twice."}, a.changes)
	get(a, operation{id: "stream-changes", path: "changes/stream", tag: "changes", summary: "Follow changes as they happen",
		text: "Server-sent events named \"change\"; data is a Change with its hit, id the leaf of the log. A client that comes back with the last id (Last-Event-ID, " +
			"as browsers do by themselves) goes on behind it. Events without data move the id alone.", kinds: []string{"text/event-stream"}}, a.stream)
	get(a, operation{id: "diff-lists", path: "diff", tag: "changes", summary: "Compare two states of the list",
		text: "Which records were added, changed, withdrawn, restored or erased between two moments."}, a.diffLists)
}

type changesInput struct {
	Since int64  `query:"since" doc:"A cursor: next of the answer before. 0 is the beginning." minimum:"0" default:"0"`
	Limit int    `query:"limit" doc:"Leaves looked at: changes at most." minimum:"1" maximum:"1000" default:"100"`
	Q     string `query:"q" doc:"Only changes of records that this query finds as they were before the change or as they are after it, and erasures."`
}

func (a *api) changes(ctx context.Context, in *changesInput) (*of[client.Feed], error) {
	tree, err := query.Parse(in.Q)
	if err != nil {
		return nil, err
	}
	head, err := a.Catalogue.Resolve(ctx, catalogue.At{})
	if err != nil {
		return nil, err
	}
	if in.Since > head.Head {
		return nil, beyond("since", in.Since, head.Head)
	}
	list, next, err := a.Catalogue.Since(ctx, in.Since, in.Limit)
	if err != nil {
		return nil, err
	}
	if list, err = a.concerning(ctx, tree, list); err != nil {
		return nil, err
	}
	changes, err := a.shown(ctx, list)
	if err != nil {
		return nil, err
	}
	return reply(client.Feed{Changes: changes, Next: next, Head: max(head.Head, next)})
}

// beyond is a cursor that the log has not reached: a list that was restored from an older copy, or another list.
func beyond(parameter string, cursor, head int64) *refusal {
	return wrong(parameter, "The log has "+strconv.FormatInt(head, 10)+" leaves and no cursor "+strconv.FormatInt(cursor, 10)+
		" yet: this is another list than the one the cursor came from.")
}

// shown adds to each change the record as a list shows it now.
func (a *api) shown(ctx context.Context, list []catalogue.Change) ([]client.Change, error) {
	out := make([]client.Change, 0, len(list))
	if len(list) == 0 {
		return out, nil
	}
	var ids []string
	var size int64
	for _, c := range list {
		if !slices.Contains(ids, c.ID) {
			ids = append(ids, c.ID)
		}
		size = max(size, c.Index+1)
	}
	page, err := a.find(ctx, catalogue.Query{Filters: []catalogue.Filter{{Dim: "id", Values: ids}}, Limit: len(ids), MinSize: size})
	if err != nil {
		return nil, err
	}
	hits := make(map[string]*client.Hit, len(page.Hits))
	for _, h := range page.Hits {
		hits[h.ID] = new(hitOf(h))
	}
	for _, c := range list {
		out = append(out, client.Change{Index: c.Index, ID: c.ID, What: string(c.What), Time: c.Time.UTC(), State: string(c.State), Was: string(c.Was),
			Old: c.Old, New: c.New, Hit: hits[c.ID]})
	}
	return out, nil
}

// concerning keeps the changes between two versions of which a query finds at least one. It looks at these, not at today's
// index: replaying gives what following gave, and a record that leaves the query is told. What was erased cannot be judged any
// more, and whoever keeps a copy has to hear of it: erasures concern everybody.
func (a *api) concerning(ctx context.Context, tree *query.Query, list []catalogue.Change) ([]catalogue.Change, error) {
	if tree.Root == nil || len(list) == 0 {
		return list, nil
	}
	versions := make([]catalogue.Leaf, 0, 2*len(list))
	for _, c := range list {
		versions = append(versions, catalogue.Leaf{ID: c.ID, Index: c.Old}, catalogue.Leaf{ID: c.ID, Index: c.New})
	}
	holds, err := a.Catalogue.Holds(ctx, tree, a.Now(), versions)
	if err != nil {
		return nil, err
	}
	var out []catalogue.Change
	for i, c := range list {
		if holds[2*i] || holds[2*i+1] || c.What == catalogue.Erased {
			out = append(out, c)
		}
	}
	return out, nil
}

type diffListsInput struct {
	From   string `query:"from" required:"true" doc:"The earlier moment: a day (all of it, UTC), an instant, or a number of leaves." example:"2024-03-05"`
	To     string `query:"to" doc:"The later moment. Without it: now."`
	Clock  string `query:"clock" doc:"By whose time both are meant." enum:"log,source" default:"log"`
	Kinds  string `query:"kinds" doc:"Only these, with commas between them: added, changed, withdrawn, restored, erased." example:"withdrawn,erased"`
	Limit  int    `query:"limit" doc:"Changes per page." minimum:"1" maximum:"1000" default:"100"`
	Cursor string `query:"cursor" doc:"next of the page before."`
}

var changeKinds = []catalogue.What{catalogue.Added, catalogue.Changed, catalogue.Withdrawn, catalogue.Restored, catalogue.Erased}

func (a *api) diffLists(ctx context.Context, in *diffListsInput) (*of[client.ListDifference], error) {
	span := catalogue.Span{Limit: in.Limit, Cursor: in.Cursor}
	var err error
	if span.From, err = edge("from", in.From, in.Clock); err != nil {
		return nil, err
	}
	if in.To != "" {
		if span.To, err = edge("to", in.To, in.Clock); err != nil {
			return nil, err
		}
	}
	if in.Kinds != "" {
		for k := range strings.SplitSeq(in.Kinds, ",") {
			kind := catalogue.What(strings.TrimSpace(k))
			if !slices.Contains(changeKinds, kind) {
				return nil, wrong("kinds", "there is no kind of change "+strconv.Quote(k)+"; there are added, changed, withdrawn, restored and erased")
			}
			span.Kinds = append(span.Kinds, kind)
		}
	}
	d, err := a.Catalogue.Changes(ctx, span)
	if err != nil {
		return nil, err
	}
	out := client.ListDifference{From: *momentOf(&d.From), To: *momentOf(&d.To), Next: d.Next}
	for what, n := range d.Total {
		if out.Totals == nil {
			out.Totals = map[string]int{}
		}
		out.Totals[string(what)] = n
	}
	if out.Changes, err = a.shown(ctx, d.List); err != nil {
		return nil, err
	}
	return reply(out)
}
