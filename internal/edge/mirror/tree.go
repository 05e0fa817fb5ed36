package mirror

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/continuity"
	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/spec/c2sp"
)

// tree is another copy's tree of one size and root. Whatever it answers is proven against that root by the tiles it fetches: a peer can keep an answer
// back, not make one up. It is safe for concurrent use.
type tree struct {
	continuity.Tree
	peer *Peer
	scan int64 // where to begin to look for the leaf that opened an epoch

	mu    sync.Mutex
	tiles map[tlog.Tile][]byte
}

var _ continuity.Copy = (*tree)(nil)

func newTree(p *Peer, t continuity.Tree, scan int64) *tree {
	return &tree{Tree: t, peer: p, scan: scan, tiles: map[tlog.Tile][]byte{}}
}

// keptTiles bounds the memory for tiles of the lowest level, which are met once; those above are few.
const keptTiles = 64

// tileReader fetches for one question. tlog.TileHashReader proves what it brings before anybody sees it, and tells by SaveTiles which it did.
type tileReader struct {
	ctx context.Context
	t   *tree
}

func (r tileReader) Height() int { return 8 }

func (r tileReader) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	r.t.mu.Lock()
	defer r.t.mu.Unlock()
	for i, tile := range tiles {
		if len(r.t.tiles) > keptTiles && tile.L == 0 {
			for old := range r.t.tiles {
				if old.L == 0 {
					delete(r.t.tiles, old)
				}
			}
		}
		r.t.tiles[tile] = data[i]
	}
}

func (r tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, tile := range tiles {
		r.t.mu.Lock()
		have := r.t.tiles[tile]
		r.t.mu.Unlock()
		if have == nil {
			var err error
			if have, err = r.t.peer.tile(r.ctx, tile.L, tile.N, tile.W); err != nil {
				return nil, err
			}
		}
		out[i] = have
	}
	return out, nil
}

// tile fetches the first width hashes of a tile. A partial one may be gone once there is a full one, which begins the same.
func (p *Peer) tile(ctx context.Context, level int, n int64, width int) ([]byte, error) {
	raw, err := p.get(ctx, "/"+c2sp.TilePath(level, n, width), maxTile)
	if errors.Is(err, ErrAbsent) && width < c2sp.Width {
		raw, err = p.get(ctx, "/"+c2sp.TilePath(level, n, c2sp.Width), maxTile)
	}
	if err != nil {
		return nil, err
	}
	if len(raw) < width*tlog.HashSize {
		return nil, fmt.Errorf("%w: tile %d/%d has %d bytes", ErrAnswer, level, n, len(raw))
	}
	return raw[:width*tlog.HashSize], nil
}

func (t *tree) hashes(ctx context.Context) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: t.Size, Hash: t.Root}, tileReader{ctx, t})
}

// RootAt is the root of the first size leaves.
func (t *tree) RootAt(ctx context.Context, size int64) (tlog.Hash, error) {
	switch {
	case size == t.Size:
		return t.Root, nil
	case size == 0:
		return ledger.Head{}.Root(), nil
	case size < 0 || size > t.Size:
		return tlog.Hash{}, fmt.Errorf("%w: size %d of %d", ledger.ErrSize, size, t.Size)
	}
	return tlog.TreeHash(size, t.hashes(ctx))
}

// ProveGrowth proves that the tree's first to leaves begin with its first from.
func (t *tree) ProveGrowth(ctx context.Context, from, to int64) (tlog.TreeProof, error) {
	return tlog.ProveTree(to, from, t.hashes(ctx))
}

