package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/edge/serve/relay"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/spec/c2sp"
)

// relayCopy is the list as other copies of it ask for it.
type relayCopy struct{ *node }

// State says where this copy stands.
func (n relayCopy) State(context.Context) (s relay.State, err error) {
	if cp := n.checkpoint.Load(); cp != nil {
		s.Published = cp.Size
	}
	s.Charter = strings.TrimSuffix(n.chain.Head().FileName(), ".json")
	return s, nil
}

// Pending waits for a checkpoint above a size. Another node of the store may be the one that signs, so it also looks by itself.
func (n relayCopy) Pending(ctx context.Context, after int64, wait time.Duration) ([]byte, error) {
	patience := time.After(wait)
	for {
		changed := n.signedNews.next()
		var cp ledger.Checkpoint
		err := n.db.View(ctx, func(tx *store.Tx) (err error) {
			if n.role != nil {
				cp, err = n.mirrored(ctx, tx, n.chain.Opening().Origin())
			} else {
				cp, err = n.ledger.Checkpoint(ctx, tx, n.chain.Opening().Origin())
			}
			return err
		})
		switch {
		case err == nil && cp.Size > after:
			return cp.Note, nil
		case errors.Is(err, ledger.ErrNotFound) && (wait == 0 || n.retired()):
			return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
		case err != nil && !errors.Is(err, ledger.ErrNotFound):
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-patience:
			return nil, nil
		case <-n.leaving.done:
			return nil, nil
		case <-changed:
		case <-time.After(time.Second):
		}
	}
}

// retired says that this node was the operator and is so no more: followers had better ask the one that is.
func (n *node) retired() bool {
	_, over := n.office.state()
	return n.role == nil && (over || n.sealed != "")
}

// Cosign takes a mirror's line to the publisher.
func (n relayCopy) Cosign(ctx context.Context, raw []byte) (int64, error) {
	note, err := c2sp.ParseNote(raw)
	if err != nil {
		return 0, &relay.Refusal{Status: http.StatusBadRequest, Why: "not a note with a checkpoint", Size: -1, Err: err}
	}
	if n.publishing == nil {
		return 0, fmt.Errorf("%w: this copy publishes nothing that others cosign", fs.ErrNotExist)
	}
	err = n.publishing.lines(ctx, note)
	state, serr := n.State(ctx)
	switch {
	case err == nil, errors.Is(err, continuity.ErrStale): // a size that is published already, or was passed by
		return state.Published, serr
	case errors.Is(err, errNotPublishing):
		return 0, &relay.Refusal{Status: http.StatusServiceUnavailable, Why: err.Error(), Size: -1, Err: err}
	case errors.Is(err, continuity.ErrNote):
		return 0, &relay.Refusal{Status: http.StatusBadRequest, Why: "not a note with a checkpoint", Size: -1, Err: err}
	case errors.Is(err, continuity.ErrOrigin):
		return 0, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case errors.Is(err, continuity.ErrUnsigned):
		return 0, &relay.Refusal{Status: http.StatusForbidden, Why: "no line of a mirror of the charter in force verifies", Size: -1, Err: err}
	case errors.Is(err, continuity.ErrFork):
		return 0, &relay.Refusal{Status: http.StatusConflict, Why: "this log never signed that root at that size", Size: n.publishing.size(), Err: err}
	}
	return 0, err
}

