package lane

import (
	"crypto/rand"
	"fmt"
	"math/big"
)

// choose finds the numbers of a request, and the lanes that have to be opened for it. Nothing is changed.
//
// Sequential numbers come from one lane where one has enough of them; a lane that is too short is left for smaller requests. Only
// a request longer than any lane is spread over several.
func (j *Journal) choose(r Request) (spans []Span, opened []*Lane, err error) {
	if r.Amount > j.free(r.Year) {
		return nil, nil, fmt.Errorf("%d: %w", r.Year, ErrNoNumbers)
	}
	scattered := r.Batch == NonSequential
	left := r.Amount
	take := func(l *Lane) {
		n := min(left, l.Left())
		spans = append(spans, Span{l.Number, l.Used, n})
		left -= n
	}
	for _, l := range j.lanes {
		if l.Block.Year == r.Year && l.Scattered == scattered && l.Left() >= left {
			take(l)
			return spans, nil, nil
		}
	}
	taken := map[int64]bool{}
	for left > 0 {
		l, err := j.next(r.Year, taken)
		if err != nil {
			return nil, nil, err
		}
		if l == nil {
			break
		}
		l.Scattered = scattered
		taken[l.Number] = true
		opened = append(opened, l)
		take(l)
	}
	// No lane is left to be opened: what the open ones have left, whatever they were opened for.
	for _, same := range []bool{true, false} {
		for _, l := range j.lanes {
			if left > 0 && l.Block.Year == r.Year && (l.Scattered == scattered) == same && l.Left() > 0 {
				take(l)
			}
		}
	}
	return spans, opened, nil
}

// free is how many numbers of a year may still be given out: those left in open lanes and those of lanes that this life may open.
func (j *Journal) free(year int64) (n int64) {
	for _, b := range j.blocks {
		if from, to := j.openable(b); b.Year == year && from < to {
			first, _ := b.span(from)
			last, size := b.span(to - 1)
			n += last + size - first
		}
	}
	for _, l := range j.lanes {
		if l.Block.Year != year {
			continue
		}
		n += l.Left()
		if from, to := j.openable(l.Block); l.at >= from && l.at < to {
			n -= l.Size // counted above as if it were unopened
		}
	}
	return n
}

// openable are the lanes of a block, from and before, that this life of the journal may open. Of a block that was granted to its own
// key no other copy has anything, and all but the spares are its; of one that was granted to an earlier life, whose journal may live
// on somewhere, the spares alone.
func (j *Journal) openable(b Block) (from, to int64) {
	from, to = 0, b.Lanes()-b.spares()
	if !j.own(b) {
		from, to = to, b.Lanes()
	}
	return from, to
}

func (j *Journal) own(b Block) bool { return b.Key == j.keys[len(j.keys)-1] }

// next is the lane to be opened next for a year, nil when there is none. A restored journal draws it, so that two restores of one
// copy seldom meet.
func (j *Journal) next(year int64, taken map[int64]bool) (*Lane, error) {
	base := int64(1)
	for _, b := range j.blocks {
		if b.Year == year {
			var can []int64
			for from, to := j.openable(b); from < to && (len(can) == 0 || !j.own(b)); from++ {
				if n := base + from; !taken[n] && j.lane(n) == nil {
					can = append(can, n)
				}
			}
			if len(can) > 0 {
				at, err := rand.Int(j.env.Rand, big.NewInt(int64(len(can))))
				if err != nil {
					return nil, fmt.Errorf("draw a lane: %w", err)
				}
				return j.lay(can[at.Int64()]), nil
			}
		}
		base += b.Lanes()
	}
	return nil, nil
}

// numbers are those of spans that were given out.
func (j *Journal) numbers(g Given) (out []Number) {
	for _, s := range g.Spans {
		l := j.lane(s.Lane)
		var order *scatter
		if l.Scattered {
			order = newScatter(j.env.Secret, l.Block.Year, l.First, l.Size)
		}
		for n := s.From; n < s.From+s.Count; n++ {
			at := n
			if order != nil {
				at = order.at(n)
			}
			out = append(out, Number{ID: j.config.Scheme.ID(g.Year, l.First+at), Lane: l.Number, N: n + 1})
		}
	}
	return out
}

// lane is a lane that was opened, nil when it was not.
func (j *Journal) lane(number int64) *Lane { return j.opened[number] }
