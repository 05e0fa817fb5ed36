package mirror

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/ledger"
	"tasuki/spec/c2sp"
)

// ErrEscrowWithheld means that the ciphertext of a committed leaf is not to be had. Where a charter has escrow, nothing that covers the leaf is cosigned:
// what is acknowledged would die with the operator.
var ErrEscrowWithheld = errors.New("mirror: the ciphertext of a private fact is withheld")

// escrowed remembers that every ciphertext below a leaf is here, but for those that were let go.
type escrowed struct {
	recipients [32]byte
	upto       int64
	lost       int64     // the first that was let go
	again      time.Time // when it is asked for again; zero when none was let go
}

// Limits of asking about the escrow.
const (
	escrowPage  = 1024             // ciphertexts asked for at a time
	escrowGap   = 4096             // leaves between two of them, beyond which they are asked for apart
	escrowOther = 20 * time.Second // for an answer of a copy that is not the one followed
	escrowSeek  = 2 * time.Minute  // for an answer that a successor needs
	escrowAgain = 10 * time.Minute // between two questions for what was let go
)

// keepEscrow fetches the ciphertexts of every committed leaf below size that this copy does not hold to the recipients of the charter in force: from the
// one that it follows, and what that one has not, from the operator and the other mirrors. Facts that an operator before took with it are let go: the list
// found their leaves behind it when its epoch began, nobody is known to have been told that they count, and nobody who answers has them. A list that
// waited for them would never go on. They are asked for again now and then.
func (f *Follower) keepEscrow(ctx context.Context, peer *Peer, chain *charter.Chain, size int64) error {
	head := chain.Head()
	list := head.Charter().Escrow
	if len(list) == 0 {
		return nil
	}
	digest := ledger.RecipientsDigest(list)
	f.side.Lock()
	state := f.escrowed
	f.side.Unlock()
	if state.recipients != digest {
		state = escrowed{recipients: digest}
	}
	if !state.again.IsZero() && f.o.Now().After(state.again) {
		state.upto, state.again = min(state.upto, state.lost), time.Time{}
	}
	for {
		due, err := f.o.Store.EscrowDue(ctx, digest, state.upto, escrowPage)
		if err != nil {
			return err
		}
		whole := len(due) == 0 || due[0] >= size
		if state.upto = size; !whole {
			state.upto = due[0]
		}
		f.side.Lock()
		f.escrowed = state
		f.side.Unlock()
		if whole {
			return nil
		}
		missing, next, err := f.fetchEscrow(ctx, peer, head, digest, due, true)
		if err != nil {
			return err
		}
		if len(missing) > 0 {
			if missing, err = f.lost(ctx, peer, head, digest, missing); err != nil {
				return err
			}
		}
		if len(missing) > 0 && state.again.IsZero() {
			f.o.Log.WarnContext(ctx, "private facts of an operator before are lost: nobody who answers has their ciphertexts", "facts", len(missing), "first", missing[0])
			state.lost, state.again = missing[0], f.o.Now().Add(escrowAgain)
		}
		state.upto = next
	}
}

// lost asks the operator and the other mirrors for what the one that is followed has not, and returns what may be let go of what is still missing.
// ErrEscrowWithheld where it may not.
func (f *Follower) lost(ctx context.Context, peer *Peer, head *charter.Document, digest [32]byte, missing []int64) ([]int64, error) {
	var from, to int64
	err := f.rules(ctx, func(m *continuity.Mirror) (err error) { from, to, err = m.Unacknowledged(ctx); return err })
	if err != nil {
		return nil, err
	}
	for _, u := range append([]string{head.Charter().Operator.URL}, f.holders([]*charter.Document{head})...) {
		if len(missing) == 0 || sameServer(u, peer.Base) {
			continue
		}
		operator := sameServer(u, head.Charter().Operator.URL)
		one, cancel := context.WithTimeout(ctx, escrowOther)
		still, next, err := f.fetchEscrow(one, NewPeer(u, f.o.HTTP), head, digest, missing, operator)
		cancel()
		if err != nil {
			f.o.Log.DebugContext(ctx, "no ciphertexts", "source", u, "err", err)
			continue
		}
		if unread := slices.IndexFunc(missing, func(leaf int64) bool { return leaf >= next }); unread >= 0 {
			still = append(still, missing[unread:]...)
		}
		missing = still
	}
	if i := slices.IndexFunc(missing, func(leaf int64) bool { return leaf < from || leaf >= to }); i >= 0 {
		return nil, fmt.Errorf("leaf %d: %w", missing[i], ErrEscrowWithheld)
	}
	return missing, nil
}

