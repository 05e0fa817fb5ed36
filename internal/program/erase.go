package program

import (
	"context"
	"fmt"
	"slices"

	"tasuki/internal/authority"
	"tasuki/internal/drafts"
	"tasuki/internal/event"
	"tasuki/internal/registry"
)

// Erased is what became of a person.
type Erased struct {
	User   string // their UUID, which says nothing any more
	Leaves int    // whose bodies were erased
	First  int64  // the oldest of them: what was copied from the log since then may hold the person still
}

// personTables are rewritten once a person is erased. The ledger's are those of the private bodies.
var personTables = slices.Concat([]string{"ledger_private", "ledger_escrow"}, authority.Tables, registry.PersonTables, []string{"draft", "draft_template"})

// ErasePerson erases a person: the bodies of all private facts about them, who asked for identifiers in their name, contacts that name
// them, sessions, drafts and the audit trail about them; then the bytes in the store's files. The leaves stay, and with them the root
// at every size. The Secretariat and the operator may: authority.ErrNotSecretariat, authority.ErrNoOrg, authority.ErrNoUser; somebody who
// was removed before can be erased by the username they had. store.ErrScrub beside a result means that the person is erased, and old bytes
// are still in the files: Scrub goes on there.
func (s *Service) ErasePerson(ctx context.Context, c authority.Caller, short, username string) (out Erased, err error) {
	err = s.act(ctx, c, func(ctx context.Context, t turn) error {
		out = Erased{}
		if err := t.me.MustBeSecretariat(); err != nil {
			return err
		}
		o, err := shortName(ctx, t.Tx, t.Now(), short)
		if err != nil {
			return err
		}
		id, err := authority.PersonKnown(ctx, t.Tx, o.ID, username)
		if err != nil {
			return err
		}
		if t.me.Role == authority.Member && id == t.me.User.ID {
			return fmt.Errorf("%s: who erases cannot be who is erased: %w", c, authority.ErrSelfDemote)
		}
		if err := authority.ForgetAudit(ctx, t.Tx, id); err != nil {
			return err
		}
		leaves, err := authority.PersonLeaves(ctx, t.Tx, t, id)
		if err != nil {
			return err
		}
		asked, err := registry.RequesterLeaves(ctx, t.Tx, id)
		if err != nil {
			return err
		}
		leaves = append(leaves, asked...)
		slices.Sort(leaves)
		for _, leaf := range leaves {
			if _, err := t.Emit(ctx, &event.Event{Kind: event.BodyErased, Leaf: &leaf, Reason: "person", By: t.me.Org.ID}, nil); err != nil {
				return err
			}
			if err := s.Log.Erase(ctx, t.Tx, leaf); err != nil {
				return err
			}
		}
		out.User, out.Leaves = id, len(leaves)
		if len(leaves) > 0 {
			out.First = leaves[0]
		}
		return drafts.Erase(ctx, t.Tx, id)
	})
	if err != nil {
		return Erased{}, err
	}
	return out, s.Scrub(ctx)
}

// Scrub takes the bytes of what was erased out of the store's files; store.ErrScrub. ErasePerson does it by itself; it can be asked again
// where that could not.
func (s *Service) Scrub(ctx context.Context) error { return s.DB.Scrub(ctx, personTables...) }
