package continuity

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/charter"
	"tasuki/internal/continuity/internal/mutant"
	"tasuki/internal/event"
)

// Opening is the leaf that opens an epoch, epoch.opened, and where it stands.
type Opening struct {
	Index   int64     // of the leaf: the size S of the tree that the epoch continues
	Root    tlog.Hash // that the leaf states for that tree
	Epoch   int64
	Charter string   // hash of the charter that opens it
	Reports [][]byte // signed notes of the body; none where the charter says continue_at
}

// OpeningOf reads an epoch.opened from its event, its index and its public body (nil for none). Errors wrap ErrOpening.
func OpeningOf(index int64, e *event.Event, body []byte) (Opening, error) {
	o := Opening{Index: index, Epoch: e.Epoch, Charter: e.Charter}
	if e.Kind != event.EpochOpened || e.Size != index || !hexHash(e.Root, &o.Root) {
		return o, fmt.Errorf("%w: leaf %d is no opening of an epoch at its own place", ErrOpening, index)
	}
	if body != nil {
		var err error
		if o.Reports, err = ParseReports(body); err != nil {
			return o, fmt.Errorf("%w: leaf %d: %w", ErrOpening, index, err)
		}
	}
	return o, nil
}

// CheckOpening decides whether an epoch continues where the charter chain lets it (F.5): at the size that the board wrote into the
// charter, or at a size whose tree contains the reports of at least R mirrors of the charter before. last is the newest epoch that
// is opened in the tree below, 0 for none; where epochs between were never opened, a quorum could have existed under each of
// them, so the reports of every one are asked for. prefix proves that a tree is a prefix of the one that has the opening.
// Errors wrap ErrOpening, and ErrReports where reports are missing.
func CheckOpening(ctx context.Context, chain *charter.Chain, last int64, o Opening, prefix func(context.Context, Tree) error) error {
	return Rules{}.CheckOpening(ctx, chain, last, o, prefix)
}

// CheckOpening is the check under these rules.
func (r Rules) CheckOpening(ctx context.Context, chain *charter.Chain, last int64, o Opening, prefix func(context.Context, Tree) error) error {
	d := chain.OpenedBy(o.Epoch)
	switch {
	case d == nil || d.Hash() != o.Charter:
		return fmt.Errorf("%w: epoch %d is opened by another charter", ErrOpening, o.Epoch)
	case o.Epoch <= last:
		return fmt.Errorf("%w: epoch %d after epoch %d", ErrOpening, o.Epoch, last)
	case o.Epoch == 1:
		if o.Index != 0 {
			return fmt.Errorf("%w: the first epoch begins at leaf %d", ErrOpening, o.Index)
		}
		return nil
	}
	if err := prefix(ctx, Tree{o.Index, o.Root}); err != nil {
		return fmt.Errorf("%w: the tree below it: %w", ErrOpening, err)
	}
	if at := d.Charter().ContinueAt; at != nil {
		var root tlog.Hash
		if !hexHash(at.Root, &root) || (Tree{at.Size, root}) != (Tree{o.Index, o.Root}) {
			return fmt.Errorf("%w: the board let it continue elsewhere", ErrOpening)
		}
		return nil
	}
	for _, need := range r.owed(chain, last, o.Epoch) {
		reports, err := r.reports(chain, need, o.Reports)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrOpening, err)
		}
		st, err := r.standing(ctx, chain, need, reports, func(ctx context.Context, t Tree) error {
			if t.Size > o.Index {
				return ErrStale
			}
			return prefix(ctx, t)
		})
		if err != nil {
			return fmt.Errorf("%w: %w", ErrOpening, err)
		}
		if !st.OK() {
			return fmt.Errorf("%w: %w: %s", ErrOpening, ErrReports, st)
		}
	}
	return nil
}

// owed are the epochs whose mirrors must have reported before epoch next can open on a tree in which last is the newest opened one.
func (r Rules) owed(chain *charter.Chain, last, next int64) (epochs []int64) {
	from := max(last, 1)
	if r.off == mutant.LastEpochOnly {
		from = next - 1
	}
	for e := from; e < next; e++ {
		epochs = append(epochs, e)
	}
	return epochs
}

