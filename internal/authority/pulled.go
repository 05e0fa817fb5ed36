package authority

import (
	"context"

	"tasuki/internal/event"
	"tasuki/internal/store"
)

// AdoptKnown says of an organisation that is here by its UUID that it is the assigner of imported documents: they are its own
// from then on. One that was adopted already stays as it is; ErrNoOrg. by is the organisation that decided it, "" for the operator.
func AdoptKnown(ctx context.Context, tx *store.Tx, t event.Turn, id, by string) error {
	o, err := GetOrg(ctx, tx, t.Now(), id)
	if err != nil || o.Adopted {
		return err
	}
	b := orgBody{Name: o.Name, Profile: o.Profile, Short: o.Short}
	if err := b.check(); err != nil {
		return err
	}
	return emitBody(ctx, t, &event.Event{Kind: event.OrgAdopted, Org: o.ID, By: by}, b)
}

var secretHas = q.Get("secret_has")

// HasSecret says whether a user has a secret, so that they can sign in while they are active.
func HasSecret(ctx context.Context, tx *store.Tx, user string) (bool, error) {
	var n int64
	err := tx.QueryRow(ctx, secretHas, user).Scan(&n)
	return n > 0, err
}
