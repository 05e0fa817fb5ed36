package main

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"tasuki/internal/continuity"
)

var (
	errNoReader  = errors.New("this data directory is not a client's (tasuki client follow)")
	errNotHeld   = errors.New("nothing is held: there is nothing to decide")
	errElsewhere = errors.New("the policy follows other lists than the one of this directory; every list has a directory of its own")
)

// clientPolicy reads a policy and holds it against the list that is followed.
func (r *mirrorRole) clientPolicy(text string) (continuity.ClientPolicy, error) {
	p, err := continuity.ParseClientPolicy(text)
	if err == nil && len(p.Follow) > 0 && !slices.Contains(p.Follow, r.List) {
		err = errElsewhere
	}
	return p, err
}

// readerAnswer says what a client believes, and why it goes no further.
type readerAnswer struct {
	List     string `json:"list"`
	Charter  int64  `json:"charter"`
	Hash     string `json:"charter_hash"`
	Operator string `json:"operator"`
	Origin   string `json:"origin"`         // of the newest charter's epoch
	Size     int64  `json:"size"`           // of the accepted checkpoint
	Root     string `json:"root,omitzero"`  // of it, hex
	Epoch    int64  `json:"epoch,omitzero"` // of it
	// Newest is when the last witness looked at it, by the witness's clock; StaleSeconds is how long ago that is, and Stale says that it is more than a
	// day: somebody may be keeping news back.
	Newest       string      `json:"newest,omitzero"`
	StaleSeconds int64       `json:"stale_seconds,omitzero"`
	Stale        bool        `json:"stale"`
	Stored       int64       `json:"stored"` // leaves in this copy
	Lag          int64       `json:"lag"`    // leaves of the largest published checkpoint that was shown and is not accepted
	Source       string      `json:"source,omitzero"`
	Hold         *heldAnswer `json:"hold,omitzero"`
	Siblings     []string    `json:"siblings,omitempty"` // hashes of charters as valid as the newest
	Evidence     int         `json:"evidence"`
	Policy       string      `json:"policy"`
	Problem      string      `json:"problem,omitzero"`
	Since        string      `json:"since,omitzero"`
}

// heldAnswer says what people have to decide.
type heldAnswer struct {
	Why   string `json:"why"`        // siblings, fork, continues
	A     string `json:"a"`          // siblings: hash of the charter that is followed; fork: name of the evidence; continues: hash of the charter
	B     string `json:"b,omitzero"` // siblings: hash of the other
	Since string `json:"since"`
}

// readerStatus says what this client believes.
func (n *node) readerStatus(ctx context.Context, _ struct{}, _ Reporter) (out readerAnswer, err error) {
	if !n.isReader() {
		return out, errNoReader
	}
	tree, err := n.continuity.Stored(ctx)
	if err != nil {
		return out, err
	}
	state := n.follower.State()
	out = readerAnswer{List: n.role.List, Stored: tree.Size, Source: state.Source, Problem: state.Problem, Policy: n.policy.Load().String()}
	if state.Problem != "" {
		out.Since = stampText(state.Since)
	}
	err = n.follower.Rules(ctx, func(m *continuity.Mirror) error {
		head := m.Chain.Head()
		out.Charter, out.Hash, out.Origin, out.Operator = head.Charter().V, head.Hash(), head.Origin(), head.Charter().Operator.Slug
		if a := m.Accepted; a.Size > 0 {
			out.Size, out.Root, out.Epoch, out.Newest = a.Size, hex.EncodeToString(a.Root[:]), a.Epoch, stampText(a.Newest)
		}
		if age, ok := m.Stale(); ok {
			out.StaleSeconds, out.Stale = int64(age.Seconds()), age > continuity.StaleAfter
		}
		out.Lag = max(0, state.Shown-m.Accepted.Size)
		if h := m.Hold; h.Held() {
			out.Hold = &heldAnswer{string(h.Why), h.A, h.B, stampText(h.At)}
		}
		for _, d := range m.Siblings {
			if d.Charter().V == head.Charter().V {
				out.Siblings = append(out.Siblings, d.Hash())
			}
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	evidence, err := n.evidence(ctx, shownEvidence)
	out.Evidence = len(evidence)
	return out, err
}

func (n *node) isReader() bool { return n.follower != nil && n.role.Reader }

// policyRequest sets a policy; what is not given stays as it is.
type policyRequest struct {
	OnConflict string   `json:"on_conflict,omitzero"` // hold, or prefer and what
	Follow     []string `json:"follow,omitempty"`
}

// decidedAnswer is what holds after people decided something.
type decidedAnswer struct {
	Policy  string `json:"policy"`
	Charter int64  `json:"charter"`
	Hash    string `json:"charter_hash"`
	Hold    string `json:"hold,omitzero"`
}

func (n *node) decided() decidedAnswer {
	head := n.chain.Head()
	return decidedAnswer{n.policy.Load().String(), head.Charter().V, head.Hash(), string(n.follower.Held().Why)}
}

// readerPolicy changes the policy of a client, on disk first, and lets it decide a conflict that is held.
func (n *node) readerPolicy(ctx context.Context, q policyRequest, _ Reporter) (out decidedAnswer, err error) {
	if !n.isReader() {
		return out, errNoReader
	}
	if q.OnConflict == "" && len(q.Follow) == 0 {
		return n.decided(), nil
	}
	next := *n.policy.Load()
	if q.OnConflict != "" {
		follow := next.Follow
		if next, err = continuity.ParseClientPolicy("on_conflict = " + q.OnConflict + "\n"); err != nil {
			return out, err
		}
		next.Follow = follow
	}
	if len(q.Follow) > 0 {
		next.Follow = q.Follow
	}
	if next, err = n.role.clientPolicy(next.String()); err != nil {
		return out, err
	}
	role := *n.role
	role.Policy = next.String()
	if err := role.save(n.dir.Path); err != nil {
		return out, err
	}
	n.policy.Store(&next)
	err = n.follower.Decide(ctx, func(m *continuity.Mirror) error { return m.SetPolicy(ctx, next) })
	return n.decided(), err
}

// chooseRequest names one of two successors.
type chooseRequest struct {
	Hash string `json:"hash"` // of its charter, or so many of its first digits that no other begins with them
}

// chooseCharter follows one of two charters that are equally valid. The people of a mirror decide in the same way.
func (n *node) chooseCharter(ctx context.Context, q chooseRequest, _ Reporter) (out decidedAnswer, err error) {
	if n.follower == nil {
		return out, errNoReader
	}
	err = n.follower.Decide(ctx, func(m *continuity.Mirror) error {
		var found []string
		for _, d := range append(m.Siblings, m.Chain.Head()) {
			if d.Charter().V == m.Chain.Head().Charter().V && len(q.Hash) >= 8 && strings.HasPrefix(d.Hash(), strings.ToLower(q.Hash)) {
				found = append(found, d.Hash())
			}
		}
		if len(found) != 1 {
			return errors.New("give the hash of the newest charter or of one beside it, at least 8 digits (tasuki client status)")
		}
		return m.Choose(ctx, found[0])
	})
	if err != nil {
		return out, err
	}
	return n.decided(), nil
}

// releaseHold ends a hold and changes nothing else.
func (n *node) releaseHold(ctx context.Context, _ struct{}, _ Reporter) (out decidedAnswer, err error) {
	if n.follower == nil {
		return out, errNoReader
	}
	err = n.follower.Decide(ctx, func(m *continuity.Mirror) error {
		if !m.Hold.Held() {
			return errNotHeld
		}
		return m.Release(ctx)
	})
	if err != nil {
		return out, err
	}
	return n.decided(), nil
}
