package bundle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
)

// ErrFork means a bundle whose tree does not contain what is stored.
var ErrFork = errors.New("bundle: its tree does not contain the leaves that are here")

// Target is a copy that takes bundles in. Its own rules decide; the bundle only brings what is proven.
type Target interface {
	continuity.Copy // of what is stored
	Stored(ctx context.Context) (continuity.Tree, error)
	// Hashes are stored hashes (tlog.StoredHashIndex) of the stored tree, of which size is the size.
	Hashes(ctx context.Context, size int64, indexes []int64) ([]tlog.Hash, error)
	// Charter offers a charter to the rules; one that is known is no error.
	Charter(ctx context.Context, d *charter.Document) error
	// Consider lets the rules decide about the checkpoint before a leaf is taken in. copy is its tree.
	Consider(ctx context.Context, signed []byte, copy continuity.Copy) error
	// Take inspects, stores and folds leaves, in one transaction. Where they end a tree, its root is theirs.
	Take(ctx context.Context, signed []byte, leaves []gate.Stored, to continuity.Tree) error
	// Accept makes the checkpoint the copy's view, once its leaves are all here.
	Accept(ctx context.Context, signed []byte) error
}

// File opens a bundle; it is read several times.
type File func() (io.ReadCloser, error)

// Imported says what an import did.
type Imported struct {
	Head
	Before, After int64 // leaves stored
	Accepted      bool  // the checkpoint is now the copy's view
}

// Same says that the copy had it all.
func (i Imported) Same() bool { return i.Before == i.After }

// batch bounds one transaction: leaves, and bytes of bodies.
const (
	batchLeaves = Width
	batchBytes  = 4 << 20
)

// Import takes a bundle in: the whole file is proven first, then its charters and its checkpoint go to the target's rules, then its leaves are
// taken in, each proven again. list pins
// the list id. What is here already is compared and left; a bundle that begins behind what is stored is *Missing; one that does not contain
// what is stored is ErrFork. An
// interrupted import has taken in whole batches, and the same call goes on there. progress may be nil.
func Import(ctx context.Context, f File, list string, t Target, progress func(done, total int64)) (out Imported, err error) {
	proven, err := Verify(ctx, f, list, nil)
	if err != nil {
		return out, err
	}
	out.Head = proven.Head
	stored, err := t.Stored(ctx)
	if err != nil {
		return out, err
	}
	out.Before, out.After = stored.Size, stored.Size
	if stored.Size < proven.From {
		return out, &Missing{stored.Size, proven.From}
	}
	c := &carried{Verified: proven, file: f, list: list, target: t, stored: stored}
	if err := c.contains(ctx); err != nil {
		return out, err
	}
	for _, d := range proven.Charters.Documents() {
		if err := t.Charter(ctx, d); err != nil {
			return out, fmt.Errorf("charter %d: %w", d.Charter().V, err)
		}
	}
	if proven.To > stored.Size {
		if err := t.Consider(ctx, proven.Checkpoint, c); err != nil {
			return out, err
		}
		err = c.take(ctx, func(done int64) {
			out.After = done
			if progress != nil {
				progress(done-proven.From, proven.To-proven.From)
			}
		})
		if err != nil {
			return out, err
		}
	}
	if out.After >= proven.Tree.Size {
		err := t.Accept(ctx, proven.Checkpoint)
		out.Accepted = err == nil
		if err != nil && !errors.Is(err, continuity.ErrStale) {
			return out, err
		}
	}
	return out, nil
}

// Peek reads and verifies the head of a bundle alone: enough to know which range it has.
func Peek(f File, list string) (h Head, err error) {
	err = reading(f, list, func(b *Reader) error { h = b.Head; return nil })
	return h, err
}

// Verified is a bundle that was read to its end, and proven.
type Verified struct {
	Head
	Leaves, Bodies, Erased int64
	openings               []continuity.Opening
	before                 []tlog.Hash
	hashes                 map[int64]tlog.Hash
}

// Verify proves a whole bundle without a store. each may be nil; it is told of every leaf, which is proven but for whether later leaves justify
// missing bodies.
func Verify(ctx context.Context, f File, list string, each func(Item)) (*Verified, error) {
	v := &Verified{}
	err := reading(f, list, func(b *Reader) error {
		v.Head, v.before, v.hashes = b.Head, b.before, b.hashes
		return b.Each(func(i Item, _ tlog.Hash) error {
			v.Leaves++
			switch i.Mark {
			case ledger.BodyPresent:
				v.Bodies++
			case ledger.BodyErased:
				v.Erased++
			}
			if i.Event.Kind == event.EpochOpened {
				o, err := continuity.OpeningOf(i.Index, i.Event.Event, i.Raw)
				if err != nil {
					return err
				}
				v.openings = append(v.openings, o)
			}
			if each != nil {
				each(i)
			}
			return ctx.Err()
		})
	})
	return v, err
}

func reading(f File, list string, fn func(b *Reader) error) (err error) {
	file, err := f()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	b, err := Open(file, list)
	if err != nil {
		return err
	}
	defer b.Close()
	return fn(b)
}

