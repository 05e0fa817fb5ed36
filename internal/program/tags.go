package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/governance"
	"tasuki/internal/ledger"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// TagDisputed places the tag `disputed`, with its reason, in the record of an identifier of a running dispute: its owner does, or
// whoever is to decide the dispute, by a direction to themselves that ends with UntagDisputed (dispute policy 2.0.0). governance.ErrNoCase,
// governance.ErrState, ErrNotAbove, registry.ErrNoRecord, and the errors of Publish. It answers the record.
func (s *Service) TagDisputed(ctx context.Context, c authority.Caller, in, id, reason string) ([]byte, error) {
	return s.retag(ctx, c, in, id, true, func(container []byte) ([]byte, error) { return cve.TagDisputed(container, "case "+in, reason) })
}

// UntagDisputed takes the tag away that a dispute placed, and its reason, unless the dispute runs or was left unresolved. Errors as
// TagDisputed.
func (s *Service) UntagDisputed(ctx context.Context, c authority.Caller, in, id string) ([]byte, error) {
	record, err := s.retag(ctx, c, in, id, false, func(container []byte) ([]byte, error) { return cve.UntagDisputed(container, "case "+in) })
	if err != nil {
		return nil, err
	}
	return record, s.endOwnDirection(ctx, c, in)
}

// retag changes the container of a record for a dispute.
func (s *Service) retag(ctx context.Context, c authority.Caller, in, id string, place bool, change func([]byte) ([]byte, error)) ([]byte, error) {
	var container []byte
	directed := false
	err := s.act(ctx, c, func(ctx context.Context, t turn) error {
		directed = false
		d, err := governance.GetWhole(ctx, t.Tx, in)
		switch {
		case err != nil:
			return err
		case t.me.Role != authority.Member:
			return fmt.Errorf("%s: %w", c, ErrNotParty) // a record has an organisation for its author
		case d.Workflow != governance.Dispute || !slices.Contains(d.IDs, id) || place == d.Ended() || d.Outcome == governance.Unresolved:
			return fmt.Errorf("case %s: %w", in, governance.ErrState)
		}
		i, err := writable(ctx, t.Tx, t.me, id)
		if errors.Is(err, ErrNotOwner) || err == nil && t.me.MustBeCNA() != nil {
			h, err := readHierarchy(ctx, t.Tx, t.Now())
			if err != nil {
				return err
			}
			if err := h.mayDecide(t.me, d); err != nil {
				return err
			}
			if by, err := governance.DirectionTo(ctx, t.Tx, id, t.me.Org.ID); err != nil {
				return err
			} else if by == "" {
				if _, err := h.direct(ctx, t, NewDirection{Case: in, IDs: []string{id}}, t.me.Org.ID); err != nil {
					return err
				}
				directed = true
			}
		} else if err != nil {
			return err
		}
		if i.State != cve.Published {
			return fmt.Errorf("%s: %w", id, registry.ErrNoRecord)
		}
		container, err = s.container(ctx, t.Tx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	next, err := change(container)
	var record []byte
	if err == nil {
		record, err = s.Publish(ctx, c, Submission{ID: id, Container: next, Want: WantOne})
	}
	if err != nil && directed {
		err = errors.Join(err, s.endOwnDirection(context.WithoutCancel(ctx), c, in))
	}
	return record, err
}

// endOwnDirection ends the direction that the caller gave itself in a case, if there is one.
func (s *Service) endOwnDirection(ctx context.Context, c authority.Caller, in string) error {
	return s.act(ctx, c, func(ctx context.Context, t turn) error {
		stand, err := governance.DirectedIn(ctx, t.Tx, in)
		if err != nil || !slices.Contains(stand, t.me.Org.ID) {
			return err
		}
		h, err := readHierarchy(ctx, t.Tx, t.Now())
		if err != nil {
			return err
		}
		d, err := governance.GetWhole(ctx, t.Tx, in)
		if err != nil {
			return err
		}
		return h.endDirection(ctx, t, d, t.me.Org.ID, "done")
	})
}

// container is the CNA container of a record as it is now.
func (s *Service) container(ctx context.Context, tx *store.Tx, id string) ([]byte, error) {
	parts, err := registry.PartsOf(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	var base *event.Entry
	if parts.Base >= 0 {
		if base, err = s.entry(ctx, tx, parts.Base); err != nil {
			return nil, err
		}
	}
	puts := make([]*event.Entry, len(parts.Puts))
	for n, p := range parts.Puts {
		if puts[n], err = s.entry(ctx, tx, p.Leaf); err != nil {
			return nil, err
		}
	}
	record, err := event.Assemble(base, puts, func(own ledger.Own) (string, error) { return registry.OwnerAt(ctx, tx, own.Index) })
	if err != nil {
		return nil, err
	}
	var doc struct {
		Containers struct {
			CNA jsontext.Value `json:"cna"`
		} `json:"containers"`
	}
	if err := json.Unmarshal(record, &doc); err != nil {
		return nil, fmt.Errorf("record of %s: %w", id, err)
	}
	return doc.Containers.CNA, nil
}

// untagAll takes the tags of a decided dispute away, where it placed some and the caller may.
func (s *Service) untagAll(ctx context.Context, c authority.Caller, d CaseView) error {
	for _, id := range d.IDs {
		tagged := false
		err := s.DB.View(ctx, func(tx *store.Tx) error {
			i, err := registry.GetID(ctx, tx, id)
			if err != nil || i.State != cve.Published {
				return err
			}
			container, err := s.container(ctx, tx, id)
			tagged = bytes.Contains(container, []byte("(case "+d.ID+")"))
			return err
		})
		if err == nil && tagged {
			_, err = s.UntagDisputed(ctx, c, d.ID, id)
		}
		if err != nil {
			return fmt.Errorf("decided; the tag of %s was not taken away: %w", id, err)
		}
	}
	return nil
}
