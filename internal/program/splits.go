package program

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/governance"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// Split writes down that an identifier covered several flaws, which have identifiers of their own now. All of them are public by
// then, and the caller's: naming a reserved one would tell whose it is. ErrNotOwner, ErrUnheard, governance.ErrStatement.
func (s *Service) Split(ctx context.Context, c authority.Caller, id string, into []string, say governance.Statement) error {
	return s.act(ctx, c, func(ctx context.Context, t turn) error {
		if err := t.me.MustBeCNA(); err != nil {
			return err
		}
		if len(into) == 0 {
			return fmt.Errorf("split %s into nothing: %w", id, registry.ErrNotFound)
		}
		for _, each := range append([]string{id}, into...) {
			i, err := writable(ctx, t.Tx, t.me, each)
			switch {
			case err != nil:
				return err
			case !i.Record:
				return fmt.Errorf("%s: %w", each, ErrUnheard)
			}
		}
		return governance.NoteRelation(ctx, t, event.SplitNoted, id, into, say, t.me.Org.ID)
	})
}

// ErrKeep means an identifier that others cannot be merged into: there is no published record of it, or it is one of them.
var ErrKeep = errors.New("program: nothing can be merged into this identifier")

// Merge rejects redundant identifiers of the caller's with a record that names the one to keep, whoever owns that; a duplicate is a
// merge of one. What was rejected before an error stays so; merging again goes on. reason is public, in English. ErrNotOwner,
// ErrKeep, and the errors of Reject.
func (s *Service) Merge(ctx context.Context, c authority.Caller, keep string, redundant []string, reason string) error {
	if reason == "" {
		reason = "This identifier is a duplicate of " + keep + "."
	}
	type text struct {
		Lang  string `json:"lang"`
		Value string `json:"value"`
	}
	container, err := json.Marshal(struct {
		Reasons []text   `json:"rejectedReasons"`
		By      []string `json:"replacedBy"`
	}{[]text{{"en", reason}}, []string{keep}})
	if err != nil {
		return fmt.Errorf("merge into %s: %w", keep, err)
	}
	var left []Submission
	err = s.view(ctx, c, func(tx *store.Tx, me authority.Standing) error {
		left = nil
		if err := me.MustBeCNA(); err != nil {
			return err
		}
		k, err := registry.GetID(ctx, tx, keep)
		if err != nil {
			return err
		}
		if k.State != cve.Published || slices.Contains(redundant, keep) || len(redundant) == 0 {
			return fmt.Errorf("%s: %w", keep, ErrKeep)
		}
		for _, id := range redundant {
			i, err := writable(ctx, tx, me, id)
			if err != nil {
				return err
			}
			if i.State == cve.Rejected && i.Record {
				continue
			}
			sub := Submission{ID: id, Container: container}
			if i.Record {
				sub.Want = WantOne
			}
			left = append(left, sub)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, sub := range left {
		if _, err := s.Reject(ctx, c, sub); err != nil {
			return err
		}
	}
	return s.act(ctx, c, func(ctx context.Context, t turn) error {
		for _, id := range redundant {
			if _, err := writable(ctx, t.Tx, t.me, id); err != nil {
				return err
			}
		}
		return governance.NoteRelation(ctx, t, event.MergeNoted, keep, redundant, governance.Statement{Text: reason}, t.me.Org.ID)
	})
}

// Unused lists the identifiers of a year that an organisation reserved and never published (CNA rules 4.5.3.5), with how many there
// are: for its own users and the Secretariat. authority.ErrOtherOrg, authority.ErrNoOrg.
func (s *Service) Unused(ctx context.Context, c authority.Caller, short string, year int64, offset, limit int) ([]Identifier, int64, error) {
	return s.IDsOf(ctx, c, short, registry.Filter{State: cve.Reserved, Year: year, Offset: offset, Limit: limit})
}

// rejectBatch is how many identifiers one command rejects: others write in between.
const rejectBatch = 100

// RejectUnused rejects identifiers without a record, those that are reserved still, and answers how many. What was done before an error
// stays done. authority.ErrNotCNA, ErrNotOwner, registry.ErrHasRecord.
func (s *Service) RejectUnused(ctx context.Context, c authority.Caller, ids []string) (n int, err error) {
	for batch := range slices.Chunk(ids, rejectBatch) {
		done := 0
		err := s.act(ctx, c, func(ctx context.Context, t turn) error {
			done = 0
			if err := t.me.MustBeCNA(); err != nil {
				return err
			}
			for _, id := range batch {
				i, err := owned(ctx, t.Tx, t.me, id)
				if err != nil {
					return err
				}
				if i.State == cve.Rejected {
					continue
				}
				if err := registry.SetState(ctx, t.Tx, t, i, cve.Rejected); err != nil {
					return err
				}
				done++
			}
			return nil
		})
		if err != nil {
			return n, err
		}
		n += done
	}
	return n, nil
}