// Holding says what this mirror has seen of an origin of the list, signed.
func (n relayCopy) Holding(ctx context.Context, origin, nonce string) (statement, seen []byte, err error) {
	known := slices.ContainsFunc(n.chain.Documents(), func(d *charter.Document) bool { return d.Origin() == origin })
	if n.follower == nil || !known {
		return nil, nil, fs.ErrNotExist
	}
	err = n.follower.Rules(ctx, func(m *continuity.Mirror) (err error) {
		statement, seen, err = m.Holding(ctx, origin, nonce)
		return err
	})
	if errors.Is(err, continuity.ErrNotListed) {
		err = fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return statement, seen, err
}

// Offer takes in a charter from anybody.
func (n relayCopy) Offer(ctx context.Context, raw []byte) (relay.Outcome, error) {
	refuse := func(status int, err error) (relay.Outcome, error) {
		return 0, &relay.Refusal{Status: status, Why: err.Error(), Size: -1, Err: err}
	}
	doc, err := charter.Parse(raw)
	var invalid charter.Invalid
	switch {
	case errors.As(err, &invalid):
		return refuse(http.StatusUnprocessableEntity, err)
	case err != nil:
		return refuse(http.StatusBadRequest, errors.New("not a charter"))
	case doc.ListID() != n.chain.ListID():
		return 0, fmt.Errorf("%w: %w", fs.ErrNotExist, charter.ErrOtherList)
	}
	if n.follower != nil {
		var got continuity.Offer
		got, err = n.follower.Offer(ctx, raw)
		switch {
		case err != nil:
		case got == continuity.OfferKnown:
			return relay.Known, nil
		case got == continuity.OfferSibling, got == continuity.OfferPast:
			return relay.Sibling, nil
		}
	} else {
		err = n.offerCharter(ctx, doc)
	}
	switch {
	case err == nil:
		return relay.Extended, nil
	case errors.Is(err, charter.ErrKnown):
		return relay.Known, nil
	case errors.Is(err, charter.ErrSiblings):
		return refuse(http.StatusInsufficientStorage, err)
	case errors.Is(err, charter.ErrSibling):
		return relay.Sibling, nil
	case errors.Is(err, charter.ErrGap), errors.Is(err, charter.ErrPrev):
		return refuse(http.StatusConflict, err)
	case errors.Is(err, authority.ErrSealed):
		return 0, &relay.Refusal{Status: http.StatusServiceUnavailable, Why: "this copy takes nothing in at the moment", Size: -1, Err: err}
	case errors.Is(err, charter.ErrThreshold), errors.Is(err, charter.ErrEpoch), errors.Is(err, charter.ErrOrigin), errors.Is(err, charter.ErrContinueAt),
		errors.Is(err, charter.ErrConstant):
		return refuse(http.StatusUnprocessableEntity, err)
	}
	return 0, err
}

// offerCharter takes over a charter that amends, and ends this node's epoch under one that opens the next: whoever it names goes on from what the mirrors
// hold.
func (n *node) offerCharter(ctx context.Context, doc *charter.Document) error {
	err := n.chain.Check(doc)
	switch {
	case err == nil && n.chain.Head().OpensEpoch(doc):
		return n.handOver(ctx, doc, offerPatience, true)
	case errors.Is(err, charter.ErrSibling):
		return errors.Join(err, n.keepSibling(ctx, doc))
	case err != nil:
		return err
	}
	return n.adoptCharter(ctx, doc)
}

// Seals are the origins that this copy has sealed with a statement.
func (n relayCopy) Seals(ctx context.Context) (origins []string, err error) {
	err = n.eachSeal(ctx, func(s continuity.Seal, _ []byte) { origins = append(origins, s.Origin) })
	return origins, err
}

// Seal is the newest statement about an origin.
func (n relayCopy) Seal(ctx context.Context, want string) (statement []byte, err error) {
	err = n.eachSeal(ctx, func(s continuity.Seal, note []byte) {
		if s.Origin == want {
			statement = note
		}
	})
	if err == nil && statement == nil {
		err = fs.ErrNotExist
	}
	return statement, err
}

func (n relayCopy) eachSeal(ctx context.Context, fn func(seal continuity.Seal, note []byte)) error {
	list, err := n.continuity.Seals(ctx)
	if err != nil {
		return err
	}
	for _, s := range list {
		note, err := c2sp.ParseNote(s.Note)
		if err != nil {
			return err
		}
		seal, err := continuity.ParseSeal(note.Text)
		if err != nil {
			return err
		}
		fn(seal, s.Note)
	}
	return nil
}

// shownEvidence bounds the list; each piece can be had by its name.
const shownEvidence = 200

// Evidence lists what was found wrong with others.
func (n relayCopy) Evidence(ctx context.Context) (items []relay.Item, err error) {
	list, err := n.evidence(ctx, shownEvidence)
	for _, e := range list {
		items = append(items, relay.Item{Name: e.Name, Kind: string(e.Kind), At: e.At})
	}
	return items, err
}

// EvidenceFile is one piece.
func (n relayCopy) EvidenceFile(ctx context.Context, name string) ([]byte, error) {
	e, err := n.evidenceNamed(ctx, name)
	if errors.Is(err, continuity.ErrNotFound) {
		return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	if err != nil {
		return nil, err
	}
	return e.File()
}

// How much of the escrow one answer holds, and how far a request's time may be off.
const (
	escrowAnswerBytes = 16 << 20
	escrowSkew        = 5 * time.Minute
	escrowRead        = 256 // ciphertexts at a time
)

// Escrow gives ciphertexts to a mirror of the charter in force, which signed that it asks this copy for them now. Until the charter's epoch is opened here the
// mirrors of the epochs that end may ask too: one of them becomes the operator, and fetches what it lacks before it opens its own.
func (n relayCopy) Escrow(ctx context.Context, raw []byte, w io.Writer) error {
	docs, err := continuity.Ending(ctx, n.continuity, n.chain)
	if err != nil {
		return err
	}
	docs = append(docs, n.chain.Head())
	if !slices.ContainsFunc(docs, func(d *charter.Document) bool { return len(d.Charter().Escrow) > 0 }) {
		return fs.ErrNotExist
	}
	request, err := n.escrowRequest(raw, docs)
	if err != nil {
		return &relay.Refusal{Status: http.StatusUnauthorized, Why: "not asked by a mirror of the charter in force, or of an epoch that ends, of this copy, now", Size: -1, Err: err}
	}
	e, err := ledger.NewEscrow(n.chain.Head().Charter().Escrow)
	if err != nil {
		return err
	}
	var state ledger.EscrowState
	err = n.db.View(ctx, func(tx *store.Tx) (err error) {
		state, err = n.ledger.EscrowState(ctx, tx, e)
		return err
	})
	if err != nil {
		return err
	}
	if state.Due > state.Closed {
		return &relay.Refusal{Status: http.StatusServiceUnavailable, Why: "private facts are being encrypted to new recipients", Size: -1}
	}
	sent, from := 0, request.From
	for from < request.To {
		var page []ledger.Sealed
		err := n.db.View(ctx, func(tx *store.Tx) (err error) {
			page, err = n.ledger.Escrowed(ctx, tx, from, request.To, escrowRead)
			return err
		})
		if err != nil {
			return err
		}
		var out []byte
		for _, s := range page {
			item := ledger.AppendSealed(nil, s)
			if sent > 0 && sent+len(item) > escrowAnswerBytes {
				_, err := w.Write(ledger.AppendSealedEnd(out, s.Leaf))
				return err
			}
			sent += len(item)
			out = append(out, item...)
			from = s.Leaf + 1
		}
		if len(page) < escrowRead {
			from = request.To
		}
		if _, err := w.Write(out); err != nil {
			return err
		}
	}
	_, err = w.Write(ledger.AppendSealedEnd(nil, request.To))
	return err
}

func (n relayCopy) escrowRequest(raw []byte, docs []*charter.Document) (q ledger.EscrowRequest, err error) {
	note, err := c2sp.ParseNote(raw)
	if err != nil {
		return q, err
	}
	if q, err = ledger.ParseEscrowRequest(note.Text); err != nil {
		return q, err
	}
	if q.List != n.chain.ListID() || q.URL != n.ownURL() || q.URL == "" {
		return q, errors.New("addressed to another copy")
	}
	now := n.now()
	for _, d := range docs {
		for _, key := range d.MirrorKeys() {
			if _, at, ok := key.Find(note.Text, note.Lines); ok && now.Sub(at).Abs() <= escrowSkew {
				return q, nil
			}
		}
	}
	return q, errors.New("no mirror of the charter has signed it lately")
}

// ownURL is the address that the charter gives this copy, "" for one that it does not name.
func (n *node) ownURL() string {
	head := n.chain.Head().Charter()
	if n.role == nil {
		return head.Operator.URL
	}
	if head.Mirrors != nil {
		for _, m := range head.Mirrors.List {
			if m.VKey == n.mirrorVKey {
				return m.URL
			}
		}
	}
	return ""
}
