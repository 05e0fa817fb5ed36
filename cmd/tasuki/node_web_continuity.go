package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/edge/serve/web"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/spec/c2sp"
)

// situation is how this list is kept at the moment, as this copy knows it. It asks the store a few times and nobody else.
func (n *node) situation(ctx context.Context) (out continuity.Situation, err error) {
	opening := n.chain.Opening()
	q, err := continuity.QuorumOf(n.counting())
	if err != nil {
		return out, err
	}
	c := n.chain.Head().Charter()
	out = continuity.Situation{Role: n.roleName(), Origin: opening.Origin(), Epoch: c.Operator.Epoch, Operator: continuity.Party{Name: c.Operator.Slug, URL: c.Operator.URL},
		Q: q.Q(), R: q.R(), F: q.F(), Fewest: q.Fewest()}
	if out.Size, err = n.size(ctx); err != nil {
		return out, err
	}
	if cp := n.checkpoint.Load(); cp != nil {
		out.Published = continuity.Signed{Tree: continuity.Tree{Size: cp.Size, Root: cp.Root}, Note: cp.Note, Time: time.UnixMilli(cp.Time)}
		out.Pending = cp.Size
	}
	var signed ledger.Checkpoint
	err = n.db.View(ctx, func(tx *store.Tx) (err error) {
		signed, err = n.newest(ctx, tx)
		return err
	})
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return out, err
	}
	out.Pending = max(out.Pending, signed.Size)
	if late := n.late(); late > 0 {
		out.Waiting = n.now().Add(-late)
	}
	out.Mirrors, out.Witnesses = n.sightings.Keepers(q, out.Published.Note)
	for i := range out.Mirrors {
		out.Mirrors[i].Own = n.mirrorVKey != "" && out.Mirrors[i].VKey == n.mirrorVKey
	}
	if n.follower == nil {
		return out, nil
	}
	return out, n.copySituation(ctx, &out)
}

// former says that this node was the operator, and that the charters name another by now.
func (n *node) former() bool {
	cp := n.checkpoint.Load()
	return n.retired() && cp != nil && cp.Origin != n.chain.Opening().Origin()
}

// counting opened the epoch whose keepers the published checkpoint is counted by: at a former operator the one that ended there.
func (n *node) counting() *charter.Document {
	opening := n.chain.Opening()
	if !n.former() {
		return opening
	}
	docs, origin := n.chain.Documents(), n.checkpoint.Load().Origin
	if i := slices.IndexFunc(docs, func(d *charter.Document) bool { return d.Origin() == origin }); i >= 0 {
		return docs[i]
	}
	return opening
}

func (n *node) roleName() continuity.Role {
	switch {
	case n.former():
		return continuity.RoleFormer
	case n.role == nil:
		return continuity.RoleOperator
	case n.role.Reader:
		return continuity.RoleClient
	}
	return continuity.RoleMirror
}

// late is for how long something that this node signed has been waiting for its quorum.
func (n *node) late() time.Duration {
	if n.publishing == nil {
		return 0
	}
	return n.publishing.late(n.now())
}

// copySituation adds what only a copy that follows has to say.
func (n *node) copySituation(ctx context.Context, out *continuity.Situation) error {
	state := n.follower.State()
	out.Hold = n.follower.Held()
	own := &continuity.CopyState{Source: n.namedSource(state.Source), Behind: max(0, max(state.Seen, state.Shown)-out.Size), Problem: state.Problem, Key: n.mirrorVKey,
		Listed: n.mirrorVKey != "" && n.ownURL() != ""}
	if state.Problem != "" {
		own.Since = state.Since
	}
	out.Copy = own
	var err error
	if out.Stop, err = n.halted(ctx); err != nil {
		return err
	}
	_, cosigned, err := n.continuity.Heads(ctx, out.Origin)
	if err != nil {
		return err
	}
	own.Cosigned = cosigned.Size
	own.Sealed, err = n.sealedOrigins(ctx)
	return err
}

// halted is why this mirror cosigns nothing more; nil where it does, and for a reader, who never did.
func (n *node) halted(ctx context.Context) (stop *continuity.Stop, err error) {
	if n.role.Reader {
		return nil, nil //nolint:nilnil // said above
	}
	err = n.follower.Rules(ctx, func(m *continuity.Mirror) (err error) {
		stop, err = m.Stopped(ctx)
		return err
	})
	return stop, err
}

