package bundle

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/spec/c2sp"
)

// Wrote is what an export has in it.
type Wrote struct {
	Leaves, Bodies, Erased int64
	Bytes                  int64 // of the bodies
}

// Write writes the leaves [h.From, h.To) of a list under h's checkpoint, whose tree the source must have. progress may be nil. It fails with
// ErrRange, and with
// ErrWithheld when a body is gone and the leaf that erased it is not under the checkpoint yet: sign, and write again.
func Write(ctx context.Context, w io.Writer, s Source, h Head, progress func(done int64)) (out Wrote, err error) {
	if h.From < 0 || h.From >= h.To || h.To > h.Tree.Size {
		return out, fmt.Errorf("%w: leaves %d to %d, and a checkpoint of %d", ErrRange, h.From, h.To, h.Tree.Size)
	}
	pack, err := zstd.NewWriter(w, zstd.WithWindowSize(window))
	if err != nil {
		return out, err
	}
	defer func() {
		if err != nil {
			_ = pack.Close() // the first error counts
		}
	}()
	b := &writer{to: bufio.NewWriterSize(pack, 256<<10), src: s, head: h, erased: map[int64]bool{}}
	if err := b.begin(ctx); err != nil {
		return out, err
	}
	err = chunks(h.From, h.To, func(from, to int64) error {
		if progress != nil {
			progress(from - h.From)
		}
		return b.chunk(ctx, from, to)
	})
	if err != nil {
		return b.wrote, err
	}
	if err := b.end(ctx); err != nil {
		return b.wrote, err
	}
	if err := b.to.Flush(); err != nil {
		return b.wrote, err
	}
	return b.wrote, pack.Close()
}

type writer struct {
	to     *bufio.Writer
	src    Source
	head   Head
	erased map[int64]bool // leaves whose bodies are gone, and no leaf seen so far says why
	wrote  Wrote
}

// begin writes the head and the hashes that everything after is checked with.
func (b *writer) begin(ctx context.Context) error {
	raw, err := b.head.marshal()
	if err != nil {
		return err
	}
	nodes := skeleton(b.head.From, b.head.To, b.head.Tree.Size)
	at := make([]int64, len(nodes))
	for i, n := range nodes {
		at[i] = n.stored()
	}
	hashes, err := b.src.Hashes(ctx, b.head.Tree.Size, at)
	if err != nil {
		return err
	}
	var w weaver
	for i, h := range hashes {
		w.add(nodes[i], h)
		raw = append(raw, h[:]...)
	}
	// What does not give the root now never will, anywhere.
	root, err := w.root(b.head.Tree.Size)
	if err != nil || root != b.head.Tree.Root {
		return fmt.Errorf("%w: the tree of this store", ErrProof)
	}
	_, err = b.to.Write(raw)
	return err
}

// chunk writes the leaves of a chunk, then what stands beside them: a reader proves the first before it takes in the others.
func (b *writer) chunk(ctx context.Context, from, to int64) error {
	var buf []byte
	next := from
	err := b.src.Leaves(ctx, from, to, func(index int64, leaf []byte) (err error) {
		if buf, err = c2sp.AppendEntry(buf, leaf); index == next {
			next++
		}
		return err
	})
	if err != nil {
		return err
	}
	if _, err := b.to.Write(buf); err != nil {
		return err
	}
	if next == to {
		err = b.src.Each(ctx, from, to, func(index int64, leaf []byte, mark byte, salt [16]byte, raw []byte) (err error) {
			if buf, err = ledger.AppendItem(buf[:0], mark, salt, raw); err != nil {
				return err
			}
			b.note(index, leaf, mark, int64(len(raw)))
			next--
			_, err = b.to.Write(buf)
			return err
		})
	}
	if err == nil && next != from {
		err = fmt.Errorf("%w: leaves %d to %d of this store", ErrProof, from, to)
	}
	return err
}

func (b *writer) note(index int64, leaf []byte, mark byte, n int64) {
	b.wrote.Leaves++
	switch mark {
	case ledger.BodyPresent:
		b.wrote.Bodies, b.wrote.Bytes = b.wrote.Bodies+1, b.wrote.Bytes+n
	case ledger.BodyErased:
		b.wrote.Erased++
		b.erased[index] = true
	}
	if e, err := event.Open(index, leaf, nil); err == nil && e.Kind == event.BodyErased {
		delete(b.erased, *e.Leaf)
	}
}

// end writes the leaves beyond the range that say why bodies in it are gone.
func (b *writer) end(ctx context.Context) error {
	var found []erasure
	if len(b.erased) > 0 {
		err := b.src.Leaves(ctx, b.head.To, b.head.Tree.Size, func(index int64, leaf []byte) error {
			if e, err := event.Open(index, leaf, nil); err == nil && e.Kind == event.BodyErased && b.erased[*e.Leaf] {
				delete(b.erased, *e.Leaf)
				found = append(found, erasure{index: index, leaf: leaf})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if len(b.erased) > 0 {
		return fmt.Errorf("%w below the checkpoint: sign, and write again", ErrWithheld)
	}
	raw := binary.BigEndian.AppendUint32(nil, uint32(len(found)))
	reader := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) { return b.src.Hashes(ctx, b.head.Tree.Size, at) })
	for _, e := range found {
		path, err := tlog.ProveRecord(b.head.Tree.Size, e.index, reader)
		if err != nil {
			return err
		}
		raw = binary.BigEndian.AppendUint64(raw, uint64(e.index))
		if raw, err = c2sp.AppendEntry(raw, e.leaf); err != nil {
			return err
		}
		raw = append(raw, byte(len(path)))
		for _, h := range path {
			raw = append(raw, h[:]...)
		}
	}
	_, err := b.to.Write(raw)
	return err
}
