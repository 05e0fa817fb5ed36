// Package lane answers the requests of CVE Services on an authority's own node, while the list and its operator are away (continuity
// E.5): it assigns from the node's journal, signs into its outbox, and says of its identifiers what it knows of them. A tool that
// speaks to CVE Services goes on with another URL and key.
//
// The protocol itself is told elsewhere (package cveservices); a Node is the acts behind it. It answers for the numbers that its
// journal gave out, and for nothing else: the rest of the list is not here.
package lane

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/lane"
	"tasuki/spec/cve"
	"tasuki/spec/cve/schema"
)

// Author says what the authority says next, and signs it.
type Author interface {
	// Next is what the next container for an identifier says, but for the container: its Prev is "" where nobody has published yet.
	Next(ctx context.Context, id string) (*event.Event, error)
	// Seal binds a body to an event and signs both.
	Seal(e *event.Event, body []byte) (*event.Submission, error)
	// Elsewhere is the record as the list shows it, for one that was begun elsewhere; nil where it cannot be had. It is shown, and
	// nothing rests on it.
	Elsewhere(ctx context.Context, id string) []byte
	// Kept is told that another event waits.
	Kept()
}

// Options are what a Node is made of.
type Options struct {
	Journal *lane.Journal
	Outbox  *lane.Outbox
	Disk    lane.Disk // keeps who asked for what
	People  lane.People
	Author  Author
	Org     string    // UUID
	Short   string    // short name
	Since   time.Time // of the node
	Schema  *schema.Validator
	Now     func() time.Time
	Log     *slog.Logger
}

// Node answers. It is safe for concurrent use.
type Node struct {
	Options

	writing sync.Mutex // an event follows the one before it

	mu  sync.Mutex
	ids map[string]*own
}

// own is an identifier that the journal gave out.
type own struct {
	id       string
	reserved time.Time
	user     string // who asked; "" where nobody knows any more
	said     []said // oldest first
}

// said is an event about an identifier, waiting or sent.
type said struct {
	hash [32]byte
	kind event.Kind
	at   time.Time
	prev string
}

// Open reads what the node knows of its identifiers.
func Open(o Options) (*Node, error) {
	n := &Node{Options: o, ids: map[string]*own{}}
	o.Journal.Given(func(g lane.Given, numbers []lane.Number) {
		for _, num := range numbers {
			n.ids[num.ID] = &own{id: num.ID, reserved: g.At}
		}
	})
	if err := n.readAsked(); err != nil {
		return nil, err
	}
	sent, err := o.Outbox.Sent()
	if err != nil {
		return nil, err
	}
	waiting, err := o.Outbox.Waiting()
	if err != nil {
		return nil, err
	}
	for _, item := range append(sent, waiting...) {
		_, e, err := event.ParseSubmission(item.Submission)
		if err != nil {
			return nil, fmt.Errorf("event %s: %w", item.Name(), err)
		}
		// What was published by a command, of a number that this journal did not give out, is the authority's all the same.
		i := n.ids[e.ID]
		if i == nil && e.ID != "" {
			i = &own{id: e.ID, reserved: cmp.Or(e.Reserved, e.At)}
			n.ids[e.ID] = i
		}
		if i != nil && e.Container() == cve.CNA {
			i.said = append(i.said, said{item.Hash, e.Kind, e.At, e.Prev})
		}
	}
	for _, i := range n.ids {
		i.said = follow(i.said)
	}
	return n, nil
}

// follow sorts events so that each comes after the one that it follows, whatever their clocks said.
func follow(list []said) (out []said) {
	slices.SortStableFunc(list, func(a, b said) int { return a.at.Compare(b.at) })
	here := map[string]bool{}
	for _, s := range list {
		here[fmt.Sprintf("%x", s.hash)] = true
	}
	for len(list) > 0 {
		at := max(slices.IndexFunc(list, func(s said) bool { return !here[s.prev] }), 0)
		delete(here, fmt.Sprintf("%x", list[at].hash))
		out = append(out, list[at])
		list = slices.Delete(list, at, at+1)
	}
	return out
}

func (i *own) state() cve.State {
	switch {
	case len(i.said) == 0:
		return cve.Reserved
	case i.said[len(i.said)-1].kind == event.RecordRejected:
		return cve.Rejected
	}
	return cve.Published
}

func (i *own) modified() time.Time {
	if len(i.said) == 0 {
		return i.reserved
	}
	return i.said[len(i.said)-1].at
}

// find is an identifier as it is now, nil for one that was not given out here.
func (n *Node) find(id string) *own {
	n.mu.Lock()
	defer n.mu.Unlock()
	if i := n.ids[id]; i != nil {
		return &own{i.id, i.reserved, i.user, slices.Clone(i.said)}
	}
	return nil
}

// inBlock says that an identifier is of the authority's blocks, given out or not.
func (n *Node) inBlock(id string) bool {
	return slices.ContainsFunc(n.Journal.Blocks(), func(b lane.Block) bool {
		return (&event.Event{Year: b.Year, First: b.First, Last: b.Last}).Covers(id)
	})
}

func (n *Node) org() authority.Org {
	return authority.Org{ID: n.Options.Org, Short: n.Short, Name: n.Short, Created: n.Since, Modified: n.Since}
}

// Enter finds who asks: authority.ErrUnauthorized.
func (n *Node) Enter(ctx context.Context, org, user, key, _ string) (authority.Standing, error) {
	who, err := n.People.Enter(user, key)
	if errors.Is(err, lane.ErrNobody) || err == nil && org != n.Short {
		return authority.Standing{}, authority.ErrUnauthorized
	}
	if err != nil {
		return authority.Standing{}, err
	}
	return authority.MemberOf(n.org(), n.user(who), authority.CNA), nil
}

func (n *Node) user(p lane.Person) authority.User {
	return authority.User{ID: p.ID, Org: n.Options.Org, Username: p.Username, Active: true, Created: p.Made, Modified: p.Changed}
}

// Deny notes a refusal.
func (n *Node) Deny(ctx context.Context, c authority.Caller, why error) error {
	n.Log.InfoContext(ctx, "refused", "caller", c.String(), "err", why)
	return why
}
