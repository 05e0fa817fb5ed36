package continuity

import (
	"context"
	"errors"
	"time"

	"tasuki/internal/charter"
)

// Openings tell where epochs were opened; *SQL does. ErrNotOpened where one was not.
type Openings interface {
	Opening(ctx context.Context, epoch int64) (Opening, error)
}

// Epochs are the epochs that a chain names, oldest first, in a log of a given size. stamp is when a leaf was logged.
func Epochs(ctx context.Context, chain *charter.Chain, log Openings, size int64, stamp func(ctx context.Context, leaf int64) (time.Time, error)) ([]EpochState, error) {
	var out []EpochState
	last := -1 // newest opened one in out
	for epoch := int64(1); ; epoch++ {
		d := chain.OpenedBy(epoch)
		if d == nil {
			break
		}
		c := d.Charter()
		e := EpochState{Epoch: epoch, Charter: c.V, Hash: d.Hash(), Issued: c.Issued, Operator: Party{Name: c.Operator.Slug, URL: c.Operator.URL}, Origin: d.Origin(),
			How: WayUnopened, Present: chain.OpenedBy(epoch+1) == nil}
		o, err := log.Opening(ctx, epoch)
		switch {
		case errors.Is(err, ErrNotOpened):
		case err != nil:
			return nil, err
		case o.Index < size:
			e.Opened, e.First, e.Last = true, o.Index, size-1
			if e.At, err = stamp(ctx, o.Index); err != nil {
				return nil, err
			}
			if last >= 0 {
				out[last].Last = o.Index - 1
			}
			last = len(out)
			if err := e.opened(chain, o); err != nil {
				return nil, err
			}
		}
		out = append(out, e)
	}
	return out, nil
}

// opened says by what an epoch could begin.
func (e *EpochState) opened(chain *charter.Chain, o Opening) error {
	switch {
	case e.Epoch == 1:
		e.How = WayFounded
		return nil
	case chain.OpenedBy(e.Epoch).Charter().ContinueAt != nil:
		e.How = WayBoard
		return nil
	}
	e.How = WayReports
	for before := int64(1); before < e.Epoch; before++ {
		reports, err := Rules{}.reports(chain, before, o.Reports)
		if err != nil {
			return err
		}
		e.Reports = append(e.Reports, reports...)
	}
	q, err := QuorumOf(chain.OpenedBy(e.Epoch - 1))
	if err != nil {
		return err
	}
	e.Need = q.R()
	return nil
}
