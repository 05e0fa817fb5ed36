package mirror

import (
	"context"
	"errors"
	"strings"

	"tasuki/internal/continuity"
	"tasuki/internal/program"
)

// State is how far the follower is.
func (f *Follower) State() State {
	f.state.Lock()
	defer f.state.Unlock()
	return f.state.State
}

// Rules runs fn with the rules as they are: what is held, why it stopped, what was sealed. fn must be quick and must not keep them.
func (f *Follower) Rules(ctx context.Context, fn func(*continuity.Mirror) error) error {
	return f.rules(ctx, fn)
}

func (f *Follower) change(fn func(*State)) {
	f.state.Lock()
	defer f.state.Unlock()
	fn(&f.state.State)
}

// well notes that everything up to a size was taken in.
func (f *Follower) well(p *Peer, seen int64) {
	f.change(func(s *State) { s.Source, s.Size, s.Seen, s.Problem = p.Base, max(s.Size, seen), max(s.Seen, seen), "" })
}

// trouble notes why it does not go on. What a server said stays in the log: it may be anything.
func (f *Follower) trouble(err error) {
	var withheld *Withheld
	text := "the sources cannot be reached, or their answers cannot be used"
	switch v := violation(err); {
	case v != nil:
		text = v.Error()
	case errors.As(err, &withheld):
		text = strings.TrimPrefix(withheld.Error(), "mirror: ")
	default:
		for _, known := range []error{continuity.ErrStopped, continuity.ErrHeld, continuity.ErrFork, continuity.ErrAmnesia, continuity.ErrOrigin, continuity.ErrUnsigned,
			continuity.ErrQuorum, continuity.ErrStale, continuity.ErrOpening, continuity.ErrSealed, ErrEscrowWithheld, ErrBehind, program.ErrCharterAwaited} {
			if errors.Is(err, known) {
				text = known.Error()[strings.Index(known.Error(), ": ")+2:]
				if errors.Is(err, continuity.ErrStopped) {
					_, why, _ := strings.Cut(err.Error(), known.Error())
					text += why // where, and which rule was broken: this copy's own words
				}
				break
			}
		}
	}
	f.change(func(s *State) {
		if s.Problem != text {
			s.Problem, s.Since = text, f.o.Now()
		}
	})
}
