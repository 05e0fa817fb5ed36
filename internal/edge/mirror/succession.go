package mirror

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"tasuki/internal/continuity"
)

// maxSeal bounds a seal's note, in bytes.
const maxSeal = 4 << 10

// Succession collects what a handover needs from other copies: the seals of mirrors of the old charters, and their trees.
type Succession struct {
	Handover *continuity.Handover
	HTTP     *http.Client
	Self     []string // base URLs of this copy

	holders map[continuity.Tree]*Peer // who reported a tree
	asked   map[string]error          // by origin and mirror: nil for a seal that came in
}

// Collect asks every mirror whose seal is not in yet. What a mirror answers wrongly, or not at all, is in Problems.
func (s *Succession) Collect(ctx context.Context) error {
	if s.asked == nil {
		s.asked, s.holders = map[string]error{}, map[continuity.Tree]*Peer{}
	}
	asks, err := s.Handover.Asks()
	if err != nil {
		return err
	}
	for _, a := range asks {
		for _, m := range a.Mirrors {
			name := m.Name + " about " + a.Origin
			if err, done := s.asked[name]; done && err == nil || s.mine(m.URL) {
				continue
			}
			peer := NewPeer(m.URL, s.HTTP)
			s.asked[name] = s.take(ctx, peer, a.Origin)
		}
	}
	return ctx.Err()
}

func (s *Succession) take(ctx context.Context, peer *Peer, origin string) error {
	note, err := peer.get(ctx, "/seal/"+origin, maxSeal)
	if err != nil {
		return err
	}
	before := s.Handover.Reported()
	if err := s.Handover.Add(note); err != nil {
		return err
	}
	for _, t := range s.Handover.Reported() {
		if !slices.Contains(before, t) || s.holders[t] == nil {
			s.holders[t] = peer
		}
	}
	return nil
}

func (s *Succession) mine(url string) bool {
	return slices.ContainsFunc(s.Self, func(own string) bool { return strings.TrimSuffix(own, "/") == strings.TrimSuffix(url, "/") })
}

// Problems are what kept mirrors' seals from coming in, one line each, sorted.
func (s *Succession) Problems() (out []string) {
	for name, err := range s.asked {
		switch {
		case err == nil:
		case errors.Is(err, ErrAbsent):
			out = append(out, name+": it has not sealed that origin yet")
		default:
			out = append(out, fmt.Sprintf("%s: %v", name, err))
		}
	}
	slices.Sort(out)
	return out
}

// Plan finds the largest copy that the epoch can continue: this copy's own tree, or one that a mirror has reported.
func (s *Succession) Plan(ctx context.Context, own continuity.Copy, stored continuity.Tree) (continuity.Plan, error) {
	copies := []continuity.Candidate{{Tree: stored, Copy: own}}
	for t := range s.holders {
		if t != stored {
			copies = append(copies, continuity.Candidate{Tree: t, Copy: s.tree(t)})
		}
	}
	return s.Handover.Best(ctx, copies...)
}

// tree is a reported tree. An epoch's opening is looked for from its beginning: the copies may differ anywhere above what was published.
func (s *Succession) tree(t continuity.Tree) *tree { return newTree(s.holders[t], t, 0) }

// TakeOver makes this copy's store the one that the plan continues: what the plan does not contain is saved beside the store and dropped, what is missing
// is fetched from the mirror that reported it, proven and checked as always. It may be done again after it was interrupted.
func (f *Follower) TakeOver(ctx context.Context, s *Succession, p continuity.Plan) error {
	stored, err := f.o.Store.Stored(ctx)
	if err != nil || stored == p.Tree {
		return err
	}
	if s.holders[p.Tree] == nil {
		return fmt.Errorf("%w: nobody has the tree of %d leaves that is to be continued", continuity.ErrUnstored, p.Size)
	}
	t := s.tree(p.Tree)
	if _, err := t.RootAt(ctx, min(stored.Size, t.Size)); err != nil { // fetched before the rules are taken
		return err
	}
	var keep continuity.Tree
	err = f.rules(ctx, func(m *continuity.Mirror) error {
		if err := f.o.Store.SaveTail(ctx, m.Accepted.Size); err != nil {
			return err
		}
		keep, err = m.TakeOver(ctx, p, t)
		return err
	})
	if err != nil {
		return err
	}
	if keep.Size < stored.Size {
		if err := f.o.Store.Refold(ctx); err != nil {
			return err
		}
	}
	return f.fetch(ctx, t, continuity.Step{From: keep, To: p.Tree})
}