// Standing is how far the reports of one old epoch have come.
type Standing struct {
	Epoch     int64
	Need      int      // R of its charter
	Covered   []Report // prefixes of the copy
	Uncovered []Report // what their mirrors hold is not in the copy
	Missing   []Party  // mirrors without a valid report
}

// OK says that enough reports are covered.
func (s Standing) OK() bool { return len(s.Covered) >= s.Need }

func (s Standing) String() string {
	text := fmt.Sprintf("epoch %d: %d of %d reports covered", s.Epoch, len(s.Covered), s.Need)
	for _, u := range s.Uncovered {
		text += fmt.Sprintf("; %s holds %d leaves that this copy does not contain", u.By.Name, u.Size)
	}
	for _, p := range s.Missing {
		text += "; none from " + p.Name
	}
	return text
}

// reports are those of an epoch's mirrors among notes. Reports of other epochs are none here; what is no report at all is not worth a
// refusal either.
func (r Rules) reports(chain *charter.Chain, epoch int64, notes [][]byte) ([]Report, error) {
	q, err := r.QuorumOf(chain.OpenedBy(epoch))
	if err != nil {
		return nil, err
	}
	out, _ := q.Reports(chain.ListID(), chain.OpenedBy(epoch+1).Hash(), notes)
	return out, nil
}

// standing counts the reports of one epoch, one of each mirror, against a copy.
func (r Rules) standing(ctx context.Context, chain *charter.Chain, epoch int64, reports []Report, prefix func(context.Context, Tree) error) (Standing, error) {
	q, err := r.QuorumOf(chain.OpenedBy(epoch))
	if err != nil {
		return Standing{}, err
	}
	st := Standing{Epoch: epoch, Need: q.R()}
	if r.off == mutant.AnyCopy {
		st.Need = 0
	}
	has := map[string]bool{}
	for _, one := range reports {
		has[one.By.VKey] = true
		err := prefix(ctx, one.Tree)
		switch {
		case err == nil || r.off == mutant.UncoveredReports:
			st.Covered = append(st.Covered, one)
		case errors.Is(err, ErrFork) || errors.Is(err, ErrStale):
			st.Uncovered = append(st.Uncovered, one)
		default:
			return st, err
		}
	}
	for _, m := range q.Mirrors() {
		if !has[m.VKey] {
			st.Missing = append(st.Missing, m)
		}
	}
	return st, nil
}

// prefixOf proves that a tree is a prefix of a copy of the given size: nil, ErrStale when it is larger, ErrFork when it is not in
// it, or what kept the copy from answering.
func prefixOf(ctx context.Context, c Copy, size int64, t Tree) error {
	if t.Size > size {
		return fmt.Errorf("%w: %d leaves of %d", ErrStale, size, t.Size)
	}
	root, err := c.RootAt(ctx, t.Size)
	if err != nil {
		return err
	}
	if root != t.Root {
		return fmt.Errorf("%w: another tree at size %d", ErrFork, t.Size)
	}
	return nil
}

// checkOpenings walks the epochs that a copy (of the given size) opens after last, up to newest, and checks each. It answers
// ErrNotOpened when the newest is not among them.
func (r Rules) checkOpenings(ctx context.Context, chain *charter.Chain, last, newest int64, c Copy, size int64) error {
	for e := last + 1; e <= newest; e++ {
		o, err := c.Opening(ctx, e)
		if errors.Is(err, ErrNotOpened) && e < newest {
			continue
		}
		if err != nil {
			return fmt.Errorf("epoch %d: %w", e, err)
		}
		if o.Epoch != e || o.Index >= size {
			return fmt.Errorf("epoch %d: %w: another leaf", e, ErrOpening)
		}
		if err := r.CheckOpening(ctx, chain, last, o, func(ctx context.Context, t Tree) error { return prefixOf(ctx, c, size, t) }); err != nil {
			return err
		}
		last = e
	}
	return nil
}
