package lane

import (
	"context"
	"fmt"
	"slices"

	"tasuki/internal/authority"
	"tasuki/internal/catalogue"
	"tasuki/internal/event"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/spec/cve"
)

// Publish signs a container and keeps it until the list has it. It returns the record as it will stand. Its errors are those of
// program.Service: program.ErrNotOwner, program.ErrRecordExists or registry.ErrNoRecord, *program.InvalidRecord.
func (n *Node) Publish(ctx context.Context, _ authority.Caller, s program.Submission) ([]byte, error) {
	return n.put(ctx, s, event.RecordPut, cve.CNA)
}

// Reject signs why an identifier is rejected. Errors as Publish.
func (n *Node) Reject(ctx context.Context, _ authority.Caller, s program.Submission) ([]byte, error) {
	return n.put(ctx, s, event.RecordRejected, "")
}

func (n *Node) put(ctx context.Context, s program.Submission, kind event.Kind, cont string) ([]byte, error) {
	n.writing.Lock()
	defer n.writing.Unlock()
	i := n.find(s.ID)
	if i == nil {
		return nil, fmt.Errorf("%s: %w", s.ID, program.ErrNotOwner)
	}
	e, err := n.Author.Next(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	switch exists := e.Prev != ""; {
	case s.Want == program.WantNone && exists:
		return nil, fmt.Errorf("%s: %w", s.ID, program.ErrRecordExists)
	case s.Want == program.WantOne && !exists:
		return nil, fmt.Errorf("%s: %w", s.ID, registry.ErrNoRecord)
	case s.Container.Kind() != '{':
		return nil, fmt.Errorf("%s: %w", s.ID, program.ErrNoContainer) // the surface has asked the schema
	}
	e.Kind, e.Cont = kind, cont
	body, err := program.SignedBody(s.Container, n.Options.Org, n.Short)
	if err != nil {
		return nil, err
	}
	signed, err := n.Author.Seal(e, body)
	if err != nil {
		return nil, err
	}
	raw, err := signed.Marshal()
	if err != nil {
		return nil, err
	}
	// What is kept is read again as the operator will read it: what it would refuse does not wait for it.
	_, entry, err := event.ParseSubmission(raw)
	if err != nil {
		return nil, err
	}
	puts, err := n.entries(i.said)
	if err != nil {
		return nil, err
	}
	record, err := n.assemble(ctx, s.ID, append(puts, entry))
	if err != nil {
		return nil, err
	}
	if err := program.Judge(n.Schema, record); err != nil {
		return nil, err
	}
	if err := n.Outbox.Put(signed.Hash(), raw); err != nil {
		return nil, err
	}
	n.mu.Lock()
	if i := n.ids[s.ID]; !slices.ContainsFunc(i.said, func(s said) bool { return s.hash == signed.Hash() }) {
		i.said = append(i.said, said{signed.Hash(), kind, e.At, e.Prev})
	}
	n.mu.Unlock()
	n.Author.Kept()
	return record, nil
}

// Record is the record of an identifier as the authority's own events make it: catalogue.ErrNotFound.
func (n *Node) Record(ctx context.Context, id string) ([]byte, error) {
	i := n.find(id)
	if i == nil || len(i.said) == 0 {
		return nil, catalogue.ErrNotFound
	}
	puts, err := n.entries(i.said)
	if err != nil {
		return nil, err
	}
	return n.assemble(ctx, id, puts)
}

func (n *Node) entries(list []said) (out []*event.Entry, err error) {
	for _, s := range list {
		raw, err := n.Outbox.Submission(s.hash)
		if err != nil {
			return nil, fmt.Errorf("event %x: %w", s.hash, err)
		}
		_, e, err := event.ParseSubmission(raw)
		if err != nil {
			return nil, fmt.Errorf("event %x: %w", s.hash, err)
		}
		out = append(out, e)
	}
	return out, nil
}

// assemble makes the record. One that was begun elsewhere goes on from what the list shows, while somebody shows it.
func (n *Node) assemble(ctx context.Context, id string, puts []*event.Entry) ([]byte, error) {
	var base *event.Entry
	if puts[0].Prev != "" {
		if raw := n.Author.Elsewhere(ctx, id); raw != nil {
			base = &event.Entry{Event: &event.Event{Kind: event.RecordReplaced, ID: id}, Doc: event.Unpacked(raw)}
		}
	}
	return event.Assemble(base, puts, nil)
}
