package program

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"tasuki/internal/authority"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/spec/dsse"
)

// ErrBlockSize means a block of no numbers, or of too many.
var ErrBlockSize = fmt.Errorf("program: a block has 100 to %d numbers", registry.MaxBlock)

// ErrLaneKey means a block for a key that is none.
var ErrLaneKey = errors.New("program: a block is granted to a raw Ed25519 key in base64")

// The runway of an authority that assigns by itself (continuity E.1): this year and the next it has at least so many numbers, and at
// least twice what it used in twelve months.
const (
	leastRunway = 1000
	smallBlock  = 100 // fewer are not granted: a lane has as many
)

// NewBlock asks for a block.
type NewBlock struct {
	Org  string // short name or UUID
	Year int64
	Size int64  // 0: what the runway lacks, which may be nothing
	Key  string // of the authority's node; "" for the one that its newest block was granted to
}

// BlockView is a block as the caller may see it.
type BlockView struct {
	registry.Block
	Short     string // of the owner; "" where it is nobody's business
	Published int64  // numbers that have become known
}

// GrantBlock grants numbers: the Secretariat, or the operator. authority.ErrNotSecretariat, authority.ErrNoOrg, authority.ErrNotCNA,
// ErrBlockSize, ErrLaneKey, ErrYear, registry.ErrRangeFull. Nothing is granted, and the zero block returned, where Size is 0 and the
// runway is long enough.
func (s *Service) GrantBlock(ctx context.Context, c authority.Caller, n NewBlock) (out registry.Block, err error) {
	err = s.act(ctx, c, func(ctx context.Context, t turn) error {
		out = registry.Block{}
		if err := t.me.MustBeSecretariat(); err != nil {
			return err
		}
		if t.me.Org.SelfAttested() {
			return fmt.Errorf("block: %w", authority.ErrNotSigned)
		}
		o, err := authority.GetOrg(ctx, t.Tx, t.Now(), n.Org)
		if err != nil {
			return err
		}
		if !slices.Contains(o.Roles, authority.CNA) && !slices.Contains(o.Roles, authority.Secretariat) {
			return fmt.Errorf("%s: %w", o.ID, authority.ErrNotCNA)
		}
		if now := int64(t.Now().Year()); n.Year < now || n.Year > now+1 {
			return ErrYear
		}
		blocks, err := blocksOf(ctx, t.Tx, o.ID)
		if err != nil {
			return err
		}
		key := n.Key
		if key == "" && len(blocks) > 0 {
			key = blocks[len(blocks)-1].Key
		}
		if _, err := dsse.ParseKey(key); err != nil {
			return ErrLaneKey
		}
		if k, err := authority.GetKey(ctx, t.Tx, key); err == nil && (!k.Live() || k.Org != o.ID) {
			return authority.ErrNoKey
		} else if err != nil && !errors.Is(err, authority.ErrNoKey) {
			return err
		}
		size := n.Size
		if size == 0 {
			if n.Key != "" { // what other nodes hold is no use to this one
				blocks = slices.DeleteFunc(blocks, func(b registry.Block) bool { return b.Key != n.Key })
			}
			if size, err = lacking(ctx, t, o.ID, n.Year, blocks); err != nil || size == 0 {
				return err
			}
		}
		if size < smallBlock || size > registry.MaxBlock {
			return ErrBlockSize
		}
		out, err = registry.GrantBlock(ctx, t.Tx, t, registry.NewBlock{Year: n.Year, Size: size, Owner: o.ID, Key: key, By: t.me.Org.ID})
		return err
	})
	return out, err
}

// lacking is how many numbers of a year an authority is short of its runway, rounded up to lanes.
func lacking(ctx context.Context, t turn, org string, year int64, blocks []registry.Block) (int64, error) {
	used, err := registry.Use(ctx, t.Tx, org, t.Now().AddDate(-1, 0, 0))
	if err != nil {
		return 0, err
	}
	want := max(leastRunway, 2*used)
	for _, b := range blocks {
		if b.Year != year || !b.Open() {
			continue
		}
		published, err := b.Published(ctx, t.Tx)
		if err != nil {
			return 0, err
		}
		want -= b.Size() - published
	}
	if want <= 0 {
		return 0, nil
	}
	return min((want+smallBlock-1)/smallBlock*smallBlock, registry.MaxBlock), nil
}

