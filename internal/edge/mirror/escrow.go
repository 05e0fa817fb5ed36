package mirror

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/ledger"
	"tasuki/spec/c2sp"
)

// ErrEscrowWithheld means that the ciphertext of a committed leaf is not to be had. Where a charter has escrow, nothing that covers the leaf is cosigned:
// what is acknowledged would die with the operator.
var ErrEscrowWithheld = errors.New("mirror: the ciphertext of a private fact is withheld")

// escrowed remembers that every ciphertext below a leaf is here.
type escrowed struct {
	recipients [32]byte
	upto       int64
}

// keepEscrow fetches the ciphertexts of every committed leaf below size that this copy does not hold to the recipients of the charter in force: from the
// one that it follows, and what that one has not, from other mirrors. Of what the epoch took over by the reports of mirrors, the facts that no mirror has
// the ciphertext of are let go: mirrors cosign nothing that covers such a leaf, so it was lost with the operator before anybody was told that it counts,
// and a list that waited for it would never go on. They are asked for again at the next start.
func (f *Follower) keepEscrow(ctx context.Context, peer *Peer, chain *charter.Chain, size int64) error {
	head := chain.Head()
	list := head.Charter().Escrow
	if len(list) == 0 {
		return nil
	}
	var taken int64
	if err := f.rules(ctx, func(m *continuity.Mirror) (err error) { taken, err = m.TakenOver(ctx); return err }); err != nil {
		return err
	}
	digest := ledger.RecipientsDigest(list)
	f.side.Lock()
	upto := f.escrowed.upto
	if f.escrowed.recipients != digest {
		upto = 0
	}
	f.side.Unlock()
	for {
		due, err := f.o.Store.EscrowDue(ctx, digest, upto, escrowPage)
		if err != nil {
			return err
		}
		whole := len(due) == 0 || due[0] >= size
		if upto = size; !whole {
			upto = due[0]
		}
		f.side.Lock()
		f.escrowed = escrowed{digest, upto}
		f.side.Unlock()
		if whole {
			return nil
		}
		missing, next, err := f.askEscrow(ctx, peer, head, digest, due)
		if err != nil {
			return err
		}
		missing = f.askOthers(ctx, head, digest, missing, peer.Base)
		if i := slices.IndexFunc(missing, func(leaf int64) bool { return leaf >= taken }); i >= 0 {
			return fmt.Errorf("leaf %d: %w", missing[i], ErrEscrowWithheld)
		}
		if len(missing) > 0 {
			f.o.Log.WarnContext(ctx, "private facts of an operator before are lost: nobody has their ciphertexts", "facts", len(missing), "first", missing[0])
		}
		upto = next
	}
}

// escrowPage is how many ciphertexts are asked for at a time.
const escrowPage = 1024

// askEscrow fetches ciphertexts for leaves. The answer covers those below next, which is beyond the first; what it has not of them is missing.
func (f *Follower) askEscrow(ctx context.Context, peer *Peer, head *charter.Document, digest [32]byte, due []int64) (missing []int64, next int64, err error) {
	from, to := due[0], due[len(due)-1]+1
	q := ledger.EscrowRequest{List: head.ListID(), URL: f.nameOf(head, peer), From: from, To: to}
	line, err := f.o.Key.State(q.String(), f.o.Now())
	if err != nil {
		return nil, 0, err
	}
	raw, err := peer.escrow(ctx, c2sp.Note{Text: q.String(), Lines: []c2sp.Line{line}}.Bytes())
	if errors.Is(err, ErrAbsent) {
		return due, to, nil
	}
	if err != nil {
		return nil, 0, err
	}
	got, next, err := ledger.ReadSealed(bytes.NewReader(raw), from, to)
	if err == nil && next <= from {
		err = errors.New("it looked at no leaf")
	}
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	wanted := make(map[int64]bool, len(due))
	for _, leaf := range due {
		wanted[leaf] = leaf < next
	}
	var keep []ledger.Sealed
	for _, s := range got {
		if wanted[s.Leaf] && s.Recipients == digest && len(s.Ciphertext) > 0 {
			keep = append(keep, s)
			wanted[s.Leaf] = false
		}
	}
	for _, leaf := range due {
		if wanted[leaf] {
			missing = append(missing, leaf)
		}
	}
	return missing, next, f.o.Store.KeepEscrow(ctx, keep)
}

// askOthers asks the mirrors of the charter, but for the one at a URL and this one, for what is missing, and says what still is.
func (f *Follower) askOthers(ctx context.Context, head *charter.Document, digest [32]byte, missing []int64, but string) []int64 {
	mirrors := head.Charter().Mirrors
	if mirrors == nil {
		return missing
	}
	for _, m := range mirrors.List {
		if len(missing) == 0 {
			break
		}
		if m.VKey == f.o.Key.VKey().String() || sameServer(m.URL, but) {
			continue
		}
		still, next, err := f.askEscrow(ctx, NewPeer(m.URL, f.o.HTTP), head, digest, missing)
		if err != nil {
			f.o.Log.DebugContext(ctx, "no ciphertexts", "source", m.URL, "err", err)
			continue
		}
		unread := slices.IndexFunc(missing, func(leaf int64) bool { return leaf >= next })
		if unread >= 0 {
			still = append(still, missing[unread:]...)
		}
		missing = still
	}
	return missing
}

// FillEscrow fetches from the other mirrors what this copy, which is to be the operator's, lacks of the ciphertexts of leaves below size to recipients: what
// two mirrors have acknowledged the third may not have fetched yet. What nobody has who answers stays missing.
func (f *Follower) FillEscrow(ctx context.Context, recipients []string, size int64) error {
	chain, _, err := f.chain(ctx)
	if err != nil || f.o.Key == nil {
		return err
	}
	digest := ledger.RecipientsDigest(recipients)
	for from := int64(0); ; {
		due, err := f.o.Store.EscrowDue(ctx, digest, from, escrowPage)
		if err != nil {
			return err
		}
		if len(due) == 0 || due[0] >= size {
			return ctx.Err()
		}
		f.askOthers(ctx, chain.Head(), digest, due, "")
		from = due[len(due)-1] + 1
	}
}

// nameOf is the URL under which the charter knows a peer: what a request is bound to.
func (f *Follower) nameOf(head *charter.Document, peer *Peer) string {
	c := head.Charter()
	if c.Mirrors != nil {
		for _, m := range c.Mirrors.List {
			if sameServer(m.URL, peer.Base) {
				return m.URL
			}
		}
	}
	return c.Operator.URL
}
