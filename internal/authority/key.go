package authority

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tasuki/internal/event"
	"tasuki/internal/store"
)

// Errors of keys.
var (
	// ErrNoKey means that an organisation has no such key, or that it was revoked.
	ErrNoKey = errors.New("authority: the organisation has no such key in force")
	// ErrKeyKnown means a key that was added before, by whomever. A key is one organisation's for good.
	ErrKeyKnown = errors.New("authority: the key was added before")
	// ErrNotSigned means that the organisation lets only its own keys speak for it, and none of them has.
	ErrNotSigned = fmt.Errorf("%w: the organisation attests for itself: one of its keys has to sign", ErrDenied)
	// ErrSigner means a signature of a key that does not speak for the organisation.
	ErrSigner = fmt.Errorf("%w: the key does not speak for the organisation", ErrDenied)
)

// Key is a public key of an organisation.
type Key struct {
	Key     string // raw Ed25519 key, base64
	Org     string // UUID
	Label   string
	Use     string // event.UseEvents or event.UseRecovery
	Leaf    int64  // that added it
	Added   time.Time
	Revoked time.Time // zero while it signs
	Reason  string
}

// Live says that the key signs now.
func (k *Key) Live() bool { return k.Revoked.IsZero() }

// SelfAttested says that only the organisation's own keys speak for it.
func (o *Org) SelfAttested() bool { return o.Attest == event.AttestSelf }

var (
	keyPut    = q.Get("key_put")
	keyRevoke = q.Get("key_revoke")
	keyGet    = q.Get("key_get")
	keyList   = q.Get("key_list")
	orgAttest = q.Get("org_attest")
)

func foldKey(ctx context.Context, tx *store.Tx, e *event.Entry, at int64) error {
	var err error
	switch e.Kind {
	case event.KeyAdded:
		_, err = tx.Exec(ctx, keyPut, e.Key, e.Index, e.Org, plain(e.Label), e.Use, at)
	case event.KeyRevoked:
		_, err = tx.Exec(ctx, keyRevoke, at, plain(e.Reason), e.Key, e.Org)
	default:
		_, err = tx.Exec(ctx, orgAttest, e.Mode, at, e.Org)
		return err
	}
	return errors.Join(err, touch(ctx, tx, e.Org, at))
}

// GetKey reads a key: ErrNoKey when nobody added it. It may be revoked.
func GetKey(ctx context.Context, tx *store.Tx, key string) (Key, error) {
	k, err := scanKey(tx.QueryRow(ctx, keyGet, plain(key)))
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoKey
	}
	return k, err
}

// Keys lists an organisation's keys in the order they were added, revoked ones too.
func Keys(ctx context.Context, tx *store.Tx, org string) (out []Key, err error) {
	rows, err := tx.Query(ctx, keyList, org)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	for rows.Next() {
		k, err := scanKey(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, rows.Err()
}

func scanKey(row interface{ Scan(...any) error }) (k Key, err error) {
	var added, revoked int64
	err = row.Scan(&k.Key, &k.Leaf, &k.Org, &k.Label, &k.Use, &added, &revoked, &k.Reason)
	k.Added, k.Revoked = moment(added), moment(revoked)
	return k, err
}

// StandingOfOrg is what an organisation is at a moment, for an event that one of its keys signed: ErrNoOrg.
func StandingOfOrg(ctx context.Context, tx *store.Tx, at time.Time, org string) (Standing, error) {
	o, err := GetOrg(ctx, tx, at, org)
	if err != nil {
		return Standing{}, err
	}
	s := Standing{Caller: Caller{Role: Signed, Org: o.ID}, Org: o}
	if s.Roles, err = rolesAt(ctx, tx, o.ID, at); err != nil {
		return s, err
	}
	s.rules, err = RulesInForce(ctx, tx)
	return s, err
}
