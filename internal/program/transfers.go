package program

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/governance"
	"tasuki/internal/registry"
)

// ErrUnheard means an identifier that is not public yet, where only public ones can be named.
var ErrUnheard = errors.New("program: the identifier is not public yet")

// NewTransfer moves identifiers to another organisation (CNA rules 4.5.4).
type NewTransfer struct {
	Case      string // that asked for it; "" for none
	IDs       []string
	To        string // short name
	Reason    string // one word: "scope", "delay", "removal", …; public
	Statement governance.Statement
}

// AskTransfer asks a Root to move published or rejected identifiers; a CNA may. One that is not public yet is moved by its owner, or
// by a Root without being asked in public: ErrUnheard. authority.ErrNotCNA, authority.ErrNoOrg, registry.ErrNotFound.
func (s *Service) AskTransfer(ctx context.Context, c authority.Caller, n NewTransfer) (CaseView, error) {
	return s.caseAct(ctx, c, func(ctx context.Context, t turn, h *hierarchy) (string, error) {
		if err := t.me.MustBeCNA(); err != nil {
			return "", err
		}
		to, err := shortName(ctx, t.Tx, t.Now(), n.To)
		if err != nil {
			return "", err
		}
		ids, err := public(ctx, t, n.IDs)
		if err != nil {
			return "", err
		}
		made, err := h.askTransfer(ctx, t, n, to.ID, ids[0].Owner)
		return made.ID, err
	})
}

func (h *hierarchy) askTransfer(ctx context.Context, t turn, n NewTransfer, to, from string) (governance.Case, error) {
	return governance.Step(ctx, t.Tx, t, governance.Say{Kind: event.TransferAsked, By: t.me.Org.ID, IDs: n.IDs, From: from, To: to,
		Reason: reasonWord(n.Reason), Pack: h.rules.Version,
		Statement: n.Statement})
}

// reasonWord is a reason as a leaf says it: leaves are small, so what is long belongs into the statement.
func reasonWord(s string) string {
	if s == "" {
		return "scope"
	}
	if r := []rune(s); len(r) > 40 {
		return string(r[:40])
	}
	return s
}

// public reads identifiers of which each has been heard of: ErrUnheard, registry.ErrNotFound.
func public(ctx context.Context, t turn, ids []string) (out []registry.Identifier, err error) {
	if len(ids) == 0 {
		return nil, fmt.Errorf("no identifier is named: %w", registry.ErrNotFound)
	}
	for _, id := range ids {
		i, err := registry.GetID(ctx, t.Tx, id)
		switch {
		case err != nil:
			return nil, err
		case !i.Opened:
			return nil, fmt.Errorf("%s: %w", id, ErrUnheard)
		}
		out = append(out, i)
	}
	return out, nil
}

// Transfer orders that identifiers move: whoever has the power over their owners and over the new one's place. Of those that nobody
// has heard of, nobody hears now. It answers the case, empty where all of it is private. ErrNotAbove, ErrNotOwner (they are
// nobody's), authority.ErrNoOrg, registry.ErrNotFound, governance.ErrState.
func (s *Service) Transfer(ctx context.Context, c authority.Caller, n NewTransfer) (out CaseView, err error) {
	err = s.act(ctx, c, func(ctx context.Context, t turn) error {
		out = CaseView{}
		h, err := readHierarchy(ctx, t.Tx, t.Now())
		if err != nil {
			return err
		}
		if n.Case != "" {
			asked, err := governance.GetCase(ctx, t.Tx, n.Case)
			if err != nil {
				return err
			}
			if asked.Workflow != governance.Transfer {
				return fmt.Errorf("a %s: %w", asked.Workflow, governance.ErrState)
			}
			if len(n.IDs) == 0 {
				n.IDs = asked.IDs
			}
			if n.To == "" {
				n.To = asked.Against
			}
			if slices.ContainsFunc(n.IDs, func(id string) bool { return !slices.Contains(asked.IDs, id) }) {
				return fmt.Errorf("an identifier that was not asked for: %w", governance.ErrState)
			}
		}
		id, err := h.transfer(ctx, t, n)
		if err != nil || id == "" {
			return err
		}
		out, err = viewCase(ctx, t.Tx, h, t.me, id)
		return err
	})
	return out, err
}

