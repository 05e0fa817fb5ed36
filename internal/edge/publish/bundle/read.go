package bundle

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
)

// Reader reads a bundle and proves it as it goes.
type Reader struct {
	Head
	r      *bufio.Reader
	pack   *zstd.Decoder
	before []tlog.Hash // subtrees before the range
	// skeleton are the hashes of the head, in the order of the function of that name.
	skeleton []tlog.Hash
	hashes   map[int64]tlog.Hash // of the range's chunks, by the first leaf of each subtree
	erased   map[int64]bool      // leaves whose body is missing, and nothing says why yet
	failed   error
}

// Open reads the head of a bundle and proves that its hashes are the checkpoint's. list pins the list id; "" takes the file's own, which Head
// then tells. Close releases the
// memory.
func Open(r io.Reader, list string) (*Reader, error) {
	pack, err := unpacker(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	b := &Reader{r: bufio.NewReaderSize(pack, 256<<10), pack: pack, hashes: map[int64]tlog.Hash{}, erased: map[int64]bool{}}
	if err := b.open(list); err != nil {
		pack.Close()
		return nil, err
	}
	return b, nil
}

// Close releases what the reader holds.
func (b *Reader) Close() { b.pack.Close() }

func (b *Reader) open(list string) error {
	h, err := readHead(b.r, list)
	if err != nil {
		return err
	}
	b.Head = *h
	var w weaver
	for _, n := range skeleton(h.From, h.To, h.Tree.Size) {
		var hash tlog.Hash
		if _, err := io.ReadFull(b.r, hash[:]); err != nil {
			return cut(err)
		}
		w.add(n, hash)
		b.skeleton = append(b.skeleton, hash)
		switch {
		case n.end() <= h.From:
			b.before = append(b.before, hash)
		case n.end() <= h.To:
			b.hashes[n.first()] = hash
		}
	}
	root, err := w.root(h.Tree.Size)
	if err != nil {
		return err
	}
	if root != h.Tree.Root {
		return fmt.Errorf("%w: its hashes", ErrProof)
	}
	return nil
}

// cut says that a bundle ends, or cannot be unpacked, where there should be more.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it is cut", ErrFormat)
	}
	return fmt.Errorf("%w: %w", ErrFormat, err)
}

// Each gives fn every leaf of the bundle, in order, each proven before fn sees it; after the last it proves that every missing body may be
// missing, which is why nothing of a bundle
// should be used for good before Each has gone through it once. hash is the leaf's. It reads the file once.
func (b *Reader) Each(fn func(i Item, hash tlog.Hash) error) error {
	if b.failed != nil {
		return b.failed
	}
	b.failed = fmt.Errorf("%w: it was read already", ErrFormat)
	err := chunks(b.From, b.To, func(from, to int64) error { return b.chunk(from, to, fn) })
	if err != nil {
		return err
	}
	return b.end()
}

// chunk reads and proves the leaves of one chunk, then reads and proves what stands beside them.
func (b *Reader) chunk(from, to int64, fn func(i Item, hash tlog.Hash) error) error {
	leaves := make([][]byte, 0, to-from)
	hashes := make([]tlog.Hash, 0, to-from)
	for range to - from {
		leaf, err := b.leaf()
		if err != nil {
			return err
		}
		leaves, hashes = append(leaves, leaf), append(hashes, ledger.LeafHash(leaf))
	}
	for _, n := range cover(from, to) {
		own := append([]tlog.Hash(nil), hashes[n.first()-from:n.end()-from]...)
		if top(own) != b.hashes[n.first()] {
			return fmt.Errorf("%w: leaves %d to %d", ErrProof, n.first(), n.end()-1)
		}
	}
	for i, leaf := range leaves {
		item := Item{Index: from + int64(i), Leaf: leaf}
		var err error
		if item.Mark, item.Salt, item.Raw, err = ledger.ReadItem(b.r); err != nil {
			return cut(err)
		}
		if item.Event, err = event.Open(item.Index, leaf, nil); errors.Is(err, event.ErrUnknown) {
			return fmt.Errorf("%w: leaf %d", ErrNewer, item.Index)
		} else if err != nil {
			return fmt.Errorf("%w: leaf %d: %w", ErrProof, item.Index, err)
		}
		if err := item.check(); err != nil {
			return err
		}
		if item.Mark == ledger.BodyErased {
			b.erased[item.Index] = true
		}
		if item.Event.Kind == event.BodyErased {
			delete(b.erased, *item.Event.Leaf)
		}
		if err := fn(item, hashes[i]); err != nil {
			return err
		}
	}
	return nil
}

// leaf reads one leaf with its length.
func (b *Reader) leaf() ([]byte, error) {
	var n [2]byte
	if _, err := io.ReadFull(b.r, n[:]); err != nil {
		return nil, cut(err)
	}
	leaf := make([]byte, binary.BigEndian.Uint16(n[:]))
	if _, err := io.ReadFull(b.r, leaf); err != nil {
		return nil, cut(err)
	}
	return leaf, nil
}

// end reads the erasures beyond the range, and demands that there is one for every body that is missing, and nothing behind them.
func (b *Reader) end() error {
	var word [4]byte
	if _, err := io.ReadFull(b.r, word[:]); err != nil {
		return cut(err)
	}
	n := binary.BigEndian.Uint32(word[:])
	if n > maxErasure {
		return fmt.Errorf("%w: %d erasures", ErrFormat, n)
	}
	for range n {
		if err := b.erasure(); err != nil {
			return err
		}
	}
	if _, err := b.r.ReadByte(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something stands behind its end", ErrFormat)
	}
	for leaf := range b.erased {
		return fmt.Errorf("%w: leaf %d", ErrWithheld, leaf)
	}
	return nil
}

func (b *Reader) erasure() error {
	var at [8]byte
	if _, err := io.ReadFull(b.r, at[:]); err != nil {
		return cut(err)
	}
	index := binary.BigEndian.Uint64(at[:])
	leaf, err := b.leaf()
	if err != nil {
		return err
	}
	count, err := b.r.ReadByte()
	if err != nil {
		return cut(err)
	}
	path := make(tlog.RecordProof, count)
	for i := range path {
		if _, err := io.ReadFull(b.r, path[i][:]); err != nil {
			return cut(err)
		}
	}
	if index >= uint64(b.Tree.Size) {
		return fmt.Errorf("%w: an erasure beyond the checkpoint", ErrProof)
	}
	if err := tlog.CheckRecord(path, b.Tree.Size, b.Tree.Root, int64(index), ledger.LeafHash(leaf)); err != nil {
		return fmt.Errorf("%w: the erasure at leaf %d", ErrProof, index)
	}
	e, err := event.Open(int64(index), leaf, nil)
	if err != nil || e.Kind != event.BodyErased {
		return fmt.Errorf("%w: leaf %d is no erasure", ErrProof, index)
	}
	delete(b.erased, *e.Leaf)
	return nil
}