// blocksOf are the blocks of an organisation, as they were granted.
func blocksOf(ctx context.Context, tx *store.Tx, org string) ([]registry.Block, error) {
	all, err := registry.Blocks(ctx, tx)
	return slices.DeleteFunc(all, func(b registry.Block) bool { return b.Owner != org }), err
}

// TopUp grants every authority that has a node what its runway of this year and the next lacks, and tells how many numbers that were.
func (s *Service) TopUp(ctx context.Context, c authority.Caller) (granted int64, err error) {
	var orgs []string
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		all, err := registry.Blocks(ctx, tx)
		for _, b := range all {
			if b.Owner != "" && !slices.Contains(orgs, b.Owner) && b.Open() {
				orgs = append(orgs, b.Owner)
			}
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	now := int64(s.Now().Year())
	for _, org := range orgs {
		for _, year := range []int64{now, now + 1} {
			b, err := s.GrantBlock(ctx, c, NewBlock{Org: org, Year: year})
			switch {
			case errors.Is(err, authority.ErrNotCNA), errors.Is(err, authority.ErrNoKey), errors.Is(err, registry.ErrRangeFull), errors.Is(err, authority.ErrNoOrg):
				continue // it assigns no more, its key was revoked, or there is nothing left: others go on
			case err != nil:
				return granted, err
			case b.Last > 0:
				granted += b.Size()
			}
		}
	}
	return granted, nil
}

// CloseBlock ends a block: the Secretariat, or an administrator of its owner. What nobody published of it is nobody's any more.
// registry.ErrNoBlock, registry.ErrBlockClosed, ErrNotOwner, authority.ErrNotAdmin, authority.ErrNotSigned.
func (s *Service) CloseBlock(ctx context.Context, c authority.Caller, year, first, last int64, reason string) error {
	return s.act(ctx, c, func(ctx context.Context, t turn) error {
		b, err := registry.FindBlock(ctx, t.Tx, year, first, last)
		if err != nil {
			return err
		}
		if !t.me.IsSecretariat() {
			if b.Owner == "" || b.Owner != t.me.Org.ID {
				return fmt.Errorf("block: %w", ErrNotOwner)
			}
			if err := t.me.MustBeSecretariatOrAdmin(); err != nil {
				return err
			}
		}
		if t.me.Org.SelfAttested() {
			return fmt.Errorf("block: %w", authority.ErrNotSigned)
		}
		return registry.CloseBlock(ctx, t, b, t.me.Org.ID, cmp.Or(reason, "closed"))
	})
}

// Blocks lists the blocks that the caller may see the owner of: its own, everybody's for the Secretariat. org narrows them, by short
// name; "" does not. authority.ErrNoOrg.
func (s *Service) Blocks(ctx context.Context, c authority.Caller, org string) (out []BlockView, err error) {
	err = s.view(ctx, c, func(tx *store.Tx, me authority.Standing) error {
		only := ""
		if org != "" {
			o, err := authority.GetOrg(ctx, tx, s.Now(), org)
			if err != nil {
				return err
			}
			only = o.ID
		}
		all, err := registry.Blocks(ctx, tx)
		if err != nil {
			return err
		}
		names := newNames(tx, s.Now())
		for _, b := range all {
			if !me.IsSecretariat() && (b.Owner == "" || b.Owner != me.Org.ID) || only != "" && b.Owner != only {
				continue
			}
			v := BlockView{Block: b}
			if v.Short, err = names.org(ctx, b.Owner); err != nil {
				return err
			}
			if v.Published, err = b.Published(ctx, tx); err != nil {
				return err
			}
			out = append(out, v)
		}
		return nil
	})
	return out, err
}

// PublicBlocks lists what everybody sees of blocks: numbers, keys, and whose they are once a publication has said it.
func (s *Service) PublicBlocks(ctx context.Context) (out []registry.Block, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		out, err = registry.Blocks(ctx, tx)
		return err
	})
	for i := range out {
		if !out[i].Opened {
			out[i].Owner = ""
		}
	}
	return out, err
}
