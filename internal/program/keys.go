package program

import (
	"context"
	"fmt"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/store"
)

// NewKey is a key to be added to an organisation.
type NewKey struct {
	Org   string // short name or UUID
	Key   string // raw Ed25519 public key, base64
	Label string // at most event.MaxLabel bytes; public
	Use   string // event.UseEvents or event.UseRecovery
}

// AddKey adds a key, by the operator's word for who signed in: an administrator of the organisation, or who stands over it.
// authority.ErrNotAdmin, ErrNotAbove, authority.ErrNoOrg, authority.ErrKeyKnown, authority.ErrNotSigned where the organisation attests
// for itself, event.ErrMalformed.
func (s *Service) AddKey(ctx context.Context, c authority.Caller, n NewKey) error {
	return s.aboutKeys(ctx, c, n.Org, &event.Event{Kind: event.KeyAdded, Key: n.Key, Label: n.Label, Use: n.Use})
}

// RevokeKey ends a key: what it signs from then on counts for nothing. reason is public. Errors as AddKey, and authority.ErrNoKey.
func (s *Service) RevokeKey(ctx context.Context, c authority.Caller, org, key, reason string) error {
	return s.aboutKeys(ctx, c, org, &event.Event{Kind: event.KeyRevoked, Key: key, Reason: reason})
}

// SetAttest says whose word counts for what an organisation does: event.AttestSelf or event.AttestOperator. Errors as AddKey, and
// authority.ErrNoKey for self without a key that signs events.
func (s *Service) SetAttest(ctx context.Context, c authority.Caller, org, mode string) error {
	return s.aboutKeys(ctx, c, org, &event.Event{Kind: event.AttestSet, Mode: mode})
}

func (s *Service) aboutKeys(ctx context.Context, c authority.Caller, org string, e *event.Event) error {
	return s.act(ctx, c, func(ctx context.Context, t turn) error {
		o, err := authority.GetOrg(ctx, t.Tx, t.Now(), org)
		if err != nil {
			return err
		}
		said := *e // a turn may be run again
		said.Org, said.By = o.ID, t.me.Org.ID
		if t.me.Role == authority.Member && t.me.Org.ID == o.ID {
			if err := t.me.MustBeSecretariatOrAdmin(); err != nil {
				return err
			}
		}
		said.At, said.List = t.Now(), s.Gate.List
		if said.By == "" {
			said.By = s.Gate.Operator
		}
		if err := wellFormed(&said); err != nil {
			return err
		}
		if err := lawfulKeys(ctx, t.Tx, t.Now(), &event.Entry{Event: &said}, t.me); err != nil {
			return err
		}
		if t.me.Role != authority.Operator && t.me.Org.SelfAttested() {
			return fmt.Errorf("%s: %w", said.Kind, authority.ErrNotSigned)
		}
		_, err = t.Emit(ctx, &said, nil)
		return err
	})
}

// wellFormed refuses an event that nobody could read, with event.ErrMalformed.
func wellFormed(e *event.Event) error {
	raw, err := e.Marshal()
	if err == nil {
		_, err = event.Parse(raw)
	}
	return err
}

// Keys lists the keys of an organisation, revoked ones too, and whose word counts for it. All of it is public: authority.ErrNoOrg.
func (s *Service) Keys(ctx context.Context, org string) (o authority.Org, keys []authority.Key, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		if o, err = authority.GetOrg(ctx, tx, s.Now(), org); err != nil {
			return err
		}
		keys, err = authority.Keys(ctx, tx, o.ID)
		return err
	})
	return o, keys, err
}