// holders are the URLs of the mirrors of charters, but for this one, each once.
func (f *Follower) holders(docs []*charter.Document) (urls []string) {
	for _, d := range docs {
		mirrors := d.Charter().Mirrors
		if mirrors == nil {
			continue
		}
		for _, m := range mirrors.List {
			if m.VKey != f.o.Key.VKey().String() && !slices.ContainsFunc(urls, func(known string) bool { return sameServer(known, m.URL) }) {
				urls = append(urls, m.URL)
			}
		}
	}
	return urls
}

// fetchEscrow fetches the ciphertexts of leaves to one digest and keeps them. The answer covers the leaves below next, which is beyond the first; what is
// still due of them is missing. What holds a place already goes only where replace is set: nobody can see here what a ciphertext holds.
func (f *Follower) fetchEscrow(ctx context.Context, peer *Peer, head *charter.Document, digest [32]byte, due []int64, replace bool) (missing []int64, next int64, err error) {
	got, next, err := f.askEscrow(ctx, peer, head.ListID(), f.nameOf(head, peer), due)
	if err != nil {
		return nil, 0, err
	}
	got = slices.DeleteFunc(got, func(s ledger.Sealed) bool {
		_, wanted := slices.BinarySearch(due, s.Leaf)
		return !wanted || s.Recipients != digest || len(s.Ciphertext) == 0
	})
	if err := f.o.Store.KeepEscrow(ctx, got, replace); err != nil {
		return nil, 0, err
	}
	// What was given is not always kept, and what was erased meanwhile is due no more: the store says what is.
	missing, err = f.o.Store.EscrowDue(ctx, digest, due[0], len(due))
	missing = slices.DeleteFunc(missing, func(leaf int64) bool { return leaf >= next || leaf > due[len(due)-1] })
	return missing, next, err
}

// askEscrow asks a copy of a list, under the URL that a charter has for it, for the ciphertexts from the first to the last of these leaves. The answer covers those below
// next, which is beyond the first.
func (f *Follower) askEscrow(ctx context.Context, peer *Peer, list, name string, due []int64) (got []ledger.Sealed, next int64, err error) {
	from, to := due[0], due[len(due)-1]+1
	q := ledger.EscrowRequest{List: list, URL: name, From: from, To: to}
	line, err := f.o.Key.State(q.String(), f.o.Now())
	if err != nil {
		return nil, 0, err
	}
	raw, err := peer.escrow(ctx, c2sp.Note{Text: q.String(), Lines: []c2sp.Line{line}}.Bytes())
	if errors.Is(err, ErrAbsent) {
		return nil, to, nil
	}
	if err != nil {
		return nil, 0, err
	}
	got, next, err = ledger.ReadSealed(bytes.NewReader(raw), from, to)
	if err == nil && next <= from {
		err = errors.New("it looked at no leaf")
	}
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return got, next, nil
}

// SeekEscrow asks the mirrors of charters for the ciphertexts of leaves, which ascend, to whomever they are, one mirror after the other. take is given what comes
// and says which of them it needs no more. What is left is missing; silent are the mirrors that gave no answer, so that they may have it.
func (f *Follower) SeekEscrow(ctx context.Context, docs []*charter.Document, leaves []int64, take func([]ledger.Sealed) ([]int64, error)) (missing []int64, silent []string, err error) {
	if f.o.Key == nil {
		return leaves, nil, nil
	}
	for _, u := range f.holders(docs) {
		var left []int64
		for len(leaves) > 0 {
			n := 1
			for n < min(len(leaves), escrowPage) && leaves[n]-leaves[n-1] <= escrowGap {
				n++
			}
			one, cancel := context.WithTimeout(ctx, escrowSeek)
			got, next, err := f.askEscrow(one, NewPeer(u, f.o.HTTP), docs[0].ListID(), u, leaves[:n])
			cancel()
			if ctx.Err() != nil {
				return nil, nil, ctx.Err()
			}
			if err != nil {
				f.o.Log.WarnContext(ctx, "no ciphertexts", "source", u, "err", err)
				silent = append(silent, u)
				break
			}
			asked, _ := slices.BinarySearch(leaves, next)
			got = slices.DeleteFunc(got, func(s ledger.Sealed) bool { _, ok := slices.BinarySearch(leaves[:asked], s.Leaf); return !ok })
			taken, err := take(got)
			if err != nil {
				return nil, nil, err
			}
			slices.Sort(taken)
			for _, leaf := range leaves[:asked] {
				if _, ok := slices.BinarySearch(taken, leaf); !ok {
					left = append(left, leaf)
				}
			}
			leaves = leaves[asked:]
		}
		leaves = append(left, leaves...)
	}
	return leaves, silent, nil
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