// carried is a proven bundle over a copy: together they are the checkpoint's tree, as far as anybody here knows it.
type carried struct {
	*Verified
	file   File
	list   string
	target Target
	stored continuity.Tree
}

var _ continuity.Copy = (*carried)(nil)

// contains proves that the stored leaves are the checkpoint's own, by comparing every subtree of both that lies within what is stored, and the
// leaves where the range's chunks
// are cut by its end.
func (c *carried) contains(ctx context.Context) error {
	var at []int64
	var want []tlog.Hash
	compare := func(n node, h tlog.Hash) {
		if n.end() <= c.stored.Size {
			at, want = append(at, n.stored()), append(want, h)
		}
	}
	for i, n := range cover(0, c.From) {
		compare(n, c.before[i])
	}
	ragged := false
	_ = chunks(c.From, min(c.To, (c.stored.Size/Width+1)*Width), func(from, to int64) error { // fn cannot fail
		for _, n := range cover(from, to) {
			if h, ok := c.hashes[n.first()]; ok {
				compare(n, h)
				ragged = ragged || n.first() < c.stored.Size && n.end() > c.stored.Size
			}
		}
		return nil
	})
	if c.stored.Size > c.Tree.Size {
		// Beyond the checkpoint nothing is compared: the rules know more of their own log than this file.
		ragged = false
	}
	if ragged {
		first := c.stored.Size / Width * Width
		err := c.leaves(func(index int64, h tlog.Hash) {
			if index >= first && index < c.stored.Size {
				compare(node{0, index}, h)
			}
		})
		if err != nil {
			return err
		}
	}
	have, err := c.target.Hashes(ctx, c.stored.Size, at)
	if err != nil {
		return err
	}
	if !slices.Equal(have, want) {
		return fmt.Errorf("%w: of list %s, at %d leaves", ErrFork, c.List, c.stored.Size)
	}
	return nil
}

var errEnough = errors.New("bundle: read as far as needed")

// leaves gives the hashes of the range's leaves up to the end of the chunk in which the stored ones end.
func (c *carried) leaves(fn func(index int64, h tlog.Hash)) error {
	err := reading(c.file, c.list, func(b *Reader) error {
		return b.Each(func(i Item, h tlog.Hash) error {
			if i.Index >= c.stored.Size {
				return errEnough
			}
			fn(i.Index, h)
			return nil
		})
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// RootAt is the root of the first size leaves of the checkpoint's tree.
func (c *carried) RootAt(ctx context.Context, size int64) (tlog.Hash, error) {
	switch {
	case size == c.Tree.Size:
		return c.Tree.Root, nil
	case size <= c.stored.Size:
		return c.target.RootAt(ctx, size) // contains has proven that they are the same
	case size < c.From || size > c.To:
		return tlog.Hash{}, fmt.Errorf("%w: the tree of %d leaves is not in it", ErrRange, size)
	}
	// Only a succession asks for such a tree.
	var w weaver
	for i, n := range cover(0, c.From) {
		w.add(n, c.before[i])
	}
	err := reading(c.file, c.list, func(b *Reader) error {
		return b.Each(func(i Item, h tlog.Hash) error {
			if i.Index >= size {
				return errEnough
			}
			w.add(node{0, i.Index}, h)
			return nil
		})
	})
	if err != nil && !errors.Is(err, errEnough) {
		return tlog.Hash{}, err
	}
	return w.root(size)
}

// Opening is the leaf that opened an epoch, of what is stored or of what the bundle brings.
func (c *carried) Opening(ctx context.Context, epoch int64) (continuity.Opening, error) {
	o, err := c.target.Opening(ctx, epoch)
	if !errors.Is(err, continuity.ErrNotOpened) {
		return o, err
	}
	for _, o := range c.openings {
		if o.Epoch == epoch {
			return o, nil
		}
	}
	return o, err
}

// take hands over every leaf that is not stored yet, batch by batch.
func (c *carried) take(ctx context.Context, done func(upto int64)) error {
	var batch []gate.Stored
	size, upto := 0, c.stored.Size
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		if err := c.target.Take(ctx, c.Checkpoint, batch, c.Tree); err != nil {
			return err
		}
		upto += int64(len(batch))
		batch, size = batch[:0], 0
		done(upto)
		return nil
	}
	err := reading(c.file, c.list, func(b *Reader) error {
		if b.Head.Tree != c.Tree || b.From != c.From || b.To != c.To {
			return fmt.Errorf("%w: the file changed while it was read", ErrProof)
		}
		return b.Each(func(i Item, _ tlog.Hash) error {
			if i.Index < c.stored.Size {
				return ctx.Err()
			}
			s := gate.Stored{Index: i.Index, Leaf: i.Leaf}
			if i.Mark == ledger.BodyPresent {
				body, err := ledger.Pack(bytes.NewReader(i.Salt[:]), i.Raw)
				if err != nil {
					return err
				}
				s.Body = body
			}
			batch, size = append(batch, s), size+len(i.Raw)
			if len(batch) < batchLeaves && size < batchBytes {
				return nil
			}
			return flush()
		})
	})
	if err != nil {
		return err
	}
	return flush()
}
