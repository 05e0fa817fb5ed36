package charter

import (
	"errors"
	"fmt"
	"slices"
)

// Votes says which seats of one board have signed a document.
type Votes struct {
	Signed  []BoardSeat // in the board's order
	Missing []BoardSeat // likewise: who has not
	Need    int64       // the board's k
}

// Short is how many signatures more are needed, 0 when there are enough.
func (v Votes) Short() int64 { return max(0, v.Need-int64(len(v.Signed))) }

// Tally says who has signed a document: under the board of its predecessor, and under its own.
type Tally struct {
	Old *Votes // nil for a genesis, which has no predecessor
	New Votes
	Log bool // signed by the log key of the predecessor, under LogSigner
	// Other are the ids of signatures that are of none of these: of strangers, or wrong.
	Other []string
}

// Complete says that both boards have signed. An amendment that only adds features may be valid without (Chain.Check).
func (t Tally) Complete() bool { return t.New.Short() == 0 && (t.Old == nil || t.Old.Short() == 0) }

// Tally counts the signatures of d, which is to follow old; old is nil for a genesis. It says nothing about anything else
// that d has to fulfil.
func (d *Document) Tally(old *Document) Tally {
	t := Tally{New: d.votes(d.charter.Board)}
	boards := []Board{d.charter.Board}
	if old != nil {
		v := d.votes(old.charter.Board)
		t.Old, t.Log = &v, d.signedByLog(old)
		boards = append(boards, old.charter.Board)
	}
	for _, s := range d.sigs {
		known := s.ID == LogSigner && t.Log
		for _, b := range boards {
			known = known || slices.ContainsFunc(b.Keys, func(seat BoardSeat) bool { return d.signedBy(seat, s) })
		}
		if !known {
			t.Other = append(t.Other, s.ID)
		}
	}
	return t
}

// votes sorts a board's seats. No board holds one key twice, so a seat is a vote.
func (d *Document) votes(b Board) Votes {
	v := Votes{Need: b.K}
	for _, seat := range b.Keys {
		if slices.ContainsFunc(d.sigs, func(s Sig) bool { return d.signedBy(seat, s) }) {
			v.Signed = append(v.Signed, seat)
		} else {
			v.Missing = append(v.Missing, seat)
		}
	}
	return v
}

// ErrOtherDocument means documents that were to be one and are not.
var ErrOtherDocument = errors.New("charter: signatures of another document")

// Combine is a document that bears the signatures of all the given ones, which must have one hash.
func Combine(first *Document, others ...*Document) (*Document, error) {
	out := *first
	out.sigs = slices.Clone(first.sigs)
	for _, d := range others {
		if d.hash != first.hash {
			return nil, fmt.Errorf("%w: %s beside %s", ErrOtherDocument, d.hash, first.hash)
		}
		out.sigs = append(out.sigs, d.sigs...)
	}
	slices.SortFunc(out.sigs, compareSigs)
	out.sigs = slices.Compact(out.sigs)
	return &out, nil
}