// transfer moves identifiers inside a command and answers the case, "" where none of it is public.
func (h *hierarchy) transfer(ctx context.Context, t turn, n NewTransfer) (string, error) {
	to, err := authority.GetOrg(ctx, t.Tx, t.Now(), n.To)
	if err != nil {
		return "", err
	}
	var heard, unheard []registry.Identifier
	for _, id := range n.IDs {
		i, err := registry.GetID(ctx, t.Tx, id)
		switch {
		case err != nil:
			return "", err
		case i.Owner == "":
			return "", fmt.Errorf("%s: %w", id, ErrNotOwner)
		case i.Owner == to.ID:
			continue
		}
		if err := h.mayOverOrg(t.me, authority.Transfer, i.Owner); err != nil && !t.me.IsSecretariat() {
			return "", err
		}
		if i.Opened {
			heard = append(heard, i)
		} else {
			unheard = append(unheard, i)
		}
	}
	for _, i := range unheard {
		if err := registry.Transfer(ctx, t.Tx, t, i, to.ID); err != nil {
			return "", err
		}
	}
	if len(heard) == 0 {
		return n.Case, nil
	}
	if n.Case == "" {
		n.IDs = nil
		for _, i := range heard {
			n.IDs = append(n.IDs, i.ID)
		}
		made, err := h.askTransfer(ctx, t, n, to.ID, heard[0].Owner)
		if err != nil {
			return "", err
		}
		n.Case = made.ID
	}
	for _, i := range heard {
		if _, err := governance.Step(ctx, t.Tx, t, governance.Say{Kind: event.IDTransferred, Case: n.Case, ID: i.ID, By: t.me.Org.ID, From: i.Owner, To: to.ID,
			Pack: h.rules.Version}); err != nil {
			return "", err
		}
	}
	return n.Case, nil
}

// CloseTransfer ends a request without a transfer: governance.Denied by whoever has the power, governance.Withdrawn by who asked.
// governance.ErrNoCase, ErrNotAbove, ErrNotParty, governance.ErrState, governance.ErrOutcome.
func (s *Service) CloseTransfer(ctx context.Context, c authority.Caller, id, outcome string, say governance.Statement) (CaseView, error) {
	return s.caseAct(ctx, c, func(ctx context.Context, t turn, h *hierarchy) (string, error) {
		r, err := governance.GetCase(ctx, t.Tx, id)
		if err != nil {
			return "", err
		}
		if outcome == governance.Withdrawn {
			in, err := asked(ctx, t, r)
			if err != nil || !in {
				return "", errors.Join(err, fmt.Errorf("%s: %w", c, ErrNotParty))
			}
		} else if err := h.mayOverOrg(t.me, authority.Transfer, r.Party); err != nil && !t.me.IsSecretariat() {
			return "", err
		}
		_, err = governance.Step(ctx, t.Tx, t, governance.Say{Kind: event.TransferClosed, Case: id, By: t.me.Org.ID, Outcome: outcome, Pack: h.rules.Version,
			Statement: say})
		return id, err
	})
}

// asked says that the caller wrote the first step of a case: who asks for a transfer need not be who owns the identifiers.
func asked(ctx context.Context, t turn, r governance.Case) (bool, error) {
	if t.me.Role == authority.Operator {
		return true, nil
	}
	steps, err := governance.Steps(ctx, t.Tx, r.ID)
	return err == nil && t.me.Role == authority.Member && len(steps) > 0 && steps[0].By == t.me.Org.ID, err
}

// Transfers lists transfers, as Cases does.
func (s *Service) Transfers(ctx context.Context, c authority.Caller) ([]CaseView, error) {
	return s.Cases(ctx, c, governance.Transfer)
}