// namedSource is the address of a server if the charter names it. What else an owner follows may be an address of a network of their own.
func (n *node) namedSource(base string) string {
	c := n.chain.Head().Charter()
	if base == c.Operator.URL {
		return base
	}
	if c.Mirrors != nil && slices.ContainsFunc(c.Mirrors.List, func(m charter.Mirror) bool { return m.URL == base }) {
		return base
	}
	return ""
}

// sightedLate remembers a line that came when nobody waited for it any more, if it is about a tree of this log.
func (n *node) sightedLate(ctx context.Context, q *continuity.Quorum, note c2sp.Note) {
	cp, err := c2sp.ParseCheckpoint(note.Text)
	if err != nil || cp.Size <= 0 {
		return
	}
	if tree, err := n.continuity.Stored(ctx); err != nil || cp.Size > tree.Size {
		return
	}
	if root, err := n.continuity.RootAt(ctx, cp.Size); err == nil && root == cp.Root {
		n.sightings.See(q, note.Bytes())
	}
}

// keptBy is how many of those whom the charter asks have signed the published checkpoint, as /health has it.
type keptBy struct {
	Listed int `json:"listed"`
	Needed int `json:"needed"`
	Signed int `json:"signed"` // the published checkpoint
}

// keepers counts them without asking the store. Both are nil where the charter asks for nobody.
func (n *node) keepers() (mirrors, witnesses *keptBy) {
	q, err := continuity.QuorumOf(n.counting())
	if err != nil {
		return nil, nil // the charter was checked when it came in
	}
	var note []byte
	if cp := n.checkpoint.Load(); cp != nil {
		note = cp.Note
	}
	ms, ws := n.sightings.Keepers(q, note)
	if len(ms) > 0 {
		mirrors = &keptBy{len(ms), q.Q(), continuity.Counted(ms)}
	}
	if len(ws) > 0 {
		witnesses = &keptBy{len(ws), q.Fewest(), continuity.Counted(ws)}
	}
	return mirrors, witnesses
}

// epochs are the epochs of the list, oldest first.
func (n *node) epochs(ctx context.Context) ([]continuity.EpochState, error) {
	size, err := n.size(ctx)
	if err != nil {
		return nil, err
	}
	return continuity.Epochs(ctx, n.chain, n.continuity, size, func(ctx context.Context, leaf int64) (time.Time, error) {
		at, err := n.stampOf(ctx, leaf)
		return time.UnixMilli(at), err
	})
}

// webContinuity is who keeps the list, as the pages show it.
type webContinuity struct{ *node }

// Situation is how the list is kept.
func (n webContinuity) Situation(ctx context.Context) (continuity.Situation, error) {
	return n.situation(ctx)
}

// Epochs are the epochs of the list.
func (n webContinuity) Epochs(ctx context.Context) ([]continuity.EpochState, error) {
	return n.epochs(ctx)
}

// Charters are the chain, and the siblings that are kept beside it.
func (n webContinuity) Charters(ctx context.Context) (chain *charter.Chain, siblings []*charter.Document, err error) {
	err = n.db.View(ctx, func(tx *store.Tx) (err error) {
		siblings, err = charter.Siblings(ctx, tx, n.chain)
		return err
	})
	return n.chain, siblings, err
}

// shownFindings is how many pieces of evidence the page shows: each is checked again for every reader.
const shownFindings = 25

// Evidence is what was found wrong with others, newest first, and whether there is more.
func (n webContinuity) Evidence(ctx context.Context) (out []web.Finding, more bool, err error) {
	list, err := n.evidence(ctx, shownFindings+1)
	if err != nil {
		return nil, false, err
	}
	chain, siblings, err := n.Charters(ctx)
	if err != nil {
		return nil, false, err
	}
	for _, e := range list[:min(len(list), shownFindings)] {
		f := web.Finding{Evidence: e}
		if f.Proven, err = continuity.Prove(chain, siblings, e); errors.Is(err, continuity.ErrEvidence) {
			f.Proven = continuity.Proven{} // it shows nothing by itself
		} else if err != nil {
			return nil, false, err
		}
		out = append(out, f)
	}
	return out, len(list) > shownFindings, nil
}
