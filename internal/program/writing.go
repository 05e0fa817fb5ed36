package program

import (
	"context"

	"tasuki/internal/authority"
	"tasuki/internal/registry"
	"tasuki/internal/store"
)

// Writable reads an identifier whose CNA container the caller may put, for whoever begins to write one: authority.ErrNotCNA,
// ErrNotOwner. Whether it still holds is asked again when the container is put.
func (s *Service) Writable(ctx context.Context, c authority.Caller, id string) (out Identifier, err error) {
	err = s.view(ctx, c, func(tx *store.Tx, me authority.Standing) error {
		if err := me.MustBeCNA(); err != nil {
			return err
		}
		var i registry.Identifier
		if i, err = writable(ctx, tx, me, id); err != nil {
			return err
		}
		out, err = s.show(ctx, tx, me, i)
		return err
	})
	return out, err
}
