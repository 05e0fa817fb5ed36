package ledger

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"filippo.io/age"
	"golang.org/x/sync/errgroup"

	"tasuki/internal/store"
)

// Sealed is the ciphertext of one private body.
type Sealed struct {
	Leaf       int64
	Recipients [32]byte // RecipientsDigest of those it is for
	Ciphertext []byte
}

// PutEscrow stores a ciphertext beside its leaf, in place of an older one, where the private body is here: an erased body must not come back in this
// form. The transaction holds the head (Lock), as every one that erases does.
func (l *Log) PutEscrow(ctx context.Context, tx *store.Tx, s Sealed) error {
	if _, err := tx.Exec(ctx, queries.Get("escrow_beside"), s.Recipients[:], s.Ciphertext, s.Leaf); err != nil {
		return fmt.Errorf("escrow of leaf %d: %w", s.Leaf, err)
	}
	return nil
}

// ExpectEscrow notes that a leaf hides something whose ciphertext is not here yet: at a mirror, in the transaction that appends the leaf. The note goes with
// the body, when it is erased.
func (l *Log) ExpectEscrow(ctx context.Context, tx *store.Tx, leaf int64) error {
	if _, err := tx.Exec(ctx, queries.Get("escrow_expect"), leaf, make([]byte, 32), []byte{}); err != nil {
		return fmt.Errorf("escrow of leaf %d: %w", leaf, err)
	}
	return nil
}

// KeepEscrow stores a ciphertext in the place of what ExpectEscrow noted, and where replace is set, of an older one. Of a leaf whose body was erased it keeps
// nothing. ErrEscrow is for what is too long.
func (l *Log) KeepEscrow(ctx context.Context, tx *store.Tx, s Sealed, replace bool) error {
	longest := 0 // of what goes
	if replace {
		longest = MaxEscrow
	}
	if len(s.Ciphertext) > MaxEscrow {
		return fmt.Errorf("escrow of leaf %d: %w: %d bytes", s.Leaf, ErrEscrow, len(s.Ciphertext))
	}
	if _, err := tx.Exec(ctx, queries.Get("escrow_keep"), s.Recipients[:], s.Ciphertext, s.Leaf, longest); err != nil {
		return fmt.Errorf("escrow of leaf %d: %w", s.Leaf, err)
	}
	return nil
}

// EscrowMissing are at most limit of the leaves, from one on, whose ciphertext to the recipients of that digest is not here.
func (l *Log) EscrowMissing(ctx context.Context, tx *store.Tx, recipients [32]byte, from int64, limit int) ([]int64, error) {
	return leavesOf(ctx, tx, "escrow_missing", from, recipients[:], limit)
}

