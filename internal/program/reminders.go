package program

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/governance"
	"tasuki/internal/registry"
	"tasuki/internal/store"
)

// The stages at which whoever has to act is reminded of a clock.
const (
	RemindBefore  = "before"
	RemindOverdue = "overdue"
)

// Reminder is a clock that somebody is to be told of. To and Org are private: a clock of a reserved identifier is public, whose it is
// is not.
type Reminder struct {
	ClockView
	Stage string
	Org   string   // short name of who has to act
	To    []string // where the Program reaches them
}

// Reminders lists, for the operator, the clocks that will be due within a time or are overdue, each stage of each until Reminded says that it
// was told. A clock that nobody can be told of is not listed.
func (s *Service) Reminders(ctx context.Context, c authority.Caller, before time.Duration) (out []Reminder, err error) {
	if c.Role != authority.Operator {
		return nil, fmt.Errorf("%s: %w", c, ErrNotParty)
	}
	clocks, err := s.Clocks(ctx, c)
	if err != nil {
		return nil, err
	}
	err = s.view(ctx, c, func(tx *store.Tx, _ authority.Standing) error {
		out = nil
		for _, k := range clocks {
			r := Reminder{ClockView: k, Stage: RemindOverdue}
			if !k.Overdue {
				if r.Stage = RemindBefore; k.Left > before {
					continue
				}
			}
			done, err := governance.Reminded(ctx, tx, k.Key, r.Stage)
			if err != nil {
				return err
			}
			org, err := actor(ctx, tx, k.Clock)
			if err != nil {
				return err
			}
			if done || org == "" {
				continue
			}
			o, err := authority.GetOrg(ctx, tx, s.Now(), org)
			if errors.Is(err, authority.ErrNoOrg) {
				continue
			}
			if err != nil {
				return err
			}
			r.Org = o.Short
			if r.To, err = mailboxes(ctx, tx, o); err != nil {
				return err
			}
			if len(r.To) > 0 {
				out = append(out, r)
			}
		}
		return nil
	})
	return out, err
}

// actor is the organisation that has to act before a clock runs out, public or not.
func actor(ctx context.Context, tx *store.Tx, k governance.Clock) (string, error) {
	switch {
	case k.Org != "":
		return k.Org, nil
	case k.Case != "":
		whole, err := governance.GetWhole(ctx, tx, k.Case)
		return whole.Adjudicator, err
	}
	i, err := registry.GetID(ctx, tx, k.CVE)
	return i.Owner, err
}

// mailboxes are the addresses of an organisation's administrative contacts, or else its public ones.
func mailboxes(ctx context.Context, tx *store.Tx, o authority.Org) (out []string, err error) {
	contacts, err := authority.Contacts(ctx, tx, o.ID)
	for _, c := range contacts {
		if c.Email != "" && !slices.Contains(out, c.Email) {
			out = append(out, c.Email)
		}
	}
	if len(out) == 0 {
		out = o.Profile.Emails
	}
	return out, err
}

// Reminded writes down that reminders were told, so that nobody hears of them twice.
func (s *Service) Reminded(ctx context.Context, list []Reminder) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		for _, r := range list {
			if err := governance.Remind(ctx, tx, r.Key, r.Stage, s.Now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// Contacts are whom the Program reaches in an organisation: for its own users and the Secretariat. authority.ErrOtherOrg, authority.ErrNoOrg.
func (s *Service) Contacts(ctx context.Context, c authority.Caller, short string) (out []authority.Contact, err error) {
	err = s.ofOrg(ctx, c, short, func(tx *store.Tx, o authority.Org) error {
		out, err = authority.Contacts(ctx, tx, o.ID)
		return err
	})
	return out, err
}

// ErrContact means a contact without a mail address, or more of them than anybody needs.
var ErrContact = errors.New("program: a contact has a mail address, and an organisation at most 20 of them")

// SetContacts says whom the Program reaches in an organisation, in place of whom it reached before; it is private. Its administrators and the
// Secretariat may: authority.ErrNotAdmin, authority.ErrNoOrg, ErrContact.
func (s *Service) SetContacts(ctx context.Context, c authority.Caller, short string, list []authority.Contact) error {
	if len(list) > 20 || slices.ContainsFunc(list, func(c authority.Contact) bool {
		a, err := mail.ParseAddress(c.Email)
		return err != nil || a.Address != c.Email || len(c.Email)+len(c.Name)+len(c.Phone) > 1000
	}) {
		return ErrContact
	}
	return s.act(ctx, c, func(ctx context.Context, t turn) error {
		o, err := shortName(ctx, t.Tx, t.Now(), short)
		if err == nil || errors.Is(err, authority.ErrNoOrg) {
			if denied := t.me.MayAddUser(o.ID); denied != nil {
				return denied // whether there is such an organisation or not
			}
		}
		if err != nil {
			return err
		}
		return authority.SetContacts(ctx, t.Tx, t, o.ID, list)
	})
}
