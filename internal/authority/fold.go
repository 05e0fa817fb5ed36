package authority

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/spec/jcs"
)

// Projection folds the authority's tables.
type Projection struct{}

// Name names the projection in reports.
func (Projection) Name() string { return "authority" }

// Version is of what Fold derives.
func (Projection) Version() int { return 2 }

// Prepare does nothing: bodies of organisations and grants are small and rare.
func (Projection) Prepare(event.Kind, *event.Doc) error { return nil }

var (
	orgPut       = q.Get("org_put")
	orgRename    = q.Get("org_rename")
	orgErase     = q.Get("org_erase")
	orgTouch     = q.Get("org_touch")
	grantPut     = q.Get("grant_put")
	grantEnd     = q.Get("grant_end")
	grantErase   = q.Get("grant_erase")
	packPut      = q.Get("rulepack_put")
	packErase    = q.Get("rulepack_erase")
	userPut      = q.Get("user_put")
	secretPut    = q.Get("secret_put")
	quotaPut     = q.Get("quota_put")
	contactPut   = q.Get("contact_put")
	totpPut      = q.Get("totp_put")
	privateFacts = []factTable{table("user"), table("secret"), table("quota"), table("contact"), table("totp")}
	// operational rows about a user, which go with what they were made from
	userDrops = []*store.Query{q.Get("used_drop"), q.Get("session_drop"), q.Get("totp_used_drop")}
)

// Fold brings one event into the tables. What a transaction remembers of somebody's standing is forgotten with every change here, for
// it rests on many rows.
func (Projection) Fold(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	at := e.At.UnixMilli()
	switch e.Kind {
	case event.OrgRegistered, event.OrgAdopted, event.OrgRenamed, event.GrantGiven, event.GrantEnded, event.RulePackAdopted, event.BodyErased:
		tx.ForgetAll()
	}
	switch e.Kind {
	case event.OrgRegistered, event.OrgAdopted, event.OrgRenamed:
		return foldOrg(ctx, tx, e, at)
	case event.GrantGiven:
		var body []byte
		if e.Doc != nil {
			var err error
			if body, err = e.Doc.Bytes(); err != nil {
				return err
			}
			if _, err := parseGrantBody(body); err != nil {
				return fmt.Errorf("grant.given: %w", err)
			}
		}
		_, err := tx.Exec(ctx, grantPut, e.Grant, e.Index, e.Org, e.Role, e.Parent, millis(e.ValidFrom), millis(e.ValidTo), e.Pack,
			plain(string(body)), at)
		return errors.Join(err, touch(ctx, tx, e.Org, at))
	case event.GrantEnded:
		_, err := tx.Exec(ctx, grantEnd, at, plain(e.Reason), e.Grant)
		return errors.Join(err, touch(ctx, tx, e.Org, at))
	case event.RulePackAdopted:
		body := []byte{}
		if e.Doc != nil {
			var err error
			if body, err = e.Doc.Bytes(); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, packPut, e.Index, e.Pack, body, at)
		return err
	case event.KeyAdded, event.KeyRevoked, event.AttestSet:
		return foldKey(ctx, tx, e, at)
	case event.PrivateFact:
		if e.Private == nil {
			return nil
		}
		return foldPrivate(ctx, tx, e, at)
	case event.BodyErased:
		return foldErased(ctx, tx, *e.Leaf)
	default:
		return nil
	}
}

func foldOrg(ctx context.Context, tx *store.Tx, e *event.Entry, at int64) error {
	var b orgBody
	profile := ""
	if e.Doc != nil {
		raw, err := e.Doc.Bytes()
		if err != nil {
			return err
		}
		if err := jcs.Decode(raw, &b); err != nil {
			return fmt.Errorf("%s: %w", e.Kind, err)
		}
		if !b.Profile.empty() {
			text, err := jcs.Canonical(b.Profile)
			if err != nil {
				return fmt.Errorf("%s: %w", e.Kind, err)
			}
			profile = string(text)
		}
	}
	if e.Kind == event.OrgRenamed {
		_, err := tx.Exec(ctx, orgRename, e.Index, plain(b.Short), plain(b.Name), profile, at, e.Org)
		return err
	}
	_, err := tx.Exec(ctx, orgPut, e.Org, e.Index, e.Index, plain(b.Short), plain(b.Name), profile, bit(e.Kind == event.OrgAdopted), at, at)
	return err
}

// touch dates an organisation's change. One that is not there (the leaf comes from elsewhere) is not dated.
func touch(ctx context.Context, tx *store.Tx, org string, at int64) error {
	_, err := tx.Exec(ctx, orgTouch, at, org)
	return err
}