func leavesOf(ctx context.Context, tx *store.Tx, query string, args ...any) (out []int64, err error) {
	rows, err := tx.Query(ctx, queries.Get(query), args...)
	if err != nil {
		return nil, fmt.Errorf("leaves without ciphertexts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var leaf int64
		if err := rows.Scan(&leaf); err != nil {
			return nil, fmt.Errorf("leaves without ciphertexts: %w", err)
		}
		out = append(out, leaf)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("leaves without ciphertexts: %w", err)
	}
	return out, nil
}

// Escrowed are at most limit of the ciphertexts of leaves [from, to), in the order of their leaves.
func (l *Log) Escrowed(ctx context.Context, tx *store.Tx, from, to int64, limit int) (out []Sealed, err error) {
	rows, err := tx.Query(ctx, queries.Get("escrow_scan"), from, to, limit)
	if err != nil {
		return nil, fmt.Errorf("escrow from leaf %d: %w", from, err)
	}
	defer rows.Close()
	for rows.Next() {
		var s Sealed
		var digest []byte
		if err := rows.Scan(&s.Leaf, &digest, &s.Ciphertext); err != nil {
			return nil, fmt.Errorf("escrow from leaf %d: %w", from, err)
		}
		if copy(s.Recipients[:], digest) != len(s.Recipients) {
			return nil, fmt.Errorf("escrow of leaf %d: %w: recipients of %d bytes", s.Leaf, ErrEscrow, len(digest))
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("escrow from leaf %d: %w", from, err)
	}
	return out, nil
}

// EscrowState is what a store holds of private facts and their ciphertexts.
type EscrowState struct {
	Private int64 // private bodies in clear: an operator has them, a mirror none
	Sealed  int64 // ciphertexts, to whomever they are
	Current int64 // of these, to the recipients asked about
	Due     int64 // facts without a ciphertext to them
	Closed  int64 // of these, such whose body is not here: somebody else has their ciphertext, or nobody
}

// EscrowState counts, for the recipients of e; nil is a list without escrow, for which nothing is due.
func (l *Log) EscrowState(ctx context.Context, tx *store.Tx, e *Escrow) (s EscrowState, err error) {
	var digest [32]byte
	if e != nil {
		digest = e.digest
	}
	err = tx.QueryRow(ctx, queries.Get("escrow_state"), digest[:], digest[:], digest[:]).Scan(&s.Private, &s.Sealed, &s.Current, &s.Due, &s.Closed)
	if err != nil {
		return s, fmt.Errorf("count the escrow: %w", err)
	}
	s.Due += s.Closed
	if e == nil {
		s.Due, s.Closed = 0, 0
	}
	return s, nil
}

// escrowPage is how many bodies are encrypted or opened between two commits.
const escrowPage = 256

// privateAt is a private body with its leaf.
type privateAt struct {
	leaf int64
	Private
}

// SealAll encrypts every living private body that has no ciphertext to e's recipients, and replaces older ones: after a charter named others, or the
// first. It goes on where it was stopped. Encryption is done on every core, outside of transactions. progress may be nil; it is told how many are done.
func (l *Log) SealAll(ctx context.Context, e *Escrow, progress func(done int64)) (done int64, err error) {
	for from := int64(0); ; {
		var page []privateAt
		err := l.db.View(ctx, func(tx *store.Tx) (err error) {
			page, err = l.escrowDue(ctx, tx, e.digest, from)
			return err
		})
		if err != nil || len(page) == 0 {
			return done, err
		}
		sealed := make([]Sealed, len(page))
		err = eachCore(ctx, len(page), func(i int) (err error) {
			sealed[i] = Sealed{Leaf: page[i].leaf, Recipients: e.digest}
			sealed[i].Ciphertext, err = e.Seal(page[i].Private)
			return err
		})
		if err != nil {
			return done, err
		}
		err = l.db.Update(ctx, func(tx *store.Tx) error {
			// Whoever erases holds the head: what was erased meanwhile is seen to be gone.
			if _, err := l.Lock(ctx, tx); err != nil {
				return err
			}
			for _, s := range sealed {
				if err := l.PutEscrow(ctx, tx, s); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return done, err
		}
		from = page[len(page)-1].leaf + 1
		if done += int64(len(page)); progress != nil {
			progress(done)
		}
	}
}

func (l *Log) escrowDue(ctx context.Context, tx *store.Tx, digest [32]byte, from int64) (out []privateAt, err error) {
	rows, err := tx.Query(ctx, queries.Get("escrow_due"), digest[:], from, escrowPage)
	if err != nil {
		return nil, fmt.Errorf("private bodies to encrypt: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var p privateAt
		var salt []byte
		if err := rows.Scan(&p.leaf, &salt, &p.Body); err != nil {
			return nil, fmt.Errorf("private bodies to encrypt: %w", err)
		}
		if len(salt) != len(p.Salt) {
			return nil, fmt.Errorf("private body of leaf %d: %w: salt of %d bytes", p.leaf, ErrPrivate, len(salt))
		}
		copy(p.Salt[:], salt)
		out = append(out, p)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("private bodies to encrypt: %w", err)
	}
	return out, nil
}

// EscrowOpened says what became of the ciphertexts of a store.
type EscrowOpened struct {
	Opened []int64 // leaves whose private body was put back
	Closed []int64 // leaves whose ciphertext none of the keys opens
	Wrong  []int64 // leaves whose ciphertext does not hold what they commit to
}

// OpenAll opens every ciphertext whose private body is not here, checks it against the commitment in its leaf and puts it back: the way in of a successor.
// What cannot be opened is told and left alone; the private facts take effect when the log is folded again. It goes on where it was stopped.
func (l *Log) OpenAll(ctx context.Context, identities []age.Identity, progress func(done int64)) (out EscrowOpened, err error) {
	for from, done := int64(0), int64(0); ; {
		var page []Sealed
		err := l.db.View(ctx, func(tx *store.Tx) error {
			rows, err := tx.Query(ctx, queries.Get("escrow_closed"), from, escrowPage)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var s Sealed
				if err := rows.Scan(&s.Leaf, &s.Ciphertext); err != nil {
					return err
				}
				page = append(page, s)
			}
			return rows.Err()
		})
		if err != nil {
			return out, fmt.Errorf("ciphertexts to open: %w", err)
		}
		if len(page) == 0 {
			return out, nil
		}
		got, err := l.OpenSealed(ctx, identities, page)
		if err != nil {
			return out, err
		}
		out.Opened = append(out.Opened, got.Opened...)
		out.Closed = append(out.Closed, got.Closed...)
		out.Wrong = append(out.Wrong, got.Wrong...)
		from = page[len(page)-1].Leaf + 1
		if done += int64(len(page)); progress != nil {
			progress(done)
		}
	}
}

// OpenSealed opens ciphertexts of leaves that are here, wherever they come from, and puts back what a leaf really commits to. Decryption is done on every
// core, outside of transactions.
func (l *Log) OpenSealed(ctx context.Context, identities []age.Identity, list []Sealed) (out EscrowOpened, err error) {
	leaves := make([][]byte, len(list))
	err = l.db.View(ctx, func(tx *store.Tx) (err error) {
		for i, s := range list {
			if leaves[i], err = l.Leaf(ctx, tx, s.Leaf); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	private, errs := make([]Private, len(list)), make([]error, len(list))
	err = eachCore(ctx, len(list), func(i int) error {
		var h [32]byte
		if h, errs[i] = commitment(leaves[i]); errs[i] == nil {
			private[i], errs[i] = OpenEscrow(identities, list[i].Ciphertext, h)
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	err = l.db.Update(ctx, func(tx *store.Tx) error {
		for i, s := range list {
			if errs[i] != nil {
				continue
			}
			if err := l.PutPrivate(ctx, tx, s.Leaf, private[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	for i, s := range list {
		switch {
		case errs[i] == nil:
			out.Opened = append(out.Opened, s.Leaf)
		case errors.Is(errs[i], ErrEscrowKey):
			out.Closed = append(out.Closed, s.Leaf)
		default:
			out.Wrong = append(out.Wrong, s.Leaf)
		}
	}
	return out, nil
}

// Unopened are at most limit of the leaves, from one on, that hide something which is not here, with or without a ciphertext.
func (l *Log) Unopened(ctx context.Context, tx *store.Tx, from int64, limit int) ([]int64, error) {
	return leavesOf(ctx, tx, "escrow_unopened", from, limit)
}

// commitment is what a committed leaf commits to.
func commitment(leaf []byte) (h [32]byte, err error) {
	parts, err := splitLeaf(leaf)
	if err != nil {
		return h, err
	}
	c, err := readClaims(parts.Event)
	if err != nil {
		return h, err
	}
	if !c.hasBody || c.public {
		return h, fmt.Errorf("%w: the leaf commits to nothing", ErrEscrow)
	}
	return c.hash, nil
}

// eachCore runs do for 0 … n−1, as many at a time as there are cores.
func eachCore(ctx context.Context, n int, do func(i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return do(i)
		})
	}
	return group.Wait()
}