// proven checks leaves, from index from on, against the tree. They lie in one bundle. ErrAnswer: they are not the tree's.
func (t *tree) proven(ctx context.Context, from int64, leaves [][]byte) error {
	mine := make([]tlog.Hash, len(leaves))
	for i, leaf := range leaves {
		mine[i] = ledger.LeafHash(leaf)
	}
	level, n := 0, from
	if len(leaves) == c2sp.Width && from%c2sp.Width == 0 {
		// A whole bundle is one hash of the level above: a tile less to fetch for each.
		for len(mine) > 1 {
			for i := range len(mine) / 2 {
				mine[i] = tlog.NodeHash(mine[2*i], mine[2*i+1])
			}
			mine = mine[:len(mine)/2]
		}
		level, n = 8, from/c2sp.Width
	}
	at := make([]int64, len(mine))
	for i := range at {
		at[i] = tlog.StoredHashIndex(level, n+int64(i))
	}
	theirs, err := t.hashes(ctx).ReadHashes(at)
	if err != nil {
		return fmt.Errorf("hashes of the leaves from %d: %w", from, err)
	}
	for i := range mine {
		if mine[i] != theirs[i] {
			return fmt.Errorf("%w: entries from leaf %d are not the ones in the signed tree", ErrAnswer, from)
		}
	}
	return nil
}

// leaves fetches leaves [from, to), which lie in one bundle, and proves them.
func (t *tree) leaves(ctx context.Context, from, to int64) ([][]byte, error) {
	n := from / c2sp.Width
	first := n * c2sp.Width
	width := int(min(t.Size-first, c2sp.Width))
	raw, err := t.peer.get(ctx, "/"+c2sp.TilePath(c2sp.Entries, n, width), maxEntries)
	if errors.Is(err, ErrAbsent) && width < c2sp.Width {
		raw, err = t.peer.get(ctx, "/"+c2sp.TilePath(c2sp.Entries, n, c2sp.Width), maxEntries)
	}
	if err != nil {
		return nil, err
	}
	all, err := c2sp.ParseBundle(raw)
	if err != nil || int64(len(all)) < to-first {
		return nil, fmt.Errorf("%w: entry bundle %d: %w", ErrAnswer, n, errors.Join(err, fmt.Errorf("%d entries", len(all))))
	}
	leaves := all[from-first : to-first]
	return leaves, t.proven(ctx, from, leaves)
}

// leafProof fetches a leaf with the proof that it stands in this tree, which signed is the checkpoint of.
func (t *tree) leafProof(ctx context.Context, signed []byte, index int64) ([]byte, error) {
	leaves, err := t.leaves(ctx, index, index+1)
	if err != nil {
		return nil, err
	}
	path, err := tlog.ProveRecord(t.Size, index, t.hashes(ctx))
	if err != nil {
		return nil, err
	}
	return continuity.LeafProof(signed, leaves[0], index, path), nil
}

// each calls fn with every leaf from index from on, proven.
func (t *tree) each(ctx context.Context, from int64, fn func(index int64, leaf []byte) error) error {
	for from < t.Size {
		to := min(t.Size, (from/c2sp.Width+1)*c2sp.Width)
		leaves, err := t.leaves(ctx, from, to)
		if err != nil {
			return err
		}
		for i, leaf := range leaves {
			if err := fn(from+int64(i), leaf); err != nil {
				return err
			}
		}
		from = to
	}
	return nil
}

var errFound = errors.New("mirror: found")

// Opening looks for the leaf that opened an epoch, from where this tree may differ from what is stored on.
func (t *tree) Opening(ctx context.Context, epoch int64) (found continuity.Opening, err error) {
	err = t.each(ctx, t.scan, func(index int64, leaf []byte) error {
		e, err := event.Open(index, leaf, nil)
		if err != nil || e.Kind != event.EpochOpened || e.Epoch != epoch {
			return nil //nolint:nilerr // a leaf that breaks rules is refused when it is taken in
		}
		var body []byte
		if e.Body != nil {
			item, err := t.peer.body(ctx, index)
			if err != nil {
				return err
			}
			doc, err := item.doc(*e.Body)
			if err == nil {
				body, err = doc.Bytes()
			}
			if err != nil {
				return fmt.Errorf("%w: body of leaf %d", ErrAnswer, index)
			}
		}
		if found, err = continuity.OpeningOf(index, e.Event, body); err != nil {
			return err
		}
		return errFound
	})
	switch {
	case errors.Is(err, errFound):
		return found, nil
	case err == nil:
		err = continuity.ErrNotOpened
	}
	return found, err
}