func foldPrivate(ctx context.Context, tx *store.Tx, e *event.Entry, at int64) error {
	fact, err := parsePrivate(e.Private)
	if err != nil || fact == nil {
		return err
	}
	tx.ForgetAll()
	users, secrets, quotas, contacts, totps := privateFacts[0], privateFacts[1], privateFacts[2], privateFacts[3], privateFacts[4]
	switch f := fact.(type) {
	case *userFact:
		created, err := time.Parse(ledger.TimeFormat, f.Created)
		if err != nil {
			return err
		}
		added := f.Added
		if f.Kind == userAdded {
			added = e.Index
		}
		return users.add(ctx, tx, f.User, userPut, e.Index, f.User, f.Org, plain(f.Username), plain(f.First), plain(f.Last), plain(f.Middle),
			plain(f.Suffix), plain(strings.Join(f.Roles, " ")), bit(f.Active), 0, added, created.UnixMilli(), at)
	case *removedFact:
		return users.add(ctx, tx, f.User, userPut, e.Index, f.User, "", "", "", "", "", "", "", 0, 1, 0, 0, at)
	case *secretFact:
		return secrets.add(ctx, tx, f.User, secretPut, e.Index, f.User, plain(f.PHC), at)
	case *totpFact:
		return totps.add(ctx, tx, f.User, totpPut, e.Index, f.User, plain(f.Secret), at)
	case *quotaFact:
		return quotas.add(ctx, tx, f.Org, quotaPut, e.Index, f.Org, f.Quota, at)
	case *contactFact:
		text, err := jcs.Canonical(f.Contacts)
		if err != nil {
			return err
		}
		return contacts.add(ctx, tx, f.Org, contactPut, e.Index, f.Org, plain(string(text)), at)
	}
	return nil
}

// foldErased leaves the tables as if the body had never been there, which is how a replay finds it.
func foldErased(ctx context.Context, tx *store.Tx, leaf int64) error {
	for _, erase := range []*store.Query{orgErase, grantErase} {
		if _, err := tx.Exec(ctx, erase, leaf); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, packErase, []byte{}, leaf); err != nil {
		return err
	}
	for i, t := range privateFacts {
		subject, err := t.remove(ctx, tx, leaf)
		if err != nil {
			return err
		}
		if i == 0 && subject != "" {
			for _, drop := range userDrops {
				if _, err := tx.Exec(ctx, drop, subject); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// A factTable has a row per private fact and a mark on the newest of each subject.
type factTable struct{ at, drop, mark, unmark, clear *store.Query }

func table(name string) factTable {
	return factTable{q.Get(name + "_at"), q.Get(name + "_drop"), q.Get(name + "_mark"), q.Get(name + "_unmark"), q.Get(name + "_clear")}
}

func (t factTable) add(ctx context.Context, tx *store.Tx, subject string, put *store.Query, args ...any) error {
	if _, err := tx.Exec(ctx, t.unmark, subject); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, put, args...)
	return err
}

// remove takes the fact of a leaf away and moves the mark to the newest that is left. It returns whom the fact was about.
func (t factTable) remove(ctx context.Context, tx *store.Tx, leaf int64) (subject string, err error) {
	switch err := tx.QueryRow(ctx, t.at, leaf).Scan(&subject); {
	case errors.Is(err, sql.ErrNoRows):
		return "", nil
	case err != nil:
		return "", err
	}
	if _, err := tx.Exec(ctx, t.drop, leaf); err != nil {
		return "", err
	}
	_, err = tx.Exec(ctx, t.mark, subject)
	return subject, err
}

// Reset empties the tables.
func (Projection) Reset(ctx context.Context, tx *store.Tx) error {
	tx.ForgetAll()
	clears := []*store.Query{q.Get("org_clear"), q.Get("grant_clear"), q.Get("rulepack_clear"), q.Get("key_clear")}
	for _, t := range privateFacts {
		clears = append(clears, t.clear)
	}
	for _, clear := range clears {
		if _, err := tx.Exec(ctx, clear); err != nil {
			return err
		}
	}
	return nil
}

// Digest is over all derived tables.
func (Projection) Digest(ctx context.Context, tx *store.Tx) ([32]byte, error) {
	return store.Digest(ctx, tx, q.Get("org_rows"), q.Get("grant_rows"), q.Get("rulepack_rows"), q.Get("user_rows"), q.Get("secret_rows"),
		q.Get("quota_rows"), q.Get("contact_rows"), q.Get("totp_rows"), q.Get("key_rows"))
}

func bit(v bool) int64 {
	if v {
		return 1
	}
	return 0
}

// millis is a time as the tables hold it.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
