package authority

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tasuki/internal/event"
	"tasuki/internal/store"
	"tasuki/spec/jcs"
)

var (
	auditForget  = q.Get("audit_forget")
	userKnown    = q.Get("user_known")
	userStates   = q.Get("user_states")
	contactFacts = q.Get("contact_facts")
)

// Tables are those of this package that hold something of people.
var Tables = []string{"authority_audit", "authority_user", "authority_secret", "authority_contact", "authority_used", "authority_session", "authority_totp",
	"authority_totp_used"}

// PersonKnown is the UUID of whoever has, or ever had, a username in an organisation (UUID), also when they were removed since; ErrNoUser.
func PersonKnown(ctx context.Context, tx *store.Tx, org, name string) (id string, err error) {
	err = tx.QueryRow(ctx, userKnown, org, plain(name)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", ErrNoUser
	}
	return id, err
}

// state is one that a user was in.
type state struct {
	org, username string
	name          PersonName
}

// PersonLeaves are the leaves of every private fact in which a person stands, oldest first: all that UserLeaves gives, and the
// contacts of their organisations that name them. Of those that stand now, what is left of the contacts is said anew first.
func PersonLeaves(ctx context.Context, tx *store.Tx, t event.Turn, user string) ([]int64, error) {
	leaves, err := UserLeaves(ctx, tx, user)
	if err != nil {
		return nil, err
	}
	states, err := statesOf(ctx, tx, user)
	if err != nil {
		return nil, err
	}
	var orgs []string
	for _, s := range states {
		if !slices.Contains(orgs, s.org) {
			orgs = append(orgs, s.org)
		}
	}
	for _, org := range orgs {
		more, err := contactLeaves(ctx, tx, t, org, states)
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, more...)
	}
	slices.Sort(leaves)
	return slices.Compact(leaves), nil
}

func statesOf(ctx context.Context, tx *store.Tx, user string) (out []state, err error) {
	rows, err := tx.Query(ctx, userStates, user)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	for rows.Next() {
		var s state
		if err := rows.Scan(&s.org, &s.username, &s.name.First, &s.name.Last, &s.name.Middle, &s.name.Suffix); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// contactLeaves finds the facts about an organisation's contacts that name a person, in any state they were in.
func contactLeaves(ctx context.Context, tx *store.Tx, t event.Turn, org string, states []state) (leaves []int64, err error) {
	rows, err := tx.Query(ctx, contactFacts, org)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	var left []Contact
	again := false
	for rows.Next() {
		var leaf, newest int64
		var raw string
		if err := rows.Scan(&leaf, &raw, &newest); err != nil {
			return nil, err
		}
		var list []Contact
		if err := jcs.Decode([]byte(raw), &list); err != nil {
			return nil, fmt.Errorf("contacts of %s: %w", org, err)
		}
		others := slices.DeleteFunc(slices.Clone(list), func(c Contact) bool { return c.of(states) })
		if len(others) == len(list) {
			continue
		}
		leaves = append(leaves, leaf)
		if newest == 1 {
			left, again = others, true
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || !again {
		return leaves, err
	}
	return leaves, SetContacts(ctx, tx, t, org, left)
}

// of says that a contact is the person: by their username, where that is a mail address, or by their name.
func (c Contact) of(states []state) bool {
	for _, s := range states {
		full := strings.Join(strings.Fields(s.name.First+" "+s.name.Middle+" "+s.name.Last), " ")
		short := strings.Join(strings.Fields(s.name.First+" "+s.name.Last), " ")
		if strings.EqualFold(c.Email, s.username) {
			return true
		}
		if short != "" && (strings.EqualFold(c.Name, short) || strings.EqualFold(c.Name, full)) {
			return true
		}
	}
	return false
}

// ForgetAudit deletes what the audit trail says of a person: what was refused to them, and what was refused to others about them.
// It has to be asked before their facts are erased, for afterwards nobody knows what they were called.
func ForgetAudit(ctx context.Context, tx *store.Tx, user string) error {
	states, err := statesOf(ctx, tx, user)
	if err != nil {
		return err
	}
	names := []string{user}
	for _, s := range states {
		names = append(names, s.username)
	}
	for _, name := range names {
		if _, err := tx.Exec(ctx, auditForget, user, user, name); err != nil {
			return err
		}
	}
	return nil
}
