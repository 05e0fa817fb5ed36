package mirror

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"tasuki/internal/charter"
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

// keepEscrow fetches the ciphertexts of every committed leaf below size that this copy does not hold to the recipients of the charter in force.
func (f *Follower) keepEscrow(ctx context.Context, peer *Peer, chain *charter.Chain, size int64) error {
	head := chain.Head()
	list := head.Charter().Escrow
	if len(list) == 0 {
		return nil
	}
	digest := ledger.RecipientsDigest(list)
	f.side.Lock()
	upto := f.escrowed.upto
	if f.escrowed.recipients != digest {
		upto = 0
	}
	f.side.Unlock()
	for {
		due, err := f.o.Store.EscrowDue(ctx, digest, upto, 1024)
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
		if err := f.askEscrow(ctx, peer, head, digest, due); err != nil {
			return err
		}
	}
}

// askEscrow fetches ciphertexts for leaves, of which at least the first must come.
func (f *Follower) askEscrow(ctx context.Context, peer *Peer, head *charter.Document, digest [32]byte, due []int64) error {
	from, to := due[0], due[len(due)-1]+1
	q := ledger.EscrowRequest{List: head.ListID(), URL: f.nameOf(head, peer), From: from, To: to}
	line, err := f.o.Key.State(q.String(), f.o.Now())
	if err != nil {
		return err
	}
	raw, err := peer.escrow(ctx, c2sp.Note{Text: q.String(), Lines: []c2sp.Line{line}}.Bytes())
	if errors.Is(err, ErrAbsent) {
		return fmt.Errorf("leaf %d: %w: %w", from, ErrEscrowWithheld, err)
	}
	if err != nil {
		return err
	}
	got, next, err := ledger.ReadSealed(bytes.NewReader(raw), from, to)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	wanted := make(map[int64]bool, len(due))
	for _, leaf := range due {
		wanted[leaf] = true
	}
	var keep []ledger.Sealed
	for _, s := range got {
		if wanted[s.Leaf] && s.Recipients == digest && len(s.Ciphertext) > 0 {
			keep = append(keep, s)
			delete(wanted, s.Leaf)
		}
	}
	if err := f.o.Store.KeepEscrow(ctx, keep); err != nil {
		return err
	}
	for _, leaf := range due {
		if leaf < next && wanted[leaf] {
			return fmt.Errorf("leaf %d: %w", leaf, ErrEscrowWithheld)
		}
	}
	if next <= from {
		return fmt.Errorf("%w: it looked at no leaf", ErrAnswer)
	}
	return nil
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
